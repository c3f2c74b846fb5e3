//! The simplest engine there can be: it knows the number and the bytes of the last records.

use std::sync::Arc;

use super::support::{SMALL, pattern};
use crate::{Disk, MemDisk, Opened, Options, Replay, ReplayError, Second, Seq, StoreError, open};

/// Remembers every record by number, and what it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct History {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) loaded: Option<Seq>,
}

impl Replay for History {
    fn load(&mut self, seq: Seq, snapshot: &[u8]) -> Result<(), ReplayError> {
        let mut records = Vec::new();
        let mut rest = snapshot;
        while let Some((len, after)) = rest.split_first_chunk() {
            let len = usize::from(u16::from_le_bytes(*len));
            let (record, after) = after.split_at_checked(len).ok_or("it is cut short")?;
            records.push(record.to_vec());
            rest = after;
        }
        if records.len() as u64 != seq || !rest.is_empty() {
            return Err("it has not as many records as it should".into());
        }
        (self.records, self.loaded) = (records, Some(seq));
        Ok(())
    }

    fn replay(&mut self, seq: Seq, record: &[u8]) -> Result<(), ReplayError> {
        self.records.push(record.to_vec());
        assert_eq!(seq, self.records.len() as u64, "numbers are without gaps");
        Ok(())
    }
}

impl Second for History {
    fn snapshot(&self) -> Vec<u8> {
        let each = self.records.iter().map(|record| {
            let len = u16::try_from(record.len()).expect("records of tests are short");
            [&len.to_le_bytes(), record.as_slice()].concat()
        });
        each.collect::<Vec<_>>().concat()
    }
}

/// What makes second engines of this kind.
pub(super) fn history() -> Box<dyn Second> {
    Box::new(History::default())
}

/// Opens a disk as an engine does that takes snapshots.
pub(super) fn open_history(disk: &MemDisk) -> Result<(Opened, History), StoreError> {
    open_history_with(Arc::new(disk.clone()), SMALL)
}

pub(super) fn open_history_with(
    disk: Arc<dyn Disk>,
    options: Options,
) -> Result<(Opened, History), StoreError> {
    let mut history = History::default();
    let opened = open(disk, options, &mut history)?;
    Ok((opened, history))
}

/// The records that tests write, by number from 1.
pub(super) fn record(seq: Seq) -> Vec<u8> {
    pattern(seq, usize::try_from(seq * 13 % 97).unwrap())
}

pub(super) fn records(seqs: std::ops::RangeInclusive<Seq>) -> Vec<Vec<u8>> {
    seqs.map(record).collect()
}
