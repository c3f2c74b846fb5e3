//! Writing new files, and never over old ones. The only place of the PKI that touches the disk.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::PkiError;

/// A file to be.
pub(super) struct NewFile<'a> {
    path: &'a Path,
    mode: u32,
    text: String,
}

impl<'a> NewFile<'a> {
    /// A file that everybody may read.
    pub(super) fn public(path: &'a Path, text: String) -> Self {
        Self {
            path,
            mode: 0o644,
            text,
        }
    }

    /// A file that only its owner may read.
    pub(super) fn secret(path: &'a Path, text: String) -> Self {
        Self {
            path,
            mode: 0o600,
            text,
        }
    }
}

/// Writes the files after it has looked that none of them is there. Makes the folder where it is missing.
pub(super) fn write_all(dir: &Path, files: &[NewFile<'_>]) -> Result<(), PkiError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|fault| failed(dir, fault))?;
    // A broken link counts as a file: what it points to must not appear by our doing.
    let existing = files
        .iter()
        .find(|file| file.path.symlink_metadata().is_ok());
    match existing {
        Some(file) => Err(exists(file.path)),
        None => files.iter().try_for_each(write_new),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "keys and certificates are files of their own and no stored data"
)]
fn write_new(new: &NewFile<'_>) -> Result<(), PkiError> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(new.mode)
        .open(new.path);
    match opened.and_then(|mut file| file.write_all(new.text.as_bytes())) {
        Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => Err(exists(new.path)),
        written => written.map_err(|fault| failed(new.path, fault)),
    }
}

/// A file that was made before.
#[expect(
    clippy::disallowed_methods,
    reason = "keys and certificates are files of their own and no stored data"
)]
pub(super) fn read(path: &Path) -> Result<Vec<u8>, PkiError> {
    std::fs::read(path).map_err(|source| PkiError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Puts a text in the place of a file's, so that whoever reads it sees the one or the other.
#[expect(
    clippy::disallowed_methods,
    reason = "keys and certificates are files of their own and no stored data"
)]
pub(super) fn replace(path: &Path, text: &str) -> Result<(), PkiError> {
    let new = path.with_extension("new");
    std::fs::write(&new, text).map_err(|fault| failed(&new, fault))?;
    std::fs::rename(&new, path).map_err(|fault| failed(path, fault))
}

fn exists(path: &Path) -> PkiError {
    PkiError::Exists {
        path: path.to_owned(),
    }
}

fn failed(path: &Path, source: io::Error) -> PkiError {
    PkiError::Write {
        path: path.to_owned(),
        source,
    }
}
