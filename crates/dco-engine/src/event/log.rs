//! What belongs to the decision log alone.

use bytes::Bytes;
use dco_block::Eui64;
use dco_schedule::{Micros, ServiceDate};

/// How far the log had come when a service day was over, signed with the service's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The last service day that was over.
    pub date: ServiceDate,
    /// The last record that is signed for.
    pub seq: u64,
    /// The hash chain after it.
    pub chain: [u8; 32],
    /// Of [`crate::checkpoint_text`]: ECDSA P-256 with SHA-256, DER.
    pub signature: Bytes,
    /// The key that verifies it, as SubjectPublicKeyInfo, DER.
    pub public_key: Bytes,
}

/// Why something is done, as whoever does it says; what is not said is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaidWhy {
    /// Where it is written down.
    pub ticket: String,
    /// For a person.
    pub reason: String,
}

/// What one caller was refused in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCalls {
    /// Whose certificate it was.
    pub by: Eui64,
    /// When the minute began.
    pub minute_us: Micros,
    /// What was refused.
    pub calls: Vec<RefusedCall>,
}

/// Refusals of one call for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCall {
    /// The call's path.
    pub call: String,
    /// A reason of the error table.
    pub reason: String,
    /// How often.
    pub count: u32,
    /// What was said to the first.
    pub message: String,
}
