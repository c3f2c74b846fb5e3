//! Damaged blocks are found, remembered and repaired.

use std::sync::{Arc, atomic::Ordering};

use super::{
    odd_disk::OddDisk,
    support::{SMALL, block, contents, open_small, open_with, pattern},
};
use crate::{BlockLog, BlockReader, Disk, Fate, MemDisk, Put, StoreError, segment::Log};

/// Where the body of the first block of a segment starts.
const BODY: u64 = 128 + 64;

fn put(log: &mut BlockLog, owner: u64, index: u32, data: &[u8]) -> Put {
    let answers = log.commit(&[(owner, block(index, data.to_vec()))]).unwrap();
    answers.into_iter().next().unwrap().unwrap()
}

/// Blocks 0 to 4 of owner 1, of which the first is damaged.
fn damaged() -> (MemDisk, BlockLog) {
    let disk = MemDisk::new();
    let mut log = open_small(&disk).unwrap().0.blocks;
    for index in 0..5 {
        put(&mut log, 1, index, &pattern(index.into(), 1024));
    }
    disk.flip_bit(&Log::Blocks.segment(1), BODY + 700, 3);
    (disk, log)
}

/// Everything that a walk over all blocks sees.
fn scrub(reader: &BlockReader) -> Vec<(u64, u32, bool)> {
    let mut seen = Vec::new();
    let mut after = None;
    while let Some(found) = reader.scrub(after) {
        after = Some((found.owner, found.index));
        assert_eq!(found.bytes, 1024);
        if let Err(error) = &found.result {
            assert_damaged(error);
        }
        seen.push((found.owner, found.index, found.result.is_ok()));
    }
    seen
}

fn assert_damaged(error: &StoreError) {
    assert!(
        matches!(error, StoreError::Damaged { file, offset: 128, .. }
            if *file == Log::Blocks.segment(1)),
        "{error}"
    );
}

#[test]
fn a_scrub_sees_each_block_once_and_marks_the_damaged_one() {
    let (disk, mut log) = damaged();
    put(&mut log, 2, 7, &pattern(7, 1024));
    let reader = log.reader();
    assert_eq!(reader.stats().damaged_blocks, 0);
    let mut expected: Vec<_> = (0..5).map(|index| (1, index, index > 0)).collect();
    expected.push((2, 7, true));
    assert_eq!(scrub(&reader), expected);
    assert_eq!(reader.stats().damaged_blocks, 1);
    assert!(reader.scrub(Some((u64::MAX, u32::MAX))).is_none());
    // What was damaged once is not trusted when it looks whole again.
    disk.flip_bit(&Log::Blocks.segment(1), BODY + 700, 3);
    assert_damaged(&reader.read(1, 0).unwrap_err());
    assert_eq!(scrub(&reader), expected);
}

#[test]
fn a_damaged_block_in_the_segment_that_grows_is_found_by_its_reader_and_not_by_the_start() {
    let disk = MemDisk::new();
    let mut log = open_small(&disk).unwrap().0.blocks;
    for index in 0..2 {
        put(&mut log, 1, index, &pattern(index.into(), 1024));
    }
    assert_eq!(log.reader().stats().segments, 1);
    disk.flip_bit(&Log::Blocks.segment(1), BODY + 700, 3);
    for end in [disk.restart(), disk.crash(|_| Fate::Lost)] {
        let mut log = open_small(&end).unwrap().0.blocks;
        let reader = log.reader();
        assert_damaged(&reader.read(1, 0).unwrap_err());
        assert_eq!(reader.read(1, 1).unwrap(), pattern(1, 1024));
        assert_eq!(put(&mut log, 1, 0, &pattern(0, 1024)), Put::Durable);
        let found = contents(&open_small(&end.crash(|_| Fate::Lost)).unwrap().0.blocks).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[&(1, 0)], pattern(0, 1024));
    }
}

#[test]
fn a_block_that_is_marked_is_called_damaged_without_another_read() {
    let odd = Arc::new(OddDisk::default());
    let mut log = open_with(odd.clone(), SMALL).unwrap().0.blocks;
    put(&mut log, 1, 0, &pattern(0, 1024));
    odd.disk.flip_bit(&Log::Blocks.segment(1), BODY, 0);
    let reader = log.reader();
    assert_damaged(&reader.read(1, 0).unwrap_err());
    let reads = odd.reads.load(Ordering::Relaxed);
    assert_damaged(&reader.read(1, 0).unwrap_err());
    assert_eq!(odd.reads.load(Ordering::Relaxed), reads);
}

#[test]
fn the_same_block_again_repairs_a_marked_one() {
    let (disk, mut log) = damaged();
    let reader = log.reader();
    reader.read(1, 0).unwrap_err();
    let conflict = Put::Conflict {
        stored_crc32: crc32fast::hash(&pattern(0, 1024)),
    };
    assert_eq!(put(&mut log, 1, 0, &pattern(9, 1024)), conflict);
    assert_eq!(put(&mut log, 1, 0, &pattern(0, 1000)), conflict);
    reader.read(1, 0).unwrap_err();
    assert_eq!(put(&mut log, 1, 0, &pattern(0, 1024)), Put::Durable);
    assert_eq!(reader.stats().damaged_blocks, 0);
    assert_eq!(put(&mut log, 1, 0, &pattern(0, 1024)), Put::AlreadyHeld);
    for log in [
        log,
        open_small(&disk.crash(|_| Fate::Lost)).unwrap().0.blocks,
    ] {
        let held = contents(&log).unwrap();
        assert_eq!(held.len(), 5);
        assert_eq!(held[&(1, 0)], pattern(0, 1024));
    }
}

#[test]
fn a_block_found_damaged_when_it_is_put_again_is_repaired_at_once() {
    let (_, mut log) = damaged();
    let again = [0, 0].map(|index| (1, block(index, pattern(0, 1024))));
    let answers = log.commit(&again).unwrap();
    assert!(
        matches!(answers[..], [Ok(Put::Durable), Ok(Put::AlreadyHeld)]),
        "{answers:?}"
    );
    assert_eq!(log.reader().read(1, 0).unwrap(), pattern(0, 1024));
}

#[test]
fn freeing_the_owner_of_a_damaged_block_forgets_it() {
    let (_, mut log) = damaged();
    let reader = log.reader();
    reader.read(1, 0).unwrap_err();
    log.free(1).unwrap();
    assert_eq!(reader.stats().damaged_blocks, 0);
    assert_eq!(put(&mut log, 1, 0, &pattern(3, 1024)), Put::Durable);
    assert_eq!(reader.read(1, 0).unwrap(), pattern(3, 1024));
}

#[test]
fn a_file_that_became_shorter_is_damage() {
    let (disk, log) = damaged();
    disk.set_len(&Log::Blocks.segment(1), BODY + 10).unwrap();
    assert_damaged(&log.reader().read(1, 0).unwrap_err());
}

#[test]
fn a_read_that_fails_names_the_place_and_marks_nothing() {
    let odd = Arc::new(OddDisk::default());
    let mut log = open_with(odd.clone(), SMALL).unwrap().0.blocks;
    put(&mut log, 1, 0, &pattern(0, 1024));
    let reader = log.reader();
    odd.bad_read
        .store(odd.reads.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    let found = reader.scrub(None).unwrap();
    let error = found.result.unwrap_err().to_string();
    assert!(
        error.starts_with("disk failed while reading blocks-0000000001.seg at byte 192: "),
        "{error}"
    );
    assert_eq!(reader.read(1, 0).unwrap(), pattern(0, 1024));
}

#[test]
fn the_same_block_again_takes_the_place_of_one_that_cannot_be_read() {
    let odd = Arc::new(OddDisk::default());
    let mut log = open_with(odd.clone(), SMALL).unwrap().0.blocks;
    put(&mut log, 1, 0, &pattern(0, 1024));
    let next_read = odd.reads.load(Ordering::Relaxed) + 1;
    odd.bad_read.store(next_read, Ordering::Relaxed);
    assert_eq!(put(&mut log, 1, 0, &pattern(0, 1024)), Put::Durable);
    assert_eq!(log.reader().stats().dead_bytes, 1024);
    assert_eq!(log.reader().read(1, 0).unwrap(), pattern(0, 1024));
}

#[test]
fn a_scrub_steps_over_what_is_freed_meanwhile() {
    let odd = Arc::new(OddDisk::default());
    let mut log = open_with(odd.clone(), SMALL).unwrap().0.blocks;
    put(&mut log, 1, 0, &pattern(0, 1024));
    put(&mut log, 2, 0, &pattern(1, 1024));
    let reader = log.reader();
    *odd.before_read.lock().unwrap() = Some(Box::new(move || log.free(1).unwrap()));
    let found = reader.scrub(None).unwrap();
    assert_eq!((found.owner, found.index), (2, 0));
}
