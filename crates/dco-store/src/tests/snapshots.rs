//! Snapshots are made behind the journal's back, and a start never rests on a bad one.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, mpsc::sync_channel},
};

use super::{
    history::{History, history, open_history, record, records},
    support::{SMALL, open_small},
};
use crate::{
    Disk, Fate, Journal, Made, MemDisk, Options, Replay, ReplayError, Second, Seq, SnapshotMaker,
    Snapshots, StoreError, open, segment::Log, snapshot,
};

pub(super) fn never(_: &[u8]) -> bool {
    false
}

pub(super) fn always(_: &[u8]) -> bool {
    true
}

fn step(journal: &Journal, expired: fn(&[u8]) -> bool) -> Result<Option<Made>, StoreError> {
    SnapshotMaker::new(journal, history, expired).step()
}

/// Commits records one by one, up to this number.
fn write_up_to(journal: &mut Journal, seq: Seq) {
    while journal.last_seq() < seq {
        let next = record(journal.last_seq() + 1);
        journal.commit(&[next]).unwrap();
    }
}

/// A disk with so many records, and a snapshot after each twenty.
pub(super) fn written(seq: Seq, expired: fn(&[u8]) -> bool) -> MemDisk {
    let disk = MemDisk::new();
    let mut journal = open_history(&disk).unwrap().0.journal;
    for seq in (20..=seq).step_by(20) {
        write_up_to(&mut journal, seq);
        step(&journal, expired).unwrap().expect("one is made");
    }
    write_up_to(&mut journal, seq);
    disk
}

fn snapshots(disk: &MemDisk) -> Vec<Seq> {
    let names = disk.list().unwrap();
    names
        .iter()
        .filter_map(|name| snapshot::number(name))
        .collect()
}

fn segments(disk: &MemDisk) -> Vec<u64> {
    let names = disk.list().unwrap();
    let numbers = names.iter().filter_map(|name| Log::Journal.number_of(name));
    numbers.collect()
}

#[test]
fn a_start_takes_the_newest_snapshot_and_only_the_records_after_it() {
    let disk = written(110, never);
    let newest = *snapshots(&disk).last().unwrap();
    assert!((80..110).contains(&newest), "{newest}");
    let (opened, history) = open_history(&disk).unwrap();
    assert_eq!(history.records, records(1..=110));
    assert_eq!(history.loaded, Some(newest));
    assert_eq!(opened.start.snapshot, Some(newest));
    assert_eq!(opened.start.records, 110 - newest);
    assert_eq!(opened.start.refused, []);
    // The same head as without.
    assert_eq!(
        opened.journal.head(),
        open_small(&disk).unwrap().0.journal.head()
    );
}

#[test]
fn while_a_segment_waits_the_engine_that_checked_a_snapshot_makes_the_next() {
    let disk = MemDisk::new();
    let journal = RefCell::new(open_history(&disk).unwrap().0.journal);
    write_up_to(&mut journal.borrow_mut(), 20);
    let engines = Cell::new(0);
    let make = || {
        engines.set(engines.get() + 1);
        if engines.get() == 2 {
            // While the first snapshot is checked.
            write_up_to(&mut journal.borrow_mut(), 40);
        }
        history()
    };
    let mut maker = SnapshotMaker::new(&journal.borrow(), make, never);
    let first = maker.step().unwrap().expect("one is made");
    let second = maker.step().unwrap().expect("another one is made");
    assert_eq!(engines.get(), 3, "one begins, and each snapshot is checked");
    assert!(first.seq < 20 && (20..40).contains(&second.seq));
    assert_eq!(second.records, second.seq - first.seq);
    assert_eq!(maker.step().unwrap(), None);

    // Nothing waits now, so the next is made from what is on the disk.
    write_up_to(&mut journal.borrow_mut(), 60);
    let third = maker.step().unwrap().expect("a third one is made");
    assert_eq!(engines.get(), 5);
    drop(maker);
    drop(journal);
    let (opened, history) = open_history(&disk).unwrap();
    assert_eq!(opened.start.snapshot, Some(third.seq));
    assert_eq!(history.records, records(1..=60));
}

#[test]
fn the_two_newest_are_kept_and_no_segment_goes_before_its_time() {
    let disk = written(110, never);
    assert_eq!(snapshots(&disk).len(), 2);
    let all = segments(&disk);
    assert_eq!(all, (1..=all.len() as u64).collect::<Vec<_>>());
}

#[test]
fn nothing_is_made_where_nothing_was_sealed() {
    let disk = MemDisk::new();
    let mut journal = open_history(&disk).unwrap().0.journal;
    assert_eq!(step(&journal, never).unwrap(), None);
    write_up_to(&mut journal, 3);
    assert_eq!(step(&journal, never).unwrap(), None);
    write_up_to(&mut journal, 30);
    let made = step(&journal, never).unwrap().unwrap();
    assert_eq!(made.records, made.seq);
    assert_eq!(step(&journal, never).unwrap(), None);
    write_up_to(&mut journal, 60);
    let more = step(&journal, never).unwrap().unwrap();
    assert_eq!(
        more.records,
        more.seq - made.seq,
        "only what is new is replayed"
    );
}

#[test]
fn segments_whose_time_is_over_go_once_two_snapshots_stand_for_them() {
    let disk = written(110, always);
    let [older, _] = snapshots(&disk)[..] else {
        panic!("two are kept");
    };
    assert!(segments(&disk)[0] > 1);
    let (opened, history) = open_history(&disk).unwrap();
    assert_eq!(history.records, records(1..=110));
    // Every record after the older snapshot is still there.
    disk.remove(&snapshot::finished(*snapshots(&disk).last().unwrap()))
        .unwrap();
    let (again, history) = open_history(&disk).unwrap();
    assert_eq!(history.records, records(1..=110));
    assert_eq!(again.start.snapshot, Some(older));
    assert_eq!(again.journal.head(), opened.journal.head());
}

#[test]
fn retention_is_asked_by_the_first_record_after_a_segment_and_stops_at_the_first_no() {
    let disk = written(110, never);
    let mut journal = open_history(&disk).unwrap().0.journal;
    write_up_to(&mut journal, 130);
    let oldest_kept = record(40);
    let mut asked = Vec::new();
    let expired = |record: &[u8]| {
        asked.push(record.to_vec());
        records(1..=40).contains(&record.to_vec()) && record != oldest_kept
    };
    let made = SnapshotMaker::new(&journal, history, expired).step();
    let removed = made.unwrap().unwrap().removed;
    let gone = removed
        .iter()
        .filter_map(|file| Log::Journal.number_of(file));
    let gone = gone.collect::<Vec<_>>();
    assert_eq!(gone, (1..=gone.len() as u64).collect::<Vec<_>>());
    assert_eq!(asked.len(), gone.len() + 1, "one no ends it");
    assert!(!gone.is_empty());
    let (_, history) = open_history(&disk).unwrap();
    assert_eq!(history.records, records(1..=130));
}

#[test]
fn a_journal_without_its_beginning_and_without_a_snapshot_is_refused() {
    let disk = written(110, always);
    for seq in snapshots(&disk) {
        disk.flip_bit(&snapshot::finished(seq), 200, 3);
    }
    let error = open_history(&disk).unwrap_err();
    let first = Log::Journal.segment(segments(&disk)[0]);
    assert!(
        matches!(&error, StoreError::Uncovered { file, .. } if *file == first),
        "{error}"
    );
    let text = error.to_string();
    for seq in snapshots(&disk) {
        assert!(text.contains(&snapshot::finished(seq)), "{text}");
    }
    // One who takes no snapshots is told the same.
    assert!(matches!(
        open_small(&disk).unwrap_err(),
        StoreError::Uncovered { .. }
    ));
}

#[test]
fn a_flipped_bit_anywhere_in_a_snapshot_is_told_and_not_fatal() {
    let disk = written(110, never);
    let [older, newest] = snapshots(&disk)[..] else {
        panic!("two are kept");
    };
    let file = snapshot::finished(newest);
    for offset in 0..disk.len(&file).unwrap() {
        let disk = disk.restart();
        disk.flip_bit(&file, offset, u8::try_from(offset % 8).unwrap());
        let (opened, history) = open_history(&disk).unwrap();
        assert_eq!(history.records, records(1..=110));
        assert_eq!(opened.start.snapshot, Some(older), "byte {offset}");
        let [(named, _)] = &opened.start.refused[..] else {
            panic!("{:?}", opened.start);
        };
        assert_eq!(*named, file);
    }
}

#[test]
fn a_snapshot_that_is_cut_short_lengthened_or_renamed_is_refused() {
    let disk = written(110, never);
    let [older, newest] = snapshots(&disk)[..] else {
        panic!("two are kept");
    };
    let file = snapshot::finished(newest);
    let bytes = disk.len(&file).unwrap();
    for len in [0, 1, 127, 128, 159, 160, bytes - 1, bytes + 1] {
        let disk = disk.restart();
        disk.set_len(&file, len).unwrap();
        let opened = open_history(&disk).unwrap().0;
        assert_eq!(opened.start.snapshot, Some(older), "{len} bytes");
        assert_eq!(opened.start.refused.len(), 1);
    }
    let renamed = disk.restart();
    renamed
        .rename(&file, &snapshot::finished(newest - 1))
        .unwrap();
    let opened = open_history(&renamed).unwrap().0;
    assert_eq!(opened.start.snapshot, Some(older));
    assert!(opened.start.refused[0].1.contains("another snapshot"));
}

#[test]
fn a_snapshot_of_another_history_is_refused() {
    let disk = written(110, never);
    let other = MemDisk::new();
    let mut journal = open_history(&other).unwrap().0.journal;
    journal.commit(&[b"another beginning"]).unwrap();
    write_up_to(&mut journal, 110);
    step(&journal, never).unwrap().unwrap();
    let seq = snapshots(&other)[0];
    let file = snapshot::finished(seq);
    let mut bytes = vec![0; usize::try_from(other.len(&file).unwrap()).unwrap()];
    other.read_at(&file, 0, &mut bytes).unwrap();
    disk.create(&file, bytes.len() as u64).unwrap();
    disk.write_at(&file, 0, &[&bytes]).unwrap();
    let (opened, history) = open_history(&disk).unwrap();
    assert_eq!(history.records, records(1..=110));
    assert_eq!(opened.start.refused.len(), 1, "{:?}", opened.start);
}

#[test]
fn a_journal_that_does_not_go_on_after_its_snapshot_has_lost_records() {
    let disk = written(110, never);
    let newest = *snapshots(&disk).last().unwrap();
    loop {
        let last = *segments(&disk).last().unwrap();
        disk.remove(&Log::Journal.segment(last)).unwrap();
        match open_history(&disk.restart()) {
            // Nothing in the folder can tell that newer ones were there.
            Ok((opened, history)) => {
                assert!(opened.journal.last_seq() > newest);
                assert_eq!(history.records, records(1..=opened.journal.last_seq()));
            }
            Err(error) => {
                let file = snapshot::finished(newest);
                assert!(
                    matches!(&error, StoreError::Damaged { file: named, .. } if *named == file),
                    "{error}"
                );
                break;
            }
        }
    }
    for last in segments(&disk) {
        disk.remove(&Log::Journal.segment(last)).unwrap();
    }
    assert!(
        matches!(open_history(&disk), Err(StoreError::Damaged { .. })),
        "no journal at all"
    );
}

#[test]
fn a_snapshot_of_a_newer_program_keeps_an_older_one_out() {
    let disk = MemDisk::new();
    let newer = Options {
        record_format: 2,
        ..SMALL
    };
    write_up_to(&mut open_history(&disk).unwrap().0.journal, 50);
    let opened = open(Arc::new(disk.clone()), newer, &mut History::default()).unwrap();
    step(&opened.journal, never).unwrap().unwrap();
    let error = open_history(&disk).unwrap_err();
    assert!(
        matches!(&error, StoreError::NewerFormat { file, what: "record", .. }
            if snapshot::number(file).is_some()),
        "{error}"
    );
}

/// Does not say again what it was given.
#[derive(Default)]
struct Forgetful {
    history: History,
}

impl Replay for Forgetful {
    fn load(&mut self, seq: Seq, snapshot: &[u8]) -> Result<(), ReplayError> {
        self.history.load(seq, snapshot)?;
        self.history.records.pop();
        Ok(())
    }

    fn replay(&mut self, seq: Seq, record: &[u8]) -> Result<(), ReplayError> {
        self.history.replay(seq, record)
    }
}

impl Second for Forgetful {
    fn snapshot(&self) -> Vec<u8> {
        self.history.snapshot()
    }
}

#[test]
fn a_snapshot_that_does_not_give_itself_again_gets_no_name() {
    let disk = MemDisk::new();
    let mut journal = open_history(&disk).unwrap().0.journal;
    write_up_to(&mut journal, 50);
    let before = disk.list().unwrap();
    let mut maker = SnapshotMaker::new(&journal, || Box::new(Forgetful::default()), never);
    assert!(matches!(maker.step(), Err(StoreError::Unlike { .. })));
    assert_eq!(disk.list().unwrap(), before, "nothing is left behind");
    step(&journal, never).unwrap().unwrap();
}

#[test]
fn the_thread_makes_a_snapshot_of_what_is_sealed_and_tells() {
    let disk = MemDisk::new();
    let mut journal = open_history(&disk).unwrap().0.journal;
    write_up_to(&mut journal, 50);
    let (tell, told) = sync_channel(100);
    let snapshots = Snapshots::start(&journal, history, never, move |made| {
        tell.send(made.unwrap()).unwrap();
    });
    // What was sealed before it started, and then what was sealed since.
    let first = told.recv().unwrap();
    let writer = journal.start(|durable| assert!(durable.is_ok()));
    for seq in 51..=80 {
        writer.append(record(seq)).unwrap();
    }
    let second = told.recv().unwrap();
    assert!(first.seq < second.seq);
    writer.close().unwrap();
    snapshots.close();
    let (opened, history) = open_history(&disk.crash(|_| Fate::Lost)).unwrap();
    assert_eq!(history.records, records(1..=80));
    assert!(opened.start.snapshot >= Some(second.seq));
}

#[test]
fn a_failed_snapshot_is_told_and_the_journal_goes_on() {
    let disk = MemDisk::new();
    let mut journal = open_history(&disk).unwrap().0.journal;
    write_up_to(&mut journal, 50);
    let used: u64 = disk
        .list()
        .unwrap()
        .iter()
        .map(|name| disk.len(name).unwrap())
        .sum();
    disk.limit_bytes(used + 100);
    let (tell, told) = sync_channel(100);
    let snapshots = Snapshots::start(&journal, history, never, move |made| {
        tell.send(made).unwrap();
    });
    let failure = told.recv().unwrap();
    assert!(
        matches!(failure, Err(StoreError::Disk { .. })),
        "{failure:?}"
    );
    disk.limit_bytes(u64::MAX);
    write_up_to(&mut journal, 80);
    let made = told.recv().unwrap().unwrap();
    assert!(made.seq > 50);
    snapshots.close();
    drop(journal);
    assert_eq!(open_history(&disk).unwrap().1.records, records(1..=80));
}

#[test]
fn a_snapshot_never_takes_the_room_that_the_journal_needs_next() {
    let disk = MemDisk::new();
    let mut journal = open_history(&disk).unwrap().0.journal;
    write_up_to(&mut journal, 50);
    let names = disk.list().unwrap();
    let used: u64 = names.iter().map(|name| disk.len(name).unwrap()).sum();
    // Room for the next segment, or for the snapshot and half a segment, which is no use.
    let snapshot_bytes = 128 + records(1..=50).concat().len() as u64 + 2 * 50 + 32;
    disk.limit_bytes(used + snapshot_bytes.max(SMALL.journal_segment_bytes) + 300);
    let full = step(&journal, never);
    assert!(matches!(full, Err(StoreError::Disk { .. })), "{full:?}");
    let segment = *segments(&disk).last().unwrap();
    while *segments(&disk).last().unwrap() == segment {
        let next = journal.last_seq() + 1;
        write_up_to(&mut journal, next);
    }
    disk.limit_bytes(u64::MAX);
    step(&journal, never).unwrap().unwrap();
}

#[test]
fn what_is_pinned_stays_and_a_copy_of_it_opens() {
    let disk = written(60, always);
    let (opened, _) = open_history(&disk).unwrap();
    let mut journal = opened.journal;
    write_up_to(&mut journal, 70);
    let expected = journal.head();
    let mut maker = SnapshotMaker::new(&journal, history, always);
    let writer = journal.start(|durable| assert!(durable.is_ok()));
    let pinned = writer.pin().unwrap();
    assert_eq!(pinned.head, expected);
    for seq in 71..=140 {
        writer.append(record(seq)).unwrap();
    }
    writer.close().unwrap();
    let made = maker.step().unwrap().unwrap();
    assert_eq!(made.removed, [] as [String; 0]);
    let copy = MemDisk::new();
    for (file, bytes) in &pinned.files {
        let mut content = vec![0; usize::try_from(*bytes).unwrap()];
        disk.read_at(file, 0, &mut content).unwrap();
        copy.create(file, *bytes).unwrap();
        copy.write_at(file, 0, &[&content]).unwrap();
    }
    let (opened, history) = open_history(&copy).unwrap();
    assert_eq!(history.records, records(1..=70));
    assert_eq!(opened.journal.head(), expected);
    assert!(opened.start.snapshot.is_some());
    drop(pinned);
    let mut journal = open_history(&disk).unwrap().0.journal;
    write_up_to(&mut journal, 180);
    let made = step(&journal, always).unwrap().unwrap();
    assert!(made.removed.len() > 2, "{made:?}");
}
