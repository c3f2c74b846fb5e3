//! What happens?
//!
//! The rules of block transfer, schedules and release as one deterministic value. The same events at the
//! same moments give the same records and the same effects, on every machine and in every run.
//!
//! ```text
//!   handle(event, now) ──▶ decides ──▶ record ──▶ apply(record)      poll_record() ──▶ journal
//!                                        │                                                │
//!                                        └── effects wait under its number ◀── on_durable(seq)
//!                                                   │
//!                                                   └──▶ poll_effect()
//! ```
//!
//! A decision makes a record and applies it at once, so that the next decision sees it. An effect
//! rests on the newest record at the time it was decided, and is not yielded before that is durable;
//! a refusal and a plain read rest on it too, because they tell what it changed. Recovery is
//! [`Engine::replay`] over the journal: the same `apply`, then each block found in the block log as
//! an event, then time.
//!
//! Deliberately absent: clock, socket, runtime, random numbers, files. Who may ask what was decided
//! before a request gets here (`dco-server`'s permits). How records are kept is `dco-store`'s.

mod apply;
mod checkpoint;
mod decide;
mod decision;
mod effect;
mod engine;
mod event;
mod outbox;
mod outcome;
mod read;
pub mod record;
mod refusal;
mod snapshot;
mod state;
mod stats;
mod terms;
mod view;

pub use dco_dispatch::Rate;

pub use checkpoint::{checkpoint_text, export_text};
pub use decide::devices::IMPORT_DEVICES_MAX;
pub use decide::pauses::RestoreError;
pub use decide::products::{PRODUCTS_MAX, UPGRADE_FROM_MAX};
pub use decision::{Decision, DecisionKind, NoRecord, READING};
pub use effect::{BlockSource, Effect, Offer, Reply, ToGateway, Topic};
pub use engine::{Engine, ReplayError, Seq};
pub use event::{
    ActOnSchedule, ActivationName, AnswerAction, AttemptEnd, AttemptRef, CAPACITY_DAYS_MAX, Cancel,
    ChangePause, DeviceEntry, Event, Grouping, Hello, ImportDevices, ImportProducts, ListSchedules,
    MESSAGE_BYTES_MAX, NoticeParty, OpenTransfer, Page, REPORT_DAYS_MAX, Reader, RefusedCall,
    RefusedCalls, ReplyTo, Report, ReportKind, ReportRequest, Request, RequestId,
    SIMULATED_REQUESTS_MAX, SaidWhy, ScheduleRequest, Scope, Session, SetCapacity,
    SignedCheckpoint, SubmitBatch, Verdict,
};
pub use outcome::Outcome;
pub use read::copies::StoredCopy;
pub use refusal::{ProductFault, Refusal};
pub use state::counts::{REQUEST_BYTES_MAX, request_bytes};
pub use stats::{EngineStats, PeriodUse};
pub use terms::{
    AttemptTerms, BreakerTerms, HOUR_US, LimitTerms, NoticeTerms, RetentionTerms, RetryRule,
    RetryTerms, SECOND_US, STOP_ATTEMPTS_MAX, ScheduleTerms, StopTerms, Terms, Threshold,
    ThresholdTerms, TransferTerms, TrustTerms,
};
pub use view::{
    ActTold, ActionFate, ActionState, ActionView, ActivationCounts, ActivationState,
    ActivationView, BatchView, CanaryView, CapacityReportDay, Changes, CountUse, DayCounts,
    Distrust, Explanation, FairnessDay, FairnessRow, GatewayView, Group, Hold, InvalidDevices,
    LimitsView, LostUnits, MISSING_RANGES_MAX, Notice, NoticeSubject, Notices, OutcomeRow,
    PauseView, Prediction, ProductEntry, ProductStatus, ProductView, QuotaUse, ReportDays,
    ScheduleView, ServiceDayView, Stage, TransferResponse, TransferState, TransferView, TrtRow,
    versions_named,
};
