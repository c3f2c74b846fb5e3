//! Trusted images, the Central Products List, thresholds and originator counters.

use dco_engine::{Distrust, Refusal};
use tonic::Code;

use super::refusal::Concern;
use super::{Detail, Fault, span};
use crate::convert::instant;
use crate::convert::notices::counted_name;

/// Items of a list that are named in metadata.
const LISTED_MAX: usize = 20;

pub(super) fn fault_of(refusal: &Refusal, concern: Concern<'_>) -> Fault {
    match refusal {
        Refusal::ImageNotAllowed(distrust) => not_allowed(refusal, distrust),
        Refusal::NotAllowed {
            distrust,
            devices,
            count,
        } => not_allowed(refusal, distrust)
            .with("devices", listed(devices))
            .with("deviceCount", count),
        Refusal::ThresholdExceeded { .. } => threshold(refusal, concern),
        Refusal::OriginatorCounterReplayed { given, last } => {
            let kind = "ORIGINATOR_COUNTER_RISES";
            let subject = format!("users/{}", concern.user);
            let reason = "ORIGINATOR_COUNTER_REPLAYED";
            Fault::new(Code::FailedPrecondition, reason, refusal)
                .detail(Detail::Precondition { kind, subject })
                .with("originatorCounter", given)
                .with("lastOriginatorCounter", last)
        }
        Refusal::OriginatorCounterLeaps {
            given,
            last,
            highest,
        } => {
            let kind = "ORIGINATOR_COUNTER_IN_REACH";
            let subject = format!("users/{}", concern.user);
            let fault = Fault::new(
                Code::FailedPrecondition,
                "ORIGINATOR_COUNTER_LEAPS",
                refusal,
            )
            .detail(Detail::Precondition { kind, subject })
            .with("originatorCounter", given)
            .with("highestOriginatorCounter", highest);
            match last {
                Some(last) => fault.with("lastOriginatorCounter", last),
                None => fault,
            }
        }
        other => products(other),
    }
}

/// What the Central Products List says against it.
fn not_allowed(refusal: &Refusal, distrust: &Distrust) -> Fault {
    let (reason, kind) = match distrust {
        Distrust::NotListed => ("IMAGE_NOT_LISTED", "IMAGE_LISTED"),
        Distrust::NotActive { .. } => ("IMAGE_NOT_ACTIVE", "IMAGE_ACTIVE"),
        Distrust::NotForDevice => ("DEVICE_MODEL_NOT_LISTED", "IMAGE_LISTED_FOR_DEVICE"),
        Distrust::PathwayClosed { .. } => ("UPGRADE_PATHWAY_CLOSED", "UPGRADE_PATHWAY_OPEN"),
    };
    let subject = "centralProductsList".to_owned();
    let fault = Fault::new(Code::FailedPrecondition, reason, refusal)
        .detail(Detail::Precondition { kind, subject });
    match distrust {
        Distrust::NotListed | Distrust::NotForDevice => fault,
        Distrust::NotActive { status, since_us } => fault
            .with("status", status)
            .with("statusTime", instant(*since_us)),
        Distrust::PathwayClosed { running, allowed } => fault
            .with("runningVersion", running)
            .with("allowedVersions", listed(allowed)),
    }
}

/// As much of a list as metadata takes.
fn listed<T: ToString>(items: &[T]) -> String {
    let items = items.iter().take(LISTED_MAX);
    items.map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// What is wrong with an import of the Central Products List.
pub(super) fn products(refusal: &Refusal) -> Fault {
    let fault = |reason| Fault::new(Code::InvalidArgument, reason, refusal).field("products");
    match refusal {
        Refusal::ProductsEmpty => fault("PRODUCTS_EMPTY"),
        Refusal::TooManyProducts { given, limit } => fault("TOO_MANY_PRODUCTS")
            .with("productCount", given)
            .with("productCountMax", limit),
        Refusal::ProductInvalid { index, .. } => {
            fault("PRODUCT_ENTRY_INVALID").with("index", index)
        }
        other => Fault::not_in_table(other),
    }
}

/// What is too far from usual.
fn threshold(refusal: &Refusal, concern: Concern<'_>) -> Fault {
    let Refusal::ThresholdExceeded {
        counted,
        limit,
        used,
        requested,
        resets_us,
        resets_in_us,
    } = refusal
    else {
        return Fault::not_in_table(refusal);
    };
    let subject = match used {
        Some(_) => format!("users/{}", concern.user),
        None => "users".to_owned(),
    };
    let fault = Fault::new(
        Code::ResourceExhausted,
        "ANOMALY_THRESHOLD_EXCEEDED",
        refusal,
    )
    .detail(Detail::Quota { subject })
    .detail(Detail::RetryIn(span(*resets_in_us)))
    .detail(Detail::Help {
        description: "ask the Service Desk before more is sent",
        url: concern.service_desk_url.to_owned(),
    })
    .with("counted", counted_name(*counted))
    .with("limitPerPeriod", limit)
    .with("requested", requested)
    .with("resetTime", instant(*resets_us));
    match used {
        Some(used) => fault.with("used", used),
        None => fault,
    }
}
