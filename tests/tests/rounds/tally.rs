//! How much was acknowledged to anybody in a round.

use std::sync::Arc;

use tokio::sync::watch;

use super::moment::Moment;

/// Shared by all parties of a round.
#[derive(Clone)]
pub(super) struct Tally(Arc<watch::Sender<Counts>>);

#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    /// Blocks, requests, outcomes.
    pub(super) acknowledged: u64,
    /// Outcomes and refusals of a gateway, among those.
    pub(super) noted: u64,
    /// Images of which the last block was acknowledged.
    pub(super) complete: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Counts::default())))
    }

    /// So many more were acknowledged.
    pub(super) fn acknowledged(&self, count: usize) {
        self.0
            .send_modify(|counts| counts.acknowledged += count as u64);
    }

    /// What a gateway said of an attempt is noted.
    pub(super) fn noted(&self) {
        self.acknowledged(1);
        self.0.send_modify(|counts| counts.noted += 1);
    }

    /// An image is complete: it is read back now.
    pub(super) fn complete(&self) {
        self.0.send_modify(|counts| counts.complete += 1);
    }

    /// Waits until a moment's counts are there.
    pub(super) async fn reaches(&self, moment: &Moment) {
        let mut counts = self.0.subscribe();
        let reached = counts.wait_for(|counts| moment.is_reached(*counts)).await;
        reached.expect("this tally lives");
    }
}
