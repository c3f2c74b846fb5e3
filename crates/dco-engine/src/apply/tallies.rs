//! What the tallies are told: work that is ready comes and goes, and days begin.

use crate::engine::Engine;
use crate::state::batches::Phase;

impl Engine {
    /// A service day has been opened, or has another capacity or pace.
    pub(super) fn tally_day(&mut self, is_new: bool) {
        let Some(today) = &self.days.today else {
            return;
        };
        let capacity = self.days.ledger.capacity(today.day.date).unwrap_or(0);
        let pace = today.bucket.pace().clone();
        if is_new {
            self.tallies.begin(today.day, pace, capacity);
        } else {
            self.tallies.repace(pace, capacity);
        }
    }

    /// So many activations of a batch have come into their line.
    pub(super) fn tally_arrival(&mut self, batch: u32, count: u32) {
        let batch = self.batches.get(batch);
        if batch.large && count > 0 {
            self.tallies.arrive(batch.user, count);
        }
    }

    /// An activation has left its line without being released.
    pub(super) fn tally_departure(&mut self, activation: u32) {
        let batch = self.batches.batch_of(activation);
        if batch.large {
            self.tallies.leave(batch.user);
        }
    }

    /// Whether an activation is in its line, or was until it was picked a moment ago: what replay still finds there.
    pub(super) fn is_in_line(&self, activation: u32) -> bool {
        match self.batches.activation(activation).phase {
            Phase::Queued(Some(_)) => true,
            Phase::Queued(None) => !self.is_held_back(activation),
            _ => false,
        }
    }
}
