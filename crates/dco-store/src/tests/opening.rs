//! What opening a folder says of what is wrong in it.

use std::sync::Arc;

use super::{
    history::{open_history_with, records},
    support::{SMALL, block, open_small, pattern},
};
use crate::{FileDisk, MemDisk, Options, StoreError, records_only, segment::Log};

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
fn of_all_that_is_wrong_the_journal_goes_first() {
    let disk = written();
    for file in ["blocks-0000000001.seg", "journal-0000000001.seg"] {
        disk.flip_bit(file, 30, 0);
        let mut replay = records_only(|_, _| Ok(()));
        let error = crate::open(Arc::new(disk.clone()), Options::default(), &mut replay);
        let error = error.unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged { file: named, .. } if named == file),
            "{error}"
        );
    }
}

#[test]
fn what_has_the_name_of_a_stored_file_and_is_none_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let open = || open_history_with(Arc::new(FileDisk::open(folder.path()).unwrap()), SMALL);
    let mut journal = open().unwrap().0.journal;
    journal.commit(&records(1..=9)).unwrap();
    drop(journal);
    let [file, elsewhere] = [Log::Journal.segment(1), "elsewhere".to_owned()];
    let [file, elsewhere] = [file, elsewhere].map(|name| folder.path().join(name));
    std::fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert_eq!(open().unwrap().1.records, records(1..=9), "it is followed");
    std::fs::remove_file(&elsewhere).unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains(&Log::Journal.segment(1)), "{error}");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains(&Log::Journal.segment(1)), "{error}");
}
