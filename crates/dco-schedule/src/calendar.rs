//! Service days and their hours, by the clocks of Europe/London.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::{Micros, ServiceDate};

const HOUR_US: Micros = 3_600_000_000;

/// Says when each service day starts and ends.
///
/// The time-zone rules are compiled in, so the same program gives the same days on every machine.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
}

/// One service day: from its local midnight up to, not including, the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceDay {
    /// The civil date in Europe/London.
    pub date: ServiceDate,
    /// The first instant of the day.
    pub start_us: Micros,
    /// The first instant after the day: 23, 24 or 25 hours later.
    pub end_us: Micros,
}

/// One hour of a service day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hour {
    /// When it starts; it lasts to the start of the next one or to the end of the day.
    pub start_us: Micros,
    /// What local clocks show at its start, 0 to 23.
    pub hour: u8,
}

impl ServiceDay {
    /// Whether the instant `at_us` belongs to this day.
    pub const fn contains(&self, at_us: Micros) -> bool {
        self.start_us <= at_us && at_us < self.end_us
    }
}

impl Calendar {
    /// The calendar of Great Britain's service days.
    pub fn london() -> Self {
        let zone = TimeZoneDatabase::bundled()
            .get("Europe/London")
            .expect("the time-zone database with this zone is compiled in");
        Self { zone }
    }

    /// The service day that contains `at_us`; an instant beyond the calendar's years belongs to the
    /// nearer end.
    pub fn day_at(&self, at_us: Micros) -> ServiceDay {
        self.day(ServiceDate::of_civil(
            self.zone.to_datetime(instant(at_us)).date(),
        ))
    }

    /// Start and end of the service day named `date`.
    pub fn day(&self, date: ServiceDate) -> ServiceDay {
        let start_us = self.midnight(date.to_civil());
        let after = date
            .to_civil()
            .tomorrow()
            .expect("the last service date has a tomorrow");
        ServiceDay {
            date,
            start_us,
            end_us: self.midnight(after),
        }
    }

    /// The hours of `day` in order. In March one local hour is missing, in October one comes twice.
    pub fn hours(&self, day: &ServiceDay) -> Vec<Hour> {
        let mut hours = Vec::with_capacity(25);
        let mut start_us = day.start_us;
        while start_us < day.end_us {
            hours.push(Hour {
                start_us,
                hour: self.local_hour(start_us),
            });
            start_us += HOUR_US;
        }
        hours
    }

    fn midnight(&self, date: jiff::civil::Date) -> Micros {
        date.to_zoned_datetime(self.zone.clone())
            .expect("every service date and the day after lie within jiff's years")
            .timestamp()
            .as_microsecond()
    }

    fn local_hour(&self, at_us: Micros) -> u8 {
        self.zone.to_datetime(instant(at_us)).hour().unsigned_abs()
    }
}

fn instant(at_us: Micros) -> Timestamp {
    let nearer_end = if at_us < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_microsecond(at_us).unwrap_or(nearer_end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> ServiceDay {
        Calendar::london().day(text.parse().unwrap())
    }

    fn utc(text: &str) -> Micros {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn check(date: &str, start: &str, end: &str, hours: i64) {
        let day = day(date);
        assert_eq!((day.start_us, day.end_us), (utc(start), utc(end)), "{date}");
        assert_eq!(day.end_us - day.start_us, hours * HOUR_US, "{date}");
    }

    #[test]
    fn days_start_and_end_at_local_midnight() {
        check("2026-01-15", "2026-01-15T00:00Z", "2026-01-16T00:00Z", 24);
        check("2026-07-15", "2026-07-14T23:00Z", "2026-07-15T23:00Z", 24);
        check("2024-02-29", "2024-02-29T00:00Z", "2024-03-01T00:00Z", 24);
        check("2028-02-29", "2028-02-29T00:00Z", "2028-03-01T00:00Z", 24);
    }

    #[test]
    fn clock_change_days_of_many_years() {
        for (march, october) in [
            ("2020-03-29", "2020-10-25"),
            ("2024-03-31", "2024-10-27"),
            ("2025-03-30", "2025-10-26"),
            ("2026-03-29", "2026-10-25"),
            ("2027-03-28", "2027-10-31"),
            ("2028-03-26", "2028-10-29"),
            ("2030-03-31", "2030-10-27"),
        ] {
            let short = day(march);
            let long = day(october);
            assert_eq!(short.end_us - short.start_us, 23 * HOUR_US, "{march}");
            assert_eq!(long.end_us - long.start_us, 25 * HOUR_US, "{october}");
        }
        check("2026-03-29", "2026-03-29T00:00Z", "2026-03-29T23:00Z", 23);
        check("2026-10-25", "2026-10-24T23:00Z", "2026-10-26T00:00Z", 25);
    }

    #[test]
    fn hours_follow_the_local_clock() {
        let calendar = Calendar::london();
        let hours_of = |date| {
            calendar
                .hours(&day(date))
                .iter()
                .map(|hour| hour.hour)
                .collect::<Vec<_>>()
        };
        assert_eq!(hours_of("2026-06-01"), (0..24).collect::<Vec<_>>());
        let mut spring: Vec<u8> = (0..24).collect();
        spring.remove(1);
        assert_eq!(hours_of("2026-03-29"), spring);
        let mut autumn: Vec<u8> = (0..24).collect();
        autumn.insert(1, 1);
        assert_eq!(hours_of("2026-10-25"), autumn);
    }

    #[test]
    fn instants_beyond_the_years_belong_to_the_ends() {
        let calendar = Calendar::london();
        let first = calendar.day_at(Micros::MIN);
        let last = calendar.day_at(Micros::MAX);
        assert_eq!(first.date, ServiceDate::from_days(i32::MIN));
        assert_eq!(last.date, ServiceDate::from_days(i32::MAX));
        assert!(first.start_us < first.end_us && last.start_us < last.end_us);
    }

    proptest! {
        #[test]
        fn each_instant_has_one_day_and_days_touch(at_us in utc("1850-01-01T00:00Z")..utc("2150-01-01T00:00Z")) {
            let calendar = Calendar::london();
            let day = calendar.day_at(at_us);
            prop_assert!(day.contains(at_us));
            prop_assert!(!day.contains(day.end_us));
            prop_assert_eq!(calendar.day(day.date), day);
            prop_assert_eq!(calendar.day(day.date.next()).start_us, day.end_us);
            prop_assert_eq!(calendar.day(day.date.previous()).end_us, day.start_us);
            let hours = calendar.hours(&day);
            prop_assert_eq!(hours[0], Hour { start_us: day.start_us, hour: 0 });
            prop_assert_eq!(hours.last().unwrap().start_us, day.end_us - HOUR_US);
        }
    }
}
