//! Reports: what is asked, and their rows.

use std::collections::BTreeSet;

use dco_block::Eui64;
use dco_engine::{
    CapacityReportDay, DayCounts, FairnessDay, FairnessRow, Grouping, OutcomeRow, ReportDays,
    ReportKind, ReportRequest, TrtRow,
};
use dco_proto::v1 as pb;
use dco_schedule::ServiceDate;

use super::{instant, service_date};
use crate::status::Fault;

/// The service days that a report is about, from the first to the last, where they are given.
pub(crate) fn days(
    (first, last): (&str, &str),
) -> Result<(Option<ServiceDate>, Option<ServiceDate>), Fault> {
    let days = (
        service_date(first, "first_service_date")?,
        service_date(last, "last_service_date")?,
    );
    match days {
        (Some(first), Some(last)) if last < first => Err(Fault::argument(
            "SERVICE_DATE_INVALID",
            "last_service_date",
            format!(
                "last_service_date {last} is before first_service_date {first}; no day lies between them"
            ),
        )),
        _ => Ok(days),
    }
}

/// A report of these days, as one User may read it or everyone.
pub(crate) fn request(
    user: Option<Eui64>,
    dates: (&str, &str),
    kind: ReportKind,
) -> Result<ReportRequest, Fault> {
    let (first, last) = days(dates)?;
    Ok(ReportRequest {
        user,
        first,
        last,
        kind,
    })
}

/// By what rows of the success report are grouped: by User and image where nothing is said.
pub(crate) fn groups(wire: &[i32]) -> Result<BTreeSet<Grouping>, Fault> {
    if wire.is_empty() {
        return Ok(BTreeSet::from([Grouping::User, Grouping::Image]));
    }
    let read = |(index, group): (usize, &i32)| match pb::SuccessGroup::try_from(*group) {
        Ok(pb::SuccessGroup::User) => Ok(Grouping::User),
        Ok(pb::SuccessGroup::Image) => Ok(Grouping::Image),
        Ok(pb::SuccessGroup::Model) => Ok(Grouping::Model),
        Ok(pb::SuccessGroup::Gateway) => Ok(Grouping::Gateway),
        Ok(pb::SuccessGroup::Unspecified) | Err(_) => Err(Fault::element(
            "GROUP_INVALID",
            "group_by",
            index,
            format!("{group} is no group; expected USER, IMAGE, MODEL or GATEWAY"),
        )),
    };
    wire.iter().enumerate().map(read).collect()
}

/// The capacity report.
pub(crate) fn capacity(report: &ReportDays<CapacityReportDay>) -> pb::CapacityReport {
    pb::CapacityReport {
        service_days: report.days.iter().map(service_day).collect(),
        days: report.days.iter().map(capacity_day).collect(),
        earlier_days_left_out: report.is_cut,
    }
}

/// As ListServiceDays has it, but of one User where the report is.
fn service_day(day: &CapacityReportDay) -> pb::ServiceDay {
    let own = day.others.and_then(|_| day.users.values().next());
    let counts = own.unwrap_or(&day.all);
    let few = |units: u64| u32::try_from(units).unwrap_or(u32::MAX);
    let date = day.day.date.to_string();
    pb::ServiceDay {
        name: format!("serviceDays/{date}"),
        service_date: date,
        start_time: Some(instant(day.day.start_us)),
        end_time: Some(instant(day.day.end_us)),
        capacity: day.capacity,
        released: few(counts.released),
        sent_without_schedule: few(counts.sent_without_schedule),
    }
}

fn capacity_day(day: &CapacityReportDay) -> pb::CapacityReportDay {
    let users = day.users.iter();
    pb::CapacityReportDay {
        service_date: day.day.date.to_string(),
        capacity: day.capacity,
        open: day.is_open,
        all: Some(counts(None, &day.all)),
        users: users.map(|(user, it)| counts(Some(*user), it)).collect(),
        others: day.others.map(|others| counts(None, &others)),
        lost_without_work: day.lost.map(|lost| lost.without_work),
        lost_with_work: day.lost.map(|lost| lost.with_work),
    }
}

fn counts(user: Option<Eui64>, counts: &DayCounts) -> pb::DayCounts {
    let DayCounts {
        agreed,
        sent,
        sent_without_schedule,
        released,
        lent,
        security,
        refunded,
        retries,
    } = *counts;
    pb::DayCounts {
        user: text(user),
        agreed,
        sent,
        sent_without_schedule,
        released,
        lent,
        security,
        refunded,
        retries,
    }
}

/// The fairness report.
pub(crate) fn fairness(report: &ReportDays<FairnessDay>) -> pb::FairnessReport {
    pb::FairnessReport {
        days: report.days.iter().map(fairness_day).collect(),
        earlier_days_left_out: report.is_cut,
    }
}

fn fairness_day(day: &FairnessDay) -> pb::FairnessDay {
    pb::FairnessDay {
        service_date: day.date.to_string(),
        open: day.is_open,
        contended: day.contended,
        jain_index_ppm: day.jain_ppm,
        users: day.users.iter().map(fairness_row).collect(),
    }
}

fn fairness_row(row: &FairnessRow) -> pb::FairnessRow {
    pb::FairnessRow {
        user: text(row.user),
        entitled_milliunits: row.entitled_milliunits,
        received: row.received,
        ratio_ppm: row.ratio_ppm,
    }
}

/// One row of the TRT report.
pub(crate) fn trt(row: &TrtRow) -> pb::TrtRow {
    pb::TrtRow {
        user: row.user.to_string(),
        activation_count: row.activations,
        ended_within_trt: row.ended_within_trt,
        ended_late: row.ended_late,
        open_within_trt: row.open_within_trt,
        open_late: row.open_late,
        month: row.month.clone(),
        succeeded: row.succeeded,
        failed: row.failed,
        cancelled: row.cancelled,
    }
}

/// One row of the success report.
pub(crate) fn success(row: &OutcomeRow) -> pb::SuccessRow {
    let group = &row.group;
    let hash = group.image.map(|hash| hash.as_bytes().to_vec());
    let version = group.hardware_version;
    let outcomes = row.outcomes.iter();
    pb::SuccessRow {
        user: text(group.user),
        manufacturer_image_hash: hash.unwrap_or_default().into(),
        succeeded: row.succeeded,
        failed: row.failed,
        cancelled: row.cancelled,
        open: row.open,
        attempt_count: row.attempts,
        manufacturer: group.manufacturer.clone().unwrap_or_default(),
        model: group.model.clone().unwrap_or_default(),
        hardware_version: version.map_or_else(String::new, |it| format!("{it:04X}")),
        gateway: text(group.gateway),
        outcomes: outcomes
            .map(|(outcome, count)| pb::OutcomeCount {
                outcome: outcome.to_string(),
                count: *count,
            })
            .collect(),
        ended_within_trt: row.ended_within_trt,
        ended_late: row.ended_late,
        open_late: row.open_late,
    }
}

fn text(eui: Option<Eui64>) -> String {
    eui.map_or_else(String::new, |eui| eui.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_in_order_or_refused() {
        for good in [
            ("", ""),
            ("2026-06-01", ""),
            ("", "2026-06-01"),
            ("2026-06-01", "2026-06-01"),
        ] {
            assert!(days(good).is_ok(), "{good:?}");
        }
        for wrong in [("2026-06-02", "2026-06-01"), ("x", ""), ("", "2026-02-30")] {
            let reason = days(wrong).expect_err("no days").reason().to_owned();
            assert_eq!(reason, "SERVICE_DATE_INVALID", "{wrong:?}");
        }
    }

    #[test]
    fn groups_are_known_or_refused() {
        let default = BTreeSet::from([Grouping::User, Grouping::Image]);
        assert_eq!(groups(&[]), Ok(default));
        assert_eq!(groups(&[4, 4]), Ok(BTreeSet::from([Grouping::Gateway])));
        for wrong in [[0, 1], [1, 9]] {
            assert_eq!(groups(&wrong).expect_err("none").reason(), "GROUP_INVALID");
        }
    }
}
