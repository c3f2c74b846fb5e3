//! Reads while the writer takes away what is being read.

use std::sync::Arc;

use super::{
    odd_disk::OddDisk,
    support::{SMALL, block, open_with, pattern},
};
use crate::{BlockLog, Disk, StoreError};

/// Reads block 0 of owner 1 while `meanwhile` happens to the log.
fn read_while(
    meanwhile: impl FnOnce(&mut BlockLog) + Send + 'static,
) -> Result<bytes::Bytes, StoreError> {
    let disk = Arc::new(OddDisk::default());
    let mut log = open_with(Arc::clone(&disk) as Arc<dyn Disk>, SMALL)
        .unwrap()
        .0
        .blocks;
    let reader = log.reader();
    for (owner, index) in [(1, 0), (1, 1), (1, 2), (2, 0)] {
        log.commit(&[(owner, block(index, pattern(owner, 1000)))])
            .unwrap();
    }
    *disk.before_read.lock().unwrap() = Some(Box::new(move || meanwhile(&mut log)));
    reader.read(1, 0)
}

#[test]
fn a_block_freed_while_it_is_read_is_not_held() {
    let freed = read_while(|log| log.free(1).unwrap());
    assert!(
        matches!(freed, Err(StoreError::NotHeld { owner: 1, index: 0 })),
        "{freed:?}"
    );
}

#[test]
fn a_block_whose_room_is_used_again_while_it_is_read_is_not_held() {
    let freed = read_while(|log| {
        log.free(1).unwrap();
        for index in 0..6 {
            log.commit(&[(3, block(index, pattern(3, 1000)))]).unwrap();
        }
    });
    assert!(
        matches!(freed, Err(StoreError::NotHeld { owner: 1, index: 0 })),
        "{freed:?}"
    );
}

#[test]
fn a_block_that_only_gets_neighbours_is_read() {
    let read = read_while(|log| {
        log.commit(&[(1, block(5, pattern(5, 1000)))]).unwrap();
    });
    assert_eq!(read.unwrap(), pattern(1, 1000));
}
