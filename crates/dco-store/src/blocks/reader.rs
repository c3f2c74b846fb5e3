use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;

use super::{
    HeldBlock,
    index::{Index, Key, Place},
};
use crate::{StoreError, codec::in_memory, disk::Folder, frame::FRAME_HEADER_LEN, segment::Log};

/// Reads blocks that are on disk. Clones share everything.
#[derive(Debug, Clone)]
pub struct BlockReader {
    shared: Arc<Shared>,
}

/// What the one writer and all readers have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: Folder,
    index: RwLock<Index>,
    is_closed: AtomicBool,
}

impl BlockReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The bytes of a durable block, checked against their CRC-32 on the way.
    ///
    /// # Errors
    /// [`StoreError::NotHeld`], [`StoreError::Damaged`] if the bytes changed on the disk,
    /// [`StoreError::Disk`], and [`StoreError::Closed`] after the log failed.
    pub fn read(&self, owner: u64, index: u32) -> Result<Bytes, StoreError> {
        if self.shared.is_closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let key = (owner, index);
        let not_held = StoreError::NotHeld { owner, index };
        let Some(place) = self.shared.place(key) else {
            return Err(not_held);
        };
        let fetched = self.shared.fetch(place);
        // Freed and recycled meanwhile: then the bytes, or their absence, mean nothing.
        if self.shared.place(key) == Some(place) {
            fetched
        } else {
            Err(not_held)
        }
    }
}

impl Shared {
    pub(super) fn new(folder: Folder, index: Index) -> Self {
        Self {
            folder,
            index: RwLock::new(index),
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

    pub(super) fn insert(&self, places: impl Iterator<Item = (Key, Place)>) {
        let mut index = self.index_mut();
        for (key, place) in places {
            index.insert(key, place);
        }
    }

    pub(super) fn remove(&self, owner: u64) -> Vec<Place> {
        self.index_mut().remove_all(owner)
    }

    pub(super) fn fetch(&self, place: Place) -> Result<Bytes, StoreError> {
        let file = Log::Blocks.segment(place.segment);
        let mut bytes = vec![0; in_memory(place.bytes)];
        self.folder
            .read_at(&file, place.offset + FRAME_HEADER_LEN, &mut bytes)?;
        if crc32fast::hash(&bytes) != place.crc32 {
            let what = "the bytes of a block are not those that were written";
            return Err(StoreError::Damaged {
                file,
                offset: place.offset,
                what,
            });
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
