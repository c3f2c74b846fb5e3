//! How does a program talk to it?
//!
//! Over a [`Link`]: one HTTP/2 connection under mutually authenticated TLS 1.3, which makes itself anew when it breaks. On it stand
//! a client for each audience: [`UserClient`] (SRV 11.1 and 11.3), [`SchedulesClient`], [`NoticesClient`], [`OperationsClient`],
//! [`ReportsClient`] and, southbound, [`GatewayLink`]. What they take and give are plain values in the field's words; what the server says is checked once, on arrival,
//! so no wire type leaves this crate.
//!
//! It promises: a refusal is a value with everything that the server said about it ([`Refusal`]); sending an image goes on after
//! broken links at the blocks that are missing and ends only when the server holds all of them; watching goes on after broken links
//! where it was; everything that waits has a limit.
//!
//! Deliberately absent: files (PEM texts and images are given as bytes), clocks, any decision about what to send when, and trying
//! again what was refused.

mod backup;
mod convert;
mod decision_log;
mod desk;
mod error;
mod gateway_link;
mod import;
mod link;
mod notices;
mod reports;
mod request_id;
mod retry;
mod schedules;
mod tls;
mod types;
mod user;

pub use tonic::Code;

pub use backup::BackupStream;
pub use convert::BadAnswer;
pub use decision_log::DecisionStream;
pub use desk::OperationsClient;
pub use error::{ClientError, HelpLink, Refusal, Violation, ViolationKind};
pub use gateway_link::{BlockStream, GatewayLink, GatewayReceiver, GatewaySender};
pub use import::{BadEntry, InvalidImport, hardware_version, parse_inventory, parse_products};
pub use link::{Endpoint, Link};
pub use notices::{NoticeWatch, NoticesClient};
pub use reports::ReportsClient;
pub use request_id::{InvalidRequestId, RequestId};
pub use retry::RetryPolicy;
pub use schedules::SchedulesClient;
pub use tls::{Identity, InvalidIdentity};
pub use types::{
    ActTold, Acted, Activation, ActivationCounts, ActivationName, ActivationState, AttemptOutcome,
    AttemptRef, AttemptResult, BackupFile, BackupPiece, BackupPlan, Batch, BatchAtRisk,
    BatchChange, BatchName, BlockRefusal, Canary, CapacityDay, CapacityEffect, CapacityReportDay,
    ChangePause, CountUse, CrowdedWindow, DayCounts, DayUnits, DcoMessage, Decision, DecisionKind,
    DecisionLogEnd, DecisionLogQuery, DecisionLogStart, DeviceEntry, Explanation, FairnessDay,
    FairnessRow, Fit, FitDay, Fits, GatewayMessage, GatewayStatus, Hello, Hold, Imposed,
    InvalidDevices, InvalidName, Limits, Micros, MoveCause, NoFit, Notice, NoticeParty,
    NoticeSubject, Notices, Offer, OpenTransfer, OutcomeRow, Page, PageRequest, Pause, PauseScope,
    PendingAction, ProductEntry, ProductStatus, Proposed, QuotaUse, Replan, ReplanAmendment,
    ReportDays, ReportQuery, SaidWhy, Schedule, ScheduleAct, ScheduleDeal, ScheduleMove,
    ScheduleName, ScheduleProposal, ScheduleRequest, ScheduleSignature, ScheduleStep, ServiceDay,
    SetCapacity, ShownDeal, Signing, SimulatedDay, SimulatedRequest, SimulatedUser, Simulation,
    Stage, StopFigures, SubmitBatch, SuccessGroup, SuccessRow, Transfer, TransferName,
    TransferState, TrtRow, UpdateFirmwareResponse,
};
pub use user::{BatchWatch, CutImage, SendOptions, SendProgress, TransferWatch, UserClient};
