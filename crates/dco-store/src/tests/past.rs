//! The records that are kept, read while the journal is written.

use proptest::prelude::*;

use super::{
    history::{open_history, record},
    snapshots::{always, never, written as written_up_to},
    support::open_small,
};
use crate::{Disk, Head, History, Journal, JournalWriter, MemDisk, Seq, StoreError};

fn writer(journal: Journal) -> JournalWriter {
    journal.start(|_| {})
}

/// A journal with records 1 to `count`, written in commits of a few.
fn journal(disk: &MemDisk, count: Seq) -> Journal {
    let mut journal = open_small(disk).unwrap().0.journal;
    let records: Vec<_> = (1..=count).map(record).collect();
    for commit in records.chunks(3) {
        journal.commit(commit).unwrap();
    }
    journal
}

/// All that is read from `from` on.
fn read(history: &History, from: Seq) -> Vec<(Seq, Vec<u8>)> {
    let (mut found, mut last) = (Vec::new(), None);
    let read = history.read(from, |before, record, after| {
        assert_eq!(before.after(record), after);
        assert!(last.is_none_or(|last| last == before), "none is left out");
        last = Some(after);
        found.push((after.seq, record.to_vec()));
        true
    });
    read.unwrap();
    if let Some(last) = last {
        assert_eq!(last, history.head());
    }
    found
}

fn written(from: Seq, to: Seq) -> Vec<(Seq, Vec<u8>)> {
    (from.max(1)..=to).map(|seq| (seq, record(seq))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_read_is_what_was_durable_at_the_moment_from_any_record_on(
        before in 0..60_u64, meanwhile in 0..60_u64, from in 0..130_u64,
    ) {
        let disk = MemDisk::new();
        let writer = writer(journal(&disk, before));
        let history = writer.history().unwrap();
        for seq in before + 1..=before + meanwhile {
            writer.append(record(seq)).unwrap();
        }
        writer.close().unwrap();
        prop_assert_eq!(history.head().seq, before);
        prop_assert_eq!(history.before(), Head { seq: 0, chain: [0; 32] });
        prop_assert_eq!(read(&history, from), written(from, before));
    }
}

#[test]
fn reading_ends_where_no_more_is_wanted() {
    let writer = writer(journal(&MemDisk::new(), 40));
    let history = writer.history().unwrap();
    let mut seen = Vec::new();
    let read = history.read(7, |_, _, after| {
        seen.push(after.seq);
        seen.len() < 3
    });
    read.unwrap();
    assert_eq!(seen, [7, 8, 9]);
}

#[test]
fn when_the_oldest_records_are_gone_the_first_that_is_kept_says_what_was_before() {
    let (all, kept) = (written_up_to(110, never), written_up_to(110, always));
    let mut heads = Vec::new();
    let whole = writer(open_history(&all).unwrap().0.journal);
    let whole = whole.history().unwrap();
    whole
        .read(1, |_, _, after| {
            heads.push(after);
            true
        })
        .unwrap();
    let writer = writer(open_history(&kept).unwrap().0.journal);
    let history = writer.history().unwrap();
    let before = history.before();
    assert!(before.seq > 0);
    assert_eq!(before, heads[usize::try_from(before.seq - 1).unwrap()]);
    assert_eq!(read(&history, 1), written(before.seq + 1, 110));
}

#[test]
fn a_record_that_was_changed_on_disk_is_not_read() {
    let disk = MemDisk::new();
    let writer = writer(journal(&disk, 40));
    let history = writer.history().unwrap();
    let mut files = disk.list().unwrap();
    files.retain(|file| file.starts_with("journal-"));
    files.sort_unstable();
    let mut byte = [0];
    disk.read_at(&files[1], 240, &mut byte).unwrap();
    disk.write_at(&files[1], 240, &[&[byte[0] ^ 1]]).unwrap();
    let read = history.read(1, |_, _, _| true);
    assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
}
