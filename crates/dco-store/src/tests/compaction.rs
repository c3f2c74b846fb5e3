//! Room is got back from segments that are mostly dead, and nothing is lost by it.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::sync_channel},
};

use bytes::Bytes;

use super::{
    odd_disk::OddDisk,
    support::{SMALL, block, contents, crashes, open_small, open_with, pattern},
};
use crate::{BlockLog, BlockStats, Disk, MemDisk, Options, StoreError, segment::Log};

fn log(disk: &MemDisk) -> BlockLog {
    open_small(disk).unwrap().0.blocks
}

fn put(log: &mut BlockLog, owner: u64, index: u32) {
    let block = block(index, data_of(owner, index));
    log.commit(&[(owner, block)]).unwrap().remove(0).unwrap();
}

fn data_of(owner: u64, index: u32) -> Bytes {
    pattern(owner * 100 + u64::from(index), 1024).into()
}

fn compact(log: &mut BlockLog) {
    while log.compact().unwrap() {}
}

/// Four segments of three blocks: one of owner 1 that stays and two of owner 2 that is freed.
fn mostly_dead(log: &mut BlockLog) -> BTreeMap<(u64, u32), Bytes> {
    for index in 0..4 {
        put(log, 1, index);
        put(log, 2, 2 * index);
        put(log, 2, 2 * index + 1);
    }
    put(log, 3, 0);
    log.free(2).unwrap();
    contents(log).unwrap()
}

fn segments(disk: &MemDisk) -> Vec<String> {
    let names = disk.list().unwrap();
    names
        .into_iter()
        .filter(|it| it.ends_with(".seg"))
        .collect()
}

#[test]
fn segments_less_than_half_alive_are_emptied_and_used_again() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    let held = mostly_dead(&mut log);
    assert_eq!(segments(&disk).len(), 5);
    compact(&mut log);
    // Five blocks are left: two segments hold them.
    assert_eq!(
        segments(&disk),
        [Log::Blocks.segment(5), Log::Blocks.segment(6)]
    );
    assert_eq!(contents(&log).unwrap(), held);
    for survivor in crashes(&disk) {
        assert_eq!(
            contents(&open_small(&survivor).unwrap().0.blocks).unwrap(),
            held
        );
    }
}

#[test]
fn a_segment_half_alive_stays() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    for (owner, index) in [(1, 0), (1, 1), (2, 0), (1, 2), (1, 3)] {
        put(&mut log, owner, index);
    }
    log.free(2).unwrap();
    let operations = disk.operations();
    assert!(!log.compact().unwrap());
    assert_eq!(disk.operations(), operations);
}

#[test]
fn what_was_put_and_what_was_copied_are_counted_apart() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    mostly_dead(&mut log);
    let reader = log.reader();
    let before = reader.stats();
    let expected = BlockStats {
        put_bytes: 13 * 1024,
        compacted_bytes: 0,
        segments: 5,
        spare: 0,
        alive_bytes: 5 * 1024,
        dead_bytes: 8 * 1024,
        damaged_blocks: 0,
        written_bytes: before.written_bytes,
    };
    assert_eq!(before, expected);
    // Headers of files and frames, seals, and lists of three blocks.
    let beside = 5 * 128 + 13 * 64 + 4 * 64 + 4 * (64 + 3 * 28);
    assert_eq!(before.written_bytes, 13 * 1024 + beside);
    compact(&mut log);
    let after = reader.stats();
    assert_eq!(after.put_bytes, before.put_bytes);
    assert_eq!(after.compacted_bytes, 4 * 1024);
    assert_eq!((after.segments, after.spare), (2, 3));
    assert_eq!((after.alive_bytes, after.dead_bytes), (5 * 1024, 0));
}

#[test]
fn compaction_borrows_one_segment_of_the_reserve_and_gives_it_back() {
    let disk = MemDisk::new();
    let options = Options {
        reserve_bytes: 2 * SMALL.block_segment_bytes,
        ..SMALL
    };
    let open = || open_with(Arc::new(disk.clone()), options).unwrap().0.blocks;
    let mut log = open();
    let held = mostly_dead(&mut log);
    put(&mut log, 3, 1);
    put(&mut log, 3, 2);
    disk.limit_bytes((5 + 2) * SMALL.block_segment_bytes);
    let answers = log.commit(&[(3, block(3, data_of(3, 3)))]).unwrap();
    assert!(matches!(answers[..], [Err(StoreError::NoRoom { .. })]));
    compact(&mut log);
    put(&mut log, 3, 3);
    let mut expected = held;
    expected.extend((1..4).map(|index| ((3, index), data_of(3, index))));
    assert_eq!(contents(&log).unwrap(), expected);
}

#[test]
fn without_room_for_copies_all_stays_as_it_is() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    let held = mostly_dead(&mut log);
    put(&mut log, 3, 1);
    put(&mut log, 3, 2);
    disk.limit_bytes(0);
    let files = disk.list().unwrap();
    assert!(!log.compact().unwrap());
    assert_eq!(disk.list().unwrap(), files);
    assert_eq!(contents(&log).unwrap().len(), held.len() + 2);
}

#[test]
fn a_damaged_block_keeps_its_segment_until_its_owner_is_freed() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    mostly_dead(&mut log);
    disk.flip_bit(&Log::Blocks.segment(2), 128 + 64 + 5, 0);
    compact(&mut log);
    assert!(segments(&disk).contains(&Log::Blocks.segment(2)));
    let reader = log.reader();
    assert_eq!(reader.stats().damaged_blocks, 1);
    let error = reader.read(1, 1).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { file, offset: 128, .. }
            if *file == Log::Blocks.segment(2)),
        "{error}"
    );
    log.free(1).unwrap();
    assert_eq!(reader.stats().damaged_blocks, 0);
    assert!(!segments(&disk).contains(&Log::Blocks.segment(2)));
}

#[test]
fn a_segment_that_cannot_be_read_is_left_alone() {
    let odd = Arc::new(OddDisk::default());
    let mut log = open_with(odd.clone(), SMALL).unwrap().0.blocks;
    let held = mostly_dead(&mut log);
    let reads = odd.reads.load(std::sync::atomic::Ordering::Relaxed);
    odd.bad_read
        .store(reads + 1, std::sync::atomic::Ordering::Relaxed);
    compact(&mut log);
    assert!(segments(&odd.disk).contains(&Log::Blocks.segment(1)));
    assert!(!segments(&odd.disk).contains(&Log::Blocks.segment(2)));
    assert_eq!(contents(&log).unwrap(), held);
    assert_eq!(log.reader().stats().damaged_blocks, 0);
}

#[test]
fn a_block_that_is_moved_while_it_is_read_is_read() {
    let odd = Arc::new(OddDisk::default());
    let mut log = open_with(odd.clone(), SMALL).unwrap().0.blocks;
    mostly_dead(&mut log);
    let reader = log.reader();
    *odd.before_read.lock().unwrap() = Some(Box::new(move || {
        compact(&mut log);
        // And what stood there is written over.
        for index in 0..9 {
            put(&mut log, 9, index);
        }
    }));
    assert_eq!(reader.read(1, 0).unwrap(), data_of(1, 0));
}

#[test]
fn the_thread_compacts_when_nothing_comes() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    let held = mostly_dead(&mut log);
    let (writer, reader) = log.start(|error| panic!("{error}"));
    while reader.stats().dead_bytes > 0 {
        std::thread::yield_now();
    }
    let (done, answer) = sync_channel(1);
    writer.put(4, block(0, data_of(4, 0)), move |put| {
        done.send(put).unwrap()
    });
    answer.recv().unwrap().unwrap();
    writer.close().unwrap();
    let found = contents(&open_small(&disk).unwrap().0.blocks).unwrap();
    assert_eq!(found.len(), held.len() + 1);
    assert!(
        held.iter()
            .all(|(key, bytes)| found.get(key) == Some(bytes))
    );
}
