//! A disk with one oddity at a time.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{Disk, MemDisk};

type Hook = Box<dyn FnOnce() + Send>;
type Gate = Arc<dyn Fn() + Send + Sync>;

/// A disk in memory, as odd as a test makes it.
#[derive(Default)]
pub(super) struct OddDisk {
    pub(super) disk: MemDisk,
    /// Happens between the moment the next read is asked for and its doing.
    pub(super) before_read: Mutex<Option<Hook>>,
    /// Happens before each sync of a file.
    pub(super) before_sync: Mutex<Option<Gate>>,
    /// It says that it has more room than it has.
    pub(super) boasts: AtomicBool,
    /// Reads so far.
    pub(super) reads: AtomicU64,
    /// The read with this number, counted from one, cannot be done.
    pub(super) bad_read: AtomicU64,
    /// It is not the disk that fails at it: whoever reads may not.
    pub(super) is_forbidden: AtomicBool,
    /// Steps so far that may take room: creates, writes and changes of length.
    pub(super) steps: AtomicU64,
    /// The one of them with this number, counted from one, finds the disk full.
    pub(super) full_step: AtomicU64,
}

impl OddDisk {
    fn step(&self) -> io::Result<()> {
        let number = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        if self.full_step.load(Ordering::Relaxed) == number {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl fmt::Debug for OddDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.disk.fmt(f)
    }
}

impl Disk for OddDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.disk.len(name)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.step()?;
        self.disk.create(name, bytes)
    }

    fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let hook = self.before_read.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        let number = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        if self.bad_read.load(Ordering::Relaxed) == number {
            let errno = if self.is_forbidden.load(Ordering::Relaxed) {
                13
            } else {
                5
            };
            return Err(io::Error::from_raw_os_error(errno));
        }
        self.disk.read_at(name, offset, out)
    }

    fn write_at(&self, name: &str, offset: u64, parts: &[&[u8]]) -> io::Result<()> {
        self.step()?;
        self.disk.write_at(name, offset, parts)
    }

    fn set_len(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.step()?;
        self.disk.set_len(name, bytes)
    }

    fn sync_data(&self, name: &str) -> io::Result<()> {
        let gate = self.before_sync.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate();
        }
        self.disk.sync_data(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.disk.sync_folder()
    }

    fn room_bytes(&self) -> io::Result<u64> {
        if self.boasts.load(Ordering::Relaxed) {
            return Ok(u64::MAX);
        }
        self.disk.room_bytes()
    }
}
