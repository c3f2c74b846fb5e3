use std::sync::Arc;

use bytes::Bytes;

use super::{BlockStats, shared::Shared};
use crate::StoreError;

/// Reads blocks that are on disk. Clones share everything.
#[derive(Debug, Clone)]
pub struct BlockReader {
    shared: Arc<Shared>,
}

/// What a look at one block found.
#[derive(Debug)]
pub struct Scrubbed {
    /// Who owns the block.
    pub owner: u64,
    /// Its index in the image.
    pub index: u32,
    /// How many bytes were looked at.
    pub bytes: u32,
    /// [`StoreError::Damaged`] if they are not those that were written, [`StoreError::Disk`] if
    /// they could not be read.
    pub result: Result<(), StoreError>,
}

impl BlockReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The bytes of a durable block, checked against their CRC-32 on the way. A block found
    /// damaged stays so until the same block is put again or its owner is freed.
    ///
    /// # Errors
    /// [`StoreError::NotHeld`], [`StoreError::Damaged`] if the bytes changed on the disk,
    /// [`StoreError::Disk`], and [`StoreError::Closed`] after the log failed.
    pub fn read(&self, owner: u64, index: u32) -> Result<Bytes, StoreError> {
        self.shared.load((owner, index))
    }

    /// Checks the first held block behind `after` (owner and index), or the first of all.
    /// Nothing at the end. The caller sets the pace, and begins again when it likes.
    pub fn scrub(&self, after: Option<(u64, u32)>) -> Option<Scrubbed> {
        let mut after = after;
        loop {
            let (key, place) = self.shared.next_after(after)?;
            let result = self.shared.load(key).map(drop);
            if !matches!(result, Err(StoreError::NotHeld { .. })) {
                return Some(Scrubbed {
                    owner: key.0,
                    index: key.1,
                    bytes: place.bytes,
                    result,
                });
            }
            // Freed meanwhile.
            after = Some(key);
        }
    }

    /// What the log has done since it was opened, and what it holds.
    pub fn stats(&self) -> BlockStats {
        self.shared.stats()
    }
}
