//! What is kept of the images that Users have.

use std::sync::Arc;

use dco_block::Manifest;

use crate::engine::Engine;

/// The one copy of a stored image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCopy {
    /// The owner of its blocks in the block log.
    pub owner: u64,
    /// The image, in the cut of those blocks.
    pub manifest: Arc<Manifest>,
    /// A block of it was found damaged before, and nobody has sent it again since.
    pub is_quarantined: bool,
}

impl Engine {
    /// The copy of each image that is stored for anybody: all of its blocks must be in the block log.
    pub fn stored_copies(&self) -> impl Iterator<Item = StoredCopy> {
        self.transfers.images.copies().map(|kept| StoredCopy {
            owner: kept.owner,
            manifest: Arc::clone(&kept.manifest),
            is_quarantined: kept.damage.is_some(),
        })
    }
}
