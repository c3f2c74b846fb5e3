use std::sync::Arc;

use super::{
    BlockLog, BlockStats, Compaction, Pin, footer,
    growing::Growing,
    index::{Index, Key, Place},
    segments::Segments,
    shared::Shared,
};
use crate::{
    Options, StoreError,
    disk::{Disk, Folder},
    frame::Kind,
    segment::{Bodies, Log, Scan, SegmentHeader, Tail, settle},
};

/// Finds every block that is kept. Bodies are checked in the last segment only, where a power
/// cut may have torn one; those of sealed segments are checked when they are read.
pub(crate) fn recover(disk: Arc<dyn Disk>, options: Options) -> Result<BlockLog, StoreError> {
    let folder = Folder::new(disk);
    let names = Log::Blocks.tidy_and_list(&folder)?;
    let mut found = Vec::new();
    let mut segments = Segments::new(folder.clone(), names.spare);
    let mut growing = None;
    let grown = may_have_grown(&folder, &names.segments)?;
    for number in &names.segments {
        let header = SegmentHeader::read(&folder, Log::Blocks, *number)?;
        if growing.is_some() {
            let bytes = folder.len(&Log::Blocks.segment(*number))?;
            segments.add_ready(Tail::new(&header, bytes));
            continue;
        }
        segments.add(*number);
        if grown.contains(number) {
            growing = take_up(&folder, header, options.block_segment_bytes, &mut found)?;
        } else {
            found.extend(sealed(&folder, header)?);
        }
    }
    for (_, place) in &found {
        segments.occupy(*place);
    }
    let (index, replaced) = Index::of_found(found);
    for place in replaced {
        segments.release(place);
    }
    let shared = Arc::new(Shared::new(folder, index));
    let log = BlockLog {
        options,
        shared,
        segments,
        growing,
        compaction: Compaction::default(),
        pin: Pin::default(),
        done: BlockStats::default(),
        is_closed: false,
    };
    log.shared.publish(log.stats());
    Ok(log)
}

/// The segments that a writer may have left unsealed: the last, and if that is still without a
/// frame, the one before it, for which it may have been begun ahead.
pub(crate) fn may_have_grown<'a>(
    folder: &Folder,
    numbers: &'a [u64],
) -> Result<&'a [u64], StoreError> {
    let count = match numbers {
        [.., _, last] if !Scan::is_begun(folder, Log::Blocks, *last)? => 2,
        _ => 1,
    };
    Ok(&numbers[numbers.len().saturating_sub(count)..])
}

/// The blocks of a segment that was sealed.
fn sealed(folder: &Folder, header: SegmentHeader) -> Result<Vec<(Key, Place)>, StoreError> {
    if let Some(blocks) = footer::read(folder, &header)? {
        return Ok(blocks);
    }
    walk(&mut Scan::open(folder, header, Bodies::Skip, false)?)
}

/// Finds the blocks of a segment that may have grown, which goes on growing if it is not sealed.
fn take_up(
    folder: &Folder,
    header: SegmentHeader,
    segment_bytes: u64,
    found: &mut Vec<(Key, Place)>,
) -> Result<Option<Growing>, StoreError> {
    let mut scan = Scan::open(folder, header, Bodies::Check, true)?;
    let blocks = walk(&mut scan)?;
    found.extend_from_slice(&blocks);
    if scan.is_sealed() {
        settle(&scan)?;
        return Ok(None);
    }
    let tail = Tail::resume(&scan, segment_bytes)?;
    Ok(Some(Growing::new(tail, blocks)))
}

fn walk(scan: &mut Scan<'_>) -> Result<Vec<(Key, Place)>, StoreError> {
    let mut blocks = Vec::new();
    while let Some(found) = scan.next()? {
        let frame = found.frame;
        if frame.kind != Kind::Block {
            return Err(scan.damaged(found.offset, "a block was expected here"));
        }
        let place = Place {
            segment: scan.header.number,
            offset: found.offset,
            bytes: frame.body_bytes,
            crc32: frame.body_crc32,
        };
        blocks.push(((frame.key, frame.item), place));
    }
    Ok(blocks)
}
