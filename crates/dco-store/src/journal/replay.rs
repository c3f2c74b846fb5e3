use std::error::Error;

use super::Seq;

/// Why a snapshot or a record could not be taken in.
pub type ReplayError = Box<dyn Error + Send + Sync>;

/// What makes sense of the journal's records.
pub trait Replay {
    /// Takes in a snapshot in place of all records up to `seq`.
    ///
    /// # Errors
    /// Nothing has changed, and an older snapshot or the records are tried.
    fn load(&mut self, seq: Seq, snapshot: &[u8]) -> Result<(), ReplayError>;

    /// Takes in the record with this number. They come in order.
    ///
    /// # Errors
    /// The start ends with [`crate::StoreError::Replay`].
    fn replay(&mut self, seq: Seq, record: &[u8]) -> Result<(), ReplayError>;
}

/// What a snapshot is made by and held against: an engine that only ever sees the journal.
pub trait Second: Replay + Send {
    /// All that was taken in, as [`Replay::load`] takes it. The same state gives the same bytes.
    fn snapshot(&self) -> Vec<u8>;
}

/// Gives the records to a function that can do nothing with a snapshot. Opens a folder only as
/// long as its journal is there from the first record on.
pub fn records_only(replay: impl FnMut(Seq, &[u8]) -> Result<(), ReplayError>) -> impl Replay {
    RecordsOnly(replay)
}

struct RecordsOnly<F>(F);

impl<F: FnMut(Seq, &[u8]) -> Result<(), ReplayError>> Replay for RecordsOnly<F> {
    fn load(&mut self, _: Seq, _: &[u8]) -> Result<(), ReplayError> {
        Err("only records are asked for".into())
    }

    fn replay(&mut self, seq: Seq, record: &[u8]) -> Result<(), ReplayError> {
        self.0(seq, record)
    }
}
