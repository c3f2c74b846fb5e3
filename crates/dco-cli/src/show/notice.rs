//! What parties are told, and what a User may send.

use dco_client::{ActTold, CountUse, Limits, Notice, NoticeSubject, Notices, QuotaUse};
use serde_json::{Value, json};

use super::plan::crowded_json;
use super::report::{scope_json, stop_json};
use super::schedule::units_json;
use super::{text, time};
use crate::table::{grouped, properties, table};
use crate::when;

pub(crate) fn notice_json(notice: &Notice) -> Value {
    json!({
        "position": notice.position,
        "create_time": time(notice.create_us),
        "message": notice.message,
        "subject": notice.subject.as_ref().map(subject_json),
    })
}

fn subject_json(subject: &NoticeSubject) -> Value {
    match subject {
        NoticeSubject::ScheduleStep {
            schedule,
            etag,
            act,
            by,
            answer_by_us,
            told,
        } => json!({ "schedule_step": {
            "schedule": schedule.to_string(),
            "etag": etag,
            "act": act,
            "by": by,
            "answer_by_time": time(*answer_by_us),
            "told": told.as_ref().map(told_json),
        }}),
        NoticeSubject::ActionPending {
            action,
            schedule,
            act,
            expire_us,
            told,
        } => json!({ "action_pending": {
            "action": action,
            "schedule": schedule.to_string(),
            "act": act,
            "expire_time": time(*expire_us),
            "told": told.as_ref().map(told_json),
        }}),
        NoticeSubject::WindowsCrowded { days, windows } => json!({ "windows_crowded": {
            "days": units_json(days),
            "windows": crowded_json(windows),
        }}),
        NoticeSubject::ActionSettled { action, approved } => {
            json!({ "action_settled": { "action": action, "approved": approved }})
        }
        NoticeSubject::CapacitySet {
            first_date,
            one_day,
            capacity,
            cleared,
            agreed_days,
        } => json!({ "capacity_set": {
            "first_date": first_date,
            "one_day": one_day,
            "capacity": capacity,
            "cleared": cleared,
            "agreed_days": agreed_days,
        }}),
        NoticeSubject::OverAgreed { days, proposal } => {
            let proposal = proposal.iter();
            let proposal = proposal.map(
                |(schedule, units)| json!({ "schedule": schedule.to_string(), "units": units }),
            );
            json!({ "over_agreed": {
                "days": units_json(days),
                "proposal": proposal.collect::<Vec<_>>(),
            }})
        }
        other => about_sending_json(other),
    }
}

fn told_json(told: &ActTold) -> Value {
    json!({
        "units": told.units,
        "first_date": told.dates.as_ref().map(|(first, _)| first),
        "last_date": told.dates.as_ref().map(|(_, last)| last),
        "taken": told.taken,
        "cause": told.cause,
        "makes_room_for": text(told.makes_room_for),
        "end_date": told.end_date,
    })
}

/// What is sent, held back or refused.
fn about_sending_json(subject: &NoticeSubject) -> Value {
    match subject {
        NoticeSubject::TransferExpires {
            transfer,
            expire_us,
        } => json!({ "transfer_expires": {
            "transfer": transfer.to_string(),
            "expire_time": time(*expire_us),
        }}),
        NoticeSubject::ProductsHold {
            user,
            manufacturer_image_hash,
            held,
            freed,
        } => json!({ "products_hold": {
            "user": user.to_string(),
            "manufacturer_image_hash": manufacturer_image_hash.to_string(),
            "held": held,
            "freed": freed,
        }}),
        NoticeSubject::ThresholdBreached {
            user,
            counted,
            of_all_users,
            limit,
            used,
            requested,
        } => json!({ "threshold_breached": {
            "user": user.to_string(),
            "counted": counted,
            "of_all_users": of_all_users,
            "limit": limit,
            "used": used,
            "requested": requested,
        }}),
        NoticeSubject::PauseChanged {
            scope,
            paused,
            ticket,
            stop,
        } => json!({ "pause_changed": {
            "scope": scope_json(*scope),
            "paused": paused,
            "ticket": ticket,
            "stop": stop.map(stop_json),
        }}),
        near => about_what_is_near_json(near),
    }
}

/// What is near a time or a limit.
fn about_what_is_near_json(subject: &NoticeSubject) -> Value {
    match subject {
        NoticeSubject::TrtNear {
            batch,
            due_us,
            open_count,
        } => json!({ "trt_near": {
            "batch": batch.to_string(),
            "due_time": time(*due_us),
            "open_count": open_count,
        }}),
        NoticeSubject::LimitNear {
            limit_name,
            service_date,
            limit,
            used,
        } => json!({ "limit_near": {
            "limit_name": limit_name,
            "service_date": service_date,
            "limit": limit,
            "used": used,
        }}),
        NoticeSubject::NearlyUsed {
            schedule,
            service_date,
            limit,
            sent,
        } => json!({ "nearly_used": {
            "schedule": text(*schedule),
            "service_date": service_date,
            "limit": limit,
            "sent": sent,
        }}),
        NoticeSubject::Displaced {
            service_date,
            units,
        } => json!({ "displaced": {
            "service_date": service_date,
            "units": units,
        }}),
        _ => unreachable!("every other subject is dealt with before"),
    }
}

/// One notice while they are followed.
pub(crate) fn notice_line(notice: &Notice) -> String {
    format!(
        "{}  {}  {}",
        notice.position,
        when::local_or(notice.create_us, "-"),
        notice.message
    )
}

pub(crate) fn notices_text(told: &Notices) -> String {
    if told.notices.is_empty() {
        return "no notices".to_owned();
    }
    let row = |notice: &Notice| {
        vec![
            notice.position.to_string(),
            when::local_or(notice.create_us, "-"),
            notice.message.clone(),
        ]
    };
    let mut text = table(
        &[">POSITION", "WHEN", "NOTICE"],
        told.notices.iter().map(row),
    );
    if !told.complete {
        text += &format!("\nthere are more: go on with --position {}", told.position);
    }
    text
}

pub(crate) fn limits_json(limits: &Limits) -> Value {
    let quota = |quota: &QuotaUse| {
        json!({
            "service_date": quota.service_date,
            "schedule": quota.schedule.to_string(),
            "manufacturer_image_hash": text(quota.manufacturer_image_hash),
            "agreed": quota.agreed,
            "sent": quota.sent,
        })
    };
    let count = |count: &CountUse| {
        json!({
            "counted": count.counted,
            "limit": count.limit,
            "used": count.used,
        })
    };
    json!({
        "counts": limits.counts.iter().map(count).collect::<Vec<_>>(),
        "counts_reset_time": time(limits.counts_reset_us),
        "service_date": limits.service_date,
        "reset_time": time(limits.reset_us),
        "allowance_per_service_day": limits.allowance_per_service_day,
        "allowance_sent": limits.allowance_sent,
        "quotas": limits.quotas.iter().map(quota).collect::<Vec<_>>(),
        "days_ahead_max": limits.days_ahead_max,
        "devices_max": limits.devices_max,
    })
}

pub(crate) fn limits_text(limits: &Limits) -> String {
    let mut text = properties(&[
        ("service day", limits.service_date.clone()),
        ("resets", when::local_or(limits.reset_us, "-")),
        (
            "without a schedule",
            format!(
                "{} of {} large activations sent for today",
                grouped(limits.allowance_sent),
                grouped(limits.allowance_per_service_day)
            ),
        ),
        ("days ahead", grouped(limits.days_ahead_max)),
        ("Devices at once", grouped(limits.devices_max)),
    ]);
    if !limits.quotas.is_empty() {
        let row = |quota: &QuotaUse| {
            vec![
                quota.service_date.clone(),
                quota.schedule.to_string(),
                grouped(quota.agreed),
                grouped(quota.sent),
            ]
        };
        let head = ["SERVICE DAY", "SCHEDULE", ">AGREED", ">SENT"];
        text = format!("{text}\n\n{}", table(&head, limits.quotas.iter().map(row)));
    }
    if !limits.counts.is_empty() {
        let row = |count: &CountUse| {
            vec![
                count.counted.to_lowercase().replace('_', " "),
                grouped(count.used),
                grouped(count.limit),
            ]
        };
        let head = ["COUNTED", ">USED", ">REFUSED BEYOND"];
        let resets = when::local_or(limits.counts_reset_us, "-");
        let counts = table(&head, limits.counts.iter().map(row));
        text = format!("{text}\n\n{counts}\ncounting begins anew {resets}");
    }
    text
}
