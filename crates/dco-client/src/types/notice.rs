//! What a party is told, and what a User may send.

use std::fmt::{self, Display, Formatter};

use dco_block::{Eui64, ManufacturerImageHash};

use super::{DayUnits, Micros, ScheduleName, TransferName};

/// Whose notices are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeParty {
    /// The caller's own.
    Own,
    /// Those of a User.
    User(Eui64),
    /// Those of the Service Desk.
    ServiceDesk,
    /// Those of the operators.
    Operators,
}

/// One thing that a party is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Counted per party from 1.
    pub position: u64,
    pub create_us: Option<Micros>,
    /// A stable word: `SCHEDULE_STEP`, `OVER_AGREED`, ...
    pub kind: String,
    /// One sentence that says it all.
    pub summary: String,
    pub schedule: Option<ScheduleName>,
    /// The etag that a step made.
    pub etag: String,
    /// What was done, or is to be done.
    pub act: Option<String>,
    pub answer_by_us: Option<Micros>,
    /// The number of an act that needs a second officer.
    pub action: Option<u64>,
    pub over_agreed: Vec<DayUnits>,
    /// Schedules that a re-plan would move, and how many units of each.
    pub proposal: Vec<(ScheduleName, u64)>,
    pub transfer: Option<TransferName>,
}

/// Notices after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notices {
    pub notices: Vec<Notice>,
    /// Going on from here misses nothing.
    pub position: u64,
    /// Nothing follows now.
    pub complete: bool,
}

/// What a User may send, and what of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The service day that is open.
    pub service_date: String,
    /// When the next one starts.
    pub reset_us: Option<Micros>,
    pub allowance_per_service_day: u32,
    pub allowance_used: u32,
    /// Agreed quotas of today and of days to come.
    pub quotas: Vec<QuotaUse>,
    pub days_ahead_max: u32,
    pub devices_max: u32,
}

/// One schedule's quota of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaUse {
    pub service_date: String,
    pub schedule: ScheduleName,
    /// The image it is for; `None` for every large image.
    pub manufacturer_image_hash: Option<ManufacturerImageHash>,
    pub agreed: u32,
    pub used: u32,
}

impl Display for NoticeParty {
    /// As the wire names it; empty for the caller's own.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => Ok(()),
            Self::User(user) => write!(out, "users/{user}"),
            Self::ServiceDesk => out.write_str("serviceDesk"),
            Self::Operators => out.write_str("operators"),
        }
    }
}
