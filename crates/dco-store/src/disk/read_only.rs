#![expect(
    clippy::disallowed_methods,
    reason = "the other file that opens stored files, only to read them"
)]

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{Disk, file::LOCK_NAME};
use crate::StoreError;

/// A folder on a real file system that is looked at and not changed, not even by a lock file.
#[derive(Debug)]
pub struct ReadOnlyDisk {
    folder: PathBuf,
    /// Held, so that nobody begins to write meanwhile.
    _lock: Option<File>,
}

impl ReadOnlyDisk {
    /// Opens the folder.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if a process writes in it, [`StoreError::Disk`] if it is not there.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref().to_path_buf();
        let name = folder.display().to_string();
        let failed = |source| StoreError::Disk {
            doing: "opening",
            file: name.clone(),
            offset: None,
            source,
        };
        fs::read_dir(&folder).map_err(failed)?;
        let lock = match File::open(folder.join(LOCK_NAME)) {
            Ok(lock) => Some(lock),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        match lock.as_ref().map_or(Ok(()), File::try_lock_shared) {
            Ok(()) => Ok(Self {
                folder,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: name }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Opening a pipe would wait for ever.
    fn file(&self, name: &str) -> io::Result<File> {
        let path = self.folder.join(name);
        if fs::metadata(&path)?.is_file() {
            File::open(path)
        } else {
            let kind = io::ErrorKind::InvalidInput;
            Err(io::Error::new(kind, "it is no regular file"))
        }
    }
}

impl Disk for ReadOnlyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        super::file::list(&self.folder)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(self.file(name)?.metadata()?.len())
    }

    fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file(name)?.read_exact_at(out, offset)
    }

    fn room_bytes(&self) -> io::Result<u64> {
        refused()
    }

    fn create(&self, _: &str, _: u64) -> io::Result<()> {
        refused()
    }

    fn write_at(&self, _: &str, _: u64, _: &[&[u8]]) -> io::Result<()> {
        refused()
    }

    fn set_len(&self, _: &str, _: u64) -> io::Result<()> {
        refused()
    }

    fn sync_data(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn sync_folder(&self) -> io::Result<()> {
        refused()
    }
}

fn refused<T>() -> io::Result<T> {
    let kind = io::ErrorKind::PermissionDenied;
    Err(io::Error::new(
        kind,
        "the folder was opened only to be read",
    ))
}
