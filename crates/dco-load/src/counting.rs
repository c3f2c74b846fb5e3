//! A disk that counts what is written through it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dco_store::{Disk, FileDisk};

/// The real disk, with a count of the bytes handed to it.
#[derive(Debug)]
pub(crate) struct CountingDisk {
    inner: FileDisk,
    written_bytes: AtomicU64,
}

impl CountingDisk {
    pub(crate) fn new(inner: FileDisk) -> Arc<Self> {
        Arc::new(Self {
            inner,
            written_bytes: AtomicU64::new(0),
        })
    }

    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }
}

impl Disk for CountingDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.inner.len(name)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.inner.create(name, bytes)
    }

    fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read_at(name, offset, out)
    }

    fn write_at(&self, name: &str, offset: u64, parts: &[&[u8]]) -> io::Result<()> {
        let count: usize = parts.iter().map(|part| part.len()).sum();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.written_bytes.fetch_add(count, Ordering::Relaxed);
        self.inner.write_at(name, offset, parts)
    }

    fn set_len(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.inner.set_len(name, bytes)
    }

    fn sync_data(&self, name: &str) -> io::Result<()> {
        self.inner.sync_data(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.inner.sync_folder()
    }

    fn room_bytes(&self) -> io::Result<u64> {
        self.inner.room_bytes()
    }
}
