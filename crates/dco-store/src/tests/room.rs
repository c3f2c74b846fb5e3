//! A disk that is full, or nearly.

use std::sync::Arc;

use super::{
    odd_disk::OddDisk,
    support::{SMALL, block, contents, open_small, open_with, pattern},
};
use crate::{BlockLog, Disk, Fate, MemDisk, Options, Put, StoreError};

const SEGMENT: u64 = SMALL.block_segment_bytes;
const RESERVE: u64 = 3000;

fn open(disk: &MemDisk) -> BlockLog {
    let options = Options {
        reserve_bytes: RESERVE,
        ..SMALL
    };
    open_with(Arc::new(disk.clone()), options).unwrap().0.blocks
}

/// A log of one segment, on a disk with room for it and the reserve alone.
fn nearly_full() -> (MemDisk, BlockLog) {
    let disk = MemDisk::new();
    disk.limit_bytes(2 * SEGMENT + RESERVE - 1);
    let mut log = open(&disk);
    assert_eq!(put(&mut log, 1, 0, 1024).unwrap(), Put::Durable);
    assert_eq!(put(&mut log, 1, 1, 1024).unwrap(), Put::Durable);
    (disk, log)
}

fn put(log: &mut BlockLog, owner: u64, index: u32, bytes: usize) -> Result<Put, StoreError> {
    let block = block(index, pattern(owner + u64::from(index), bytes));
    log.commit(&[(owner, block)]).unwrap().remove(0)
}

#[test]
fn a_block_that_needs_a_new_segment_is_refused_before_the_reserve_is_touched() {
    let (disk, mut log) = nearly_full();
    let files = disk.list().unwrap();
    assert_eq!(put(&mut log, 1, 2, 1000).unwrap(), Put::Durable);
    let refused = put(&mut log, 1, 3, 1024).unwrap_err();
    let StoreError::NoRoom {
        needed_bytes,
        room_bytes,
        reserve_bytes,
    } = refused
    else {
        panic!("{refused}");
    };
    assert_eq!((needed_bytes, reserve_bytes), (SEGMENT, RESERVE));
    assert_eq!(room_bytes, SEGMENT + RESERVE - 1);
    assert_eq!(disk.list().unwrap(), files);
}

#[test]
fn only_the_block_without_room_is_refused() {
    let (_, mut log) = nearly_full();
    let puts = [1000, 1024, 200].map(|bytes| block(7, pattern(bytes, bytes.try_into().unwrap())));
    let puts: Vec<_> = (10..).zip(puts).collect();
    let answers = log.commit(&puts).unwrap();
    assert!(
        matches!(
            answers[..],
            [
                Ok(Put::Durable),
                Err(StoreError::NoRoom { .. }),
                Ok(Put::Durable)
            ]
        ),
        "{answers:?}"
    );
    assert_eq!(contents(&log).unwrap().len(), 4);
    assert_eq!(put(&mut log, 1, 0, 1024).unwrap(), Put::AlreadyHeld);
}

#[test]
fn it_goes_on_by_itself_once_there_is_room() {
    let (disk, mut log) = nearly_full();
    put(&mut log, 1, 2, 1024).unwrap();
    put(&mut log, 1, 3, 1024).unwrap_err();
    disk.limit_bytes(2 * SEGMENT + RESERVE);
    assert_eq!(put(&mut log, 1, 3, 1024).unwrap(), Put::Durable);
    put(&mut log, 2, 0, 1024).unwrap();
    put(&mut log, 2, 1, 1024).unwrap();
    put(&mut log, 2, 2, 1024).unwrap_err();
    // What is freed makes room too: its segment is used again.
    log.free(1).unwrap();
    disk.limit_bytes(0);
    assert_eq!(put(&mut log, 2, 2, 1024).unwrap(), Put::Durable);
    let found = contents(&open_small(&disk.crash(|_| Fate::Lost)).unwrap().0.blocks).unwrap();
    assert_eq!(
        found.into_keys().filter(|(owner, _)| *owner == 2).count(),
        3
    );
}

#[test]
fn a_disk_that_is_fuller_than_it_says_refuses_the_block_and_keeps_no_file() {
    let disk = MemDisk::new();
    let odd = Arc::new(OddDisk {
        disk: disk.clone(),
        boasts: true.into(),
        ..OddDisk::default()
    });
    let mut log = open_with(odd, SMALL).unwrap().0.blocks;
    disk.limit_bytes(SEGMENT - 1);
    let refused = put(&mut log, 1, 0, 1024).unwrap_err();
    assert!(matches!(refused, StoreError::NoRoom { .. }), "{refused}");
    assert_eq!(disk.list().unwrap(), Vec::<String>::new());
    disk.limit_bytes(SEGMENT);
    assert_eq!(put(&mut log, 1, 0, 1024).unwrap(), Put::Durable);
}
