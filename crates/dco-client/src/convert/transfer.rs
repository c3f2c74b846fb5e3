//! SRV 11.1.

use dco_proto::v1 as pb;

use super::{
    BadAnswer, device_texts, eui64s, instant, manifest, manifest_to_wire, meaning, parsed_if_any,
    range, user_name,
};
use crate::types::{
    BlockRefusal, InvalidDevices, OpenTransfer, Transfer, TransferState, UpdateFirmwareResponse,
};
use dco_block::Eui64;

pub(crate) fn open_transfer(user: Eui64, open: OpenTransfer) -> pb::OpenTransferRequest {
    pb::OpenTransferRequest {
        parent: user_name(user),
        request_id: open.request_id.to_string(),
        validate_only: open.validate_only,
        manifest: Some(manifest_to_wire(&open.manifest)),
        devices: device_texts(&open.devices),
        signed_request: open.signed_request,
        originator_counter: open.originator_counter,
    }
}

impl TryFrom<pb::Transfer> for Transfer {
    type Error = BadAnswer;

    fn try_from(wire: pb::Transfer) -> Result<Self, BadAnswer> {
        Ok(Self {
            name: parsed_if_any("transfer.name", &wire.name)?,
            state: meaning("transfer.state", wire.state, transfer_state)?,
            manifest: manifest(wire.manifest)?,
            block_count: wire.block_count,
            blocks_held: wire.blocks_held,
            missing: wire
                .missing
                .into_iter()
                .map(range)
                .collect::<Result<_, _>>()?,
            create_us: instant("transfer.create_time", wire.create_time)?,
            expire_us: instant("transfer.expire_time", wire.expire_time)?,
            warn_us: instant("transfer.warn_time", wire.warn_time)?,
            device_count: wire.device_count,
            response: wire
                .response
                .map(UpdateFirmwareResponse::try_from)
                .transpose()?,
            invalid_devices: wire.invalid_devices.unwrap_or_default().try_into()?,
            signed_request: wire.signed_request,
        })
    }
}

impl TryFrom<pb::UpdateFirmwareResponse> for UpdateFirmwareResponse {
    type Error = BadAnswer;

    fn try_from(wire: pb::UpdateFirmwareResponse) -> Result<Self, BadAnswer> {
        Ok(Self {
            response_code: wire.response_code,
            reason: wire.reason,
            message: wire.message,
            response_us: instant("response.response_time", wire.response_time)?,
            invalid_devices: wire.invalid_devices.unwrap_or_default().try_into()?,
        })
    }
}

impl TryFrom<pb::InvalidDevices> for InvalidDevices {
    type Error = BadAnswer;

    fn try_from(wire: pb::InvalidDevices) -> Result<Self, BadAnswer> {
        Ok(Self {
            invalid: eui64s("invalid", &wire.invalid)?,
            not_commissioned: eui64s("not_commissioned", &wire.not_commissioned)?,
            not_applicable_firmware: eui64s(
                "not_applicable_firmware",
                &wire.not_applicable_firmware,
            )?,
            other_request_in_progress: eui64s(
                "other_request_in_progress",
                &wire.other_request_in_progress,
            )?,
            invalid_gbcs_version: eui64s("invalid_gbcs_version", &wire.invalid_gbcs_version)?,
        })
    }
}

impl From<pb::BlockRefusal> for BlockRefusal {
    fn from(wire: pb::BlockRefusal) -> Self {
        Self {
            index: wire.index,
            code: wire.code,
            reason: wire.reason,
            message: wire.message,
            metadata: wire.metadata,
        }
    }
}

fn transfer_state(wire: pb::transfer::State) -> Option<TransferState> {
    use pb::transfer::State;
    match wire {
        State::Unspecified => None,
        State::Receiving => Some(TransferState::Receiving),
        State::Verifying => Some(TransferState::Verifying),
        State::Stored => Some(TransferState::Stored),
        State::Rejected => Some(TransferState::Rejected),
        State::Cancelled => Some(TransferState::Cancelled),
        State::Expired => Some(TransferState::Expired),
        State::Retired => Some(TransferState::Retired),
        State::Quarantined => Some(TransferState::Quarantined),
    }
}
