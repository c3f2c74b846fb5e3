//! Delivery schedules, and what waits for a second officer.

use std::collections::BTreeMap;

use dco_client::{
    Acted, DayUnits, MoveCause, Schedule, ScheduleDeal, ScheduleMove, ScheduleSignature,
    ScheduleStep, ShownDeal,
};
use serde_json::{Value, json};

use super::action::{action_json, action_text};
use super::calendar::quota_calendar;
use super::{text, time};
use crate::exit::Answer;
use crate::table::{counted, grouped, properties, table};
use crate::when;

/// What an act has made, for people and for programs.
pub(crate) fn acted_answer(acted: &Acted) -> Answer {
    match acted {
        Acted::Schedule(it) => {
            Answer::new(schedule_text(it), json!({ "schedule": schedule_json(it) }))
        }
        Acted::Action(it) => Answer::new(action_text(it), json!({ "action": action_json(it) })),
    }
}

pub(crate) fn units_json(days: &[DayUnits]) -> Value {
    let day = |day: &DayUnits| json!({ "service_date": day.service_date, "units": day.units });
    days.iter().map(day).collect()
}

pub(crate) fn schedule_json(schedule: &Schedule) -> Value {
    let request = &schedule.request;
    json!({
        "name": text(schedule.name),
        "etag": schedule.etag,
        "state": schedule.state,
        "request": {
            "manufacturer_image_hash": text(request.manufacturer_image_hash),
            "device_count": request.device_count,
            "earliest_date": request.earliest_date,
            "latest_date": request.latest_date,
            "per_day_max": request.per_day_max,
        },
        "agreed": schedule.agreed.as_ref().map(deal_json),
        "amendment_count": schedule.amendment_count,
        "proposal": schedule.proposal.as_ref().map(|it| json!({
            "by": it.by,
            "deal": deal_json(&it.deal),
            "answer_by_time": time(it.answer_by_us),
            "cause": cause_json(it.cause),
        })),
        "move_count": schedule.move_count,
        "moves_max": schedule.moves_max,
        "moves": schedule.moves.iter().map(move_json).collect::<Vec<_>>(),
        "history": schedule.history.iter().map(step_json).collect::<Vec<_>>(),
        "end_date": schedule.end_date,
        "warnings": schedule.warnings,
        "waiting_actions": schedule.waiting_actions,
    })
}

pub(super) fn deal_json(shown: &ShownDeal) -> Value {
    let deal = &shown.deal;
    json!({
        "quota": units_json(&deal.quota),
        "window_hours": deal.window_hours.map(|(from, to)| [from, to]),
        "canary_device_count": deal.canary_device_count,
        "run_ahead": deal.run_ahead,
        "security": deal.security,
        "quota_total": shown.total,
        "first_date": shown.dates.as_ref().map(|(first, _)| first),
        "last_date": shown.dates.as_ref().map(|(_, last)| last),
    })
}

fn move_json(it: &ScheduleMove) -> Value {
    json!({
        "move_time": time(it.move_us),
        "cause": cause_json(it.cause),
        "taken": units_json(&it.taken),
        "given": units_json(&it.given),
        "taken_total": total(&it.taken),
        "given_total": total(&it.given),
        "imposed": it.imposed,
    })
}

pub(super) fn step_json(step: &ScheduleStep) -> Value {
    json!({
        "act": step.act,
        "signature": signature_json(&step.signature),
        "deal": step.deal.as_ref().map(deal_json),
        "answer_by_time": time(step.answer_by_us),
        "cause": cause_json(step.cause),
        "end_date": step.end_date,
        "beyond_request": step.beyond_request,
    })
}

pub(super) fn signature_json(signature: &ScheduleSignature) -> Value {
    json!({
        "by": signature.by,
        "officer": text(signature.officer),
        "second_officer": text(signature.second_officer),
        "ticket": signature.ticket,
        "reason": signature.reason,
        "second_ticket": some(&signature.second_ticket),
        "second_reason": some(&signature.second_reason),
        "sign_time": time(signature.sign_us),
    })
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn cause_json(cause: Option<MoveCause>) -> Value {
    cause.map_or(Value::Null, |cause| match cause {
        MoveCause::OverAgreed => json!({ "kind": "OVER_AGREED" }),
        MoveCause::MakesRoom(other) => {
            json!({ "kind": "MAKES_ROOM", "makes_room_for": text(other) })
        }
    })
}

/// One schedule with everything that is known of it.
pub(crate) fn schedule_text(schedule: &Schedule) -> String {
    let request = &schedule.request;
    let mut rows = vec![
        ("schedule", name(schedule)),
        ("state", schedule.state.clone()),
        ("etag", schedule.etag.clone()),
        ("image", image(schedule)),
        ("asked for", asked(schedule)),
        ("a day at most", grouped(request.per_day_max)),
    ];
    if let Some(agreed) = &schedule.agreed {
        rows.push(("agreed", deal_line(agreed)));
    }
    if let Some(date) = &schedule.end_date {
        rows.push(("ends", format!("nothing is agreed from {date} on")));
    }
    if let Some(proposal) = &schedule.proposal {
        let by_us = when::local_or(proposal.answer_by_us, "-");
        let deal = deal_line(&proposal.deal);
        rows.push(("proposed", format!("by {}: {deal}", party(&proposal.by))));
        rows.push(("to answer by", by_us));
    }
    for warning in &schedule.warnings {
        rows.push(("mind", warning.clone()));
    }
    if schedule.move_count > 0 {
        rows.push(("moved", moved_line(schedule)));
    }
    for action in &schedule.waiting_actions {
        let how = format!("action {action} waits for a second officer: dco actions list");
        rows.push(("waits", how));
    }
    let mut parts = vec![properties(&rows)];
    if let Some(agreed) = &schedule.agreed {
        parts.push(format!("agreed\n{}", quota_calendar(&agreed.deal.quota)));
    }
    if let Some(proposal) = &schedule.proposal {
        let days = quota_calendar(&proposal.deal.deal.quota);
        parts.push(format!("proposed\n{days}"));
    }
    if !schedule.moves.is_empty() {
        parts.push(moves_text(&schedule.moves));
    }
    if !schedule.history.is_empty() {
        parts.push(history_text(&schedule.history));
    }
    parts.join("\n\n")
}

pub(crate) fn schedules_text(schedules: &[Schedule]) -> String {
    if schedules.is_empty() {
        return "no schedules".to_owned();
    }
    let head = [
        "SCHEDULE",
        "STATE",
        ">ASKED FOR",
        ">AGREED",
        "FROM",
        "TO",
        "TO ANSWER BY",
    ];
    let row = |schedule: &Schedule| {
        let agreed = schedule.agreed.as_ref();
        let dates = agreed.and_then(|it| it.dates.clone());
        let (first, last) = dates.unwrap_or_else(|| ("-".to_owned(), "-".to_owned()));
        let proposal = schedule.proposal.as_ref();
        vec![
            name(schedule),
            schedule.state.clone(),
            grouped(schedule.request.device_count),
            agreed.map_or_else(|| "-".to_owned(), |it| grouped(it.total)),
            first,
            last,
            when::local_or(proposal.and_then(|it| it.answer_by_us), "-"),
        ]
    };
    table(&head, schedules.iter().map(row))
}

/// What an act puts forward, why, or from when on it ends what is agreed.
pub(super) fn step_what(step: &ScheduleStep) -> String {
    let why = step.cause.map(|why| cause(Some(why)));
    let end = step
        .end_date
        .as_ref()
        .map(|date| format!("nothing is agreed from {date} on"));
    let beyond = step.beyond_request;
    let beyond = beyond.then(|| "beyond what the User asked for".to_owned());
    let parts = [step.deal.as_ref().map(deal_line), end, why, beyond];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn name(schedule: &Schedule) -> String {
    let name = schedule.name.map(|name| name.to_string());
    name.unwrap_or_else(|| "(validated only)".to_owned())
}

fn image(schedule: &Schedule) -> String {
    let hash = schedule.request.manufacturer_image_hash;
    hash.map_or_else(|| "every large image".to_owned(), |hash| hash.to_string())
}

fn asked(schedule: &Schedule) -> String {
    let request = &schedule.request;
    format!(
        "{} from {} to {}",
        counted(request.device_count, "Device"),
        request.earliest_date,
        request.latest_date
    )
}

pub(super) fn deal_line(shown: &ShownDeal) -> String {
    let days = shown.dates.as_ref().map_or_else(
        || "no service day".to_owned(),
        |(first, last)| format!("{first} to {last}"),
    );
    let units = counted(shown.total, "unit");
    [format!("{units}, {days}")]
        .into_iter()
        .chain(terms(&shown.deal))
        .collect::<Vec<_>>()
        .join(", ")
}

fn terms(deal: &ScheduleDeal) -> Vec<String> {
    let window = deal
        .window_hours
        .map(|(from, to)| format!("from {from}:00 to {to}:00"));
    let canary = (deal.canary_device_count > 0)
        .then(|| format!("{} first", counted(deal.canary_device_count, "Device")));
    let run_ahead = deal
        .run_ahead
        .then(|| "later days may run ahead".to_owned());
    let security = deal.security.then(|| "security lane".to_owned());
    let all = [window, canary, run_ahead, security];
    all.into_iter().flatten().collect()
}

/// How often it was moved, and what that took and gave back in all.
fn moved_line(schedule: &Schedule) -> String {
    let sum = |part: fn(&ScheduleMove) -> &[DayUnits]| {
        let units: u64 = schedule.moves.iter().map(|it| total(part(it))).sum();
        grouped(units)
    };
    format!(
        "{}, by proposal at most {}; {} taken, {} given back",
        counted(schedule.move_count, "time"),
        schedule.moves_max,
        sum(|it| &it.taken),
        sum(|it| &it.given)
    )
}

fn total(days: &[DayUnits]) -> u64 {
    days.iter().map(|day| u64::from(day.units)).sum()
}

/// Each move, and each service day that it changed.
fn moves_text(moves: &[ScheduleMove]) -> String {
    let row = |it: &ScheduleMove| {
        vec![
            when::local_or(it.move_us, "-"),
            cause(it.cause),
            grouped(total(&it.taken)),
            grouped(total(&it.given)),
            if it.imposed { "imposed" } else { "agreed" }.to_owned(),
        ]
    };
    let head = ["MOVED", "WHY", ">TAKEN", ">GIVEN BACK", "HOW"];
    let days = moves.iter().map(|it| {
        let days = changed_days(&it.taken, &it.given);
        format!("moved {}\n{days}", when::local_or(it.move_us, "-"))
    });
    let parts = std::iter::once(table(&head, moves.iter().map(row))).chain(days);
    parts.collect::<Vec<_>>().join("\n\n")
}

/// Each service day of which units are taken, or to which they are given: none is left out, however many there are.
pub(super) fn changed_days(taken: &[DayUnits], given: &[DayUnits]) -> String {
    let mut days: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for day in taken {
        days.entry(&day.service_date).or_default().0 += day.units;
    }
    for day in given {
        days.entry(&day.service_date).or_default().1 += day.units;
    }
    let cell = |units: u32| match units {
        0 => "·".to_owned(),
        units => grouped(units),
    };
    let rows = days
        .into_iter()
        .map(|(date, (taken, given))| vec![date.to_owned(), cell(taken), cell(given)]);
    table(&["SERVICE DAY", ">TAKEN", ">GIVEN BACK"], rows)
}

fn history_text(history: &[ScheduleStep]) -> String {
    let row = |(index, step): (usize, &ScheduleStep)| {
        let what = step_what(step);
        vec![
            (index + 1).to_string(),
            when::local_or(step.signature.sign_us, "-"),
            step.act.clone(),
            signer(&step.signature),
            reasons(&step.signature),
            what,
        ]
    };
    let head = [">STEP", "WHEN", "ACT", "BY", "REASON", "WHAT"];
    table(&head, history.iter().enumerate().map(row))
}

/// The side, and each officer with its ticket.
pub(super) fn signer(signature: &ScheduleSignature) -> String {
    let officers = [
        (signature.officer, &signature.ticket),
        (signature.second_officer, &signature.second_ticket),
    ];
    let officers: Vec<_> = officers
        .iter()
        .filter_map(|(officer, ticket)| officer.map(|officer| with_ticket(&officer, ticket)))
        .collect();
    let side = party(&signature.by).to_owned();
    if officers.is_empty() {
        return side;
    }
    format!("{side} ({})", officers.join("; second "))
}

fn with_ticket(officer: &dco_block::Eui64, ticket: &str) -> String {
    some(ticket).map_or_else(
        || officer.to_string(),
        |ticket| format!("{officer}, {ticket}"),
    )
}

/// Why, and why the second officer approved it.
fn reasons(signature: &ScheduleSignature) -> String {
    let second = some(&signature.second_reason);
    [some(&signature.reason), second]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; second: ")
}

fn party(word: &str) -> &str {
    match word {
        "USER" => "the User",
        "SERVICE_DESK" => "the Service Desk",
        "TIME" => "time",
        other => other,
    }
}

fn cause(cause: Option<MoveCause>) -> String {
    match cause {
        None => "-".to_owned(),
        Some(MoveCause::OverAgreed) => "capacity dropped".to_owned(),
        Some(MoveCause::MakesRoom(None)) => "another schedule needs room".to_owned(),
        Some(MoveCause::MakesRoom(Some(other))) => format!("{other} needs room"),
    }
}
