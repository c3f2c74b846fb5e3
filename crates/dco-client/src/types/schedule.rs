//! Delivery schedules, as their parties see them.

use dco_block::{Eui64, ManufacturerImageHash};

use super::{Micros, ScheduleName};
use crate::RequestId;

/// Units of one service day. A unit is one large image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayUnits {
    /// `YYYY-MM-DD`.
    pub service_date: String,
    pub units: u32,
}

/// What a User asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRequest {
    /// The image; `None` for every large image of the User.
    pub manufacturer_image_hash: Option<ManufacturerImageHash>,
    /// Devices that are to get it.
    pub device_count: u32,
    /// The first service day on which the User can send.
    pub earliest_date: String,
    /// The service day by which it wants to be done.
    pub latest_date: String,
    /// The most it can take on one day; 0 for no limit.
    pub per_day_max: u32,
}

/// What one side puts forward and both agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleDeal {
    /// Each day once; empty in lists.
    pub quota: Vec<DayUnits>,
    /// The local hours in which work is released, from the first up to the second; the whole day if `None`.
    pub window_hours: Option<(u32, u32)>,
    /// Devices that go first and must succeed before the others follow.
    pub canary_device_count: u32,
    /// Whether work of later days may use capacity that nobody else has ready work for.
    pub run_ahead: bool,
    /// Whether it goes before others in the security lane.
    pub security: bool,
}

/// A deal as it is shown: with the sums that lists have instead of the days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownDeal {
    pub deal: ScheduleDeal,
    /// Units of all days.
    pub total: u64,
    /// First and last day with units, where any has.
    pub dates: Option<(String, String)>,
}

/// A schedule as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// `None` in the answer to a request that only validates.
    pub name: Option<ScheduleName>,
    /// What the next act must name.
    pub etag: String,
    /// A stable word: `REQUESTED`, `OFFERED`, `AGREED`, ...
    pub state: String,
    pub request: ScheduleRequest,
    /// What holds, or what is left of it once it has ended.
    pub agreed: Option<ShownDeal>,
    /// How often what is agreed was changed.
    pub amendment_count: u32,
    /// What waits for an answer.
    pub proposal: Option<ScheduleProposal>,
    /// How its User was moved for others' sake, oldest first; empty in lists.
    pub moves: Vec<ScheduleMove>,
    /// How often its User was moved.
    pub move_count: u32,
    /// How often the Service Desk may propose that.
    pub moves_max: u32,
    /// Everything that was done to it, oldest first; empty in lists.
    pub history: Vec<ScheduleStep>,
    /// The first service day without what is agreed, where it was ended for a later day.
    pub end_date: Option<String>,
    /// What of the proposal is not as its User asked for it.
    pub warnings: Vec<String>,
    /// Acts on it that wait for a second officer; empty in lists, and for Users.
    pub waiting_actions: Vec<u64>,
}

/// What waits for an answer of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleProposal {
    /// `USER` or `SERVICE_DESK`.
    pub by: String,
    pub deal: ShownDeal,
    pub answer_by_us: Option<Micros>,
    pub cause: Option<MoveCause>,
}

/// Why a User is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveCause {
    /// Capacity dropped below what is agreed.
    OverAgreed,
    /// Another schedule needs room; Users are not told which.
    MakesRoom(Option<ScheduleName>),
}

/// One change of an agreement for others' sake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleMove {
    pub move_us: Option<Micros>,
    pub cause: Option<MoveCause>,
    /// Units that the User has no more.
    pub taken: Vec<DayUnits>,
    /// Units that it got back.
    pub given: Vec<DayUnits>,
    /// Whether two officers imposed it.
    pub imposed: bool,
}

/// One line of a schedule's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleStep {
    /// A stable word: `REQUEST`, `OFFER`, `ACCEPT`, ...
    pub act: String,
    pub signature: ScheduleSignature,
    pub deal: Option<ShownDeal>,
    pub answer_by_us: Option<Micros>,
    pub cause: Option<MoveCause>,
    /// For an end: the first service day without the agreement.
    pub end_date: Option<String>,
    /// The Service Desk meant to go beyond what the User asked for.
    pub beyond_request: bool,
}

/// Who did something, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSignature {
    /// `USER`, `SERVICE_DESK` or `TIME`.
    pub by: String,
    pub officer: Option<Eui64>,
    pub second_officer: Option<Eui64>,
    pub ticket: String,
    pub reason: String,
    /// The second officer's own ticket and reason; empty where one signed.
    pub second_ticket: String,
    pub second_reason: String,
    pub sign_us: Option<Micros>,
}

/// An act of one officer that waits, or waited, for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingAction {
    /// Counted from 1; `None` in the answer to a call that only validates.
    pub number: Option<u64>,
    /// `WAITING`, `APPROVED`, `DECLINED`, `EXPIRED` or `OVERTAKEN`.
    pub state: String,
    pub schedule: ScheduleName,
    /// What is to be done, signed by the officer who asked for it.
    pub step: ScheduleStep,
    pub expire_us: Option<Micros>,
    /// What was agreed when it was asked for.
    pub agreed: Option<ShownDeal>,
    /// What a second officer approves: what it agrees to, puts forward, imposes, or leaves of what was agreed.
    pub deal: Option<ShownDeal>,
    /// Who approved or declined it.
    pub settled: Option<ScheduleSignature>,
}

/// What an act has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acted {
    /// A step of the schedule.
    Schedule(Box<Schedule>),
    /// Something that waits for a second officer.
    Action(Box<PendingAction>),
}

/// What every act says about itself.
#[derive(Clone, Debug)]
pub struct Signing {
    /// The same id gives the same answer; with another body it is refused.
    pub request_id: RequestId,
    /// Check all and change nothing.
    pub validate_only: bool,
    /// Why, in one line.
    pub reason: String,
    /// For an officer of the Service Desk; empty for a User.
    pub ticket: String,
}

/// One thing to do to a schedule that is there.
#[derive(Clone, Debug)]
pub enum ScheduleAct {
    Offer(Proposed),
    Counter(Proposed),
    Accept,
    Decline,
    Withdraw,
    /// To propose a change of what is agreed; for others' sake with a cause.
    Amend(Proposed, Option<MoveCause>),
    /// To change what is agreed without its User's word.
    Impose(Imposed),
    /// To end what is agreed; the first service day without it.
    End(String),
}

/// What a side puts forward, and until when the other may answer.
#[derive(Clone, Debug)]
pub struct Proposed {
    pub deal: ScheduleDeal,
    pub answer_by_us: Micros,
    /// For an officer: it is meant to go beyond what the User asked for.
    pub beyond_request: bool,
}

/// What two officers impose, and why.
#[derive(Clone, Debug)]
pub struct Imposed {
    pub deal: ScheduleDeal,
    pub cause: MoveCause,
    /// It is meant to go beyond what the User asked for.
    pub beyond_request: bool,
}

impl ScheduleAct {
    /// Whether it is meant to go beyond what the User asked for.
    pub(crate) const fn is_beyond_request(&self) -> bool {
        match self {
            Self::Offer(it) | Self::Counter(it) | Self::Amend(it, _) => it.beyond_request,
            Self::Impose(it) => it.beyond_request,
            Self::Accept | Self::Decline | Self::Withdraw | Self::End(_) => false,
        }
    }
}

/// Capacity, hour profile or both, for service days.
#[derive(Clone, Debug)]
pub struct SetCapacity {
    pub signing: Signing,
    /// The first service day it is for.
    pub first_date: String,
    /// For that day alone.
    pub one_day: bool,
    /// Large images that may be released on a day; unchanged if `None`.
    pub capacity: Option<u32>,
    /// 24 weights; unchanged if empty.
    pub hour_profile: Vec<u32>,
    /// With `one_day` and neither of both: what was set for the day alone is taken back.
    pub clear: bool,
}
