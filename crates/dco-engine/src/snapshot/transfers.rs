//! Transfers, and the images that came of them: told as the records that made them.

use std::collections::BTreeSet;

use bytes::Bytes;
use dco_block::{Eui64, ManifestParts};

use super::Why;
use super::check::checked_number;
use crate::record::{TransferEnd, TransferEnded, TransferOpened};
use crate::state::transfers::{self as state, Image, Phase};
use crate::view::{InvalidDevices, TransferResponse, TransferState};

/// All transfers.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Transfers {
    /// In order of their owner numbers.
    #[prost(message, repeated, tag = "1")]
    transfers: Vec<Transfer>,
    /// The transfers whose blocks are those of stored images, in order: the first of each image that was stored.
    #[prost(uint64, repeated, tag = "2")]
    image_owners: Vec<u64>,
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
        } = transfers;
        let mut image_owners: Vec<u64> = images.values().map(owner_of).collect();
        image_owners.sort_unstable();
        Self {
            transfers: by_owner
                .iter()
                .map(|(owner, transfer)| Transfer::of(*owner, transfer))
                .collect(),
            image_owners,
        }
    }

    pub(super) fn load(self, seq: u64) -> Result<state::Transfers, Why> {
        let owners = self.transfers.iter().map(|transfer| transfer.owner);
        if !owners.is_sorted_by(|one, next| one < next) {
            return Err("its transfers are not in order");
        }
        let mut transfers = state::Transfers::default();
        for transfer in &self.transfers {
            transfer.open(&mut transfers, seq)?;
        }
        let first: BTreeSet<u64> = self.image_owners.into_iter().collect();
        let (first, others): (Vec<_>, Vec<_>) = self
            .transfers
            .iter()
            .partition(|transfer| first.contains(&transfer.owner));
        for transfer in first {
            let before = transfers.images.len();
            transfer.end(&mut transfers)?;
            if transfers.images.len() == before {
                return Err("an image has two owners");
            }
        }
        let images = transfers.images.len();
        for transfer in others {
            transfer.end(&mut transfers)?;
        }
        if transfers.images.len() == images {
            Ok(transfers)
        } else {
            Err("an image has no owner")
        }
    }
}

/// Manifest and Devices of an image are those of the transfers stored.
fn owner_of(image: &Image) -> u64 {
    let Image {
        owner,
        manifest: _,
        devices: _,
    } = image;
    *owner
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
        };
        let end = match phase {
            Phase::Receiving(_) | Phase::Verifying => None,
            Phase::Ended { state, response } => Some(ended(owner, *state, response)),
        };
        let (ended_us, ended) = end.unzip();
        Self {
            owner,
            created_us: *created_us,
            opened: Some(opened),
            warned_us: *warned_us,
            ended_us: ended_us.unwrap_or_default(),
            ended,
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

    fn end(&self, transfers: &mut state::Transfers) -> Result<(), Why> {
        let Some(ended) = &self.ended else {
            return Ok(());
        };
        let state = TransferState::of_end(ended.end()).ok_or("a transfer's end is not known")?;
        let differs = transfers.differs_from_image(self.owner).is_some();
        if state == TransferState::Stored && differs {
            return Err("a transfer's manifest is not that of the stored image");
        }
        let same = ended.owner == self.owner;
        same.then(|| transfers.ended(self.ended_us, state, ended))
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
        TransferState::Stored => TransferEnd::Stored,
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
    };
    (*at_us, record)
}
