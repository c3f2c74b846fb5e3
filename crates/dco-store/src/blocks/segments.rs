use std::collections::BTreeMap;

use crate::{
    Options, StoreError,
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

    pub(super) fn occupy(&mut self, number: u64) {
        *self.blocks.entry(number).or_default() += 1;
    }

    pub(super) fn release(&mut self, number: u64) {
        let blocks = self
            .blocks
            .get_mut(&number)
            .expect("a held block's segment is in use");
        *blocks = blocks.checked_sub(1).expect("each block is released once");
    }

    /// Begins the next segment, in a spare file if there is one.
    pub(super) fn begin(&mut self, options: &Options) -> Result<Tail, StoreError> {
        let number = self.last + 1;
        let header = SegmentHeader {
            log: Log::Blocks,
            record_format: 0,
            number,
            salt: options.salt,
            first_seq: 0,
            chain: [0; 32],
        };
        match self.spare.pop() {
            Some(spare) => segment::begin(&self.folder, &header, &Log::Blocks.spare(spare))?,
            None => segment::create(&self.folder, &header, options.block_segment_bytes)?,
        }
        self.add(number);
        let len = self.folder.len(&Log::Blocks.segment(number))?;
        Ok(Tail::new(&header, len))
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
