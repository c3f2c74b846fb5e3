//! Rows of the reports.

use dco_block::{Eui64, ManufacturerImageHash};

/// How a User's activations of a month stand against the Target Response Time, and apart from that how they ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrtRow {
    pub user: Eui64,
    /// Of the service days they were sent for, `YYYY-MM`.
    pub month: String,
    pub activation_count: u64,
    /// Ended in time, however they ended.
    pub ended_within_trt: u64,
    pub ended_late: u64,
    pub open_within_trt: u64,
    pub open_late: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
}

/// How the activations of one image of a User ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuccessRow {
    pub user: Eui64,
    pub manufacturer_image_hash: ManufacturerImageHash,
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub open: u64,
    pub attempt_count: u64,
}

/// What a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportQuery {
    /// As this User sees it; of everyone that the caller may see when `None`.
    pub user: Option<Eui64>,
    /// The first service day, `YYYY-MM-DD`, included; `None` leaves that end open.
    pub first: Option<String>,
    /// The last one, likewise.
    pub last: Option<String>,
}

/// Service days of a report, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportDays<T> {
    pub days: Vec<T>,
    /// There were more than are in one answer: days before these are left out.
    pub earlier_days_left_out: bool,
}

/// What one service day was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityReportDay {
    pub service_date: String,
    pub capacity: u32,
    /// The day is not over.
    pub open: bool,
    pub all: DayCounts,
    /// A User sees itself only.
    pub users: Vec<DayCounts>,
    /// All others together, where a User asks.
    pub others: Option<DayCounts>,
    /// Units that were over at the end of the day, as many as would have left while nobody had ready work; `None` while it lasts.
    pub lost_without_work: Option<u32>,
    /// The others: somebody had ready work.
    pub lost_with_work: Option<u32>,
}

/// Counts of a service day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// `None` for several Users.
    pub user: Option<Eui64>,
    pub agreed: u64,
    pub sent: u64,
    pub sent_without_schedule: u64,
    pub released: u64,
    pub lent: u64,
    /// Those that left through the security lane.
    pub security: u64,
    /// `None` where it was not counted yet.
    pub refunded: Option<u64>,
    pub retries: Option<u64>,
}

/// How one service day was shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FairnessDay {
    pub service_date: String,
    /// The day is not over.
    pub open: bool,
    /// Two Users or more had ready work all day, and nobody else any.
    pub contended: bool,
    /// In millionths; 1,000,000 is even.
    pub jain_index_ppm: Option<u32>,
    /// The worst off first.
    pub users: Vec<FairnessRow>,
}

/// What one User received of what it was entitled to; of others a User sees the ratio only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FairnessRow {
    pub user: Option<Eui64>,
    /// In thousandths of a unit.
    pub entitled_milliunits: Option<u64>,
    pub received: Option<u32>,
    /// In millionths.
    pub ratio_ppm: Option<u32>,
}

/// By what rows of the success report are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SuccessGroup {
    User,
    Image,
    Model,
    Gateway,
}

/// How the activations of a group ended. `None` is what they are not grouped by, and what the inventory does not know any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutcomeRow {
    pub user: Option<Eui64>,
    pub manufacturer_image_hash: Option<ManufacturerImageHash>,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub hardware_version: Option<String>,
    pub gateway: Option<Eui64>,
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub open: u64,
    pub attempt_count: u64,
    /// How the last attempt of each ended, in the field's terms.
    pub outcomes: Vec<(String, u64)>,
    pub ended_within_trt: u64,
    pub ended_late: u64,
    pub open_late: u64,
}
