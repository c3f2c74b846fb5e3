//! What tests of this crate share.

use crate::{Micros, Officer, Party, Quota, ServiceDate, Signed, Text};

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
