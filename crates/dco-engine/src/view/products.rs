//! The Central Products List, as it is read and as it decides.

use std::fmt;

use dco_block::{FirmwareVersion, HardwareVersions, ManufacturerImageHash};
use dco_schedule::Micros;

/// How an entry of the Central Products List stands (DUIS `CPLStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProductStatus {
    /// It may be sent to Devices: the only status in which it may.
    Active = 1,
    /// It never came to be used.
    Cancelled = 2,
    /// Its assurance has run out.
    Expired = 3,
    /// It is not to be used any more.
    Withdrawn = 4,
}

impl ProductStatus {
    const ALL: [Self; 4] = [
        Self::Active,
        Self::Cancelled,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// Its number in records.
    pub fn number(self) -> u32 {
        u32::from(self as u8)
    }

    /// The status of a number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.number() == number)
    }
}

impl fmt::Display for ProductStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "Active",
            Self::Cancelled => "Cancelled",
            Self::Expired => "Expired",
            Self::Withdrawn => "Withdrawn",
        })
    }
}

/// One entry of the Central Products List: an image for one Device Model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductEntry {
    /// At most 30 characters, as in the inventory.
    pub manufacturer: String,
    /// At most 30 characters, as in the inventory.
    pub model: String,
    /// The hardware versions it is for, both ends included.
    pub hardware_versions: HardwareVersions,
    /// What a Device runs afterwards.
    pub firmware_version: FirmwareVersion,
    /// SHA-256 of the Manufacturer Image.
    pub manufacturer_image_hash: ManufacturerImageHash,
    /// How it stands.
    pub status: ProductStatus,
    /// The upgrade pathway: versions from which a Device may go to it; from any where there is none.
    pub upgrade_from: Vec<FirmwareVersion>,
}

/// An entry and when it came to stand as it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductView {
    /// The entry.
    pub entry: ProductEntry,
    /// The import that gave it its status.
    pub since_us: Micros,
}

/// Why the Central Products List does not allow an image, or not for a Device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distrust {
    /// No entry has its Manufacturer Image Hash and firmware version.
    NotListed,
    /// It is on the list and not Active.
    NotActive {
        /// How it stands.
        status: ProductStatus,
        /// Since when.
        since_us: Micros,
    },
    /// It is on the list for other Device Models or hardware versions.
    NotForDevice,
    /// The Device runs a version from which none goes to it.
    PathwayClosed {
        /// What the Device runs.
        running: FirmwareVersion,
        /// From what it could go.
        allowed: Vec<FirmwareVersion>,
    },
}

/// Versions that are named in one sentence.
const VERSIONS_NAMED_MAX: usize = 20;

impl Distrust {
    /// The stable reason for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotListed => "IMAGE_NOT_LISTED",
            Self::NotActive { .. } => "IMAGE_NOT_ACTIVE",
            Self::NotForDevice => "DEVICE_MODEL_NOT_LISTED",
            Self::PathwayClosed { .. } => "UPGRADE_PATHWAY_CLOSED",
        }
    }
}

/// The first versions of a list, as text.
pub fn versions_named(versions: &[FirmwareVersion]) -> String {
    let named = versions.iter().take(VERSIONS_NAMED_MAX);
    let mut text = named
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if versions.len() > VERSIONS_NAMED_MAX {
        text += ", and others";
    }
    text
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed => f.write_str(
                "the Central Products List has no entry with the image's Manufacturer Image Hash and firmware version",
            ),
            Self::NotActive { status, .. } => write!(
                f,
                "the image is {status} on the Central Products List; only what is Active is taken to Devices"
            ),
            Self::NotForDevice => f.write_str(
                "the Central Products List has no entry of the image for the Device's manufacturer, model and hardware \
                 version",
            ),
            Self::PathwayClosed { running, allowed } => write!(
                f,
                "the Device runs {running}, and the Central Products List lets it go to the image only from {}",
                versions_named(allowed)
            ),
        }
    }
}
