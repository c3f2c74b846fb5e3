//! Reports: as a table, as values for programs, as comma-separated values, and drawn.

mod fairness;
mod success;

use dco_client::{CapacityReportDay, DayCounts, ReportDays, TrtRow};
use serde_json::{Value, json};

pub(crate) use fairness::{fairness, fairness_json, fairness_text};
pub(crate) use success::success;

use super::report::{trt_json, trt_text};
use crate::chart::{Bar, Bars};
use crate::table::{grouped, table};

/// One report in all its forms.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) json: Value,
    pub(crate) chart: Bars,
    columns: &'static [&'static str],
    /// One flat object for each line of values.
    rows: Vec<Value>,
}

const COUNTS: [&str; 14] = [
    "service_date",
    "user",
    "open",
    "capacity",
    "agreed",
    "sent",
    "sent_without_schedule",
    "released",
    "lent",
    "security",
    "refunded",
    "retries",
    "lost_without_work",
    "lost_with_work",
];
const TRT: [&str; 10] = [
    "user",
    "month",
    "activation_count",
    "ended_within_trt",
    "ended_late",
    "open_within_trt",
    "open_late",
    "succeeded",
    "failed",
    "cancelled",
];

impl Shown {
    /// The same rows with commas between their values, and the names of the columns first.
    pub(crate) fn csv(&self) -> String {
        let head = self.columns.join(",");
        let lines = self.rows.iter().map(|row| {
            let cells = self.columns.iter().map(|column| cell(&row[*column]));
            cells.collect::<Vec<_>>().join(",")
        });
        let lines: Vec<_> = std::iter::once(head).chain(lines).collect();
        lines.join("\n")
    }
}

/// Empty where nothing is known; in quotation marks where it would be taken for several cells.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(counts) => {
            let counts = counts.iter().map(|(name, count)| format!("{name}={count}"));
            counts.collect::<Vec<_>>().join(";")
        }
        other => other.to_string(),
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// What each service day was used for.
pub(crate) fn capacity(report: &ReportDays<CapacityReportDay>) -> Shown {
    let days = &report.days;
    let counts = days
        .iter()
        .flat_map(|day| day_counts(day).map(move |it| (day, it)));
    let counts: Vec<_> = counts.collect();
    let rows: Vec<_> = counts
        .iter()
        .map(|(day, (name, counts))| counts_json(day, name, counts))
        .collect();
    let head = [
        "SERVICE DAY",
        "USER",
        ">CAPACITY",
        ">AGREED",
        ">SENT",
        ">RELEASED",
        ">LENT",
        ">SECURITY",
        ">REFUNDED",
        ">RETRIES",
        ">LOST IDLE",
        ">LOST HELD",
    ];
    let lines = counts.iter().map(|(day, (name, counts))| {
        let of_day = |units: Option<u32>| match (name.as_str(), units) {
            ("all", Some(units)) => grouped(units),
            _ => "-".to_owned(),
        };
        let known = |units: Option<u64>| units.map_or_else(|| "-".to_owned(), grouped);
        vec![
            day.service_date.clone(),
            name.clone(),
            of_day(Some(day.capacity)),
            grouped(counts.agreed),
            grouped(counts.sent),
            grouped(counts.released),
            grouped(counts.lent),
            grouped(counts.security),
            known(counts.refunded),
            known(counts.retries),
            of_day(day.lost_without_work),
            of_day(day.lost_with_work),
        ]
    });
    let text = with_cut(
        days.is_empty(),
        table(&head, lines),
        report.earlier_days_left_out,
    );
    Shown {
        text,
        json: json!({ "days": rows, "earlier_days_left_out": report.earlier_days_left_out }),
        chart: capacity_chart(days),
        columns: &COUNTS,
        rows,
    }
}

/// All, then each User, then all others: each with its name.
fn day_counts(day: &CapacityReportDay) -> impl Iterator<Item = (String, DayCounts)> + '_ {
    let users = day.users.iter().map(|it| {
        let name = it
            .user
            .map_or_else(|| "a User".to_owned(), |user| user.to_string());
        (name, *it)
    });
    let others = day.others.map(|others| ("others".to_owned(), others));
    std::iter::once(("all".to_owned(), day.all))
        .chain(users)
        .chain(others)
}

fn counts_json(day: &CapacityReportDay, name: &str, counts: &DayCounts) -> Value {
    let all = name == "all";
    json!({
        "service_date": day.service_date,
        "user": name,
        "open": day.open,
        "capacity": all.then_some(day.capacity),
        "agreed": counts.agreed,
        "sent": counts.sent,
        "sent_without_schedule": counts.sent_without_schedule,
        "released": counts.released,
        "lent": counts.lent,
        "security": counts.security,
        "refunded": counts.refunded,
        "retries": counts.retries,
        "lost_without_work": day.lost_without_work.filter(|_| all),
        "lost_with_work": day.lost_with_work.filter(|_| all),
    })
}

fn capacity_chart(days: &[CapacityReportDay]) -> Bars {
    let mut series: Vec<String> = Vec::new();
    let bars = days.iter().map(|day| {
        let parts = day_counts(day).skip(1).map(|(name, counts)| {
            let known = series.iter().position(|it| *it == name);
            let place = known.unwrap_or_else(|| {
                series.push(name);
                series.len() - 1
            });
            (place, counts.released)
        });
        Bar {
            label: day.service_date.clone(),
            parts: parts.collect(),
            line: day.capacity.into(),
        }
    });
    let bars: Vec<_> = bars.collect();
    Bars {
        bars,
        series,
        line: "capacity",
    }
}

/// Activations against their Target Response Time.
pub(crate) fn trt(rows: &[TrtRow]) -> Shown {
    let values: Vec<_> = rows.iter().map(trt_json).collect();
    let bars = rows.iter().map(|row| Bar {
        label: row.month.clone(),
        parts: [
            row.ended_within_trt,
            row.ended_late,
            row.open_within_trt,
            row.open_late,
        ]
        .into_iter()
        .enumerate()
        .collect(),
        line: row.activation_count,
    });
    let series = ["ended in TRT", "ended late", "open in TRT", "open late"];
    Shown {
        text: trt_text(rows),
        json: json!({ "rows": values }),
        chart: Bars {
            bars: bars.collect(),
            series: series.map(str::to_owned).into(),
            line: "all; rows in the order of the table",
        },
        columns: &TRT,
        rows: values,
    }
}

fn with_cut(none: bool, text: String, is_cut: bool) -> String {
    if none {
        return "no service days".to_owned();
    }
    if is_cut {
        return format!("{text}\n\nearlier days are left out; ask for them with --last");
    }
    text
}

#[cfg(test)]
mod tests {
    use dco_block::Eui64;
    use dco_client::{FairnessDay, FairnessRow, OutcomeRow};

    use super::*;

    const ANN: Eui64 = Eui64::from_bits(1);

    fn day() -> CapacityReportDay {
        let counts = |user, released| DayCounts {
            user,
            released,
            refunded: Some(0),
            ..DayCounts::default()
        };
        CapacityReportDay {
            service_date: "2026-03-29".to_owned(),
            capacity: 12_000,
            open: false,
            all: counts(None, 11_000),
            users: vec![counts(Some(ANN), 4_000)],
            others: Some(counts(None, 7_000)),
            lost_without_work: Some(900),
            lost_with_work: Some(100),
        }
    }

    fn report<T>(day: T) -> ReportDays<T> {
        ReportDays {
            days: vec![day],
            earlier_days_left_out: true,
        }
    }

    #[test]
    fn a_capacity_report_has_the_day_its_user_and_the_others() {
        let shown = capacity(&report(day()));
        insta::assert_snapshot!(shown.text);
        assert_eq!(
            shown.csv().lines().collect::<Vec<_>>(),
            [
                COUNTS.join(",").as_str(),
                "2026-03-29,all,false,12000,0,0,0,11000,0,0,0,,900,100",
                "2026-03-29,00-00-00-00-00-00-00-01,false,,0,0,0,4000,0,0,0,,,",
                "2026-03-29,others,false,,0,0,0,7000,0,0,0,,,",
            ]
        );
        let chart = shown.chart.svg();
        assert!(chart.contains(">others</text>") && chart.contains(">capacity</text>"));
    }

    #[test]
    fn a_fairness_report_names_nobody_else() {
        let of = |user: Option<Eui64>, ratio_ppm| FairnessRow {
            user,
            entitled_milliunits: user.map(|_| 75_125),
            received: user.map(|_| 75),
            ratio_ppm,
        };
        let shown = fairness(&report(FairnessDay {
            service_date: "2026-03-29".to_owned(),
            open: false,
            contended: true,
            jain_index_ppm: Some(999_999),
            users: vec![of(Some(ANN), Some(998_336)), of(None, Some(1_000_500))],
        }));
        insta::assert_snapshot!(shown.text);
        let lines: Vec<_> = shown.csv().lines().map(str::to_owned).collect();
        assert_eq!(lines[2], "2026-03-29,false,true,999999,,,,1000500");
        assert_eq!(shown.json["days"][0]["users"][0]["received"], 75);
    }

    #[test]
    fn a_success_report_has_columns_for_what_it_is_grouped_by() {
        let row = OutcomeRow {
            manufacturer: Some("Maker, \"Ltd\"".to_owned()),
            model: Some("E470".to_owned()),
            hardware_version: Some("0100".to_owned()),
            succeeded: 3,
            failed: 1,
            attempt_count: 5,
            outcomes: vec![("success".to_owned(), 3), ("noAnswer".to_owned(), 1)],
            ended_within_trt: 4,
            ..OutcomeRow::default()
        };
        let shown = success(&[row]);
        insta::assert_snapshot!(shown.text);
        let csv = shown.csv();
        let line = csv.lines().nth(1).expect("a row");
        assert_eq!(
            line,
            ",,\"Maker, \"\"Ltd\"\"\",E470,0100,,3,1,0,0,5,4,0,0,noAnswer=1;success=3"
        );
        assert_eq!(success(&[]).text, "no activations");
    }
}
