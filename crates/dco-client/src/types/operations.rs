//! What operators and the Service Desk see.

use std::fmt::{self, Display, Formatter};

use dco_block::{Eui64, FirmwareVersion, HardwareVersions, ManufacturerImageHash};

use super::{BatchName, Micros, ScheduleName};
use crate::RequestId;

/// One line of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    pub device: Eui64,
    /// The User it is registered to.
    pub user: Eui64,
    /// The gateway that reaches it.
    pub gateway: Eui64,
    pub manufacturer: String,
    pub model: String,
    pub hardware_version: u16,
    pub firmware_version: FirmwareVersion,
}

/// One entry of the Central Products List: an image for the Devices of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductEntry {
    pub manufacturer: String,
    pub model: String,
    /// The hardware versions it is for, both ends included.
    pub hardware_versions: HardwareVersions,
    /// What a Device runs afterwards.
    pub firmware_version: FirmwareVersion,
    pub manufacturer_image_hash: ManufacturerImageHash,
    pub status: ProductStatus,
    /// Versions from which a Device may go to it; from any when empty.
    pub upgrade_from: Vec<FirmwareVersion>,
    /// When an import gave it its status; `None` for one that is to be imported.
    pub status_us: Option<Micros>,
}

/// How an entry of the Central Products List stands. Only what is Active is taken to Devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProductStatus {
    Active,
    Cancelled,
    Expired,
    Withdrawn,
}

impl Display for ProductStatus {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Active => "Active",
            Self::Cancelled => "Cancelled",
            Self::Expired => "Expired",
            Self::Withdrawn => "Withdrawn",
        })
    }
}

/// A gateway as the DCO sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayStatus {
    pub gateway: Eui64,
    pub connected: bool,
    /// When it last connected or left.
    pub change_us: Option<Micros>,
    /// Attempts under way.
    pub attempt_count: u32,
    pub concurrency: u32,
    /// Attempts in a row that failed there.
    pub failure_count: u32,
    /// When one attempt may try it; `None` while its circuit breaker is closed.
    pub probe_us: Option<Micros>,
}

/// Which releases a pause is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PauseScope {
    #[default]
    All,
    /// Those of one User.
    User(Eui64),
    /// Those of one image, of all Users.
    Image(ManufacturerImageHash),
    /// Those through one gateway.
    Gateway(Eui64),
    /// Those of work sent under one delivery schedule.
    Schedule(ScheduleName),
    /// Those of one batch.
    Batch(BatchName),
}

impl Display for PauseScope {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("all releases"),
            Self::User(user) => write!(out, "releases of User {user}"),
            Self::Image(hash) => write!(out, "releases of image {hash}"),
            Self::Gateway(gateway) => write!(out, "releases through gateway {gateway}"),
            Self::Schedule(schedule) => write!(out, "releases under {schedule}"),
            Self::Batch(batch) => write!(out, "releases of {batch}"),
        }
    }
}

/// What a rule found when it paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopFigures {
    /// The last Devices to which an attempt came through, each with the first that did.
    pub attempts: u32,
    /// How many of them failed.
    pub failed: u32,
}

/// What an officer says when pausing or resuming releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePause {
    /// The same id gives the same answer; with another body it is refused.
    pub request_id: RequestId,
    /// Check all and change nothing.
    pub validate_only: bool,
    /// Which releases.
    pub scope: PauseScope,
    /// Where it is written down.
    pub ticket: String,
    /// Why, for a person.
    pub reason: String,
}

/// A pause that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub scope: PauseScope,
    pub since_us: Option<Micros>,
    /// The officer; `None` when the data come from a backup, or a rule paused.
    pub by: Option<Eui64>,
    pub ticket: String,
    pub reason: String,
    /// What the rule found that paused.
    pub stop: Option<StopFigures>,
}

/// One service day with its capacity and use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDay {
    /// `YYYY-MM-DD`, a civil date in Europe/London.
    pub service_date: String,
    pub start_us: Option<Micros>,
    pub end_us: Option<Micros>,
    /// Large images the system may release on this day.
    pub capacity: u32,
    /// Releases charged to this day, retries included, refunds taken off.
    pub released: u32,
    /// Large activations sent for this day without a schedule.
    pub sent_without_schedule: u32,
}
