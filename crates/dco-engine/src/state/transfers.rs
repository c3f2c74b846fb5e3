//! Transfers and the images that come of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use dco_block::{
    Eui64, FirmwareVersion, Held, ImageId, Manifest, ManifestParts, ManufacturerImageHash,
};
use dco_schedule::Micros;

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
    pub(crate) fn view(&self) -> TransferView {
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
    pub(crate) fn row(&self) -> TransferView {
        let block_count = self.manifest.block_count();
        let (blocks_held, response) = match &self.phase {
            Phase::Receiving(held) => (held.count(), None),
            Phase::Verifying => (block_count, None),
            Phase::Ended {
                state: TransferState::Stored,
                response,
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

/// A stored image of one User.
#[derive(Debug)]
pub(crate) struct Image {
    /// Whose blocks in the block log.
    pub(crate) owner: u64,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) devices: BTreeSet<Eui64>,
}

impl Image {
    /// The first part of a manifest of the same image id that is not as it was verified; the cut may be another.
    pub(crate) fn differs_in(&self, manifest: &Manifest) -> Option<&'static str> {
        let (stored, given) = (self.manifest.parts(), manifest.parts());
        let parts = [
            ("image_bytes", stored.image_bytes == given.image_bytes),
            (
                "manufacturer_image_hash",
                stored.manufacturer_image_hash == given.manufacturer_image_hash,
            ),
            (
                "firmware_version",
                stored.firmware_version == given.firmware_version,
            ),
            ("ota_header", stored.ota_header == given.ota_header),
        ];
        let differing = parts.into_iter().find(|(_, is_same)| !is_same);
        differing.map(|(name, _)| name)
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
    pub(crate) images: BTreeMap<(Eui64, ImageId), Image>,
    pub(crate) by_hash: BTreeMap<(Eui64, ManufacturerImageHash), Vec<u64>>,
    pub(crate) receiving: BTreeSet<u64>,
    pub(crate) verifying: usize,
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
        self.images.get(&(user, image_id))
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

    /// Whether blocks of this owner are needed: for a transfer under way, or by an image.
    pub(crate) fn wants_blocks_of(&self, owner: u64) -> bool {
        let Some(transfer) = self.get(owner) else {
            return false;
        };
        match &transfer.phase {
            Phase::Receiving(_) | Phase::Verifying => true,
            Phase::Ended {
                state: TransferState::Stored,
                ..
            } => self
                .image(transfer.user, transfer.manifest.image_id())
                .is_some_and(|image| image.owner == owner),
            Phase::Ended { .. } => false,
        }
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
        state: TransferState,
        record: &TransferEnded,
    ) -> Option<&Transfer> {
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
        transfer.phase = Phase::Ended { state, response };
        if state == TransferState::Stored {
            let key = (transfer.user, transfer.manifest.image_id());
            let image = self.images.entry(key).or_insert_with(|| Image {
                owner: record.owner,
                manifest: Arc::clone(&transfer.manifest),
                devices: BTreeSet::new(),
            });
            if image.devices.is_empty() {
                image.devices = transfer.devices.iter().copied().collect();
            } else {
                image.devices.extend(&transfer.devices);
            }
        }
        Some(transfer)
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
