//! The next segment is made ready while nobody waits for it.

use std::sync::Arc;

use super::{
    history::history,
    support::{SMALL, block, contents, crashes, open_small, pattern},
};
use crate::{BlockLog, Disk, Fate, MemDisk, Put, check, segment::Log};

fn log(disk: &MemDisk) -> BlockLog {
    open_small(disk).unwrap().0.blocks
}

fn put(log: &mut BlockLog, index: u32) {
    let block = block(index, pattern(index.into(), 1024));
    let answer = log.commit(&[(1, block)]).unwrap().remove(0);
    assert_eq!(answer.unwrap(), Put::Durable);
}

/// Two of three blocks that a segment takes, and the next one ready.
fn ready(disk: &MemDisk) -> BlockLog {
    let mut log = log(disk);
    put(&mut log, 0);
    assert!(!log.make_ready().unwrap(), "it is not time yet");
    put(&mut log, 1);
    assert!(log.make_ready().unwrap());
    assert!(!log.make_ready().unwrap(), "one is enough");
    log
}

fn syncs_of(disk: &MemDisk, work: impl FnOnce()) -> u64 {
    let before = disk.syncs();
    work();
    disk.syncs() - before
}

#[test]
fn a_change_to_a_segment_that_is_ready_takes_one_sync_more() {
    let disk = MemDisk::new();
    let mut log = ready(&disk);
    assert_eq!(syncs_of(&disk, || put(&mut log, 2)), 1);
    assert_eq!(syncs_of(&disk, || put(&mut log, 3)), 2);
    let expected = [Log::Blocks.segment(1), Log::Blocks.segment(2)];
    assert_eq!(disk.list().unwrap(), expected);
}

#[test]
fn a_start_goes_on_in_the_segment_that_grew_and_finds_the_next_one_ready() {
    let disk = MemDisk::new();
    let held = contents(&ready(&disk)).unwrap();
    for survivor in crashes(&disk) {
        let report = check(Arc::new(survivor.clone()), &SMALL, &mut *history()).unwrap();
        assert!(report.is_clean(), "{:?}", report.damage);
        let mut log = log(&survivor);
        assert_eq!(contents(&log).unwrap(), held);
        assert!(!log.make_ready().unwrap());
        for index in 2..6 {
            put(&mut log, index);
        }
        let found = open_small(&survivor.crash(|_| Fate::Lost)).unwrap().0;
        assert_eq!(contents(&found.blocks).unwrap().len(), 6);
    }
}

#[test]
fn damage_in_the_segment_that_grew_is_told_though_the_next_one_is_there() {
    let disk = MemDisk::new();
    let log = ready(&disk);
    log.close().unwrap();
    // In the body of the first block: found when it is read.
    disk.flip_bit(&Log::Blocks.segment(1), 128 + 64 + 5, 0);
    let opened = open_small(&disk).unwrap().0;
    assert!(opened.blocks.reader().read(1, 0).is_err());
    // In the header of its frame: nothing says any more what is behind it.
    disk.flip_bit(&Log::Blocks.segment(1), 128 + 5, 0);
    let error = open_small(&disk).unwrap_err().to_string();
    assert!(error.contains("blocks-0000000001.seg"), "{error}");
}

#[test]
fn a_block_that_does_not_fit_into_the_one_that_is_ready_gets_one_of_its_own() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    put(&mut log, 0);
    put(&mut log, 1);
    drop(log);
    // As an earlier start with other options left it.
    let small = crate::Options {
        block_segment_bytes: 900,
        ..SMALL
    };
    let mut log = super::support::open_with(Arc::new(disk.clone()), small)
        .unwrap()
        .0
        .blocks;
    assert!(log.make_ready().unwrap());
    put(&mut log, 2);
    put(&mut log, 3);
    let found = open_small(&disk.crash(|_| Fate::Lost)).unwrap().0.blocks;
    assert_eq!(contents(&found).unwrap(), contents(&log).unwrap());
    assert_eq!(found.held().count(), 4);
}

#[test]
fn a_disk_without_room_for_it_goes_on_without_one() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    put(&mut log, 0);
    put(&mut log, 1);
    disk.limit_bytes(0);
    assert!(!log.make_ready().unwrap());
    put(&mut log, 2);
}
