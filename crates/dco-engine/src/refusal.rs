//! Why a request is refused: facts with their numbers, for the edge to put into words and codes.

use dco_block::Eui64;
use dco_schedule::{ExceedsAgreed, Micros, ServiceDate};

use crate::event::Scope;
use crate::record::Counted;
use crate::view::{ActionState, Distrust, TransferState};

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
    /// An import of the Central Products List with nothing in it.
    #[error("the list of products is empty; name at least one")]
    ProductsEmpty,
    /// More entries than the Central Products List may have.
    #[error(
        "the Central Products List would have {given} entries, at most {limit} are allowed; leave out what no \
         Device has any more"
    )]
    TooManyProducts {
        /// With what is on it already.
        given: usize,
        /// What is allowed.
        limit: u32,
    },
    /// An entry for the Central Products List that cannot be taken in.
    #[error("products[{index}]: {why}")]
    ProductInvalid {
        /// Its place in the import, counted from zero.
        index: usize,
        /// What is wrong with it.
        why: ProductFault,
    },
    /// The Central Products List does not allow the image for all of the Devices.
    #[error(
        "{distrust}; this is so for {count} of the Devices, among them {}",
        devices.first().map(ToString::to_string).unwrap_or_default()
    )]
    NotAllowed {
        /// Why, for the first of them.
        distrust: Distrust,
        /// The first Devices for which this is the reason, a few of them.
        devices: Vec<Eui64>,
        /// All for which it is.
        count: usize,
    },
    /// An image that is on offer cannot be read any more: the Central Products List does not allow it.
    #[error("{0}")]
    ImageNotAllowed(Distrust),
    /// A count of the period would go over its threshold.
    #[error(
        "{requested} more {} would be over the threshold of {limit} in a period{}; what is so far from what is usual is \
         refused and the Service Desk is told: ask it before more is sent",
        counted.plural(),
        if used.is_some() { " for one User" } else { " over all Users" }
    )]
    ThresholdExceeded {
        /// What is counted.
        counted: Counted,
        /// The threshold.
        limit: u32,
        /// What the User has sent in the period; `None` for the count over all Users.
        used: Option<u32>,
        /// What the request would add.
        requested: u32,
        /// When the next period begins.
        resets_us: Micros,
        /// From now until then.
        resets_in_us: Micros,
    },
    /// The counter of a Service Request does not rise.
    #[error(
        "originator_counter {given} is not above {last}, the last one of this User: the Service Request was sent \
         before; to repeat a request use its request_id again"
    )]
    OriginatorCounterReplayed {
        /// What the request carries.
        given: u64,
        /// The highest so far.
        last: u64,
    },
    /// The counter of a Service Request is so far above the last one that it is taken for a slip.
    #[error(
        "originator_counter {given} is above {highest}, the highest that is taken {}: a slip would leave this User no counter \
         to go on with; send the counter that the Service Request has, and if that is this one, ask the Service Desk to have \
         thresholds.originator_counter_leap_max raised",
        after(*last)
    )]
    OriginatorCounterLeaps {
        /// What the request carries.
        given: u64,
        /// The highest so far; `None` when it would be the User's first.
        last: Option<u64>,
        /// The highest that would be taken.
        highest: u64,
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
    /// The execution time is past, before the service day that the batch is sent for, or too far away.
    #[error(
        "the execution time must be to come, not before the service day that the batch is sent for, and not after the last \
         day that one may be sent for; to cancel a batch, use CancelBatch"
    )]
    ExecutionTimeInvalid {
        /// What was asked for.
        execute_us: Micros,
        /// It must be later than this.
        earliest_us: Micros,
        /// The last instant that may be asked for.
        latest_us: Micros,
    },
    /// More Devices of a batch are to succeed first than it has.
    #[error(
        "{canary} Devices cannot succeed before the rest of a batch of {devices}; name at most as many as it has Devices"
    )]
    CanaryTooLarge {
        /// How many were asked for.
        canary: u32,
        /// How many it has.
        devices: u32,
    },
    /// The schedule that covers the batch has canaries of its own.
    #[error(
        "schedule {schedule} covers the batch and has canaries of its own, which hold for all that is sent under it; send the \
         batch without"
    )]
    CanaryOfSchedule {
        /// The schedule's number.
        schedule: u32,
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
    /// What follows this position is not kept any more.
    #[error(
        "notices up to {first_position} are not kept any more, and {position} is before that; go on from \
         {first_position}, and read the schedules for what was done to them meanwhile"
    )]
    NoticesForgotten {
        /// What was given.
        position: u64,
        /// The first from which all that follows is there.
        first_position: u64,
    },
    /// The last day is before the first.
    #[error(
        "the last day {last} is before the first, {first}; give a last day not before the first"
    )]
    DaysReversed {
        /// The first day.
        first: ServiceDate,
        /// The last day.
        last: ServiceDate,
    },
    /// The act does not wait for a second officer any more.
    #[error("action {action} is {state} and waits no more{}", because(why))]
    ActionSettled {
        /// Its number.
        action: u64,
        /// Where it stands.
        state: ActionState,
        /// Why, as who settled it said; empty for approvals from before it was kept.
        why: String,
    },
    /// What is to be gone on from was never told.
    #[error(
        "position {position} is beyond the end, which is {last_position}: it is not from here, or the data were restored \
         from a backup since; go on from {last_position}, or read everything again from 0"
    )]
    PositionBeyondEnd {
        /// What was given.
        position: u64,
        /// The newest there is.
        last_position: u64,
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
    /// These releases are paused already.
    #[error("{scope} are paused already, {}; resume them first", by_whom(.ticket))]
    DispatchPaused {
        /// Which.
        scope: Scope,
        /// Since when.
        since_us: Micros,
        /// Where it is written down.
        ticket: String,
    },
    /// These releases are not paused.
    #[error("{scope} are not paused; there is nothing to resume")]
    DispatchNotPaused {
        /// Which.
        scope: Scope,
    },
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

/// What is wrong with an entry for the Central Products List.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProductFault {
    /// No hardware version is in its range.
    #[error("its lowest hardware version is above its highest; write the lower one first")]
    Range,
    /// Two entries are for the same.
    #[error(
        "products[{before}] is for the same manufacturer, model, firmware version and hardware version; name each once"
    )]
    Twice {
        /// The place of the other one.
        before: usize,
    },
    /// More versions than an upgrade pathway may have.
    #[error("its upgrade pathway has {given} versions, at most {limit} are allowed")]
    TooManyVersions {
        /// What was given.
        given: usize,
        /// What is allowed.
        limit: usize,
    },
}

fn because(why: &str) -> String {
    match why {
        "" => String::new(),
        why => format!(": {why}"),
    }
}

fn by_whom(ticket: &str) -> String {
    if ticket.is_empty() {
        "by no officer".to_owned()
    } else {
        format!("ticket {ticket}")
    }
}

/// What a counter comes after.
fn after(last: Option<u64>) -> String {
    match last {
        Some(last) => format!("after {last}, the last one of this User"),
        None => "as the first one of a User".to_owned(),
    }
}
