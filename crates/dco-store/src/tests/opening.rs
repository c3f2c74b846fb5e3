//! Both ways to open a folder find the same.

use std::sync::Arc;

use super::support::{block, contents, open_small, pattern};
use crate::{MemDisk, Options, StoreError, open_at_once, records_only};

fn written() -> MemDisk {
    let disk = MemDisk::new();
    let mut opened = open_small(&disk).unwrap().0;
    for seed in 0..40 {
        opened.journal.commit(&[pattern(seed, 300)]).unwrap();
        let index = u32::try_from(seed).unwrap();
        let put = (seed % 3, block(index, pattern(seed, 500)));
        opened.blocks.commit(&[put]).unwrap();
    }
    disk
}

#[test]
fn a_folder_opened_by_two_threads_is_the_one_opened_by_one() {
    let disk = written();
    let (one, records) = open_small(&disk).unwrap();
    let mut found = Vec::new();
    let mut replay = records_only(|_, record: &[u8]| {
        found.push(record.to_vec());
        Ok(())
    });
    let two = open_at_once(Arc::new(disk), Options::default(), &mut replay).unwrap();
    drop(replay);
    assert_eq!(found, records);
    assert_eq!(two.journal.head(), one.journal.head());
    assert_eq!(
        contents(&two.blocks).unwrap(),
        contents(&one.blocks).unwrap()
    );
}

#[test]
fn what_is_wrong_is_said_as_clearly_and_the_journal_goes_first() {
    let disk = written();
    for file in ["blocks-0000000001.seg", "journal-0000000001.seg"] {
        disk.flip_bit(file, 30, 0);
        let mut replay = records_only(|_, _| Ok(()));
        let error = open_at_once(Arc::new(disk.clone()), Options::default(), &mut replay);
        let error = error.unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged { file: named, .. } if named == file),
            "{error}"
        );
    }
}
