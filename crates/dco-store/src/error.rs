use std::{error::Error, fmt, io};

/// Why the store could not do what was asked. Everything but [`StoreError::NotHeld`] and
/// [`StoreError::RecordTooLarge`] means that somebody has to look at the machine.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Bytes that were once on disk for certain have changed. Never repaired by guessing.
    #[error(
        "{file} is damaged at byte {offset}: {what}; it was left as it is; restore the data \
         folder from a backup"
    )]
    Damaged {
        /// Name of the file inside the data folder.
        file: String,
        /// Where the frame or header starts that is not what was written.
        offset: u64,
        /// What was expected there.
        what: &'static str,
    },
    /// The folder was written by a newer program.
    #[error(
        "{file} is written in {what} format {found}, this program reads up to {known}; start the \
         program that wrote it, or a newer one"
    )]
    NewerFormat {
        /// Name of the file inside the data folder.
        file: String,
        /// Whose format it is: the file's own, or that of the records in it.
        what: &'static str,
        /// Format version in its header.
        found: u32,
        /// Highest version this program knows.
        known: u32,
    },
    /// Two processes on one folder would overwrite each other.
    #[error("data folder {folder} is in use by another process; stop that one first")]
    InUse {
        /// The folder as given.
        folder: String,
    },
    /// The disk refused. The store is closed from here on.
    #[error("disk failed while {doing} {file}{}: {source}", At(*.offset))]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// The file it was tried on.
        file: String,
        /// Where in it, for what is done at one place.
        offset: Option<u64>,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The reader of the journal could not make sense of a record.
    #[error("record {seq} of the journal could not be replayed")]
    Replay {
        /// The record's number.
        seq: u64,
        /// What the reader said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Older records were removed, and nothing that stands for them can be read.
    #[error(
        "the journal begins with {file}, and no snapshot stands for the records before it: \
         {refused}; restore the data folder from a backup"
    )]
    Uncovered {
        /// The first segment there is.
        file: String,
        /// What is wrong with each snapshot.
        refused: String,
    },
    /// A snapshot, loaded again, was another. It was not kept; the records are.
    #[error(
        "{file} was made anew from its own bytes and was another; it is not used; the program \
         that made it is wrong"
    )]
    Unlike {
        /// The snapshot that would have got this name.
        file: String,
    },
    /// A record is larger than the format allows. Nothing was written.
    #[error("a journal record has {bytes} bytes, the most is {bytes_max}; split it")]
    RecordTooLarge {
        /// Bytes of the record.
        bytes: usize,
        /// [`crate::RECORD_BYTES_MAX`].
        bytes_max: usize,
    },
    /// The block needs a new segment, and the disk has no room for one beside the reserve. Only
    /// this block is refused; the same one is taken as soon as there is room.
    #[error(
        "the disk is full: a new segment needs {needed_bytes} bytes, {room_bytes} are left and \
         {reserve_bytes} of them are kept for the journal; make room or cancel transfers, then \
         send it again"
    )]
    NoRoom {
        /// Bytes of the new segment.
        needed_bytes: u64,
        /// Bytes left on the disk.
        room_bytes: u64,
        /// Bytes of the disk that blocks leave alone, see [`crate::Options::reserve_bytes`].
        reserve_bytes: u64,
    },
    /// No durable block with this name, or freed meanwhile.
    #[error("block {index} of owner {owner} is not held")]
    NotHeld {
        /// Who owns the block.
        owner: u64,
        /// Its index in the image.
        index: u32,
    },
    /// An earlier write or sync failed, or the store was closed. What the page cache shows can
    /// no longer be trusted; the process must end and recovery decide.
    #[error("the store is closed, after an earlier disk failure or at shutdown")]
    Closed,
}

/// A place in a file, if there is one.
struct At(Option<u64>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

impl StoreError {
    /// Whether the file was too short for what was to be read.
    pub(crate) fn is_end_of_file(&self) -> bool {
        matches!(self, Self::Disk { source, .. }
            if source.kind() == io::ErrorKind::UnexpectedEof)
    }

    /// Whether the process has no right to what was tried.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Disk { source, .. }
            if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Whether the disk had no room for what was tried.
    pub(crate) fn is_full_disk(&self) -> bool {
        let Self::Disk { source, .. } = self else {
            return false;
        };
        matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}
