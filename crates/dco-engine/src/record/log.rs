//! Records that the decision log alone needs: no rule rests on them.

use bytes::Bytes;

/// What one caller was refused in one minute, counted so that nobody fills the disk by asking.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Refused {
    /// Whose certificate it was.
    #[prost(fixed64, tag = "1")]
    pub by: u64,
    /// When the minute began.
    #[prost(int64, tag = "2")]
    pub minute_us: i64,
    /// What was refused.
    #[prost(message, repeated, tag = "3")]
    pub calls: Vec<RefusedCall>,
}

/// Refusals of one call for one reason.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RefusedCall {
    /// The call's path.
    #[prost(string, tag = "1")]
    pub call: String,
    /// A reason of the error table.
    #[prost(string, tag = "2")]
    pub reason: String,
    /// How often.
    #[prost(uint32, tag = "3")]
    pub count: u32,
    /// What was said to the first.
    #[prost(string, tag = "4")]
    pub message: String,
}

/// The service signed how far its log had come when a service day was over.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckpointMade {
    /// The last service day that was over.
    #[prost(int32, tag = "1")]
    pub date: i32,
    /// The last record that is signed for.
    #[prost(uint64, tag = "2")]
    pub seq: u64,
    /// The hash chain after it: 32 octets.
    #[prost(bytes = "bytes", tag = "3")]
    pub chain: Bytes,
    /// Of [`crate::checkpoint_text`]: ECDSA P-256 with SHA-256, DER.
    #[prost(bytes = "bytes", tag = "4")]
    pub signature: Bytes,
    /// The key that verifies it, as SubjectPublicKeyInfo, DER.
    #[prost(bytes = "bytes", tag = "5")]
    pub public_key: Bytes,
}

/// The service's clock went ahead at once by more than is allowed, while all releases were paused for another reason. Where they were
/// not, the pause says so.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ClockJumped {
    /// By how much.
    #[prost(int64, tag = "1")]
    pub ahead_us: i64,
}
