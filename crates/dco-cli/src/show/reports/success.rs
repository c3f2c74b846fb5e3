//! How activations ended, by what they have in common.

use dco_client::OutcomeRow;
use serde_json::{Map, Value, json};

use super::super::report::per_cent;
use super::super::text;
use super::Shown;
use crate::chart::{Bar, Bars};
use crate::table::{grouped, table};

const OUTCOMES: [&str; 15] = [
    "user",
    "manufacturer_image_hash",
    "manufacturer",
    "model",
    "hardware_version",
    "gateway",
    "succeeded",
    "failed",
    "cancelled",
    "open",
    "attempt_count",
    "ended_within_trt",
    "ended_late",
    "open_late",
    "outcomes",
];

/// How activations ended.
pub(crate) fn success(rows: &[OutcomeRow]) -> Shown {
    let values: Vec<_> = rows.iter().map(outcome_json).collect();
    Shown {
        text: outcomes_text(rows),
        json: json!({ "rows": values }),
        chart: Bars {
            bars: rows
                .iter()
                .zip(1..)
                .map(|(row, number): (_, u32)| Bar {
                    label: number.to_string(),
                    parts: [row.succeeded, row.failed, row.cancelled, row.open]
                        .into_iter()
                        .enumerate()
                        .collect(),
                    line: row.succeeded + row.failed + row.cancelled + row.open,
                })
                .collect(),
            series: ["succeeded", "failed", "cancelled", "open"]
                .map(str::to_owned)
                .into(),
            line: "all; rows in the order of the table",
        },
        columns: &OUTCOMES,
        rows: values,
    }
}

/// The head of a column, and what stands in it.
type Column = (&'static str, fn(&OutcomeRow) -> Option<String>);

fn outcomes_text(rows: &[OutcomeRow]) -> String {
    if rows.is_empty() {
        return "no activations".to_owned();
    }
    // What nothing is grouped by has no column.
    let groups: [Column; 4] = [
        ("USER", |row| row.user.map(|it| it.to_string())),
        ("IMAGE", |row| {
            let hash = row.manufacturer_image_hash;
            hash.map(|it| it.to_string()[..12].to_owned())
        }),
        ("MODEL", model),
        ("GATEWAY", |row| row.gateway.map(|it| it.to_string())),
    ];
    let shown = groups
        .iter()
        .filter(|(_, of)| rows.iter().any(|row| of(row).is_some()));
    let shown: Vec<_> = shown.collect();
    let mut head: Vec<_> = shown.iter().map(|(name, _)| *name).collect();
    head.extend([
        ">SUCCEEDED",
        ">FAILED",
        ">CANCELLED",
        ">OPEN",
        ">ATTEMPTS",
        ">SUCCESS",
        ">IN TRT",
        "OUTCOMES",
    ]);
    let lines = rows.iter().map(|row| {
        let groups = shown
            .iter()
            .map(|(_, of)| of(row).unwrap_or_else(|| "-".to_owned()));
        let outcomes = row.outcomes.iter();
        let outcomes = outcomes.map(|(name, count)| format!("{name} {}", grouped(*count)));
        let due = row.ended_within_trt + row.ended_late + row.open_late;
        groups
            .chain([
                grouped(row.succeeded),
                grouped(row.failed),
                grouped(row.cancelled),
                grouped(row.open),
                grouped(row.attempt_count),
                per_cent(row.succeeded, row.succeeded + row.failed),
                per_cent(row.ended_within_trt, due),
                outcomes.collect::<Vec<_>>().join(", "),
            ])
            .collect()
    });
    table(&head, lines)
}

fn model(row: &OutcomeRow) -> Option<String> {
    let (manufacturer, model) = (row.manufacturer.as_ref()?, row.model.as_ref()?);
    let version = row.hardware_version.as_deref().unwrap_or("-");
    Some(format!("{manufacturer} {model} {version}"))
}

fn outcome_json(row: &OutcomeRow) -> Value {
    let outcomes = row
        .outcomes
        .iter()
        .map(|(name, count)| (name.clone(), (*count).into()));
    json!({
        "user": text(row.user),
        "manufacturer_image_hash": text(row.manufacturer_image_hash),
        "manufacturer": row.manufacturer,
        "model": row.model,
        "hardware_version": row.hardware_version,
        "gateway": text(row.gateway),
        "succeeded": row.succeeded,
        "failed": row.failed,
        "cancelled": row.cancelled,
        "open": row.open,
        "attempt_count": row.attempt_count,
        "outcomes": Value::Object(outcomes.collect::<Map<_, _>>()),
        "ended_within_trt": row.ended_within_trt,
        "ended_late": row.ended_late,
        "open_late": row.open_late,
    })
}
