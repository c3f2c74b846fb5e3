/// What the block log has done since it was opened, and what it holds. Bytes are those of
/// blocks, but for `written_bytes`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockStats {
    /// Put and made durable.
    pub put_bytes: u64,
    /// Copied by compaction.
    pub compacted_bytes: u64,
    /// All that was written to the disk for either, headers and lists included.
    pub written_bytes: u64,
    /// Segments in use.
    pub segments: u64,
    /// Files that wait to be used again.
    pub spare: u64,
    /// Held, in segments in use.
    pub alive_bytes: u64,
    /// Freed or replaced, in segments in use.
    pub dead_bytes: u64,
    /// Blocks found damaged and neither repaired nor freed since.
    pub damaged_blocks: u64,
}
