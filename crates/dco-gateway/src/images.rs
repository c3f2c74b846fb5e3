//! The images that meters are being given: each is read from the DCO once and shared.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use dco_block::{Block, ImageId, Manifest, RejectBlock, RejectImage, verify_image};
use dco_client::ClientError;
use futures::StreamExt;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::dco::Dco;
use crate::stats::BlockCounts;

/// Images kept in memory though no attempt needs them at the moment: the next of their batch will.
const SPARE_IMAGES_MAX: usize = 4;

/// Failures in a row, with no block read between them, after which an image is given up, where
/// waiting alone would not help.
const FAULTS_MAX: u32 = 5;

/// The images in memory.
#[derive(Debug)]
pub(crate) struct Images {
    dco: Arc<dyn Dco>,
    counts: Arc<BlockCounts>,
    backoff: Backoff,
    shelf: Mutex<Shelf>,
}

/// Why an image cannot be had. Nothing of it went to any Device.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoImage {
    #[error("the image could not be read: {0}")]
    Unreadable(ReadFault),
    #[error("what the DCO gave is not the image on offer: {0}")]
    Wrong(RejectImage),
}

/// Why reading an image stopped before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFault {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Block(#[from] RejectBlock),
    #[error("block {index} came where block {expected} is next")]
    OutOfOrder { index: u32, expected: u32 },
    #[error("the blocks ended before block {expected}")]
    Ended { expected: u32 },
}

#[derive(Debug, Default)]
struct Shelf {
    slots: BTreeMap<ImageId, Arc<tokio::sync::Mutex<Slot>>>,
    /// The same, those asked for last at the end.
    order: VecDeque<ImageId>,
    /// Bytes of each image that have ever been read, so that a second reading is counted as one.
    read_bytes: BTreeMap<ImageId, usize>,
}

/// One image: whole, or as far as it has been read.
#[derive(Debug, Default)]
struct Slot {
    part: Vec<u8>,
    whole: Option<Bytes>,
}

impl Images {
    pub(crate) fn new(dco: Arc<dyn Dco>, counts: Arc<BlockCounts>, backoff: Backoff) -> Self {
        Self {
            dco,
            counts,
            backoff,
            shelf: Mutex::default(),
        }
    }

    /// The whole image, verified against its manifest. Whoever asks first reads it, the others
    /// wait for that one; if that one is stopped, the next goes on at the first missing block.
    pub(crate) async fn whole(&self, manifest: &Manifest) -> Result<Bytes, NoImage> {
        let slot = self.slot(manifest.image_id());
        let mut slot = slot.lock().await;
        if let Some(whole) = &slot.whole {
            return Ok(whole.clone());
        }
        self.read_all(&mut slot, manifest)
            .await
            .map_err(NoImage::Unreadable)?;
        let whole = checked(std::mem::take(&mut slot.part), manifest.clone()).await?;
        info!(image.id = %manifest.image_id(), image.bytes = whole.len(), "image read");
        Ok(slot.whole.insert(whole).clone())
    }

    async fn read_all(&self, slot: &mut Slot, manifest: &Manifest) -> Result<(), ReadFault> {
        let mut backoff = self.backoff;
        loop {
            let before = slot.part.len();
            let Err(fault) = self.read_on(slot, manifest).await else {
                return Ok(());
            };
            if slot.part.len() > before {
                backoff.progressed();
            }
            if backoff.failures() >= FAULTS_MAX && !fault.may_pass() {
                return Err(fault);
            }
            let pause = backoff.after_failure();
            warn!(image.id = %manifest.image_id(), %fault, "reading the image stopped");
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads from the first missing block to the end, or to the first fault. What was read stays.
    async fn read_on(&self, slot: &mut Slot, manifest: &Manifest) -> Result<(), ReadFault> {
        let mut expected = slot.first_missing(manifest.block_bytes());
        let mut blocks = self.dco.read_blocks(manifest, expected).await?;
        while expected < manifest.block_count() {
            let raw = blocks.next().await.ok_or(ReadFault::Ended { expected })??;
            if raw.index != expected {
                return Err(ReadFault::OutOfOrder {
                    index: raw.index,
                    expected,
                });
            }
            let block = raw
                .verify(manifest)
                .inspect_err(|_| self.counts.reread.add(1))?;
            self.take(slot, manifest, &block);
            expected += 1;
        }
        Ok(())
    }

    fn take(&self, slot: &mut Slot, manifest: &Manifest, block: &Block) {
        if slot.part.is_empty() {
            slot.part.reserve_exact(manifest.image_bytes() as usize);
        }
        slot.part.extend_from_slice(block.data());
        self.counts.read.add(1);
        let read_bytes = slot.part.len();
        let known_bytes = self.with(|shelf| {
            let known = shelf.read_bytes.entry(manifest.image_id()).or_default();
            std::mem::replace(known, read_bytes.max(*known))
        });
        if read_bytes <= known_bytes {
            self.counts.reread.add(1);
        }
    }

    fn slot(&self, image_id: ImageId) -> Arc<tokio::sync::Mutex<Slot>> {
        self.with(|shelf| {
            shelf.order.retain(|known| *known != image_id);
            shelf.order.push_back(image_id);
            let slot = Arc::clone(shelf.slots.entry(image_id).or_default());
            shelf.clear();
            slot
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Shelf) -> T) -> T {
        // Nothing on the shelf is half done between two of its operations.
        act(&mut self.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shelf {
    /// Drops images that nobody is reading, the longest unused first, down to a few.
    fn clear(&mut self) {
        let Self { slots, order, .. } = self;
        let mut over = slots.len().saturating_sub(SPARE_IMAGES_MAX);
        order.retain(|image_id| {
            let unused = slots
                .get(image_id)
                .is_some_and(|slot| Arc::strong_count(slot) == 1);
            let drop = over > 0 && unused;
            if drop {
                over -= 1;
                slots.remove(image_id);
            }
            !drop
        });
    }
}

impl Slot {
    /// Where to go on. Two transfers of one image may be cut differently; what was read in the
    /// other cut is kept as far as whole blocks of this one go.
    fn first_missing(&mut self, block_bytes: u32) -> u32 {
        let whole_blocks = self.part.len() / block_bytes as usize;
        self.part.truncate(whole_blocks * block_bytes as usize);
        u32::try_from(whole_blocks).expect("no more blocks are kept than the image has")
    }
}

impl ReadFault {
    /// Whether it may pass by waiting alone.
    fn may_pass(&self) -> bool {
        match self {
            Self::Client(ClientError::Unreachable { .. }) => true,
            Self::Client(fault) => fault.is_temporary(),
            Self::Block(_) | Self::OutOfOrder { .. } | Self::Ended { .. } => false,
        }
    }
}

/// The image, if it is the one of the manifest. Hashing megabytes would hold up everybody else, so
/// it is done aside.
async fn checked(image: Vec<u8>, manifest: Manifest) -> Result<Bytes, NoImage> {
    let image = Bytes::from(image);
    let check = image.clone();
    tokio::task::spawn_blocking(move || verify_image(&check, &manifest))
        .await
        .expect("verifying bytes does not panic, and nobody aborts it")
        .map_err(NoImage::Wrong)?;
    Ok(image)
}

#[cfg(test)]
mod tests;
