//! The index of a sealed segment, in the last bytes of its file.

use super::index::{Key, Place};
use crate::{
    StoreError,
    codec::{in_memory, len_u32, put, u32_at, u64_at},
    disk::Folder,
    frame::{FRAME_HEADER_BYTES, FRAME_HEADER_LEN, Frame, Kind, Spot},
    segment::{Body, Log, SEGMENT_HEADER_LEN, SegmentHeader},
};

/// The first format whose sealed segments have a list.
const FIRST_VERSION: u32 = 2;
/// Where every header has its format.
const VERSION_AT: u64 = 8;
const ENTRY_LEN: u32 = 28;
const ENTRY_BYTES: usize = ENTRY_LEN as usize;

/// Bytes at the end of a file that list so many blocks.
pub(super) fn bytes_for(blocks: usize) -> u64 {
    FRAME_HEADER_LEN + (blocks * ENTRY_BYTES) as u64
}

/// Lists blocks of one segment, in the order in which they stand there.
pub(super) fn encode(blocks: &[(Key, Place)]) -> Vec<u8> {
    let mut out = vec![0; blocks.len() * ENTRY_BYTES];
    for (entry, ((owner, index), place)) in out.chunks_exact_mut(ENTRY_BYTES).zip(blocks) {
        put(entry, 0, &owner.to_le_bytes());
        put(entry, 8, &place.offset.to_le_bytes());
        put(entry, 16, &index.to_le_bytes());
        put(entry, 20, &place.bytes.to_le_bytes());
        put(entry, 24, &place.crc32.to_le_bytes());
    }
    out
}

/// The list as the body of a frame.
pub(super) fn body(list: &[u8]) -> Body<'_> {
    Body {
        kind: Kind::Index,
        key: 0,
        item: len_u32(list) / ENTRY_LEN,
        bytes: list,
        crc32: crc32fast::hash(list),
    }
}

/// The blocks of a sealed segment, or nothing if its file does not end in a whole list: the
/// frames are there to be walked.
pub(super) fn read(
    folder: &Folder,
    header: &SegmentHeader,
) -> Result<Option<Vec<(Key, Place)>>, StoreError> {
    let file = Log::Blocks.segment(header.number);
    let len = folder.len(&file)?;
    if len < SEGMENT_HEADER_LEN + FRAME_HEADER_LEN {
        return Ok(None);
    }
    let offset = len - FRAME_HEADER_LEN;
    let mut bytes = [0; FRAME_HEADER_BYTES];
    folder.read_at(&file, offset, &mut bytes)?;
    let spot = Spot {
        salt: header.salt,
        segment: header.number,
        offset,
    };
    let footer = Frame::decode(&bytes, &spot).filter(|it| it.kind == Kind::Index);
    let Some(footer) = footer.filter(|it| u64::from(it.body_bytes) < offset) else {
        return Ok(None);
    };
    let mut list = vec![0; in_memory(footer.body_bytes)];
    folder.read_at(&file, offset - u64::from(footer.body_bytes), &mut list)?;
    let is_whole = crc32fast::hash(&list) == footer.body_crc32;
    Ok(is_whole.then(|| decode(&list, header.number)))
}

/// Where the list of a sealed segment should end, if it is not whole. Segments of format 1 have none.
pub(crate) fn missing_from(
    folder: &Folder,
    header: &SegmentHeader,
) -> Result<Option<u64>, StoreError> {
    let file = Log::Blocks.segment(header.number);
    let mut version = [0; 4];
    folder.read_at(&file, VERSION_AT, &mut version)?;
    if u32::from_le_bytes(version) < FIRST_VERSION || read(folder, header)?.is_some() {
        return Ok(None);
    }
    Ok(Some(folder.len(&file)?.saturating_sub(FRAME_HEADER_LEN)))
}

fn decode(list: &[u8], segment: u64) -> Vec<(Key, Place)> {
    let entries = list.chunks_exact(ENTRY_BYTES);
    entries.map(|entry| decode_one(entry, segment)).collect()
}

fn decode_one(entry: &[u8], segment: u64) -> (Key, Place) {
    let place = Place {
        segment,
        offset: u64_at(entry, 8),
        bytes: u32_at(entry, 20),
        crc32: u32_at(entry, 24),
    };
    ((u64_at(entry, 0), u32_at(entry, 16)), place)
}
