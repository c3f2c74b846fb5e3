//! What can be read of the engine: values made for an answer, never the state itself.

mod products;
mod reports;
mod schedules;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, ImageId, Manifest, ManufacturerImageHash};
use dco_schedule::{Micros, ServiceDate, ServiceDay, Source};

pub use products::{Distrust, ProductEntry, ProductStatus, ProductView, versions_named};
pub use reports::{
    CapacityReportDay, DayCounts, FairnessDay, FairnessRow, Group, LostUnits, OutcomeRow,
    ReportDays,
};
pub use schedules::{
    ActTold, ActionFate, ActionState, ActionView, CountUse, LimitsView, Notice, NoticeSubject,
    Notices, QuotaUse, ScheduleView,
};

use crate::event::Scope;
use crate::outcome::Outcome;
use crate::record::StopFigures;

/// Where a transfer stands. Only forward: `RECEIVING → VERIFYING → STORED → RETIRED`, or one of the other ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransferState {
    /// Blocks are missing.
    Receiving,
    /// All blocks are held; the image is being read back.
    Verifying,
    /// Verified and kept.
    Stored,
    /// Verified and found wrong.
    Rejected,
    /// Given up by its User.
    Cancelled,
    /// Not complete in time.
    Expired,
    /// It was STORED, and its User had no use for the image for long: it has it no more.
    Retired,
    /// It is STORED, and what is kept of the image is damaged: its User is to send it again.
    Quarantined,
}

impl fmt::Display for TransferState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receiving => "RECEIVING",
            Self::Verifying => "VERIFYING",
            Self::Stored => "STORED",
            Self::Rejected => "REJECTED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Retired => "RETIRED",
            Self::Quarantined => "QUARANTINED",
        })
    }
}

/// The Devices an image was not accepted for, in the lists of DUIS `DSPUpdateFirmwareWarning`.
/// Three of the five stay empty: two need facts the DCO does not have (commissioning state, GBCS version), and
/// another request in progress cannot collide with an 11.1 that only reaches the DCO; 11.3 says it (`DEVICE_BUSY`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvalidDevices {
    /// Unknown, or not registered to this User.
    pub invalid: Vec<Eui64>,
    /// Its hardware version is outside the range in the OTA header.
    pub not_applicable_firmware: Vec<Eui64>,
}

impl InvalidDevices {
    /// Whether every Device was accepted.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Devices in all lists.
    pub fn count(&self) -> usize {
        self.invalid.len() + self.not_applicable_firmware.len()
    }
}

/// The 11.1 Response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferResponse {
    /// The instant it was given.
    pub at_us: Micros,
    /// Empty when the image is stored; else a reason of the error table.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
}

/// One transfer.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferView {
    /// Its User.
    pub user: Eui64,
    /// Counted per User from 1; `None` in the answer to a request that only validates.
    pub number: Option<u64>,
    /// Where it stands.
    pub state: TransferState,
    /// Its image.
    pub manifest: Arc<Manifest>,
    /// Durable blocks.
    pub blocks_held: u32,
    /// The lowest missing ranges, at most [`MISSING_RANGES_MAX`]; none in a list.
    pub missing: Vec<RangeInclusive<u32>>,
    /// When it was opened.
    pub created_us: Micros,
    /// When RECEIVING ends by itself.
    pub expire_us: Micros,
    /// When its User was warned of that.
    pub warned_us: Option<Micros>,
    /// Devices accepted.
    pub device_count: usize,
    /// Devices not accepted.
    pub invalid: Arc<InvalidDevices>,
    /// The 11.1 Response, once there is one.
    pub response: Option<TransferResponse>,
    /// The User's own signed Service Request, as it came; only when the transfer is opened or read by its name.
    pub signed_request: Bytes,
}

/// Missing ranges in one answer.
pub const MISSING_RANGES_MAX: usize = 1_024;

/// Activations of a batch by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActivationCounts {
    /// Sent for a later service day.
    pub parked: u32,
    /// Waiting for release.
    pub queued: u32,
    /// With an attempt under way.
    pub released: u32,
    /// Waiting before another attempt.
    pub retry_wait: u32,
    /// Done.
    pub succeeded: u32,
    /// Given up.
    pub failed: u32,
    /// Cancelled.
    pub cancelled: u32,
}

impl ActivationCounts {
    /// Activations that have not reached their end.
    pub fn open(&self) -> u32 {
        self.parked + self.queued + self.released + self.retry_wait
    }
}

/// One batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchView {
    /// Its User.
    pub user: Eui64,
    /// Counted per User from 1; `None` in the answer to a request that only validates.
    pub number: Option<u64>,
    /// The image, as the User named it.
    pub manufacturer_image_hash: ManufacturerImageHash,
    /// The image, as the DCO knows it.
    pub image_id: ImageId,
    /// Strictly over 750,000 bytes.
    pub large: bool,
    /// The service day it was sent for.
    pub service_date: ServiceDate,
    /// What covers it; `None` for one that uses up nothing.
    pub source: Option<Source>,
    /// When it was accepted.
    pub created_us: Micros,
    /// When its TRT began, or will begin.
    pub trt_start_us: Micros,
    /// When its TRT ends.
    pub due_us: Micros,
    /// When its last activation is expected to be released and to be done; `None` once settled, in a list, and in
    /// changes that are not the last ones.
    pub predicted: Option<Prediction>,
    /// When Devices are to activate it, where its User named a time.
    pub execute_us: Option<Micros>,
    /// Devices that may have the image, or some of it, and are not known to run it; 0 in a list and when it is accepted.
    pub may_have_image_count: u32,
    /// Its activations.
    pub counts: ActivationCounts,
    /// The canaries of its image under its schedule; not in a list.
    pub canary: Option<CanaryView>,
    /// The User's own signed Service Request, as it came; only when the batch is submitted or read by its name.
    pub signed_request: Bytes,
}

/// When something waiting is expected to leave and to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prediction {
    /// The release.
    pub release_us: Micros,
    /// The outcome.
    pub completion_us: Micros,
}

/// Where an activation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationState {
    /// Sent for a later service day.
    Parked,
    /// Waiting for release.
    Queued,
    /// An attempt is under way.
    Released(Stage),
    /// Waiting before another attempt.
    RetryWait {
        /// When it is queued again.
        until_us: Micros,
    },
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
    /// Cancelled before an attempt was under way.
    Cancelled,
}

/// How far an attempt has come, as far as its gateway has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Offered, not answered.
    Offered,
    /// The gateway has taken it.
    Accepted,
    /// Blocks are going to the Device.
    Transferring {
        /// Blocks the Device has.
        blocks_done: u32,
    },
    /// The Device has the whole image.
    Delivered,
    /// The Device has the image and waits for the execution time.
    Scheduled,
    /// Its gateway is away.
    Unknown,
}

/// One activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationView {
    /// The batch's User.
    pub user: Eui64,
    /// The batch.
    pub batch: u64,
    /// The Device.
    pub device: Eui64,
    /// Where it stands.
    pub state: ActivationState,
    /// Attempts so far, the one under way included.
    pub attempt: u16,
    /// How the last finished attempt ended.
    pub outcome: Option<Outcome>,
    /// The last release.
    pub released_us: Option<Micros>,
    /// When it reached its end.
    pub ended_us: Option<Micros>,
    /// What was said of its last end, for a person: by the gateway that ended the last attempt, or why it was
    /// cancelled. Empty when nothing was said.
    pub message: String,
    /// What the Device runs, where the gateway said it.
    pub running_version: Option<FirmwareVersion>,
    /// SHA-256 of the Manufacturer Image as the Device computed it, where the gateway said it.
    pub device_image_hash: Option<ManufacturerImageHash>,
    /// Whether it is not certain that nothing of the image went to the Device.
    pub may_have_image: bool,
}

/// Why an activation is where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The activation.
    pub activation: ActivationView,
    /// What holds it, the strongest first.
    pub holds: Vec<Hold>,
    /// Activations of the same User that go first; `None` when it does not wait in line.
    pub ahead_count: Option<u64>,
    /// Whether it waits in the security lane, which has units left of today: then those that go first are those there.
    pub in_security_lane: bool,
    /// No release before this; `None` when an event must come first, or none is to come.
    pub earliest_us: Option<Micros>,
    /// When its release is expected.
    pub predicted_release_us: Option<Micros>,
    /// When its TRT ends.
    pub due_us: Micros,
}

/// One thing that holds an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The Service Desk, an operator or a rule has paused releases.
    DispatchPaused {
        /// Which.
        scope: Scope,
        /// Since when.
        since_us: Micros,
        /// Where it is written down; empty when the data come from a backup, or a rule paused.
        ticket: String,
        /// Why, where the service itself has paused all releases; else empty: it is between officers, or says something of
        /// other Users.
        reason: String,
    },
    /// What is kept of the image is damaged; it is to be sent again.
    ImageQuarantined {
        /// Since when.
        since_us: Micros,
    },
    /// The Central Products List does not allow it.
    NotAllowed(Distrust),
    /// The first Devices under its schedule must succeed first.
    Canary(CanaryView),
    /// Sent for a later service day.
    ServiceDayNotStarted {
        /// When that day starts.
        until_us: Micros,
    },
    /// Today's capacity, over all Users, is used.
    SystemDailyCapacityUsed {
        /// When the first hour of the next service day begins in which any may go.
        until_us: Micros,
    },
    /// Its schedule has hours, and this is none of them.
    OutsideWindow {
        /// When they begin next.
        until_us: Micros,
    },
    /// Today's releases are spread over the day.
    Paced {
        /// When the next one may leave.
        until_us: Micros,
    },
    /// The security lane has released what it may today. It waits in the ordinary line, as others do.
    SecurityLaneUsed {
        /// What the lane may release on a service day.
        limit: u32,
        /// When the next service day starts.
        until_us: Micros,
    },
    /// Others of this User are due earlier, or it is the turn of other Users.
    BehindOthers {
        /// Those of the same User.
        ahead_count: u64,
    },
    /// The Device's gateway is not connected.
    GatewayNotConnected {
        /// Which.
        gateway: Eui64,
    },
    /// Attempts through the Device's gateway failed in a row.
    GatewayFailing {
        /// Which.
        gateway: Eui64,
        /// When one attempt may try it; `None` while one does, and what becomes of that is waited for.
        until_us: Option<Micros>,
    },
    /// As many attempts have left for the Device's gateway as its rate allows.
    GatewayRateReached {
        /// Which.
        gateway: Eui64,
        /// When the next one may leave.
        until_us: Micros,
    },
    /// The Device's gateway has as many attempts as it takes.
    GatewayBusy {
        /// Which.
        gateway: Eui64,
        /// Attempts under way there.
        attempt_count: u32,
    },
    /// Waiting before another attempt.
    RetryBackoff {
        /// Until when.
        until_us: Micros,
    },
    /// The Device has the image and activates it at the execution time.
    ExecutionTimeNotReached {
        /// That time.
        until_us: Micros,
    },
    /// An attempt is under way.
    AttemptUnderWay {
        /// When it is taken to have failed.
        until_us: Micros,
    },
}

/// A pause in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseView {
    /// Of which releases.
    pub scope: Scope,
    /// Since when.
    pub since_us: Micros,
    /// Who paused; `None` when the data come from a backup, or a rule paused.
    pub by: Option<Eui64>,
    /// Where it is written down; empty when nobody paused.
    pub ticket: String,
    /// For a person.
    pub reason: String,
    /// What the rule found that paused.
    pub stop: Option<StopFigures>,
}

/// Changes of a batch's activations after a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Where to go on from.
    pub position: u64,
    /// Each changed activation once, as it is now.
    pub activations: Vec<ActivationView>,
    /// The batch as it is now.
    pub batch: BatchView,
    /// Nothing follows `position` now; what is left comes with another call.
    pub complete: bool,
}

/// One gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayView {
    /// Its name.
    pub gateway: Eui64,
    /// Whether it is connected.
    pub connected: bool,
    /// Since when.
    pub changed_us: Micros,
    /// Attempts under way.
    pub attempt_count: u32,
    /// Attempts it takes at one time.
    pub concurrency: u32,
    /// Attempts in a row that failed there.
    pub failures: u32,
    /// When one attempt may try it; `None` while its circuit breaker is closed.
    pub probe_us: Option<Micros>,
}

/// Devices that must succeed with an image under a schedule before the rest is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanaryView {
    /// How many.
    pub wanted: u32,
    /// How many have.
    pub succeeded: u32,
    /// How many of them were given up.
    pub failed: u32,
    /// Nothing waits for them any more.
    pub passed: bool,
}

/// One service day and its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceDayView {
    /// The day.
    pub day: ServiceDay,
    /// Large images that may be released.
    pub capacity: u32,
    /// Large images released.
    pub released: u32,
    /// Large activations sent for it without a schedule.
    pub sent_without_schedule: u32,
}

/// Activations of a User, sent for service days of one month, against their TRT. How they ended is told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrtRow {
    /// The User.
    pub user: Eui64,
    /// `YYYY-MM`.
    pub month: String,
    /// All of them.
    pub activations: u64,
    /// Ended by their due time, however they ended.
    pub ended_within_trt: u64,
    /// Ended later.
    pub ended_late: u64,
    /// Not ended, not yet due.
    pub open_within_trt: u64,
    /// Not ended, past due.
    pub open_late: u64,
    /// Done, in time or late.
    pub succeeded: u64,
    /// Given up.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
}
