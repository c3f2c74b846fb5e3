//! What may be asked about delivery schedules, capacity, notices and limits.

use dco_block::Eui64;
use dco_schedule::{
    Act, Asker, HourProfile, HourWindow, Request, ScheduleId, ServiceDate, Setting, Span, Text,
};

use super::RequestId;

/// What may be asked about schedules and what belongs to them.
#[derive(Debug, Clone)]
pub enum ScheduleRequest {
    /// A party does something to a schedule: requests, offers, counters, accepts, amends, imposes, withdraws,
    /// declines or ends it.
    Act(ActOnSchedule),
    /// One schedule with its history.
    Get {
        /// Which.
        id: ScheduleId<Eui64>,
        /// Who reads.
        reader: Reader,
    },
    /// Schedules by User and number.
    List(ListSchedules),
    /// Set capacity, hour profile or both.
    SetCapacity(SetCapacity),
    /// Service days in a range, at most [`CAPACITY_DAYS_MAX`] of them.
    GetCapacity {
        /// For this User, who sees others as a sum; for the Service Desk if absent.
        user: Option<Eui64>,
        /// The first day; today if absent.
        first: Option<ServiceDate>,
        /// The last day; 55 days after the first if absent.
        last: Option<ServiceDate>,
    },
    /// Three ways to meet a request, given what is agreed and sent by now.
    ProposeFit {
        /// Whose request it is.
        user: Eui64,
        /// What is asked for.
        request: Request,
        /// The window in which it would be released; the whole day if absent.
        window: Option<HourWindow>,
    },
    /// Three ways to agree what a schedule still wants.
    ProposeMore {
        /// Which schedule.
        id: ScheduleId<Eui64>,
        /// The window in which that would be released; the whole day if absent.
        window: Option<HourWindow>,
    },
    /// Whom to move where, so that no day has more agreed than it has room for.
    ProposeReplan,
    /// What if these requests were agreed? At most [`SIMULATED_REQUESTS_MAX`] of them, first come first.
    Simulate {
        /// Who asks for what.
        requests: Vec<(Eui64, Request)>,
    },
    /// Acts that wait for a second officer.
    ListPendingActions {
        /// Those that do not wait any more as well: none of them is forgotten.
        settled: bool,
        /// Numbers above this only.
        after: u64,
        /// How many to answer.
        limit: u32,
    },
    /// A second officer approves.
    Approve(AnswerAction),
    /// An officer says no.
    Decline(AnswerAction),
    /// A party's notices after a position.
    ReadNotices {
        /// Whose.
        party: NoticeParty,
        /// Notices after this number.
        position: u64,
        /// How many to answer.
        limit: u32,
    },
    /// What a User may send, and what of it is used.
    GetLimits {
        /// The User.
        user: Eui64,
    },
}

/// Requests that are tried at once.
pub const SIMULATED_REQUESTS_MAX: usize = 100;

/// Service days in one answer about capacity.
pub const CAPACITY_DAYS_MAX: i32 = 400;

/// Who reads: whether others are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The User whose schedule it is: other Users are not named.
    User,
    /// The Service Desk, operators and auditors.
    Desk,
}

/// One thing done to a schedule.
#[derive(Debug, Clone)]
pub struct ActOnSchedule {
    /// Which schedule; a request makes a new one, whatever number is given.
    pub schedule: ScheduleId<Eui64>,
    /// The request id, unique per caller.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
    /// Who does it.
    pub by: Asker<Eui64>,
    /// Why.
    pub reason: Text,
    /// The revision that the caller has seen: its etag; 0 for a request.
    pub revision: u32,
    /// Whether the Service Desk means to go beyond the days and the daily maximum that the User asked for.
    pub beyond_request: bool,
    /// What is done.
    pub act: Act<Eui64>,
}

impl ActOnSchedule {
    /// Who asks, and is the owner of the request id.
    pub(crate) fn caller(&self) -> Eui64 {
        match self.by {
            Asker::User => self.schedule.user,
            Asker::Officer { officer, .. } => officer,
        }
    }

    /// As whom the caller reads the answer.
    pub(crate) const fn reader(&self) -> Reader {
        match self.by {
            Asker::User => Reader::User,
            Asker::Officer { .. } => Reader::Desk,
        }
    }
}

/// A part of the list of schedules.
#[derive(Debug, Clone, Copy)]
pub struct ListSchedules {
    /// Of one User, or of all.
    pub user: Option<Eui64>,
    /// After this one only.
    pub after: Option<ScheduleId<Eui64>>,
    /// Only those that can still change.
    pub open_only: bool,
    /// How many to answer.
    pub limit: u32,
    /// Who reads.
    pub reader: Reader,
}

/// Capacity, hour profile or both, from a service day on or for one; or what was set for one is taken back.
#[derive(Debug, Clone)]
pub struct SetCapacity {
    /// Who sets it.
    pub officer: Eui64,
    /// The request id.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
    /// Under which ticket.
    pub ticket: Text,
    /// Why.
    pub reason: Text,
    /// For which days.
    pub span: Span,
    /// Large images that may be released on a day; unchanged if absent.
    pub capacity: Option<u32>,
    /// How they are spread over its hours; unchanged if absent.
    pub profile: Option<HourProfile>,
    /// Take back what was set for the day alone first.
    pub clear: bool,
}

impl SetCapacity {
    /// What it sets, in the order in which it holds.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let settings = [
            self.clear.then_some(Setting::Clear),
            self.capacity.map(Setting::Capacity),
            self.profile.map(Setting::Profile),
        ];
        settings.into_iter().flatten().collect()
    }
}

/// An officer's answer to an act that waits for a second one.
#[derive(Debug, Clone)]
pub struct AnswerAction {
    /// Which.
    pub action: u64,
    /// Who answers.
    pub officer: Eui64,
    /// The request id.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
    /// Under which ticket.
    pub ticket: Text,
    /// Why.
    pub reason: Text,
}

/// Who notices are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeParty {
    /// One User.
    User(Eui64),
    /// The Service Desk, all officers together.
    Desk,
    /// The operators, all together.
    Operators,
}
