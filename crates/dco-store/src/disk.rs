use std::{fmt::Debug, io, sync::Arc};

use crate::StoreError;

mod file;
mod mem;
mod read_only;

pub use file::FileDisk;
pub use mem::{Fate, MemDisk, Unsynced};
pub use read_only::ReadOnlyDisk;

/// One folder of files, and the promises the store rests on. Names are plain file names.
///
/// What is written is visible to every later read at once. What survives a power cut is only
/// what the two sync calls promise; anything else may be there, be gone or be there in part.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Bytes in the file, reserved ones included.
    fn len(&self, name: &str) -> io::Result<u64>;

    /// Makes a new file of `bytes` zeros with its room reserved. Fails if the name is taken.
    fn create(&self, name: &str, bytes: u64) -> io::Result<()>;

    /// Fills `out` from `offset`; `UnexpectedEof` if the file ends before.
    fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`; the file grows if it must.
    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, or lets it grow by zeros with their room reserved.
    fn set_len(&self, name: &str, bytes: u64) -> io::Result<()>;

    /// On `Ok`, everything written to the file and its length survive a power cut. After an
    /// error nobody knows what does, even if a later call says `Ok`.
    fn sync_data(&self, name: &str) -> io::Result<()>;

    /// Gives the file another name, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes the file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// On `Ok`, every create, rename and remove so far survives a power cut.
    fn sync_folder(&self) -> io::Result<()>;
}

/// What is being done when a sync fails.
pub(crate) const SYNCING: &str = "syncing";

/// A disk whose errors say what was tried on which file.
#[derive(Debug, Clone)]
pub(crate) struct Folder(Arc<dyn Disk>);

impl Folder {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self(disk)
    }

    pub(crate) fn list(&self) -> Result<Vec<String>, StoreError> {
        self.0.list().map_err(failed("listing", "the data folder"))
    }

    pub(crate) fn len(&self, name: &str) -> Result<u64, StoreError> {
        self.0.len(name).map_err(failed("measuring", name))
    }

    pub(crate) fn create(&self, name: &str, bytes: u64) -> Result<(), StoreError> {
        self.0.create(name, bytes).map_err(failed("creating", name))
    }

    pub(crate) fn read_at(
        &self,
        name: &str,
        offset: u64,
        out: &mut [u8],
    ) -> Result<(), StoreError> {
        self.0
            .read_at(name, offset, out)
            .map_err(failed("reading", name))
    }

    pub(crate) fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.0
            .write_at(name, offset, bytes)
            .map_err(failed("writing", name))
    }

    pub(crate) fn set_len(&self, name: &str, bytes: u64) -> Result<(), StoreError> {
        self.0
            .set_len(name, bytes)
            .map_err(failed("changing the length of", name))
    }

    pub(crate) fn sync_data(&self, name: &str) -> Result<(), StoreError> {
        self.0.sync_data(name).map_err(failed(SYNCING, name))
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        self.0.rename(from, to).map_err(failed("renaming", from))
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.0.remove(name).map_err(failed("removing", name))
    }

    pub(crate) fn sync_folder(&self) -> Result<(), StoreError> {
        self.0
            .sync_folder()
            .map_err(failed(SYNCING, "the data folder"))
    }
}

fn failed(doing: &'static str, file: &str) -> impl FnOnce(io::Error) -> StoreError {
    let file = file.to_owned();
    move |source| StoreError::Disk {
        doing,
        file,
        source,
    }
}
