//! What waits for a second officer.

use std::collections::BTreeMap;

use dco_client::{PendingAction, ShownDeal};
use serde_json::{Value, json};

use super::calendar::quota_calendar;
use super::schedule::{deal_json, deal_line, signature_json, signer, step_json, step_what};
use super::time;
use crate::table::{grouped, properties, table};
use crate::when;

pub(crate) fn action_json(action: &PendingAction) -> Value {
    json!({
        "number": action.number,
        "state": action.state,
        "schedule": action.schedule.to_string(),
        "step": step_json(&action.step),
        "agreed": action.agreed.as_ref().map(deal_json),
        "deal": action.deal.as_ref().map(deal_json),
        "expire_time": time(action.expire_us),
        "settled": action.settled.as_ref().map(signature_json),
    })
}

/// What waits, or waited, for a second officer.
pub(crate) fn action_text(action: &PendingAction) -> String {
    let number = action
        .number
        .map_or_else(|| "(validated only)".to_owned(), |it| it.to_string());
    let mut rows = vec![
        ("action", number.clone()),
        ("state", action.state.clone()),
        ("schedule", action.schedule.to_string()),
        ("to be done", action.step.act.clone()),
        ("what", what(action)),
        ("agreed before", deal_or_nothing(action.agreed.as_ref())),
        ("asked for by", signer(&action.step.signature)),
        ("reason", action.step.signature.reason.clone()),
        ("waits until", when::local_or(action.expire_us, "-")),
    ];
    if let Some(settled) = &action.settled {
        rows.push(("answered by", signer(settled)));
        rows.push(("answer's reason", settled.reason.clone()));
    }
    let mut text = properties(&rows);
    if let Some(days) = days(action) {
        text += &format!("\n\n{days}");
    }
    if action.state == "WAITING" {
        text += &format!("\n\nanother officer approves it with: dco actions approve {number}");
    }
    text
}

/// `all` says that those are among them which do not wait any more.
pub(crate) fn actions_text(actions: &[PendingAction], all: bool) -> String {
    if actions.is_empty() {
        let none = if all {
            "nothing has ever needed a second officer"
        } else {
            "nothing waits for a second officer"
        };
        return none.to_owned();
    }
    let mut head = vec![
        ">ACTION",
        "STATE",
        "TO BE DONE",
        "SCHEDULE",
        "WHAT",
        "ASKED FOR BY",
        "REASON",
        "WAITS UNTIL",
    ];
    let settled = actions.iter().any(|it| it.settled.is_some());
    if settled {
        head.extend(["ANSWERED BY", "ANSWER'S REASON"]);
    }
    let row = |action: &PendingAction| {
        let mut row = vec![
            action.number.map_or_else(String::new, |it| it.to_string()),
            action.state.clone(),
            action.step.act.clone(),
            action.schedule.to_string(),
            what(action),
            signer(&action.step.signature),
            action.step.signature.reason.clone(),
            when::local_or(action.expire_us, "-"),
        ];
        if settled {
            let answer = action.settled.as_ref();
            row.push(answer.map_or_else(|| "-".to_owned(), signer));
            row.push(answer.map_or_else(|| "-".to_owned(), |it| it.reason.clone()));
        }
        row
    };
    table(&head, actions.iter().map(row))
}

/// What a second officer approves: the deal that it is about, and what the act says besides.
fn what(action: &PendingAction) -> String {
    let deal = action.deal.as_ref().filter(|_| action.step.deal.is_none());
    let deal = deal.map(|deal| match action.step.end_date {
        Some(_) => format!("leaves {}", deal_line(deal)),
        None => deal_line(deal),
    });
    let said = Some(step_what(&action.step)).filter(|said| !said.is_empty());
    let parts = deal.into_iter().chain(said);
    parts.collect::<Vec<_>>().join("; ")
}

fn deal_or_nothing(deal: Option<&ShownDeal>) -> String {
    deal.map_or_else(|| "nothing".to_owned(), deal_line)
}

/// The days of what waits: all of them where nothing was agreed before, and else those that change.
fn days(action: &PendingAction) -> Option<String> {
    let deal = action.deal.as_ref().filter(|_| action.state == "WAITING")?;
    let Some(agreed) = &action.agreed else {
        return Some(quota_calendar(&deal.deal.quota));
    };
    let mut days: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for day in &agreed.deal.quota {
        days.entry(&day.service_date).or_default().0 = day.units;
    }
    for day in &deal.deal.quota {
        days.entry(&day.service_date).or_default().1 = day.units;
    }
    let changed = days.into_iter().filter(|(_, (was, is))| was != is);
    let rows = changed.map(|(date, (was, is))| vec![date.to_owned(), grouped(was), grouped(is)]);
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Some("no service day changes".to_owned());
    }
    Some(table(&["SERVICE DAY", ">AGREED", ">THEN"], rows))
}
