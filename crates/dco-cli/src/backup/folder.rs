#![expect(
    clippy::disallowed_methods,
    reason = "the one file that writes backups, and data folders out of them"
)]
//! A folder that is being filled and is of no use until it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use dco_server::{BACKUP_LIST, BACKUP_LIST_UNFINISHED};
use sha2::{Digest, Sha256};

use super::{Contents, FileFacts, hex};
use crate::exit::Failure;
use crate::files::cannot;

/// A new folder that says of itself that it is not finished.
#[derive(Debug)]
pub(crate) struct Unfinished {
    path: PathBuf,
}

/// A file in it that is being written.
#[derive(Debug)]
pub(crate) struct NewFile {
    name: String,
    path: PathBuf,
    file: File,
    bytes: u64,
    sha256: Sha256,
}

/// Whether a folder can be made there: nothing is there yet, or a folder with nothing in it.
pub(crate) fn is_free(path: &Path) -> Result<bool, Failure> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(cannot("use", path, &error)),
    }
}

impl Unfinished {
    /// Makes the folder, which must be new or empty, and marks it.
    pub(crate) fn begin(path: &Path) -> Result<Self, Failure> {
        if !is_free(path)? {
            return Err(Failure::data(format!(
                "{} is not empty; name a new or an empty folder",
                path.display()
            )));
        }
        if let Err(error) = fs::create_dir(path)
            && error.kind() != ErrorKind::AlreadyExists
        {
            return Err(cannot("make", path, &error));
        }
        let folder = Self {
            path: path.to_owned(),
        };
        folder.write(BACKUP_LIST_UNFINISHED, b"{\"unfinished\": true}\n")?;
        sync_folder(path)?;
        sync_folder(&parent_of(path))?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new file in it.
    pub(crate) fn file(&self, name: &str) -> Result<NewFile, Failure> {
        let path = self.path.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        Ok(NewFile {
            name: name.to_owned(),
            file: file.map_err(|error| cannot("write", &path, &error))?,
            path,
            bytes: 0,
            sha256: Sha256::new(),
        })
    }

    /// Everything in it is on the disk: now it is a backup.
    pub(crate) fn into_backup(self, contents: &Contents) -> Result<(), Failure> {
        sync_folder(&self.path)?;
        let mut list = serde_json::to_vec_pretty(contents).map_err(Failure::internal)?;
        list.push(b'\n');
        self.write(BACKUP_LIST_UNFINISHED, &list)?;
        let [from, to] = [BACKUP_LIST_UNFINISHED, BACKUP_LIST].map(|name| self.path.join(name));
        fs::rename(&from, &to).map_err(|error| cannot("rename", &from, &error))?;
        sync_folder(&self.path)
    }

    /// Everything in it is on the disk: now it is a data folder, under its last name.
    pub(crate) fn into_data(self, path: &Path) -> Result<(), Failure> {
        let mark = self.path.join(BACKUP_LIST_UNFINISHED);
        fs::remove_file(&mark).map_err(|error| cannot("remove", &mark, &error))?;
        sync_folder(&self.path)?;
        fs::rename(&self.path, path).map_err(|error| cannot("make", path, &error))?;
        sync_folder(&parent_of(path))
    }

    /// Takes it away again.
    pub(crate) fn remove(self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.path).map_err(|error| cannot("remove", &self.path, &error))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.path.join(name);
        File::create(&path)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .map_err(|error| cannot("write", &path, &error))
    }
}

impl NewFile {
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| cannot("write", &self.path, &error))?;
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        Ok(())
    }

    /// Ends it; it is on the disk when this returns.
    pub(crate) fn finish(self) -> Result<FileFacts, Failure> {
        let synced = self.file.sync_all();
        synced.map_err(|error| cannot("sync", &self.path, &error))?;
        Ok(FileFacts {
            name: self.name,
            bytes: self.bytes,
            sha256: hex(self.sha256.finalize()),
        })
    }
}

/// The folder that a path is in.
fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    }
}

fn sync_folder(path: &Path) -> Result<(), Failure> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| cannot("sync", path, &error))
}
