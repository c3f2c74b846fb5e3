//! What the store's threads and the driver tell each other. Everything here is a value that is replaced or
//! grows by what is on disk: nobody ever waits for the other side to read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dco_block::IndexRanges;
use dco_engine::Seq;
use dco_store::StoreError;
use tokio::sync::watch;

/// How the store stands.
#[derive(Debug, Clone)]
pub(super) struct StoreState {
    /// The newest durable record.
    pub durable: Seq,
    /// The first failure; nothing is durable after it.
    pub failure: Option<Arc<StoreError>>,
}

/// Where the store's two threads say how it stands.
#[derive(Debug)]
pub(super) struct StoreWatch(Arc<watch::Sender<StoreState>>);

impl StoreWatch {
    pub(super) fn new(durable: Seq) -> (Self, watch::Receiver<StoreState>) {
        let failure = None;
        let (state, watched) = watch::channel(StoreState { durable, failure });
        (Self(Arc::new(state)), watched)
    }

    /// What the journal's thread calls after each commit.
    pub(super) fn on_durable(
        &self,
    ) -> impl FnMut(Result<Seq, StoreError>) + Send + 'static + use<> {
        let state = Arc::clone(&self.0);
        move |outcome| match outcome {
            Ok(seq) => state.send_modify(|state| state.durable = seq),
            Err(error) => fail(&state, error),
        }
    }

    /// What the block log's thread calls when it can write no more.
    pub(super) fn on_failure(&self) -> impl FnMut(StoreError) + Send + 'static + use<> {
        let state = Arc::clone(&self.0);
        move |error| fail(&state, error)
    }
}

fn fail(state: &watch::Sender<StoreState>, error: StoreError) {
    state.send_modify(|state| {
        state.failure.get_or_insert_with(|| Arc::new(error));
    });
}

/// Blocks that have become durable and that the engine has not been told of. It holds at most the
/// blocks of the open transfers, as ranges.
#[derive(Debug, Clone)]
pub(crate) struct Landed(Arc<watch::Sender<BTreeMap<u64, IndexRanges>>>);

impl Landed {
    /// None, and what the driver waits at.
    pub(crate) fn new() -> (Self, watch::Receiver<BTreeMap<u64, IndexRanges>>) {
        let (sender, receiver) = watch::channel(BTreeMap::new());
        (Self(Arc::new(sender)), receiver)
    }

    /// A block is durable. Never waits.
    pub(crate) fn add(&self, owner: u64, index: u32) {
        self.0.send_modify(|blocks| {
            blocks.entry(owner).or_default().insert(index);
        });
    }

    pub(super) fn take(&self) -> BTreeMap<u64, IndexRanges> {
        let mut taken = BTreeMap::new();
        self.0.send_if_modified(|blocks| {
            taken = std::mem::take(blocks);
            false
        });
        taken
    }
}

/// Owners in the block log that were freed since the service started: one number for each transfer
/// that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Freed(Arc<watch::Sender<BTreeSet<u64>>>);

impl Freed {
    /// None.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeSet::new())))
    }

    pub(super) fn add(&self, owner: u64) {
        self.0.send_modify(|owners| {
            owners.insert(owner);
        });
    }

    /// Whether blocks put under this owner would be of no use.
    pub(crate) fn contains(&self, owner: u64) -> bool {
        self.0.borrow().contains(&owner)
    }
}
