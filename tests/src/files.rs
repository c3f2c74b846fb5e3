//! The one file that touches files: those of a test's own folder.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The octets of a file that must be there.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own files are no stored data"
)]
pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The text of a file that must be there.
pub fn read_text(path: &Path) -> String {
    String::from_utf8(read(path)).expect("the files read here are text")
}

/// Writes a file anew.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own files are no stored data"
)]
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::write(path, bytes)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

/// Names of the files in a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("it can be read").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.into_string().expect("names are text"))
        .collect();
    names.sort();
    names
}

/// Changes one bit of a file, whoever has it open.
#[expect(clippy::disallowed_methods, reason = "what a disk does to stored data")]
pub fn flip_bit(path: &Path, offset: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.expect("the file is there");
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset)
        .expect("the file is longer");
    file.write_all_at(&[byte[0] ^ 1], offset)
        .expect("it can be written");
}

/// Bytes that are left on the disk of a folder.
pub fn room_bytes(folder: &Path) -> u64 {
    let stats = rustix::fs::statvfs(folder).expect("the folder is there");
    stats.f_bavail * stats.f_frsize
}

/// A file that takes so many bytes of the disk and holds nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own files are no stored data"
)]
pub fn fill(path: &Path, bytes: u64) {
    let file = File::create(path).expect("it can be made");
    let flags = rustix::fs::FallocateFlags::empty();
    rustix::fs::fallocate(&file, flags, 0, bytes).expect("the disk has the room");
}
