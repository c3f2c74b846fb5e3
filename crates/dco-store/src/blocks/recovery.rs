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
    disk::Folder,
    frame::Kind,
    segment::{Bodies, Log, Scan, SegmentHeader, Tail, settle},
};

/// What a folder holds of the block log. Nothing was changed to find it.
#[derive(Debug)]
pub(crate) struct Survey<'a> {
    folder: &'a Folder,
    options: Options,
    segments: Segments,
    /// The segments that may have grown, none of them sealed but the first.
    grown: Vec<(Scan<'a>, Vec<(Key, Place)>)>,
    index: Index,
}

/// Finds every block that is kept. Bodies are checked at the end of the last segment only, where a
/// power cut may have torn one; all others are checked when they are read.
pub(crate) fn survey(folder: &Folder, options: Options) -> Result<Survey<'_>, StoreError> {
    let names = Log::Blocks.list(folder)?;
    let mut survey = Survey {
        folder,
        options,
        segments: Segments::new(folder.clone(), names.spare),
        grown: Vec::new(),
        index: Index::default(),
    };
    let mut found = Vec::new();
    let grown = may_have_grown(folder, &names.segments)?;
    for number in &names.segments {
        let header = SegmentHeader::read(folder, Log::Blocks, *number)?;
        if survey.grows() {
            let bytes = folder.len(&Log::Blocks.segment(*number))?;
            survey.segments.add_ready(Tail::new(&header, bytes));
            continue;
        }
        survey.segments.add(*number);
        if grown.contains(number) {
            let mut scan = Scan::open(folder, header, Bodies::CheckUnsynced, true)?;
            let blocks = walk(&mut scan)?;
            found.extend_from_slice(&blocks);
            survey.grown.push((scan, blocks));
        } else {
            found.extend(sealed(folder, header)?);
        }
    }
    survey.enter(found);
    Ok(survey)
}

impl Survey<'_> {
    /// Whether the segment that grows was found.
    fn grows(&self) -> bool {
        self.grown.last().is_some_and(|(scan, _)| !scan.is_sealed())
    }

    fn enter(&mut self, found: Vec<(Key, Place)>) {
        for (_, place) in &found {
            self.segments.occupy(*place);
        }
        let (index, replaced) = Index::of_found(found);
        for place in replaced {
            self.segments.release(place);
        }
        self.index = index;
    }

    /// Opens the log for writing: what was found is durable, and what a crash left is gone.
    pub(crate) fn take_up(self) -> Result<BlockLog, StoreError> {
        Log::Blocks.tidy(self.folder)?;
        let mut growing = None;
        for (scan, blocks) in self.grown {
            if scan.is_sealed() {
                settle(&scan)?;
            } else {
                let tail = Tail::resume(&scan, self.options.block_segment_bytes)?;
                growing = Some(Growing::new(tail, blocks));
            }
        }
        let log = BlockLog {
            options: self.options,
            shared: Arc::new(Shared::new(self.folder.clone(), self.index)),
            segments: self.segments,
            growing,
            compaction: Compaction::default(),
            pin: Pin::default(),
            done: BlockStats::default(),
            is_closed: false,
        };
        log.shared.publish(log.stats());
        Ok(log)
    }
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
