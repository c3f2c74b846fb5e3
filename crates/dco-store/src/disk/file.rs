#![expect(
    clippy::disallowed_methods,
    reason = "the one file that opens stored files"
)]

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::fs::FallocateFlags;

use super::Disk;
use crate::StoreError;

pub(super) const LOCK_NAME: &str = "lock";

/// Open files kept at most, far below the 1,024 descriptors a process gets by default.
const HANDLES_MAX: usize = 128;

/// A folder on a real file system, locked against a second process for as long as this lives.
#[derive(Debug)]
pub struct FileDisk {
    folder: PathBuf,
    handles: Mutex<BTreeMap<String, Arc<Handle>>>,
    _lock: File,
}

/// An open file. One with unsynced writes is never dropped from the cache: the kernel tells a
/// failed write-back only to descriptors that were open when it happened.
#[derive(Debug)]
struct Handle {
    file: File,
    unsynced: AtomicBool,
}

impl FileDisk {
    /// Opens the folder, making it if it is not there, and locks it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process has it, [`StoreError::Disk`] if it cannot be made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref().to_path_buf();
        let lock = lock(&folder)?;
        Ok(Self {
            folder,
            handles: Mutex::default(),
            _lock: lock,
        })
    }

    fn handle(&self, name: &str) -> io::Result<Arc<Handle>> {
        let mut handles = self.handles();
        if let Some(handle) = handles.get(name) {
            return Ok(Arc::clone(handle));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.folder.join(name))?;
        Ok(keep(&mut handles, name, file))
    }

    /// Opening, renaming and removing hold this lock throughout, so that no name in the cache
    /// ever leads to a file that has another name by now.
    fn handles(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Handle>>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for FileDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        list(&self.folder)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(self.handle(name)?.file.metadata()?.len())
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<()> {
        let mut handles = self.handles();
        let path = self.folder.join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        if let Err(error) = reserve(&file, bytes) {
            fs::remove_file(&path)?;
            return Err(error);
        }
        keep(&mut handles, name, file)
            .unsynced
            .store(true, Ordering::Release);
        Ok(())
    }

    fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.handle(name)?.file.read_exact_at(out, offset)
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let handle = self.handle(name)?;
        handle.unsynced.store(true, Ordering::Release);
        handle.file.write_all_at(bytes, offset)
    }

    fn set_len(&self, name: &str, bytes: u64) -> io::Result<()> {
        let handle = self.handle(name)?;
        handle.unsynced.store(true, Ordering::Release);
        if bytes > handle.file.metadata()?.len() {
            reserve(&handle.file, bytes)
        } else {
            handle.file.set_len(bytes)
        }
    }

    fn sync_data(&self, name: &str) -> io::Result<()> {
        let handle = self.handle(name)?;
        handle.file.sync_data()?;
        handle.unsynced.store(false, Ordering::Release);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut handles = self.handles();
        fs::rename(self.folder.join(from), self.folder.join(to))?;
        handles.remove(to);
        if let Some(handle) = handles.remove(from) {
            handles.insert(to.to_owned(), handle);
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut handles = self.handles();
        fs::remove_file(self.folder.join(name))?;
        handles.remove(name);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// The lock goes with the file's descriptor, so a killed process leaves none behind.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let name = folder.display().to_string();
    let failed = |source| StoreError::Disk {
        doing: "opening",
        file: name.clone(),
        source,
    };
    let file = make(folder).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: name }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn make(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    if let Some(parent) = folder.canonicalize()?.parent() {
        sync_if_readable(parent)?;
    }
    let path = folder.join(LOCK_NAME);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// A folder made now must survive a power cut. One made by somebody else may stand where we are
/// not allowed to look, and then it was theirs to sync.
fn sync_if_readable(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// Names of the files in a folder, the lock apart.
pub(super) fn list(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        if let Ok(name) = name
            && name != LOCK_NAME
            && entry.file_type()?.is_file()
        {
            names.push(name);
        }
    }
    Ok(names)
}

fn keep(handles: &mut BTreeMap<String, Arc<Handle>>, name: &str, file: File) -> Arc<Handle> {
    if handles.len() >= HANDLES_MAX {
        let clean = handles
            .iter()
            .find(|(_, handle)| !handle.unsynced.load(Ordering::Acquire));
        if let Some(name) = clean.map(|(name, _)| name.clone()) {
            handles.remove(&name);
        }
    }
    let handle = Arc::new(Handle {
        file,
        unsynced: AtomicBool::new(false),
    });
    handles.insert(name.to_owned(), Arc::clone(&handle));
    handle
}

/// A file system that cannot reserve room (some network ones) still gets the length: then a
/// full disk is met at the write instead, which closes the store just the same.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(bytes),
        other => Ok(other?),
    }
}
