//! The engine's refusals.

use dco_block::Eui64;
use dco_engine::{Refusal, Scope, TransferResponse, TransferState};
use tonic::Code;

use super::{Detail, Fault, schedules, span, trust};
use crate::convert::instant;
use crate::convert::schedules::name;

/// What a refusal is about, besides itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Concern<'a> {
    /// Whose resources the request was about.
    pub user: Eui64,
    /// The transfer that the request named, if it named one.
    pub transfer: Option<u64>,
    /// Where a delivery schedule is agreed.
    pub service_desk_url: &'a str,
}

/// What a caller is told of a refusal.
pub(crate) fn fault_of(refusal: &Refusal, concern: Concern<'_>) -> Fault {
    match refusal {
        // The same as for a name of somebody else, to the byte: what exists there is not said.
        Refusal::ImageNotOnOffer => Fault::caller_not_permitted(),
        Refusal::NotPermitted => Fault::device_not_permitted(),
        Refusal::NotFound { kind } => {
            let reason = if *kind == "image" {
                "IMAGE_NOT_FOUND"
            } else {
                "RESOURCE_NOT_FOUND"
            };
            Fault::new(Code::NotFound, reason, refusal)
        }
        Refusal::ImageRetired { transfer } => {
            let transfer = format!("users/{}/transfers/{transfer}", concern.user);
            Fault::new(Code::NotFound, "IMAGE_NOT_FOUND", refusal).with("transfer", transfer)
        }
        Refusal::ImageNotAllowed(_)
        | Refusal::NotAllowed { .. }
        | Refusal::ProductsEmpty
        | Refusal::TooManyProducts { .. }
        | Refusal::ProductInvalid { .. }
        | Refusal::ThresholdExceeded { .. }
        | Refusal::OriginatorCounterReplayed { .. }
        | Refusal::OriginatorCounterLeaps { .. } => trust::fault_of(refusal, concern),
        Refusal::ImageDamaged { index } => Fault::stored_block_corrupt(*index),
        Refusal::StoreFull { retry_in_us } => Fault::store_full(refusal, span(*retry_in_us)),
        Refusal::RequestIdReused
        | Refusal::BatchEmpty
        | Refusal::DeviceDuplicate { .. }
        | Refusal::TooManyDevices { .. }
        | Refusal::TooManyModels { .. }
        | Refusal::SignedRequestTooLarge { .. }
        | Refusal::ManifestDiffers { .. }
        | Refusal::ServiceDateInvalid { .. }
        | Refusal::CanaryTooLarge { .. }
        | Refusal::ExecutionTimeInvalid { .. } => argument(refusal),
        Refusal::ImageIncomplete { .. }
        | Refusal::ImageNotVerified { .. }
        | Refusal::ImageQuarantined { .. }
        | Refusal::ImageNotStoredForDevice { .. }
        | Refusal::DeviceBusy { .. }
        | Refusal::CanaryOfSchedule { .. }
        | Refusal::FirmwareNotApplicable { .. }
        | Refusal::TransferNotReceiving { .. } => precondition(refusal, concern),
        Refusal::DispatchPaused { .. } | Refusal::DispatchNotPaused { .. } => pause(refusal),
        Refusal::AllowanceUsed { .. } => allowance(refusal, concern),
        Refusal::OpenTransfersLimitReached { .. } | Refusal::StoredBytesLimitReached { .. } => {
            limit(refusal, concern)
        }
        Refusal::ExceedsAgreed(exceeds) => schedules::exceeds_agreed(exceeds, concern),
        Refusal::Schedule(refusal) => schedules::of_book(refusal, concern),
        Refusal::NothingSet
        | Refusal::TooManyRequests { .. }
        | Refusal::DaysReversed { .. }
        | Refusal::PositionBeyondEnd { .. }
        | Refusal::NoticesForgotten { .. } => schedules::argument_of(refusal),
        Refusal::ActionSettled { action, state, .. } => {
            schedules::settled(refusal, *action, *state)
        }
    }
}

impl Fault {
    /// Blocks for a transfer whose image was read back and found wrong. Its 11.1 Response has the reason; one that
    /// belongs to another code in the table is not repeated under this one.
    pub(crate) fn transfer_rejected(user: Eui64, number: u64, given: &TransferResponse) -> Self {
        let reason = match given.reason.as_str() {
            "IMAGE_DIGEST_MISMATCH" => "IMAGE_DIGEST_MISMATCH",
            _ => "TRANSFER_NOT_RECEIVING",
        };
        let transfer = format!("users/{user}/transfers/{number}");
        let message = format!(
            "{transfer} is REJECTED, {}: {}; open a new transfer",
            given.reason, given.message
        );
        Self::new(Code::FailedPrecondition, reason, message)
            .detail(Detail::Precondition {
                kind: "TRANSFER_RECEIVING",
                subject: transfer,
            })
            .with("state", TransferState::Rejected)
            .with("responseReason", &given.reason)
    }

    /// A refusal that needs no engine to be found, and no more than itself to be told.
    pub(crate) fn argument_refused(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::TooManyProducts { .. } => trust::products(refusal),
            other => argument(other),
        }
    }
}

/// What is wrong with the request whatever the state of things.
fn argument(refusal: &Refusal) -> Fault {
    let fault = |reason, field| Fault::new(Code::InvalidArgument, reason, refusal).field(field);
    match refusal {
        Refusal::RequestIdReused => fault("REQUEST_ID_REUSED", "request_id"),
        Refusal::BatchEmpty => fault("BATCH_EMPTY", "devices"),
        Refusal::DeviceDuplicate { device } => {
            fault("DEVICE_DUPLICATE", "devices").with("device", device)
        }
        Refusal::TooManyDevices { given, limit } => fault("TOO_MANY_DEVICES", "devices")
            .with("deviceCount", given)
            .with("deviceCountMax", limit),
        Refusal::TooManyModels { given, limit } => fault("TOO_MANY_MODELS", "devices")
            .with("modelCount", given)
            .with("modelCountMax", limit),
        Refusal::ManifestDiffers { .. } => fault("MANIFEST_INVALID", "manifest"),
        Refusal::SignedRequestTooLarge {
            given_bytes,
            limit_bytes,
        } => fault("SIGNED_REQUEST_TOO_LARGE", "signed_request")
            .with("givenBytes", given_bytes)
            .with("limitBytes", limit_bytes),
        Refusal::ServiceDateInvalid {
            date,
            earliest,
            latest,
        } => fault("SERVICE_DATE_INVALID", "service_date")
            .with("serviceDate", date)
            .with("earliestServiceDate", earliest)
            .with("latestServiceDate", latest),
        Refusal::CanaryTooLarge { canary, devices } => {
            fault("CANARY_INVALID", "canary_device_count")
                .with("canaryDeviceCount", canary)
                .with("deviceCount", devices)
        }
        Refusal::ExecutionTimeInvalid {
            execute_us,
            earliest_us,
            latest_us,
        } => fault("EXECUTION_TIME_INVALID", "execution_time")
            .with("executionTimeUs", execute_us)
            .with("earliestTimeUs", earliest_us)
            .with("latestTimeUs", latest_us),
        other => Fault::not_in_table(other),
    }
}

/// What may be granted at another time.
fn precondition(refusal: &Refusal, concern: Concern<'_>) -> Fault {
    let user = concern.user;
    let fault = |reason, kind, subject| {
        Fault::new(Code::FailedPrecondition, reason, refusal)
            .detail(Detail::Precondition { kind, subject })
    };
    let transfer = |number| format!("users/{user}/transfers/{number}");
    match *refusal {
        Refusal::ImageIncomplete { transfer: number } => {
            fault("IMAGE_INCOMPLETE", "IMAGE_STORED", transfer(number))
                .with("transfer", transfer(number))
        }
        Refusal::ImageNotVerified {
            transfer: number,
            state,
        } => fault("IMAGE_NOT_VERIFIED", "IMAGE_STORED", transfer(number))
            .with("transfer", transfer(number))
            .with("state", state),
        Refusal::ImageQuarantined { transfer: number } => {
            fault("IMAGE_QUARANTINED", "IMAGE_WHOLE", transfer(number))
                .with("transfer", transfer(number))
        }
        Refusal::ImageNotStoredForDevice { first, count } => fault(
            "IMAGE_NOT_STORED_FOR_DEVICE",
            "IMAGE_STORED_FOR_DEVICE",
            first.to_string(),
        )
        .with("device", first)
        .with("deviceCount", count),
        Refusal::DeviceBusy { first, count } => {
            fault("DEVICE_BUSY", "NO_OTHER_ACTIVATION", first.to_string())
                .with("device", first)
                .with("deviceCount", count)
        }
        Refusal::CanaryOfSchedule { schedule } => {
            let schedule = format!("users/{user}/schedules/{schedule}");
            fault("CANARY_OF_SCHEDULE", "NO_CANARY_AGREED", schedule.clone())
                .with("schedule", schedule)
        }
        Refusal::FirmwareNotApplicable { first, count } => fault(
            "FIRMWARE_NOT_APPLICABLE",
            "HARDWARE_VERSION_IN_RANGE",
            first.to_string(),
        )
        .with("device", first)
        .with("deviceCount", count),
        Refusal::TransferNotReceiving { state } => fault(
            "TRANSFER_NOT_RECEIVING",
            "TRANSFER_RECEIVING",
            // A request about a transfer names it.
            concern
                .transfer
                .map_or_else(|| format!("users/{user}"), transfer),
        )
        .with("state", state),
        ref other => Fault::not_in_table(other),
    }
}

fn allowance(refusal: &Refusal, concern: Concern<'_>) -> Fault {
    let Refusal::AllowanceUsed {
        limit,
        used,
        requested,
        service_date,
        resets_us,
        resets_in_us,
    } = refusal
    else {
        return Fault::not_in_table(refusal);
    };
    Fault::new(
        Code::ResourceExhausted,
        "UNSCHEDULED_DAILY_ALLOWANCE_USED",
        refusal,
    )
    .detail(Detail::Quota {
        subject: format!("users/{}", concern.user),
    })
    .detail(Detail::RetryIn(span(*resets_in_us)))
    .detail(Detail::Help {
        description: "agree a delivery schedule with the Service Desk",
        url: concern.service_desk_url.to_owned(),
    })
    .with("limitPerServiceDay", limit)
    .with("used", used)
    .with("requested", requested)
    .with("serviceDate", service_date)
    .with("resetTime", instant(*resets_us))
}

/// What one User may have in the store.
fn limit(refusal: &Refusal, concern: Concern<'_>) -> Fault {
    let fault = |reason| {
        Fault::new(Code::ResourceExhausted, reason, refusal).detail(Detail::Quota {
            subject: format!("users/{}", concern.user),
        })
    };
    match refusal {
        Refusal::OpenTransfersLimitReached { limit, used } => fault("OPEN_TRANSFERS_LIMIT_REACHED")
            .with("openTransfersMax", limit)
            .with("openTransfers", used),
        Refusal::StoredBytesLimitReached {
            limit_bytes,
            used_bytes,
            requested_bytes,
        } => fault("STORED_BYTES_LIMIT_REACHED")
            .with("storedBytesMax", limit_bytes)
            .with("storedBytes", used_bytes)
            .with("requestedBytes", requested_bytes),
        other => Fault::not_in_table(other),
    }
}

fn pause(refusal: &Refusal) -> Fault {
    let fault = |reason, kind, scope: &Scope| {
        let subject = match scope {
            Scope::All => "dispatch".to_owned(),
            Scope::User(user) => format!("users/{user}"),
            Scope::Image(hash) => format!("images/{hash}"),
            Scope::Gateway(gateway) => format!("gateways/{gateway}"),
            Scope::Schedule(id) => name(*id),
            Scope::Batch { user, number } => format!("users/{user}/batches/{number}"),
        };
        Fault::new(Code::FailedPrecondition, reason, refusal)
            .detail(Detail::Precondition { kind, subject })
    };
    match refusal {
        Refusal::DispatchPaused {
            scope,
            since_us,
            ticket,
        } => fault("DISPATCH_PAUSED", "NOT_PAUSED", scope)
            .with("sinceTime", instant(*since_us))
            .with("ticket", ticket),
        Refusal::DispatchNotPaused { scope } => fault("DISPATCH_NOT_PAUSED", "PAUSED", scope),
        other => Fault::not_in_table(other),
    }
}
