//! What a gateway and the DCO say to each other about attempts.

use std::fmt::{self, Display, Formatter};

use dco_block::{Eui64, FirmwareVersion, Manifest, ManufacturerImageHash};

use super::{ActivationName, Micros};

/// One attempt of one activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptRef {
    pub activation: ActivationName,
    /// Counted from one.
    pub attempt: u32,
}

/// The first message of a gateway: what it has in hand. A newer hello of the same gateway fences the older stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Changes when the gateway has lost its memory.
    pub memory_id: String,
    /// Accepted, with no outcome yet.
    pub attempts: Vec<AttemptRef>,
    /// Outcomes that the DCO has not noted yet.
    pub outcomes: Vec<AttemptOutcome>,
    /// Offers the gateway takes at one time: 1 to 10,000.
    pub concurrency: u32,
}

/// What a gateway says after its hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayMessage {
    /// The gateway keeps the attempt until its outcome is noted.
    Accept(AttemptRef),
    /// The gateway does not take the attempt.
    Decline {
        attempt: AttemptRef,
        message: String,
    },
    /// So many blocks have gone to the Device.
    Progress {
        attempt: AttemptRef,
        blocks_done: u32,
    },
    /// The Device has the whole image.
    Delivered(AttemptRef),
    /// The Device has the image and the execution time: the attempt does not count against the concurrency any more.
    Scheduled(AttemptRef),
    /// The attempt ended.
    Outcome(AttemptOutcome),
}

/// What the DCO says to a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DcoMessage {
    /// The hello was taken; `now_us` is the engine's clock.
    Welcome { now_us: Micros },
    /// Take this image to that Device.
    Offer(Box<Offer>),
    /// The outcome is durable; the gateway may forget the attempt.
    Noted(AttemptRef),
    /// The attempt is over for the DCO; nothing more need be done for it.
    Withdrawn(AttemptRef),
    /// The User has cancelled the attempt: it is to be stopped before its execution time, if that can still be done, and its
    /// outcome is wanted.
    Cancel(AttemptRef),
}

/// One attempt, offered to the gateway that reaches the Device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub attempt: AttemptRef,
    pub device: Eui64,
    /// What the image is; its blocks are verified against this.
    pub manifest: Manifest,
    /// After this the attempt is taken to have failed.
    pub answer_by_us: Micros,
    /// Read the version the Device runs before anything is sent: an earlier attempt's fate is not known.
    pub read_version_first: bool,
    /// When the Device is to activate the image; at once if absent or past.
    pub execute_us: Option<Micros>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptOutcome {
    pub attempt: AttemptRef,
    pub result: AttemptResult,
    /// Nothing of the image went to the Device: the release is refunded on its own service day.
    pub nothing_sent: bool,
    /// The version the Device runs now, where it is known.
    pub running_version: Option<FirmwareVersion>,
    /// SHA-256 of the Manufacturer Image as the Device computed it, where it is known.
    pub device_image_hash: Option<ManufacturerImageHash>,
    /// For people; may be empty.
    pub message: String,
}

/// How an attempt ended, in the field's terms (GBCS ActivateImageResponseCode, DUIS FirmwareTransferAlert).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttemptResult {
    Success,
    AlreadyAtVersion,
    NoImageHeld,
    HashMismatch,
    ActivationFailure,
    FirmwareImageDiscarded,
    HardwareVersionMismatch,
    FileTransferFailure,
    /// The Device did not answer.
    NoAnswer,
    /// The gateway does not know this Device.
    DeviceNotReachable,
    /// Stopped before its execution time because the DCO said so.
    Cancelled,
}

impl Display for AttemptRef {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} attempt {}", self.activation, self.attempt)
    }
}
