use std::sync::Arc;

use super::{
    BlockLog,
    index::{Index, Place},
    reader::Shared,
    segments::Segments,
};
use crate::{
    Options, StoreError,
    disk::{Disk, Folder},
    frame::Kind,
    segment::{Bodies, Found, Log, Scan, SegmentHeader, Tail, settle},
};

/// Finds every block that is kept. Bodies are checked in the last segment only, where a power
/// cut may have torn one; those of closed segments are checked when they are read.
pub(crate) fn recover(disk: Arc<dyn Disk>, options: Options) -> Result<BlockLog, StoreError> {
    let folder = Folder::new(disk);
    let names = Log::Blocks.tidy_and_list(&folder)?;
    let mut index = Index::default();
    let mut segments = Segments::new(folder.clone(), names.spare);
    let mut tail = None;
    for number in &names.segments {
        let header = SegmentHeader::read(&folder, Log::Blocks, *number)?;
        let is_last = names.segments.last() == Some(number);
        let bodies = if is_last { Bodies::Check } else { Bodies::Skip };
        let mut scan = Scan::open(&folder, header, bodies, is_last)?;
        segments.add(*number);
        while let Some(found) = scan.next()? {
            enter(&mut index, &mut segments, &scan, &found)?;
        }
        if is_last && scan.is_sealed() {
            settle(&scan)?;
        } else if is_last {
            tail = Some(Tail::resume(&scan, options.block_segment_bytes)?);
        }
    }
    let shared = Arc::new(Shared::new(folder, index));
    Ok(BlockLog {
        options,
        shared,
        segments,
        tail,
        is_closed: false,
    })
}

fn enter(
    index: &mut Index,
    segments: &mut Segments,
    scan: &Scan<'_>,
    found: &Found,
) -> Result<(), StoreError> {
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
    segments.occupy(place.segment);
    // A block put again after it was freed: the later copy is the one that counts.
    if let Some(older) = index.insert((frame.key, frame.item), place) {
        segments.release(older.segment);
    }
    Ok(())
}
