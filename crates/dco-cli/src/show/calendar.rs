//! Service days as a calendar: one line for each week.

use std::collections::BTreeMap;

use dco_client::DayUnits;
use dco_schedule::ServiceDate;

use crate::table::{grouped, table};

const HEAD: [&str; 8] = [
    "WEEK OF", ">MON", ">TUE", ">WED", ">THU", ">FRI", ">SAT", ">SUN",
];

/// A number for each day; days without one show as `·`, days outside of the range as nothing.
pub(super) fn calendar(days: impl IntoIterator<Item = (ServiceDate, u64)>) -> String {
    let days: BTreeMap<_, _> = days.into_iter().collect();
    let (Some(first), Some(last)) = (days.keys().next(), days.keys().next_back()) else {
        return "no service days".to_owned();
    };
    let (first, last) = (*first, *last);
    let mut weeks = Vec::new();
    let mut monday = first.days() - weekday(first);
    while monday <= last.days() {
        let mut row = vec![ServiceDate::from_days(monday).to_string()];
        row.extend((monday..monday + 7).map(|day| cell(day, (first, last), &days)));
        weeks.push(row);
        monday += 7;
    }
    table(&HEAD, weeks)
}

/// The units of a quota as a calendar.
pub(super) fn quota_calendar(quota: &[DayUnits]) -> String {
    let days = quota.iter();
    calendar(days.filter_map(|day| Some((day.service_date.parse().ok()?, day.units.into()))))
}

fn cell(
    day: i32,
    (first, last): (ServiceDate, ServiceDate),
    days: &BTreeMap<ServiceDate, u64>,
) -> String {
    let date = ServiceDate::from_days(day);
    match days.get(&date) {
        Some(0) => "·".to_owned(),
        Some(units) => grouped(*units),
        None if first <= date && date <= last => "·".to_owned(),
        None => String::new(),
    }
}

/// Days since Monday. 1970-01-01 was a Thursday.
fn weekday(date: ServiceDate) -> i32 {
    (date.days() + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_days_outside_are_empty() {
        let days = [("2026-12-03", 1_500), ("2026-12-05", 0), ("2026-12-08", 7)];
        let text = calendar(days.map(|(date, units)| (date.parse().unwrap(), units)));
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines[1], ["2026-11-30", "1,500", "·", "·", "·"]);
        assert_eq!(lines[2], ["2026-12-07", "·", "7"]);
        assert_eq!(calendar([]), "no service days");
    }
}
