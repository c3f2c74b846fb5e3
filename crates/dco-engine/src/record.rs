//! What the journal keeps: every change of the engine's state that time alone does not bring.
//!
//! prost messages, so that they can grow: a field number is never reused, and a record that an older
//! program wrote reads the same for ever. An EUI-64 is a `fixed64`, an instant an `int64` of UTC
//! microseconds, a service date an `int32` of days since 1970-01-01.

mod attempts;
mod crowded;
mod days;
mod log;
mod pauses;
mod products;
mod schedules;

use bytes::Bytes;

/// What records and snapshots mean, counted up whenever an older program would misread what a newer one wrote. 0 is what
/// the first form of the service wrote.
pub const RECORD_FORMAT: u32 = 3;

pub use attempts::{AttemptScheduled, LateSuccess, Near, Warned};
pub use crowded::CrowdedWindow;
pub use days::{Configured, DayOpened, Repaid};
pub use log::{CheckpointMade, ClockJumped, Refused, RefusedCall};
pub use pauses::{BreakerChanged, PauseChanged, PauseScope, StopFigures};
pub use products::{Counted, Product, ProductsImported, ThresholdBreached, TrustSet};
pub use schedules::{
    ActKind, ActionClosed, ActionPended, Asked, CapacitySet, Deal, ForgottenNotices, MoveCause,
    NoticeKind, NoticesForgotten, ProposedMove, Quota, ScheduleAct, ScheduleStepped, Signatory,
    Signature,
};
pub(crate) use schedules::{profile_of, window_of};

/// One record.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Record {
    /// The engine's time when it was decided.
    #[prost(int64, tag = "1")]
    pub at_us: i64,
    /// What changed.
    #[prost(
        oneof = "Change",
        tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 25, 26, 27, 30, 31, 32, 35, 36, 37, 40, 41, 42, 43, 44"
    )]
    pub change: Option<Change>,
}

/// What changed.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Change {
    /// A service day began to be of interest.
    #[prost(message, tag = "2")]
    DayOpened(DayOpened),
    /// Devices came into the inventory.
    #[prost(message, tag = "3")]
    DevicesImported(DevicesImported),
    /// A transfer was opened.
    #[prost(message, tag = "4")]
    TransferOpened(TransferOpened),
    /// Its User was warned that it will expire.
    #[prost(message, tag = "5")]
    TransferWarned(TransferRef),
    /// It reached its end.
    #[prost(message, tag = "6")]
    TransferEnded(TransferEnded),
    /// A batch was accepted.
    #[prost(message, tag = "7")]
    BatchAccepted(BatchAccepted),
    /// What was not under way of a batch was cancelled.
    #[prost(message, tag = "8")]
    BatchCancelled(BatchCancelled),
    /// An attempt was released.
    #[prost(message, tag = "9")]
    Released(Released),
    /// An attempt ended.
    #[prost(message, tag = "10")]
    AttemptEnded(AttemptEnded),
    /// An activation was cancelled before an attempt.
    #[prost(message, tag = "11")]
    ActivationCancelled(ActivationCancelled),
    /// A gateway came with a memory.
    #[prost(message, tag = "12")]
    GatewaySeen(GatewaySeen),
    /// A User does not have an image any more.
    #[prost(message, tag = "13")]
    ImageRetired(ImageRetired),
    /// What is kept of an image is damaged.
    #[prost(message, tag = "14")]
    ImageQuarantined(ImageQuarantined),
    /// The circuit breaker of a gateway has opened or closed.
    #[prost(message, tag = "18")]
    BreakerChanged(BreakerChanged),
    /// Releases were paused.
    #[prost(message, tag = "15")]
    Paused(PauseChanged),
    /// They were resumed.
    #[prost(message, tag = "16")]
    Resumed(PauseChanged),
    /// What was before came from a backup.
    #[prost(message, tag = "17")]
    Restored(Restored),
    /// An attempt that was given up has succeeded after all.
    #[prost(message, tag = "25")]
    LateSuccess(LateSuccess),
    /// A Device has the image and the time at which it is to activate it.
    #[prost(message, tag = "26")]
    AttemptScheduled(AttemptScheduled),
    /// Somebody was warned before a limit or a time was reached.
    #[prost(message, tag = "27")]
    Warned(Warned),
    /// Entries came into the Central Products List.
    #[prost(message, tag = "30")]
    ProductsImported(ProductsImported),
    /// Other checks against it are made from now on.
    #[prost(message, tag = "31")]
    TrustSet(TrustSet),
    /// A request would have taken a count over its threshold.
    #[prost(message, tag = "32")]
    ThresholdBreached(ThresholdBreached),
    /// A caller was refused something.
    #[prost(message, tag = "35")]
    Refused(Refused),
    /// How far the decision log had come was signed.
    #[prost(message, tag = "36")]
    CheckpointMade(CheckpointMade),
    /// The service's clock went ahead at once while all releases were paused already.
    #[prost(message, tag = "37")]
    ClockJumped(ClockJumped),
    /// Something was done to a delivery schedule.
    #[prost(message, tag = "40")]
    ScheduleStepped(ScheduleStepped),
    /// An act on a schedule waits for a second officer.
    #[prost(message, tag = "41")]
    ActionPended(ActionPended),
    /// What waited for a second officer does not happen.
    #[prost(message, tag = "42")]
    ActionClosed(ActionClosed),
    /// Capacity or hour profile was set.
    #[prost(message, tag = "43")]
    CapacitySet(CapacitySet),
    /// Notices are not kept any more.
    #[prost(message, tag = "44")]
    NoticesForgotten(NoticesForgotten),
}

/// The inventory entries of some Devices.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DevicesImported {
    /// The operator.
    #[prost(fixed64, tag = "1")]
    pub by: u64,
    /// The request.
    #[prost(message, optional, tag = "2")]
    pub request: Option<RequestKey>,
    /// Manufacturer and model, named by index.
    #[prost(message, repeated, tag = "3")]
    pub models: Vec<Model>,
    /// The Devices.
    #[prost(message, repeated, tag = "4")]
    pub devices: Vec<Device>,
    /// Where it is written down, if the operator said so.
    #[prost(string, tag = "85")]
    pub ticket: String,
    /// Why, likewise.
    #[prost(string, tag = "86")]
    pub reason: String,
}

/// A Device Model.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct Model {
    /// Who makes it.
    #[prost(string, tag = "1")]
    pub manufacturer: String,
    /// What it is called.
    #[prost(string, tag = "2")]
    pub model: String,
}

/// One Device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Device {
    /// Its EUI-64.
    #[prost(fixed64, tag = "1")]
    pub device: u64,
    /// Its registered User.
    #[prost(fixed64, tag = "2")]
    pub user: u64,
    /// Its gateway.
    #[prost(fixed64, tag = "3")]
    pub gateway: u64,
    /// Index into the record's models.
    #[prost(uint32, tag = "4")]
    pub model: u32,
    /// As in the OTA header's range.
    #[prost(uint32, tag = "5")]
    pub hardware_version: u32,
    /// What it runs.
    #[prost(uint32, tag = "6")]
    pub firmware_version: u32,
}

/// A request that changed something: its id and what it asked.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RequestKey {
    /// The UUID, 16 octets.
    #[prost(bytes = "bytes", tag = "1")]
    pub id: Bytes,
    /// SHA-256 over what was asked, 32 octets.
    #[prost(bytes = "bytes", tag = "2")]
    pub digest: Bytes,
}

/// SRV 11.1 opened. The record's own number is the transfer's owner number in the block log.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TransferOpened {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// Counted per User.
    #[prost(uint64, tag = "2")]
    pub number: u64,
    /// The request.
    #[prost(message, optional, tag = "3")]
    pub request: Option<RequestKey>,
    /// 32 octets.
    #[prost(bytes = "bytes", tag = "4")]
    pub image_id: Bytes,
    /// Length of the whole image.
    #[prost(uint32, tag = "5")]
    pub image_bytes: u32,
    /// Length of every block but the last.
    #[prost(uint32, tag = "6")]
    pub block_bytes: u32,
    /// 32 octets.
    #[prost(bytes = "bytes", tag = "7")]
    pub manufacturer_image_hash: Bytes,
    /// OTA File Version.
    #[prost(uint32, tag = "8")]
    pub firmware_version: u32,
    /// As in the image.
    #[prost(bytes = "bytes", tag = "9")]
    pub ota_header: Bytes,
    /// Accepted Devices.
    #[prost(fixed64, repeated, tag = "10")]
    pub devices: Vec<u64>,
    /// Unknown or not this User's.
    #[prost(fixed64, repeated, tag = "11")]
    pub invalid: Vec<u64>,
    /// Hardware version outside the range.
    #[prost(fixed64, repeated, tag = "12")]
    pub not_applicable_firmware: Vec<u64>,
    /// When RECEIVING ends.
    #[prost(int64, tag = "13")]
    pub expire_us: i64,
    /// When to warn of that.
    #[prost(int64, tag = "14")]
    pub warn_us: i64,
    /// The User's own, as it came.
    #[prost(bytes = "bytes", tag = "15")]
    pub signed_request: Bytes,
    /// The counter of the User's Service Request.
    #[prost(uint64, optional, tag = "16")]
    pub originator_counter: Option<u64>,
    /// When the period began in which it counts against thresholds.
    #[prost(int64, optional, tag = "17")]
    pub period_start_us: Option<i64>,
}

/// A transfer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TransferRef {
    /// The number of the record that opened it.
    #[prost(uint64, tag = "1")]
    pub owner: u64,
    /// Its name, for whoever has only this record.
    #[prost(message, optional, tag = "85")]
    pub id: Option<TransferId>,
}

/// The name of a transfer. State follows from the record's other fields; this is for the decision log.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct TransferId {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// Counted per User.
    #[prost(uint64, tag = "2")]
    pub number: u64,
}

/// The name of an activation, likewise.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct ActivationId {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// The batch's number.
    #[prost(uint64, tag = "2")]
    pub batch: u64,
    /// The Device.
    #[prost(fixed64, tag = "3")]
    pub device: u64,
}

/// The 11.1 Response.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TransferEnded {
    /// The number of the record that opened it.
    #[prost(uint64, tag = "1")]
    pub owner: u64,
    /// How.
    #[prost(enumeration = "TransferEnd", tag = "2")]
    pub end: i32,
    /// Empty when stored.
    #[prost(string, tag = "3")]
    pub reason: String,
    /// For a person.
    #[prost(string, tag = "4")]
    pub message: String,
    /// The request that cancelled it.
    #[prost(message, optional, tag = "5")]
    pub request: Option<RequestKey>,
    /// Its name, for whoever has only this record.
    #[prost(message, optional, tag = "85")]
    pub id: Option<TransferId>,
}

/// How a transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum TransferEnd {
    /// Never written.
    Unspecified = 0,
    /// Verified and kept.
    Stored = 1,
    /// Verified and found wrong.
    Rejected = 2,
    /// Given up by its User.
    Cancelled = 3,
    /// Not complete in time.
    Expired = 4,
}

/// SRV 11.3 accepted.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BatchAccepted {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// Counted per User.
    #[prost(uint64, tag = "2")]
    pub number: u64,
    /// The request.
    #[prost(message, optional, tag = "3")]
    pub request: Option<RequestKey>,
    /// 32 octets.
    #[prost(bytes = "bytes", tag = "4")]
    pub image_id: Bytes,
    /// In the order they are to go.
    #[prost(fixed64, repeated, tag = "5")]
    pub devices: Vec<u64>,
    /// The service day it was sent for.
    #[prost(int32, tag = "6")]
    pub service_date: i32,
    /// When that day starts: parked until then.
    #[prost(int64, tag = "7")]
    pub day_start_us: i64,
    /// When the TRT starts.
    #[prost(int64, tag = "8")]
    pub trt_start_us: i64,
    /// When it ends.
    #[prost(int64, tag = "9")]
    pub due_us: i64,
    /// What the answer predicted, so that the same request is answered the same; 0, and the other 0, for nothing.
    #[prost(int64, tag = "10")]
    pub predicted_release_us: i64,
    /// Likewise.
    #[prost(int64, tag = "11")]
    pub predicted_completion_us: i64,
    /// The User's own, as it came.
    #[prost(bytes = "bytes", tag = "12")]
    pub signed_request: Bytes,
    /// The counter of the User's Service Request.
    #[prost(uint64, optional, tag = "13")]
    pub originator_counter: Option<u64>,
    /// When the period began in which its activations count against thresholds.
    #[prost(int64, optional, tag = "14")]
    pub period_start_us: Option<i64>,
    /// The User's schedule that covers it. What else is large uses up allowance.
    #[prost(uint32, optional, tag = "40")]
    pub schedule: Option<u32>,
    /// Not large, and uses up allowance nevertheless.
    #[prost(bool, tag = "41")]
    pub small_uses_allowance: bool,
    /// What may be sent for the day under what covers it.
    #[prost(uint32, tag = "42")]
    pub limit: u32,
    /// The schedule's window: the first local hour in which it is released.
    #[prost(uint32, optional, tag = "43")]
    pub window_from: Option<u32>,
    /// The local hour before which that ends.
    #[prost(uint32, optional, tag = "44")]
    pub window_to: Option<u32>,
    /// How many Devices must succeed under its schedule before the rest is released.
    #[prost(uint32, tag = "68")]
    pub canary: u32,
    /// How many Devices of it must succeed before the rest of it is released; only where no schedule has canaries.
    #[prost(uint32, tag = "111")]
    pub own_canary: u32,
    /// When Devices are to activate it; at once if absent.
    #[prost(int64, optional, tag = "75")]
    pub execute_us: Option<i64>,
    /// Whether it may be released before its service day.
    #[prost(bool, tag = "69")]
    pub run_ahead: bool,
    /// Whether it may be released through the security lane.
    #[prost(bool, tag = "110")]
    pub security: bool,
}

/// A cancelled batch.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BatchCancelled {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// Its number.
    #[prost(uint64, tag = "2")]
    pub number: u64,
    /// The request.
    #[prost(message, optional, tag = "3")]
    pub request: Option<RequestKey>,
    /// Activations that were never released and are given back to the allowance of the batch's service day.
    #[prost(uint32, tag = "4")]
    pub given_back: u32,
}

/// One attempt leaves for its gateway.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Released {
    /// Which activation.
    #[prost(uint32, tag = "1")]
    pub activation: u32,
    /// Counted from 1.
    #[prost(uint32, tag = "2")]
    pub attempt: u32,
    /// The service day charged, where the image is large.
    #[prost(int32, optional, tag = "3")]
    pub charged_date: Option<i32>,
    /// When it is taken to have failed.
    #[prost(int64, tag = "4")]
    pub answer_by_us: i64,
    /// The gateway it left for.
    #[prost(fixed64, tag = "5")]
    pub gateway: u64,
    /// Whether the gateway must ask the Device first.
    #[prost(bool, tag = "6")]
    pub read_version_first: bool,
    /// Its name, for whoever has only this record.
    #[prost(message, optional, tag = "85")]
    pub id: Option<ActivationId>,
    /// Whether it left before its service day, on capacity that nobody else had a use for.
    #[prost(bool, tag = "68")]
    pub lent: bool,
    /// Whether it left through the security lane.
    #[prost(bool, tag = "110")]
    pub security: bool,
}

/// One attempt is over.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttemptEnded {
    /// Which activation.
    #[prost(uint32, tag = "1")]
    pub activation: u32,
    /// Which attempt.
    #[prost(uint32, tag = "2")]
    pub attempt: u32,
    /// [`crate::Outcome::number`].
    #[prost(uint32, tag = "3")]
    pub outcome: u32,
    /// The service day whose unit is given back.
    #[prost(int32, optional, tag = "4")]
    pub refunded_date: Option<i32>,
    /// When another attempt may be made; absent when none will.
    #[prost(int64, optional, tag = "5")]
    pub retry_us: Option<i64>,
    /// What the Device runs.
    #[prost(uint32, optional, tag = "6")]
    pub running_version: Option<u32>,
    /// 32 octets, or none.
    #[prost(bytes = "bytes", tag = "7")]
    pub device_image_hash: Bytes,
    /// For a person.
    #[prost(string, tag = "8")]
    pub message: String,
    /// Its name, for whoever has only this record.
    #[prost(message, optional, tag = "85")]
    pub id: Option<ActivationId>,
    /// It is certain that nothing of the image went to the Device.
    #[prost(bool, tag = "75")]
    pub nothing_sent: bool,
    /// The service ended it before it had got to its gateway: it was no try of anybody's.
    #[prost(bool, tag = "76")]
    pub withheld: bool,
}

/// An activation cancelled at its release.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ActivationCancelled {
    /// Which activation.
    #[prost(uint32, tag = "1")]
    pub activation: u32,
    /// Why.
    #[prost(string, tag = "2")]
    pub reason: String,
    /// Its name, for whoever has only this record.
    #[prost(message, optional, tag = "85")]
    pub id: Option<ActivationId>,
}

/// A gateway and its memory.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GatewaySeen {
    /// Which.
    #[prost(fixed64, tag = "1")]
    pub gateway: u64,
    /// Its memory.
    #[prost(string, tag = "2")]
    pub memory_id: String,
}

/// An image that its User has not used for long.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ImageRetired {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// 32 octets.
    #[prost(bytes = "bytes", tag = "2")]
    pub image_id: Bytes,
}

/// An image of whose one copy a block is damaged: for all who have it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ImageQuarantined {
    /// 32 octets.
    #[prost(bytes = "bytes", tag = "1")]
    pub image_id: Bytes,
    /// The block that was found damaged.
    #[prost(uint32, tag = "2")]
    pub index: u32,
}

/// The records before this one came from a backup: what happened after it was made is not known.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Restored {
    /// Attempts have numbers from a thousand times this on. Higher than that of any life of the service before.
    #[prost(uint32, tag = "1")]
    pub epoch: u32,
}
