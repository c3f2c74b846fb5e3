//! What records mean is the caller's, but who may read them is kept with them.

use std::sync::Arc;

use super::support::{SMALL, open_with};
use crate::{Disk, Fate, MemDisk, Opened, Options, StoreError};

fn open_as(disk: &MemDisk, record_format: u32) -> Result<(Opened, Vec<Vec<u8>>), StoreError> {
    let options = Options {
        record_format,
        ..SMALL
    };
    open_with(Arc::new(disk.clone()), options)
}

fn write_as(disk: &MemDisk, record_format: u32, records: &[&str]) {
    let mut journal = open_as(disk, record_format).unwrap().0.journal;
    journal.commit(records).unwrap();
}

#[test]
fn records_of_a_newer_format_are_refused_and_those_of_an_older_one_read() {
    let disk = MemDisk::new();
    write_as(&disk, 3, &["three"]);
    let error = open_as(&disk, 2).unwrap_err();
    let expected = "journal-0000000001.seg is written in record format 3, this program reads up to 2; \
                    start the program that wrote it, or a newer one";
    assert_eq!(error.to_string(), expected);
    for format in [3, 4] {
        assert_eq!(open_as(&disk, format).unwrap().1, [b"three"]);
    }
}

#[test]
fn a_newer_program_that_wrote_nothing_keeps_no_older_one_out() {
    let disk = MemDisk::new();
    write_as(&disk, 1, &["one"]);
    drop(open_as(&disk, 2).unwrap());
    write_as(&disk, 1, &["one more"]);
    assert_eq!(open_as(&disk, 1).unwrap().1.len(), 2);
}

#[test]
fn one_record_of_a_newer_program_keeps_older_ones_out() {
    let disk = MemDisk::new();
    write_as(&disk, 1, &["one"]);
    write_as(&disk, 2, &["two"]);
    assert!(matches!(
        open_as(&disk, 1),
        Err(StoreError::NewerFormat {
            what: "record",
            found: 2,
            known: 1,
            ..
        })
    ));
    write_as(&disk, 3, &["three"]);
    let records = open_as(&disk, 3).unwrap().1;
    assert_eq!(records, [&b"one"[..], b"two", b"three"]);
    assert_eq!(disk.list().unwrap().len(), 3, "a segment for each");
}

#[test]
fn an_empty_segment_of_an_older_format_is_left_behind_too() {
    let mut empty_segments = 0;
    for cut in 0..12 {
        let disk = MemDisk::new();
        write_as(&disk, 0, &["zero"]);
        let mut journal = open_as(&disk, 0).unwrap().0.journal;
        disk.power_off_after(cut);
        // It needs a segment of its own; the power may go between that one's name and the record.
        let _failure = journal.commit(&["0".repeat(600)]);
        let disk = disk.crash(|_| Fate::Lost);
        let segments = disk.list().unwrap().len();
        if segments < 2 || open_as(&disk.crash(|_| Fate::Lost), 0).unwrap().1.len() > 1 {
            continue;
        }
        empty_segments += 1;
        write_as(&disk, 1, &["one"]);
        assert_eq!(disk.list().unwrap().len(), segments + 1);
        assert_eq!(open_as(&disk, 1).unwrap().1, [&b"zero"[..], b"one"]);
        assert!(open_as(&disk, 0).is_err());
    }
    assert!(empty_segments > 0);
}
