//! The one file that touches files: those of a test's own folder.

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
