//! Why something about a schedule cannot be done: facts with numbers.

use std::fmt::Write;

use thiserror::Error;

use crate::{Micros, ServiceDate, Side, WindowShort};

/// A service day on which a quota does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayShort {
    /// The day.
    pub date: ServiceDate,
    /// Units that all Users together may release on it.
    pub capacity: u32,
    /// Units agreed with others.
    pub agreed: u64,
    /// Units kept for allowances, security and retries.
    pub reserved: u64,
    /// Units left.
    pub free: u64,
    /// Units that the quota has.
    pub wanted: u32,
}

/// Why an act is refused. Instants are UTC microseconds, quantities units.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The User has no schedule of this number.
    #[error("there is no schedule {number}; the next request of this User is number {next}")]
    NotFound {
        /// The number given.
        number: u32,
        /// The number that a request must name.
        next: u32,
    },
    /// Somebody else was faster.
    #[error(
        "the schedule is at revision {current}, not {given}; read it again and decide on what it says now"
    )]
    RevisionMismatch {
        /// The revision given.
        given: u32,
        /// The revision it is at.
        current: u32,
    },
    /// The act has no place in this state, or not from this side.
    #[error("{act} by {side} is not possible while the schedule is {state}; read its state again")]
    WrongState {
        /// Where the schedule stands.
        state: String,
        /// What was to be done.
        act: String,
        /// By whom.
        side: Side,
    },
    /// The User has enough of them.
    #[error(
        "{limit} schedules of this User are under way or agreed, and that is the limit; withdraw or end one first"
    )]
    TooManyOpen {
        /// How many there may be.
        limit: u32,
    },
    /// The days are in the wrong order.
    #[error(
        "the request wants to end on {latest}, before {earliest}; give a latest day not before the earliest"
    )]
    RequestReversed {
        /// The first day.
        earliest: ServiceDate,
        /// The last day.
        latest: ServiceDate,
    },
    /// The days are over.
    #[error(
        "the request ends on {latest}, and {today} has begun; give a latest day from {today} on"
    )]
    RequestOver {
        /// Its last day.
        latest: ServiceDate,
        /// The day that is open.
        today: ServiceDate,
    },
    /// A quota without units.
    #[error("no service day of the quota has units; give at least one")]
    QuotaEmpty,
    /// A day that is over cannot change.
    #[error(
        "{date} is over since {today} began: its quota is {agreed} and cannot become {wanted}; leave past days as they are"
    )]
    DayOver {
        /// The day.
        date: ServiceDate,
        /// The day that is open.
        today: ServiceDate,
        /// Its quota.
        agreed: u32,
        /// What it was to become.
        wanted: u32,
    },
    /// The capacity of a day that is over cannot change.
    #[error(
        "{date} is over since {today} began: its capacity stays {capacity}; set it for today or later"
    )]
    CapacityOfPast {
        /// The day.
        date: ServiceDate,
        /// The day that is open.
        today: ServiceDate,
        /// Its capacity.
        capacity: u32,
    },
    /// A day too far ahead.
    #[error("{date} is too far ahead; quotas reach up to {latest}")]
    DayTooFar {
        /// The day.
        date: ServiceDate,
        /// The last day that a quota may have.
        latest: ServiceDate,
    },
    /// More units than Devices.
    #[error(
        "the quota has {wanted} units where {devices} Devices were requested; give at most as many, or let the User \
         request another schedule"
    )]
    MoreThanRequested {
        /// Devices of the request.
        devices: u32,
        /// What was sent on past days, and the quota from today on.
        wanted: u64,
    },
    /// Less than what was sent already.
    #[error(
        "{sent} units are sent for {date}, so its quota cannot become {wanted}; cancel batches of that day first"
    )]
    BelowSent {
        /// The day.
        date: ServiceDate,
        /// Units sent for it under this schedule.
        sent: u32,
        /// What the quota was to become.
        wanted: u32,
    },
    /// No room on these days.
    #[error("{}", short(.days))]
    DoesNotFit {
        /// Each day on which it does not fit, earliest first.
        days: Vec<DayShort>,
    },
    /// The hours of the window cannot take the quota.
    #[error("{}", short_windows(.days))]
    WindowTooShort {
        /// Each day on which they cannot, earliest first.
        days: Vec<WindowShort>,
    },
    /// The time to answer is too short.
    #[error(
        "the other side has too little time to answer; give it {} seconds more",
        seconds_up(.earliest_us.saturating_sub(*given_us))
    )]
    AnswerTooSoon {
        /// What was given.
        given_us: Micros,
        /// The earliest that may be given.
        earliest_us: Micros,
    },
    /// The time to answer is over.
    #[error("the time to answer is over; ask the other side to propose again")]
    AnswerTooLate {
        /// When it was due.
        answer_by_us: Micros,
    },
    /// The schedule was moved too often.
    #[error(
        "the schedule was moved {moves} times and {limit} is the limit; move another one, or let two officers impose it"
    )]
    MovedTooOften {
        /// How often it was moved.
        moves: u32,
        /// How often it may be.
        limit: u32,
    },
    /// There is no such act waiting.
    #[error("nothing of number {action} waits for a second officer; list what does")]
    ActionNotFound {
        /// The number given.
        action: u64,
    },
    /// It waited too long.
    #[error("it waited too long for a second officer; ask for it again")]
    ActionExpired {
        /// Until when it waited.
        expires_us: Micros,
    },
    /// Who asked for it cannot approve it.
    #[error("who asked for it cannot approve it; let another officer")]
    SameOfficer,
}

fn short(days: &[DayShort]) -> String {
    let mut text = format!("the quota does not fit on {} service days: ", days.len());
    for day in days.iter().take(3) {
        let _ = write!(
            text,
            "{} wants {} of {} free (capacity {}, agreed {}, reserved {}); ",
            day.date, day.wanted, day.free, day.capacity, day.agreed, day.reserved
        );
    }
    text + "take less on these days or use others"
}

fn short_windows(days: &[WindowShort]) -> String {
    let count = days.len();
    let mut text =
        format!("the hours of the window cannot take the quota on {count} service days: ");
    for day in days.iter().take(3) {
        let _ = write!(
            text,
            "{} wants {} of {} free from {} (the pace of the day carries {}, agreed {}); ",
            day.date,
            day.wanted,
            day.free(),
            day.hours,
            day.carries,
            day.agreed
        );
    }
    text + "take less on these days, more hours, or no window"
}

fn seconds_up(span_us: Micros) -> u64 {
    span_us.unsigned_abs().div_ceil(1_000_000)
}
