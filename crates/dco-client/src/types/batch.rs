//! SRV 11.3 as a User sees it.

use std::fmt::{self, Display, Formatter};

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, ImageId, ManufacturerImageHash};

use super::{ActivationName, BatchName, Micros};
use crate::RequestId;

/// What submits a batch.
#[derive(Clone, Debug)]
pub struct SubmitBatch {
    /// The same id gives the same batch; with another body it is refused.
    pub request_id: RequestId,
    /// Names the image: FirmwareHash of SRV 11.3.
    pub manufacturer_image_hash: ManufacturerImageHash,
    /// 1 to 50,000 Devices, each once.
    pub devices: Vec<Eui64>,
    /// The service day it is sent for, `YYYY-MM-DD`; `None` for the day it is accepted.
    pub service_date: Option<String>,
    /// When Devices are to activate the image, which is delivered ahead; `None` for at once.
    pub execute_us: Option<Micros>,
    /// So many of the Devices must succeed before the rest is released; 0: all go at once.
    pub canary: u32,
    /// The User's own signed Service Request, kept as it is; may be empty.
    pub signed_request: Bytes,
    /// The originator counter in its RequestID, where one is given: it must be above every one that the User has given before.
    pub originator_counter: Option<u64>,
    /// Check all and change nothing.
    pub validate_only: bool,
}

/// A batch as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// `None` in the answer to `validate_only`.
    pub name: Option<BatchName>,
    pub manufacturer_image_hash: ManufacturerImageHash,
    pub image_id: ImageId,
    /// Whether the image is strictly larger than 750,000 bytes.
    pub large: bool,
    /// `YYYY-MM-DD`, a civil date in Europe/London.
    pub service_date: String,
    pub create_us: Option<Micros>,
    pub trt_start_us: Option<Micros>,
    /// 120 elapsed hours after `trt_start_us`.
    pub due_us: Option<Micros>,
    /// When the last release is expected; `None` once settled.
    pub predicted_release_us: Option<Micros>,
    /// When the last activation is expected to end; `None` once settled.
    pub predicted_completion_us: Option<Micros>,
    pub counts: ActivationCounts,
    /// When Devices are to activate the image; `None` for at once.
    pub execute_us: Option<Micros>,
    /// Devices that may have the image, or some of it, and are not known to run it; 0 in a list.
    pub may_have_image_count: u32,
    /// The User's own signed Service Request, as it came; empty unless this one batch was submitted or asked for.
    pub signed_request: Bytes,
    /// The canaries of its image under its delivery schedule, where it has any.
    pub canary: Option<Canary>,
}

/// Devices that must succeed before the rest is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    pub device_count: u32,
    pub succeeded: u32,
    /// How many of them were given up.
    pub failed: u32,
    /// Nothing waits for them any more.
    pub passed: bool,
}

/// How many activations of a batch are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivationCounts {
    pub parked: u32,
    pub queued: u32,
    pub released: u32,
    pub retry_wait: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub cancelled: u32,
}

/// One Device of a batch as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    pub name: ActivationName,
    pub device: Eui64,
    pub state: ActivationState,
    /// Attempts so far, the one under way included.
    pub attempt: u32,
    /// How far the attempt under way has come, where one is.
    pub stage: Option<Stage>,
    pub blocks_done: u32,
    /// How the last finished attempt ended, in the field's terms; `None` before.
    pub outcome: Option<String>,
    pub release_us: Option<Micros>,
    pub end_us: Option<Micros>,
    /// When the next attempt is due, in RETRY_WAIT.
    pub retry_us: Option<Micros>,
    pub running_version: Option<FirmwareVersion>,
    /// SHA-256 of the Manufacturer Image as the Device computed it.
    pub device_image_hash: Option<ManufacturerImageHash>,
    /// What was said about its last end, for people: by the gateway, or why it was cancelled; may be empty.
    pub message: String,
    /// Whether it is not certain that nothing of the image went to the Device.
    pub may_have_image: bool,
}

/// Where an activation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActivationState {
    /// Sent for a later service day.
    Parked,
    /// Waiting for its release.
    Queued,
    /// One attempt is on its way.
    Released,
    /// An attempt ended and another will follow.
    RetryWait,
    Succeeded,
    Failed,
    Cancelled,
}

/// How far the attempt under way has come, as far as its gateway has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Offered, not answered yet.
    Offered,
    Accepted,
    Transferring,
    Delivered,
    /// The Device has the image and activates it at the execution time.
    Scheduled,
    /// Its fate is not known.
    Unknown,
}

/// Why an activation is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub activation: Activation,
    /// What holds it, the strongest first.
    pub holds: Vec<Hold>,
    /// Activations of this User that go before it; `None` when it does not wait.
    pub ahead_count: Option<u64>,
    /// Those that go first are those in the security lane, where it waits.
    pub in_security_lane: bool,
    /// No release before this.
    pub earliest_us: Option<Micros>,
    pub predicted_release_us: Option<Micros>,
    pub due_us: Option<Micros>,
    /// One sentence that says it all.
    pub summary: String,
}

/// One thing that holds an activation back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// A stable word: `PACED`, `GATEWAY_NOT_CONNECTED`, ...
    pub reason: String,
    pub message: String,
    /// When it ends; `None` when an event must end it.
    pub until_us: Option<Micros>,
    /// What would free it.
    pub remedy: String,
}

/// Some activations of a batch changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchChange {
    /// Watching from here on misses nothing.
    pub position: u64,
    /// Activations that changed, each as it is now.
    pub activations: Vec<Activation>,
    pub batch: Option<Batch>,
}

impl ActivationCounts {
    /// Devices in the batch.
    pub fn total(&self) -> u64 {
        self.open() + sum([self.succeeded, self.failed, self.cancelled])
    }

    /// Activations to which something will still happen.
    pub fn open(&self) -> u64 {
        sum([self.parked, self.queued, self.released, self.retry_wait])
    }
}

impl Batch {
    /// Whether nothing more will happen to it.
    pub fn is_settled(&self) -> bool {
        self.counts.open() == 0
    }
}

impl Display for ActivationState {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Parked => "PARKED",
            Self::Queued => "QUEUED",
            Self::Released => "RELEASED",
            Self::RetryWait => "RETRY_WAIT",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        })
    }
}

impl Display for Stage {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Offered => "OFFERED",
            Self::Accepted => "ACCEPTED",
            Self::Transferring => "TRANSFERRING",
            Self::Delivered => "DELIVERED",
            Self::Scheduled => "SCHEDULED",
            Self::Unknown => "UNKNOWN",
        })
    }
}

fn sum<const N: usize>(counts: [u32; N]) -> u64 {
    counts.into_iter().map(u64::from).sum()
}
