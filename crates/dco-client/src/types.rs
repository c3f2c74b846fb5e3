//! What programs see: plain values in the field's words. Wire types stay inside `convert`.

mod backup;
mod batch;
mod decision;
mod gateway;
mod name;
mod notice;
mod operations;
mod plan;
mod report;
mod schedule;
mod transfer;

pub use backup::{BackupFile, BackupPiece, BackupPlan};
pub use batch::{
    Activation, ActivationCounts, ActivationState, Batch, BatchChange, Canary, Explanation, Hold,
    Stage, SubmitBatch,
};
pub use decision::{
    Decision, DecisionKind, DecisionLogEnd, DecisionLogQuery, DecisionLogStart, SaidWhy,
};
pub use gateway::{
    AttemptOutcome, AttemptRef, AttemptResult, DcoMessage, GatewayMessage, Hello, Offer,
};
pub use name::{ActivationName, BatchName, InvalidName, ScheduleName, TransferName};
pub use notice::{
    ActTold, CountUse, Limits, Notice, NoticeParty, NoticeSubject, Notices, QuotaUse,
};
pub use operations::{
    ChangePause, DeviceEntry, GatewayStatus, Pause, PauseScope, ProductEntry, ProductStatus,
    ServiceDay, StopFigures,
};
pub use plan::{
    BatchAtRisk, CapacityDay, CapacityEffect, CrowdedWindow, Fit, FitDay, Fits, NoFit, Replan,
    ReplanAmendment, SimulatedDay, SimulatedRequest, SimulatedUser, Simulation,
};
pub use report::{
    CapacityReportDay, DayCounts, FairnessDay, FairnessRow, OutcomeRow, ReportDays, ReportQuery,
    SuccessGroup, SuccessRow, TrtRow,
};
pub use schedule::{
    Acted, DayUnits, Imposed, MoveCause, PendingAction, Proposed, Schedule, ScheduleAct,
    ScheduleDeal, ScheduleMove, ScheduleProposal, ScheduleRequest, ScheduleSignature, ScheduleStep,
    SetCapacity, ShownDeal, Signing,
};
pub use transfer::{
    BlockRefusal, InvalidDevices, OpenTransfer, Transfer, TransferState, UpdateFirmwareResponse,
};

/// An instant: microseconds since 1970-01-01 UTC.
pub type Micros = i64;

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most; 0 leaves it to the server.
    pub size: u32,
    /// The `next` of the page before; `None` for the first page.
    pub token: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give this to the next [`PageRequest`]; `None` on the last page.
    pub next: Option<String>,
}
