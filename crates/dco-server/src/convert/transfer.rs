//! SRV 11.1.

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, ImageId, Manifest, ManifestParts, RawBlock};
use dco_engine::{
    Cancel, InvalidDevices, OpenTransfer, TransferResponse, TransferState, TransferView,
};
use dco_proto::v1 as pb;
use pb::transfer::State;

use super::{
    devices, firmware_version, instant, manufacturer_image_hash, name, ranges, request_id, texts,
};
use crate::status::Fault;

/// The request of a User, checked but for what only the engine knows.
pub(crate) fn open(user: Eui64, request: pb::OpenTransferRequest) -> Result<OpenTransfer, Fault> {
    Ok(OpenTransfer {
        user,
        id: request_id(&request.request_id)?,
        validate_only: request.validate_only,
        manifest: Arc::new(read_manifest(request.manifest)?),
        devices: devices(&request.devices)?,
        signed_request: request.signed_request,
        originator_counter: request.originator_counter,
    })
}

/// A manifest, checked against the limits and its own header.
pub(crate) fn read_manifest(manifest: Option<pb::Manifest>) -> Result<Manifest, Fault> {
    let manifest = manifest
        .ok_or_else(|| Fault::argument("MANIFEST_INVALID", "manifest", "manifest is missing"))?;
    let image_id = ImageId::try_from(manifest.image_id.as_ref())
        .map_err(|error| Fault::argument("DIGEST_INVALID", "manifest.image_id", error))?;
    Manifest::new(ManifestParts {
        image_id,
        image_bytes: manifest.image_bytes,
        block_bytes: manifest.block_bytes,
        manufacturer_image_hash: manufacturer_image_hash(
            &manifest.manufacturer_image_hash,
            "manifest.manufacturer_image_hash",
        )?,
        firmware_version: firmware_version(
            &manifest.firmware_version,
            "manifest.firmware_version",
        )?,
        ota_header: manifest.ota_header,
    })
    .map_err(|reject| Fault::manifest(&reject))
}

/// A request to give something up.
pub(crate) fn cancel(
    user: Eui64,
    number: u64,
    id: &str,
    validate_only: bool,
) -> Result<Cancel, Fault> {
    Ok(Cancel {
        user,
        number,
        id: request_id(id)?,
        validate_only,
    })
}

/// A manifest as it goes out.
pub(crate) fn manifest(manifest: &Manifest) -> pb::Manifest {
    let parts = manifest.parts();
    pb::Manifest {
        image_id: parts.image_id.as_bytes().to_vec().into(),
        image_bytes: parts.image_bytes,
        block_bytes: parts.block_bytes,
        manufacturer_image_hash: parts.manufacturer_image_hash.as_bytes().to_vec().into(),
        firmware_version: parts.firmware_version.to_string(),
        ota_header: parts.ota_header,
    }
}

/// A block as it came in; nothing about it is checked.
pub(crate) fn raw_block(block: pb::Block) -> RawBlock {
    RawBlock {
        index: block.index,
        crc32: block.crc32,
        data: block.data,
    }
}

/// A block that was not stored, as the sender is told.
pub(crate) fn block_refusal(index: u32, fault: &Fault) -> pb::BlockRefusal {
    pb::BlockRefusal {
        index,
        code: fault.code_number(),
        reason: fault.reason().to_owned(),
        message: fault.message().to_owned(),
        metadata: fault
            .metadata()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// A transfer that was opened or asked for by itself: with all that is known of it.
pub(crate) fn whole(view: &TransferView) -> pb::Transfer {
    pb::Transfer {
        signed_request: view.signed_request.clone(),
        ..transfer(view)
    }
}

/// A transfer with the lists of Devices that were not accepted.
pub(crate) fn transfer(view: &TransferView) -> pb::Transfer {
    let invalid = invalid_devices(&view.invalid);
    let mut transfer = without_lists(view);
    if let Some(response) = &mut transfer.response {
        response.invalid_devices = Some(invalid.clone());
    }
    transfer.invalid_devices = Some(invalid);
    transfer
}

/// A transfer in a list: without what can be long.
pub(crate) fn listed(view: &TransferView) -> pb::Transfer {
    pb::Transfer {
        missing: Vec::new(),
        ..without_lists(view)
    }
}

/// A transfer for those who know the lists of Devices already: they can be long, and never change.
pub(crate) fn without_lists(view: &TransferView) -> pb::Transfer {
    let given = view.response.as_ref();
    pb::Transfer {
        name: name::transfer(view.user, view.number),
        state: state(view.state).into(),
        manifest: Some(manifest(&view.manifest)),
        block_count: view.manifest.block_count(),
        blocks_held: view.blocks_held,
        missing: ranges(view.missing.iter().cloned()),
        create_time: Some(instant(view.created_us)),
        expire_time: Some(instant(view.expire_us)),
        warn_time: view.warned_us.map(instant),
        device_count: u32::try_from(view.device_count).unwrap_or(u32::MAX),
        response: given.map(|given| response(given, view.invalid.is_empty())),
        invalid_devices: None,
        signed_request: Bytes::new(),
    }
}

fn response(given: &TransferResponse, for_all: bool) -> pb::UpdateFirmwareResponse {
    let stored = given.reason.is_empty();
    let response_code = match (stored, for_all) {
        (true, true) => "I99",
        (true, false) => "W110101",
        (false, _) => "",
    };
    pb::UpdateFirmwareResponse {
        response_code: response_code.to_owned(),
        reason: given.reason.clone(),
        message: given.message.clone(),
        response_time: Some(instant(given.at_us)),
        invalid_devices: None,
    }
}

fn invalid_devices(invalid: &InvalidDevices) -> pb::InvalidDevices {
    pb::InvalidDevices {
        invalid: texts(&invalid.invalid),
        not_commissioned: Vec::new(),
        not_applicable_firmware: texts(&invalid.not_applicable_firmware),
        other_request_in_progress: Vec::new(),
        invalid_gbcs_version: Vec::new(),
    }
}

fn state(state: TransferState) -> State {
    match state {
        TransferState::Receiving => State::Receiving,
        TransferState::Verifying => State::Verifying,
        TransferState::Stored => State::Stored,
        TransferState::Rejected => State::Rejected,
        TransferState::Cancelled => State::Cancelled,
        TransferState::Expired => State::Expired,
        TransferState::Retired => State::Retired,
        TransferState::Quarantined => State::Quarantined,
    }
}
