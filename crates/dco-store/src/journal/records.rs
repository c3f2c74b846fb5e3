use sha2::{Digest, Sha256};

use super::{Head, RECORD_BYTES_MAX};
use crate::{
    StoreError,
    codec::{array_at, in_memory, len_u32, u32_at},
};

const CHAIN_BYTES: usize = 32;
const LENGTH_BYTES: usize = 4;

/// Records on their way into one frame: the chain after the last of them, then each with its
/// length before it.
#[derive(Debug)]
pub(super) struct Batch {
    head: Head,
    count: u32,
    bytes: Vec<u8>,
}

impl Batch {
    pub(super) fn after(head: Head) -> Self {
        Self {
            head,
            count: 0,
            bytes: vec![0; CHAIN_BYTES],
        }
    }

    pub(super) fn push(&mut self, record: &[u8]) -> Result<(), StoreError> {
        check_size(record)?;
        self.bytes.extend_from_slice(&len_u32(record).to_le_bytes());
        self.bytes.extend_from_slice(record);
        self.head = self.head.after(record);
        self.count += 1;
        Ok(())
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// How many records, the head after them, and the frame's body.
    pub(super) fn finish(mut self) -> (u32, Head, Vec<u8>) {
        self.bytes[..CHAIN_BYTES].copy_from_slice(&self.head.chain);
        (self.count, self.head, self.bytes)
    }
}

/// Refuses a record that is larger than the format allows.
pub(super) fn check_size(record: &[u8]) -> Result<(), StoreError> {
    match record.len() {
        0..=RECORD_BYTES_MAX => Ok(()),
        bytes => Err(StoreError::RecordTooLarge {
            bytes,
            bytes_max: RECORD_BYTES_MAX,
        }),
    }
}

/// Says what is wrong with a frame's body that is to hold `count` records.
pub(super) fn check(body: &[u8], count: u32) -> Result<(), &'static str> {
    if body.len() < CHAIN_BYTES {
        return Err("a commit has no chain value");
    }
    let mut records = records_of(body);
    let found = records.by_ref().count();
    if found < in_memory(count) {
        return Err("a record is longer than its commit");
    }
    if found > in_memory(count) || !records.0.is_empty() {
        return Err("a commit is longer than its records");
    }
    Ok(())
}

/// The records of a frame's body, as long as they are whole.
pub(crate) fn records_of(body: &[u8]) -> Records<'_> {
    Records(body.get(CHAIN_BYTES..).unwrap_or_default())
}

/// See [`records_of`].
#[derive(Debug)]
pub(crate) struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (record, after) = split_one(self.0)?;
        self.0 = after;
        Some(record)
    }
}

/// The chain value that a frame's body carries; `check` has found it there.
pub(super) fn chain_of(body: &[u8]) -> [u8; 32] {
    array_at(body, 0)
}

fn split_one(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.get(LENGTH_BYTES..)?;
    rest.split_at_checked(in_memory(u32_at(bytes, 0)))
}

impl Head {
    /// The head once `record` follows: how the chain is made, for whoever checks it without the journal's files.
    #[must_use]
    pub fn after(self, record: &[u8]) -> Self {
        let seq = self.seq + 1;
        let hasher = Sha256::new();
        let hasher = hasher.chain_update(self.chain);
        let hasher = hasher.chain_update(seq.to_le_bytes());
        Self {
            seq,
            chain: hasher.chain_update(record).finalize().into(),
        }
    }
}
