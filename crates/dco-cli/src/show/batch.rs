//! A batch and its activations: SRV 11.3.

use dco_client::{Activation, ActivationCounts, Batch, Canary};
use serde_json::{Value, json};

use super::{text, time};
use crate::table::{grouped, properties, table};
use crate::when;

pub(crate) fn batch_json(batch: &Batch) -> Value {
    let counts = &batch.counts;
    json!({
        "name": text(batch.name),
        "manufacturer_image_hash": batch.manufacturer_image_hash.to_string(),
        "image_id": batch.image_id.to_string(),
        "large": batch.large,
        "service_date": batch.service_date,
        "create_time": time(batch.create_us),
        "trt_start_time": time(batch.trt_start_us),
        "due_time": time(batch.due_us),
        "predicted_release_time": time(batch.predicted_release_us),
        "predicted_completion_time": time(batch.predicted_completion_us),
        "execution_time": time(batch.execute_us),
        "may_have_image_count": batch.may_have_image_count,
        "settled": batch.is_settled(),
        "counts": {
            "parked": counts.parked,
            "queued": counts.queued,
            "released": counts.released,
            "retry_wait": counts.retry_wait,
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "cancelled": counts.cancelled,
        },
        "signed_request_bytes": batch.signed_request.len(),
        "canary": batch.canary.map(|canary| json!({
            "device_count": canary.device_count,
            "succeeded": canary.succeeded,
            "failed": canary.failed,
            "passed": canary.passed,
        })),
    })
}

pub(crate) fn batch_text(batch: &Batch) -> String {
    let image = if batch.large {
        "large image"
    } else {
        "image that is not large"
    };
    let mut rows = vec![
        ("batch", name(batch)),
        (
            "image",
            format!("{} ({image})", batch.manufacturer_image_hash),
        ),
        ("sent for", batch.service_date.clone()),
        ("Devices", grouped(batch.counts.total())),
        ("now", states(&batch.counts)),
        ("accepted", when::local_or(batch.create_us, "-")),
        ("TRT starts", when::local_or(batch.trt_start_us, "-")),
        ("TRT ends", when::local_or(batch.due_us, "-")),
        ("last release", predicted(batch, batch.predicted_release_us)),
        (
            "completion",
            predicted(batch, batch.predicted_completion_us),
        ),
    ];
    let canary = batch.canary.map(|it| canary(it, &batch.counts));
    rows.extend(canary.map(|it| ("canary", it)));
    let activates = batch.execute_us.map(when::local);
    rows.extend(activates.map(|at| ("Devices activate", at)));
    if batch.may_have_image_count > 0 {
        let count = grouped(batch.may_have_image_count);
        rows.push(("may have the image", format!("{count} Devices")));
    }
    properties(&rows)
}

fn canary(canary: Canary, counts: &ActivationCounts) -> String {
    let Canary {
        device_count,
        succeeded,
        failed,
        passed,
    } = canary;
    let waits = counts.parked + counts.queued + counts.retry_wait > 0;
    let then = match (passed, failed) {
        _ if !waits => "nothing of the batch waits for them",
        (true, _) => "the rest goes on",
        (false, 0) => "the rest waits for them",
        (false, _) => "the rest is paused",
    };
    format!(
        "{succeeded} of the first {device_count} Devices succeeded, {failed} were given up; {then}"
    )
}

pub(crate) fn batches_text(batches: &[Batch]) -> String {
    if batches.is_empty() {
        return "no batches".to_owned();
    }
    let head = [
        "BATCH",
        "SENT FOR",
        ">DEVICES",
        ">OPEN",
        ">SUCCEEDED",
        ">FAILED",
        ">CANCELLED",
        "LAST RELEASE",
        "DONE",
        "TRT ENDS",
    ];
    table(
        &head,
        batches.iter().map(|batch| {
            vec![
                name(batch),
                batch.service_date.clone(),
                grouped(batch.counts.total()),
                grouped(batch.counts.open()),
                grouped(batch.counts.succeeded),
                grouped(batch.counts.failed),
                grouped(batch.counts.cancelled),
                predicted(batch, batch.predicted_release_us),
                predicted(batch, batch.predicted_completion_us),
                when::local_or(batch.due_us, "-"),
            ]
        }),
    )
}

/// One line while a batch is watched.
pub(crate) fn batch_progress(batch: &Batch) -> String {
    format!("{}: {}", name(batch), states(&batch.counts))
}

pub(crate) fn activation_json(activation: &Activation) -> Value {
    json!({
        "name": activation.name.to_string(),
        "device": activation.device.to_string(),
        "state": activation.state.to_string(),
        "attempt": activation.attempt,
        "stage": text(activation.stage),
        "blocks_done": activation.blocks_done,
        "outcome": activation.outcome,
        "release_time": time(activation.release_us),
        "end_time": time(activation.end_us),
        "retry_time": time(activation.retry_us),
        "running_version": text(activation.running_version),
        "device_image_hash": text(activation.device_image_hash),
        "message": activation.message,
        "may_have_image": activation.may_have_image,
    })
}

fn name(batch: &Batch) -> String {
    batch
        .name
        .map_or_else(|| "(validated only)".to_owned(), |name| name.to_string())
}

fn predicted(batch: &Batch, at_us: Option<dco_schedule::Micros>) -> String {
    let none = if batch.is_settled() {
        "done"
    } else {
        "not known"
    };
    at_us.map_or_else(
        || none.to_owned(),
        |at_us| format!("predicted {}", when::local(at_us)),
    )
}

/// The states that have any, in their order.
fn states(counts: &ActivationCounts) -> String {
    let states = [
        (counts.parked, "parked"),
        (counts.queued, "queued"),
        (counts.released, "released"),
        (counts.retry_wait, "waiting to retry"),
        (counts.succeeded, "succeeded"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
    ];
    let some = states.iter().filter(|(count, _)| *count > 0);
    let some: Vec<_> = some
        .map(|(count, state)| format!("{} {state}", grouped(*count)))
        .collect();
    some.join(", ")
}

pub(crate) fn activations_text(activations: &[Activation]) -> String {
    let head = [
        "DEVICE",
        "STATE",
        ">ATTEMPT",
        "OUTCOME",
        "STAGE",
        "RUNS",
        "MAY HAVE IT",
        "ENDED",
        "MESSAGE",
    ];
    table(
        &head,
        activations.iter().map(|activation| {
            let known = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            vec![
                activation.device.to_string(),
                activation.state.to_string(),
                activation.attempt.to_string(),
                known(activation.outcome.clone()),
                known(activation.stage.map(|stage| stage.to_string())),
                known(
                    activation
                        .running_version
                        .map(|version| version.to_string()),
                ),
                if activation.may_have_image {
                    "yes"
                } else {
                    "no"
                }
                .to_owned(),
                when::local_or(activation.end_us, "-"),
                known(Some(activation.message.clone()).filter(|it| !it.is_empty())),
            ]
        }),
    )
}
