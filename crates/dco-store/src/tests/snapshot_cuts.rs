//! Snapshots and retention while the power goes, syncs fail, the disk is full or cannot be read.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    history::{history, open_history, open_history_with, records},
    support::{SMALL, crashes},
};
use crate::{Disk, Fate, Journal, MemDisk, Seq, SnapshotMaker, StoreError};

/// What a workload was told before it failed.
#[derive(Debug, Default)]
struct Told {
    safe: Seq,
    sent: Seq,
}

/// Records, and every so often a snapshot and what may go because of it. A snapshot that fails
/// does not keep the journal from going on.
fn work(disk: &MemDisk) -> Told {
    work_on(Arc::new(disk.clone()))
}

fn work_on(disk: Arc<dyn Disk>) -> Told {
    let mut told = Told::default();
    let _failure = || -> Result<(), StoreError> {
        let mut journal = open_history_with(disk, SMALL)?.0.journal;
        let mut maker = SnapshotMaker::new(&journal, history, |record: &[u8]| {
            !records(30..=60).contains(&record.to_vec())
        });
        while told.sent < 54 {
            let commit = records(told.sent + 1..=told.sent + 3);
            told.sent += 3;
            journal.commit(&commit)?;
            told.safe = told.sent;
            if told.sent % 9 == 0 {
                let _failure = maker.step();
            }
        }
        journal.close()
    }();
    told
}

/// What must hold of a disk after whatever happened.
fn check(disk: &MemDisk, told: &Told, when: &str) {
    let (opened, history) = open_history(disk).unwrap_or_else(|error| panic!("{when}: {error}"));
    let found = opened.journal.last_seq();
    assert!((told.safe..=told.sent).contains(&found), "{when}: {found}");
    assert_eq!(history.records, records(1..=found), "{when}");
    assert_eq!(opened.start.refused, [], "{when}");
    go_on(opened.journal, disk, found);
}

/// Makes up for what was interrupted, and loses the power again.
fn go_on(mut journal: Journal, disk: &MemDisk, found: Seq) {
    let again = open_history(&disk.crash(|_| Fate::Lost)).unwrap().1;
    assert_eq!(
        again.records,
        records(1..=found),
        "what was found is durable"
    );
    journal.commit(&records(found + 1..=found + 12)).unwrap();
    let mut maker = SnapshotMaker::new(&journal, history, |_: &[u8]| true);
    maker.step().unwrap();
    for survivor in [disk.crash(|_| Fate::Lost), disk.crash(|_| Fate::Kept)] {
        let again = open_history(&survivor).unwrap().1;
        assert_eq!(again.records, records(1..=found + 12));
    }
}

#[test]
fn the_workload_makes_snapshots_and_removes_segments() {
    let disk = MemDisk::new();
    assert_eq!(work(&disk).safe, 54);
    let names = disk.list().unwrap();
    assert!(
        !names.contains(&"journal-0000000001.seg".to_owned()),
        "{names:?}"
    );
    let snapshots = names.iter().filter(|name| name.ends_with(".snap"));
    assert_eq!(snapshots.count(), 2);
    check(&disk, &Told { safe: 54, sent: 54 }, "the end");
}

#[test]
fn power_cut_anywhere_neither_loses_a_record_nor_trusts_half_a_snapshot() {
    for cut in 0.. {
        let disk = MemDisk::new();
        disk.power_off_after(cut);
        let told = work(&disk);
        for survivor in crashes(&disk) {
            check(&survivor, &told, &format!("cut {cut}"));
        }
        if !disk.is_off() {
            assert!(cut > 150, "the workload is worth cutting");
            break;
        }
    }
}

#[test]
fn a_sync_that_fails_anywhere_loses_nothing() {
    for failing in 0.. {
        let disk = MemDisk::new();
        disk.fail_sync_after(failing);
        let told = work(&disk);
        for survivor in crashes(&disk) {
            check(&survivor, &told, &format!("sync {failing}"));
        }
        if disk.syncs() <= failing {
            break;
        }
    }
}

#[test]
fn a_disk_that_is_full_at_any_size_loses_nothing() {
    let whole = MemDisk::new();
    work(&whole);
    let names = whole.list().unwrap();
    let used: u64 = names.iter().map(|name| whole.len(name).unwrap()).sum();
    for bytes_max in (0..used + 2000).step_by(61) {
        let disk = MemDisk::new();
        disk.limit_bytes(bytes_max);
        let told = work(&disk);
        for survivor in [disk.restart(), disk.crash(|_| Fate::Lost)] {
            check(&survivor, &told, &format!("{bytes_max} bytes"));
        }
    }
}

#[test]
fn a_start_that_is_interrupted_anywhere_can_be_made_again() {
    let disk = MemDisk::new();
    disk.power_off_after(130);
    let told = work(&disk);
    for survivor in crashes(&disk) {
        for cut in 0.. {
            let disk = survivor.restart();
            disk.power_off_after(cut);
            let _failure = open_history(&disk);
            check(&disk.crash(|_| Fate::Lost), &told, "lost");
            check(&disk.crash(|_| Fate::Kept), &told, "kept");
            if !disk.is_off() {
                break;
            }
        }
    }
}

/// A disk of which one read fails.
#[derive(Debug)]
struct Unreadable {
    disk: MemDisk,
    reads: AtomicU64,
    fails_at: u64,
}

impl Disk for Unreadable {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.disk.len(name)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.disk.create(name, bytes)
    }

    fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.reads.fetch_add(1, Ordering::Relaxed) == self.fails_at {
            return Err(io::Error::other("a sector that cannot be read"));
        }
        self.disk.read_at(name, offset, out)
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_at(name, offset, bytes)
    }

    fn set_len(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.disk.set_len(name, bytes)
    }

    fn sync_data(&self, name: &str) -> io::Result<()> {
        self.disk.sync_data(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.disk.sync_folder()
    }
}

#[test]
fn a_read_that_fails_at_a_start_is_told_or_passed_over_and_nothing_is_lost() {
    let whole = MemDisk::new();
    let told = work(&whole);
    let (mut refused, mut passed_over) = (0, 0);
    for fails_at in 0.. {
        let disk = whole.restart();
        let unreadable = Arc::new(Unreadable {
            disk: disk.clone(),
            reads: AtomicU64::new(0),
            fails_at,
        });
        match open_history_with(Arc::clone(&unreadable) as Arc<dyn Disk>, SMALL) {
            Err(StoreError::Disk { doing, file, .. }) => {
                assert!(doing == "reading" && !file.is_empty());
                refused += 1;
            }
            Err(other) => panic!("{fails_at}: {other}"),
            Ok((opened, history)) => {
                assert_eq!(history.records, records(1..=told.safe));
                passed_over += opened.start.refused.len();
            }
        }
        check(&disk, &told, "read again");
        if unreadable.reads.load(Ordering::Relaxed) <= fails_at {
            break;
        }
    }
    assert!(refused > 3 && passed_over > 1, "{refused}, {passed_over}");
}

#[test]
fn a_read_that_fails_while_snapshots_are_made_loses_nothing() {
    for fails_at in 0.. {
        let disk = MemDisk::new();
        let unreadable = Arc::new(Unreadable {
            disk: disk.clone(),
            reads: AtomicU64::new(0),
            fails_at,
        });
        let told = work_on(Arc::clone(&unreadable) as Arc<dyn Disk>);
        assert_eq!(told.safe, 54, "the journal goes on");
        check(&disk, &told, &format!("read {fails_at}"));
        if unreadable.reads.load(Ordering::Relaxed) <= fails_at {
            assert!(fails_at > 50);
            break;
        }
    }
}

#[test]
fn a_bit_flipped_anywhere_is_told_or_passed_over_and_no_record_is_guessed() {
    let whole = MemDisk::new();
    let told = work(&whole);
    for file in whole.list().unwrap() {
        for offset in 0..whole.len(&file).unwrap() {
            let disk = whole.restart();
            disk.flip_bit(&file, offset, u8::try_from(offset % 8).unwrap());
            match open_history(&disk) {
                Ok((_, history)) => assert_eq!(history.records, records(1..=told.safe)),
                Err(StoreError::Damaged { file: named, .. }) => assert_eq!(named, file),
                Err(other) => panic!("{file} at {offset}: {other}"),
            }
        }
    }
}
