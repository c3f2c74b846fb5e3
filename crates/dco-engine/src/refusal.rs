//! Why a request is refused: facts with their numbers, for the edge to put into words and codes.

use dco_block::Eui64;
use dco_schedule::{ExceedsAgreed, Micros, ServiceDate};

use crate::view::TransferState;

/// A refusal changes nothing and is not a fault of the service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A Device is unknown or registered to somebody else; the two are not told apart.
    #[error("the caller may not do this")]
    NotPermitted,
    /// Nothing of this name under the caller's own name.
    #[error("there is no {kind} of this name")]
    NotFound {
        /// `transfer`, `batch`, `activation`, `image`, `schedule` or `action`.
        kind: &'static str,
    },
    /// The request id was used before, for another body.
    #[error("this request_id was used for a different request; use a new UUID for a new request")]
    RequestIdReused,
    /// A list of Devices with none in it.
    #[error("the list of Devices is empty; name at least one")]
    BatchEmpty,
    /// A Device named twice.
    #[error("Device {device} is named more than once")]
    DeviceDuplicate {
        /// The first one found.
        device: Eui64,
    },
    /// More Devices than one request may name.
    #[error("{given} Devices in one request, at most {limit} are allowed; split it")]
    TooManyDevices {
        /// What was given.
        given: usize,
        /// What is allowed.
        limit: u32,
    },
    /// More Device Models than one import may name.
    #[error("{given} Device Models in one import, at most {limit} are allowed; split it")]
    TooManyModels {
        /// What was given.
        given: usize,
        /// What is allowed.
        limit: u32,
    },
    /// The image of this id is stored with another manifest: only the cut may differ.
    #[error(
        "manifest: {field} is not that of the stored image with this image_id; \
         declare the image as it is stored, only block_bytes may differ"
    )]
    ManifestDiffers {
        /// The first part of the manifest that differs.
        field: &'static str,
    },
    /// `signed_request` is larger than is kept.
    #[error("signed_request has {given_bytes} bytes, at most {limit_bytes} are kept")]
    SignedRequestTooLarge {
        /// What was given.
        given_bytes: usize,
        /// What is allowed.
        limit_bytes: usize,
    },
    /// Blocks of the image are missing.
    #[error("the image is not complete: transfer {transfer} is still receiving blocks")]
    ImageIncomplete {
        /// The newest transfer of it.
        transfer: u64,
    },
    /// The image has not been verified, or failed it.
    #[error("the image is not verified: transfer {transfer} is {state}")]
    ImageNotVerified {
        /// The newest transfer of it.
        transfer: u64,
        /// How it stands.
        state: TransferState,
    },
    /// The image was stored, and is kept no more.
    #[error(
        "the image of transfer {transfer} is RETIRED: it was not used for long and is kept no more; \
         send it again with a new transfer"
    )]
    ImageRetired {
        /// The newest transfer of it.
        transfer: u64,
    },
    /// What is kept of the image is damaged.
    #[error(
        "the image of transfer {transfer} is QUARANTINED: what is kept of it is damaged; send it again with a new \
         transfer, and once that is STORED everything goes on"
    )]
    ImageQuarantined {
        /// The newest transfer of it.
        transfer: u64,
    },
    /// An image that is on offer cannot be read: it was found damaged meanwhile.
    #[error("block {index} of the image is damaged")]
    ImageDamaged {
        /// The first block that was found damaged.
        index: u32,
    },
    /// The image is stored, but not for these Devices.
    #[error(
        "the image is not stored for {count} of the Devices, the first is {first}; \
         open a transfer of the same image for them (no block needs to be sent again)"
    )]
    ImageNotStoredForDevice {
        /// The first such Device.
        first: Eui64,
        /// How many.
        count: usize,
    },
    /// Another activation is under way for a Device.
    #[error("another activation is under way for {count} of the Devices, the first is {first}")]
    DeviceBusy {
        /// The first such Device.
        first: Eui64,
        /// How many.
        count: usize,
    },
    /// The image is for other hardware than any of the Devices has.
    #[error(
        "the hardware version of none of the Devices is in the image's range; the first is {first}"
    )]
    FirmwareNotApplicable {
        /// The first such Device.
        first: Eui64,
        /// How many.
        count: usize,
    },
    /// The service day asked for is over or too far away.
    #[error("service_date {date} is outside {earliest} to {latest}")]
    ServiceDateInvalid {
        /// What was asked for.
        date: ServiceDate,
        /// Today.
        earliest: ServiceDate,
        /// The last day that may be sent for.
        latest: ServiceDate,
    },
    /// The allowance without a delivery schedule does not cover the batch.
    #[error(
        "{requested} more for {service_date} would be over the allowance of {limit} large activations \
         without a delivery schedule ({used} used); agree a delivery schedule with the Service Desk"
    )]
    AllowanceUsed {
        /// Allowed on a service day.
        limit: u32,
        /// Sent for that day so far.
        used: u32,
        /// The batch.
        requested: u32,
        /// The day.
        service_date: ServiceDate,
        /// When the next service day starts.
        resets_us: Micros,
        /// From now until then.
        resets_in_us: Micros,
    },
    /// The User has as many transfers open as it may.
    #[error(
        "{used} transfers are RECEIVING or VERIFYING, at most {limit} may be at one time; \
         finish or cancel one of them first"
    )]
    OpenTransfersLimitReached {
        /// Allowed at one time.
        limit: u32,
        /// Open now.
        used: u32,
    },
    /// The image would take the User over the bytes it may have in the store.
    #[error(
        "an image of {requested_bytes} bytes would be over the {limit_bytes} bytes that a User may have in \
         open transfers, stored images and what is kept of rejected ones ({used_bytes} used); cancel transfers that \
         are not needed, or ask the Service Desk for more"
    )]
    StoredBytesLimitReached {
        /// Allowed.
        limit_bytes: u64,
        /// Declared by open transfers, stored, and kept for a while of transfers that ended without an image.
        used_bytes: u64,
        /// The image.
        requested_bytes: u64,
    },
    /// The disk is full.
    #[error("the store has no room for another image at the moment; try again later")]
    StoreFull {
        /// When it may be worth it.
        retry_in_us: Micros,
    },
    /// An agreed schedule covers the image on that day, with too little left.
    #[error(transparent)]
    ExceedsAgreed(#[from] ExceedsAgreed),
    /// What was asked about a schedule, capacity or an action cannot be done.
    #[error(transparent)]
    Schedule(dco_schedule::Refusal),
    /// More requests than can be tried at once.
    #[error("{given} requests in one simulation, at most {limit} are tried; try fewer")]
    TooManyRequests {
        /// What was given.
        given: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Neither a capacity nor a profile.
    #[error("neither a capacity nor an hour profile is given; give at least one of them")]
    NothingSet,
    /// The transfer takes no more blocks, or cannot be cancelled any more.
    #[error("the transfer is {state}, not RECEIVING")]
    TransferNotReceiving {
        /// How it stands.
        state: TransferState,
    },
    /// Releases are paused already.
    #[error("all releases are paused already, ticket {ticket}; resume them first")]
    DispatchPaused {
        /// Since when.
        since_us: Micros,
        /// Where it is written down.
        ticket: String,
    },
    /// Releases are not paused.
    #[error("releases are not paused; there is nothing to resume")]
    DispatchNotPaused,
    /// The image is not on offer to this gateway.
    #[error("this image is not on offer to this gateway")]
    ImageNotOnOffer,
}

impl From<dco_schedule::Refusal> for Refusal {
    fn from(refusal: dco_schedule::Refusal) -> Self {
        match refusal {
            dco_schedule::Refusal::NotFound { .. } => Self::NotFound { kind: "schedule" },
            dco_schedule::Refusal::ActionNotFound { .. } => Self::NotFound { kind: "action" },
            other => Self::Schedule(other),
        }
    }
}
