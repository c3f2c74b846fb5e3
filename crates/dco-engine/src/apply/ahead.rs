//! Parked work of schedules that let it run ahead: a line of its own, from which goes what capacity nobody else has a use for.

use crate::engine::Engine;
use crate::state::batches::Phase;

impl Engine {
    /// Into the line of what may run ahead, where it may and is not there.
    pub(super) fn join_ahead(&mut self, activation: u32) {
        let batch = self.batches.batch_of(activation);
        let is_early = batch.large && batch.run_ahead && batch.day_start_us > self.now_us;
        let is_parked = self.batches.activation(activation).phase == Phase::Parked;
        if !is_early || !is_parked || self.ahead.slots.contains_key(&activation) {
            return;
        }
        if self.is_held_back(activation) {
            return;
        }
        let slot = self.ahead.queue.push(self.entry_of(activation));
        self.ahead.slots.insert(activation, slot);
    }

    /// Out of it, where it is in it.
    pub(super) fn leave_ahead(&mut self, activation: u32) {
        if let Some(slot) = self.ahead.slots.remove(&activation) {
            self.ahead.queue.remove(slot);
        }
    }

    /// Out of it and of its User's share of it, as the pick did it that is only known from its record.
    pub(super) fn take_ahead(&mut self, activation: u32) {
        if let Some(slot) = self.ahead.slots.remove(&activation) {
            self.ahead.queue.take(slot);
        }
    }
}
