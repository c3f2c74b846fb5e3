//! Decisions, for people and for programs.

use dco_client::{Decision, DecisionLogStart};
use serde_json::{Value, json};

use crate::table::table;
use crate::when;

/// A table, and where it begins if the beginning is gone.
pub(crate) fn decisions_text(start: &DecisionLogStart, decisions: &[Decision]) -> String {
    let mut parts = Vec::new();
    if start.oldest_seq > 1 {
        parts.push(format!(
            "records 1 to {} are no more kept: their time of retention is over",
            start.oldest_seq - 1
        ));
    }
    if decisions.is_empty() {
        parts.push("nothing was decided that is asked for".to_owned());
    } else {
        let head = [
            ">RECORD",
            "TIME",
            "KIND",
            "BY",
            "WHAT",
            "ON",
            "TICKET",
            "NUMBERS AND WHY",
        ];
        parts.push(table(&head, decisions.iter().map(row)));
    }
    parts.join("\n\n")
}

fn row(it: &Decision) -> Vec<String> {
    let by = it.by.map(|by| by.to_string()).unwrap_or_default();
    let by = match it.second {
        Some(second) => format!("{by} and {second}"),
        None => by,
    };
    vec![
        it.seq.to_string(),
        when::local_or(it.at_us, ""),
        it.kind.to_string(),
        by,
        it.what.clone(),
        it.subject.clone(),
        it.ticket.clone(),
        // Long ones in the last column, so that no other line is filled up to their length.
        [it.text.as_str(), it.reason.as_str()]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("; because: "),
    ]
}

/// One decision as an object; what is empty is null.
pub(crate) fn decision_json(it: &Decision) -> Value {
    let text = |text: &str| match text {
        "" => Value::Null,
        text => Value::from(text),
    };
    json!({
        "seq": it.seq,
        "time": it.at_us.map(when::rfc3339),
        "kind": it.kind.to_string(),
        "by": it.by.map(|by| by.to_string()),
        "second": it.second.map(|by| by.to_string()),
        "what": it.what,
        "subject": text(&it.subject),
        "text": text(&it.text),
        "reason": text(&it.reason),
        "ticket": text(&it.ticket),
        "request_id": text(&it.request_id),
    })
}
