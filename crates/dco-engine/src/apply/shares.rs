//! Each User's share of a service day: what it has sent for it, and what it carried over.

use dco_block::Eui64;

use crate::engine::Engine;
use crate::state::batches::Phase;

impl Engine {
    /// What each User with open batches brings into a new service day: what waits, or waits to be tried again.
    /// Others begin the day when they send.
    pub(super) fn carried_over(&self) -> Vec<(Eui64, u32)> {
        let users = self.batches.open().map(|(user, batches)| {
            let counts = batches
                .filter(|batch| batch.large)
                .map(|batch| batch.counts);
            let waiting = counts.map(|it| it.queued.saturating_add(it.retry_wait));
            (user, waiting.fold(0, u32::saturating_add))
        });
        users.collect()
    }

    pub(super) fn grow_share(&mut self, user: Eui64, count: u32) {
        if let Some(weight) = self.days.add_weight(user, count) {
            self.large.set_weight(user, weight);
            self.tallies.weigh(user, weight);
        }
    }

    /// What is cancelled before it was ever released has no share: otherwise sending and cancelling would make one.
    pub(super) fn shrink_share(&mut self, user: Eui64, count: u32) {
        if let Some(weight) = self.days.take_weight(user, count) {
            self.large.set_weight(user, weight);
            self.tallies.weigh(user, weight);
        }
    }

    /// Whether this activation is part of its User's share of today without having had any of it.
    pub(super) fn has_unused_share(&self, activation: u32) -> bool {
        let item = self.batches.activation(activation);
        let large = self.batches.get(item.batch).large;
        large && item.attempt == 0 && matches!(item.phase, Phase::Queued(_))
    }
}
