use std::{error::Error, io};

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
    #[error("disk failed while {doing} {file}: {source}")]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// The file it was tried on.
        file: String,
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
