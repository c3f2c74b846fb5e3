//! SRV 11.1 as a User sees it.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use dco_block::{Eui64, Manifest};

use super::{Micros, TransferName};
use crate::RequestId;

/// What opens a transfer.
#[derive(Clone, Debug)]
pub struct OpenTransfer {
    /// The same id gives the same transfer; with another body it is refused.
    pub request_id: RequestId,
    pub manifest: Manifest,
    /// 1 to 50,000 Devices the image is for, each once.
    pub devices: Vec<Eui64>,
    /// The User's own signed Service Request, kept as it is; may be empty.
    pub signed_request: Bytes,
    /// The originator counter in its RequestID, where one is given: it must be above every one that the User has given before.
    pub originator_counter: Option<u64>,
    /// Check all and change nothing.
    pub validate_only: bool,
}

/// A transfer as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// `None` in the answer to `validate_only`.
    pub name: Option<TransferName>,
    pub state: TransferState,
    pub manifest: Manifest,
    pub block_count: u32,
    /// Durable blocks.
    pub blocks_held: u32,
    /// The lowest missing ranges, at most 1,024 of them; empty in lists.
    pub missing: Vec<RangeInclusive<u32>>,
    pub create_us: Option<Micros>,
    /// When RECEIVING ends by itself.
    pub expire_us: Option<Micros>,
    /// When the User was warned that the transfer will expire.
    pub warn_us: Option<Micros>,
    /// Devices accepted for the image.
    pub device_count: u32,
    pub response: Option<UpdateFirmwareResponse>,
    /// Known from the start. Empty in lists.
    pub invalid_devices: InvalidDevices,
    /// The User's own signed Service Request, as it came; empty unless this one transfer was opened or asked for.
    pub signed_request: Bytes,
}

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransferState {
    Receiving,
    Verifying,
    Stored,
    Rejected,
    Cancelled,
    Expired,
    /// It was STORED, and was not used for long.
    Retired,
    /// It is STORED, and what is kept of the image is damaged.
    Quarantined,
}

/// The 11.1 Response: given once, kept, and the same whenever it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateFirmwareResponse {
    /// `I99`, `W110101`; empty when the image was not stored.
    pub response_code: String,
    /// Empty when stored; else a reason of the error table.
    pub reason: String,
    pub message: String,
    pub response_us: Option<Micros>,
    pub invalid_devices: InvalidDevices,
}

/// The Devices that an image was not accepted for (DUIS DSPUpdateFirmwareWarning).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvalidDevices {
    /// Unknown, or not registered to this User.
    pub invalid: Vec<Eui64>,
    pub not_commissioned: Vec<Eui64>,
    pub not_applicable_firmware: Vec<Eui64>,
    pub other_request_in_progress: Vec<Eui64>,
    pub invalid_gbcs_version: Vec<Eui64>,
}

/// A block that the server did not store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {index} was refused, {reason}: {message}")]
pub struct BlockRefusal {
    pub index: u32,
    /// Number of the gRPC status code this fault has where it ends a call.
    pub code: i32,
    pub reason: String,
    pub message: String,
    pub metadata: BTreeMap<String, String>,
}

impl BlockRefusal {
    /// Whether the disk had no room for it: the same block may be stored later.
    pub fn is_for_room(&self) -> bool {
        self.reason == STORE_FULL
    }

    /// The pause that the server asks for before the block is sent again.
    pub fn retry_delay(&self) -> Option<Duration> {
        let milliseconds = self.metadata.get("retryDelayMs")?.parse().ok()?;
        Some(Duration::from_millis(milliseconds))
    }
}

/// The reason of a refusal for want of room on the server's disk.
const STORE_FULL: &str = "STORE_FULL";

impl Transfer {
    /// Whether nothing more will happen to it.
    pub fn is_settled(&self) -> bool {
        !matches!(
            self.state,
            TransferState::Receiving | TransferState::Verifying
        )
    }
}

impl InvalidDevices {
    /// Whether the image was accepted for every Device named.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many Devices stand in the five lists.
    pub fn count(&self) -> usize {
        self.invalid.len()
            + self.not_commissioned.len()
            + self.not_applicable_firmware.len()
            + self.other_request_in_progress.len()
            + self.invalid_gbcs_version.len()
    }
}

impl Display for TransferState {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.pad(match self {
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
