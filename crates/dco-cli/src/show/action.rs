//! What waits for a second officer.

use dco_client::PendingAction;
use serde_json::{Value, json};

use super::schedule::{signature_json, signer, step_json, step_what};
use super::time;
use crate::table::{properties, table};
use crate::when;

pub(crate) fn action_json(action: &PendingAction) -> Value {
    json!({
        "number": action.number,
        "state": action.state,
        "schedule": action.schedule.to_string(),
        "step": step_json(&action.step),
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
        ("what", step_what(&action.step)),
        ("asked for by", signer(&action.step.signature)),
        ("reason", action.step.signature.reason.clone()),
        ("waits until", when::local_or(action.expire_us, "-")),
    ];
    if let Some(settled) = &action.settled {
        rows.push(("answered by", signer(settled)));
        rows.push(("answer's reason", settled.reason.clone()));
    }
    let mut text = properties(&rows);
    if action.state == "WAITING" {
        text += &format!("\n\nanother officer approves it with: dco actions approve {number}");
    }
    text
}

pub(crate) fn actions_text(actions: &[PendingAction]) -> String {
    if actions.is_empty() {
        return "nothing waits for a second officer".to_owned();
    }
    let head = [
        ">ACTION",
        "STATE",
        "TO BE DONE",
        "SCHEDULE",
        "WHAT",
        "ASKED FOR BY",
        "REASON",
        "WAITS UNTIL",
    ];
    let row = |action: &PendingAction| {
        vec![
            action.number.map_or_else(String::new, |it| it.to_string()),
            action.state.clone(),
            action.step.act.clone(),
            action.schedule.to_string(),
            step_what(&action.step),
            signer(&action.step.signature),
            action.step.signature.reason.clone(),
            when::local_or(action.expire_us, "-"),
        ]
    };
    table(&head, actions.iter().map(row))
}
