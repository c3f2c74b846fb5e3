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
