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

/// What the journal's thread calls, what the block log's thread calls, and what the driver watches.
pub(super) fn watch_store(
    durable: Seq,
) -> (
    impl FnMut(Result<Seq, StoreError>) + Send + 'static,
    impl FnMut(StoreError) + Send + 'static,
    watch::Receiver<StoreState>,
) {
    let (state, watched) = watch::channel(StoreState {
        durable,
        failure: None,
    });
    let state = Arc::new(state);
    let of_blocks = Arc::clone(&state);
    let on_durable = move |outcome| match outcome {
        Ok(seq) => state.send_modify(|state| state.durable = seq),
        Err(error) => fail(&state, error),
    };
    let on_failure = move |error| fail(&of_blocks, error);
    (on_durable, on_failure, watched)
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
    pub(super) fn new() -> (Self, watch::Receiver<BTreeMap<u64, IndexRanges>>) {
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
    pub(super) fn new() -> Self {
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
