//! Schedules, actions, notices and limits as they are read.

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::{
    Act, Approval, Cause, Covers, CrowdedWindow, Deal, Micros, Pending, Quota, Schedule,
    ScheduleId, ServiceDate, Side, Signed, Source, Span,
};

use crate::event::Scope;
use crate::record::{ActKind, Counted, Near, StopFigures};

/// One schedule. For its User without the names of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleView {
    /// Its name; in the answer to a request that only validates, the one that it would have.
    pub id: ScheduleId<Eui64>,
    /// The revision that the next step must name: its etag.
    pub revision: u32,
    /// All of it, with its history.
    pub schedule: Schedule<Eui64>,
    /// How often the Service Desk may propose to move it.
    pub moves_max: u32,
    /// Acts on it that wait for a second officer, where it is read alone and not by its User.
    pub waiting: Vec<u64>,
}

/// One act that waits, or waited, for a second officer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionView {
    /// Counted from 1; `None` in the answer to a request that only validates.
    pub number: Option<u64>,
    /// What is to be done, who asked for it and until when it may be approved.
    pub pending: Pending<Eui64>,
    /// What was agreed when it was asked for.
    pub agreed: Option<Deal>,
    /// Quota and terms that it agrees to, puts forward, imposes, or leaves of what was agreed.
    pub deal: Option<Deal>,
    /// What became of it.
    pub fate: ActionFate,
}

/// What became of an act that needed a second officer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionFate {
    /// It waits.
    Waiting,
    /// It was approved and done.
    Approved {
        /// By whom, and what was said with it.
        second: Approval<Eui64>,
        /// When.
        at_us: Micros,
    },
    /// It was declined, or waited too long.
    Closed(Signed<Eui64>),
}

/// A party's notices after a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notices {
    /// In order of their numbers.
    pub notices: Vec<Notice>,
    /// Where to go on from.
    pub position: u64,
    /// Nothing follows `position` now; what is left comes with another call.
    pub complete: bool,
}

/// One thing that a party is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Counted per party from 1.
    pub number: u64,
    /// When it came about.
    pub at_us: Micros,
    /// What.
    pub subject: NoticeSubject,
    /// What was put forward, taken or ended, where it is about an act on a schedule.
    pub told: Option<ActTold>,
}

/// What an act on a schedule is about: read with a notice, so that it need not be looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActTold {
    /// Units of the quota that it puts forward.
    pub units: u64,
    /// The first and the last day of that quota.
    pub days: Option<(ServiceDate, ServiceDate)>,
    /// Units that it took from its User.
    pub taken: u64,
    /// Why the Service Desk moves the User.
    pub cause: Option<Cause<Eui64>>,
    /// The first day without the agreement, where it ends it.
    pub ends: Option<ServiceDate>,
}

impl ActTold {
    /// Of an act, the deal that it is about, and what it took.
    pub(crate) fn of(act: &Act<Eui64>, deal: Option<&Deal>, taken: u64) -> Self {
        let quota = deal.map(|deal| &deal.quota);
        Self {
            units: quota.map_or(0, Quota::total),
            days: quota.and_then(|quota| Some((quota.first()?, quota.last()?))),
            taken,
            cause: act.cause(),
            ends: match act {
                Act::End { from } => Some(*from),
                _ => None,
            },
        }
    }
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeSubject {
    /// A step of a schedule.
    ScheduleStep {
        /// Which schedule.
        schedule: ScheduleId<Eui64>,
        /// The revision that it made.
        revision: u32,
        /// What was done.
        act: ActKind,
        /// By which side; `None` when it was time.
        by: Option<Side>,
        /// Until when it may be answered, where it waits for an answer.
        answer_by_us: Option<Micros>,
    },
    /// An act waits for a second officer.
    ActionPending {
        /// Its number.
        action: u64,
        /// The schedule it is about.
        schedule: ScheduleId<Eui64>,
        /// What is to be done.
        act: ActKind,
        /// Until when it may be approved.
        expires_us: Micros,
    },
    /// What waited for a second officer was approved, declined, or waited too long.
    ActionSettled {
        /// Its number.
        action: u64,
        /// Whether it was approved.
        approved: bool,
    },
    /// Capacity or hour profile was set. For a User: on days agreed with it.
    CapacitySet {
        /// The days it is about.
        span: Span,
        /// Large images that may be released on each, where that was set.
        capacity: Option<u32>,
        /// Whether the hour profile was set.
        profile: bool,
        /// How many days to come are agreed with this User under it; 0 for others.
        agreed_days: u32,
    },
    /// What was set for a day alone was taken back. For a User: of a day agreed with it.
    CapacityCleared {
        /// The day.
        date: ServiceDate,
        /// Large images that may be released on it now.
        capacity: u32,
        /// How many days to come are agreed with this User under it; 0 for others.
        agreed_days: u32,
    },
    /// More is agreed on these days than they have room for; the Service Desk is to propose a re-plan.
    OverAgreed {
        /// Each day and by how much, in units.
        days: Vec<(ServiceDate, u32)>,
        /// Schedules that a re-plan would move, and how many units of each; none where the day began so.
        proposal: Vec<(ScheduleId<Eui64>, u64)>,
    },
    /// More is agreed in windows on these days than their hours carry, since capacity or hour profile changed, or as the day began.
    WindowsCrowded {
        /// Each day and by how much, in units. For a User: in its own windows.
        days: Vec<(ServiceDate, u32)>,
        /// The schedules whose windows these are: for a User its own. None where it was told before they were kept.
        windows: Vec<CrowdedWindow<Eui64>>,
    },
    /// A transfer will soon expire.
    TransferExpires {
        /// Its number.
        transfer: u64,
        /// When.
        expire_us: Micros,
    },
    /// 80 % or more of what may be sent for a day is sent.
    NearlyUsed {
        /// Of the allowance, or of a schedule's quota.
        source: Source,
        /// The day.
        date: ServiceDate,
        /// What may be sent for it.
        limit: u32,
        /// What is sent.
        used: u32,
    },
    /// The TRT of a batch ends soon, and some of it has not ended.
    TrtNear {
        /// Whose it is.
        user: Eui64,
        /// Its number.
        batch: u64,
        /// When the TRT ends.
        due_us: Micros,
        /// Activations that have not ended.
        open: u64,
    },
    /// 80 % or more of a limit is used.
    LimitNear {
        /// Which limit.
        near: Near,
        /// The service day whose capacity it is.
        date: Option<ServiceDate>,
        /// The limit.
        limit: u64,
        /// What of it is used.
        used: u64,
    },
    /// An import of the Central Products List, or a change of what is checked against it, holds activations or lets them
    /// go on.
    ProductsHold {
        /// Whose they are.
        user: Eui64,
        /// The image.
        manufacturer_image_hash: ManufacturerImageHash,
        /// How many are held from now on.
        held: u32,
        /// How many are held no more.
        freed: u32,
    },
    /// Releases of a part were paused, or resumed.
    PauseChanged {
        /// Which.
        scope: Scope,
        /// Or resumed.
        paused: bool,
        /// Where it is written down; empty when a rule paused.
        ticket: String,
        /// What the rule found that paused. Not for Users: it says something about others.
        stop: Option<StopFigures>,
    },
    /// Work with security priority left in place of this User's on a service day that is over. Its share of the day that follows is
    /// so much larger.
    Displaced {
        /// The day.
        date: ServiceDate,
        /// By how many units.
        units: u32,
    },
    /// A request was refused because a count would have gone over its threshold. Told once for each count of a period.
    ThresholdBreached {
        /// Whose request it was.
        user: Eui64,
        /// What was counted.
        counted: Counted,
        /// Whether it was the count over all Users.
        of_all: bool,
        /// The threshold.
        limit: u32,
        /// Counted so far.
        used: u32,
        /// What the request would have added.
        requested: u32,
    },
}

/// What a User may send, and what of it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsView {
    /// The service day that is open.
    pub date: ServiceDate,
    /// When the next one starts, with a new allowance and new quotas.
    pub resets_us: Micros,
    /// Large activations it may send for a day without a schedule.
    pub allowance: u32,
    /// Those it has sent for today.
    pub allowance_sent: u32,
    /// Agreed quotas of today and of days to come, by day and schedule.
    pub quotas: Vec<QuotaUse>,
    /// How many service days ahead a batch may be sent.
    pub days_ahead_max: u16,
    /// Devices in one transfer or batch.
    pub devices_max: u32,
    /// What is counted of it in the period, against thresholds.
    pub counts: Vec<CountUse>,
    /// When the next period begins.
    pub counts_reset_us: Micros,
}

/// One count of a User in the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountUse {
    /// What is counted.
    pub counted: Counted,
    /// The threshold for one User.
    pub limit: u32,
    /// What is counted so far.
    pub used: u32,
}

/// One schedule's quota of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaUse {
    /// The day.
    pub date: ServiceDate,
    /// The schedule's number.
    pub schedule: u32,
    /// What it is for.
    pub covers: Covers,
    /// What may be sent for the day.
    pub agreed: u32,
    /// What is sent for it.
    pub sent: u32,
}

/// Where an act stands that needs a second officer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionState {
    /// It waits.
    Waiting,
    /// It was approved and done.
    Approved,
    /// An officer said no.
    Declined,
    /// Nobody approved it in time.
    Expired,
    /// Its schedule was changed by others, so it can never be done.
    Overtaken,
}

impl std::fmt::Display for ActionState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waiting => "WAITING",
            Self::Approved => "APPROVED",
            Self::Declined => "DECLINED",
            Self::Expired => "EXPIRED",
            Self::Overtaken => "OVERTAKEN",
        })
    }
}

impl ActionView {
    /// Where it stands. Time closes what waited too long, and before that only what was overtaken.
    pub fn state(&self) -> ActionState {
        match &self.fate {
            ActionFate::Waiting => ActionState::Waiting,
            ActionFate::Approved { .. } => ActionState::Approved,
            ActionFate::Closed(signed) if signed.by.side().is_some() => ActionState::Declined,
            ActionFate::Closed(signed) if signed.at_us < self.pending.expires_us => {
                ActionState::Overtaken
            }
            ActionFate::Closed(_) => ActionState::Expired,
        }
    }

    /// Why it does not wait any more, as who settled it said; empty while it waits, and for approvals from before it was kept.
    pub fn settled_why(&self) -> &str {
        match &self.fate {
            ActionFate::Waiting => "",
            ActionFate::Approved { second, .. } => {
                second.said.as_ref().map_or("", |said| said.reason.as_str())
            }
            ActionFate::Closed(signed) => signed.reason.as_str(),
        }
    }

    /// What is to be done.
    pub const fn act(&self) -> &Act<Eui64> {
        &self.pending.ask.act
    }
}
