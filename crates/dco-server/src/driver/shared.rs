//! What the store's threads and the driver tell each other. Everything here is a value that is replaced or
//! grows by what is on disk: nobody ever waits for the other side to read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dco_block::IndexRanges;
use dco_engine::Seq;
use dco_store::StoreError;
use tokio::sync::watch;

use crate::status::Fault;

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
        let witness = Witness(Arc::clone(&self.0));
        move |outcome| match outcome {
            Ok(seq) => witness.0.send_modify(|state| state.durable = seq),
            Err(error) => witness.fail(error),
        }
    }

    /// What the block log's thread calls when it can write no more.
    pub(super) fn on_failure(&self) -> impl FnMut(StoreError) + Send + 'static + use<> {
        let witness = Witness(Arc::clone(&self.0));
        move |error| witness.fail(error)
    }
}

/// Held by a thread of the store. However that thread ends, the driver learns of it: nobody must wait for
/// a sync that never comes.
struct Witness(Arc<watch::Sender<StoreState>>);

impl Witness {
    /// The first failure counts.
    fn fail(&self, error: StoreError) {
        self.0.send_modify(|state| {
            state.failure.get_or_insert_with(|| Arc::new(error));
        });
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.fail(StoreError::Closed);
    }
}

/// Blocks that have become durable and that the engine has not been told of. It holds at most the
/// blocks of the open transfers, as ranges.
#[derive(Debug, Clone)]
pub(crate) struct Landed(Arc<watch::Sender<BTreeMap<u64, IndexRanges>>>);

impl Landed {
    /// None, and what the driver waits at.
    fn new() -> (Self, watch::Receiver<BTreeMap<u64, IndexRanges>>) {
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

/// Owners in the block log of whom no more blocks are taken, since the service started: one number for each transfer
/// that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Freed(Arc<watch::Sender<BTreeSet<u64>>>);

impl Freed {
    /// None.
    fn new() -> Self {
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

/// What was found wrong with the disk and the engine has not been told: blocks that are damaged, and that it is full.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    finds: Arc<watch::Sender<Finds>>,
    /// The last block that needed room found none.
    was_full: Arc<AtomicBool>,
}

/// See [`Found`].
#[derive(Debug, Default)]
pub(crate) struct Finds {
    pub(super) damaged: BTreeSet<(u64, u32)>,
    pub(crate) is_full: bool,
}

impl Found {
    /// Nothing, and what the driver waits at.
    fn new() -> (Self, watch::Receiver<Finds>) {
        let (sender, receiver) = watch::channel(Finds::default());
        let found = Self {
            finds: Arc::new(sender),
            was_full: Arc::default(),
        };
        (found, receiver)
    }

    /// A block is not what was written, or is not there: whoever finds that says so here, and the engine sees to it.
    pub(crate) fn is_damaged(&self, owner: u64, index: u32) {
        self.finds.send_modify(|finds| {
            finds.damaged.insert((owner, index));
        });
    }

    /// A block was refused for want of room. Says whether that is news for the log, which lies on the same disk more
    /// often than not: senders try again and again.
    pub(crate) fn is_full(&self) -> bool {
        self.finds.send_modify(|finds| finds.is_full = true);
        !self.was_full.swap(true, Ordering::Relaxed)
    }

    /// A block found room.
    pub(crate) fn has_room(&self) {
        self.was_full.store(false, Ordering::Relaxed);
    }

    /// What a reader of an image is told when a block cannot be read. The details are for the log, and damage for the
    /// engine.
    pub(crate) fn fault_of_read(&self, owner: u64, index: u32, error: &StoreError) -> Fault {
        match error {
            // Freed while it was being read, which the engine knows; or lost.
            StoreError::NotHeld { .. } => {
                self.is_damaged(owner, index);
                Fault::image_gone()
            }
            StoreError::Damaged { .. } => {
                tracing::error!(owner, block.index = index, %error, "a stored block is damaged");
                self.is_damaged(owner, index);
                Fault::stored_block_corrupt(index)
            }
            StoreError::Closed => Fault::store_closed(),
            _ => {
                tracing::error!(owner, block.index = index, %error, "a stored block cannot be read");
                Fault::stored_block_unread(index)
            }
        }
    }

    pub(crate) fn take(&self) -> Finds {
        let mut taken = Finds::default();
        self.finds.send_if_modified(|finds| {
            taken = std::mem::take(finds);
            false
        });
        taken
    }
}

/// What goes on between the block log and the engine.
#[derive(Debug, Clone)]
pub(crate) struct StoreNews {
    /// Blocks that are durable.
    pub landed: Landed,
    /// Owners of whom no more blocks are taken.
    pub freed: Freed,
    /// What was found wrong.
    pub found: Found,
}

impl StoreNews {
    /// None, and what the driver waits at.
    pub(crate) fn new() -> (
        Self,
        watch::Receiver<BTreeMap<u64, IndexRanges>>,
        watch::Receiver<Finds>,
    ) {
        let (landed, landings) = Landed::new();
        let (found, finds) = Found::new();
        let news = Self {
            landed,
            freed: Freed::new(),
            found,
        };
        (news, landings, finds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_kept_and_a_thread_that_ends_is_one() {
        let (watch, state) = StoreWatch::new(7);
        let mut on_durable = watch.on_durable();
        let mut on_failure = watch.on_failure();
        on_durable(Ok(9));
        assert_eq!(state.borrow().durable, 9);
        assert!(state.borrow().failure.is_none());
        let not_held = StoreError::NotHeld { owner: 1, index: 2 };
        on_failure(not_held);
        drop((on_durable, on_failure));
        let failure = state.borrow().failure.clone().unwrap();
        assert!(matches!(*failure, StoreError::NotHeld { .. }));

        let (watch, state) = StoreWatch::new(0);
        drop(watch.on_durable());
        let failure = state.borrow().failure.clone().unwrap();
        assert!(matches!(*failure, StoreError::Closed));
    }

    #[test]
    fn what_was_found_is_taken_once_and_damage_is_told_to_the_engine() {
        let (found, mut finds) = Found::new();
        let damaged = StoreError::Damaged {
            file: "blocks".to_owned(),
            offset: 1,
            what: "a block",
        };
        let not_held = StoreError::NotHeld { owner: 1, index: 2 };
        let unread = StoreError::Disk {
            doing: "reading",
            file: "blocks".to_owned(),
            offset: Some(1),
            source: std::io::Error::other("as a disk says it"),
        };
        let reasons = [
            (2, &damaged),
            (3, &not_held),
            (2, &damaged),
            (4, &unread),
            (4, &StoreError::Closed),
        ]
        .map(|(index, error)| found.fault_of_read(1, index, error).reason());
        let expected = [
            "STORED_BLOCK_CORRUPT",
            "IMAGE_NOT_FOUND",
            "STORED_BLOCK_CORRUPT",
            "STORED_BLOCK_UNREAD",
            "STORE_CLOSED",
        ];
        assert_eq!(reasons, expected);
        assert!(found.is_full() && !found.is_full(), "news only once");
        found.has_room();
        assert!(found.is_full());
        assert!(finds.has_changed().unwrap());
        finds.mark_unchanged();
        let taken = found.take();
        assert_eq!(
            (taken.damaged, taken.is_full),
            ([(1, 2), (1, 3)].into(), true)
        );
        let nothing = found.take();
        assert!(nothing.damaged.is_empty() && !nothing.is_full);
        assert!(!finds.has_changed().unwrap());
    }

    #[test]
    fn landed_blocks_are_taken_once_and_the_driver_is_woken_by_new_ones_only() {
        let (landed, mut landings) = Landed::new();
        landed.add(1, 5);
        landed.add(1, 6);
        landed.add(2, 0);
        assert!(landings.has_changed().unwrap());
        landings.mark_unchanged();
        let mut taken = landed.take();
        assert_eq!(taken.remove(&1).unwrap().take(), [5..=6]);
        assert_eq!(taken.remove(&2).unwrap().take(), [0..=0]);
        assert!(landed.take().is_empty());
        assert!(!landings.has_changed().unwrap());
    }
}
