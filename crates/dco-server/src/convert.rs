//! Between the wire and the engine. Only this folder and `services` name wire types; what comes in is
//! checked here once and is of a checked type from then on.

pub(crate) mod activation;
pub(crate) mod batch;
pub(crate) mod decision_log;
pub(crate) mod explain;
pub(crate) mod gateway;
pub(crate) mod name;
pub(crate) mod notices;
pub(crate) mod operations;
pub(crate) mod page;
pub(crate) mod products;
pub(crate) mod reading;
pub(crate) mod reports;
pub(crate) mod schedules;
pub(crate) mod scope;
pub(crate) mod transfer;

use std::ops::RangeInclusive;

use dco_block::{Eui64, FirmwareVersion, ManufacturerImageHash, limits};
use dco_engine::{Refusal, RequestId, SECOND_US};
use dco_proto::v1 as pb;
use dco_schedule::{Micros, ServiceDate};
use prost_types::Timestamp;
use uuid::Uuid;

use crate::status::Fault;

/// An instant as it goes out, and as it is written for people.
pub(crate) fn instant(at_us: Micros) -> Timestamp {
    let nanos = at_us.rem_euclid(1_000_000) * 1_000;
    Timestamp {
        seconds: at_us.div_euclid(1_000_000),
        nanos: i32::try_from(nanos).expect("less than a second of nanoseconds is below 2^31"),
    }
}

/// An instant in a sentence: the next whole second, so that nobody looks too early.
pub(crate) fn for_people(at_us: Micros) -> Timestamp {
    let seconds = at_us.div_euclid(SECOND_US) + i64::from(at_us.rem_euclid(SECOND_US) > 0);
    Timestamp { seconds, nanos: 0 }
}

/// A moment that is over, in a sentence: the second in which it was, as it is shown everywhere else.
pub(crate) fn past(at_us: Micros) -> Timestamp {
    Timestamp {
        seconds: at_us.div_euclid(SECOND_US),
        nanos: 0,
    }
}

/// A UUID, and not the one of all zeros, which is what a forgotten field looks like in many languages.
pub(crate) fn request_id(text: &str) -> Result<RequestId, Fault> {
    match Uuid::try_parse(text) {
        Ok(id) if !id.is_nil() => Ok(RequestId(id.into_bytes())),
        _ => Err(Fault::argument(
            "REQUEST_ID_INVALID",
            "request_id",
            "request_id must be a UUID like 3e4c8a52-8f1b-4a7e-9d55-0c9d6f1f2a10, \
             a new one for each new request",
        )),
    }
}

/// The Devices of a transfer or batch. How many may be named is checked before any is read.
fn devices(texts: &[String]) -> Result<Vec<Eui64>, Fault> {
    if texts.len() > limits::DEVICES_MAX as usize {
        return Err(Fault::argument_refused(&Refusal::TooManyDevices {
            given: texts.len(),
            limit: limits::DEVICES_MAX,
        }));
    }
    let read = |(index, text): (usize, &String)| {
        text.parse()
            .map_err(|error| Fault::element("EUI64_INVALID", "devices", index, error))
    };
    texts.iter().enumerate().map(read).collect()
}

fn firmware_version(text: &str, field: &'static str) -> Result<FirmwareVersion, Fault> {
    text.parse()
        .map_err(|error| Fault::argument("FIRMWARE_VERSION_INVALID", field, error))
}

fn manufacturer_image_hash(
    octets: &[u8],
    field: &'static str,
) -> Result<ManufacturerImageHash, Fault> {
    octets
        .try_into()
        .map_err(|error| Fault::argument("DIGEST_INVALID", field, error))
}

/// An instant that may be left out.
fn optional_instant(time: Option<Timestamp>, field: &'static str) -> Result<Option<Micros>, Fault> {
    let Some(time) = time else { return Ok(None) };
    let micros = time.seconds.checked_mul(1_000_000);
    let micros = micros.and_then(|it| it.checked_add(i64::from(time.nanos) / 1_000));
    micros.map(Some).ok_or_else(|| {
        let message = format!("{field} is {} seconds after 1970", time.seconds);
        Fault::argument("TIME_INVALID", field, message)
    })
}

/// A service day that may be left out.
fn service_date(text: &str, field: &'static str) -> Result<Option<ServiceDate>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error| Fault::argument("SERVICE_DATE_INVALID", field, error))
}

/// Ranges of indices as they go out.
pub(crate) fn ranges(ranges: impl IntoIterator<Item = RangeInclusive<u32>>) -> Vec<pb::IndexRange> {
    ranges
        .into_iter()
        .map(|range| pb::IndexRange {
            first: *range.start(),
            last: *range.end(),
        })
        .collect()
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(T::to_string).collect()
}

#[cfg(test)]
mod tests;
