use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    BlockLog,
    group::{Group, Item},
    growing::Growing,
    index::{Key, Place},
};
use crate::StoreError;

/// Bytes copied in one step, unless a single block has more: what an acknowledgement may have
/// to wait for.
const STEP_BYTES: u32 = 1024 * 1024;

/// A block, where it was, and its bytes.
type Copied = (Key, Place, Bytes);

/// What is being emptied.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    /// Blocks of one segment that are still to be copied, the first one last.
    left: Vec<(Key, Place)>,
    /// Segments that could not be read, which is no reason to close the log. They are tried
    /// again after the next start.
    unreadable: BTreeSet<u64>,
}

impl BlockLog {
    /// Does one step towards getting room back: segments without blocks are recycled, and the
    /// blocks of a sealed one that is less than half alive are copied, one mebibyte at a time.
    /// The copies are durable before the segment is let go, and the later copy counts, so each
    /// block is found once whenever the power goes. Returns whether another step may help.
    ///
    /// A segment with a damaged block is left as it is until the block is repaired or freed.
    ///
    /// # Errors
    /// [`StoreError::Disk`] closes the log for writing and reading.
    pub fn compact(&mut self) -> Result<bool, StoreError> {
        self.guarded(|log| {
            if log.pin.is_shared() {
                return Ok(false);
            }
            log.recycle()?;
            log.segments.sync_names()?;
            log.find_work();
            if log.compaction.left.is_empty() {
                return Ok(false);
            }
            let copies = log.next_copies()?;
            log.write_copies(&copies)
        })
    }

    /// Chooses the next segment once the one before is empty.
    fn find_work(&mut self) {
        if !self.compaction.left.is_empty() {
            return;
        }
        let growing = self.growing.as_ref().map(Growing::number);
        let victim = self.segments.mostly_dead().find(|number| {
            Some(*number) != growing
                && !self.compaction.unreadable.contains(number)
                && !self.shared.is_damaged(*number)
        });
        if let Some(number) = victim {
            self.compaction.left = self.shared.in_segment(number);
            self.compaction.left.reverse();
        }
    }

    /// The blocks of one step; those that were freed or cannot be read are left out.
    fn next_copies(&mut self) -> Result<Vec<Copied>, StoreError> {
        let mut copies: Vec<Copied> = Vec::new();
        let mut room = STEP_BYTES;
        while let Some((key, place)) = self
            .compaction
            .left
            .pop_if(|(_, place)| copies.is_empty() || place.bytes <= room)
        {
            if self.shared.place(key) != Some(place) {
                continue;
            }
            match self.shared.load(key) {
                Ok(bytes) => {
                    room = room.saturating_sub(place.bytes);
                    copies.push((key, place, bytes));
                }
                // It is marked, which is what keeps its segment.
                Err(StoreError::Damaged { .. }) => self.compaction.left.clear(),
                Err(StoreError::Disk { .. }) => {
                    self.compaction.unreadable.insert(place.segment);
                    self.compaction.left.clear();
                }
                Err(other) => return Err(other),
            }
        }
        Ok(copies)
    }

    fn write_copies(&mut self, copies: &[Copied]) -> Result<bool, StoreError> {
        // It gives room back, so it may borrow a segment of the reserve.
        let reserve_bytes = self
            .options
            .reserve_bytes
            .saturating_sub(self.options.block_segment_bytes);
        let mut group = Group::default();
        let mut goes_on = true;
        for (key, place, bytes) in copies {
            let item = Item {
                key: *key,
                bytes,
                crc32: place.crc32,
            };
            match self.add(&item, reserve_bytes, &mut group) {
                Ok(()) => self.done.compacted_bytes += u64::from(place.bytes),
                Err(StoreError::NoRoom { .. }) => {
                    self.compaction.left.clear();
                    goes_on = false;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        self.finish(group)?;
        Ok(goes_on)
    }
}
