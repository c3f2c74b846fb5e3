use std::collections::BTreeMap;

use super::{BlockStats, index::Place};
use crate::{
    StoreError,
    disk::Folder,
    segment::{self, Log, SegmentHeader, Tail},
};

/// Files kept for reuse at most; writing into room that was written before is twice as fast.
/// What is freed beyond goes back to the file system.
const SPARE_MAX: usize = 8;

/// Which segments are in use, how much of them, and which files wait for reuse.
#[derive(Debug)]
pub(super) struct Segments {
    folder: Folder,
    /// Each segment in use.
    used: BTreeMap<u64, Usage>,
    /// Numbers that the files waiting for reuse last had.
    spare: Vec<u64>,
    /// The next segment, if it was begun ahead. It holds nothing.
    ready: Option<Tail>,
    /// Whether a power cut may still forget that files are not in use any more. It must not once
    /// one of them is written to, which under its old name would be damage.
    has_unsynced_names: bool,
    /// The highest number ever used by a file that is still there: old frames in any of them
    /// belong to this number or a lower one.
    last: u64,
}

/// How much of a segment is in use, what is not yet synced included.
#[derive(Debug, Default)]
struct Usage {
    blocks: u64,
    alive_bytes: u64,
    dead_bytes: u64,
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
            used: BTreeMap::new(),
            spare,
            ready: None,
            has_unsynced_names: false,
            last,
        }
    }

    /// Adds a segment that was found in use, without blocks so far. A spare file of the same number
    /// is somebody's copy, and is replaced when the segment becomes one.
    pub(super) fn add(&mut self, number: u64) {
        self.spare.retain(|spare| *spare != number);
        self.used.insert(number, Usage::default());
        self.last = self.last.max(number);
    }

    /// Adds a segment that was found begun ahead.
    pub(super) fn add_ready(&mut self, tail: Tail) {
        self.last = self.last.max(tail.number);
        self.ready = Some(tail);
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.is_some()
    }

    pub(super) fn occupy(&mut self, place: Place) {
        let usage = self.used.entry(place.segment).or_default();
        usage.blocks += 1;
        usage.alive_bytes += u64::from(place.bytes);
    }

    /// The block there is freed, or a later copy counts.
    pub(super) fn release(&mut self, place: Place) {
        let usage = self
            .used
            .get_mut(&place.segment)
            .expect("a held block's segment is in use");
        usage.blocks = usage
            .blocks
            .checked_sub(1)
            .expect("each block is released once");
        usage.alive_bytes -= u64::from(place.bytes);
        usage.dead_bytes += u64::from(place.bytes);
    }

    /// Segments that hold a block.
    pub(super) fn with_blocks(&self) -> impl Iterator<Item = u64> {
        let used = self.used.iter().filter(|(_, usage)| usage.blocks > 0);
        used.map(|(number, _)| *number)
    }

    /// Segments that hold a block and are less than half alive, those with least to copy first.
    pub(super) fn mostly_dead(&self) -> impl Iterator<Item = u64> {
        let used = self.used.iter();
        let mut dead: Vec<_> = used
            .filter(|(_, usage)| usage.blocks > 0 && usage.alive_bytes < usage.dead_bytes)
            .map(|(number, usage)| (usage.alive_bytes, *number))
            .collect();
        dead.sort_unstable();
        dead.into_iter().map(|(_, number)| number)
    }

    /// How many bytes more are dead than alive, in all segments in use.
    pub(super) fn waste_bytes(&self) -> u64 {
        let used = self.used.values();
        let (alive, dead) = used.fold((0, 0), |(alive, dead), usage| {
            (alive + usage.alive_bytes, dead + usage.dead_bytes)
        });
        u64::saturating_sub(dead, alive)
    }

    /// Adds what is known here.
    pub(super) fn stats(&self, stats: BlockStats) -> BlockStats {
        let sum = |bytes: fn(&Usage) -> u64| self.used.values().map(bytes).sum();
        BlockStats {
            segments: self.used.len() as u64,
            spare: self.spare.len() as u64,
            alive_bytes: sum(|it| it.alive_bytes),
            dead_bytes: sum(|it| it.dead_bytes),
            ..stats
        }
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

    /// Begins the next segment ahead.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`] if there is none; then nothing has changed.
    pub(super) fn make_ready(&mut self, need: Need, salt: u64) -> Result<(), StoreError> {
        let fresh = self.prepare(need)?;
        self.ready = Some(self.write_header(&fresh, salt)?);
        Ok(())
    }

    /// The next segment: in a file that was found for it, or the one that is ready. The one before
    /// is sealed.
    pub(super) fn begin(&mut self, fresh: Option<Fresh>, salt: u64) -> Result<Tail, StoreError> {
        let tail = match fresh {
            Some(fresh) => self.write_header(&fresh, salt)?,
            None => self.ready.take().expect("without a file one is ready"),
        };
        self.add(tail.number);
        Ok(tail)
    }

    fn write_header(&mut self, fresh: &Fresh, salt: u64) -> Result<Tail, StoreError> {
        self.sync_names()?;
        let number = self.last + 1;
        let header = SegmentHeader {
            log: Log::Blocks,
            record_format: 0,
            number,
            salt,
            first_seq: 0,
            chain: [0; 32],
        };
        segment::begin(&self.folder, &header, &fresh.file)?;
        self.last = number;
        Ok(Tail::new(&header, fresh.len))
    }

    /// Takes the segments without a block out of use, all but the one that grows. Their names are
    /// durable after [`Segments::sync_names`]; until then a power cut brings them back.
    pub(super) fn recycle(&mut self, active: Option<u64>) -> Result<(), StoreError> {
        let unused: Vec<_> = self
            .used
            .iter()
            .filter(|(number, usage)| usage.blocks == 0 && Some(**number) != active)
            .map(|(number, _)| *number)
            .collect();
        for number in unused {
            self.used.remove(&number);
            self.set_aside(number)?;
        }
        Ok(())
    }

    /// Makes it durable which files wait for reuse.
    pub(super) fn sync_names(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.has_unsynced_names) {
            self.folder.sync_folder()?;
        }
        Ok(())
    }

    fn set_aside(&mut self, number: u64) -> Result<(), StoreError> {
        let file = Log::Blocks.segment(number);
        self.has_unsynced_names = true;
        if self.spare.len() >= SPARE_MAX {
            return self.folder.remove(&file);
        }
        self.folder.rename(&file, &Log::Blocks.spare(number))?;
        self.spare.push(number);
        Ok(())
    }
}
