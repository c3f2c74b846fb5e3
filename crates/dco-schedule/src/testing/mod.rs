//! What tests of this crate share.

mod desk;

pub(crate) use desk::{
    ANSWER_BY_US, CAPACITY, Desk, NEWCOMER, OFFICER, TERMS, amend, counter, date, impose, offer,
    one_officer, secure,
};

use std::num::NonZeroU32;

use crate::{
    Approval, Covers, Deal, Micros, Officer, Party, Quota, Request, Said, ServiceDate, Signed,
    Terms, Text,
};

/// A date from its text.
pub(crate) fn day(text: &str) -> ServiceDate {
    text.parse().unwrap()
}

/// A quota from day numbers and units.
pub(crate) fn quota(days: &[(i32, u32)]) -> Quota {
    let days = days.iter();
    days.map(|(day, units)| (ServiceDate::from_days(*day), *units))
        .collect()
}

/// A reason that says nothing.
pub(crate) fn reason() -> Text {
    Text::new("as agreed on the phone").unwrap()
}

/// One officer of the desk, with a ticket.
pub(crate) fn officer(officer: u8) -> Party<u8> {
    Party::Desk(Officer {
        officer,
        ticket: Text::new("INC-1").unwrap(),
        second: None,
    })
}

/// Signed by one officer.
pub(crate) fn by_desk(number: u8, at_us: Micros) -> Signed<u8> {
    Signed {
        by: officer(number),
        at_us,
        reason: reason(),
    }
}

/// An officer whose act another one approved.
pub(crate) fn two_officers(first: u8, second: u8) -> Party<u8> {
    match officer(first) {
        Party::Desk(officer) => Party::Desk(Officer {
            second: Some(approval(second)),
            ..officer
        }),
        other => other,
    }
}

/// What a second officer says.
pub(crate) fn approval(officer: u8) -> Approval<u8> {
    Approval {
        officer,
        said: Some(Said {
            ticket: Text::new("INC-2").unwrap(),
            reason: Text::new("read and understood").unwrap(),
        }),
    }
}

/// Signed by the User.
pub(crate) fn by_user(at_us: Micros) -> Signed<u8> {
    Signed {
        by: Party::User,
        at_us,
        reason: reason(),
    }
}

/// A deal with plain terms.
pub(crate) fn deal(days: &[(i32, u32)]) -> Deal {
    Deal {
        quota: quota(days),
        terms: Terms::default(),
    }
}

/// A request for a portfolio of so many Devices, from day 10 to day 20.
pub(crate) fn request(devices: u32) -> Request {
    Request {
        covers: Covers::Portfolio,
        devices: NonZeroU32::new(devices).unwrap(),
        earliest: ServiceDate::from_days(10),
        latest: ServiceDate::from_days(20),
        per_day_max: NonZeroU32::new(1_000).unwrap(),
    }
}
