//! Instants as people and programs read them.

use dco_schedule::{Calendar, InvalidServiceDate, Micros, ServiceDate};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The local time in Great Britain, to the second, with `GMT` or `BST`.
pub(crate) fn local(at_us: Micros) -> String {
    let zone = TimeZone::get("Europe/London")
        .expect("the time zones are part of the program, whatever the machine has");
    match Timestamp::from_microsecond(at_us) {
        Ok(at) => at
            .to_zoned_datetime(zone)
            .strftime("%Y-%m-%d %H:%M:%S %Z")
            .to_string(),
        Err(_) => format!("{at_us} us"),
    }
}

/// The same, or what to say when there is no such instant.
pub(crate) fn local_or(at_us: Option<Micros>, none: &str) -> String {
    at_us.map_or_else(|| none.to_owned(), local)
}

/// RFC 3339 in UTC, for programs.
pub(crate) fn rfc3339(at_us: Micros) -> String {
    Timestamp::from_microsecond(at_us).map_or_else(|_| format!("{at_us} us"), |at| at.to_string())
}

/// Reads a service day's date from the command line.
pub(crate) fn parse_date(text: &str) -> Result<ServiceDate, String> {
    text.parse()
        .map_err(|error: InvalidServiceDate| error.to_string())
}

/// Reads an instant from the command line: a service day's start, or RFC 3339.
pub(crate) fn parse_instant(text: &str) -> Result<Micros, String> {
    if let Ok(date) = text.parse::<ServiceDate>() {
        return Ok(Calendar::london().day(date).start_us);
    }
    let at: Result<Timestamp, _> = text.parse();
    at.map(Timestamp::as_microsecond).map_err(|_| {
        "write a service day like 2026-03-29, or an instant like 2026-03-29T12:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_service_day_is_told_which_days_there_are() {
        for wrong in ["9999-12-31", "2026-02-29", "tomorrow"] {
            let told = parse_date(wrong).unwrap_err();
            let expected = format!("\"{wrong}\" is not a service date: expected YYYY-MM-DD");
            assert!(told.starts_with(&expected), "{told}");
            assert!(told.contains("to 9998-12-31"), "{told}");
        }
    }

    #[test]
    fn an_instant_is_given_as_such_or_as_the_start_of_a_service_day() {
        let noon = parse_instant("2026-07-01T12:00:00Z").unwrap();
        let midnight = parse_instant("2026-07-01").unwrap();
        assert_eq!(noon - midnight, 13 * 3_600_000_000, "BST is an hour ahead");
        assert!(parse_instant("soon").is_err());
    }

    const MARCH_29_2026_MIDNIGHT_US: Micros = 1_774_742_400_000_000;

    #[test]
    fn the_local_time_follows_the_clock_change() {
        assert_eq!(local(MARCH_29_2026_MIDNIGHT_US), "2026-03-29 00:00:00 GMT");
        let two_hours_later = MARCH_29_2026_MIDNIGHT_US + 7_200_000_000;
        assert_eq!(local(two_hours_later), "2026-03-29 03:00:00 BST");
        assert_eq!(rfc3339(two_hours_later), "2026-03-29T02:00:00Z");
    }

    #[test]
    fn an_instant_outside_of_the_calendar_is_still_said() {
        assert_eq!(local(Micros::MAX), format!("{} us", Micros::MAX));
        assert_eq!(rfc3339(Micros::MAX), format!("{} us", Micros::MAX));
    }
}
