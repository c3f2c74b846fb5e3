//! What is learned of attempts after they ended, and of batches whose time runs out.

use bytes::Bytes;

use super::ActivationId;

/// A gateway has said, after the DCO had given the attempt up, that it was a success.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LateSuccess {
    /// Which activation.
    #[prost(uint32, tag = "1")]
    pub activation: u32,
    /// Which attempt.
    #[prost(uint32, tag = "2")]
    pub attempt: u32,
    /// [`crate::Outcome::number`]: one that is a success.
    #[prost(uint32, tag = "3")]
    pub outcome: u32,
    /// What the Device runs.
    #[prost(uint32, optional, tag = "4")]
    pub running_version: Option<u32>,
    /// 32 octets, or none.
    #[prost(bytes = "bytes", tag = "5")]
    pub device_image_hash: Bytes,
    /// For a person.
    #[prost(string, tag = "6")]
    pub message: String,
    /// Its name, for whoever has only this record.
    #[prost(message, optional, tag = "7")]
    pub id: Option<ActivationId>,
}

/// The image is at the Device, which waits for the execution time.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct AttemptScheduled {
    /// Which activation.
    #[prost(uint32, tag = "1")]
    pub activation: u32,
    /// Which attempt.
    #[prost(uint32, tag = "2")]
    pub attempt: u32,
    /// Its name, for whoever has only this record.
    #[prost(message, optional, tag = "3")]
    pub id: Option<ActivationId>,
}

/// Somebody was warned. What depends on settings is in here.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Warned {
    /// What is near.
    #[prost(enumeration = "Near", tag = "1")]
    pub near: i32,
    /// The User, but for a day's capacity.
    #[prost(fixed64, tag = "2")]
    pub user: u64,
    /// Its batch, where it is about one.
    #[prost(uint64, tag = "3")]
    pub batch: u64,
    /// The limit.
    #[prost(uint64, tag = "4")]
    pub limit: u64,
    /// What of it is used; activations that have not ended, where it is about a batch.
    #[prost(uint64, tag = "5")]
    pub used: u64,
    /// The service day, where it is about one.
    #[prost(int32, tag = "6")]
    pub date: i32,
    /// When the period began in which it counts as a warning that the Service Desk is told, where it does.
    #[prost(int64, optional, tag = "161")]
    pub period_start_us: Option<i64>,
    /// The Service Desk is not told: it was told of enough of this User in the period.
    #[prost(bool, tag = "162")]
    pub untold: bool,
}

/// What is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Near {
    /// Never written.
    Unspecified = 0,
    /// The end of a batch's TRT.
    Trt = 1,
    /// The limit on open transfers of one User.
    OpenTransfers = 2,
    /// The limit on stored bytes of one User.
    StoredBytes = 3,
    /// The capacity of a service day.
    Capacity = 4,
}
