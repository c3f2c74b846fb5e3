//! Reads while the writer takes away what is being read.

use std::{
    fmt, io,
    sync::{Arc, Mutex},
};

use super::support::{SMALL, block, open_with, pattern};
use crate::{BlockLog, Disk, MemDisk, StoreError};

type Hook = Box<dyn FnOnce() + Send>;

/// A disk on which something happens between the moment a read is asked for and its doing.
#[derive(Default)]
struct SlowDisk {
    disk: MemDisk,
    before_read: Mutex<Option<Hook>>,
}

impl fmt::Debug for SlowDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.disk.fmt(f)
    }
}

impl Disk for SlowDisk {
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
        let hook = self.before_read.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        self.disk.read_at(name, offset, out)
    }

    fn write_at(&self, name: &str, offset: u64, parts: &[&[u8]]) -> io::Result<()> {
        self.disk.write_at(name, offset, parts)
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

/// Reads block 0 of owner 1 while `meanwhile` happens to the log.
fn read_while(
    meanwhile: impl FnOnce(&mut BlockLog) + Send + 'static,
) -> Result<bytes::Bytes, StoreError> {
    let disk = Arc::new(SlowDisk::default());
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
