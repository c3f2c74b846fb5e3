//! The civil date that names a service day.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use thiserror::Error;

/// 0001-01-01, in days since 1970-01-01.
const DAYS_MIN: i32 = -719_162;
/// 9998-12-31, in days since 1970-01-01.
const DAYS_MAX: i32 = 2_932_531;

/// A service day's civil date in Europe/London, from 0001-01-01 to 9998-12-31.
///
/// Every value has a day in the calendar: what would lie outside is taken as the nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceDate(i32);

/// The text is no date of the calendar.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "\"{text}\" is not a service date: expected YYYY-MM-DD from 0001-01-01 to 9998-12-31; \
     write for example 2026-03-29"
)]
pub struct InvalidServiceDate {
    /// What was given.
    pub text: String,
}

impl ServiceDate {
    /// The date that lies `days` days after 1970-01-01; the nearer end if it is out of range.
    pub const fn from_days(days: i32) -> Self {
        if days < DAYS_MIN {
            Self(DAYS_MIN)
        } else if days > DAYS_MAX {
            Self(DAYS_MAX)
        } else {
            Self(days)
        }
    }

    /// Days since 1970-01-01, negative before it.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day after; the last date stays itself.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::from_days(self.0 + 1)
    }

    /// The day before; the first date stays itself.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self::from_days(self.0 - 1)
    }

    pub(crate) fn of_civil(date: Date) -> Self {
        Self::from_days(date.since(EPOCH).map_or(DAYS_MAX, |span| span.get_days()))
    }

    pub(crate) fn to_civil(self) -> Date {
        EPOCH
            .checked_add(jiff::Span::new().days(self.0))
            .expect("the constructor keeps every date within jiff's years")
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

impl fmt::Display for ServiceDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_civil().fmt(f)
    }
}

impl FromStr for ServiceDate {
    type Err = InvalidServiceDate;

    /// Takes `YYYY-MM-DD` and nothing else: no time, no zone, no spaces.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidServiceDate {
            text: text.to_owned(),
        };
        let date = Self::of_civil(text.parse().map_err(|_| invalid())?);
        // Other forms read back as another text, and so does a date out of range, which was moved to the nearer end.
        if date.to_string() == text {
            Ok(date)
        } else {
            Err(invalid())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_written_and_read() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (DAYS_MIN, "0001-01-01"),
            (DAYS_MAX, "9998-12-31"),
        ] {
            assert_eq!(ServiceDate::from_days(days).to_string(), text);
            assert_eq!(text.parse(), Ok(ServiceDate::from_days(days)));
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "2026-1-1",
            "2026-02-29",
            "2026-13-01",
            "20260101",
            "2026-01-01T00:00",
            " 2026-01-01",
            "2026/01/01",
            "0000-12-31",
            "9999-01-01",
            "２026-01-1",
        ] {
            let refused = text.parse::<ServiceDate>().expect_err(text);
            assert_eq!(
                refused,
                InvalidServiceDate {
                    text: text.to_owned()
                }
            );
        }
    }

    #[test]
    fn the_ends_hold() {
        let first = ServiceDate::from_days(i32::MIN);
        let last = ServiceDate::from_days(i32::MAX);
        assert_eq!((first.previous(), last.next()), (first, last));
        assert_eq!((first.days(), last.days()), (DAYS_MIN, DAYS_MAX));
    }

    proptest! {
        #[test]
        fn text_and_days_go_round(days in DAYS_MIN..=DAYS_MAX) {
            let date = ServiceDate::from_days(days);
            prop_assert_eq!(date.to_string().parse(), Ok(date));
            prop_assert_eq!(ServiceDate::of_civil(date.to_civil()), date);
        }
    }
}
