use std::sync::{Arc, mpsc::sync_channel};

use sha2::{Digest, Sha256};

use super::support::{SMALL, open_small, open_with, pattern};
use crate::{
    Disk, Fate, FileDisk, MemDisk, Options, RECORD_BYTES_MAX, StoreError, open, records_only,
    segment::Log,
};

#[test]
fn records_come_back_in_order_over_several_segments() {
    let disk = MemDisk::new();
    let records: Vec<_> = (0..200)
        .map(|n| pattern(n, usize::try_from(n).unwrap()))
        .collect();
    let (mut opened, _) = open_small(&disk).unwrap();
    for commit in records.chunks(7) {
        opened.journal.commit(commit).unwrap();
    }
    let head = opened.journal.head();
    assert_eq!(opened.journal.last_seq(), 200);
    drop(opened);
    for _ in 0..2 {
        let (opened, replayed) = open_small(&disk).unwrap();
        assert_eq!(replayed, records);
        assert_eq!(opened.journal.head(), head);
    }
    assert!(disk.list().unwrap().len() > 10);
}

#[test]
fn the_chain_is_what_the_format_says() {
    let (mut opened, _) = open_small(&MemDisk::new()).unwrap();
    assert_eq!(opened.journal.head().chain, [0; 32]);
    opened.journal.commit(&["one", "two"]).unwrap();
    let mut chain = [0; 32];
    for (seq, record) in [(1_u64, "one"), (2, "two")] {
        chain = Sha256::digest([&chain[..], &seq.to_le_bytes(), record.as_bytes()].concat()).into();
    }
    assert_eq!(opened.journal.head().chain, chain);
}

#[test]
fn opening_twice_changes_nothing_the_second_time() {
    let disk = MemDisk::new();
    let (mut opened, _) = open_small(&disk).unwrap();
    opened.journal.commit(&["a record"]).unwrap();
    drop(opened);
    drop(open_small(&disk).unwrap());
    let files = |disk: &MemDisk| -> Vec<_> {
        let read = |name: String| {
            let mut bytes = vec![0; usize::try_from(disk.len(&name).unwrap()).unwrap()];
            disk.read_at(&name, 0, &mut bytes).unwrap();
            (name, bytes)
        };
        disk.list().unwrap().into_iter().map(read).collect()
    };
    let once = files(&disk);
    drop(open_small(&disk).unwrap());
    assert_eq!(files(&disk), once);
}

#[test]
fn a_commit_of_nothing_and_a_record_of_nothing_are_possible() {
    let disk = MemDisk::new();
    let (mut opened, _) = open_small(&disk).unwrap();
    assert_eq!(opened.journal.commit::<&[u8]>(&[]).unwrap(), 0);
    assert_eq!(
        disk.list().unwrap(),
        Vec::<String>::new(),
        "no file before the first record"
    );
    assert_eq!(opened.journal.commit(&[""]).unwrap(), 1);
    assert_eq!(open_small(&disk).unwrap().1, [b""]);
}

#[test]
fn a_record_of_the_largest_size_is_kept_and_a_larger_one_refused() {
    let disk = MemDisk::new();
    let (mut opened, _) = open_small(&disk).unwrap();
    let largest = vec![7; RECORD_BYTES_MAX];
    let larger = vec![7; RECORD_BYTES_MAX + 1];
    let refused = opened
        .journal
        .commit(&["fits", std::str::from_utf8(&larger).unwrap()]);
    assert!(
        matches!(refused, Err(StoreError::RecordTooLarge { bytes, .. }) if bytes == larger.len())
    );
    assert_eq!(opened.journal.last_seq(), 0, "all or nothing");
    opened.journal.commit(&[&largest]).unwrap();
    opened.journal.commit(&["after"]).unwrap();
    let writer = opened.journal.start(|_| {});
    assert!(matches!(
        writer.append(larger),
        Err(StoreError::RecordTooLarge { .. })
    ));
    writer.close().unwrap();
    assert_eq!(open_small(&disk).unwrap().1, [largest, b"after".to_vec()]);
}

#[test]
fn a_record_larger_than_a_segment_gets_one_that_it_fills() {
    let disk = MemDisk::new();
    let mut journal = open_small(&disk).unwrap().0.journal;
    for record in [pattern(1, 30), pattern(2, 5000), pattern(3, 30)] {
        journal.commit(&[record]).unwrap();
    }
    let bytes = |number: u64| disk.len(&Log::Journal.segment(number)).unwrap();
    // Header, one frame with chain value and length, seal: all of it reserved before it is written.
    assert_eq!(bytes(2), 128 + 64 + 32 + 4 + 5000 + 64);
    assert_eq!(bytes(3), SMALL.journal_segment_bytes);
}

#[test]
fn a_reader_that_refuses_a_record_ends_the_start() {
    let disk = MemDisk::new();
    let (mut opened, _) = open_small(&disk).unwrap();
    opened.journal.commit(&["good", "bad", "good"]).unwrap();
    let mut replay = records_only(|_, record| {
        if record == b"bad" {
            Err("no such record".into())
        } else {
            Ok(())
        }
    });
    let error = open(Arc::new(disk), SMALL, &mut replay).unwrap_err();
    assert!(
        matches!(error, StoreError::Replay { seq: 2, .. }),
        "{error:?}"
    );
}

#[test]
fn the_thread_says_what_is_durable_and_only_then() {
    let disk = MemDisk::new();
    let (opened, _) = open_small(&disk).unwrap();
    let (durable, heard) = sync_channel(1000);
    let writer = opened.journal.start(move |seq| {
        let survivors = open_small(&disk.crash(|_| Fate::Lost)).unwrap().1.len();
        durable.send((seq.unwrap(), survivors)).unwrap();
    });
    for n in 0..300_u64 {
        writer.append(pattern(n, 40)).unwrap();
    }
    writer.close().unwrap();
    let heard: Vec<_> = heard.iter().collect();
    assert!(heard.is_sorted());
    assert_eq!(heard.last(), Some(&(300, 300)));
    assert!(
        heard
            .iter()
            .all(|(seq, survivors)| *seq == *survivors as u64)
    );
}

#[test]
fn after_a_failed_sync_everybody_is_told_and_nothing_is_tried_again() {
    let disk = MemDisk::new();
    let (mut opened, _) = open_small(&disk).unwrap();
    opened.journal.commit(&["safe"]).unwrap();
    let (durable, heard) = sync_channel(10);
    let writer = opened.journal.start(move |seq| durable.send(seq).unwrap());
    disk.fail_sync_after(0);
    let syncs = disk.syncs();
    writer.append(b"lost".to_vec()).unwrap();
    let failure = heard.recv().unwrap();
    assert!(
        matches!(
            failure,
            Err(StoreError::Disk {
                doing: "syncing",
                ..
            })
        ),
        "{failure:?}"
    );
    assert!(heard.recv().is_err(), "told once");
    assert!(matches!(
        writer.append(b"later".to_vec()),
        Err(StoreError::Closed)
    ));
    assert!(matches!(writer.close(), Err(StoreError::Closed)));
    assert_eq!(disk.syncs(), syncs + 1, "a failed sync is not retried");
}

#[test]
fn a_record_found_after_a_failed_sync_is_made_durable_before_it_counts() {
    let disk = MemDisk::new();
    let (mut opened, _) = open_small(&disk).unwrap();
    opened.journal.commit(&["safe"]).unwrap();
    disk.fail_sync_after(0);
    opened.journal.commit(&["doubtful"]).unwrap_err();
    assert!(matches!(
        opened.journal.commit(&["later"]),
        Err(StoreError::Closed)
    ));
    // The machine runs on: a new process reads the record from the page cache.
    let disk = disk.restart();
    assert_eq!(
        open_small(&disk).unwrap().1,
        [b"safe".to_vec(), b"doubtful".to_vec()]
    );
    let disk = disk.crash(|_| Fate::Lost);
    assert_eq!(
        open_small(&disk).unwrap().1,
        [b"safe".to_vec(), b"doubtful".to_vec()]
    );
}

#[test]
fn a_full_disk_closes_the_journal_and_loses_nothing() {
    let disk = MemDisk::new();
    let (mut opened, _) = open_small(&disk).unwrap();
    disk.limit_bytes(2000);
    let mut kept = Vec::new();
    let failure = loop {
        let record = pattern(kept.len() as u64, 100);
        match opened.journal.commit(&[&record]) {
            Ok(_) => kept.push(record),
            Err(error) => break error,
        }
    };
    assert!(matches!(failure, StoreError::Disk { .. }), "{failure:?}");
    assert!(!kept.is_empty());
    let (mut opened, replayed) = open_small(&disk.restart()).unwrap();
    assert_eq!(replayed, kept);
    opened.journal.commit(&["room again"]).unwrap();
}

#[test]
fn a_start_on_a_full_disk_is_refused_and_loses_nothing() {
    let disk = MemDisk::new();
    let (mut opened, _) = open_small(&disk).unwrap();
    opened.journal.commit(&["kept"]).unwrap();
    // Something else took the room that recovery gave back and wants again.
    let disk = disk.restart();
    disk.set_len(&disk.list().unwrap()[0], 300).unwrap();
    disk.limit_bytes(300);
    let error = open_small(&disk).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Disk {
                doing: "changing the length of",
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(open_small(&disk.restart()).unwrap().1, [b"kept"]);
}

#[test]
fn a_thread_that_ends_in_panic_leaves_nobody_waiting() {
    let (opened, _) = open_small(&MemDisk::new()).unwrap();
    let writer = opened.journal.start(|_| panic!("the listener failed"));
    while writer.append(vec![0; 100]).is_ok() {}
    assert!(matches!(writer.close(), Err(StoreError::Closed)));
}

#[test]
fn real_files_keep_records_too() {
    let folder = tempfile::tempdir().unwrap();
    let disk = || Arc::new(FileDisk::open(folder.path()).unwrap());
    let records: Vec<_> = (0..500).map(|n| pattern(n, 50)).collect();
    let (opened, _) = open_with(disk(), Options::default()).unwrap();
    let writer = opened.journal.start(|_| {});
    drop(opened.blocks);
    for record in &records {
        writer.append(record.clone()).unwrap();
    }
    writer.close().unwrap();
    assert_eq!(open_with(disk(), Options::default()).unwrap().1, records);
}
