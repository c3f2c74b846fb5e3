//! What was understood, as a client would write it.

use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_engine::{
    ActOnSchedule, AttemptEnd, AttemptRef, DeviceEntry, Hello, OpenTransfer, Outcome, Report,
    Request, RequestId, ScheduleRequest, SubmitBatch,
};
use dco_proto::v1 as pb;
use dco_schedule::{Act, Covers};
use dco_server::Understood;
use pb::outcome::Result as PbResult;
use prost::Message;

/// The bytes of the message, for those that say all of what is asked.
pub(super) fn again(understood: &Understood) -> Option<Vec<u8>> {
    match understood {
        Understood::Ask(request) => match &**request {
            Request::OpenTransfer(it) => Some(open(it).encode_to_vec()),
            Request::SubmitBatch(it) if it.execute_us.is_none() => Some(submit(it).encode_to_vec()),
            Request::Schedules(ScheduleRequest::Act(it)) => requested(it),
            _ => None,
        },
        Understood::Hello(it) => Some(hello(it).encode_to_vec()),
        Understood::Report(attempt, it) => Some(report(attempt, it).encode_to_vec()),
        Understood::Device(it) => Some(device(it).encode_to_vec()),
    }
}

fn open(asked: &OpenTransfer) -> pb::OpenTransferRequest {
    let parts = asked.manifest.parts();
    pb::OpenTransferRequest {
        request_id: uuid(asked.id),
        validate_only: asked.validate_only,
        manifest: Some(pb::Manifest {
            image_id: parts.image_id.as_bytes().to_vec().into(),
            image_bytes: parts.image_bytes,
            block_bytes: parts.block_bytes,
            manufacturer_image_hash: parts.manufacturer_image_hash.as_bytes().to_vec().into(),
            firmware_version: parts.firmware_version.to_string(),
            ota_header: parts.ota_header,
        }),
        devices: texts(&asked.devices),
        signed_request: asked.signed_request.clone(),
        originator_counter: asked.originator_counter,
        ..Default::default()
    }
}

fn submit(asked: &SubmitBatch) -> pb::SubmitBatchRequest {
    pb::SubmitBatchRequest {
        request_id: uuid(asked.id),
        validate_only: asked.validate_only,
        manufacturer_image_hash: asked.manufacturer_image_hash.as_bytes().to_vec().into(),
        devices: texts(&asked.devices),
        service_date: asked
            .service_date
            .map_or_else(String::new, |it| it.to_string()),
        canary_device_count: asked.canary.map_or(0, NonZeroU32::get),
        signed_request: asked.signed_request.clone(),
        originator_counter: asked.originator_counter,
        ..Default::default()
    }
}

fn requested(asked: &ActOnSchedule) -> Option<Vec<u8>> {
    let Act::Request(request) = &asked.act else {
        return None;
    };
    let message = pb::RequestScheduleRequest {
        request_id: uuid(asked.id),
        validate_only: asked.validate_only,
        reason: asked.reason.to_string(),
        request: Some(pb::ScheduleRequest {
            manufacturer_image_hash: match request.covers {
                Covers::Image(hash) => hash.to_vec().into(),
                Covers::Portfolio => Default::default(),
            },
            device_count: request.devices.get(),
            earliest_date: request.earliest.to_string(),
            latest_date: request.latest.to_string(),
            per_day_max: request.per_day_max.get(),
        }),
        ..Default::default()
    };
    Some(message.encode_to_vec())
}

fn hello(hello: &Hello) -> pb::Hello {
    let outcomes = hello.outcomes.iter();
    pb::Hello {
        memory_id: hello.memory_id.clone(),
        attempts: hello.attempts.iter().map(attempt).collect(),
        outcomes: outcomes
            .map(|(attempt, end)| outcome(attempt, end))
            .collect(),
        concurrency: hello.concurrency,
    }
}

fn report(of: &AttemptRef, report: &Report) -> pb::ConnectRequest {
    use pb::connect_request::Kind;
    let attempt = Some(attempt(of));
    let kind = match report {
        Report::Accepted => Kind::Accept(pb::Accept { attempt }),
        Report::Declined { message } => Kind::Decline(pb::Decline {
            attempt,
            message: message.clone(),
        }),
        Report::Progress { blocks_done } => Kind::Progress(pb::Progress {
            attempt,
            blocks_done: *blocks_done,
        }),
        Report::Delivered => Kind::Delivered(pb::Delivered { attempt }),
        Report::Scheduled => Kind::Scheduled(pb::Scheduled { attempt }),
        Report::Ended(end) => Kind::Outcome(outcome(of, end)),
    };
    pb::ConnectRequest { kind: Some(kind) }
}

fn attempt(attempt: &AttemptRef) -> pb::AttemptRef {
    let it = &attempt.activation;
    let (user, batch, device) = (it.user, it.batch, it.device);
    pb::AttemptRef {
        activation: format!("users/{user}/batches/{batch}/activations/{device}"),
        attempt: attempt.attempt.into(),
    }
}

fn outcome(of: &AttemptRef, end: &AttemptEnd) -> pb::Outcome {
    let hash = end.device_image_hash.map(|it| it.as_bytes().to_vec());
    pb::Outcome {
        attempt: Some(attempt(of)),
        result: result(end.outcome).into(),
        nothing_sent: end.nothing_sent,
        running_version: end
            .running_version
            .map_or_else(String::new, |it| it.to_string()),
        device_image_hash: hash.unwrap_or_default().into(),
        message: end.message.clone(),
    }
}

fn result(outcome: Outcome) -> PbResult {
    match outcome {
        Outcome::Success => PbResult::Success,
        Outcome::AlreadyAtVersion => PbResult::AlreadyAtVersion,
        Outcome::NoImageHeld => PbResult::NoImageHeld,
        Outcome::HashMismatch => PbResult::HashMismatch,
        Outcome::ActivationFailure => PbResult::ActivationFailure,
        Outcome::FirmwareImageDiscarded => PbResult::FirmwareImageDiscarded,
        Outcome::HardwareVersionMismatch => PbResult::HardwareVersionMismatch,
        Outcome::FileTransferFailure => PbResult::FileTransferFailure,
        Outcome::NoAnswer => PbResult::NoAnswer,
        Outcome::DeviceNotReachable => PbResult::DeviceNotReachable,
        Outcome::Cancelled => PbResult::Cancelled,
        other => panic!("no gateway can say {other}"),
    }
}

fn device(entry: &DeviceEntry) -> pb::DeviceEntry {
    pb::DeviceEntry {
        device: entry.device.to_string(),
        user: entry.user.to_string(),
        gateway: entry.gateway.to_string(),
        manufacturer: entry.manufacturer.clone(),
        model: entry.model.clone(),
        hardware_version: format!("{:04x}", entry.hardware_version),
        firmware_version: entry.firmware_version.to_string(),
    }
}

fn texts(devices: &[Eui64]) -> Vec<String> {
    devices.iter().map(Eui64::to_string).collect()
}

fn uuid(id: RequestId) -> String {
    let digits: String = id.0.iter().map(|octet| format!("{octet:02x}")).collect();
    let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
    format!("{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
}
