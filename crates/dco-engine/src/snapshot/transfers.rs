//! Transfers, and the images that came of them: told as the records that made them.

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, ManifestParts};

use super::Why;
use crate::record::{TransferEnd, TransferEnded, TransferOpened};
use crate::state::images;
use crate::state::numbers::checked_number;
use crate::state::transfers::{self as state, Phase};
use crate::terms::RetentionTerms;
use crate::view::{InvalidDevices, TransferResponse, TransferState};

/// All transfers.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Transfers {
    /// In order of their owner numbers.
    #[prost(message, repeated, tag = "1")]
    transfers: Vec<Transfer>,
    /// Each User's images, in order of the transfers with which they became theirs.
    #[prost(message, repeated, tag = "2")]
    images: Vec<Image>,
    /// The one copy of each image, in order of the transfers whose blocks it is.
    #[prost(message, repeated, tag = "3")]
    copies: Vec<Copy>,
}

/// A stored image of a User. Manifest and Devices are those of its transfers.
#[derive(Clone, PartialEq, prost::Message)]
struct Image {
    #[prost(uint64, tag = "1")]
    owner: u64,
    #[prost(int64, tag = "2")]
    used_us: i64,
}

/// What is kept of an image for all who have it.
#[derive(Clone, PartialEq, prost::Message)]
struct Copy {
    #[prost(uint64, tag = "1")]
    owner: u64,
    /// Of one that is quarantined.
    #[prost(message, optional, tag = "2")]
    damage: Option<Damage>,
}

/// What is wrong with a copy.
#[derive(Clone, PartialEq, prost::Message)]
struct Damage {
    #[prost(int64, tag = "1")]
    since_us: i64,
    #[prost(uint32, tag = "2")]
    index: u32,
}

/// One of them. Blocks held are found again in the block log.
#[derive(Clone, PartialEq, prost::Message)]
struct Transfer {
    #[prost(uint64, tag = "1")]
    owner: u64,
    #[prost(int64, tag = "2")]
    created_us: i64,
    /// Without its request.
    #[prost(message, optional, tag = "3")]
    opened: Option<TransferOpened>,
    #[prost(int64, optional, tag = "4")]
    warned_us: Option<i64>,
    #[prost(int64, tag = "5")]
    ended_us: i64,
    /// Without its request.
    #[prost(message, optional, tag = "6")]
    ended: Option<TransferEnded>,
    /// It was stored, and its User does not have the image any more.
    #[prost(bool, tag = "7")]
    is_retired: bool,
}

impl Transfers {
    pub(super) fn of(transfers: &state::Transfers) -> Self {
        let state::Transfers {
            by_owner,
            owners: _,
            images,
            by_hash: _,
            receiving: _,
            verifying: _,
            usages: _,
        } = transfers;
        let mut kept: Vec<_> = images.iter().map(Image::of).collect();
        kept.sort_unstable_by_key(|image| image.owner);
        let mut copies: Vec<_> = images.copies().map(Copy::of).collect();
        copies.sort_unstable_by_key(|copy| copy.owner);
        Self {
            transfers: by_owner
                .iter()
                .map(|(owner, transfer)| Transfer::of(*owner, transfer))
                .collect(),
            images: kept,
            copies,
        }
    }

    /// How long blocks are kept that are of no image is what `retention` says, as in replay.
    pub(super) fn load(
        self,
        seq: u64,
        retention: &RetentionTerms,
    ) -> Result<state::Transfers, Why> {
        let owners = self.transfers.iter().map(|transfer| transfer.owner);
        if !owners.is_sorted_by(|one, next| one < next) {
            return Err("its transfers are not in order");
        }
        let mut transfers = state::Transfers::default();
        for transfer in &self.transfers {
            transfer.open(&mut transfers, seq)?;
        }
        for transfer in &self.transfers {
            transfer.end(&mut transfers, retention)?;
        }
        let counts = (transfers.images.len(), transfers.images.copies().count());
        if counts != (self.images.len(), self.copies.len()) {
            return Err("its images are not those of its transfers");
        }
        must_be_in_order(self.images.iter().map(|image| image.owner))?;
        must_be_in_order(self.copies.iter().map(|copy| copy.owner))?;
        for image in self.images {
            image.load(&mut transfers)?;
        }
        for copy in self.copies {
            copy.load(&mut transfers)?;
        }
        Ok(transfers)
    }
}

fn must_be_in_order(owners: impl Iterator<Item = u64>) -> Result<(), Why> {
    if owners.is_sorted_by(|one, next| one < next) {
        Ok(())
    } else {
        Err("its images are not in order")
    }
}

impl Image {
    fn of(image: &images::Image) -> Self {
        let images::Image {
            owner,
            manifest: _,
            devices: _,
            used_us,
        } = image;
        Self {
            owner: *owner,
            used_us: *used_us,
        }
    }

    /// Names the transfer with which an image, known from its User's transfers, became that User's.
    fn load(self, transfers: &mut state::Transfers) -> Result<(), Why> {
        let owner = self.owner;
        let first = transfers
            .get(owner)
            .filter(|it| it.state() == TransferState::Stored);
        let first = first.ok_or("an image came of a transfer that is not stored")?;
        let (user, manifest) = (first.user, Arc::clone(&first.manifest));
        transfers
            .images
            .resume(user, owner, (manifest, self.used_us))
            .ok_or("an image is its User's twice")
    }
}

impl Copy {
    fn of(kept: &images::Kept) -> Self {
        let images::Kept {
            owner,
            manifest: _,
            users: _,
            damage,
        } = kept;
        let damage = damage.as_ref().map(|damage| {
            let images::Damage { since_us, index } = *damage;
            Damage { since_us, index }
        });
        Self {
            owner: *owner,
            damage,
        }
    }

    fn load(self, transfers: &mut state::Transfers) -> Result<(), Why> {
        let states = [TransferState::Stored, TransferState::Retired];
        let of = transfers
            .get(self.owner)
            .filter(|it| states.contains(&it.state()));
        let of = of.ok_or("a copy is of a transfer that was not stored")?;
        let damage = self.damage.map(|damage| images::Damage {
            since_us: damage.since_us,
            index: damage.index,
        });
        let manifest = Arc::clone(&of.manifest);
        transfers
            .images
            .resume_copy(self.owner, (manifest, damage))
            .ok_or("a copy is of no image, or there are two")
    }
}

impl Transfer {
    fn of(owner: u64, transfer: &state::Transfer) -> Self {
        let state::Transfer {
            user,
            number,
            manifest,
            devices,
            invalid,
            created_us,
            expire_us,
            warn_us,
            warned_us,
            signed_request,
            phase,
        } = transfer;
        let InvalidDevices {
            invalid,
            not_applicable_firmware,
        } = invalid.as_ref();
        let ManifestParts {
            image_id,
            image_bytes,
            block_bytes,
            manufacturer_image_hash,
            firmware_version,
            ota_header,
        } = manifest.parts();
        let opened = TransferOpened {
            user: user.bits(),
            number: *number,
            request: None,
            image_id: Bytes::copy_from_slice(image_id.as_bytes()),
            image_bytes,
            block_bytes,
            manufacturer_image_hash: Bytes::copy_from_slice(manufacturer_image_hash.as_bytes()),
            firmware_version: firmware_version.get(),
            ota_header,
            devices: bits(devices),
            invalid: bits(invalid),
            not_applicable_firmware: bits(not_applicable_firmware),
            expire_us: *expire_us,
            warn_us: *warn_us,
            signed_request: signed_request.clone(),
            originator_counter: None,
            period_start_us: None,
        };
        let end = match phase {
            Phase::Receiving(_) | Phase::Verifying => None,
            Phase::Ended {
                state,
                response,
                free_us: _,
            } => Some(ended(owner, *state, response)),
        };
        let (ended_us, ended) = end.unzip();
        Self {
            owner,
            created_us: *created_us,
            opened: Some(opened),
            warned_us: *warned_us,
            ended_us: ended_us.unwrap_or_default(),
            ended,
            is_retired: transfer.state() == TransferState::Retired,
        }
    }

    fn open(&self, transfers: &mut state::Transfers, seq: u64) -> Result<(), Why> {
        let opened = self.opened.as_ref().ok_or("a transfer was never opened")?;
        checked_number(opened.number)?;
        if self.owner == 0 || self.owner > seq {
            return Err("a transfer was opened by no record");
        }
        transfers
            .opened(self.owner, self.created_us, opened)
            .ok_or("a transfer's manifest is not valid, or its number is used")?;
        if let Some(warned_us) = self.warned_us {
            transfers.warned(self.owner, warned_us);
        }
        Ok(())
    }

    fn end(&self, transfers: &mut state::Transfers, retention: &RetentionTerms) -> Result<(), Why> {
        let Some(ended) = &self.ended else {
            return Ok(());
        };
        let state = match TransferState::of_end(ended.end()) {
            Some(TransferState::Stored) if self.is_retired => TransferState::Retired,
            Some(state) if !self.is_retired => state,
            _ => return Err("a transfer's end is not known"),
        };
        let differs = transfers.differs_from_image(self.owner).is_some();
        if state == TransferState::Stored && differs {
            return Err("a transfer's manifest is not that of the stored image");
        }
        let same = ended.owner == self.owner;
        let free_us = retention.free_us(state, self.ended_us);
        same.then(|| transfers.ended(self.ended_us, (state, free_us), ended))
            .flatten()
            .map(|_| ())
            .ok_or("a transfer ended as another one")
    }
}

fn bits(devices: &[Eui64]) -> Vec<u64> {
    devices.iter().map(|device| device.bits()).collect()
}

fn ended(owner: u64, state: TransferState, response: &TransferResponse) -> (i64, TransferEnded) {
    let TransferResponse {
        at_us,
        reason,
        message,
    } = response;
    let end = match state {
        // A transfer that has not ended has no response.
        TransferState::Receiving | TransferState::Verifying => TransferEnd::Unspecified,
        // Quarantined is how an image stands, not a transfer.
        TransferState::Stored | TransferState::Retired | TransferState::Quarantined => {
            TransferEnd::Stored
        }
        TransferState::Rejected => TransferEnd::Rejected,
        TransferState::Cancelled => TransferEnd::Cancelled,
        TransferState::Expired => TransferEnd::Expired,
    };
    let record = TransferEnded {
        owner,
        end: end.into(),
        reason: reason.clone(),
        message: message.clone(),
        request: None,
        id: None,
    };
    (*at_us, record)
}
