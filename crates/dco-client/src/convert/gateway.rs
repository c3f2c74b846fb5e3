//! Southbound: attempts, offers, outcomes.

use bytes::Bytes;
use dco_block::FirmwareVersion;
use dco_proto::v1 as pb;
use pb::connect_request::Kind as Out;
use pb::connect_response::Kind as In;

use super::{BadAnswer, instant, manifest, parsed, required};
use crate::types::{
    AttemptOutcome, AttemptRef, AttemptResult, DcoMessage, GatewayMessage, Hello, Offer,
};

pub(crate) fn hello(hello: Hello) -> pb::ConnectRequest {
    request(Out::Hello(pb::Hello {
        memory_id: hello.memory_id,
        attempts: hello.attempts.into_iter().map(Into::into).collect(),
        outcomes: hello.outcomes.into_iter().map(Into::into).collect(),
        concurrency: hello.concurrency,
    }))
}

pub(crate) fn gateway_message(message: GatewayMessage) -> pb::ConnectRequest {
    request(match message {
        GatewayMessage::Accept(attempt) => Out::Accept(pb::Accept {
            attempt: Some(attempt.into()),
        }),
        GatewayMessage::Decline { attempt, message } => Out::Decline(pb::Decline {
            attempt: Some(attempt.into()),
            message,
        }),
        GatewayMessage::Progress {
            attempt,
            blocks_done,
        } => Out::Progress(pb::Progress {
            attempt: Some(attempt.into()),
            blocks_done,
        }),
        GatewayMessage::Delivered(attempt) => Out::Delivered(pb::Delivered {
            attempt: Some(attempt.into()),
        }),
        GatewayMessage::Scheduled(attempt) => Out::Scheduled(pb::Scheduled {
            attempt: Some(attempt.into()),
        }),
        GatewayMessage::Outcome(outcome) => Out::Outcome(outcome.into()),
    })
}

/// `None` for a kind of message that is newer than this client: it may be left unread.
pub(crate) fn dco_message(wire: pb::ConnectResponse) -> Result<Option<DcoMessage>, BadAnswer> {
    let Some(kind) = wire.kind else {
        return Ok(None);
    };
    Ok(Some(match kind {
        In::Welcome(welcome) => DcoMessage::Welcome {
            now_us: required("welcome.now", instant("welcome.now", welcome.now)?)?,
        },
        In::Offer(offer) => DcoMessage::Offer(Box::new(offer.try_into()?)),
        In::Noted(attempt) => DcoMessage::Noted(attempt.try_into()?),
        In::Cancel(attempt) => DcoMessage::Cancel(attempt.try_into()?),
        In::Withdrawn(attempt) => DcoMessage::Withdrawn(attempt.try_into()?),
    }))
}

fn request(kind: Out) -> pb::ConnectRequest {
    pb::ConnectRequest { kind: Some(kind) }
}

impl From<AttemptRef> for pb::AttemptRef {
    fn from(attempt: AttemptRef) -> Self {
        Self {
            activation: attempt.activation.to_string(),
            attempt: attempt.attempt,
        }
    }
}

impl TryFrom<pb::AttemptRef> for AttemptRef {
    type Error = BadAnswer;

    fn try_from(wire: pb::AttemptRef) -> Result<Self, BadAnswer> {
        Ok(Self {
            activation: parsed("attempt.activation", &wire.activation)?,
            attempt: wire.attempt,
        })
    }
}

impl TryFrom<pb::Offer> for Offer {
    type Error = BadAnswer;

    fn try_from(wire: pb::Offer) -> Result<Self, BadAnswer> {
        let answer_by = instant("offer.answer_by_time", wire.answer_by_time)?;
        Ok(Self {
            attempt: required("offer.attempt", wire.attempt)?.try_into()?,
            device: parsed("offer.device", &wire.device)?,
            manifest: manifest(wire.manifest)?,
            answer_by_us: required("offer.answer_by_time", answer_by)?,
            read_version_first: wire.read_version_first,
            execute_us: instant("offer.execution_time", wire.execution_time)?,
        })
    }
}

impl From<AttemptOutcome> for pb::Outcome {
    fn from(outcome: AttemptOutcome) -> Self {
        let hash = outcome.device_image_hash;
        Self {
            attempt: Some(outcome.attempt.into()),
            result: wire_result(outcome.result).into(),
            nothing_sent: outcome.nothing_sent,
            running_version: outcome
                .running_version
                .as_ref()
                .map_or_else(String::new, FirmwareVersion::to_string),
            device_image_hash: hash
                .map_or_else(Bytes::new, |hash| Bytes::copy_from_slice(hash.as_bytes())),
            message: outcome.message,
        }
    }
}

fn wire_result(result: AttemptResult) -> pb::outcome::Result {
    use pb::outcome::Result as Wire;
    match result {
        AttemptResult::Success => Wire::Success,
        AttemptResult::AlreadyAtVersion => Wire::AlreadyAtVersion,
        AttemptResult::NoImageHeld => Wire::NoImageHeld,
        AttemptResult::HashMismatch => Wire::HashMismatch,
        AttemptResult::ActivationFailure => Wire::ActivationFailure,
        AttemptResult::FirmwareImageDiscarded => Wire::FirmwareImageDiscarded,
        AttemptResult::HardwareVersionMismatch => Wire::HardwareVersionMismatch,
        AttemptResult::FileTransferFailure => Wire::FileTransferFailure,
        AttemptResult::NoAnswer => Wire::NoAnswer,
        AttemptResult::Cancelled => Wire::Cancelled,
        AttemptResult::DeviceNotReachable => Wire::DeviceNotReachable,
    }
}
