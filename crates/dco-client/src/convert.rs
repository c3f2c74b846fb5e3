//! The only place that knows both the wire types and ours. What comes in is checked here, once.

pub(crate) mod backup;
pub(crate) mod batch;
mod decision;
pub(crate) mod gateway;
mod notice;
mod operations;
mod plan;
mod report;
pub(crate) mod schedule;
pub(crate) mod transfer;

#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use bytes::Bytes;
use dco_block::{Eui64, Manifest, ManifestParts, RawBlock};
use dco_proto::v1 as pb;
use prost_types::Timestamp;

use crate::types::{Micros, Page, PageRequest};

const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_MICRO: i64 = 1_000;

/// The server said something that has no meaning here; it is newer than this client, or broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the server's answer cannot be understood: {field} {problem}; this client and the server may be of different versions"
)]
pub struct BadAnswer {
    /// The field of the message.
    pub field: &'static str,
    pub problem: String,
}

impl BadAnswer {
    pub(crate) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}

/// `users/{EUI-64}`, the parent of what a User owns.
pub(crate) fn user_name(user: Eui64) -> String {
    format!("users/{user}")
}

/// EUI-64s as the wire has them.
pub(crate) fn device_texts(devices: &[Eui64]) -> Vec<String> {
    devices.iter().map(Eui64::to_string).collect()
}

/// A page request's size and token as the wire has them.
pub(crate) fn page_parts(page: &PageRequest) -> (i32, String) {
    // The server lowers a size it does not like, so the largest number that fits asks for the same.
    let size = i32::try_from(page.size).unwrap_or(i32::MAX);
    (size, page.token.clone().unwrap_or_default())
}

/// A page of our items from a page of wire items.
pub(crate) fn page<W, T>(items: Vec<W>, next: String) -> Result<Page<T>, BadAnswer>
where
    T: TryFrom<W, Error = BadAnswer>,
{
    Ok(Page {
        items: all(items)?,
        next: (!next.is_empty()).then_some(next),
    })
}

/// Every item converted, or the first fault.
pub(crate) fn all<W, T>(items: Vec<W>) -> Result<Vec<T>, BadAnswer>
where
    T: TryFrom<W, Error = BadAnswer>,
{
    items.into_iter().map(T::try_from).collect()
}

/// An index range of the wire, checked to be one.
pub(crate) fn range(range: pb::IndexRange) -> Result<RangeInclusive<u32>, BadAnswer> {
    if range.first > range.last {
        let problem = format!("starts at {} and ends at {}", range.first, range.last);
        return Err(BadAnswer::new("index range", problem));
    }
    Ok(range.first..=range.last)
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, BadAnswer> {
    value.ok_or_else(|| BadAnswer::new(field, "is missing"))
}

fn parsed<T>(field: &'static str, text: &str) -> Result<T, BadAnswer>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse()
        .map_err(|problem: T::Err| BadAnswer::new(field, format!("is `{text}`: {problem}")))
}

/// As [`parsed`]; the empty text, which is what an absent field looks like, is `None`.
fn parsed_if_any<T>(field: &'static str, text: &str) -> Result<Option<T>, BadAnswer>
where
    T: FromStr,
    T::Err: Display,
{
    (!text.is_empty()).then(|| parsed(field, text)).transpose()
}

fn eui64s(field: &'static str, texts: &[String]) -> Result<Vec<Eui64>, BadAnswer> {
    texts.iter().map(|text| parsed(field, text)).collect()
}

fn digest<T>(field: &'static str, octets: &[u8]) -> Result<T, BadAnswer>
where
    T: for<'a> TryFrom<&'a [u8], Error: Display>,
{
    T::try_from(octets).map_err(|problem| BadAnswer::new(field, format!("is wrong: {problem}")))
}

/// As [`digest`]; no octets at all are `None`.
fn digest_if_any<T>(field: &'static str, octets: &[u8]) -> Result<Option<T>, BadAnswer>
where
    T: for<'a> TryFrom<&'a [u8], Error: Display>,
{
    (!octets.is_empty())
        .then(|| digest(field, octets))
        .transpose()
}

fn instant(field: &'static str, time: Option<Timestamp>) -> Result<Option<Micros>, BadAnswer> {
    let Some(time) = time else {
        return Ok(None);
    };
    time.seconds
        .checked_mul(MICROS_PER_SECOND)
        .and_then(|micros| micros.checked_add(i64::from(time.nanos) / NANOS_PER_MICRO))
        .map(Some)
        .ok_or_else(|| BadAnswer::new(field, format!("is {} s after 1970", time.seconds)))
}

/// An instant as the wire has it.
pub(crate) fn timestamp(at_us: Micros) -> Timestamp {
    let nanos = at_us.rem_euclid(MICROS_PER_SECOND) * NANOS_PER_MICRO;
    Timestamp {
        seconds: at_us.div_euclid(MICROS_PER_SECOND),
        nanos: i32::try_from(nanos).expect("less than a second of nanoseconds is below 2^31"),
    }
}

/// What an enumeration's number means; zero and unknown numbers have no meaning.
fn meaning<W, T>(
    field: &'static str,
    number: i32,
    table: impl Fn(W) -> Option<T>,
) -> Result<T, BadAnswer>
where
    W: TryFrom<i32>,
{
    W::try_from(number)
        .ok()
        .and_then(table)
        .ok_or_else(|| BadAnswer::new(field, format!("has the unknown number {number}")))
}

fn manifest(wire: Option<pb::Manifest>) -> Result<Manifest, BadAnswer> {
    let wire = required("manifest", wire)?;
    Manifest::new(ManifestParts {
        image_id: digest("manifest.image_id", &wire.image_id)?,
        image_bytes: wire.image_bytes,
        block_bytes: wire.block_bytes,
        manufacturer_image_hash: digest(
            "manifest.manufacturer_image_hash",
            &wire.manufacturer_image_hash,
        )?,
        firmware_version: parsed("manifest.firmware_version", &wire.firmware_version)?,
        ota_header: wire.ota_header,
    })
    .map_err(|problem| BadAnswer::new("manifest", format!("is refused: {problem}")))
}

/// A manifest as the wire has it.
pub(crate) fn manifest_to_wire(manifest: &Manifest) -> pb::Manifest {
    let parts = manifest.parts();
    pb::Manifest {
        image_id: Bytes::copy_from_slice(parts.image_id.as_bytes()),
        image_bytes: parts.image_bytes,
        block_bytes: parts.block_bytes,
        manufacturer_image_hash: Bytes::copy_from_slice(parts.manufacturer_image_hash.as_bytes()),
        firmware_version: parts.firmware_version.to_string(),
        ota_header: parts.ota_header,
    }
}

/// A block as it arrived.
pub(crate) fn raw_block(wire: pb::Block) -> RawBlock {
    RawBlock {
        index: wire.index,
        crc32: wire.crc32,
        data: wire.data,
    }
}

/// A block as it is sent.
pub(crate) fn raw_block_to_wire(raw: RawBlock) -> pb::Block {
    pb::Block {
        index: raw.index,
        crc32: raw.crc32,
        data: raw.data,
    }
}
