//! What the engine is told. A closed set: whatever is not here cannot change it.

mod log;
mod pauses;
mod products;
mod reports;
mod schedules;

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, ImageId, Manifest, ManufacturerImageHash};
use dco_dispatch::Rate;
use dco_schedule::{Micros, ServiceDate};

pub use log::{RefusedCall, RefusedCalls, SaidWhy, SignedCheckpoint};
pub use pauses::Scope;
pub use products::ImportProducts;
pub use reports::{Grouping, REPORT_DAYS_MAX, ReportKind, ReportRequest};
pub use schedules::{
    ActOnSchedule, AnswerAction, CAPACITY_DAYS_MAX, ListSchedules, NoticeParty, Reader,
    SIMULATED_REQUESTS_MAX, ScheduleRequest, SetCapacity,
};

use crate::outcome::Outcome;

/// Where an answer goes. Given by the caller, never looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplyTo(pub u64);

/// One stream of one gateway. Given by the caller; a new stream has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session(pub u64);

/// Chosen by the caller, a UUID; unique per User.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub [u8; 16]);

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody asks; exactly one [`crate::Effect::Reply`] answers.
    Request {
        /// Where the answer goes.
        reply_to: ReplyTo,
        /// What is asked. Whether the caller may ask it was decided before.
        request: Request,
    },
    /// The block log holds this block. Told for each block once it is durable, and at start-up, before anything
    /// else, for each block found.
    BlockHeld {
        /// The transfer's owner number in the block log.
        owner: u64,
        /// Which block.
        index: u32,
    },
    /// A block in the block log is not what was written: found by a read, a read-back or a scrub. It may be told
    /// more than once.
    BlockDamaged {
        /// The transfer's owner number in the block log.
        owner: u64,
        /// Which block.
        index: u32,
    },
    /// The block log has refused a block because its disk is full.
    StoreFull,
    /// The answer to [`crate::Effect::Verify`].
    Verified {
        /// The transfer's owner number in the block log.
        owner: u64,
        /// What was found.
        verdict: Verdict,
    },
    /// A gateway has connected and said what it has in hand.
    GatewayHello {
        /// Who, from its certificate.
        gateway: Eui64,
        /// The stream.
        session: Session,
        /// What it said.
        hello: Hello,
    },
    /// A gateway says something about an attempt.
    GatewayReport {
        /// The stream.
        session: Session,
        /// Which attempt.
        attempt: AttemptRef,
        /// What it said.
        report: Report,
    },
    /// A stream has ended.
    GatewayGone {
        /// Which.
        session: Session,
    },
    /// The answer to [`crate::Effect::Checkpoint`].
    CheckpointSigned(SignedCheckpoint),
    /// The clock went further ahead than time did, by so much and more than is taken for right: releases pause until somebody has looked.
    ClockJumped {
        /// How much further.
        ahead_us: Micros,
    },
    /// Gateways are kept to another rate from now on; to none if absent. It is configuration: a start begins with what is configured
    /// then.
    GatewayRateSet(Option<Rate>),
    /// Time has passed; nothing else happened.
    Tick,
}

/// What the read-back of an image found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All is as the manifest says.
    Good,
    /// It never can be.
    Bad {
        /// A reason of the error table.
        reason: String,
        /// One sentence for a person.
        message: String,
    },
    /// A block is not what was written.
    Damaged {
        /// Which block.
        index: u32,
    },
    /// The disk did not give it; to be tried again.
    Unread,
}

/// What may be asked.
#[derive(Debug, Clone)]
pub enum Request {
    /// Put on record what callers were refused before the engine was asked, or by it.
    NoteRefusals(Vec<RefusedCalls>),
    /// SRV 11.1: declare an image and its Devices.
    OpenTransfer(OpenTransfer),
    /// May blocks be sent for it, and against which manifest?
    AttachTransfer {
        /// Its User.
        user: Eui64,
        /// Its number.
        number: u64,
    },
    /// One transfer.
    GetTransfer {
        /// Its User.
        user: Eui64,
        /// Its number.
        number: u64,
    },
    /// A User's transfers, newest first.
    ListTransfers(Page),
    /// Give a transfer up.
    CancelTransfer(Cancel),
    /// SRV 11.3: activate an image on Devices.
    SubmitBatch(SubmitBatch),
    /// One batch.
    GetBatch {
        /// Its User.
        user: Eui64,
        /// Its number.
        number: u64,
    },
    /// A User's batches, newest first.
    ListBatches(Page),
    /// Cancel what has not been released.
    CancelBatch(Cancel),
    /// One activation.
    GetActivation(ActivationName),
    /// Activations of a batch, in its order.
    ListActivations {
        /// The batch's User.
        user: Eui64,
        /// The batch.
        number: u64,
        /// How many to pass over.
        skip: u32,
        /// How many to answer.
        limit: u32,
    },
    /// Why is this waiting?
    ExplainActivation(ActivationName),
    /// A batch's changes after a position.
    ReadChanges {
        /// The batch's User.
        user: Eui64,
        /// The batch.
        number: u64,
        /// Changes after this.
        position: u64,
        /// Activations in one answer.
        limit: u32,
    },
    /// Put Devices into the inventory, or replace them there.
    ImportDevices(ImportDevices),
    /// Put entries into the Central Products List, or replace them there.
    ImportProducts(ImportProducts),
    /// Entries of the Central Products List, by Device Model and firmware version.
    ListProducts {
        /// How many to pass over.
        skip: u32,
        /// How many to answer.
        limit: u32,
    },
    /// Release nothing of this any more.
    Pause(ChangePause),
    /// Release again.
    Resume(ChangePause),
    /// All pauses in force.
    ListPauses,
    /// All gateways seen.
    ListGateways,
    /// Service days with their use, newest first, before a date.
    ListServiceDays {
        /// Days before this only.
        before: Option<ServiceDate>,
        /// How many to answer.
        limit: u32,
    },
    /// The image of this id, if it is on offer to this gateway.
    OpenImage {
        /// Who asks.
        gateway: Eui64,
        /// What for.
        image_id: ImageId,
        /// In blocks of this size: one image may be stored in several cuts, and the offer names one.
        block_bytes: u32,
    },
    /// What happened.
    Report(ReportRequest),
    /// Delivery schedules, capacity, notices, limits.
    Schedules(ScheduleRequest),
}

/// SRV 11.1.
#[derive(Debug, Clone)]
pub struct OpenTransfer {
    /// The User.
    pub user: Eui64,
    /// Its request id.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
    /// The image.
    pub manifest: Arc<Manifest>,
    /// The Devices it is for.
    pub devices: Vec<Eui64>,
    /// The User's own signed Service Request; may be empty.
    pub signed_request: Bytes,
    /// The counter in its RequestID; it rises from request to request of a User.
    pub originator_counter: Option<u64>,
}

/// SRV 11.3.
#[derive(Debug, Clone)]
pub struct SubmitBatch {
    /// The User.
    pub user: Eui64,
    /// Its request id.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
    /// The image.
    pub manufacturer_image_hash: ManufacturerImageHash,
    /// The Devices, in the order they are to go.
    pub devices: Vec<Eui64>,
    /// The service day it is sent for; the current one if absent.
    pub service_date: Option<ServiceDate>,
    /// `ExecutionDateTime`: when Devices are to activate it. The image is delivered ahead; at once if absent.
    pub execute_us: Option<Micros>,
    /// How many of them must succeed before the rest is released; all go at once if absent.
    pub canary: Option<NonZeroU32>,
    /// The User's own signed Service Request; may be empty.
    pub signed_request: Bytes,
    /// The counter in its RequestID; it rises from request to request of a User.
    pub originator_counter: Option<u64>,
}

/// Cancel a transfer or a batch.
#[derive(Debug, Clone, Copy)]
pub struct Cancel {
    /// Its User.
    pub user: Eui64,
    /// Its number.
    pub number: u64,
    /// The request id.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
}

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Whose.
    pub user: Eui64,
    /// Numbers below this only.
    pub before: Option<u64>,
    /// How many to answer.
    pub limit: u32,
}

/// `users/{user}/batches/{batch}/activations/{device}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActivationName {
    /// The batch's User.
    pub user: Eui64,
    /// The batch.
    pub batch: u64,
    /// The Device.
    pub device: Eui64,
}

/// Devices for the inventory.
#[derive(Debug, Clone)]
pub struct ImportDevices {
    /// The operator.
    pub by: Eui64,
    /// Its request id.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
    /// What the operator says of it.
    pub why: SaidWhy,
    /// The Devices, each once.
    pub devices: Vec<DeviceEntry>,
}

/// Pause or resume releases.
#[derive(Debug, Clone)]
pub struct ChangePause {
    /// The officer.
    pub by: Eui64,
    /// Its request id.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
    /// Which releases.
    pub scope: Scope,
    /// Where it is written down.
    pub ticket: String,
    /// For a person.
    pub reason: String,
}

/// One Device as the inventory knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEntry {
    /// The Device.
    pub device: Eui64,
    /// The User it is registered to.
    pub user: Eui64,
    /// The gateway that reaches it.
    pub gateway: Eui64,
    /// At most 30 characters.
    pub manufacturer: String,
    /// At most 30 characters.
    pub model: String,
    /// As in the OTA header's range.
    pub hardware_version: u16,
    /// What it runs.
    pub firmware_version: FirmwareVersion,
}

/// One attempt of one activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptRef {
    /// The activation.
    pub activation: ActivationName,
    /// Counted from 1.
    pub attempt: u16,
}

/// What a gateway has in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Another one than last time means that the gateway has forgotten everything.
    pub memory_id: String,
    /// Accepted, with no outcome yet.
    pub attempts: Vec<AttemptRef>,
    /// Not noted yet.
    pub outcomes: Vec<(AttemptRef, AttemptEnd)>,
    /// Attempts it takes at one time.
    pub concurrency: u32,
}

/// What a gateway says about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It has taken it.
    Accepted,
    /// It will not take it; nothing was sent.
    Declined {
        /// Why, for a person.
        message: String,
    },
    /// Blocks are going to the Device.
    Progress {
        /// Blocks the Device has.
        blocks_done: u32,
    },
    /// The Device has the whole image.
    Delivered,
    /// The Device has the image, and has taken the execution time: it activates by itself then.
    Scheduled,
    /// It is over.
    Ended(AttemptEnd),
}

/// How an attempt ended, as its gateway tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEnd {
    /// How.
    pub outcome: Outcome,
    /// Nothing of the image went to the Device.
    pub nothing_sent: bool,
    /// What the Device runs now, where known.
    pub running_version: Option<FirmwareVersion>,
    /// What the Device computed over the Manufacturer Image, where known.
    pub device_image_hash: Option<ManufacturerImageHash>,
    /// For a person; cut to [`MESSAGE_BYTES_MAX`] by the edge.
    pub message: String,
}

/// Octets of a gateway's message that are kept.
pub const MESSAGE_BYTES_MAX: usize = 250;
