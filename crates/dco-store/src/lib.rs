//! How is it kept?
//!
//! Two append-only logs in one folder: the **journal** keeps the engine's records, which are
//! bytes to it, and the **block log** keeps blocks. Each has one writer and shares one sync
//! among all that waits. The world below is one small trait, [`Disk`], with a real folder
//! ([`FileDisk`]) and one in memory whose power can be cut ([`MemDisk`]). [`check`](fn@check) looks at
//! a folder without changing it.
//!
//! # What it promises
//!
//! - What is said to be durable survives a power cut at any moment, and a process that ends at
//!   any moment.
//! - Nothing is found after a start that was not handed over before, and what a start found is
//!   durable before [`open`](fn@open) returns. What it did not find never comes back.
//! - Bytes that were durable and have changed are named by file and offset, and never guessed
//!   at. A commit that a power cut interrupted is not damage: it is cut off.
//! - A full disk refuses blocks before it is full, so that the journal can go on, and takes
//!   them again once there is room.
//! - After a failed write or sync nothing is tried again: the log is closed, everybody who
//!   waits is told, and the next start decides. The page cache after a failed sync shows bytes
//!   that no disk has, so a start writes the unsure end again before it trusts it.
//! - Nothing waits without a limit: queues are bounded by bytes.
//!
//! # Care of blocks
//!
//! - A segment is used again once none of its blocks is held. One that is less than half alive
//!   is emptied when nothing comes, and under load once much is dead, in steps that the next put
//!   waits for at most once; of two copies of a block the later one counts ([`BlockLog::compact`]).
//! - A block found damaged is remembered as such, by whoever finds it: a read, a
//!   scrub ([`BlockReader::scrub`]), compaction. The same block put again repairs it; until then
//!   the segment in which it stands is left alone.
//! - A pin keeps the files of one moment as they are while they are copied ([`PinnedBlocks`]).
//!
//! # What is deliberately absent
//!
//! No clock (but for the moment in which nothing must come before room is got back), no
//! random number, no runtime, no knowledge of what a record means or of who owns a block. No
//! record is ever changed, and none removed but with its whole segment, when the caller says
//! that its time is over. What cannot be detected from inside a folder is that its newest files
//! were taken away or replaced by an older copy of them: keep the [`Head`] elsewhere for that. Nor
//! that a block segment was: their numbers have gaps, so only the caller knows what should be held.
//!
//! # The files
//!
//! ```text
//! journal-0000000001.seg  journal segments, numbered from 1; the oldest may be gone, no other
//! snapshot-00000000000000000812.snap  what the records up to this one amount to
//! blocks-0000000001.seg   block segments; recycled ones leave gaps
//! blocks-0000000001.free  a segment all of whose blocks were freed, waiting for reuse
//! *.new                   a segment or snapshot that never became one; removed at the next start
//! lock                    held by the process that has the folder open
//! ```
//!
//! All numbers are little-endian. Every segment starts with 128 bytes and gets its name only
//! once they are durable, so a named file without them is damaged. Room is reserved ahead;
//! what was never written reads as zeros.
//!
//! ```text
//!   0 ┌─────────────────────┐
//!     │ magic             8 │ "dco.jrnl" or "dco.blks"
//!   8 │ version           4 │ 2 in both logs; all formats keep magic, version and CRC in place
//!  12 │ record format     4 │ see Options::record_format; zeros in the block log and in version
//!     │                     │ 1 of the journal, which is the same but for this
//!  16 │ number            8 │ that of the name; never used twice, so it is the generation
//!  24 │ salt              8 │ see Options::salt
//!  32 │ first record      8 │ number of the record that comes first; zero in the block log
//!  40 │ chain            32 │ hash chain before that record; zeros in the block log
//!  72 │ zeros            52 │
//! 124 │ CRC-32            4 │ of the 124 bytes before
//!     ├─────────────────────┤
//! 128 │ frames, one after the other, to the seal
//! ```
//!
//! Both logs are made of the same frames:
//!
//! ```text
//!   0 ┌─────────────────────┐
//!     │ tag               4 │ "dcoF"
//!   4 │ kind              4 │ 1 records, 2 block, 3 mark, 4 seal, 5 index
//!   8 │ segment           8 │ the segment's number
//!  16 │ offset            8 │ where in the file this frame starts
//!  24 │ synced            8 │ all before this offset was synced before this was written
//!  32 │ key               8 │ number of the first record | the block's owner
//!  40 │ item              4 │ how many records           | the block's index
//!  44 │ body length       4 │
//!  48 │ body CRC-32       4 │
//!  52 │ zeros             8 │
//!  60 │ header CRC-32     4 │ of the salt and the 60 bytes before
//!     ├─────────────────────┤
//!  64 │ body                │ kind 1: chain after the last record (32), then for each record
//!     │                     │         its length (4) and its bytes
//!     │                     │ kind 2: the block's bytes    kinds 3 and 4: none    kind 5: see below
//!     └─────────────────────┘
//! ```
//!
//! The chain value after a record is the SHA-256 of the value before it, the record's number
//! (8) and its bytes; before the first record it is 32 zeros.
//!
//! A *mark* is written at a clean end and by each start that kept something unsure; a *seal*
//! ends a segment and is durable before the next segment gets a frame. The next block segment may
//! stand there without one, made ready while nobody waited for it ([`BlockLog::make_ready`]).
//!
//! # Snapshots
//!
//! A second engine makes them of sealed segments ([`Snapshots`]), so each ends with the last record
//! of a segment, and the next segment is there before the snapshot is. A start takes in the newest
//! one that is whole and carries the chain value which that segment starts from. One that is not
//! is passed over and told ([`Start::refused`]), unless records that it stood for are gone.
//!
//! ```text
//!   0 ┌─────────────────────┐
//!     │ magic             8 │ "dco.snap"
//!   8 │ version           4 │ 1
//!  12 │ record format     4 │ see Options::record_format
//!  16 │ seq               8 │ the last record in it, which is that of the name
//!  24 │ chain            32 │ hash chain after that record
//!  56 │ body length       8 │
//!  64 │ zeros            60 │
//! 124 │ CRC-32            4 │ of the 124 bytes before
//!     ├─────────────────────┤
//! 128 │ body                │ what the second engine gave
//!     ├─────────────────────┤
//!     │ SHA-256          32 │ of all before
//!     └─────────────────────┘
//! ```
//!
//! It gets its name only after it was read back and another engine, given its body, gave the same
//! bytes. The two newest are kept. A sealed segment goes only if both stand for its records and
//! the caller says that its time is over; what is left is chained from the first segment on.
//!
//! # Footers
//!
//! A sealed block segment of format 2 ends in a *footer*, an index by which a start finds its
//! blocks without walking its frames. Its header stands in the last 64 bytes of the file and
//! its body right before it, behind whatever was left between the seal and there:
//!
//! ```text
//! 128              seal                                 length - 64
//!  │ frames ... │ 64 │ never written │ list of blocks │ header of kind 5 │
//! ```
//!
//! The list has 28 bytes for each block, in the order in which they stand: owner (8), offset (8),
//! index (4), length (4), CRC-32 (4). The header's item says how many. A footer that is missing
//! or wrong costs only time: then the frames are walked, as in format 1, which had none.
//!
//! # Torn or damaged
//!
//! A frame is bad if its header's CRC, segment or offset is wrong, if its `synced` is below
//! that of the frame before or above its own offset, or if its body's CRC is wrong. One that
//! is good and reaches past the end of the file is damage: the file was cut.
//! A bad frame before the seal of a segment that is not the last is damage. In the last segment
//! (and in the block segment before it, as long as the last is without a frame) it is damage if any good frame header behind it says that more than its offset was synced;
//! otherwise it is where the last commit was torn, and the file is cut there, so that nothing
//! behind it can ever line up with what is written later. The one thing this takes for a torn
//! commit and is not: damage to the newest commit of a process that did not end cleanly.
//!
//! Bodies of blocks are not read at the start, but for those that no later frame says were synced, and
//! where there is a footer no frame is: the CRC is checked when a block is read. So a damaged body is
//! that one block's matter, and the others are served. Recycling a segment gives it the next number. A frame's CRC covers that
//! number and a salt that no sender knows, so neither old frames nor bytes inside a block
//! that look like one pass for a frame of the new segment.

mod blocks;
mod check;
mod codec;
mod disk;
mod error;
mod frame;
mod journal;
mod open;
mod options;
mod queue;
mod segment;
mod snapshot;

pub use blocks::{
    BlockLog, BlockReader, BlockStats, BlockWriter, HeldBlock, Pinned as PinnedBlocks, Put,
    Scrubbed,
};
pub use check::{Finding, Report, WholeBlock, check};
pub use disk::{Disk, Fate, FileDisk, MemDisk, ReadOnlyDisk, Unsynced};
pub use error::StoreError;
pub use journal::{
    Head, History, Journal, JournalWriter, Pinned, RECORD_BYTES_MAX, Replay, ReplayError, Second,
    Seq, Start, records_only,
};
pub use open::{Opened, open};
pub use options::Options;
pub use snapshot::{Made, SnapshotMaker, Snapshots};

#[cfg(test)]
mod tests;
