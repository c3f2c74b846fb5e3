//! The decision log.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use bytes::Bytes;
use dco_block::Eui64;

use super::Micros;

/// Why something is done, for the decision log; what is empty is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaidWhy {
    /// Where it is written down.
    pub ticket: String,
    /// For a person.
    pub reason: String,
}

/// Which decisions are wanted; every field narrows it down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionLogQuery {
    /// The number of the first record; 0 for the oldest that is kept.
    pub first_seq: u64,
    /// Only the newest so many; 0 for all.
    pub newest: u32,
    /// All kinds when empty.
    pub kinds: Vec<DecisionKind>,
    /// Only what this party did.
    pub by: Option<Eui64>,
    /// Only what was decided then or later.
    pub from_us: Option<Micros>,
    /// Only what was decided before.
    pub to_us: Option<Micros>,
    /// With each record's bytes; then the fields above but `first_seq` must be left out.
    pub with_records: bool,
}

/// What of the log is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionLogStart {
    /// The oldest record that is kept.
    pub oldest_seq: u64,
    /// The first that is looked at.
    pub first_seq: u64,
    /// The hash chain before that.
    pub chain_before: [u8; 32],
    /// The last that is looked at.
    pub last_seq: u64,
    pub at_us: Option<Micros>,
    /// Of the service.
    pub program_version: String,
}

/// One record of the journal in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub seq: u64,
    pub at_us: Option<Micros>,
    pub kind: DecisionKind,
    /// Who; `None` when it was the rules, or time.
    pub by: Option<Eui64>,
    /// The second officer, where there were two.
    pub second: Option<Eui64>,
    pub what: String,
    /// What it was done to.
    pub subject: String,
    /// The numbers behind it.
    pub text: String,
    /// Why.
    pub reason: String,
    pub ticket: String,
    pub request_id: String,
    /// The hash chain after it.
    pub chain: [u8; 32],
    /// Its bytes, where they were asked for.
    pub record: Bytes,
}

/// The end of what was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionLogEnd {
    /// How many decisions there were.
    pub count: u64,
    /// The last record that was looked at.
    pub last_seq: u64,
    /// The hash chain after that.
    pub chain: [u8; 32],
    pub at_us: Option<Micros>,
    /// The service's signature of it; empty where it has no key for that.
    pub signature: Bytes,
    /// The key that verifies it: SubjectPublicKeyInfo, DER.
    pub public_key: Bytes,
}

/// What kind of thing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecisionKind {
    Admission,
    Refusal,
    Agreement,
    Release,
    Outcome,
    Cancellation,
    Pause,
    Override,
    Import,
    Checkpoint,
    Event,
}

impl DecisionKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Admission,
        Self::Refusal,
        Self::Agreement,
        Self::Release,
        Self::Outcome,
        Self::Cancellation,
        Self::Pause,
        Self::Override,
        Self::Import,
        Self::Checkpoint,
        Self::Event,
    ];
}

impl Display for DecisionKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Admission => "admission",
            Self::Refusal => "refusal",
            Self::Agreement => "agreement",
            Self::Release => "release",
            Self::Outcome => "outcome",
            Self::Cancellation => "cancellation",
            Self::Pause => "pause",
            Self::Override => "override",
            Self::Import => "import",
            Self::Checkpoint => "checkpoint",
            Self::Event => "event",
        })
    }
}

impl FromStr for DecisionKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.to_string() == text);
        known.ok_or_else(|| {
            let words: Vec<_> = Self::ALL.iter().map(Self::to_string).collect();
            format!("write one of {}", words.join(", "))
        })
    }
}
