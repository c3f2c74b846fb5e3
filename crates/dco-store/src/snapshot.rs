//! What the records up to one of them amount to, in one file.

use sha2::{Digest, Sha256};

use crate::{
    StoreError,
    codec::{array_at, len_u64, put, u32_at, u64_at},
    disk::Folder,
    journal::{Head, Seq},
    segment::check_known,
};

mod maker;
mod names;
mod retention;
mod thread;

pub use maker::{Made, SnapshotMaker};
pub(crate) use names::{finished, list, number, tidy_and_list, unfinished};
pub use thread::Snapshots;

const MAGIC: &[u8; 8] = b"dco.snap";

/// The format this program writes, and the highest it reads.
const VERSION: u32 = 1;

/// Bytes before the body.
const HEADER_BYTES: usize = 128;
const DIGEST_BYTES: usize = 32;

/// Version and checksum stand where every file of the folder has them.
const VERSION_AT: usize = 8;
const CRC_AT: usize = 124;

/// What stands before a snapshot's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotHeader {
    pub(crate) record_format: u32,
    /// The last record that is in it, and the hash chain after that.
    pub(crate) head: Head,
    body_bytes: u64,
}

/// A whole one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) header: SnapshotHeader,
    pub(crate) body: Vec<u8>,
}

impl Snapshot {
    pub(crate) fn new(record_format: u32, head: Head, body: Vec<u8>) -> Self {
        let header = SnapshotHeader {
            record_format,
            head,
            body_bytes: len_u64(&body),
        };
        Self { header, body }
    }

    /// Writes it all and syncs it. It has no name to be found by until it is renamed.
    pub(crate) fn write(&self, folder: &Folder, file: &str) -> Result<(), StoreError> {
        let header = self.header.encode();
        let body_at = len_u64(&header);
        let digest_at = body_at + self.header.body_bytes;
        folder.create(file, self.header.file_bytes())?;
        folder.write_at(file, 0, &header)?;
        folder.write_at(file, body_at, &self.body)?;
        folder.write_at(file, digest_at, &digest(&header, &self.body))?;
        folder.sync_data(file)
    }

    /// Reads a file and checks every byte of it.
    pub(crate) fn read(folder: &Folder, file: &str) -> Result<Self, StoreError> {
        let header = SnapshotHeader::read(folder, file)?;
        let damaged = |offset, what| damaged(file, offset, what);
        if folder.len(file)? != header.file_bytes() {
            return Err(damaged(
                0,
                "the file has not the length that its header says",
            ));
        }
        let body_at = len_u64(&[0; HEADER_BYTES]);
        let body_bytes = usize::try_from(header.body_bytes)
            .map_err(|_| damaged(0, "it is longer than memory"))?;
        let mut body = vec![0; body_bytes];
        folder.read_at(file, body_at, &mut body)?;
        let mut stored = [0; DIGEST_BYTES];
        folder.read_at(file, body_at + header.body_bytes, &mut stored)?;
        if stored != digest(&header.encode(), &body) {
            return Err(damaged(body_at, "the SHA-256 of its bytes is another"));
        }
        Ok(Self { header, body })
    }
}

impl SnapshotHeader {
    /// Reads what stands before the body. The body is not looked at.
    pub(crate) fn read(folder: &Folder, file: &str) -> Result<Self, StoreError> {
        if folder.len(file)? < len_u64(&[0; HEADER_BYTES + DIGEST_BYTES]) {
            return Err(damaged(file, 0, "the file is shorter than a header"));
        }
        let mut bytes = [0; HEADER_BYTES];
        folder.read_at(file, 0, &mut bytes)?;
        if !bytes.starts_with(MAGIC) || u32_at(&bytes, CRC_AT) != crc32fast::hash(&bytes[..CRC_AT])
        {
            return Err(damaged(file, 0, "this is no snapshot header"));
        }
        check_known(file, "file", u32_at(&bytes, VERSION_AT), VERSION)?;
        Ok(Self {
            record_format: u32_at(&bytes, 12),
            head: Head {
                seq: u64_at(&bytes, 16),
                chain: array_at(&bytes, 24),
            },
            body_bytes: u64_at(&bytes, 56),
        })
    }

    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        put(&mut out, 0, MAGIC);
        put(&mut out, VERSION_AT, &VERSION.to_le_bytes());
        put(&mut out, 12, &self.record_format.to_le_bytes());
        put(&mut out, 16, &self.head.seq.to_le_bytes());
        put(&mut out, 24, &self.head.chain);
        put(&mut out, 56, &self.body_bytes.to_le_bytes());
        let crc32 = crc32fast::hash(&out[..CRC_AT]);
        put(&mut out, CRC_AT, &crc32.to_le_bytes());
        out
    }

    fn file_bytes(&self) -> u64 {
        self.body_bytes
            .saturating_add(len_u64(&[0; HEADER_BYTES + DIGEST_BYTES]))
    }
}

/// The last record in the snapshot of this name, if its header can be read and says the same.
pub(crate) fn header_of(folder: &Folder, seq: Seq) -> Result<SnapshotHeader, StoreError> {
    let file = finished(seq);
    let header = SnapshotHeader::read(folder, &file)?;
    if header.head.seq == seq {
        Ok(header)
    } else {
        Err(damaged(&file, 0, "the header is that of another snapshot"))
    }
}

fn digest(header: &[u8], body: &[u8]) -> [u8; DIGEST_BYTES] {
    Sha256::new()
        .chain_update(header)
        .chain_update(body)
        .finalize()
        .into()
}

fn damaged(file: &str, offset: u64, what: &'static str) -> StoreError {
    StoreError::Damaged {
        file: file.to_owned(),
        offset,
        what,
    }
}
