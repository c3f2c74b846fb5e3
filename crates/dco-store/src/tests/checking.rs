//! A check says everything that is wrong, and changes nothing.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use super::{
    history::{History, history, open_history, open_history_with, records},
    odd_disk::OddDisk,
    support::{SMALL, block, pattern},
};
use crate::{
    Disk, Fate, FileDisk, MemDisk, Options, ReadOnlyDisk, Report, SnapshotMaker, StoreError, check,
    segment::{Log, SegmentHeader},
    snapshot,
};

const TINY: Options = Options {
    block_segment_bytes: 900,
    ..SMALL
};

/// Both logs over several segments, with two snapshots; nothing or everything old removed.
fn written(expired: bool, close: bool) -> MemDisk {
    let disk = MemDisk::new();
    let mut opened = open_history_with(Arc::new(disk.clone()), TINY).unwrap().0;
    let mut maker = SnapshotMaker::new(&opened.journal, history, move |_: &[u8]| expired);
    for _ in 0..4 {
        for _ in 0..8 {
            let seq = opened.journal.last_seq();
            opened.journal.commit(&records(seq + 1..=seq + 2)).unwrap();
        }
        maker.step().unwrap();
    }
    for index in 0..9 {
        let block = block(index, pattern(index.into(), 120));
        opened.blocks.commit(&[(1, block)]).unwrap();
    }
    if close {
        opened.journal.close().unwrap();
        opened.blocks.close().unwrap();
    }
    disk.crash(|_| Fate::Kept)
}

fn checked(disk: &MemDisk) -> (Report, History) {
    let mut history = History::default();
    let before = disk.operations();
    let report = check(Arc::new(disk.clone()), &SMALL, &mut history).unwrap();
    assert_eq!(disk.operations(), before, "nothing is changed");
    (report, history)
}

fn damaged_files(report: &Report) -> BTreeSet<String> {
    let files = report.damage.iter().map(|finding| finding.file.clone());
    files.collect()
}

#[test]
fn a_whole_folder_is_clean_and_replayed() {
    for (expired, close) in [(false, false), (false, true), (true, false), (true, true)] {
        let disk = written(expired, close);
        let (report, history) = checked(&disk);
        assert_eq!(report.damage, []);
        assert_eq!(report.notes, []);
        assert!(report.is_clean() && report.is_replayed);
        assert_eq!(history.records, records(1..=64));
        assert_eq!((report.blocks, report.block_bytes), (9, 9 * 120));
        for index in 0..9 {
            let whole = report.whole[&(1, index)];
            let disk: Arc<dyn Disk> = Arc::new(disk.clone());
            assert_eq!(whole.read(&disk).unwrap(), pattern(index.into(), 120));
        }
        assert_eq!(report.snapshots, 2);
        assert_eq!(report.records == 64, !expired);
        let head = open_history(&disk).unwrap().0.journal.head();
        assert_eq!(report.head, Some(head));
    }
}

#[test]
fn an_empty_folder_is_clean() {
    let (report, _) = checked(&MemDisk::new());
    assert!(report.is_clean() && report.is_replayed);
    assert_eq!(report.head.map(|head| head.seq), Some(0));
}

#[test]
fn every_flipped_bit_is_named_by_its_file() {
    for close in [true, false] {
        let whole = written(true, close);
        let files = whole.list().unwrap();
        // A clean end makes a difference to the last files only.
        let last = |file: &&String| close || is_last(file, &files);
        for file in files.iter().filter(last) {
            for offset in 0..whole.len(file).unwrap() {
                let disk = whole.restart();
                disk.flip_bit(file, offset, u8::try_from(offset % 8).unwrap());
                let (report, history) = checked(&disk);
                if report.is_clean() {
                    check_harmless(&disk, &history);
                    continue;
                }
                assert!(damaged_files(&report).contains(file), "{file} at {offset}");
                assert!(report.damage.len() < 4, "{:?}", report.damage);
            }
        }
    }
}

fn is_last(file: &str, files: &[String]) -> bool {
    let log = file.split('-').next().unwrap();
    files
        .iter()
        .filter(|other| other.starts_with(log))
        .max()
        .is_some_and(|last| last == file)
}

/// What a check does not call damage is none to a start either, and the other way round.
fn check_harmless(disk: &MemDisk, history: &History) {
    let found = open_history(disk).unwrap().1;
    assert_eq!(found.records, history.records);
    assert!(found.records.len() >= 62, "at most the last commit");
}

#[test]
fn all_damages_are_listed_and_not_only_the_first() {
    let disk = written(false, true);
    let names = disk.list().unwrap();
    let (mut expected, mut flips) = (BTreeSet::new(), 0);
    for name in &names {
        // Far enough from each other that they fall into two frames.
        for offset in [150, 450] {
            if offset + 100 < disk.len(name).unwrap() {
                disk.flip_bit(name, offset, 1);
                flips += usize::from(!name.ends_with(".snap"));
                expected.insert(name.clone());
            }
        }
    }
    let (report, _) = checked(&disk);
    assert!(expected.len() > 8);
    assert!(damaged_files(&report).is_superset(&expected), "{report:?}");
    let journal = |file: &&String| file.starts_with("journal-");
    let damages = report.damage.iter().map(|finding| &finding.file);
    assert!(damages.filter(journal).count() > expected.iter().filter(journal).count());
    assert!(report.blocks > 0, "blocks behind damage are counted");
    assert!(flips > 10 && !report.is_replayed);
}

#[test]
fn a_missing_segment_is_named_and_the_rest_read() {
    let disk = written(false, true);
    let whole = checked(&disk).0;
    disk.remove(&Log::Journal.segment(3)).unwrap();
    let (report, history) = checked(&disk);
    assert_eq!(damaged_files(&report), [Log::Journal.segment(3)].into());
    assert_eq!(
        report.head, whole.head,
        "the chain is taken up behind the gap"
    );
    assert!(report.records < whole.records);
    assert!(report.is_replayed, "a snapshot helps over it");
    assert_eq!(history.records, records(1..=64));
    for file in disk.list().unwrap() {
        if snapshot::number(&file).is_some() {
            disk.remove(&file).unwrap();
        }
    }
    let (report, history) = checked(&disk);
    assert!(!report.is_replayed && history.records.len() < 64);
}

#[test]
fn a_snapshot_helps_over_damage_in_the_last_records_before_it() {
    let disk = written(false, true);
    let names = disk.list().unwrap();
    let newest = names.iter().filter_map(|name| snapshot::number(name)).max();
    let folder = crate::disk::Folder::new(Arc::new(disk.clone()));
    let begins_behind = |number: &u64| {
        let header = SegmentHeader::read(&folder, Log::Journal, *number).unwrap();
        header.first_seq == newest.unwrap() + 1
    };
    let mut numbers = names.iter().filter_map(|name| Log::Journal.number_of(name));
    let before = Log::Journal.segment(numbers.find(begins_behind).unwrap() - 1);
    // The last frame is the seal, which has no body.
    disk.flip_bit(&before, disk.len(&before).unwrap() - 64 - 1, 0);
    let (report, history) = checked(&disk);
    assert_eq!(damaged_files(&report), [before].into());
    assert!(report.is_replayed);
    assert_eq!(history.records, records(1..=64));
}

#[test]
fn blocks_without_any_record_are_damage_to_who_expects_records() {
    let disk = written(false, true);
    let expect = |disk: &MemDisk| {
        let mut report = checked(disk).0;
        report.expect_records();
        (
            damaged_files(&report),
            open_history(disk).map(|it| it.0.expect_records()),
        )
    };
    let (damaged, opened) = expect(&disk);
    assert!(damaged.is_empty() && matches!(opened, Ok(Ok(()))));
    for file in disk.list().unwrap() {
        if Log::Blocks.number_of(&file).is_none() {
            disk.remove(&file).unwrap();
        }
    }
    let (damaged, opened) = expect(&disk);
    assert_eq!(damaged, [Log::Journal.segment(1)].into());
    assert!(matches!(opened, Ok(Err(StoreError::Damaged { .. }))));
    let (damaged, opened) = expect(&MemDisk::new());
    assert!(damaged.is_empty() && matches!(opened, Ok(Ok(()))));
}

#[test]
fn a_gap_of_any_size_is_one_finding() {
    let disk = written(false, true);
    let names = disk.list().unwrap();
    let last = names.iter().filter(|name| Log::Journal.has(name)).max();
    disk.rename(last.unwrap(), &Log::Journal.segment(u64::MAX / 2))
        .unwrap();
    let (report, _) = checked(&disk);
    let missing = report.damage.iter().filter(|it| it.file == *last.unwrap());
    let missing: Vec<_> = missing.map(|it| it.what.as_str()).collect();
    let up_to = Log::Journal.segment(u64::MAX / 2 - 1);
    assert_eq!(
        missing,
        [format!("the file is missing, and all up to {up_to}")]
    );
    assert!(report.damage.len() < 5, "{:?}", report.damage);
}

#[test]
fn a_snapshot_that_says_something_else_than_the_records_is_damage() {
    let disk = written(false, true);
    let names = disk.list().unwrap();
    let seqs: Vec<_> = names
        .iter()
        .filter_map(|name| snapshot::number(name))
        .collect();
    let file = snapshot::finished(seqs[1]);
    let header = snapshot::header_of(&crate::disk::Folder::new(Arc::new(disk.clone())), seqs[1]);
    let mut lie = records(1..=seqs[1]);
    lie[5] = b"never written".to_vec();
    let body = crate::Second::snapshot(&History {
        records: lie,
        loaded: None,
    });
    disk.remove(&file).unwrap();
    let folder = crate::disk::Folder::new(Arc::new(disk.clone()));
    snapshot::Snapshot::new(0, header.unwrap().head, body)
        .write(&folder, &file, 0)
        .unwrap();
    // A start cannot know better: every checksum is right.
    assert!(open_history(&disk.restart()).is_ok());
    let (report, _) = checked(&disk);
    assert_eq!(damaged_files(&report), [file].into(), "{report:?}");
    assert!(report.is_replayed, "the records are whole");
}

#[test]
fn strangers_and_torn_ends_are_told_and_no_damage() {
    let disk = written(false, false);
    for name in [
        "notes.txt",
        "journal-1.seg",
        "snapshot-7.snap",
        "journal-0000000099.new",
    ] {
        disk.create(name, 10).unwrap();
    }
    let mut journal = open_history(&disk).unwrap().0.journal;
    journal.commit(&[b"whole"]).unwrap();
    disk.power_off_after(0);
    journal.commit(&[b"torn"]).unwrap_err();
    let torn = disk.crash(|_| Fate::Kept);
    torn.create("journal-0000000099.new", 10).unwrap();
    let (report, history) = checked(&torn);
    assert_eq!(report.damage, []);
    assert_eq!(history.records.last().unwrap(), b"whole");
    let last = torn
        .list()
        .unwrap()
        .into_iter()
        .filter(|name| Log::Journal.has(name));
    let mut noted: BTreeSet<_> = report.notes.into_iter().map(|note| note.file).collect();
    assert!(noted.remove(&last.max().unwrap()), "{noted:?}");
    let strangers = [
        "journal-0000000099.new",
        "journal-1.seg",
        "notes.txt",
        "snapshot-7.snap",
    ];
    assert_eq!(noted, strangers.map(str::to_owned).into());
}

#[test]
fn a_newer_format_cannot_be_judged() {
    let disk = written(false, true);
    let newer = Options {
        record_format: 5,
        ..SMALL
    };
    let mut journal = crate::open(Arc::new(disk.clone()), newer, &mut History::default())
        .unwrap()
        .journal;
    journal.commit(&[b"five"]).unwrap();
    let outcome = check(Arc::new(disk), &SMALL, &mut History::default());
    assert!(matches!(outcome, Err(StoreError::NewerFormat { .. })));
}

#[test]
fn a_real_folder_is_checked_without_a_trace_and_not_while_somebody_writes() {
    let folder = tempfile::tempdir().unwrap();
    assert!(ReadOnlyDisk::open(folder.path().join("nothing")).is_err());
    let look = || ReadOnlyDisk::open(folder.path());
    let mut history = History::default();
    let report = check(Arc::new(look().unwrap()), &SMALL, &mut history).unwrap();
    assert!(report.is_clean());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let disk = Arc::new(FileDisk::open(folder.path()).unwrap());
    let mut opened = open_history_with(disk, SMALL).unwrap().0;
    opened.journal.commit(&records(1..=20)).unwrap();
    assert!(matches!(look(), Err(StoreError::InUse { .. })));
    drop(opened);
    let disk = look().unwrap();
    assert!(disk.create("new", 1).is_err() && disk.remove("journal-0000000001.seg").is_err());
    let report = check(Arc::new(disk), &SMALL, &mut history).unwrap();
    assert!(report.is_clean() && report.records == 20);
    assert_eq!(history.records, records(1..=20));
}

#[test]
fn what_the_disk_cannot_read_is_damage_and_what_nobody_may_read_is_not_judged() {
    let disk = written(false, true);
    let look = |number: u64, forbidden: bool| {
        let odd = OddDisk {
            disk: disk.clone(),
            bad_read: number.into(),
            is_forbidden: forbidden.into(),
            ..OddDisk::default()
        };
        let odd = Arc::new(odd);
        let looked = check(odd.clone(), &SMALL, &mut History::default());
        (looked, odd.reads.load(Ordering::Relaxed))
    };
    let reads = look(0, false).1;
    for number in 1..=reads {
        let damaged = look(number, false).0.unwrap();
        assert!(!damaged.is_clean(), "read {number}");
        let error = look(number, true).0.unwrap_err();
        assert!(matches!(error, StoreError::Disk { .. }), "{error}");
    }
}

#[test]
fn what_is_no_regular_file_is_damage_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join(Log::Blocks.segment(1));
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, 0o600.into(), 0).unwrap();
    std::fs::create_dir(folder.path().join(Log::Journal.segment(1))).unwrap();
    let disk = Arc::new(ReadOnlyDisk::open(folder.path()).unwrap());
    let report = check(disk, &SMALL, &mut History::default()).unwrap();
    let expected = [Log::Blocks, Log::Journal].map(|log| log.segment(1));
    assert_eq!(damaged_files(&report), expected.into());
}

#[test]
fn a_damaged_block_is_not_among_the_whole_ones_and_a_wrong_list_is_a_note() {
    let disk = written(false, true);
    let file = Log::Blocks.segment(1);
    disk.flip_bit(&file, 128 + 64 + 10, 0);
    let report = checked(&disk).0;
    assert_eq!(damaged_files(&report), BTreeSet::from([file.clone()]));
    assert_eq!(report.whole.len(), 8);

    let disk = written(false, true);
    let bytes = disk.len(&file).unwrap();
    disk.flip_bit(&file, bytes - 64 - 10, 0);
    let report = checked(&disk).0;
    assert_eq!(report.damage, []);
    assert_eq!(report.notes.len(), 1);
    assert_eq!(report.notes[0].file, file);
}
