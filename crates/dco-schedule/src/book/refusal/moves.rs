//! Why a User is not moved so: the cause is missing, or does not hold for as much as would be taken.

use std::fmt::Write;

use thiserror::Error;

use super::service_days;
use crate::{Quota, ServiceDate, Terms};

/// A service day of which more would be taken than its cause allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTaken {
    /// The day.
    pub date: ServiceDate,
    /// Agreed units that would be taken of it.
    pub taken: u32,
    /// Units that may be.
    pub at_most: u64,
}

/// Why a move is refused. Quantities are units.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoveRefusal {
    /// Agreed units are taken without a cause.
    #[error(
        "the amendment takes {units} agreed units of {date} and does not say why; name the schedule that it makes \
         room for, or say that the day is OVER_AGREED"
    )]
    CauseMissing {
        /// The first day of which units are taken.
        date: ServiceDate,
        /// How many of that day.
        units: u32,
    },
    /// A counter of the Service Desk takes what its User does not offer to give up.
    #[error(
        "the counter takes {units} agreed units of {date} that the User does not offer to give up, and a counter has no \
         cause; amend the schedule with a cause instead, which takes the place of the User's proposal"
    )]
    CounterTakes {
        /// The first such day.
        date: ServiceDate,
        /// How many of that day.
        units: u32,
    },
    /// A cause where nothing is taken.
    #[error(
        "a cause says why agreed units are taken, and none are; propose other terms or more units as an amendment \
         without a cause"
    )]
    NothingTaken,
    /// Terms would change without the User's word.
    #[error(
        "the terms would change without the User's word, and only days are imposed; leave the terms as they are \
         agreed: {agreed}"
    )]
    TermsImposed {
        /// Those that are agreed.
        agreed: Terms,
    },
    /// Capacity is the cause, and more is taken than is OVER_AGREED.
    #[error("{}", more_than_over(.days, .over))]
    MoreThanOver {
        /// The days of which too much would be taken, earliest first.
        days: Vec<DayTaken>,
        /// By how much each day is OVER_AGREED.
        over: Quota,
    },
    /// Room is made for a schedule that needs none.
    #[error(
        "room would be made for schedule {number}, which is {state}; name another User's schedule that is asked for or \
         agreed and needs room"
    )]
    RoomForNone {
        /// Its number.
        number: u32,
        /// Where it stands.
        state: String,
    },
    /// Room is made on days on which the other schedule needs less.
    #[error("{}", more_than_needed(*.number, .days))]
    MoreThanNeeded {
        /// The other schedule's number.
        number: u32,
        /// The days of which too much would be taken, earliest first.
        days: Vec<DayTaken>,
    },
    /// Room is made for more than the other schedule needs in all.
    #[error(
        "{taken} units would be taken up to {by} for schedule {number}, which wants {wanted} and can have {free} of them \
         by then with nobody moved; take at most {}",
        .wanted.saturating_sub(*.free)
    )]
    RoomEnough {
        /// The other schedule's number.
        number: u32,
        /// Agreed units that would be taken.
        taken: u64,
        /// The last day of which any would be.
        by: ServiceDate,
        /// Units that the other schedule wants and does not have.
        wanted: u64,
        /// Units that are free for it up to that day.
        free: u64,
    },
}

fn more_than_over(days: &[DayTaken], over: &Quota) -> String {
    let mut text = format!(
        "because capacity dropped at most what is OVER_AGREED may be taken, and of {} more would be: {}",
        service_days(days.len()),
        listed(days)
    );
    if over.is_empty() {
        return text + "no service day is OVER_AGREED; name the schedule that room is made for";
    }
    let _ = write!(text, "OVER_AGREED are ");
    for (date, units) in over.days().take(DAYS_SAID) {
        let _ = write!(text, "{date} by {units}, ");
    }
    let _ = write!(text, "{} in all; ", service_days(over.days().count()));
    text + "take no more than that, or name the schedule that room is made for"
}

fn more_than_needed(number: u32, days: &[DayTaken]) -> String {
    format!(
        "schedule {number} needs less room on {}: {}take no more than that",
        service_days(days.len()),
        listed(days)
    )
}

/// Days that a message names; the metadata of a refusal names more.
const DAYS_SAID: usize = 3;

fn listed(days: &[DayTaken]) -> String {
    let mut text = String::new();
    for day in days.iter().take(DAYS_SAID) {
        let DayTaken {
            date,
            taken,
            at_most,
        } = day;
        let _ = write!(text, "{taken} of {date}, where {at_most} may be; ");
    }
    text
}
