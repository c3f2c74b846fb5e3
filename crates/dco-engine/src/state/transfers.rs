//! Transfers and the images that come of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use dco_block::{
    Eui64, FirmwareVersion, Held, ImageId, Manifest, ManifestParts, ManufacturerImageHash,
};
use dco_schedule::Micros;

use super::images::{Damage, Image, Images, Kept, Stored, Verified};
use super::usage::{Usage, Usages};
use crate::record::{TransferEnd, TransferEnded, TransferOpened};
use crate::view::{
    InvalidDevices, MISSING_RANGES_MAX, TransferResponse, TransferState, TransferView,
};

/// One SRV 11.1.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) user: Eui64,
    pub(crate) number: u64,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) devices: Vec<Eui64>,
    pub(crate) invalid: Arc<InvalidDevices>,
    pub(crate) created_us: Micros,
    pub(crate) expire_us: Micros,
    pub(crate) warn_us: Micros,
    pub(crate) warned_us: Option<Micros>,
    pub(crate) signed_request: Bytes,
    pub(crate) phase: Phase,
}

/// Where it stands, with what that needs.
#[derive(Debug)]
pub(crate) enum Phase {
    Receiving(Held),
    Verifying,
    Ended {
        state: TransferState,
        response: TransferResponse,
        /// Until when blocks that are of no image are kept.
        free_us: Micros,
    },
}

impl Transfer {
    pub(crate) fn state(&self) -> TransferState {
        match &self.phase {
            Phase::Receiving(_) => TransferState::Receiving,
            Phase::Verifying => TransferState::Verifying,
            Phase::Ended { state, .. } => *state,
        }
    }

    /// As a whole, with its missing ranges.
    fn view(&self) -> TransferView {
        let missing = match &self.phase {
            Phase::Receiving(held) => held.missing().take(MISSING_RANGES_MAX).collect(),
            Phase::Verifying | Phase::Ended { .. } => Vec::new(),
        };
        TransferView {
            missing,
            signed_request: self.signed_request.clone(),
            ..self.row()
        }
    }

    /// As a row of a list.
    fn row(&self) -> TransferView {
        let block_count = self.manifest.block_count();
        let (blocks_held, response) = match &self.phase {
            Phase::Receiving(held) => (held.count(), None),
            Phase::Verifying => (block_count, None),
            Phase::Ended {
                state: TransferState::Stored,
                response,
                ..
            } => (block_count, Some(response.clone())),
            Phase::Ended { response, .. } => (0, Some(response.clone())),
        };
        TransferView {
            user: self.user,
            number: Some(self.number),
            state: self.state(),
            manifest: Arc::clone(&self.manifest),
            blocks_held,
            missing: Vec::new(),
            created_us: self.created_us,
            expire_us: self.expire_us,
            warned_us: self.warned_us,
            device_count: self.devices.len(),
            invalid: Arc::clone(&self.invalid),
            response,
            signed_request: Bytes::new(),
        }
    }
}

impl TransferState {
    /// How a transfer stands that ended so.
    pub(crate) fn of_end(end: TransferEnd) -> Option<Self> {
        match end {
            TransferEnd::Unspecified => None,
            TransferEnd::Stored => Some(Self::Stored),
            TransferEnd::Rejected => Some(Self::Rejected),
            TransferEnd::Cancelled => Some(Self::Cancelled),
            TransferEnd::Expired => Some(Self::Expired),
        }
    }
}

/// All transfers, and all images stored.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    pub(crate) by_owner: BTreeMap<u64, Transfer>,
    pub(crate) owners: BTreeMap<(Eui64, u64), u64>,
    pub(crate) images: Images,
    pub(crate) by_hash: BTreeMap<(Eui64, ManufacturerImageHash), Vec<u64>>,
    pub(crate) receiving: BTreeSet<u64>,
    pub(crate) verifying: usize,
    pub(crate) usages: Usages,
}

impl Transfers {
    pub(crate) fn get(&self, owner: u64) -> Option<&Transfer> {
        self.by_owner.get(&owner)
    }

    pub(crate) fn find(&self, user: Eui64, number: u64) -> Option<(u64, &Transfer)> {
        let owner = *self.owners.get(&(user, number))?;
        Some((owner, self.get(owner)?))
    }

    /// A User's transfers with a number below `before`, newest first.
    pub(crate) fn newest_first(
        &self,
        user: Eui64,
        before: Option<u64>,
    ) -> impl Iterator<Item = &Transfer> {
        let end = before.unwrap_or(u64::MAX);
        self.owners
            .range((user, 0)..(user, end))
            .rev()
            .filter_map(|(_, owner)| self.get(*owner))
    }

    pub(crate) fn next_number(&self, user: Eui64) -> u64 {
        self.newest_first(user, None)
            .next()
            .map_or(1, |newest| newest.number + 1)
    }

    /// The owners of a User's transfers for a Manufacturer Image, oldest first.
    pub(crate) fn of_hash(&self, user: Eui64, hash: ManufacturerImageHash) -> &[u64] {
        self.by_hash.get(&(user, hash)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn image(&self, user: Eui64, image_id: ImageId) -> Option<&Image> {
        self.images.get(user, image_id)
    }

    /// The copy that is kept for all who have the image.
    pub(crate) fn kept(&self, image_id: ImageId) -> Option<&Kept> {
        self.images.kept(image_id)
    }

    /// Copies that are damaged, counted.
    pub(crate) fn quarantined(&self) -> usize {
        self.images.quarantined()
    }

    /// What is wrong with the copy of an image, if anything is known to be.
    pub(crate) fn damage(&self, image_id: ImageId) -> Option<Damage> {
        self.images.damage(image_id)
    }

    /// The copy of an image is damaged. `None` when there is none, or it was known.
    pub(crate) fn quarantine(&mut self, image_id: ImageId, damage: Damage) -> Option<()> {
        self.images.quarantine(image_id, damage)
    }

    /// The image that a User has and of which no block is to be sent again.
    pub(crate) fn whole_image(&self, user: Eui64, image_id: ImageId) -> Option<&Image> {
        let image = self.image(user, image_id);
        image.filter(|_| self.damage(image_id).is_none())
    }

    /// Where a transfer stands, as its User is told.
    pub(crate) fn state_of(&self, transfer: &Transfer) -> TransferState {
        match transfer.state() {
            TransferState::Stored if self.damage(transfer.manifest.image_id()).is_some() => {
                TransferState::Quarantined
            }
            state => state,
        }
    }

    /// A transfer as a whole, with its missing ranges.
    pub(crate) fn view(&self, transfer: &Transfer) -> TransferView {
        TransferView {
            state: self.state_of(transfer),
            ..transfer.view()
        }
    }

    /// A transfer as a row of a list.
    pub(crate) fn row(&self, transfer: &Transfer) -> TransferView {
        TransferView {
            state: self.state_of(transfer),
            ..transfer.row()
        }
    }

    /// What a User has in the store at a moment.
    pub(crate) fn usage(&self, user: Eui64, at_us: Micros) -> Usage {
        self.usages.of(user, at_us)
    }

    /// The owners of all transfers that are RECEIVING, oldest first.
    pub(crate) fn receiving(&self) -> impl Iterator<Item = u64> {
        self.receiving.iter().copied()
    }

    /// The stored image that a transfer is of, if there is one: by its id alone.
    pub(crate) fn image_of(&self, transfer: &Transfer) -> Option<&Image> {
        self.image(transfer.user, transfer.manifest.image_id())
    }

    /// What a transfer declares otherwise than the stored image of its id, if there is one.
    pub(crate) fn differs_from_image(&self, owner: u64) -> Option<&'static str> {
        let transfer = self.get(owner)?;
        self.image_of(transfer)?.differs_in(&transfer.manifest)
    }

    /// RECEIVING, VERIFYING, and images stored.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.receiving.len(), self.verifying, self.images.len())
    }

    /// Whether blocks of this owner are needed at a moment: for a transfer under way, by an image, or because what
    /// ended without one is looked at for a while.
    pub(crate) fn wants_blocks_of(&self, owner: u64, at_us: Micros) -> bool {
        let Some(transfer) = self.get(owner) else {
            return false;
        };
        let kept = self.kept(transfer.manifest.image_id());
        if kept.is_some_and(|kept| kept.owner == owner) {
            return true;
        }
        match &transfer.phase {
            Phase::Receiving(_) | Phase::Verifying => true,
            Phase::Ended { free_us, .. } => at_us < *free_us,
        }
    }

    /// Whether it ended without an image.
    pub(crate) fn is_over(&self, owner: u64) -> bool {
        self.get(owner).is_some_and(|transfer| {
            matches!(
                transfer.state(),
                TransferState::Rejected | TransferState::Cancelled | TransferState::Expired
            )
        })
    }

    /// A block is durable. Answers whether the transfer has just become complete.
    pub(crate) fn hold(&mut self, owner: u64, index: u32) -> bool {
        let Some(transfer) = self.by_owner.get_mut(&owner) else {
            return false;
        };
        let Phase::Receiving(held) = &mut transfer.phase else {
            return false;
        };
        if index >= held.block_count() {
            return false;
        }
        held.insert(index);
        if !held.is_complete() {
            return false;
        }
        transfer.phase = Phase::Verifying;
        self.receiving.remove(&owner);
        self.verifying += 1;
        true
    }

    /// A block that was held is damaged, and missing again. Answers whether that is news.
    pub(crate) fn lose(&mut self, owner: u64, index: u32) -> bool {
        let Some(transfer) = self.by_owner.get_mut(&owner) else {
            return false;
        };
        match &mut transfer.phase {
            Phase::Receiving(held) => held.remove(index),
            Phase::Verifying if index < transfer.manifest.block_count() => {
                let mut held = Held::new(transfer.manifest.block_count());
                let others = (0..held.block_count()).filter(|other| *other != index);
                others.for_each(|other| {
                    held.insert(other);
                });
                transfer.phase = Phase::Receiving(held);
                self.verifying -= 1;
                self.receiving.insert(owner);
                true
            }
            Phase::Verifying | Phase::Ended { .. } => false,
        }
    }

    /// `None` when the record names an image that could not have been accepted, or a number that is used.
    pub(crate) fn opened(
        &mut self,
        owner: u64,
        at_us: Micros,
        record: &TransferOpened,
    ) -> Option<()> {
        let manifest = Arc::new(Manifest::new(manifest_parts(record)?).ok()?);
        let transfer = Transfer {
            user: Eui64::from_bits(record.user),
            number: record.number,
            devices: euis(&record.devices),
            invalid: Arc::new(InvalidDevices {
                invalid: euis(&record.invalid),
                not_applicable_firmware: euis(&record.not_applicable_firmware),
            }),
            created_us: at_us,
            expire_us: record.expire_us,
            warn_us: record.warn_us,
            warned_us: None,
            signed_request: record.signed_request.clone(),
            phase: Phase::Receiving(Held::new(manifest.block_count())),
            manifest,
        };
        let name = (transfer.user, transfer.number);
        if self.owners.contains_key(&name) {
            return None;
        }
        let hash = transfer.manifest.manufacturer_image_hash();
        self.by_hash
            .entry((transfer.user, hash))
            .or_default()
            .push(owner);
        self.usages.opened(transfer.user, &transfer.manifest);
        self.owners.insert(name, owner);
        self.by_owner.insert(owner, transfer);
        self.receiving.insert(owner);
        Some(())
    }

    pub(crate) fn warned(&mut self, owner: u64, at_us: Micros) {
        if let Some(transfer) = self.by_owner.get_mut(&owner) {
            transfer.warned_us = Some(at_us);
        }
    }

    /// It reached its end; `None` when there is no such transfer, or it had reached it before.
    pub(crate) fn ended(
        &mut self,
        at_us: Micros,
        (state, free_us): (TransferState, Micros),
        record: &TransferEnded,
    ) -> Option<Stored> {
        let transfer = self.by_owner.get_mut(&record.owner)?;
        match transfer.phase {
            Phase::Receiving(_) => {
                self.receiving.remove(&record.owner);
            }
            Phase::Verifying => self.verifying -= 1,
            Phase::Ended { .. } => return None,
        }
        let response = TransferResponse {
            at_us,
            reason: record.reason.clone(),
            message: record.message.clone(),
        };
        transfer.phase = Phase::Ended {
            state,
            response,
            free_us,
        };
        let (user, manifest) = (transfer.user, &transfer.manifest);
        self.usages.ended(user, manifest);
        let mut stored = Stored::default();
        if state == TransferState::Stored {
            let verified = Verified {
                owner: record.owner,
                user,
                manifest,
                devices: &transfer.devices,
            };
            stored = self.images.store(&verified, at_us);
            if stored.is_new {
                self.usages.stored(user, manifest);
            }
        } else if free_us > at_us {
            self.usages.left(user, (free_us, record.owner), manifest);
        }
        Some(stored)
    }

    /// A User's image was sent for.
    pub(crate) fn used(&mut self, user: Eui64, image_id: ImageId, at_us: Micros) {
        self.images.used(user, image_id, at_us);
    }

    /// A User does not have an image any more: nor do its transfers of it. `None` when it had none.
    pub(crate) fn retired(&mut self, user: Eui64, image_id: ImageId) -> Option<()> {
        let image = self.images.retire(user, image_id)?;
        self.usages.retired(user, &image.manifest);
        for owner in self.stored_with(user, &image.manifest) {
            if let Some(transfer) = self.by_owner.get_mut(&owner)
                && let Phase::Ended { state, .. } = &mut transfer.phase
            {
                *state = TransferState::Retired;
            }
        }
        Some(())
    }

    /// The owners of a User's transfers that are STORED with an image, oldest first.
    pub(crate) fn stored_with(&self, user: Eui64, manifest: &Manifest) -> Vec<u64> {
        let owners = self.of_hash(user, manifest.manufacturer_image_hash());
        let stored = owners.iter().copied().filter(|owner| {
            self.get(*owner).is_some_and(|it| {
                it.state() == TransferState::Stored && it.manifest.image_id() == manifest.image_id()
            })
        });
        stored.collect()
    }
}

fn euis(bits: &[u64]) -> Vec<Eui64> {
    bits.iter().copied().map(Eui64::from_bits).collect()
}

fn manifest_parts(record: &TransferOpened) -> Option<ManifestParts> {
    let hash: [u8; 32] = record.manufacturer_image_hash.as_ref().try_into().ok()?;
    let image_id: [u8; 32] = record.image_id.as_ref().try_into().ok()?;
    Some(ManifestParts {
        image_id: ImageId::new(image_id),
        image_bytes: record.image_bytes,
        block_bytes: record.block_bytes,
        manufacturer_image_hash: ManufacturerImageHash::new(hash),
        firmware_version: FirmwareVersion::new(record.firmware_version),
        ota_header: record.ota_header.clone(),
    })
}
