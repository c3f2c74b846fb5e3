//! A gateway's memory in a file, so that it outlives the program.
//!
//! One change a line, as JSON, in the order in which they were made. The first line names the
//! memory. What was saved is on disk. A last line that was not written to its end is cut off: it
//! was never acted on. Any other line that cannot be read is damage, and the file is refused. When
//! it is opened, and when it has grown long, the file is written anew in its shortest form beside
//! the old one and put in its place.

mod line;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::memory::{Change, Memory};

/// A file is written anew when it is this many times as long as it was when that was done last.
const GROWTH_MAX: u64 = 8;

/// A file shorter than this is not worth writing anew.
const LONG_BYTES_MIN: u64 = 8 * 1024 * 1024;

/// The file, open for more changes, and locked against another program.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_anew: u64,
    /// Held as long as this lives. A file of its own, because the memory's file is replaced.
    _lock: File,
}

/// Why a memory cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum MemoryFileError {
    #[error("cannot {doing} {path}: {source}")]
    Disk {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("another gateway uses {path}; stop it, or give this one a memory of its own")]
    InUse { path: PathBuf },
    #[error(
        "line {line} of {path} is damaged: {problem}; \
         remove the file, and the DCO is told that this gateway has lost its memory"
    )]
    Damaged {
        path: PathBuf,
        line: usize,
        problem: String,
    },
}

impl MemoryFile {
    /// Reads the memory that the file holds, or begins one of the name `fresh_id` where there is
    /// none. `concurrency` is how many attempts the gateway takes at one time from now on.
    pub(crate) fn open(
        path: &Path,
        concurrency: u32,
        fresh_id: String,
    ) -> Result<(Self, Memory), MemoryFileError> {
        let lock = lock(path)?;
        let text = match read(path) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(disk("read", path))?,
        };
        let memory = recall(path, &text, concurrency, fresh_id)?;
        let (file, bytes) = write_anew(path, memory.id(), &memory.condensed())?;
        let kept = Self {
            path: path.to_owned(),
            file,
            bytes,
            bytes_anew: bytes,
            _lock: lock,
        };
        Ok((kept, memory))
    }

    /// Adds changes. On `Ok` they survive a power cut.
    pub(crate) fn save(&mut self, changes: &[Change]) -> Result<(), MemoryFileError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        for change in changes {
            line::write(&mut text, change);
        }
        self.file
            .write_all(&text)
            .map_err(disk("write", &self.path))?;
        self.file.sync_data().map_err(disk("sync", &self.path))?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// Whether it has grown so long that it should be written anew.
    pub(crate) fn is_long(&self) -> bool {
        self.bytes > LONG_BYTES_MIN.max(self.bytes_anew.saturating_mul(GROWTH_MAX))
    }

    /// Writes it anew: the memory of this name, condensed, and nothing else. A power cut leaves
    /// the old file or the new one.
    pub(crate) fn replace(
        &mut self,
        id: &str,
        condensed: &[Change],
    ) -> Result<(), MemoryFileError> {
        (self.file, self.bytes) = write_anew(&self.path, id, condensed)?;
        self.bytes_anew = self.bytes;
        Ok(())
    }
}

fn recall(
    path: &Path,
    text: &[u8],
    concurrency: u32,
    fresh_id: String,
) -> Result<Memory, MemoryFileError> {
    // What follows the last line feed was being written when the power went.
    let written = text
        .iter()
        .rposition(|octet| *octet == b'\n')
        .map_or(0, |last| last + 1);
    let mut lines = text[..written]
        .split_inclusive(|octet| *octet == b'\n')
        .enumerate();
    let damaged = |(line, problem): (usize, serde_json::Error)| MemoryFileError::Damaged {
        path: path.to_owned(),
        line: line + 1,
        problem: problem.to_string(),
    };
    let Some((at, first)) = lines.next() else {
        return Ok(Memory::new(fresh_id, concurrency));
    };
    let id = line::read_id(first).map_err(|problem| damaged((at, problem)))?;
    let mut memory = Memory::new(id, concurrency);
    for (at, text) in lines {
        memory.apply(line::read(text).map_err(|problem| damaged((at, problem)))?);
    }
    Ok(memory)
}

fn write_anew(path: &Path, id: &str, condensed: &[Change]) -> Result<(File, u64), MemoryFileError> {
    let mut text = Vec::new();
    line::write_id(&mut text, id);
    for change in condensed {
        line::write(&mut text, change);
    }
    let beside = with_suffix(path, ".new");
    let mut file = create(&beside).map_err(disk("create", &beside))?;
    file.write_all(&text).map_err(disk("write", &beside))?;
    file.sync_all().map_err(disk("sync", &beside))?;
    std::fs::rename(&beside, path).map_err(disk("replace", path))?;
    sync_folder_of(path).map_err(disk("sync the folder of", path))?;
    Ok((file, text.len() as u64))
}

fn lock(path: &Path) -> Result<File, MemoryFileError> {
    let lock_path = with_suffix(path, ".lock");
    let lock = create(&lock_path).map_err(disk("create", &lock_path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(MemoryFileError::InUse {
            path: path.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(fault)) => Err(disk("lock", &lock_path)(fault)),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MemoryFileError {
    let path = path.to_owned();
    move |source| MemoryFileError::Disk {
        doing,
        path,
        source,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a gateway's memory is no data of the DCO's store"
)]
fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a gateway's memory is no data of the DCO's store"
)]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a gateway's memory is no data of the DCO's store"
)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
