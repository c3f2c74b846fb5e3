//! Which image is meant, which blocks are kept, and until when.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, ImageId, ManufacturerImageHash};
use dco_schedule::Micros;

use crate::effect::Effect;
use crate::engine::Engine;
use crate::record::{Change, ImageQuarantined, ImageRetired};
use crate::refusal::Refusal;
use crate::state::images::Image;
use crate::state::timers::Deadline;
use crate::view::TransferState;

impl Engine {
    /// Lets the blocks of this owner go, unless something needs them or their time has not passed.
    pub(crate) fn free_unless_wanted(&mut self, owner: u64) {
        if !self.transfers.wants_blocks_of(owner, self.now_us) {
            self.out.push_effect(Effect::FreeBlocks { owner });
        } else if self.transfers.is_over(owner) {
            self.out.push_effect(Effect::StopBlocks { owner });
        }
    }

    /// Whether an activation of this User for the image has not ended.
    pub(crate) fn is_image_needed(&self, user: Eui64, image_id: ImageId) -> bool {
        let mut open = self.batches.open_of(user);
        open.any(|batch| batch.image_id == image_id)
    }

    /// Retires the image that became its User's with this transfer, where nothing needs it, no schedule for it has days
    /// to come, and nobody has used it for as long as it is kept. Where an activation needs it, the end of the last one brings the matter up again. Asked at
    /// the moment `at_us`, which can lie back: each has its own turn, so that after a start the order is the same.
    pub(crate) fn retire_if_idle(&mut self, owner: u64, at_us: Micros) {
        let Some(transfer) = self.transfers.get(owner) else {
            return;
        };
        let (user, image_id) = (transfer.user, transfer.manifest.image_id());
        let image = self.transfers.image_of(transfer);
        let Some(image) = image.filter(|image| image.owner == owner) else {
            return;
        };
        if self.idle_us(user, image) > at_us {
            self.watch_image(user, image_id);
        } else if !self.is_image_needed(user, image_id) {
            self.retire(user, image_id);
        }
    }

    fn retire(&mut self, user: Eui64, image_id: ImageId) {
        let image = self.transfers.image(user, image_id);
        let kept = self.transfers.kept(image_id);
        let (Some(image), Some(kept)) = (image, kept) else {
            return;
        };
        let kept_by = kept.owner;
        let transfers = self.transfers.stored_with(user, &image.manifest);
        self.record(Change::ImageRetired(ImageRetired {
            user: user.bits(),
            image_id: Bytes::copy_from_slice(image_id.as_bytes()),
        }));
        self.free_unless_wanted(kept_by);
        for owner in transfers {
            self.transfer_changed(owner);
        }
    }

    /// A block is not what was written. Of a transfer under way it is missing again; an image that is stored is
    /// quarantined, for all who have it.
    pub(crate) fn block_damaged(&mut self, owner: u64, index: u32) {
        if self.kept_by(owner) == Some(owner) {
            self.quarantine(owner, index);
        } else if self.transfers.lose(owner, index) {
            self.expect_blocks(owner);
            self.end_if_known(owner);
            self.transfer_changed(owner);
        }
    }

    /// Only RECEIVING expires, and it is that again.
    fn expect_blocks(&mut self, owner: u64) {
        if let Some(transfer) = self.transfers.get(owner) {
            let expire_us = transfer.expire_us;
            self.deadlines
                .set(expire_us, Deadline::ExpireTransfer { owner });
        }
    }

    fn quarantine(&mut self, owner: u64, index: u32) {
        let Some(transfer) = self.transfers.get(owner) else {
            return;
        };
        let image_id = transfer.manifest.image_id();
        if self.transfers.damage(image_id).is_some() {
            return;
        }
        self.record(Change::ImageQuarantined(ImageQuarantined {
            image_id: Bytes::copy_from_slice(image_id.as_bytes()),
            index,
        }));
        self.image_changed(owner);
    }

    /// Whose blocks are the copy of the image that a transfer is of.
    pub(crate) fn kept_by(&self, owner: u64) -> Option<u64> {
        let transfer = self.transfers.get(owner)?;
        let kept = self.transfers.kept(transfer.manifest.image_id())?;
        Some(kept.owner)
    }

    /// All transfers that are stored with the image of this one look different now, whosever they are.
    pub(crate) fn image_changed(&mut self, owner: u64) {
        let Some(transfer) = self.transfers.get(owner) else {
            return;
        };
        let manifest = Arc::clone(&transfer.manifest);
        let kept = self.transfers.kept(manifest.image_id());
        let users = kept.into_iter().flat_map(|kept| &kept.users);
        let changed: Vec<u64> = users
            .flat_map(|user| self.transfers.stored_with(*user, &manifest))
            .collect();
        for owner in changed {
            self.transfer_changed(owner);
        }
    }

    /// The stored image for a User.
    pub(crate) fn stored_image(
        &self,
        user: Eui64,
        hash: ManufacturerImageHash,
        device: Eui64,
    ) -> Result<&Image, Refusal> {
        let owners = self.transfers.of_hash(user, hash);
        let seen: BTreeSet<_> = owners
            .iter()
            .rev()
            .filter_map(|owner| self.transfers.get(*owner))
            .map(|transfer| transfer.manifest.image_id())
            .collect();
        let stored: Vec<&Image> = seen
            .into_iter()
            .filter_map(|id| self.transfers.image(user, id))
            // What a transfer declared that was never verified names no image.
            .filter(|image| image.manifest.manufacturer_image_hash() == hash)
            .collect();
        let newest = stored.iter().max_by_key(|image| image.owner);
        let for_device = stored
            .iter()
            .filter(|image| image.devices.contains(&device));
        for_device
            .max_by_key(|image| image.owner)
            .or(newest)
            .copied()
            .ok_or_else(|| self.why_not_stored(owners))
    }

    fn why_not_stored(&self, owners: &[u64]) -> Refusal {
        let newest = owners.last().and_then(|owner| self.transfers.get(*owner));
        match newest {
            None => Refusal::NotFound { kind: "image" },
            Some(transfer) if transfer.state() == TransferState::Retired => Refusal::ImageRetired {
                transfer: transfer.number,
            },
            Some(transfer) if transfer.state() == TransferState::Receiving => {
                Refusal::ImageIncomplete {
                    transfer: transfer.number,
                }
            }
            Some(transfer) => Refusal::ImageNotVerified {
                transfer: transfer.number,
                state: transfer.state(),
            },
        }
    }
}
