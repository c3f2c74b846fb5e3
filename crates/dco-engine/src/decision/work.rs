//! Transfers, batches, attempts and images.

use dco_block::Eui64;

use super::agreed::date;
use super::{Decision, DecisionKind, hex};
use crate::outcome::Outcome;
use crate::record::{
    ActivationCancelled, ActivationId, AttemptEnded, AttemptScheduled, BatchAccepted,
    BatchCancelled, ImageQuarantined, ImageRetired, LateSuccess, Near, Released, TransferEnd,
    TransferEnded, TransferId, TransferOpened, TransferRef, Warned,
};

pub(super) fn transfer_opened(it: &TransferOpened) -> Decision {
    let refused = it.invalid.len() + it.not_applicable_firmware.len();
    Decision::new(DecisionKind::Admission, "transfer opened")
        .by(it.user)
        .on(transfer_name(it.user, it.number))
        .saying(format!(
            "image {} of {} bytes, version {:08X}, for {} Devices; {refused} not accepted",
            hex(&it.image_id),
            it.image_bytes,
            it.firmware_version,
            it.devices.len()
        ))
        .asked_by(it.request.as_ref())
}

pub(super) fn transfer_warned(it: &TransferRef) -> Decision {
    Decision::new(DecisionKind::Event, "User warned that its transfer expires")
        .on(transfer(it.id.as_ref(), it.owner))
}

pub(super) fn transfer_ended(it: &TransferEnded) -> Decision {
    let (kind, what) = match it.end() {
        TransferEnd::Stored => (DecisionKind::Admission, "image stored"),
        TransferEnd::Rejected => (DecisionKind::Refusal, "image rejected"),
        TransferEnd::Cancelled => (DecisionKind::Cancellation, "transfer cancelled"),
        TransferEnd::Expired => (DecisionKind::Cancellation, "transfer expired"),
        TransferEnd::Unspecified => (DecisionKind::Event, "transfer ended"),
    };
    let ended = Decision::new(kind, what)
        .on(transfer(it.id.as_ref(), it.owner))
        .saying(it.message.clone())
        .because(&it.reason)
        .asked_by(it.request.as_ref());
    match (it.end(), &it.id) {
        (TransferEnd::Cancelled, Some(id)) => ended.by(id.user),
        _ => ended,
    }
}

pub(super) fn batch_accepted(it: &BatchAccepted) -> Decision {
    let source = match it.schedule {
        Some(number) => format!("schedule {number}, {} a day", it.limit),
        None => format!("allowance, {} a day", it.limit),
    };
    Decision::new(DecisionKind::Admission, "batch accepted")
        .by(it.user)
        .on(batch_name(it.user, it.number))
        .saying(format!(
            "image {} for {} Devices on {}; {source}{}",
            hex(&it.image_id),
            it.devices.len(),
            date(it.service_date),
            if it.security {
                "; security priority"
            } else {
                ""
            }
        ))
        .asked_by(it.request.as_ref())
}

pub(super) fn batch_cancelled(it: &BatchCancelled) -> Decision {
    Decision::new(DecisionKind::Cancellation, "batch cancelled")
        .by(it.user)
        .on(batch_name(it.user, it.number))
        .saying(format!("{} given back", it.given_back))
        .asked_by(it.request.as_ref())
}

pub(super) fn released(it: &Released) -> Decision {
    let charged = it
        .charged_date
        .map_or_else(String::new, |day| format!(", a unit of {}", date(day)));
    let line = match it.security {
        true => ", through the security lane",
        false => "",
    };
    Decision::new(DecisionKind::Release, "attempt released")
        .on(activation(it.id.as_ref(), it.activation))
        .saying(format!(
            "attempt {} to gateway {}{charged}{line}",
            it.attempt,
            Eui64::from_bits(it.gateway)
        ))
}

pub(super) fn attempt_ended(it: &AttemptEnded) -> Decision {
    let outcome = outcome(it.outcome);
    let refunded = it.refunded_date.map_or_else(String::new, |day| {
        format!(", the unit of {} given back", date(day))
    });
    let next = match it.retry_us {
        Some(_) => ", another attempt follows",
        None => "",
    };
    Decision::new(DecisionKind::Outcome, "attempt ended")
        .on(activation(it.id.as_ref(), it.activation))
        .saying(format!("attempt {}: {outcome}{refunded}{next}", it.attempt))
        .because(&it.message)
}

pub(super) fn attempt_scheduled(it: &AttemptScheduled) -> Decision {
    Decision::new(DecisionKind::Event, "Device waits for its execution time")
        .on(activation(it.id.as_ref(), it.activation))
        .saying(format!("attempt {}", it.attempt))
}

pub(super) fn late_success(it: &LateSuccess) -> Decision {
    Decision::new(DecisionKind::Outcome, "attempt succeeded after all")
        .on(activation(it.id.as_ref(), it.activation))
        .saying(format!("attempt {}: {}", it.attempt, outcome(it.outcome)))
        .because(&it.message)
}

fn outcome(number: u32) -> String {
    Outcome::from_number(number).map_or_else(|| number.to_string(), |it| it.to_string())
}

pub(super) fn warned(it: Warned) -> Decision {
    let (what, subject) = match it.near() {
        Near::Trt => ("end of the TRT is near", batch_name(it.user, it.batch)),
        Near::OpenTransfers => ("limit on open transfers is near", user_name(it.user)),
        Near::StoredBytes => ("limit on stored bytes is near", user_name(it.user)),
        Near::Capacity => (
            "capacity of the day is near",
            format!("serviceDays/{}", date(it.date)),
        ),
        Near::Unspecified => ("warned", String::new()),
    };
    let text = match it.near() {
        Near::Trt => format!("{} activations have not ended", it.used),
        _ => format!("{} of {} used", it.used, it.limit),
    };
    Decision::new(DecisionKind::Event, what)
        .on(subject)
        .saying(text)
}

fn user_name(user: u64) -> String {
    format!("users/{}", Eui64::from_bits(user))
}

pub(super) fn activation_cancelled(it: &ActivationCancelled) -> Decision {
    Decision::new(DecisionKind::Cancellation, "activation cancelled")
        .on(activation(it.id.as_ref(), it.activation))
        .because(&it.reason)
}

pub(super) fn image_retired(it: &ImageRetired) -> Decision {
    Decision::new(DecisionKind::Event, "image retired")
        .on(format!("users/{}", Eui64::from_bits(it.user)))
        .saying(format!("image {} was not used for long", hex(&it.image_id)))
}

pub(super) fn image_quarantined(it: &ImageQuarantined) -> Decision {
    Decision::new(DecisionKind::Event, "image quarantined").saying(format!(
        "block {} of image {} is damaged",
        it.index,
        hex(&it.image_id)
    ))
}

fn transfer(id: Option<&TransferId>, owner: u64) -> String {
    match id {
        Some(id) => transfer_name(id.user, id.number),
        None => format!("the transfer of record {owner}"),
    }
}

fn activation(id: Option<&ActivationId>, activation: u32) -> String {
    match id {
        Some(id) => format!(
            "{}/activations/{}",
            batch_name(id.user, id.batch),
            Eui64::from_bits(id.device)
        ),
        None => format!("activation {activation}"),
    }
}

fn transfer_name(user: u64, number: u64) -> String {
    format!("users/{}/transfers/{number}", Eui64::from_bits(user))
}

pub(super) fn batch_name(user: u64, number: u64) -> String {
    format!("users/{}/batches/{number}", Eui64::from_bits(user))
}
