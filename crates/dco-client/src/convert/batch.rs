//! SRV 11.3.

use bytes::Bytes;
use dco_block::Eui64;
use dco_proto::v1 as pb;

use super::{
    BadAnswer, all, device_texts, digest, digest_if_any, instant, meaning, parsed, parsed_if_any,
    required, timestamp, user_name,
};
use crate::types::{
    Activation, ActivationCounts, ActivationState, Batch, BatchChange, Canary, Explanation, Hold,
    Stage, SubmitBatch,
};

pub(crate) fn submit_batch(user: Eui64, submit: SubmitBatch) -> pb::SubmitBatchRequest {
    pb::SubmitBatchRequest {
        parent: user_name(user),
        request_id: submit.request_id.to_string(),
        validate_only: submit.validate_only,
        manufacturer_image_hash: Bytes::copy_from_slice(submit.manufacturer_image_hash.as_bytes()),
        devices: device_texts(&submit.devices),
        service_date: submit.service_date.unwrap_or_default(),
        signed_request: submit.signed_request,
        originator_counter: submit.originator_counter,
        execution_time: submit.execute_us.map(timestamp),
        canary_device_count: submit.canary,
    }
}

impl TryFrom<pb::Batch> for Batch {
    type Error = BadAnswer;

    fn try_from(wire: pb::Batch) -> Result<Self, BadAnswer> {
        Ok(Self {
            name: parsed_if_any("batch.name", &wire.name)?,
            manufacturer_image_hash: digest(
                "batch.manufacturer_image_hash",
                &wire.manufacturer_image_hash,
            )?,
            image_id: digest("batch.image_id", &wire.image_id)?,
            large: wire.large,
            service_date: wire.service_date,
            create_us: instant("batch.create_time", wire.create_time)?,
            trt_start_us: instant("batch.trt_start_time", wire.trt_start_time)?,
            due_us: instant("batch.due_time", wire.due_time)?,
            predicted_release_us: instant(
                "batch.predicted_release_time",
                wire.predicted_release_time,
            )?,
            predicted_completion_us: instant(
                "batch.predicted_completion_time",
                wire.predicted_completion_time,
            )?,
            counts: wire.counts.unwrap_or_default().into(),
            signed_request: wire.signed_request,
            canary: wire.canary.map(|it| Canary {
                device_count: it.device_count,
                succeeded: it.succeeded,
                failed: it.failed,
                passed: it.passed,
            }),
            execute_us: instant("batch.execution_time", wire.execution_time)?,
            may_have_image_count: wire.may_have_image_count,
        })
    }
}

impl From<pb::ActivationCounts> for ActivationCounts {
    fn from(wire: pb::ActivationCounts) -> Self {
        Self {
            parked: wire.parked,
            queued: wire.queued,
            released: wire.released,
            retry_wait: wire.retry_wait,
            succeeded: wire.succeeded,
            failed: wire.failed,
            cancelled: wire.cancelled,
        }
    }
}

impl TryFrom<pb::Activation> for Activation {
    type Error = BadAnswer;

    fn try_from(wire: pb::Activation) -> Result<Self, BadAnswer> {
        Ok(Self {
            name: parsed("activation.name", &wire.name)?,
            device: parsed("activation.device", &wire.device)?,
            state: meaning("activation.state", wire.state, activation_state)?,
            attempt: wire.attempt,
            stage: meaning("activation.stage", wire.stage, |wire| Some(stage(wire)))?,
            blocks_done: wire.blocks_done,
            outcome: (!wire.outcome.is_empty()).then_some(wire.outcome),
            release_us: instant("activation.release_time", wire.release_time)?,
            end_us: instant("activation.end_time", wire.end_time)?,
            retry_us: instant("activation.retry_time", wire.retry_time)?,
            running_version: parsed_if_any("activation.running_version", &wire.running_version)?,
            device_image_hash: digest_if_any(
                "activation.device_image_hash",
                &wire.device_image_hash,
            )?,
            message: wire.message,
            may_have_image: wire.may_have_image,
        })
    }
}

impl TryFrom<pb::Explanation> for Explanation {
    type Error = BadAnswer;

    fn try_from(wire: pb::Explanation) -> Result<Self, BadAnswer> {
        Ok(Self {
            activation: required("activation", wire.activation)?.try_into()?,
            holds: all(wire.holds)?,
            ahead_count: wire.ahead_count,
            in_security_lane: wire.in_security_lane,
            earliest_us: instant("explanation.earliest_time", wire.earliest_time)?,
            predicted_release_us: instant(
                "explanation.predicted_release_time",
                wire.predicted_release_time,
            )?,
            due_us: instant("explanation.due_time", wire.due_time)?,
            summary: wire.summary,
        })
    }
}

impl TryFrom<pb::Hold> for Hold {
    type Error = BadAnswer;

    fn try_from(wire: pb::Hold) -> Result<Self, BadAnswer> {
        Ok(Self {
            reason: wire.reason,
            message: wire.message,
            until_us: instant("hold.until_time", wire.until_time)?,
            remedy: wire.remedy,
        })
    }
}

impl TryFrom<pb::WatchBatchResponse> for BatchChange {
    type Error = BadAnswer;

    fn try_from(wire: pb::WatchBatchResponse) -> Result<Self, BadAnswer> {
        Ok(Self {
            position: wire.position,
            activations: all(wire.activations)?,
            batch: wire.batch.map(Batch::try_from).transpose()?,
        })
    }
}

fn activation_state(wire: pb::activation::State) -> Option<ActivationState> {
    use pb::activation::State;
    match wire {
        State::Unspecified => None,
        State::Parked => Some(ActivationState::Parked),
        State::Queued => Some(ActivationState::Queued),
        State::Released => Some(ActivationState::Released),
        State::RetryWait => Some(ActivationState::RetryWait),
        State::Succeeded => Some(ActivationState::Succeeded),
        State::Failed => Some(ActivationState::Failed),
        State::Cancelled => Some(ActivationState::Cancelled),
    }
}

fn stage(wire: pb::activation::Stage) -> Option<Stage> {
    use pb::activation::Stage as Wire;
    match wire {
        Wire::Unspecified => None,
        Wire::Offered => Some(Stage::Offered),
        Wire::Accepted => Some(Stage::Accepted),
        Wire::Transferring => Some(Stage::Transferring),
        Wire::Delivered => Some(Stage::Delivered),
        Wire::Scheduled => Some(Stage::Scheduled),
        Wire::Unknown => Some(Stage::Unknown),
    }
}
