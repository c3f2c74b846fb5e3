//! Records of what may be sent: the Central Products List, which of its checks are made, thresholds.

use bytes::Bytes;

use super::{Model, RequestKey};

/// Entries of the Central Products List. They take the place of all that it said of the same Device Model and firmware
/// version.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProductsImported {
    /// The operator.
    #[prost(fixed64, tag = "1")]
    pub by: u64,
    /// The request.
    #[prost(message, optional, tag = "2")]
    pub request: Option<RequestKey>,
    /// The entries.
    #[prost(message, repeated, tag = "3")]
    pub products: Vec<Product>,
    /// Where it is written down, if the operator said so.
    #[prost(string, tag = "85")]
    pub ticket: String,
    /// Why, likewise.
    #[prost(string, tag = "86")]
    pub reason: String,
}

/// One entry.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Product {
    /// The Device Model.
    #[prost(message, optional, tag = "1")]
    pub model: Option<Model>,
    /// The first hardware version it is for.
    #[prost(uint32, tag = "2")]
    pub hardware_min: u32,
    /// The last one.
    #[prost(uint32, tag = "3")]
    pub hardware_max: u32,
    /// What a Device runs afterwards.
    #[prost(uint32, tag = "4")]
    pub firmware_version: u32,
    /// 32 octets.
    #[prost(bytes = "bytes", tag = "5")]
    pub manufacturer_image_hash: Bytes,
    /// [`crate::ProductStatus::number`].
    #[prost(uint32, tag = "6")]
    pub status: u32,
    /// Versions from which a Device may go to it; none: from any.
    #[prost(uint32, repeated, tag = "7")]
    pub upgrade_from: Vec<u32>,
    /// When it came to stand so: in snapshots only.
    #[prost(int64, tag = "8")]
    pub since_us: i64,
}

/// Which checks against the Central Products List are made from now on, as the configuration says. None before the first.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct TrustSet {
    /// That an image is on the list for a Device, and Active.
    #[prost(bool, tag = "1")]
    pub products_list: bool,
    /// That a Device runs a version from which it may go to the image.
    #[prost(bool, tag = "2")]
    pub upgrade_pathway: bool,
}

/// A request was refused because a count of its period would have gone over its threshold: once for each count.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct ThresholdBreached {
    /// Whose request it was.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// What was counted.
    #[prost(enumeration = "Counted", tag = "2")]
    pub counted: i32,
    /// Whether it was the count over all Users.
    #[prost(bool, tag = "3")]
    pub of_all: bool,
    /// When the period began.
    #[prost(int64, tag = "4")]
    pub period_start_us: i64,
    /// The threshold.
    #[prost(uint32, tag = "5")]
    pub limit: u32,
    /// Counted in the period so far.
    #[prost(uint32, tag = "6")]
    pub used: u32,
    /// What the request would have added.
    #[prost(uint32, tag = "7")]
    pub requested: u32,
}

/// What thresholds count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Counted {
    /// Never written.
    Unspecified = 0,
    /// Transfers opened: SRV 11.1.
    Transfers = 1,
    /// Activations sent: SRV 11.3.
    Activations = 2,
    /// Octets that accepted requests of SRV 11.1 and 11.3 leave behind for good.
    RequestBytes = 3,
    /// Steps of delivery schedules by which Users put something forward or end one; answers are not counted.
    ScheduleSteps = 4,
    /// Warnings about a User's batches that Service Desk and operators are told one by one. What is over its threshold is not told to
    /// them; nothing is refused.
    Warnings = 5,
}

impl Counted {
    /// Those of which what is over the threshold is refused.
    pub const REFUSING: [Self; 4] = [
        Self::Transfers,
        Self::Activations,
        Self::RequestBytes,
        Self::ScheduleSteps,
    ];

    /// What it counts, in the plural.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Unspecified => "requests",
            Self::Transfers => "transfers",
            Self::Activations => "activations",
            Self::RequestBytes => "octets of requests",
            Self::ScheduleSteps => "steps of delivery schedules",
            Self::Warnings => "warnings",
        }
    }
}
