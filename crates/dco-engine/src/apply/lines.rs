//! The lines in which activations wait, and how time moves them in and out.

use dco_block::Eui64;
use dco_dispatch::Entry;

use crate::engine::{Engine, Queue};
use crate::state::batches::Phase;
use crate::state::lanes::Lane;
use crate::state::timers::Wake;

impl Engine {
    /// What time does by itself. In replay it is asked before each record, live before each event, so that
    /// both see the same order.
    pub(crate) fn pass_time(&mut self) {
        while let Some((due_us, wake)) = self.wakes.pop_due(self.now_us) {
            // In replay it is later by the time it is asked.
            self.tallies.at(due_us);
            match wake {
                Wake::Unpark { batch } => {
                    self.unpark(batch);
                    self.tell_if_live(batch);
                }
                Wake::Requeue { activation } => self.requeue(activation),
            }
        }
    }

    fn unpark(&mut self, batch: u32) {
        let queued = self.enqueue_parked(batch);
        self.batches.note_changes(batch, &queued);
    }

    /// All of a batch that are parked; which they are.
    pub(super) fn enqueue_parked(&mut self, batch: u32) -> Vec<u32> {
        let all = self.batches.get(batch).activations();
        let parked = |it: &u32| self.batches.activation(*it).phase == Phase::Parked;
        let parked: Vec<u32> = all.filter(parked).collect();
        let mut in_line = 0;
        for activation in &parked {
            self.leave_ahead(*activation);
            in_line += u32::from(self.enqueue(*activation));
        }
        self.tally_arrival(batch, in_line);
        parked
    }

    fn requeue(&mut self, activation: u32) {
        let phase = self.batches.activation(activation).phase;
        if matches!(phase, Phase::RetryWait { until_us } if until_us <= self.now_us) {
            self.enqueue_one(activation);
            self.batches.note_change(activation);
            self.tell_if_live(self.batches.activation(activation).batch);
        }
    }

    /// At start-up nobody watches yet.
    fn tell_if_live(&mut self, batch: u32) {
        if self.started {
            self.batch_changed(batch);
        }
    }

    /// Into its line by itself.
    pub(super) fn enqueue_one(&mut self, activation: u32) {
        let in_line = self.enqueue(activation);
        let batch = self.batches.activation(activation).batch;
        self.tally_arrival(batch, in_line.into());
    }

    /// Puts an activation into its line, at its gateway as the inventory has it now. Answers whether it is there, and not held
    /// back.
    fn enqueue(&mut self, activation: u32) -> bool {
        let item = self.batches.activation(activation);
        let batch = self.batches.get(item.batch);
        if self.is_held_back(activation) {
            self.batches.set_phase(activation, Phase::Queued(None));
            return false;
        }
        let large = batch.large;
        let entry = self.entry_of(activation);
        let slot = self.line_of(large).push(entry);
        self.batches
            .set_phase(activation, Phase::Queued(Some(slot)));
        self.join_security(activation);
        true
    }

    /// What it is in any line.
    pub(super) fn entry_of(&self, activation: u32) -> Entry<Eui64, Lane, u32> {
        let batch = self.batches.batch_of(activation);
        Entry {
            user: batch.user,
            lane: self.lane_of(activation),
            due_us: batch.due_us,
            order: activation,
            key: activation,
        }
    }

    /// Its gateway as the inventory has it now, in the hours of its schedule.
    fn lane_of(&self, activation: u32) -> Lane {
        let item = self.batches.activation(activation);
        Lane {
            gateway: self.gateway_of(item.device),
            window: self.batches.get(item.batch).window,
        }
    }

    /// Out of its line, where it is in one, until it may be released again.
    pub(super) fn hold_back(&mut self, activation: u32) {
        self.leave_ahead(activation);
        if let Phase::Queued(Some(_)) = self.batches.activation(activation).phase {
            self.dequeue(activation);
            self.tally_departure(activation);
            self.batches.set_phase(activation, Phase::Queued(None));
        }
    }

    /// Back into its line, where it was held back.
    pub(super) fn let_go_on(&mut self, activation: u32) {
        match self.batches.activation(activation).phase {
            Phase::Queued(None) => self.enqueue_one(activation),
            Phase::Parked => self.join_ahead(activation),
            _ => {}
        }
    }

    /// A Device that has left the inventory waits at a gateway that never connects.
    fn gateway_of(&self, device: u32) -> Eui64 {
        self.inventory
            .known(device)
            .map_or(Eui64::from_bits(0), |known| known.gateway)
    }

    /// A place at a gateway may have become free.
    pub(crate) fn wake_gateway(&mut self, gateway: Eui64) {
        for window in self.batches.windows() {
            let lane = Lane { gateway, window };
            self.large.wake_lane(lane);
            self.security.queue.wake_lane(lane);
            self.ahead.queue.wake_lane(lane);
            self.small.wake_lane(lane);
        }
    }

    fn line_of(&mut self, large: bool) -> &mut Queue {
        if large {
            &mut self.large
        } else {
            &mut self.small
        }
    }

    /// Into the line of the gateway that it is behind now, if it is in one.
    pub(super) fn queue_again(&mut self, activation: u32) {
        if self.ahead.slots.contains_key(&activation) {
            self.leave_ahead(activation);
            self.join_ahead(activation);
        }
        if let Phase::Queued(Some(_)) = self.batches.activation(activation).phase {
            self.dequeue(activation);
            self.enqueue(activation);
        }
    }

    /// Out of the line, and out of its User's share of it, as the pick did it that is only known from its record.
    pub(super) fn take_its_turn(&mut self, activation: u32) {
        self.leave_security(activation);
        let large = self.batches.batch_of(activation).large;
        if let Phase::Queued(Some(slot)) = self.batches.activation(activation).phase {
            self.line_of(large).take(slot);
        }
    }

    /// Out of the line, if it is in one, and of the security lane with it.
    pub(super) fn dequeue(&mut self, activation: u32) {
        self.leave_security(activation);
        let large = self.batches.batch_of(activation).large;
        if let Phase::Queued(Some(slot)) = self.batches.activation(activation).phase {
            self.line_of(large).remove(slot);
        }
    }
}
