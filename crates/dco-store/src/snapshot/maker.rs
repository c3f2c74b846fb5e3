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
    /// The engine that the newest snapshot was held against, as long as the next has to be made.
    ready: Option<TakenIn>,
}

/// An engine, and how far it has taken in the journal.
struct TakenIn {
    head: Head,
    second: Box<dyn Second>,
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
            ready: None,
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
        let (base, first, mut taken_in) = self.begin(&numbers)?;
        if !self.play(&numbers[first.min(sealed)..sealed], &mut taken_in)? {
            return Ok(None);
        }
        let TakenIn { head, second } = taken_in;
        let snapshot = Snapshot::new(self.options.record_format, head, second.snapshot());
        drop(second);
        let second = self.keep(&snapshot)?;
        // Under load the next is due by now: then it need not be loaded from what was just written.
        let is_due = self.shared.durable().segment > durable.segment;
        self.ready = is_due.then_some(TakenIn { head, second });
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

    /// A second engine that has taken in the newest snapshot, that one's number, and the index of the
    /// first segment after it.
    fn begin(&mut self, numbers: &[u64]) -> Result<(Option<Seq>, usize, TakenIn), StoreError> {
        let segments = Segments {
            folder: &self.folder,
            options: &self.options,
            numbers,
        };
        let snapshots = list(&self.folder)?;
        if let Some(ready) = self.ready.take()
            && snapshots.first() == Some(&ready.head.seq)
            && let Some((first, _)) = segments.following(ready.head.seq)?
        {
            return Ok((Some(ready.head.seq), first, ready));
        }
        let mut second = (self.make)();
        let beginning = segments.begin(&snapshots, &mut *second)?;
        let head = beginning.head;
        Ok((
            beginning.snapshot,
            beginning.first,
            TakenIn { head, second },
        ))
    }

    /// Takes in these segments. False if that was interrupted.
    fn play(&self, numbers: &[u64], taken_in: &mut TakenIn) -> Result<bool, StoreError> {
        let mut player = Player {
            folder: &self.folder,
            options: &self.options,
            head: taken_in.head,
            replay: &mut *taken_in.second,
        };
        for number in numbers {
            if self.shared.is_closing() {
                return Ok(false);
            }
            player.play(*number, false)?;
        }
        taken_in.head = player.head;
        Ok(true)
    }

    /// Writes a snapshot, holds what the disk has of it against another engine, which it gives, and names it.
    fn keep(&mut self, snapshot: &Snapshot) -> Result<Box<dyn Second>, StoreError> {
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

    fn write_and_name(
        &mut self,
        snapshot: &Snapshot,
        file: &str,
    ) -> Result<Box<dyn Second>, StoreError> {
        let seq = snapshot.header.head.seq;
        snapshot.write(&self.folder, file, self.options.journal_segment_bytes)?;
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
        self.folder.sync_folder()?;
        Ok(second)
    }
}

impl<M, E> fmt::Debug for SnapshotMaker<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotMaker")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
