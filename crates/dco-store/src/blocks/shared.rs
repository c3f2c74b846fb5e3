use std::sync::{
    Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;

use super::{
    BlockStats, HeldBlock,
    index::{Index, Key, Place},
};
use crate::{StoreError, codec::in_memory, disk::Folder, frame::FRAME_HEADER_LEN, segment::Log};

/// What the one writer and all readers have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: Folder,
    index: RwLock<Index>,
    stats: Mutex<BlockStats>,
    is_closed: AtomicBool,
}

impl Shared {
    pub(super) fn new(folder: Folder, index: Index) -> Self {
        Self {
            folder,
            index: RwLock::new(index),
            stats: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    pub(super) fn held(&self) -> Vec<HeldBlock> {
        self.index().held().collect()
    }

    pub(super) fn place(&self, key: Key) -> Option<Place> {
        self.index().get(key)
    }

    pub(super) fn next_after(&self, after: Option<Key>) -> Option<(Key, Place)> {
        self.index().next_after(after)
    }

    pub(super) fn in_segment(&self, number: u64) -> Vec<(Key, Place)> {
        self.index().in_segment(number)
    }

    /// Whether a damaged block stands in the segment.
    pub(super) fn is_damaged(&self, number: u64) -> bool {
        self.index().damaged().any(|place| place.segment == number)
    }

    /// Adds blocks that are durable; returns where older ones of the same names were.
    pub(super) fn insert(&self, blocks: impl Iterator<Item = (Key, Place)>) -> Vec<Place> {
        let mut index = self.index_mut();
        blocks
            .filter_map(|(key, place)| index.insert(key, place))
            .collect()
    }

    pub(super) fn remove(&self, owner: u64) -> Vec<Place> {
        self.index_mut().remove_all(owner)
    }

    /// The checked bytes of a block. One that is found damaged is marked, and from then on
    /// called damaged without another look.
    pub(super) fn load(&self, key: Key) -> Result<Bytes, StoreError> {
        loop {
            if self.is_closed.load(Ordering::Acquire) {
                return Err(StoreError::Closed);
            }
            let (place, is_damaged) = self.find(key)?;
            if is_damaged {
                return Err(damaged(place, CHANGED));
            }
            let fetched = self.fetch(place);
            // Freed, moved or used again meanwhile: then the bytes, or their absence, mean nothing.
            if self.place(key) == Some(place) {
                if matches!(fetched, Err(StoreError::Damaged { .. })) {
                    self.index_mut().mark(key, place);
                }
                return fetched;
            }
        }
    }

    pub(super) fn publish(&self, stats: BlockStats) {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }

    pub(super) fn stats(&self) -> BlockStats {
        BlockStats {
            damaged_blocks: self.index().damaged().len() as u64,
            ..*self.stats.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    fn find(&self, key: Key) -> Result<(Place, bool), StoreError> {
        let index = self.index();
        let place = index.get(key).ok_or(StoreError::NotHeld {
            owner: key.0,
            index: key.1,
        })?;
        Ok((place, index.is_damaged(key)))
    }

    fn fetch(&self, place: Place) -> Result<Bytes, StoreError> {
        let file = Log::Blocks.segment(place.segment);
        let mut bytes = vec![0; in_memory(place.bytes)];
        let offset = place.offset + FRAME_HEADER_LEN;
        match self.folder.read_at(&file, offset, &mut bytes) {
            Err(error) if error.is_end_of_file() => {
                return Err(damaged(place, "the file ends before this block does"));
            }
            done => done?,
        }
        if crc32fast::hash(&bytes) != place.crc32 {
            return Err(damaged(place, CHANGED));
        }
        Ok(bytes.into())
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

const CHANGED: &str = "the bytes of a block are not those that were written";

fn damaged(place: Place, what: &'static str) -> StoreError {
    StoreError::Damaged {
        file: Log::Blocks.segment(place.segment),
        offset: place.offset,
        what,
    }
}
