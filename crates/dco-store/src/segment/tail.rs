use super::{SEGMENT_HEADER_LEN, Scan, SegmentHeader};
use crate::{
    StoreError,
    codec::len_u32,
    disk::Folder,
    frame::{FRAME_HEADER_LEN, Frame, Kind, Spot},
};

/// How much is rewritten at once by recovery.
const PIECE_BYTES: u64 = 1024 * 1024;

/// What a frame is to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) kind: Kind,
    pub(crate) key: u64,
    pub(crate) item: u32,
    pub(crate) bytes: &'a [u8],
    pub(crate) crc32: u32,
}

/// The end of the last segment of a log, where frames are added.
#[derive(Debug)]
pub(crate) struct Tail {
    file: String,
    pub(crate) number: u64,
    salt: u64,
    /// Bytes reserved.
    len: u64,
    end: u64,
    synced: u64,
}

impl Tail {
    /// The end of a segment just begun in a file of `len` bytes.
    pub(crate) fn new(header: &SegmentHeader, len: u64) -> Self {
        Self {
            file: header.log.segment(header.number),
            number: header.number,
            salt: header.salt,
            len,
            end: SEGMENT_HEADER_LEN,
            synced: SEGMENT_HEADER_LEN,
        }
    }

    /// Takes up writing where a scan ended. What the scan found is durable when this returns,
    /// and what a crash left behind it is gone for good, so that it can never come back.
    pub(crate) fn resume(scan: &Scan<'_>, segment_bytes: u64) -> Result<Self, StoreError> {
        let mut tail = Self::new(&scan.header, segment_bytes.max(scan.at));
        tail.end = scan.at;
        tail.synced = scan.at;
        scan.folder.set_len(&tail.file, tail.end)?;
        settle(scan)?;
        scan.folder.set_len(&tail.file, tail.len)?;
        if !scan.is_marked() {
            tail.append_bare(scan.folder, Kind::Mark)?;
        }
        tail.sync(scan.folder)?;
        Ok(tail)
    }

    /// Behind the last frame.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Whether a body of this size leaves room for the seal.
    pub(crate) fn has_room_for(&self, body_bytes: u64) -> bool {
        self.end + FRAME_HEADER_LEN + body_bytes + FRAME_HEADER_LEN <= self.len
    }

    /// Whether the segment holds no frame yet. Then it takes one of any size.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == SEGMENT_HEADER_LEN
    }

    /// Writes a frame and says where. Durable after the next sync.
    pub(crate) fn append(&mut self, folder: &Folder, body: &Body<'_>) -> Result<u64, StoreError> {
        let offset = self.end;
        let frame = Frame {
            kind: body.kind,
            synced: self.synced,
            key: body.key,
            item: body.item,
            body_bytes: len_u32(body.bytes),
            body_crc32: body.crc32,
        };
        let spot = Spot {
            salt: self.salt,
            segment: self.number,
            offset,
        };
        folder.write_at(&self.file, offset, &frame.encode(&spot))?;
        if !body.bytes.is_empty() {
            folder.write_at(&self.file, offset + FRAME_HEADER_LEN, body.bytes)?;
        }
        self.end = frame.end(offset);
        Ok(offset)
    }

    /// Makes all that was appended durable.
    pub(crate) fn sync(&mut self, folder: &Folder) -> Result<(), StoreError> {
        folder.sync_data(&self.file)?;
        self.synced = self.end;
        Ok(())
    }

    /// Says that all so far is durable, for whoever finds damage in it after a clean end.
    pub(crate) fn mark(&mut self, folder: &Folder) -> Result<(), StoreError> {
        self.sync(folder)?;
        self.append_bare(folder, Kind::Mark)?;
        self.sync(folder)
    }

    /// Ends the segment. Only then may the next one be begun.
    pub(crate) fn seal(&mut self, folder: &Folder) -> Result<(), StoreError> {
        self.sync(folder)?;
        self.append_bare(folder, Kind::Seal)?;
        self.sync(folder)
    }

    /// Gives back the room behind a seal.
    pub(crate) fn trim(&self, folder: &Folder) -> Result<(), StoreError> {
        folder.set_len(&self.file, self.end)
    }

    fn append_bare(&mut self, folder: &Folder, kind: Kind) -> Result<(), StoreError> {
        self.append(
            folder,
            &Body {
                kind,
                key: 0,
                item: 0,
                bytes: &[],
                crc32: 0,
            },
        )?;
        Ok(())
    }
}

/// Makes what the scan found durable, by writing again what no frame says was synced. An earlier process may have ended at a failed
/// sync; then these bytes can be read from the page cache, count as clean there and are not on
/// the disk. Only written again will a sync take them.
pub(crate) fn settle(scan: &Scan<'_>) -> Result<(), StoreError> {
    let mut from = scan.synced;
    while from < scan.at {
        let bytes = PIECE_BYTES.min(scan.at - from);
        let mut piece = vec![0; usize::try_from(bytes).expect("a piece is one mebibyte at most")];
        scan.folder.read_at(&scan.file, from, &mut piece)?;
        scan.folder.write_at(&scan.file, from, &piece)?;
        from += bytes;
    }
    scan.folder.sync_data(&scan.file)
}
