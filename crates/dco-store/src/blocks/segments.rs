use std::collections::BTreeMap;

use super::index::Place;
use crate::{
    StoreError,
    disk::Folder,
    segment::{self, Log, SegmentHeader, Tail},
};

/// Files kept for reuse at most; writing into room that was written before is twice as fast.
/// What is freed beyond goes back to the file system.
const SPARE_MAX: usize = 8;

/// Which segments are in use, by how many blocks, and which files wait for reuse.
#[derive(Debug)]
pub(super) struct Segments {
    folder: Folder,
    /// Blocks held in each segment, those not yet synced included.
    blocks: BTreeMap<u64, u64>,
    /// Numbers that the files waiting for reuse last had.
    spare: Vec<u64>,
    /// The highest number ever used by a file that is still there: old frames in any of them
    /// belong to this number or a lower one.
    last: u64,
}

/// What the next segment is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// Bytes of a new file.
    pub(super) bytes: u64,
    /// Bytes of which the first block makes use; a spare file may be smaller than a new one.
    pub(super) least_bytes: u64,
    /// Bytes of the disk to leave alone.
    pub(super) reserve_bytes: u64,
}

/// A file that is to become a segment.
#[derive(Debug)]
pub(super) struct Fresh {
    file: String,
    len: u64,
}

impl Segments {
    pub(super) fn new(folder: Folder, spare: Vec<u64>) -> Self {
        let last = spare.last().copied().unwrap_or(0);
        Self {
            folder,
            blocks: BTreeMap::new(),
            spare,
            last,
        }
    }

    /// Adds a segment that was found in use, without blocks so far.
    pub(super) fn add(&mut self, number: u64) {
        self.blocks.insert(number, 0);
        self.last = self.last.max(number);
    }

    pub(super) fn occupy(&mut self, place: Place) {
        *self.blocks.entry(place.segment).or_default() += 1;
    }

    pub(super) fn release(&mut self, place: Place) {
        let blocks = self
            .blocks
            .get_mut(&place.segment)
            .expect("a held block's segment is in use");
        *blocks = blocks.checked_sub(1).expect("each block is released once");
    }

    /// Finds a file for the next segment: a spare one, or a new one if there is room beside the
    /// reserve.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`] if there is none; then nothing has changed.
    pub(super) fn prepare(&mut self, need: Need) -> Result<Fresh, StoreError> {
        for (at, number) in self.spare.iter().enumerate().rev() {
            let file = Log::Blocks.spare(*number);
            let len = self.folder.len(&file)?;
            if len >= need.least_bytes {
                self.spare.remove(at);
                return Ok(Fresh { file, len });
            }
        }
        self.create(need)
    }

    fn create(&self, need: Need) -> Result<Fresh, StoreError> {
        let len = need.bytes.max(need.least_bytes);
        let room_bytes = self.folder.room_bytes()?;
        let no_room = StoreError::NoRoom {
            needed_bytes: len,
            room_bytes,
            reserve_bytes: need.reserve_bytes,
        };
        if room_bytes.saturating_sub(need.reserve_bytes) < len {
            return Err(no_room);
        }
        let file = Log::Blocks.unfinished(self.last + 1);
        match self.folder.create(&file, len) {
            Ok(()) => Ok(Fresh { file, len }),
            // Somebody else was quicker, or the disk counts in another way than we do.
            Err(error) if error.is_full_disk() => Err(no_room),
            Err(error) => Err(error),
        }
    }

    /// Begins the next segment in a file that was found for it. The one before is sealed.
    pub(super) fn begin(&mut self, fresh: &Fresh, salt: u64) -> Result<Tail, StoreError> {
        let number = self.last + 1;
        let header = SegmentHeader {
            log: Log::Blocks,
            number,
            salt,
            first_seq: 0,
            chain: [0; 32],
        };
        segment::begin(&self.folder, &header, &fresh.file)?;
        self.add(number);
        Ok(Tail::new(&header, fresh.len))
    }

    /// Takes the segments without a block out of use, all but the one that grows.
    pub(super) fn recycle(&mut self, active: Option<u64>) -> Result<(), StoreError> {
        let unused: Vec<_> = self
            .blocks
            .iter()
            .filter(|(number, blocks)| **blocks == 0 && Some(**number) != active)
            .map(|(number, _)| *number)
            .collect();
        for number in &unused {
            self.blocks.remove(number);
            self.set_aside(*number)?;
        }
        if unused.is_empty() {
            Ok(())
        } else {
            self.folder.sync_folder()
        }
    }

    fn set_aside(&mut self, number: u64) -> Result<(), StoreError> {
        let file = Log::Blocks.segment(number);
        if self.spare.len() >= SPARE_MAX {
            return self.folder.remove(&file);
        }
        self.folder.rename(&file, &Log::Blocks.spare(number))?;
        self.spare.push(number);
        Ok(())
    }
}
