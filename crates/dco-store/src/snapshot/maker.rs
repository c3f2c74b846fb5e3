use std::{fmt, sync::Arc};

use super::{Snapshot, finished, list, unfinished};
use crate::{
    Options, StoreError,
    disk::{Folder, SYNCING},
    journal::{Head, Journal, Player, Second, Segments, Seq, Shared, check_gapless},
    segment::{Log, SegmentHeader},
};

/// A snapshot that was made, and what could go because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The last record in it.
    pub seq: Seq,
    /// Bytes of its body.
    pub bytes: u64,
    /// Records that were replayed on top of the snapshot before.
    pub records: u64,
    /// Files that were removed: older snapshots, and journal segments whose time is over.
    pub removed: Vec<String>,
}

/// Makes snapshots of a journal from its sealed segments, never from what is being written.
/// [`crate::Snapshots`] gives it a thread of its own.
pub struct SnapshotMaker<M, E> {
    pub(super) folder: Folder,
    options: Options,
    pub(super) shared: Arc<Shared>,
    make: M,
    pub(super) expired: E,
    /// A sync failed. From then on nobody knows which names would survive a power cut, so nothing
    /// is removed before the next start.
    is_unsure: bool,
}

impl<M, E> SnapshotMaker<M, E>
where
    M: FnMut() -> Box<dyn Second>,
    E: FnMut(&[u8]) -> bool,
{
    /// Of this journal. `make` gives a second engine that knows nothing. `expired` is shown the
    /// first record after a segment and says whether all records before it may go for good.
    pub fn new(journal: &Journal, make: M, expired: E) -> Self {
        let (folder, options, shared) = journal.parts();
        Self {
            folder,
            options,
            shared,
            make,
            expired,
            is_unsure: false,
        }
    }

    /// Makes the next snapshot, if a segment was sealed since the last one: a second engine takes
    /// in the newest snapshot and the sealed segments after it. What it says then gets its name
    /// once it was read back from the disk and another engine said the same from it.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::Damaged`], [`StoreError::Replay`],
    /// [`StoreError::Unlike`]. What was there stays, and the journal goes on.
    pub fn step(&mut self) -> Result<Option<Made>, StoreError> {
        let outcome = self.make_next();
        let is_sync = matches!(&outcome, Err(StoreError::Disk { doing, .. }) if *doing == SYNCING);
        self.is_unsure |= is_sync;
        outcome
    }

    fn make_next(&mut self) -> Result<Option<Made>, StoreError> {
        let durable = self.shared.durable();
        let mut numbers = Log::Journal.list(&self.folder)?.segments;
        numbers.retain(|number| *number <= durable.segment);
        check_gapless(&numbers)?;
        let sealed = numbers.len().saturating_sub(1);
        if sealed == 0 || self.is_made(numbers[sealed])? {
            return Ok(None);
        }
        let mut second = (self.make)();
        let Some((base, head)) = self.replay(&numbers, &mut *second)? else {
            return Ok(None);
        };
        let snapshot = Snapshot::new(self.options.record_format, head, second.snapshot());
        drop(second);
        self.keep(&snapshot)?;
        let mut made = Made {
            seq: head.seq,
            bytes: snapshot.body.len() as u64,
            records: head.seq - base.unwrap_or(0),
            removed: Vec::new(),
        };
        drop(snapshot);
        if let Some(base) = base.filter(|_| !self.is_unsure) {
            self.forget(base, &numbers, &mut made.removed)?;
        }
        Ok(Some(made))
    }

    /// Whether there is a good snapshot of all that stands before this segment.
    fn is_made(&self, follower: u64) -> Result<bool, StoreError> {
        let header = SegmentHeader::read(&self.folder, Log::Journal, follower)?;
        let seq = header.first_seq - 1;
        let file = finished(seq);
        if !list(&self.folder)?.contains(&seq) {
            return Ok(false);
        }
        match Snapshot::read(&self.folder, &file) {
            Ok(snapshot) => Ok(snapshot.header.head.chain == header.chain),
            Err(error @ StoreError::NewerFormat { .. }) => Err(error),
            // One that cannot be read is made again.
            Err(_) => Ok(false),
        }
    }

    /// Brings a second engine to the end of the sealed segments. Nothing if that was interrupted.
    fn replay(
        &self,
        numbers: &[u64],
        second: &mut dyn Second,
    ) -> Result<Option<(Option<Seq>, Head)>, StoreError> {
        let segments = Segments {
            folder: &self.folder,
            options: &self.options,
            numbers,
        };
        let beginning = segments.begin(&list(&self.folder)?, second)?;
        let mut player = Player {
            folder: &self.folder,
            options: &self.options,
            head: beginning.head,
            replay: second,
        };
        let sealed = numbers.len() - 1;
        for number in &numbers[beginning.first.min(sealed)..sealed] {
            if self.shared.is_closing() {
                return Ok(None);
            }
            player.play(*number, false)?;
        }
        Ok(Some((beginning.snapshot, player.head)))
    }

    /// Writes a snapshot, holds what the disk has of it against another engine, and names it.
    fn keep(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let file = unfinished(snapshot.header.head.seq);
        if self.folder.list()?.contains(&file) {
            self.folder.remove(&file)?;
        }
        let kept = self.write_and_name(snapshot, &file);
        if kept.is_err() {
            // The room is needed for the journal. If this fails too, the next start does it.
            let _removed = self.folder.remove(&file);
        }
        kept
    }

    fn write_and_name(&mut self, snapshot: &Snapshot, file: &str) -> Result<(), StoreError> {
        let seq = snapshot.header.head.seq;
        snapshot.write(&self.folder, file)?;
        let read = Snapshot::read(&self.folder, file)?;
        let mut second = (self.make)();
        second
            .load(seq, &read.body)
            .map_err(|source| StoreError::Replay { seq, source })?;
        if read != *snapshot || second.snapshot() != snapshot.body {
            return Err(StoreError::Unlike {
                file: finished(seq),
            });
        }
        self.folder.rename(file, &finished(seq))?;
        self.folder.sync_folder()
    }
}

impl<M, E> fmt::Debug for SnapshotMaker<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotMaker")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
