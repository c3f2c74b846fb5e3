//! A stored image, read in the cut of who asks for it, whatever the cut it is kept in.

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Manifest, recut};
use dco_store::{BlockReader, StoreError};

/// One reader's way to an image. It remembers the kept block that it read last, since the next block asked for often
/// lies in the same one.
#[derive(Debug)]
pub(crate) struct KeptImage {
    reader: BlockReader,
    owner: u64,
    kept: Arc<Manifest>,
    wanted: Arc<Manifest>,
    last: Option<(u32, Bytes)>,
}

impl KeptImage {
    /// The image that is kept under this owner in the cut of `kept`, to be read in the cut of `wanted`.
    pub(crate) fn new(
        reader: BlockReader,
        owner: u64,
        kept: &Arc<Manifest>,
        wanted: &Arc<Manifest>,
    ) -> Self {
        Self {
            reader,
            owner,
            kept: Arc::clone(kept),
            wanted: Arc::clone(wanted),
            last: None,
        }
    }

    /// The block at an index; it may wait for the disk. An error names the kept block that could not be read.
    pub(crate) fn block(&mut self, index: u32) -> Result<Bytes, (u32, StoreError)> {
        let (kept, wanted) = (Arc::clone(&self.kept), Arc::clone(&self.wanted));
        let owner = self.owner;
        let block = recut(&kept, &wanted, index, |from| self.read(from))?;
        // Who asks has looked at the manifest before.
        block.ok_or((index, StoreError::NotHeld { owner, index }))
    }

    fn read(&mut self, from: u32) -> Result<Bytes, (u32, StoreError)> {
        if let Some((index, data)) = &self.last
            && *index == from
        {
            return Ok(data.clone());
        }
        let data = self.reader.read(self.owner, from);
        let data = data.map_err(|error| (from, error))?;
        self.last = Some((from, data.clone()));
        Ok(data)
    }
}
