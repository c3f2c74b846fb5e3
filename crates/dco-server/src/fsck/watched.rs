//! A folder whose reads are counted while they are made.

use std::fmt;
use std::io;
use std::sync::Arc;

use dco_store::{Disk, ReadOnlyDisk};

/// Tells how much was read of it.
pub(super) struct Watched<P> {
    disk: Arc<ReadOnlyDisk>,
    total_bytes: u64,
    progress: P,
}

impl<P> Watched<P> {
    pub(super) fn new(disk: Arc<ReadOnlyDisk>, total_bytes: u64, progress: P) -> Self {
        Self {
            disk,
            total_bytes,
            progress,
        }
    }
}

impl<P> fmt::Debug for Watched<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.disk.fmt(f)
    }
}

impl<P: Fn(u64, u64) + Send + Sync + 'static> Disk for Watched<P> {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.disk.len(name)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.disk.create(name, bytes)
    }

    fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        (self.progress)(out.len() as u64, self.total_bytes);
        self.disk.read_at(name, offset, out)
    }

    fn write_at(&self, name: &str, offset: u64, parts: &[&[u8]]) -> io::Result<()> {
        self.disk.write_at(name, offset, parts)
    }

    fn set_len(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.disk.set_len(name, bytes)
    }

    fn sync_data(&self, name: &str) -> io::Result<()> {
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
        self.disk.room_bytes()
    }
}
