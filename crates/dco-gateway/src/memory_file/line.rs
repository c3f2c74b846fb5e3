//! One line of the file: a change as JSON. Names and fields are on disk: never give one another
//! meaning.

use std::fmt::Display;
use std::str::FromStr;

use dco_block::{Eui64, FirmwareVersion, ImageId, Manifest, ManifestParts, ManufacturerImageHash};
use dco_client::{ActivationName, AttemptOutcome, AttemptRef, AttemptResult, Offer};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::memory::Change;
use crate::meter::Running;

/// Appends the first line.
pub(super) fn write_id(out: &mut Vec<u8>, id: &str) {
    append(out, &Line::Memory { id: id.to_owned() });
}

/// Reads the first line.
pub(super) fn read_id(text: &[u8]) -> serde_json::Result<String> {
    match serde_json::from_slice(text)? {
        Line::Memory { id } => Ok(id),
        _ => Err(serde_json::Error::custom(
            "the first line must name the memory",
        )),
    }
}

/// Appends a change.
pub(super) fn write(out: &mut Vec<u8>, change: &Change) {
    append(out, &Line::of(change));
}

/// Reads a change.
pub(super) fn read(text: &[u8]) -> serde_json::Result<Change> {
    serde_json::from_slice::<Line>(text)?.change()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Memory { id: String },
    Accepted(Box<OfferLine>),
    Ended(OutcomeLine),
    Noted(AttemptLine),
    Withdrawn(AttemptLine),
    Runs(RunsLine),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttemptLine {
    activation: Text<ActivationName>,
    attempt: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferLine {
    attempt: AttemptLine,
    device: Text<Eui64>,
    manifest: ManifestLine,
    answer_by_us: i64,
    read_version_first: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    execute_us: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestLine {
    image_id: Text<ImageId>,
    image_bytes: u32,
    block_bytes: u32,
    manufacturer_image_hash: Text<ManufacturerImageHash>,
    firmware_version: Text<FirmwareVersion>,
    ota_header: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeLine {
    attempt: AttemptLine,
    result: ResultName,
    nothing_sent: bool,
    running_version: Option<Text<FirmwareVersion>>,
    device_image_hash: Option<Text<ManufacturerImageHash>>,
    message: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunsLine {
    device: Text<Eui64>,
    firmware_version: Text<FirmwareVersion>,
    manufacturer_image_hash: Option<Text<ManufacturerImageHash>>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AttemptResult", rename_all = "snake_case")]
enum ResultDef {
    Success,
    AlreadyAtVersion,
    NoImageHeld,
    HashMismatch,
    ActivationFailure,
    FirmwareImageDiscarded,
    HardwareVersionMismatch,
    FileTransferFailure,
    NoAnswer,
    DeviceNotReachable,
    Cancelled,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct ResultName(#[serde(with = "ResultDef")] AttemptResult);

/// A value that is written as people write it.
#[derive(Clone, Copy)]
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map(Self)
            .map_err(D::Error::custom)
    }
}

impl Line {
    fn of(change: &Change) -> Self {
        match change {
            Change::Accepted(offer) => Self::Accepted(Box::new(OfferLine::of(offer))),
            Change::Ended(outcome) => Self::Ended(OutcomeLine::of(outcome)),
            Change::Noted(attempt) => Self::Noted(AttemptLine::of(*attempt)),
            Change::Withdrawn(attempt) => Self::Withdrawn(AttemptLine::of(*attempt)),
            Change::Runs(device, running) => Self::Runs(RunsLine {
                device: Text(*device),
                firmware_version: Text(running.firmware_version),
                manufacturer_image_hash: running.manufacturer_image_hash.map(Text),
            }),
        }
    }

    fn change(self) -> serde_json::Result<Change> {
        Ok(match self {
            Self::Memory { .. } => {
                return Err(serde_json::Error::custom(
                    "only the first line names the memory",
                ));
            }
            Self::Accepted(offer) => Change::Accepted(Box::new(offer.offer()?)),
            Self::Ended(outcome) => Change::Ended(outcome.outcome()),
            Self::Noted(attempt) => Change::Noted(attempt.attempt()),
            Self::Withdrawn(attempt) => Change::Withdrawn(attempt.attempt()),
            Self::Runs(runs) => Change::Runs(
                runs.device.0,
                Running {
                    firmware_version: runs.firmware_version.0,
                    manufacturer_image_hash: runs.manufacturer_image_hash.map(|hash| hash.0),
                },
            ),
        })
    }
}

impl AttemptLine {
    fn of(
        AttemptRef {
            activation,
            attempt,
        }: AttemptRef,
    ) -> Self {
        Self {
            activation: Text(activation),
            attempt,
        }
    }

    fn attempt(self) -> AttemptRef {
        AttemptRef {
            activation: self.activation.0,
            attempt: self.attempt,
        }
    }
}

impl OfferLine {
    fn of(offer: &Offer) -> Self {
        Self {
            attempt: AttemptLine::of(offer.attempt),
            device: Text(offer.device),
            manifest: ManifestLine::of(&offer.manifest),
            answer_by_us: offer.answer_by_us,
            read_version_first: offer.read_version_first,
            execute_us: offer.execute_us,
        }
    }

    fn offer(self) -> serde_json::Result<Offer> {
        Ok(Offer {
            attempt: self.attempt.attempt(),
            device: self.device.0,
            manifest: self.manifest.manifest()?,
            answer_by_us: self.answer_by_us,
            read_version_first: self.read_version_first,
            execute_us: self.execute_us,
        })
    }
}

impl ManifestLine {
    fn of(manifest: &Manifest) -> Self {
        Self {
            image_id: Text(manifest.image_id()),
            image_bytes: manifest.image_bytes(),
            block_bytes: manifest.block_bytes(),
            manufacturer_image_hash: Text(manifest.manufacturer_image_hash()),
            firmware_version: Text(manifest.firmware_version()),
            ota_header: manifest.ota_header().to_vec(),
        }
    }

    fn manifest(self) -> serde_json::Result<Manifest> {
        Manifest::new(ManifestParts {
            image_id: self.image_id.0,
            image_bytes: self.image_bytes,
            block_bytes: self.block_bytes,
            manufacturer_image_hash: self.manufacturer_image_hash.0,
            firmware_version: self.firmware_version.0,
            ota_header: self.ota_header.into(),
        })
        .map_err(serde_json::Error::custom)
    }
}

impl OutcomeLine {
    fn of(outcome: &AttemptOutcome) -> Self {
        Self {
            attempt: AttemptLine::of(outcome.attempt),
            result: ResultName(outcome.result),
            nothing_sent: outcome.nothing_sent,
            running_version: outcome.running_version.map(Text),
            device_image_hash: outcome.device_image_hash.map(Text),
            message: outcome.message.clone(),
        }
    }

    fn outcome(self) -> AttemptOutcome {
        AttemptOutcome {
            attempt: self.attempt.attempt(),
            result: self.result.0,
            nothing_sent: self.nothing_sent,
            running_version: self.running_version.map(|version| version.0),
            device_image_hash: self.device_image_hash.map(|hash| hash.0),
            message: self.message,
        }
    }
}

fn append(out: &mut Vec<u8>, line: &Line) {
    serde_json::to_writer(&mut *out, line)
        .expect("every field has a JSON form, and a Vec takes it");
    out.push(b'\n');
}
