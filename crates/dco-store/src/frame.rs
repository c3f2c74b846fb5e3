use crate::codec::{put, u32_at, u64_at};

/// Bytes before each frame's body.
pub(crate) const FRAME_HEADER_BYTES: usize = 64;
/// The same, for arithmetic with places in files.
pub(crate) const FRAME_HEADER_LEN: u64 = FRAME_HEADER_BYTES as u64;

/// How every frame starts, so that recovery can look for one behind damage.
pub(crate) const FRAME_TAG: [u8; 4] = *b"dcoF";

const CRC_AT: usize = 60;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Journal records committed together.
    Records,
    /// One block.
    Block,
    /// No body: all before it is durable.
    Mark,
    /// No body: all before it is durable once a later segment is there, and no frame follows.
    Seal,
    /// The blocks of a sealed segment. The only frame whose body stands before its header.
    Index,
}

/// The header of one frame, apart from where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    /// Everything in this segment before this offset was synced before the frame was written.
    pub(crate) synced: u64,
    /// The number of the first record, or the block's owner.
    pub(crate) key: u64,
    /// How many records, or the block's index.
    pub(crate) item: u32,
    pub(crate) body_bytes: u32,
    pub(crate) body_crc32: u32,
}

/// Where a frame stands. Part of its checksum, so that it is one nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) salt: u64,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

impl Frame {
    /// The offset behind the frame if it starts at `offset`.
    pub(crate) fn end(&self, offset: u64) -> u64 {
        offset + FRAME_HEADER_LEN + u64::from(self.body_bytes)
    }

    pub(crate) fn encode(&self, spot: &Spot) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = [0; FRAME_HEADER_BYTES];
        put(&mut out, 0, &FRAME_TAG);
        put(&mut out, 4, &self.kind.number().to_le_bytes());
        put(&mut out, 8, &spot.segment.to_le_bytes());
        put(&mut out, 16, &spot.offset.to_le_bytes());
        put(&mut out, 24, &self.synced.to_le_bytes());
        put(&mut out, 32, &self.key.to_le_bytes());
        put(&mut out, 40, &self.item.to_le_bytes());
        put(&mut out, 44, &self.body_bytes.to_le_bytes());
        put(&mut out, 48, &self.body_crc32.to_le_bytes());
        let crc32 = checksum(&out, spot.salt);
        put(&mut out, CRC_AT, &crc32.to_le_bytes());
        out
    }

    /// The frame that stands at `spot`, or nothing if these bytes were not written as one there.
    pub(crate) fn decode(bytes: &[u8; FRAME_HEADER_BYTES], spot: &Spot) -> Option<Self> {
        let is_whole = bytes.starts_with(&FRAME_TAG)
            && u64_at(bytes, 8) == spot.segment
            && u64_at(bytes, 16) == spot.offset
            && u32_at(bytes, CRC_AT) == checksum(bytes, spot.salt);
        let kind = Kind::from_number(u32_at(bytes, 4)).filter(|_| is_whole)?;
        Some(Self {
            kind,
            synced: u64_at(bytes, 24),
            key: u64_at(bytes, 32),
            item: u32_at(bytes, 40),
            body_bytes: u32_at(bytes, 44),
            body_crc32: u32_at(bytes, 48),
        })
    }
}

impl Kind {
    /// The numbers are on disk: never reuse one.
    fn number(self) -> u32 {
        match self {
            Self::Records => 1,
            Self::Block => 2,
            Self::Mark => 3,
            Self::Seal => 4,
            Self::Index => 5,
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        [
            Self::Records,
            Self::Block,
            Self::Mark,
            Self::Seal,
            Self::Index,
        ]
        .into_iter()
        .find(|kind| kind.number() == number)
    }
}

fn checksum(header: &[u8; FRAME_HEADER_BYTES], salt: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&header[..CRC_AT]);
    hasher.finalize()
}

#[cfg(test)]
mod tests;
