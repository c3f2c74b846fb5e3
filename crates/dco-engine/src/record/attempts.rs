//! What is learned of attempts after they ended, and of batches whose time runs out.

use bytes::Bytes;

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
}
