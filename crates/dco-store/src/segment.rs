//! What both logs have in common: numbered files of frames, how one is read, and how its end
//! grows.

use crate::{
    StoreError,
    codec::{array_at, put, u32_at, u64_at},
    disk::Folder,
    frame::FRAME_HEADER_LEN,
};

mod names;
mod scan;
mod tail;

pub(crate) use names::Log;
pub(crate) use scan::{Bodies, Found, Scan};
pub(crate) use tail::{Body, Tail, settle};

/// Bytes before the first frame.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 128;
/// The same, for arithmetic with places in files.
pub(crate) const SEGMENT_HEADER_LEN: u64 = SEGMENT_HEADER_BYTES as u64;

/// Where every version keeps its version and, at the end of the first 128 bytes, their CRC-32:
/// so that a newer format is told from a damaged one.
const VERSION_AT: usize = 8;
const RECORD_FORMAT_AT: usize = 12;
const CRC_AT: usize = 124;

/// What stands at the start of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) log: Log,
    /// What the journal's records mean to the caller; zero in the block log.
    pub(crate) record_format: u32,
    /// Counts up for ever; for a recycled file it is its generation.
    pub(crate) number: u64,
    pub(crate) salt: u64,
    /// Number of the first record that may follow; zero in the block log.
    pub(crate) first_seq: u64,
    /// Hash chain before that record; zeros in the block log.
    pub(crate) chain: [u8; 32],
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = [0; SEGMENT_HEADER_BYTES];
        put(&mut out, 0, self.log.magic());
        put(&mut out, VERSION_AT, &self.log.version().to_le_bytes());
        put(
            &mut out,
            RECORD_FORMAT_AT,
            &self.record_format.to_le_bytes(),
        );
        put(&mut out, 16, &self.number.to_le_bytes());
        put(&mut out, 24, &self.salt.to_le_bytes());
        put(&mut out, 32, &self.first_seq.to_le_bytes());
        put(&mut out, 40, &self.chain);
        let crc32 = crc32fast::hash(&out[..CRC_AT]);
        put(&mut out, CRC_AT, &crc32.to_le_bytes());
        out
    }

    /// Reads the header of segment `number`. A named file always has one, because it gets its
    /// name only after its header is durable: anything else is damage.
    pub(crate) fn read(folder: &Folder, log: Log, number: u64) -> Result<Self, StoreError> {
        let file = log.segment(number);
        let damaged = |what| StoreError::Damaged {
            file: file.clone(),
            offset: 0,
            what,
        };
        if folder.len(&file)? < SEGMENT_HEADER_LEN {
            return Err(damaged("the file is shorter than its header"));
        }
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        folder.read_at(&file, 0, &mut bytes)?;
        if !bytes.starts_with(log.magic())
            || u32_at(&bytes, CRC_AT) != crc32fast::hash(&bytes[..CRC_AT])
        {
            return Err(damaged("this is no segment header"));
        }
        check_known(&file, "file", u32_at(&bytes, VERSION_AT), log.version())?;
        let header = Self {
            log,
            record_format: u32_at(&bytes, RECORD_FORMAT_AT),
            number: u64_at(&bytes, 16),
            salt: u64_at(&bytes, 24),
            first_seq: u64_at(&bytes, 32),
            chain: array_at(&bytes, 40),
        };
        if header.number != number {
            return Err(damaged("the header is that of another segment"));
        }
        Ok(header)
    }
}

/// Refuses what a newer program wrote.
pub(crate) fn check_known(
    file: &str,
    what: &'static str,
    found: u32,
    known: u32,
) -> Result<(), StoreError> {
    if found <= known {
        return Ok(());
    }
    Err(StoreError::NewerFormat {
        file: file.to_owned(),
        what,
        found,
        known,
    })
}

/// Bytes of a segment that holds one frame with a body of this size and its seal.
pub(crate) fn bytes_for(body_bytes: u64) -> u64 {
    SEGMENT_HEADER_LEN + FRAME_HEADER_LEN + body_bytes + FRAME_HEADER_LEN
}

/// Makes an empty segment of at least `bytes`. It gets its name last: a crash on the way
/// leaves a file that the next start removes.
pub(crate) fn create(
    folder: &Folder,
    header: &SegmentHeader,
    bytes: u64,
) -> Result<(), StoreError> {
    let unfinished = header.log.unfinished(header.number);
    folder.create(&unfinished, bytes.max(SEGMENT_HEADER_LEN))?;
    begin(folder, header, &unfinished)
}

/// Makes an empty segment of the file `spare`, whatever it held before.
pub(crate) fn begin(
    folder: &Folder,
    header: &SegmentHeader,
    spare: &str,
) -> Result<(), StoreError> {
    folder.write_at(spare, 0, &header.encode())?;
    folder.sync_data(spare)?;
    folder.rename(spare, &header.log.segment(header.number))?;
    folder.sync_folder()
}
