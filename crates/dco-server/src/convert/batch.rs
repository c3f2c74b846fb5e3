//! SRV 11.3.

use std::num::NonZeroU32;

use bytes::Bytes;
use dco_block::Eui64;
use dco_engine::{ActivationCounts, BatchView, CanaryView, Changes, SubmitBatch};
use dco_proto::v1 as pb;

use super::{
    activation, devices, instant, manufacturer_image_hash, name, optional_instant, request_id,
    service_date,
};
use crate::status::Fault;

/// The request of a User, checked but for what only the engine knows.
pub(crate) fn submit(user: Eui64, request: pb::SubmitBatchRequest) -> Result<SubmitBatch, Fault> {
    Ok(SubmitBatch {
        user,
        id: request_id(&request.request_id)?,
        validate_only: request.validate_only,
        manufacturer_image_hash: manufacturer_image_hash(
            &request.manufacturer_image_hash,
            "manufacturer_image_hash",
        )?,
        devices: devices(&request.devices)?,
        canary: NonZeroU32::new(request.canary_device_count),
        service_date: service_date(&request.service_date, "service_date")?,
        signed_request: request.signed_request,
        originator_counter: request.originator_counter,
        execute_us: optional_instant(request.execution_time, "execution_time")?,
    })
}

/// A batch that was submitted or asked for by itself: with all that is known of it.
pub(crate) fn whole(view: &BatchView) -> pb::Batch {
    pb::Batch {
        signed_request: view.signed_request.clone(),
        ..batch(view)
    }
}

/// A batch as it goes out: without what can be long.
pub(crate) fn batch(view: &BatchView) -> pb::Batch {
    let hash = view.manufacturer_image_hash.as_bytes();
    pb::Batch {
        name: name::batch(view.user, view.number),
        manufacturer_image_hash: hash.to_vec().into(),
        image_id: view.image_id.as_bytes().to_vec().into(),
        large: view.large,
        service_date: view.service_date.to_string(),
        create_time: Some(instant(view.created_us)),
        trt_start_time: Some(instant(view.trt_start_us)),
        due_time: Some(instant(view.due_us)),
        predicted_release_time: view.predicted.map(|at| instant(at.release_us)),
        predicted_completion_time: view.predicted.map(|at| instant(at.completion_us)),
        counts: Some(counts(&view.counts)),
        signed_request: Bytes::new(),
        canary: view.canary.map(canary),
        execution_time: view.execute_us.map(instant),
        may_have_image_count: view.may_have_image_count,
    }
}

fn canary(view: CanaryView) -> pb::Canary {
    pb::Canary {
        device_count: view.wanted,
        succeeded: view.succeeded,
        failed: view.failed,
        passed: view.passed,
    }
}

/// What has changed in a batch, as it goes out.
pub(crate) fn changes(changes: &Changes) -> pb::WatchBatchResponse {
    pb::WatchBatchResponse {
        position: changes.position,
        activations: changes
            .activations
            .iter()
            .map(activation::activation)
            .collect(),
        batch: Some(batch(&changes.batch)),
    }
}

fn counts(counts: &ActivationCounts) -> pb::ActivationCounts {
    pb::ActivationCounts {
        parked: counts.parked,
        queued: counts.queued,
        released: counts.released,
        retry_wait: counts.retry_wait,
        succeeded: counts.succeeded,
        failed: counts.failed,
        cancelled: counts.cancelled,
    }
}
