//! What every disk promises, asked of both.

use std::io::ErrorKind;

use crate::{Disk, Fate, FileDisk, MemDisk, StoreError};

#[test]
fn mem_disk_keeps_the_contract() {
    check(&MemDisk::new());
}

#[test]
fn file_disk_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    check(&FileDisk::open(folder.path().join("new/data")).unwrap());
}

fn check(disk: &dyn Disk) {
    a_new_file_is_zeros(disk);
    writes_are_read_back(disk);
    lengths_change(disk);
    names_change(disk);
    what_is_not_there_is_an_error(disk);
}

fn a_new_file_is_zeros(disk: &dyn Disk) {
    assert_eq!(disk.list().unwrap(), Vec::<String>::new());
    disk.create("a", 5000).unwrap();
    assert_eq!(disk.len("a").unwrap(), 5000);
    assert_eq!(read(disk, "a", 0, 5000), vec![0; 5000]);
    assert_eq!(
        disk.create("a", 1).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        disk.len("a").unwrap(),
        5000,
        "the refused create changed nothing"
    );
    disk.create("empty", 0).unwrap();
    assert_eq!(disk.len("empty").unwrap(), 0);
    disk.remove("empty").unwrap();
}

fn writes_are_read_back(disk: &dyn Disk) {
    disk.write_at("a", 10, &[b"hello"]).unwrap();
    disk.write_at("a", 12, &[b"LL"]).unwrap();
    assert_eq!(read(disk, "a", 9, 7), b"\0heLLo\0");
    disk.write_at("a", 4998, &[b"past"]).unwrap();
    assert_eq!(
        disk.len("a").unwrap(),
        5002,
        "a write makes the file longer"
    );
    disk.write_at("a", 5004, &[b"!"]).unwrap();
    assert_eq!(read(disk, "a", 4998, 7), b"past\0\0!");
    disk.sync_data("a").unwrap();
    let mut out = [0; 2];
    let past_end = disk.read_at("a", 5004, &mut out).unwrap_err();
    assert_eq!(past_end.kind(), ErrorKind::UnexpectedEof);
}

fn lengths_change(disk: &dyn Disk) {
    disk.set_len("a", 12).unwrap();
    assert_eq!(disk.len("a").unwrap(), 12);
    disk.set_len("a", 20).unwrap();
    assert_eq!(
        read(disk, "a", 10, 10),
        b"he\0\0\0\0\0\0\0\0",
        "what was cut does not come back"
    );
    disk.sync_data("a").unwrap();
}

fn names_change(disk: &dyn Disk) {
    disk.create("b", 3).unwrap();
    assert_eq!(sorted(disk), ["a", "b"]);
    disk.rename("a", "c").unwrap();
    assert_eq!(sorted(disk), ["b", "c"]);
    disk.rename("c", "b").unwrap();
    assert_eq!(sorted(disk), ["b"]);
    assert_eq!(
        disk.len("b").unwrap(),
        20,
        "the one renamed replaced the other"
    );
    disk.write_at("b", 0, &[b"x"]).unwrap();
    assert_eq!(read(disk, "b", 0, 1), b"x");
    disk.sync_folder().unwrap();
    disk.remove("b").unwrap();
    disk.sync_folder().unwrap();
    assert_eq!(sorted(disk), Vec::<String>::new());
}

fn what_is_not_there_is_an_error(disk: &dyn Disk) {
    let errors = [
        disk.len("b").unwrap_err(),
        disk.read_at("b", 0, &mut [0]).unwrap_err(),
        disk.write_at("b", 0, &[&[0]]).unwrap_err(),
        disk.set_len("b", 0).unwrap_err(),
        disk.sync_data("b").unwrap_err(),
        disk.rename("b", "c").unwrap_err(),
        disk.remove("b").unwrap_err(),
    ];
    assert!(
        errors
            .iter()
            .all(|error| error.kind() == ErrorKind::NotFound)
    );
}

fn read(disk: &dyn Disk, name: &str, offset: u64, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    disk.read_at(name, offset, &mut out).unwrap();
    out
}

fn sorted(disk: &dyn Disk) -> Vec<String> {
    let mut names = disk.list().unwrap();
    names.sort();
    names
}

#[test]
fn a_second_open_of_the_folder_is_refused_until_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let first = FileDisk::open(folder.path()).unwrap();
    let refused = FileDisk::open(folder.path()).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }));
    assert!(
        refused.to_string().contains("in use by another process"),
        "{refused}"
    );
    drop(first);
    FileDisk::open(folder.path()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_a_disk_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = FileDisk::open(file.path().join("data")).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Disk {
                doing: "opening",
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn file_disk_survives_more_files_than_it_keeps_open() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FileDisk::open(folder.path()).unwrap();
    let names: Vec<_> = (0..300).map(|n| format!("file-{n}")).collect();
    for name in &names {
        disk.create(name, 4).unwrap();
        disk.write_at(name, 0, &[b"data"]).unwrap();
        disk.sync_data(name).unwrap();
    }
    assert!(names.iter().all(|name| read(&disk, name, 0, 4) == b"data"));
}

#[test]
fn file_disk_says_how_much_room_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FileDisk::open(folder.path()).unwrap();
    let stats = rustix::fs::statvfs(folder.path()).unwrap();
    let room_bytes = disk.room_bytes().unwrap();
    assert!(room_bytes > 0 && room_bytes < stats.f_blocks * stats.f_frsize);
}

#[test]
fn only_what_is_synced_survives_for_certain() {
    let disk = MemDisk::new();
    disk.create("a", 4).unwrap();
    disk.write_at("a", 0, &[b"old!"]).unwrap();
    disk.sync_data("a").unwrap();
    assert_eq!(
        disk.crash(|_| Fate::Lost).list().unwrap(),
        Vec::<String>::new()
    );
    disk.sync_folder().unwrap();
    disk.write_at("a", 0, &[b"new"]).unwrap();
    assert_eq!(read(&disk.crash(|_| Fate::Lost), "a", 0, 4), b"old!");
    assert_eq!(read(&disk.crash(|_| Fate::Kept), "a", 0, 4), b"new!");
    assert_eq!(
        read(&disk.crash(|_| Fate::Torn { bytes: 1 }), "a", 0, 4),
        b"nld!"
    );
}

#[test]
fn the_operation_that_meets_the_power_cut_may_or_may_not_be_there() {
    let disk = MemDisk::new();
    disk.create("a", 1).unwrap();
    disk.sync_data("a").unwrap();
    disk.sync_folder().unwrap();
    disk.power_off_after(0);
    disk.write_at("a", 0, &[b"x"]).unwrap_err();
    assert!(disk.is_off());
    disk.len("a").unwrap_err();
    assert_eq!(read(&disk.crash(|_| Fate::Lost), "a", 0, 1), b"\0");
    assert_eq!(read(&disk.crash(|_| Fate::Kept), "a", 0, 1), b"x");
}

#[test]
fn a_failed_sync_never_heals() {
    let disk = MemDisk::new();
    disk.create("a", 1).unwrap();
    disk.sync_data("a").unwrap();
    disk.sync_folder().unwrap();
    disk.write_at("a", 0, &[b"x"]).unwrap();
    disk.fail_sync_after(0);
    disk.sync_data("a").unwrap_err();
    disk.sync_data("a").unwrap();
    assert_eq!(read(&disk, "a", 0, 1), b"x", "the page cache shows it");
    assert_eq!(
        read(&disk.crash(|_| Fate::Kept), "a", 0, 1),
        b"\0",
        "the disk never gets it"
    );
}

#[test]
fn a_full_disk_refuses_what_would_not_fit() {
    let disk = MemDisk::new();
    assert_eq!(disk.room_bytes().unwrap(), u64::MAX);
    disk.limit_bytes(10);
    disk.create("a", 8).unwrap();
    assert_eq!(disk.room_bytes().unwrap(), 2);
    let full = [
        disk.create("b", 3).unwrap_err(),
        disk.set_len("a", 11).unwrap_err(),
        disk.write_at("a", 8, &[b"abc"]).unwrap_err(),
    ];
    assert!(
        full.iter()
            .all(|error| error.kind() == ErrorKind::StorageFull)
    );
    disk.write_at("a", 0, &[b"abcdefghij"]).unwrap();
}
