//! A copy of pinned files is the log of that moment, whatever happens meanwhile.

use proptest::prelude::*;

use super::support::{block, contents, open_small, pattern};
use crate::{BlockLog, Disk, MemDisk, PinnedBlocks, StoreError};

fn log(disk: &MemDisk) -> BlockLog {
    open_small(disk).unwrap().0.blocks
}

fn put(log: &mut BlockLog, owner: u64, index: u32) {
    let block = block(index, pattern(owner * 100 + u64::from(index), 1024));
    log.commit(&[(owner, block)]).unwrap().remove(0).unwrap();
}

/// Another disk with exactly the bytes that are pinned.
fn copy(disk: &MemDisk, pinned: &PinnedBlocks) -> MemDisk {
    let copy = MemDisk::new();
    for (file, bytes) in pinned.files() {
        let mut part = vec![0; usize::try_from(*bytes).unwrap()];
        disk.read_at(file, 0, &mut part).unwrap();
        copy.create(file, *bytes).unwrap();
        copy.write_at(file, 0, &[&part]).unwrap();
    }
    copy
}

#[derive(Debug, Clone)]
enum Op {
    Put(u64, u32),
    Free(u64),
    Compact,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (1..5_u64, 0..6_u32).prop_map(|(owner, index)| Op::Put(owner, index)),
        2 => (1..5_u64).prop_map(Op::Free),
        1 => Just(Op::Compact),
    ]
}

fn apply(log: &mut BlockLog, ops: &[Op]) {
    for op in ops {
        match op {
            Op::Put(owner, index) => put(log, *owner, *index),
            Op::Free(owner) => log.free(*owner).unwrap(),
            Op::Compact => while log.compact().unwrap() {},
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_copy_made_at_any_later_time_holds_the_blocks_of_the_moment(
        before in prop::collection::vec(op(), 0..40),
        meanwhile in prop::collection::vec(op(), 0..40),
    ) {
        let disk = MemDisk::new();
        let mut log = log(&disk);
        apply(&mut log, &before);
        let held = contents(&log).unwrap();
        let pinned = log.pin().unwrap();
        apply(&mut log, &meanwhile);
        let copied = copy(&disk, &pinned);
        drop(pinned);
        let found = contents(&open_small(&copied).unwrap().0.blocks).unwrap();
        for (key, bytes) in &held {
            prop_assert_eq!(found.get(key), Some(bytes));
        }
        // More than that only if it was freed, as after every start.
        let mut later = open_small(&copied).unwrap().0.blocks;
        for ((owner, index), bytes) in &found {
            prop_assert_eq!(bytes, &pattern(owner * 100 + u64::from(*index), 1024));
            if !held.keys().any(|(holder, _)| holder == owner) {
                later.free(*owner).unwrap();
            }
        }
        // And both go on.
        put(&mut later, 9, 0);
        while log.compact().unwrap() {}
        put(&mut log, 9, 0);
        prop_assert!(contents(&log).is_ok());
    }
}

#[test]
fn nothing_is_recycled_before_the_last_pin_is_gone() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    for index in 0..7 {
        put(&mut log, 1, index);
    }
    let (first, second) = (log.pin().unwrap(), log.pin().unwrap());
    let bytes: Vec<_> = first.files().iter().map(|(_, bytes)| *bytes).collect();
    assert_eq!(bytes, [4096, 4096, 128 + 1088]);
    let files = disk.list().unwrap();
    log.free(1).unwrap();
    drop(first);
    assert!(!log.compact().unwrap());
    assert_eq!(disk.list().unwrap(), files);
    drop(second);
    log.compact().unwrap();
    let names = disk.list().unwrap();
    assert_eq!(names.iter().filter(|it| it.ends_with(".free")).count(), 2);
}

#[test]
fn the_thread_pins_what_was_put_before() {
    let disk = MemDisk::new();
    let (writer, _) = log(&disk).start(|error| panic!("{error}"));
    writer.put(1, block(0, pattern(100, 1024)), |put| {
        put.unwrap();
    });
    let pinned = writer.pin().unwrap();
    writer.put(1, block(1, pattern(101, 1024)), |put| {
        put.unwrap();
    });
    writer.close().unwrap();
    let found = contents(&log(&copy(&disk, &pinned))).unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [(1, 0)]);
    assert!(matches!(writer.pin(), Err(StoreError::Closed)));
}

#[test]
fn what_a_copy_held_back_is_used_again_once_it_has_ended_and_nothing_comes() {
    let disk = MemDisk::new();
    let mut log = log(&disk);
    for index in 0..7 {
        put(&mut log, 1, index);
    }
    let (writer, reader) = log.start(|error| panic!("{error}"));
    let pinned = writer.pin().unwrap();
    writer.free(1);
    // It is answered behind what was asked before.
    drop(writer.pin().unwrap());
    assert_eq!(reader.stats().spare, 0);
    drop(pinned);
    while reader.stats().spare == 0 {
        std::thread::yield_now();
    }
    writer.close().unwrap();
}
