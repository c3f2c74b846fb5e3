//! Why something about a schedule cannot be done: facts with numbers.

mod moves;

pub use moves::{DayTaken, MoveRefusal};

use std::fmt::Write;

use thiserror::Error;

use crate::{Micros, Quota, ServiceDate, Side, WindowShort};

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
    /// There is nothing to take back.
    #[error(
        "nothing is set for {date} alone, so there is nothing to take back; what holds from a day on is set anew instead"
    )]
    NothingSetAlone {
        /// The day.
        date: ServiceDate,
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
    /// A plan for a schedule that wants nothing more.
    #[error(
        "all {devices} Devices of the schedule are agreed, so nothing is left to plan; ask about another one, or about \
         a new request of its User"
    )]
    AgreedInFull {
        /// Devices of the request.
        devices: u32,
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
        "the other side has too little time to answer; give it {} more",
        span_up(.earliest_us.saturating_sub(*given_us))
    )]
    AnswerTooSoon {
        /// What was given.
        given_us: Micros,
        /// The earliest that may be given.
        earliest_us: Micros,
    },
    /// The time to answer reaches beyond what there is to agree on.
    #[error(
        "the answer may come after {date}, the last service day of the quota; give a time up to the end of that day"
    )]
    AnswerAfterDays {
        /// What was given.
        given_us: Micros,
        /// The last day of the quota.
        date: ServiceDate,
        /// Its end: the latest that may be given.
        latest_us: Micros,
    },
    /// The cause of a move is missing, or does not hold.
    #[error(transparent)]
    Move(#[from] MoveRefusal),
    /// The Service Desk goes beyond what its User asked for without saying that it means to.
    #[error("{}", beyond(.days, (*.earliest, *.latest, *.per_day_max)))]
    BeyondRequest {
        /// The days on which it does, and their units.
        days: Quota,
        /// The first day on which the User can send.
        earliest: ServiceDate,
        /// The day by which it wants to be done.
        latest: ServiceDate,
        /// The most it can take on a day.
        per_day_max: u32,
    },
    /// More Devices go first than the quota has units.
    #[error(
        "the canary has {canary} Devices and the quota {units} units; give a canary of at most as many"
    )]
    CanaryTooLarge {
        /// Devices that were to go first.
        canary: u32,
        /// Units of the quota.
        units: u64,
    },
    /// Security priority is for what the security lane carries.
    #[error(
        "{wanted} units with security priority do not fit on {date}: the security lane carries {lane}, and {agreed} \
         are agreed with others; take at most {} on that day, or agree them without security priority",
        u64::from(*.lane).saturating_sub(*.agreed)
    )]
    SecurityLaneFull {
        /// The first day on which they do not.
        date: ServiceDate,
        /// Units that the lane carries on a day.
        lane: u32,
        /// Units with security priority agreed with others.
        agreed: u64,
        /// Units that the quota has.
        wanted: u32,
    },
    /// What is proposed is agreed already.
    #[error(
        "nothing would change: quota and terms are as they are agreed; propose other ones, or decline what is proposed \
         to leave them so"
    )]
    AmendsNothing,
    /// An agreement cannot end on a day that is over.
    #[error(
        "the schedule would end from {from} on, and {today} has begun; end it from {today} on or later"
    )]
    EndOver {
        /// The first day without it.
        from: ServiceDate,
        /// The day that is open.
        today: ServiceDate,
    },
    /// It ends as early already.
    #[error("the schedule ends from {ends} on already; give an earlier day than {from}")]
    EndsAlready {
        /// The first day without it that was asked for.
        from: ServiceDate,
        /// The first day without it.
        ends: ServiceDate,
    },
    /// No day would be cut.
    #[error(
        "nothing is agreed from {from} on, since {last} is the last day; end the schedule from {last} on or earlier, \
         or leave it: it ends when that day is over"
    )]
    EndsNothing {
        /// The first day without it that was asked for.
        from: ServiceDate,
        /// The last day that is agreed.
        last: ServiceDate,
    },
    /// A request for days that no quota reaches.
    #[error(
        "the request ends on {date}, and quotas reach up to {latest}; give a latest day up to then"
    )]
    RequestTooFar {
        /// Its last day.
        date: ServiceDate,
        /// The last day that a quota may have.
        latest: ServiceDate,
    },
    /// No system carries so much.
    #[error("a capacity of {given} a service day was given; expected at most {limit}")]
    CapacityTooLarge {
        /// What was given, in units.
        given: u32,
        /// The most that may be set.
        limit: u32,
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
    /// What it rests on has changed.
    #[error(
        "schedule {number} is not as it was when act {action} was asked for, so it cannot be done any more; read the \
         schedule again and ask for what is right now"
    )]
    ActionOvertaken {
        /// The act.
        action: u64,
        /// The schedule it is about.
        number: u32,
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
    /// Who asks for it or approves it would decide for itself.
    #[error(
        "who the schedule belongs to, or room is made for, is neither of the two officers that it needs; let others"
    )]
    OfficerGains,
    /// The same was asked for before.
    #[error(
        "the same waits for a second officer as act {action} already; approve that one as another officer, or decline it"
    )]
    WaitsAlready {
        /// The act that waits.
        action: u64,
    },
}

impl Refusal {
    /// What a User is told: it sees others only as a sum.
    pub(super) fn for_its_user(self) -> Self {
        match self {
            Self::WindowTooShort { days } => Self::WindowTooShort {
                days: days.into_iter().map(WindowShort::for_its_user).collect(),
            },
            other => other,
        }
    }
}

fn short(days: &[DayShort]) -> String {
    let mut text = format!("the quota does not fit on {}: ", service_days(days.len()));
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
    let count = service_days(days.len());
    let mut text = format!("the hours of the window cannot take the quota on {count}: ");
    for day in days.iter().take(3) {
        let _ = write!(
            text,
            "{} wants {} of {} free ",
            day.date, day.wanted, day.free
        );
        let _ = match day.full {
            Some(full) => write!(
                text,
                "from {} (the pace of the day carries {}, agreed {}); ",
                full.hours, full.carries, full.agreed
            ),
            None => write!(text, "from {}; ", day.window),
        };
    }
    text + "take less on these days, more hours, or no window"
}

fn beyond(
    days: &Quota,
    (earliest, latest, per_day_max): (ServiceDate, ServiceDate, u32),
) -> String {
    let count = service_days(days.days().count());
    let mut text = format!(
        "the User asked for days from {earliest} to {latest} and at most {per_day_max} units on each, and {count} of the \
         quota go beyond: "
    );
    for (date, units) in days.days().take(3) {
        let _ = write!(text, "{units} on {date}; ");
    }
    text + "keep to what was asked for, or say that you go beyond the request"
}

fn service_days(count: usize) -> String {
    let days = if count == 1 { "day" } else { "days" };
    format!("{count} service {days}")
}

/// A span as people say it, rounded up.
fn span_up(span_us: Micros) -> String {
    let seconds = span_us.unsigned_abs().div_ceil(1_000_000);
    let (count, unit) = match seconds {
        0..=120 => (seconds, "second"),
        121..=7_200 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3_600), "hour"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_the_unit_that_people_count_in_and_never_too_short() {
        const SECOND_US: Micros = 1_000_000;
        for (span_us, said) in [
            (1, "1 second"),
            (120 * SECOND_US, "120 seconds"),
            (120 * SECOND_US + 1, "3 minutes"),
            (7_200 * SECOND_US, "120 minutes"),
            (126_058 * SECOND_US, "36 hours"),
        ] {
            assert_eq!(span_up(span_us), said);
        }
    }
}
