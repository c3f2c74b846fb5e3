use super::{Log, SEGMENT_HEADER_LEN, SegmentHeader};
use crate::{
    StoreError,
    codec::in_memory,
    disk::Folder,
    frame::{FRAME_HEADER_BYTES, FRAME_HEADER_LEN, FRAME_TAG, Frame, Kind, Spot},
};

/// How much is read at once when looking for a frame behind a bad one.
const PIECE_BYTES: usize = 64 * 1024;

/// What to do about the bodies of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    /// Read and check each.
    Check,
    /// Read and check those that no later frame says were synced: a power cut may have torn them.
    /// Whoever reads another one checks it then.
    CheckUnsynced,
    /// Step over them; whoever reads one later checks it then.
    Skip,
}

/// A frame that holds something.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) frame: Frame,
    pub(crate) offset: u64,
    /// Empty if bodies are skipped.
    pub(crate) body: Vec<u8>,
}

/// Walks the frames of one segment and, where they end, decides whether that is where writing
/// stopped or where damage begins.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) header: SegmentHeader,
    pub(crate) file: String,
    /// Every segment but the last ends with a seal.
    is_last: bool,
    len: u64,
    /// Behind the last good frame.
    pub(crate) at: u64,
    /// What the last good frame says was synced before it.
    pub(crate) synced: u64,
    last_kind: Option<Kind>,
    /// Bodies before this offset are stepped over.
    checked_from: u64,
}

impl<'a> Scan<'a> {
    pub(crate) fn open(
        folder: &'a Folder,
        header: SegmentHeader,
        bodies: Bodies,
        is_last: bool,
    ) -> Result<Self, StoreError> {
        let file = header.log.segment(header.number);
        let len = folder.len(&file)?;
        let start = SEGMENT_HEADER_LEN;
        let mut scan = Self {
            folder,
            header,
            file,
            is_last,
            len,
            at: start,
            synced: start,
            last_kind: None,
            checked_from: match bodies {
                Bodies::Skip => u64::MAX,
                Bodies::Check | Bodies::CheckUnsynced => 0,
            },
        };
        if bodies == Bodies::CheckUnsynced {
            scan.checked_from = Self::open(folder, header, Bodies::Skip, is_last)?.last_synced()?;
        }
        Ok(scan)
    }

    /// What the last of all frames says was synced before it.
    fn last_synced(mut self) -> Result<u64, StoreError> {
        while !self.is_sealed()
            && let Some(found) = self.read_frame()?
        {
            self.pass(&found);
        }
        Ok(self.synced)
    }

    /// Whether the segment has a frame.
    pub(crate) fn is_begun(folder: &'a Folder, log: Log, number: u64) -> Result<bool, StoreError> {
        let header = SegmentHeader::read(folder, log, number)?;
        let scan = Self::open(folder, header, Bodies::Skip, true)?;
        Ok(scan.read_frame()?.is_some())
    }

    /// The next frame that holds something, or nothing at the end of what is kept.
    pub(crate) fn next(&mut self) -> Result<Option<Found>, StoreError> {
        while !self.is_sealed() {
            let Some(found) = self.read_frame()? else {
                self.judge_end()?;
                return Ok(None);
            };
            self.pass(&found);
            if matches!(found.frame.kind, Kind::Records | Kind::Block) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn pass(&mut self, found: &Found) {
        self.at = found.frame.end(found.offset);
        self.synced = found.frame.synced;
        self.last_kind = Some(found.frame.kind);
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.last_kind == Some(Kind::Seal)
    }

    /// Whether the last frame, if any, says that all before it is durable.
    pub(crate) fn is_marked(&self) -> bool {
        matches!(self.last_kind, None | Some(Kind::Mark | Kind::Seal))
    }

    pub(crate) fn damaged(&self, offset: u64, what: &'static str) -> StoreError {
        StoreError::Damaged {
            file: self.file.clone(),
            offset,
            what,
        }
    }

    /// The frame at `self.at`, or nothing if there is no whole one.
    fn read_frame(&self) -> Result<Option<Found>, StoreError> {
        let offset = self.at;
        if offset + FRAME_HEADER_LEN > self.len {
            return Ok(None);
        }
        let mut header = [0; FRAME_HEADER_BYTES];
        self.folder.read_at(&self.file, offset, &mut header)?;
        let Some(frame) = Frame::decode(&header, &self.spot(offset)) else {
            return Ok(None);
        };
        // What was synced never shrinks: this also refuses a frame that a crash left behind.
        let is_next = (self.synced..=offset).contains(&frame.synced);
        if !is_next {
            return Ok(None);
        }
        // Room is reserved before a frame is written into it, so no power cut leaves this.
        if frame.end(offset) > self.len {
            return Err(self.damaged(offset, "the file ends before this frame does"));
        }
        if offset < self.checked_from {
            return Ok(Some(Found {
                frame,
                offset,
                body: Vec::new(),
            }));
        }
        let mut body = vec![0; in_memory(frame.body_bytes)];
        self.folder
            .read_at(&self.file, offset + FRAME_HEADER_LEN, &mut body)?;
        let is_whole = crc32fast::hash(&body) == frame.body_crc32;
        Ok(is_whole.then_some(Found {
            frame,
            offset,
            body,
        }))
    }

    /// There is no whole frame at `self.at`. If anything says that it was synced, it is damaged.
    fn judge_end(&self) -> Result<(), StoreError> {
        if !self.is_last {
            return Err(self.damaged(self.at, "a segment that was closed has a bad frame here"));
        }
        let synced = |_, frame: &Frame| frame.synced > self.at;
        if self.find(self.at + 1, synced)?.is_some() {
            return Err(self.damaged(self.at, "a later frame says that this one was durable"));
        }
        Ok(())
    }

    /// After a damaged frame: goes on at the next frame header behind it, if there is one.
    pub(crate) fn go_on_behind(&mut self) -> Result<bool, StoreError> {
        let next = self.find(self.at + 1, |offset, frame| frame.end(offset) <= self.len)?;
        self.at = next.unwrap_or(self.at);
        Ok(next.is_some())
    }

    /// Whether a frame was begun behind the end of what is kept. What a recycled file held before
    /// is none.
    pub(crate) fn is_torn(&self) -> Result<bool, StoreError> {
        Ok(!self.is_sealed() && self.find(self.at, |_, _| true)?.is_some())
    }

    /// Where the first whole frame header from `from` on is that is asked for.
    fn find(
        &self,
        from: u64,
        is_it: impl Fn(u64, &Frame) -> bool,
    ) -> Result<Option<u64>, StoreError> {
        let mut piece = vec![0; PIECE_BYTES];
        let zeros = vec![0; PIECE_BYTES];
        let mut from = from;
        while from + FRAME_HEADER_LEN <= self.len {
            let left = usize::try_from(self.len - from).unwrap_or(usize::MAX);
            let bytes = &mut piece[..left.min(PIECE_BYTES)];
            self.folder.read_at(&self.file, from, bytes)?;
            // Most of what follows was never written; comparing whole pieces is quick.
            if bytes != &zeros[..bytes.len()]
                && let Some(offset) = self.find_in(bytes, from, &is_it)
            {
                return Ok(Some(offset));
            }
            // The next piece starts where a header would no longer have been whole in this one.
            from += (bytes.len() - FRAME_HEADER_BYTES + 1) as u64;
        }
        Ok(None)
    }

    fn find_in(&self, bytes: &[u8], from: u64, is_it: impl Fn(u64, &Frame) -> bool) -> Option<u64> {
        let mut windows = bytes.windows(FRAME_HEADER_BYTES).zip(from..);
        let found = windows.find(|(window, offset)| {
            window.starts_with(&FRAME_TAG)
                && window
                    .first_chunk()
                    .and_then(|header| Frame::decode(header, &self.spot(*offset)))
                    .is_some_and(|frame| is_it(*offset, &frame))
        });
        found.map(|(_, offset)| offset)
    }

    fn spot(&self, offset: u64) -> Spot {
        Spot {
            salt: self.header.salt,
            segment: self.header.number,
            offset,
        }
    }
}
