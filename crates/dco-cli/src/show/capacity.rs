//! What each service day has, for people, programs, spreadsheets and calendars.

use dco_client::CapacityDay;
use dco_schedule::{Micros, ServiceDate};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::report::bar;
use crate::table::{grouped, table};

pub(crate) fn capacity_day_json(day: &CapacityDay) -> Value {
    json!({
        "service_date": day.service_date,
        "capacity": day.capacity,
        "reserved_allowance": day.reserved_allowance,
        "reserved_security": day.reserved_security,
        "reserved_retry": day.reserved_retry,
        "agreed": day.agreed,
        "free": day.free,
        "over_agreed": day.over_agreed,
        "used": day.used,
        "lent": day.lent,
        "used_security": day.used_security,
        "own_agreed": day.own_agreed,
        "others_agreed": day.others_agreed,
        "own_used": day.own_used,
    })
}

pub(crate) fn capacity_days_text(days: &[CapacityDay]) -> String {
    if days.is_empty() {
        return "no service days".to_owned();
    }
    let own = days.iter().any(|day| day.own_agreed.is_some());
    let mut head = vec![
        "SERVICE DAY",
        ">CAPACITY",
        ">RESERVED",
        ">AGREED",
        ">FREE",
        ">USED",
        ">LENT",
        ">SECURITY",
    ];
    if own {
        head.extend([">OWN AGREED", ">OTHERS AGREED", ">OWN USED"]);
    }
    head.push("AGREED AND RESERVED OF CAPACITY");
    let row = |day: &CapacityDay| {
        let mut row = vec![
            day.service_date.clone(),
            grouped(day.capacity),
            grouped(reserved(day)),
            grouped(day.agreed),
            grouped(day.free),
            grouped(day.used),
            grouped(day.lent),
            grouped(day.used_security),
        ];
        if own {
            row.push(grouped(day.own_agreed.unwrap_or(0)));
            row.push(grouped(day.others_agreed.unwrap_or(0)));
            row.push(grouped(day.own_used.unwrap_or(0)));
        }
        row.push(filled(day));
        row
    };
    table(&head, days.iter().map(row))
}

fn reserved(day: &CapacityDay) -> u64 {
    [
        day.reserved_allowance,
        day.reserved_security,
        day.reserved_retry,
    ]
    .map(u64::from)
    .iter()
    .sum()
}

fn filled(day: &CapacityDay) -> String {
    let bar = bar(day.agreed + reserved(day), day.capacity);
    match day.over_agreed {
        0 => bar,
        over => format!("{bar} OVER_AGREED by {}", grouped(over)),
    }
}

const COLUMNS: &str = "service_date,capacity,reserved_allowance,reserved_security,reserved_retry,agreed,free,\
                       over_agreed,used,lent,used_security,own_agreed,others_agreed,own_used";

/// One line for each service day, with a line of names before them.
pub(crate) fn capacity_csv(days: &[CapacityDay]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for day in days {
        let numbers = [
            u64::from(day.capacity),
            day.reserved_allowance.into(),
            day.reserved_security.into(),
            day.reserved_retry.into(),
            day.agreed,
            day.free,
            day.over_agreed,
            day.used.into(),
            day.lent.into(),
            day.used_security.into(),
        ];
        let own = [
            day.own_agreed,
            day.others_agreed,
            day.own_used.map(Into::into),
        ];
        let numbers = numbers.into_iter().map(Some).chain(own);
        let cells = numbers.map(|it| it.map_or_else(String::new, |it| it.to_string()));
        let cells: Vec<_> = cells.collect();
        text += &format!("{},{}\n", day.service_date, cells.join(","));
    }
    text
}

/// An event for each service day (RFC 5545); `now_us` is when it was made.
pub(crate) fn capacity_ics(days: &[CapacityDay], now_us: Micros) -> String {
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//dco//capacity//EN".to_owned(),
    ];
    let stamp = stamp(now_us);
    for day in days {
        lines.extend(event(day, &stamp));
    }
    lines.push("END:VCALENDAR".to_owned());
    // No line has more than the 75 octets that one may have.
    lines.into_iter().map(|line| line + "\r\n").collect()
}

fn event(day: &CapacityDay, stamp: &str) -> Vec<String> {
    let date = &day.service_date;
    let digits = date.replace('-', "");
    let next = date.parse::<ServiceDate>().map(ServiceDate::next);
    let end = next.map_or_else(|_| digits.clone(), |date| date.to_string().replace('-', ""));
    let state = match day.over_agreed {
        0 => format!("{} of {} free", day.free, day.capacity),
        over => format!("OVER_AGREED by {over} of {}", day.capacity),
    };
    let own = day.own_agreed.map(|own| format!(" own agreed {own}"));
    vec![
        "BEGIN:VEVENT".to_owned(),
        format!("UID:capacity-{digits}@dco"),
        format!("DTSTAMP:{stamp}"),
        format!("DTSTART;VALUE=DATE:{digits}"),
        format!("DTEND;VALUE=DATE:{end}"),
        format!("SUMMARY:{state}"),
        format!(
            "DESCRIPTION:agreed {} used {}{}",
            day.agreed,
            day.used,
            own.unwrap_or_default()
        ),
        "TRANSP:TRANSPARENT".to_owned(),
        "END:VEVENT".to_owned(),
    ]
}

/// An instant as a calendar writes it; the first there is where it is outside of the calendar.
fn stamp(at_us: Micros) -> String {
    let at = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(own: Option<u64>) -> CapacityDay {
        CapacityDay {
            service_date: "2028-02-29".to_owned(),
            capacity: 12_000,
            reserved_allowance: 2_500,
            reserved_security: 300,
            reserved_retry: 240,
            agreed: 8_000,
            free: 960,
            used: 7,
            used_security: 3,
            own_agreed: own,
            ..Default::default()
        }
    }

    #[test]
    fn a_calendar_has_one_event_a_day_that_ends_on_the_next() {
        let text = capacity_ics(&[day(Some(5_000))], 1_774_742_400_000_000);
        let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//dco//capacity//EN\r\n\
            BEGIN:VEVENT\r\nUID:capacity-20280229@dco\r\nDTSTAMP:20260329T000000Z\r\n\
            DTSTART;VALUE=DATE:20280229\r\nDTEND;VALUE=DATE:20280301\r\n\
            SUMMARY:960 of 12000 free\r\nDESCRIPTION:agreed 8000 used 7 own agreed 5000\r\n\
            TRANSP:TRANSPARENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_spreadsheet_has_as_many_cells_as_names_and_leaves_out_what_is_not_told() {
        let text = capacity_csv(&[day(None), day(Some(5))]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[1],
            "2028-02-29,12000,2500,300,240,8000,960,0,7,0,3,,,"
        );
        assert_eq!(
            lines[2],
            "2028-02-29,12000,2500,300,240,8000,960,0,7,0,3,5,,"
        );
        let cells = lines.iter().map(|line| line.split(',').count());
        assert!(cells.into_iter().all(|count| count == 14));
    }

    #[test]
    fn a_day_with_too_much_agreed_says_so() {
        let over = CapacityDay {
            over_agreed: 40,
            ..day(None)
        };
        assert!(capacity_days_text(std::slice::from_ref(&over)).contains("OVER_AGREED by 40"));
        assert!(capacity_ics(&[over], 0).contains("SUMMARY:OVER_AGREED by 40"));
        assert!(!capacity_days_text(&[day(None)]).contains("OWN"));
        assert!(capacity_days_text(&[day(Some(1))]).contains("OTHERS AGREED"));
        assert_eq!(capacity_days_text(&[]), "no service days");
    }
}
