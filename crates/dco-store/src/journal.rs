use std::sync::Arc;

use crate::{
    Options, StoreError,
    codec::len_u64,
    disk::Folder,
    frame::Kind,
    segment::{self, Body, Log, SegmentHeader, Tail},
};

mod history;
mod pin;
mod records;
mod recovery;
mod replay;
mod shared;
mod start;
mod writer;

pub use history::History;
pub use pin::Pinned;
use records::Batch;
pub(crate) use records::records_of;
pub(crate) use recovery::{Player, check_gapless, head_after, head_of, recover};
pub use replay::{Replay, ReplayError, Second, records_only};
pub(crate) use shared::{Durable, Shared};
pub(crate) use start::Segments;
pub use start::Start;
pub use writer::JournalWriter;

/// Number of a record in the journal. The first is 1; none is left out.
pub type Seq = u64;

/// Bytes a record may have at most: an inventory import in one piece.
pub const RECORD_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The last record and the hash chain up to and including it. Whoever keeps a copy elsewhere
/// can prove later that nothing before it was changed or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of the last record; 0 if there is none.
    pub seq: Seq,
    /// SHA-256 of the chain before the record, its number (eight bytes, little-endian) and
    /// its bytes; 32 zeros before the first.
    pub chain: [u8; 32],
}

/// The journal, open for writing. One caller; [`Journal::start`] gives it a thread of its own.
#[derive(Debug)]
pub struct Journal {
    folder: Folder,
    options: Options,
    head: Head,
    /// The segment that grows; none before the first record and after a sealed one.
    tail: Option<Tail>,
    segment_last: u64,
    is_closed: bool,
    shared: Arc<Shared>,
}

impl Journal {
    /// Number of the last durable record; 0 if there is none.
    pub fn last_seq(&self) -> Seq {
        self.head.seq
    }

    /// The last durable record and the hash chain up to it.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Appends records and makes them durable with one sync, all or none of them. Returns the
    /// number of the last.
    ///
    /// # Errors
    /// [`StoreError::RecordTooLarge`] changes nothing. [`StoreError::Disk`] closes the journal:
    /// what becomes of the records is decided by the next [`open`](fn@crate::open).
    pub fn commit<R: AsRef<[u8]>>(&mut self, records: &[R]) -> Result<Seq, StoreError> {
        if self.is_closed {
            return Err(StoreError::Closed);
        }
        let mut batch = Batch::after(self.head);
        for record in records {
            batch.push(record.as_ref())?;
        }
        if batch.count() == 0 {
            return Ok(self.head.seq);
        }
        // Only a commit that went through opens the journal again for the next.
        self.is_closed = true;
        self.append(batch)?;
        self.is_closed = false;
        Ok(self.head.seq)
    }

    /// Leaves a mark that all is durable, so that damage to the last commit can be told from
    /// a commit that a power cut interrupted.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::Closed`].
    pub fn close(mut self) -> Result<(), StoreError> {
        match &mut self.tail {
            _ if self.is_closed => Err(StoreError::Closed),
            Some(tail) if !tail.is_empty() => tail.mark(&self.folder),
            _ => Ok(()),
        }
    }

    /// What the maker of snapshots needs.
    pub(crate) fn parts(&self) -> (Folder, Options, Arc<Shared>) {
        (self.folder.clone(), self.options, Arc::clone(&self.shared))
    }

    fn append(&mut self, batch: Batch) -> Result<(), StoreError> {
        let first_seq = self.head.seq + 1;
        let (count, head, bytes) = batch.finish();
        let mut tail = self.tail_for(len_u64(&bytes))?;
        let crc32 = crc32fast::hash(&bytes);
        let body = Body {
            kind: Kind::Records,
            key: first_seq,
            item: count,
            bytes: &bytes,
            crc32,
        };
        tail.append(&self.folder, &body)?;
        tail.sync(&self.folder)?;
        self.head = head;
        self.shared.set_durable(Durable {
            head,
            segment: tail.number,
            bytes: Some(tail.end()),
        });
        self.tail = Some(tail);
        Ok(())
    }

    fn tail_for(&mut self, body_bytes: u64) -> Result<Tail, StoreError> {
        match self.tail.take() {
            Some(tail) if tail.is_empty() || tail.has_room_for(body_bytes) => Ok(tail),
            Some(mut full) => {
                full.seal(&self.folder)?;
                full.trim(&self.folder)?;
                self.begin_segment(body_bytes)
            }
            None => self.begin_segment(body_bytes),
        }
    }

    fn begin_segment(&mut self, body_bytes: u64) -> Result<Tail, StoreError> {
        self.segment_last += 1;
        let header = SegmentHeader {
            log: Log::Journal,
            record_format: self.options.record_format,
            number: self.segment_last,
            salt: self.options.salt,
            first_seq: self.head.seq + 1,
            chain: self.head.chain,
        };
        let bytes = self
            .options
            .journal_segment_bytes
            .max(segment::bytes_for(body_bytes));
        segment::create(&self.folder, &header, bytes)?;
        Ok(Tail::new(&header, bytes))
    }
}

impl Head {
    /// Before the first record.
    pub(crate) const NONE: Self = Self {
        seq: 0,
        chain: [0; 32],
    };
}
