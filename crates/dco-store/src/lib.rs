//! How is it kept?

mod blocks;
mod codec;
mod disk;
mod error;
mod frame;
mod journal;
mod open;
mod options;
mod queue;
mod segment;

pub use blocks::{BlockLog, BlockReader, BlockWriter, HeldBlock, Put};
pub use disk::{Disk, Fate, FileDisk, MemDisk, Unsynced};
pub use error::StoreError;
pub use journal::{Head, Journal, JournalWriter, RECORD_BYTES_MAX, Replay, Seq};
pub use open::{Opened, open};
pub use options::Options;

#[cfg(test)]
mod tests;
