use std::time::Duration;

/// How the two logs lay out their files. Any value opens a folder that was written with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes reserved for each new block segment. A segment that must hold one larger block
    /// is made larger.
    pub block_segment_bytes: u64,
    /// Bytes reserved for each new journal segment, likewise. A start replays about this much,
    /// since snapshots are made of whole segments.
    pub journal_segment_bytes: u64,
    /// Bytes of the disk that blocks leave alone, so that the journal can go on when blocks have
    /// filled the rest. A block that needs a new segment is refused before that.
    pub reserve_bytes: u64,
    /// Bytes gathered for one sync at most; a single item may be larger.
    pub commit_bytes_max: usize,
    /// Bytes that may wait for a log's thread before `append` or `put` blocks its caller.
    pub queue_bytes_max: usize,
    /// How long nothing must have come to the block log's thread before it gets room back: blocks
    /// that are freed soon after each other, as those of one image, are then not copied in between.
    pub compaction_pause: Duration,
    /// The format of the journal's records, which only the caller knows; it counts up. A folder
    /// in which a higher one was written is refused, one with a lower one is read.
    pub record_format: u32,
    /// A number that no sender of blocks can guess, drawn where the program draws random
    /// numbers. New segments mix it into the checksums of their frames, so that nobody can
    /// place bytes inside a block that recovery would take for a frame.
    pub salt: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            block_segment_bytes: 64 * 1024 * 1024,
            journal_segment_bytes: 2 * 1024 * 1024,
            reserve_bytes: 128 * 1024 * 1024,
            commit_bytes_max: 4 * 1024 * 1024,
            queue_bytes_max: 64 * 1024 * 1024,
            compaction_pause: Duration::from_millis(20),
            record_format: 0,
            salt: 0,
        }
    }
}
