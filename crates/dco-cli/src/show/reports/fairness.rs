//! How service days were shared.

use dco_client::{FairnessDay, FairnessRow, ReportDays};
use serde_json::{Value, json};

use super::super::text;
use super::{Shown, with_cut};
use crate::chart::{Bar, Bars};
use crate::table::{grouped, table};

const SHARES: [&str; 8] = [
    "service_date",
    "open",
    "contended",
    "jain_index_ppm",
    "user",
    "entitled_milliunits",
    "received",
    "ratio_ppm",
];

/// How each service day was shared.
pub(crate) fn fairness(report: &ReportDays<FairnessDay>) -> Shown {
    let days = &report.days;
    let shares = days
        .iter()
        .flat_map(|day| day.users.iter().map(move |row| (day, row)));
    let rows: Vec<_> = shares.map(|(day, row)| share_json(day, row)).collect();
    let text = with_cut(
        days.is_empty(),
        fairness_text(days),
        report.earlier_days_left_out,
    );
    let json: Vec<_> = days.iter().map(fairness_json).collect();
    Shown {
        text,
        json: json!({ "days": json, "earlier_days_left_out": report.earlier_days_left_out }),
        chart: fairness_chart(days),
        columns: &SHARES,
        rows,
    }
}

/// The days' shares as a table.
pub(crate) fn fairness_text(days: &[FairnessDay]) -> String {
    let head = [
        "SERVICE DAY",
        "CONTENDED",
        ">JAIN",
        "USER",
        ">ENTITLED",
        ">RECEIVED",
        ">RATIO",
    ];
    let lines = days.iter().flat_map(|day| {
        day.users.iter().map(move |row| {
            vec![
                day.service_date.clone(),
                if day.contended { "yes" } else { "no" }.to_owned(),
                millionths(day.jain_index_ppm),
                row.user
                    .map_or_else(|| "another User".to_owned(), |user| user.to_string()),
                row.entitled_milliunits
                    .map_or_else(|| "-".to_owned(), thousandths),
                row.received.map_or_else(|| "-".to_owned(), grouped),
                millionths(row.ratio_ppm),
            ]
        })
    });
    table(&head, lines)
}

/// The days' shares for programs: the worst off first.
pub(crate) fn fairness_json(day: &FairnessDay) -> Value {
    let users = day.users.iter().map(|row| {
        json!({
            "user": text(row.user),
            "entitled_milliunits": row.entitled_milliunits,
            "received": row.received,
            "ratio_ppm": row.ratio_ppm,
        })
    });
    json!({
        "service_date": day.service_date,
        "open": day.open,
        "contended": day.contended,
        "jain_index_ppm": day.jain_index_ppm,
        "users": users.collect::<Vec<_>>(),
    })
}

fn share_json(day: &FairnessDay, row: &FairnessRow) -> Value {
    json!({
        "service_date": day.service_date,
        "open": day.open,
        "contended": day.contended,
        "jain_index_ppm": day.jain_index_ppm,
        "user": text(row.user),
        "entitled_milliunits": row.entitled_milliunits,
        "received": row.received,
        "ratio_ppm": row.ratio_ppm,
    })
}

fn fairness_chart(days: &[FairnessDay]) -> Bars {
    let bars = days.iter().map(|day| {
        let worst = day.users.first().and_then(|row| row.ratio_ppm);
        Bar {
            label: day.service_date.clone(),
            parts: worst
                .map(|ppm| (0, (ppm / 10_000).into()))
                .into_iter()
                .collect(),
            line: 100,
        }
    });
    Bars {
        bars: bars.collect(),
        series: vec!["received by the worst off, % of entitled".to_owned()],
        line: "entitled",
    }
}

/// Three decimals, as it is counted.
fn thousandths(milliunits: u64) -> String {
    format!("{}.{:03}", grouped(milliunits / 1_000), milliunits % 1_000)
}

/// Four decimals, rounded down: 1.0000 is all of it and nothing less.
fn millionths(ppm: Option<u32>) -> String {
    ppm.map_or_else(
        || "-".to_owned(),
        |ppm| format!("{}.{:04}", ppm / 1_000_000, ppm % 1_000_000 / 100),
    )
}
