//! SRV 11.1: opening, completing, cancelling a transfer.

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, HardwareVersions, Manifest};

use super::thresholds::Added;
use crate::effect::{Effect, Reply};
use crate::engine::Engine;
use crate::event::{Cancel, OpenTransfer, Verdict};
use crate::record::{Change, Counted, TransferEnd, TransferEnded, TransferId, TransferOpened};
use crate::refusal::Refusal;
use crate::state::counts::request_bytes;
use crate::state::requests::{self, Asked, Made};
use crate::state::timers::Deadline;
use crate::view::{InvalidDevices, TransferResponse, TransferState, TransferView};

/// Octets of a signed Service Request that are kept.
pub(crate) const SIGNED_REQUEST_BYTES_MAX: usize = 64 * 1024;

impl Engine {
    pub(crate) fn open_transfer(&mut self, asked: OpenTransfer) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        if let Some(made) = self.requests.find(asked.user, asked.id, &digest)? {
            return self.transfer_made(made);
        }
        self.refuse_counter(asked.user, asked.originator_counter)?;
        refuse_signed_request(&asked.signed_request)?;
        self.refuse_other_manifest(asked.user, &asked.manifest)?;
        let (devices, invalid) =
            self.sort_devices(asked.user, &asked.manifest, asked.devices.clone())?;
        self.within_limits(asked.user, &asked.manifest)?;
        let bytes = request_bytes(asked.signed_request.len(), asked.devices.len());
        let period_start_us = self.within_thresholds(Added {
            user: asked.user,
            counts: &[(Counted::Transfers, 1), (Counted::RequestBytes, bytes)],
            validate_only: asked.validate_only,
        })?;
        if asked.validate_only {
            return Ok(Reply::Transfer(self.preview(
                &asked,
                devices.len(),
                invalid,
            )));
        }
        let record = TransferOpened {
            period_start_us: Some(period_start_us),
            ..self.opened_record(&asked, &digest, &devices, &invalid)
        };
        let before = self.transfers.usage(asked.user, self.now_us);
        let owner = self.record(Change::TransferOpened(record));
        self.warn_of_use(asked.user, &before);
        self.end_if_known(owner);
        self.transfer_changed(owner);
        self.transfer_made(Made::Transfer(owner))
    }

    /// What is stored was verified against its own manifest, and against no other.
    fn refuse_other_manifest(&self, user: Eui64, manifest: &Manifest) -> Result<(), Refusal> {
        let image = self.transfers.image(user, manifest.image_id());
        match image.and_then(|image| image.differs_in(manifest)) {
            None => Ok(()),
            Some(field) => Err(Refusal::ManifestDiffers { field }),
        }
    }

    /// What one User may have in the store. An image that it has stored needs no more of it.
    fn within_limits(&self, user: Eui64, manifest: &Manifest) -> Result<(), Refusal> {
        let image_id = manifest.image_id();
        if self.transfers.whole_image(user, image_id).is_some() {
            return Ok(());
        }
        if let Some(until_us) = self
            .full_until_us
            .filter(|until_us| *until_us > self.now_us)
        {
            return Err(Refusal::StoreFull {
                retry_in_us: until_us - self.now_us,
            });
        }
        let limits = &self.terms.limits;
        let usage = self.transfers.usage(user, self.now_us);
        if usage.open_transfers >= limits.open_transfers_per_user_max {
            return Err(Refusal::OpenTransfersLimitReached {
                limit: limits.open_transfers_per_user_max,
                used: usage.open_transfers,
            });
        }
        if self.transfers.image(user, image_id).is_some() {
            // It is sent again because what was kept of it is damaged, and its bytes are counted.
            return Ok(());
        }
        let requested_bytes = u64::from(manifest.image_bytes());
        let used_bytes = usage.stored_bytes();
        if used_bytes + requested_bytes > limits.stored_bytes_per_user_max {
            return Err(Refusal::StoredBytesLimitReached {
                limit_bytes: limits.stored_bytes_per_user_max,
                used_bytes,
                requested_bytes,
            });
        }
        Ok(())
    }

    fn transfer_made(&self, made: Made) -> Result<Reply, Refusal> {
        let Made::Transfer(owner) = made else {
            return Err(Refusal::RequestIdReused);
        };
        let transfer = self
            .transfers
            .get(owner)
            .ok_or(Refusal::NotFound { kind: "transfer" })?;
        Ok(Reply::Transfer(self.transfers.view(transfer)))
    }

    /// Which Devices the image is for, and which it is not: those do not sink the transfer unless they are all.
    fn sort_devices(
        &self,
        user: Eui64,
        manifest: &Manifest,
        devices: Vec<Eui64>,
    ) -> Result<(Vec<Eui64>, InvalidDevices), Refusal> {
        super::batches::refuse_list(&devices)?;
        let range = manifest.header().hardware_versions;
        let mut accepted = Vec::new();
        let mut lists = InvalidDevices::default();
        for device in devices {
            let list = match self.inventory.of_user(device, user) {
                None => &mut lists.invalid,
                Some(known) if !range.is_none_or(|it| fits(it, known.hardware_version)) => {
                    &mut lists.not_applicable_firmware
                }
                Some(_) => &mut accepted,
            };
            list.push(device);
        }
        match lists.not_applicable_firmware.first() {
            _ if !accepted.is_empty() => Ok((accepted, lists)),
            Some(first) => Err(Refusal::FirmwareNotApplicable {
                first: *first,
                count: lists.not_applicable_firmware.len(),
            }),
            None => Err(Refusal::NotPermitted),
        }
    }

    /// What would be opened; of an image that its User has stored, with the Response that would be the answer.
    fn preview(
        &self,
        asked: &OpenTransfer,
        device_count: usize,
        invalid: InvalidDevices,
    ) -> TransferView {
        let (user, manifest) = (asked.user, &asked.manifest);
        let block_count = manifest.block_count();
        let whole = self.transfers.whole_image(user, manifest.image_id());
        let ending = whole.map(|_| self.ending_of(user, manifest, &invalid));
        let (state, blocks_held) = match &ending {
            None => (TransferState::Receiving, 0),
            Some(Ok(_)) => (TransferState::Stored, block_count),
            Some(Err(_)) => (TransferState::Rejected, 0),
        };
        let every_block = ending.is_none().then(|| 0..=block_count - 1);
        let response = ending.map(|ending| {
            let (reason, message) = match ending {
                Ok(message) => (String::new(), message),
                Err(rejected) => rejected,
            };
            TransferResponse {
                at_us: self.now_us,
                reason,
                message,
            }
        });
        TransferView {
            user,
            number: None,
            state,
            manifest: Arc::clone(manifest),
            blocks_held,
            missing: every_block.into_iter().collect(),
            created_us: self.now_us,
            expire_us: self
                .now_us
                .saturating_add(self.terms.transfer.expire_after_us),
            warned_us: None,
            device_count,
            invalid: Arc::new(invalid),
            response,
            signed_request: asked.signed_request.clone(),
        }
    }

    fn opened_record(
        &self,
        asked: &OpenTransfer,
        digest: &[u8; 32],
        devices: &[Eui64],
        invalid: &InvalidDevices,
    ) -> TransferOpened {
        let parts = asked.manifest.parts();
        let expire_us = self
            .now_us
            .saturating_add(self.terms.transfer.expire_after_us);
        TransferOpened {
            user: asked.user.bits(),
            number: self.transfers.next_number(asked.user),
            request: requests::key(asked.id, digest),
            image_id: Bytes::copy_from_slice(parts.image_id.as_bytes()),
            image_bytes: parts.image_bytes,
            block_bytes: parts.block_bytes,
            manufacturer_image_hash: Bytes::copy_from_slice(
                parts.manufacturer_image_hash.as_bytes(),
            ),
            firmware_version: parts.firmware_version.get(),
            ota_header: parts.ota_header,
            devices: bits(devices),
            invalid: bits(&invalid.invalid),
            not_applicable_firmware: bits(&invalid.not_applicable_firmware),
            expire_us,
            warn_us: expire_us
                .saturating_sub(self.terms.transfer.warn_before_us)
                .max(self.now_us),
            signed_request: asked.signed_request.clone(),
            originator_counter: asked.originator_counter,
            period_start_us: None,
        }
    }

    pub(crate) fn block_held(&mut self, owner: u64, index: u32) {
        if self.transfers.hold(owner, index) {
            self.verify(owner);
        } else {
            // It may have been on its way when the transfer ended.
            self.free_unless_wanted(owner);
        }
        self.transfer_changed(owner);
    }

    /// Asks for the read-back of a complete image.
    pub(crate) fn verify(&mut self, owner: u64) {
        let Some(transfer) = self.transfers.get(owner) else {
            return;
        };
        if transfer.state() == TransferState::Verifying {
            let (user, manifest) = (transfer.user, Arc::clone(&transfer.manifest));
            self.out.push_effect(Effect::Verify {
                owner,
                user,
                manifest,
            });
        }
    }

    pub(crate) fn verified(&mut self, owner: u64, verdict: Verdict) {
        let waits = self.transfers.get(owner).map(|transfer| transfer.state());
        if waits != Some(TransferState::Verifying) {
            return;
        }
        match verdict {
            Verdict::Good => {
                self.store_or_reject(owner);
                self.end_all_alike(owner);
            }
            Verdict::Bad { reason, message } => self.reject(owner, reason, message),
            Verdict::Damaged { index } => self.block_damaged(owner, index),
            Verdict::Unread => {
                let again_us = self
                    .now_us
                    .saturating_add(self.terms.transfer.verify_again_us);
                self.deadlines
                    .set(again_us, Deadline::VerifyAgain { owner });
            }
        }
        self.transfer_changed(owner);
    }

    fn store(&mut self, owner: u64, message: String) {
        let kept_before = self.kept_by(owner);
        self.record(Change::TransferEnded(TransferEnded {
            owner,
            end: TransferEnd::Stored.into(),
            reason: String::new(),
            message,
            request: None,
            id: self.transfer_id(owner),
        }));
        if let Some(before) = kept_before.filter(|before| self.kept_by(owner) != Some(*before)) {
            self.free_unless_wanted(before);
            self.image_changed(owner);
        }
        // The same image may have been stored before, by whomever: those blocks are kept and these are not needed.
        self.free_unless_wanted(owner);
    }

    /// An image that a User has stored needs no more blocks, whatever other transfer still receives them. One that
    /// declares it otherwise could only be found wrong when it is complete.
    pub(crate) fn end_if_known(&mut self, owner: u64) {
        let Some(transfer) = self.transfers.get(owner) else {
            return;
        };
        let image_id = transfer.manifest.image_id();
        let known = self.transfers.whole_image(transfer.user, image_id);
        let is_known = known.is_some();
        if is_known && transfer.state() == TransferState::Receiving {
            self.store_or_reject(owner);
            self.transfer_changed(owner);
        }
    }

    /// Another User's transfer of the image ends only where that User has it, and sends it again because it was damaged.
    fn end_all_alike(&mut self, owner: u64) {
        let Some(transfer) = self.transfers.get(owner) else {
            return;
        };
        let image_id = transfer.manifest.image_id();
        let receiving = self.transfers.receiving();
        let alike: Vec<u64> = receiving
            .filter(|other| {
                let other = self.transfers.get(*other);
                other.is_some_and(|it| it.manifest.image_id() == image_id)
            })
            .collect();
        for other in alike {
            self.end_if_known(other);
        }
    }

    fn store_or_reject(&mut self, owner: u64) {
        let Some(transfer) = self.transfers.get(owner) else {
            return;
        };
        match self.ending_of(transfer.user, &transfer.manifest, &transfer.invalid) {
            Ok(message) => self.store(owner, message),
            Err((reason, message)) => self.reject(owner, reason, message),
        }
    }

    /// How a transfer ends of which every block is there: the message of its 11.1 Response where the image is stored for its
    /// Devices, else reason and message.
    fn ending_of(
        &self,
        user: Eui64,
        manifest: &Manifest,
        invalid: &InvalidDevices,
    ) -> Result<String, (String, String)> {
        let image = self.transfers.image(user, manifest.image_id());
        if let Some(field) = image.and_then(|image| image.differs_in(manifest)) {
            let message = format!(
                "the image of this image_id is stored, and its {field} is not as declared; \
                 open a transfer with the manifest of the stored image"
            );
            return Err(("IMAGE_DIGEST_MISMATCH".to_owned(), message));
        }
        if let Some(distrust) = self.distrust_of_image(manifest) {
            let message = format!("{distrust}; open a new transfer once the list says otherwise");
            return Err((distrust.reason().to_owned(), message));
        }
        Ok(match invalid.count() {
            0 => "the image is stored for every Device".to_owned(),
            count => format!("the image is stored; {count} Devices were not accepted"),
        })
    }

    fn reject(&mut self, owner: u64, reason: String, message: String) {
        self.record(Change::TransferEnded(TransferEnded {
            owner,
            end: TransferEnd::Rejected.into(),
            reason,
            message,
            request: None,
            id: self.transfer_id(owner),
        }));
        self.free_unless_wanted(owner);
    }

    pub(crate) fn cancel_transfer(&mut self, asked: Cancel) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        if let Some(made) = self.requests.find(asked.user, asked.id, &digest)? {
            return self.transfer_cancelled(made);
        }
        let (owner, transfer) = self
            .transfers
            .find(asked.user, asked.number)
            .ok_or(Refusal::NotFound { kind: "transfer" })?;
        let state = transfer.state();
        if state != TransferState::Receiving {
            return Err(Refusal::TransferNotReceiving { state });
        }
        if asked.validate_only {
            return self.transfer_cancelled(Made::Transfer(owner));
        }
        self.record(Change::TransferEnded(TransferEnded {
            owner,
            end: TransferEnd::Cancelled.into(),
            reason: "TRANSFER_CANCELLED".to_owned(),
            message: "the User cancelled the transfer".to_owned(),
            request: requests::key(asked.id, &digest),
            id: self.transfer_id(owner),
        }));
        self.free_unless_wanted(owner);
        self.transfer_changed(owner);
        self.transfer_cancelled(Made::Transfer(owner))
    }

    /// What the decision log calls a transfer.
    pub(crate) fn transfer_id(&self, owner: u64) -> Option<TransferId> {
        let transfer = self.transfers.get(owner)?;
        Some(TransferId {
            user: transfer.user.bits(),
            number: transfer.number,
        })
    }

    /// Whoever cancels it did not send its signed Service Request with that.
    fn transfer_cancelled(&self, made: Made) -> Result<Reply, Refusal> {
        let mut reply = self.transfer_made(made)?;
        if let Reply::Transfer(view) = &mut reply {
            view.signed_request = Bytes::new();
        }
        Ok(reply)
    }
}

fn fits(range: HardwareVersions, hardware_version: u16) -> bool {
    (range.min..=range.max).contains(&hardware_version)
}

pub(crate) fn refuse_signed_request(signed_request: &Bytes) -> Result<(), Refusal> {
    if signed_request.len() <= SIGNED_REQUEST_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::SignedRequestTooLarge {
        given_bytes: signed_request.len(),
        limit_bytes: SIGNED_REQUEST_BYTES_MAX,
    })
}

fn bits(devices: &[Eui64]) -> Vec<u64> {
    devices.iter().map(|device| device.bits()).collect()
}
