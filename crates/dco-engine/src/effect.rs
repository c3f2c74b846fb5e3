//! What the engine wants done. None of it is yielded before the record it rests on is durable.

use std::sync::Arc;

use dco_block::{Eui64, Manifest};
use dco_schedule::{
    CrowdedWindow, DayCapacity, Fits, Micros, OwnCapacity, Quota, Replan, ServiceDate, Simulation,
};

use crate::event::{AttemptRef, NoticeParty, ReplyTo, Session};
use crate::refusal::Refusal;
use crate::view::{
    ActionView, ActivationView, BatchView, CapacityReportDay, Changes, Explanation, FairnessDay,
    GatewayView, LimitsView, Notices, OutcomeRow, PauseView, ProductView, ReportDays, ScheduleView,
    ServiceDayView, TransferView, TrtRow,
};

/// Something to do in the world.
#[expect(
    clippy::large_enum_variant,
    reason = "most effects are replies, and each is moved a few times and gone"
)]
#[derive(Debug, Clone)]
pub enum Effect {
    /// Answer a request.
    Reply {
        /// Where to.
        to: ReplyTo,
        /// What with.
        reply: Result<Reply, Refusal>,
    },
    /// Read an image back from disk, check it, and say so with [`crate::Event::Verified`].
    Verify {
        /// The transfer's owner number in the block log.
        owner: u64,
        /// Whose signers must have signed it.
        user: Eui64,
        /// What it must be.
        manifest: Arc<Manifest>,
    },
    /// The blocks of this owner are not needed any more.
    FreeBlocks {
        /// The transfer's owner number in the block log.
        owner: u64,
    },
    /// No more blocks of this owner are to be taken, though those that are held are kept for a while.
    StopBlocks {
        /// The transfer's owner number in the block log.
        owner: u64,
    },
    /// A service day is over: sign how far the log is durable, and say so with [`crate::Event::CheckpointSigned`].
    Checkpoint {
        /// The day.
        date: ServiceDate,
    },
    /// Say this on a gateway's stream.
    Tell {
        /// The stream.
        session: Session,
        /// What.
        message: ToGateway,
    },
    /// End a gateway's stream: a newer hello has taken its place.
    CloseSession {
        /// The stream.
        session: Session,
    },
    /// Something that may be watched has changed; whoever watches asks again.
    Changed(Topic),
}

/// What can be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// One transfer.
    Transfer {
        /// Its User.
        user: Eui64,
        /// Its number.
        number: u64,
    },
    /// One batch.
    Batch {
        /// Its User.
        user: Eui64,
        /// Its number.
        number: u64,
    },
    /// The notices of a party.
    Notices {
        /// Whose.
        party: NoticeParty,
    },
}

/// What a gateway is told.
#[derive(Debug, Clone)]
pub enum ToGateway {
    /// Its hello has been dealt with; the engine's time.
    Welcome {
        /// Now.
        now_us: Micros,
    },
    /// An attempt to make.
    Offer(Offer),
    /// An outcome is durable.
    Noted(AttemptRef),
    /// An attempt is over for the DCO.
    Withdrawn(AttemptRef),
    /// Its User has cancelled the attempt: it is to be stopped before its execution time, if that can still be done, and
    /// its outcome is wanted.
    Cancel(AttemptRef),
}

/// An attempt on offer.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Which.
    pub attempt: AttemptRef,
    /// The image.
    pub manifest: Arc<Manifest>,
    /// After this it is taken to have failed.
    pub answer_by_us: Micros,
    /// An earlier attempt's fate is not known: ask the Device first.
    pub read_version_first: bool,
    /// When the Device is to activate the image; at once if absent or past.
    pub execute_us: Option<Micros>,
}

/// The answer to a request, one variant for each kind of answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// OpenTransfer, GetTransfer, CancelTransfer.
    Transfer(TransferView),
    /// ListTransfers.
    Transfers(Vec<TransferView>),
    /// AttachTransfer, OpenImage.
    Blocks(BlockSource),
    /// SubmitBatch, GetBatch, CancelBatch.
    Batch(BatchView),
    /// ListBatches.
    Batches(Vec<BatchView>),
    /// GetActivation.
    Activation(ActivationView),
    /// ListActivations; `total` counts the batch.
    Activations {
        /// The part asked for.
        activations: Vec<ActivationView>,
        /// All there are.
        total: u32,
    },
    /// ExplainActivation.
    Explanation(Explanation),
    /// ReadChanges.
    Changes(Changes),
    /// ImportDevices, ImportProducts: how many.
    Imported(u32),
    /// ListProducts.
    Products(Vec<ProductView>),
    /// Pause, Resume: the pause in force now.
    Pause(Option<PauseView>),
    /// ListPauses: those in force, of all releases first.
    Pauses(Vec<PauseView>),
    /// ListGateways.
    Gateways(Vec<GatewayView>),
    /// ListServiceDays.
    ServiceDays(Vec<ServiceDayView>),
    /// An act on a schedule, GetSchedule, ApproveAction.
    Schedule(Box<ScheduleView>),
    /// ListSchedules.
    Schedules(Vec<ScheduleView>),
    /// An act that waits for a second officer, DeclineAction.
    Action(Box<ActionView>),
    /// ListPendingActions.
    Actions(Vec<ActionView>),
    /// SetCapacity.
    CapacitySet {
        /// The days that are OVER_AGREED by it, and by how much.
        over: Quota,
        /// The schedules whose windows cannot take what is agreed with them by it.
        crowded: Vec<CrowdedWindow<Eui64>>,
        /// The days in its span that keep a capacity or a profile which was set for them alone.
        kept: Vec<ServiceDate>,
    },
    /// GetCapacity, for the Service Desk.
    Capacity(Vec<DayCapacity>),
    /// GetCapacity, for a User.
    OwnCapacity(Vec<OwnCapacity>),
    /// ProposeFit.
    Fits(Box<Fits<Eui64>>),
    /// ProposeReplan.
    Replan {
        /// The plan.
        replan: Replan<Eui64>,
        /// The schedules whose windows cannot take what is agreed with them. No plan moves them: it moves what a day cannot take.
        crowded: Vec<CrowdedWindow<Eui64>>,
    },
    /// Simulate.
    Simulation(Box<Simulation<Eui64>>),
    /// ReadNotices.
    Notices(Notices),
    /// GetLimits.
    Limits(LimitsView),
    /// A TRT report.
    Trt(Vec<TrtRow>),
    /// A capacity report.
    CapacityReport(ReportDays<CapacityReportDay>),
    /// A fairness report.
    FairnessReport(ReportDays<FairnessDay>),
    /// A success report.
    SuccessReport(Vec<OutcomeRow>),
    /// NoteRefusals.
    Noted,
}

/// Where an image's blocks are, and what they must be.
#[derive(Debug, Clone)]
pub struct BlockSource {
    /// The owner number in the block log.
    pub owner: u64,
    /// The image, in the cut of who asks.
    pub manifest: Arc<Manifest>,
    /// A stored image, in the cut in which it is kept under that owner; `None` while blocks are still taken.
    pub kept: Option<Arc<Manifest>>,
}
