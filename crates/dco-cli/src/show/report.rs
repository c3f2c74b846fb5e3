//! Service days, gateways and reports.

use dco_client::{GatewayStatus, Pause, PauseScope, ServiceDay, StopFigures, SuccessRow, TrtRow};
use serde_json::{Value, json};

use super::{text, time};
use crate::table::{grouped, table};
use crate::when;

/// Characters in a full bar.
const BAR_WIDTH: u64 = 24;

pub(crate) fn day_json(day: &ServiceDay) -> Value {
    json!({
        "service_date": day.service_date,
        "start_time": time(day.start_us),
        "end_time": time(day.end_us),
        "capacity": day.capacity,
        "released": day.released,
        "sent_without_schedule": day.sent_without_schedule,
    })
}

/// Service days with what they could carry and what they carried.
pub(crate) fn capacity_text(days: &[ServiceDay]) -> String {
    if days.is_empty() {
        return "no service days".to_owned();
    }
    let head = [
        "SERVICE DAY",
        ">HOURS",
        ">CAPACITY",
        ">RELEASED",
        ">SENT WITHOUT SCHEDULE",
        "RELEASED OF CAPACITY",
    ];
    table(
        &head,
        days.iter().map(|day| {
            vec![
                day.service_date.clone(),
                hours(day),
                grouped(day.capacity),
                grouped(day.released),
                grouped(day.sent_without_schedule),
                bar(day.released, day.capacity),
            ]
        }),
    )
}

pub(crate) fn gateway_json(gateway: &GatewayStatus) -> Value {
    json!({
        "gateway": gateway.gateway.to_string(),
        "connected": gateway.connected,
        "change_time": time(gateway.change_us),
        "attempt_count": gateway.attempt_count,
        "concurrency": gateway.concurrency,
        "failure_count": gateway.failure_count,
        "probe_time": time(gateway.probe_us),
    })
}

pub(crate) fn pauses_text(pauses: &[Pause]) -> String {
    if pauses.is_empty() {
        return "nothing is paused".to_owned();
    }
    let row = |pause: &Pause| {
        let by = match (pause.by, pause.stop) {
            (Some(by), _) => by.to_string(),
            (None, Some(_)) => "the stop rule".to_owned(),
            (None, None) => "-".to_owned(),
        };
        vec![
            pause.scope.to_string(),
            when::local_or(pause.since_us, "-"),
            by,
            pause.ticket.clone(),
            pause.reason.clone(),
        ]
    };
    let head = ["PAUSED", "SINCE", "BY", "TICKET", "REASON"];
    table(&head, pauses.iter().map(row))
}

/// Of all releases, or of the part that is named.
pub(crate) fn scope_json(scope: PauseScope) -> Value {
    match scope {
        PauseScope::All => json!({ "all": {} }),
        PauseScope::User(user) => json!({ "user": user.to_string() }),
        PauseScope::Image(hash) => json!({ "manufacturer_image_hash": hash.to_string() }),
        PauseScope::Gateway(gateway) => json!({ "gateway": gateway.to_string() }),
        PauseScope::Schedule(schedule) => json!({ "schedule": schedule.to_string() }),
        PauseScope::Batch(batch) => json!({ "batch": batch.to_string() }),
    }
}

pub(crate) fn stop_json(stop: StopFigures) -> Value {
    json!({ "attempts": stop.attempts, "failed": stop.failed })
}

pub(crate) fn pause_json(pause: &Pause) -> Value {
    json!({
        "scope": scope_json(pause.scope),
        "stop": pause.stop.map(stop_json),
        "since_time": time(pause.since_us),
        "by": text(pause.by),
        "ticket": pause.ticket,
        "reason": pause.reason,
    })
}

pub(crate) fn gateways_text(gateways: &[GatewayStatus]) -> String {
    if gateways.is_empty() {
        return "no gateway has been seen".to_owned();
    }
    let head = [
        "GATEWAY",
        "CONNECTED",
        "SINCE",
        ">ATTEMPTS UNDER WAY",
        ">AT ONE TIME",
        ">FAILED IN A ROW",
        "NEXT TRY",
    ];
    table(
        &head,
        gateways.iter().map(|gateway| {
            vec![
                gateway.gateway.to_string(),
                if gateway.connected { "yes" } else { "no" }.to_owned(),
                when::local_or(gateway.change_us, "-"),
                grouped(gateway.attempt_count),
                grouped(gateway.concurrency),
                grouped(gateway.failure_count),
                when::local_or(gateway.probe_us, "-"),
            ]
        }),
    )
}

pub(crate) fn trt_json(row: &TrtRow) -> Value {
    json!({
        "user": row.user.to_string(),
        "activation_count": row.activation_count,
        "ended_within_trt": row.ended_within_trt,
        "ended_late": row.ended_late,
        "open_within_trt": row.open_within_trt,
        "open_late": row.open_late,
        "month": row.month,
        "succeeded": row.succeeded,
        "failed": row.failed,
        "cancelled": row.cancelled,
    })
}

pub(crate) fn trt_text(rows: &[TrtRow]) -> String {
    if rows.is_empty() {
        return "no activations".to_owned();
    }
    let head = [
        "USER",
        "MONTH",
        ">ACTIVATIONS",
        ">ENDED IN TRT",
        ">ENDED LATE",
        ">OPEN IN TRT",
        ">OPEN LATE",
        ">IN TRT",
        ">SUCCESS",
    ];
    table(
        &head,
        rows.iter().map(|row| {
            // What is open and late cannot end within its TRT any more.
            let decided = row.ended_within_trt + row.ended_late + row.open_late;
            vec![
                row.user.to_string(),
                row.month.clone(),
                grouped(row.activation_count),
                grouped(row.ended_within_trt),
                grouped(row.ended_late),
                grouped(row.open_within_trt),
                grouped(row.open_late),
                per_cent(row.ended_within_trt, decided),
                per_cent(row.succeeded, row.succeeded + row.failed),
            ]
        }),
    )
}

pub(crate) fn success_json(row: &SuccessRow) -> Value {
    json!({
        "user": row.user.to_string(),
        "manufacturer_image_hash": row.manufacturer_image_hash.to_string(),
        "succeeded": row.succeeded,
        "failed": row.failed,
        "cancelled": row.cancelled,
        "open": row.open,
        "attempt_count": row.attempt_count,
    })
}

pub(crate) fn success_text(rows: &[SuccessRow]) -> String {
    if rows.is_empty() {
        return "no activations".to_owned();
    }
    let head = [
        "USER",
        "IMAGE",
        ">SUCCEEDED",
        ">FAILED",
        ">CANCELLED",
        ">OPEN",
        ">ATTEMPTS",
        ">SUCCESS",
    ];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                row.user.to_string(),
                row.manufacturer_image_hash.to_string()[..12].to_owned(),
                grouped(row.succeeded),
                grouped(row.failed),
                grouped(row.cancelled),
                grouped(row.open),
                grouped(row.attempt_count),
                per_cent(row.succeeded, row.succeeded + row.failed),
            ]
        }),
    )
}

/// The length of a service day, where it is known: 23, 24 or 25.
fn hours(day: &ServiceDay) -> String {
    let length_us = day
        .end_us
        .zip(day.start_us)
        .map(|(end_us, start_us)| end_us - start_us);
    length_us.map_or_else(|| "-".to_owned(), |us| (us / 3_600_000_000).to_string())
}

/// A bar that is full when all was used; any use at all shows.
pub(super) fn bar(part: impl Into<u64>, whole: impl Into<u64>) -> String {
    let (part, whole) = (part.into(), whole.into());
    let full = match whole {
        0 => part.min(1) * BAR_WIDTH,
        _ if part < whole => (part * BAR_WIDTH).div_ceil(whole).min(BAR_WIDTH - 1),
        _ => BAR_WIDTH,
    };
    let cells: String = (0..BAR_WIDTH)
        .map(|cell| if cell < full { '█' } else { '·' })
        .collect();
    format!("{cells} {}", per_cent(part, whole))
}

/// With one decimal, rounded down: 100.0 % is all of it and nothing less.
pub(super) fn per_cent(part: impl Into<u64>, whole: impl Into<u64>) -> String {
    let (part, whole) = (part.into(), whole.into());
    match u128::from(part * 1_000).checked_div(u128::from(whole)) {
        None => "-".to_owned(),
        Some(mille) => format!("{}.{} %", mille / 10, mille % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(released: u32, capacity: u32) -> ServiceDay {
        ServiceDay {
            service_date: "2026-03-29".to_owned(),
            start_us: Some(1_774_742_400_000_000),
            end_us: Some(1_774_825_200_000_000),
            capacity,
            released,
            sent_without_schedule: 500,
        }
    }

    #[test]
    fn a_service_day_shows_its_hours_and_its_share() {
        let text = capacity_text(&[day(3_000, 12_000)]);
        let row = text.lines().nth(1).unwrap();
        assert_eq!(
            row.split_whitespace().collect::<Vec<_>>(),
            [
                "2026-03-29",
                "23",
                "12,000",
                "3,000",
                "500",
                "██████··················",
                "25.0",
                "%"
            ]
        );
    }

    #[test]
    fn a_bar_is_full_only_at_capacity_and_empty_only_at_none() {
        assert!(bar(0_u32, 12_000_u32).starts_with('·'));
        assert!(bar(1_u32, 12_000_u32).starts_with("█·"));
        assert!(bar(11_999_u32, 12_000_u32).ends_with("█· 99.9 %"));
        assert!(bar(12_000_u32, 12_000_u32).ends_with("█ 100.0 %"));
        assert!(bar(5_u32, 0_u32).ends_with("█ -"));
        assert!(bar(u32::MAX, 1_u32).starts_with('█'));
    }

    #[test]
    fn a_share_is_rounded_down() {
        assert_eq!(per_cent(2_u32, 3_u32), "66.6 %");
        assert_eq!(per_cent(11_999_u32, 12_000_u32), "99.9 %");
        assert_eq!(per_cent(0_u32, 0_u32), "-");
    }

    #[test]
    fn what_is_open_and_late_is_not_within_its_trt() {
        let row = TrtRow {
            user: dco_block::Eui64::from_bits(7),
            month: "2026-06".to_owned(),
            activation_count: 40,
            ended_within_trt: 10,
            ended_late: 0,
            open_within_trt: 0,
            open_late: 30,
            succeeded: 10,
            failed: 0,
            cancelled: 0,
        };
        let text = trt_text(&[row]);
        assert!(text.contains("25.0 %  100.0 %"), "{text}");
    }

    #[test]
    fn an_empty_list_is_said_in_words() {
        assert_eq!(capacity_text(&[]), "no service days");
        assert_eq!(gateways_text(&[]), "no gateway has been seen");
        assert_eq!(trt_text(&[]), "no activations");
        assert_eq!(success_text(&[]), "no activations");
    }
}
