use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Disk;
use crate::codec::len_u64;

mod inode;
mod state;

pub use inode::{Fate, Unsynced};
use state::State;

/// A disk in memory with a power switch: what is written and what is synced are kept apart,
/// so that a test can cut the power between any two operations and decide, sector by sector,
/// what of the unsynced rest survives. Clones are the same disk.
///
/// Nothing here is left to chance; a test or simulator brings its own choices.
#[derive(Debug, Clone, Default)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
}

impl MemDisk {
    /// An empty disk that works.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power in the middle of the next operation after `operations` more that change
    /// the disk: that one reaches the disk unsynced, its caller gets an error, and so does
    /// everybody from then on.
    pub fn power_off_after(&self, operations: u64) {
        let mut state = self.state();
        state.power_off_at = Some(state.operations + operations);
    }

    /// Lets the sync after `syncs` more fail the way Linux does: that sync says so, what it
    /// should have made durable still reads back but never will be, and later syncs say `Ok`.
    pub fn fail_sync_after(&self, syncs: u64) {
        let mut state = self.state();
        state.sync_fails_at = Some(state.syncs + syncs);
    }

    /// Makes the disk full once all files together would have more than `bytes`. Without this,
    /// or with [`u64::MAX`], it is as large as memory.
    pub fn limit_bytes(&self, bytes: u64) {
        self.state().bytes_max = Some(bytes);
    }

    /// How many operations that change the disk were asked for; each part of a write is one.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// How many syncs of either kind were asked for.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.state().is_off
    }

    /// The disk as it is found when power comes back: all that was synced, and of the rest what
    /// `fate` says, in the order it was written. This disk stays as it is, so that several fates can be tried.
    pub fn crash(&self, fate: impl FnMut(&Unsynced<'_>) -> Fate) -> Self {
        Self {
            state: Arc::new(Mutex::new(self.state().survivor(fate))),
        }
    }

    /// The disk as a new process on the same running machine finds it: everything written can
    /// be read, but what was not durable still is not.
    pub fn restart(&self) -> Self {
        Self {
            state: Arc::new(Mutex::new(self.state().without_faults())),
        }
    }

    /// Flips one bit of a file, in what is read and in what is durable.
    ///
    /// # Panics
    /// If the file has no such byte.
    pub fn flip_bit(&self, name: &str, offset: u64, bit: u8) {
        self.state().flip_bit(name, offset, bit);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for MemDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.state().list()
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.state().len(name)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.state().change(|state| state.create(name, bytes))
    }

    fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.state().read_at(name, offset, out)
    }

    fn write_at(&self, name: &str, offset: u64, parts: &[&[u8]]) -> io::Result<()> {
        let mut offset = offset;
        for part in parts.iter().filter(|part| !part.is_empty()) {
            self.state()
                .change(|state| state.write_at(name, offset, part))?;
            offset += len_u64(part);
        }
        Ok(())
    }

    fn set_len(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.state().change(|state| state.set_len(name, bytes))
    }

    fn sync_data(&self, name: &str) -> io::Result<()> {
        self.state()
            .sync(|state, works| state.sync_data(name, works))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.state().change(|state| state.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().change(|state| state.remove(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.state().sync(|state, works| {
            state.sync_folder(works);
            Ok(())
        })
    }

    fn room_bytes(&self) -> io::Result<u64> {
        self.state().room_bytes()
    }
}
