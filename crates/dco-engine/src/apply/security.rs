//! The security lane: its work stands in the ordinary line too, and leaves both at once.

use dco_block::Eui64;
use dco_schedule::{Micros, ServiceDate};

use crate::engine::Engine;
use crate::event::Scope;
use crate::record::DayOpened;
use crate::state::batches::Phase;

impl Engine {
    /// Into the lane, where it may go through it and is in the ordinary line.
    pub(super) fn join_security(&mut self, activation: u32) {
        let batch = self.batches.batch_of(activation);
        let is_queued = matches!(
            self.batches.activation(activation).phase,
            Phase::Queued(Some(_))
        );
        if batch.large && batch.security && is_queued {
            let slot = self.security.queue.push(self.entry_of(activation));
            self.security.slots.insert(activation, slot);
        }
    }

    /// Out of it, where it is in it.
    pub(super) fn leave_security(&mut self, activation: u32) {
        if let Some(slot) = self.security.slots.remove(&activation) {
            self.security.queue.remove(slot);
        }
    }

    /// It leaves through the lane: out of it and of its User's turn in it, and out of the ordinary line, in which it has no turn.
    pub(super) fn take_security(&mut self, activation: u32) {
        let user = self.batches.batch_of(activation).user;
        let ready = self.ready_by_weight();
        self.security.displaced.serve(user, &ready);
        if let Some(slot) = self.security.slots.remove(&activation) {
            self.security.queue.take(slot);
        }
        self.dequeue(activation);
    }

    /// Users with work in the ordinary line that are not paused, and their weights.
    fn ready_by_weight(&self) -> Vec<(Eui64, u32)> {
        let users = self.large.users();
        let ready = users.filter(|user| !self.dispatch.is_paused(Scope::User(*user)));
        let weights = self.days.today.as_ref().map(|today| &today.weights);
        let weight = |user| weights.and_then(|weights| weights.get(&user)).copied();
        ready
            .map(|user| (user, weight(user).unwrap_or(0)))
            .collect()
    }

    /// Whom the lane displaced on the day before is told, and has so much more of the new one.
    pub(super) fn repay(&mut self, at_us: Micros, record: &DayOpened) {
        self.security.displaced = crate::state::security::Displacement::default();
        for repaid in &record.repaid {
            let user = Eui64::from_bits(repaid.user);
            self.grow_share(user, repaid.units);
            self.note_displaced(
                user,
                at_us,
                (ServiceDate::from_days(repaid.date), repaid.units),
            );
        }
    }
}
