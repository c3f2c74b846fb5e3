//! Delivery schedules and capacity.

use dco_block::Eui64;
use dco_schedule::ServiceDate;

use super::{Decision, DecisionKind};
use crate::record::{
    ActKind, ActionClosed, ActionPended, CapacitySet, Deal, NoticesForgotten, Quota, ScheduleAct,
    ScheduleStepped, Signatory, Signature,
};

pub(super) fn schedule_stepped(it: &ScheduleStepped) -> Decision {
    let kind = it
        .act
        .as_ref()
        .map_or(ActKind::Unspecified, |act| act.kind());
    let (kind, what) = match kind {
        ActKind::Request => (DecisionKind::Agreement, "schedule requested"),
        ActKind::Offer => (DecisionKind::Agreement, "schedule offered"),
        ActKind::Counter => (
            DecisionKind::Agreement,
            "schedule answered with a counter-offer",
        ),
        ActKind::Accept => (DecisionKind::Agreement, "schedule agreed"),
        ActKind::Decline => (DecisionKind::Agreement, "schedule declined"),
        ActKind::Withdraw => (DecisionKind::Agreement, "schedule proposal withdrawn"),
        ActKind::Amend => (DecisionKind::Agreement, "schedule amendment proposed"),
        ActKind::Impose => (DecisionKind::Override, "schedule amendment imposed"),
        ActKind::End => (DecisionKind::Agreement, "schedule ended"),
        ActKind::Lapse => (DecisionKind::Agreement, "schedule proposal lapsed"),
        ActKind::Unspecified => (DecisionKind::Agreement, "schedule stepped"),
    };
    signed(Decision::new(kind, what), it.user, it.signature.as_ref())
        .on(schedule_name(it.user, it.number))
        .saying(it.act.as_ref().map_or_else(String::new, act))
        .asked_by(it.request.as_ref())
}

pub(super) fn action_pended(it: &ActionPended) -> Decision {
    let decision = Decision::new(DecisionKind::Agreement, "act waits for a second officer");
    signed(decision, it.user, it.signature.as_ref())
        .on(schedule_name(it.user, it.number))
        .saying(it.act.as_ref().map_or_else(String::new, act))
        .asked_by(it.request.as_ref())
}

pub(super) fn action_closed(it: &ActionClosed) -> Decision {
    let decision = Decision::new(DecisionKind::Agreement, "second officer did not approve");
    signed(decision, 0, it.signature.as_ref())
        .on(format!("actions/{}", it.action))
        .asked_by(it.request.as_ref())
}

pub(super) fn capacity_set(it: &CapacitySet) -> Decision {
    let days = if it.one_day { "on" } else { "from" };
    let capacity = it
        .capacity
        .map_or_else(|| "unchanged".to_owned(), |units| units.to_string());
    let capacity = match it.follows {
        Some(follows) if it.clear => {
            format!("what was set for it alone is taken back, capacity {follows}")
        }
        _ => format!("capacity {capacity}"),
    };
    let profile = match it.profile.len() {
        0 => "",
        _ => ", another hour profile",
    };
    let over = it.over.as_ref().map_or(0, |over| over.dates.len());
    let over = match over {
        0 => String::new(),
        1 => "; 1 day is OVER_AGREED".to_owned(),
        days => format!("; {days} days are OVER_AGREED"),
    };
    let crowded = crowded(it.crowded.as_ref());
    let decision = Decision::new(DecisionKind::Override, "capacity set");
    signed(decision, 0, it.signature.as_ref())
        .on(format!("serviceDays/{}", date(it.first)))
        .saying(format!(
            "{days} {}: {capacity}{profile}{over}{crowded}",
            date(it.first)
        ))
        .asked_by(it.request.as_ref())
}

/// On how many days windows are crowded.
pub(super) fn crowded(days: Option<&Quota>) -> String {
    match days.map_or(0, |days| days.dates.len()) {
        0 => String::new(),
        1 => "; on 1 day windows have more agreed than their hours carry".to_owned(),
        days => format!("; on {days} days windows have more agreed than their hours carry"),
    }
}

pub(super) fn date(days: i32) -> ServiceDate {
    ServiceDate::from_days(days)
}

fn signed(decision: Decision, user: u64, signature: Option<&Signature>) -> Decision {
    let Some(signature) = signature else {
        return decision;
    };
    let decision = decision
        .because(&of_both(&signature.reason, &signature.second_reason))
        .ticket(&of_both(&signature.ticket, &signature.second_ticket));
    let mut decision = match signature.by() {
        Signatory::User => decision.by(user),
        Signatory::Desk => decision.by(signature.officer),
        Signatory::Time | Signatory::Unspecified => decision,
    };
    decision.second = signature.second.map(Eui64::from_bits);
    decision
}

/// What the first officer said, and the second.
fn of_both(first: &str, second: &str) -> String {
    match second {
        "" => first.to_owned(),
        second => format!("{first}; second officer: {second}"),
    }
}

fn act(act: &ScheduleAct) -> String {
    let asked = act.asked.as_ref().map(|asked| {
        format!(
            "{} Devices, {} to {}, {} a day at most",
            asked.devices,
            date(asked.earliest),
            date(asked.latest),
            asked.per_day_max
        )
    });
    let end = act.end_date.map(|day| format!("ends on {}", date(day)));
    let beyond = act.beyond_request;
    let beyond = beyond.then(|| "beyond what its User asked for".to_owned());
    let parts = [asked, act.deal.as_ref().map(deal), end, beyond];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

pub(super) fn notices_forgotten(it: &NoticesForgotten) -> Decision {
    Decision::new(DecisionKind::Event, "old notices forgotten")
        .saying(format!("those of {} parties", it.parties.len()))
        .because("the configuration says for how long they are kept")
}

fn deal(deal: &Deal) -> String {
    let Some(quota) = &deal.quota else {
        return String::new();
    };
    let units: u64 = quota.units.iter().copied().map(u64::from).sum();
    match (quota.dates.first(), quota.dates.last()) {
        (Some(first), Some(last)) => {
            format!("{units} units, {} to {}", date(*first), date(*last))
        }
        _ => "no units".to_owned(),
    }
}

pub(super) fn schedule_name(user: u64, number: u32) -> String {
    format!("users/{}/schedules/{number}", Eui64::from_bits(user))
}
