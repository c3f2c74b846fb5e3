//! What a party is told, and what a User may send.

use std::fmt::{self, Display, Formatter};

use dco_block::{Eui64, ManufacturerImageHash};

use super::{
    BatchName, CrowdedWindow, DayUnits, Micros, PauseScope, ScheduleName, StopFigures, TransferName,
};

/// Whose notices are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeParty {
    /// The caller's own.
    Own,
    /// Those of a User.
    User(Eui64),
    /// Those of the Service Desk.
    ServiceDesk,
    /// Those of the operators.
    Operators,
}

/// One thing that a party is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Counted per party from 1.
    pub position: u64,
    pub create_us: Option<Micros>,
    /// One sentence that says it all.
    pub message: String,
    /// `None` for one of a kind that this client does not know.
    pub subject: Option<NoticeSubject>,
}

/// What an act on a schedule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActTold {
    /// Units of the quota that it puts forward.
    pub units: u64,
    /// First and last day of that quota.
    pub dates: Option<(String, String)>,
    /// Units that it took from its User.
    pub taken: u64,
    /// `OVER_AGREED` or `MAKES_ROOM`.
    pub cause: Option<String>,
    /// For which schedule; not for Users.
    pub makes_room_for: Option<ScheduleName>,
    /// For an end: the first service day without the agreement.
    pub end_date: Option<String>,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeSubject {
    /// Something was done to a schedule.
    ScheduleStep {
        schedule: ScheduleName,
        /// The etag that the step made.
        etag: String,
        /// A stable word: `OFFER`, `AMEND`, ...
        act: String,
        /// `USER`, `SERVICE_DESK` or `TIME`.
        by: String,
        /// Until when it may be answered.
        answer_by_us: Option<Micros>,
        /// What was put forward, taken or ended.
        told: Option<ActTold>,
    },
    /// An act waits for a second officer.
    ActionPending {
        action: u64,
        schedule: ScheduleName,
        act: String,
        expire_us: Option<Micros>,
        /// What is to be put forward or ended.
        told: Option<ActTold>,
    },
    /// It was approved, declined, or waited too long.
    ActionSettled { action: u64, approved: bool },
    /// Capacity or hour profile was set.
    CapacitySet {
        first_date: String,
        one_day: bool,
        /// Large images that may be released on a day; `None` where only the hour profile was set.
        capacity: Option<u32>,
        /// What was set for the day alone was taken back; `capacity` holds on it now.
        cleared: bool,
        /// Days under it that are agreed with this User.
        agreed_days: u32,
    },
    /// More is agreed on days than they have room for.
    OverAgreed {
        days: Vec<DayUnits>,
        /// Schedules that a re-plan would move, and how many units of each.
        proposal: Vec<(ScheduleName, u64)>,
    },
    /// Windows have more agreed in them on days than their hours carry.
    WindowsCrowded {
        days: Vec<DayUnits>,
        /// The schedules whose windows these are.
        windows: Vec<CrowdedWindow>,
    },
    /// A transfer will soon expire.
    TransferExpires {
        transfer: TransferName,
        expire_us: Option<Micros>,
    },
    /// By what the Central Products List says now, activations are held or go on.
    ProductsHold {
        user: Eui64,
        manufacturer_image_hash: ManufacturerImageHash,
        /// How many are held from now on.
        held: u32,
        /// How many are held no more.
        freed: u32,
    },
    /// A request was refused because a count would have gone over its threshold.
    ThresholdBreached {
        /// Whose request it was.
        user: Eui64,
        /// `TRANSFERS` or `ACTIVATIONS`.
        counted: String,
        /// Whether it was the count over all Users.
        of_all_users: bool,
        limit: u32,
        /// Counted in the period so far.
        used: u32,
        /// What the request would have added.
        requested: u32,
    },
    /// Releases of a part were paused by an officer or by a rule, or resumed.
    PauseChanged {
        scope: PauseScope,
        /// Or resumed.
        paused: bool,
        /// Empty when a rule paused.
        ticket: String,
        /// What the rule found that paused; never for Users.
        stop: Option<StopFigures>,
    },
    /// The TRT of a batch ends soon, and some of it has not ended.
    TrtNear {
        batch: BatchName,
        due_us: Option<Micros>,
        /// Activations that have not ended.
        open_count: u64,
    },
    /// 80 % or more of a limit is used.
    LimitNear {
        /// `OPEN_TRANSFERS`, `STORED_BYTES` or `DAY_CAPACITY`.
        limit_name: String,
        /// The service day of a capacity.
        service_date: Option<String>,
        limit: u64,
        used: u64,
    },
    /// The security lane released others' work in place of this User's; its share of the next day is so much larger.
    Displaced { service_date: String, units: u32 },
    /// Most of what may be sent for a day is sent.
    NearlyUsed {
        /// `None` for the allowance.
        schedule: Option<ScheduleName>,
        service_date: String,
        limit: u32,
        sent: u32,
    },
}

/// Notices after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notices {
    pub notices: Vec<Notice>,
    /// Going on from here misses nothing.
    pub position: u64,
    /// Nothing follows now.
    pub complete: bool,
}

/// What a User may send, and what of it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The service day that is open.
    pub service_date: String,
    /// When the next one starts.
    pub reset_us: Option<Micros>,
    pub allowance_per_service_day: u32,
    pub allowance_sent: u32,
    /// Agreed quotas of today and of days to come.
    pub quotas: Vec<QuotaUse>,
    pub days_ahead_max: u32,
    pub devices_max: u32,
    /// What is counted of the User against thresholds.
    pub counts: Vec<CountUse>,
    /// When counting begins anew.
    pub counts_reset_us: Option<Micros>,
}

/// One count of a User in the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountUse {
    /// As the wire names it: `TRANSFERS`, `ACTIVATIONS`, `REQUEST_BYTES`, `SCHEDULE_STEPS`.
    pub counted: String,
    /// Beyond it requests are refused.
    pub limit: u32,
    pub used: u32,
}

/// One schedule's quota of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaUse {
    pub service_date: String,
    pub schedule: ScheduleName,
    /// The image it is for; `None` for every large image.
    pub manufacturer_image_hash: Option<ManufacturerImageHash>,
    pub agreed: u32,
    pub sent: u32,
}

impl Display for NoticeParty {
    /// As the wire names it; empty for the caller's own.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => Ok(()),
            Self::User(user) => write!(out, "users/{user}"),
            Self::ServiceDesk => out.write_str("serviceDesk"),
            Self::Operators => out.write_str("operators"),
        }
    }
}
