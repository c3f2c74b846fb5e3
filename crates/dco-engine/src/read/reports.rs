//! Reports: counted from what records have made, so that the same journal gives the same report.

mod capacity;
mod fairness;
mod outcomes;

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_schedule::ServiceDate;

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::{REPORT_DAYS_MAX, ReportKind, ReportRequest, Request};
use crate::state::batches::Batch;
use crate::view::{ReportDays, TrtRow};

impl Engine {
    /// The requests that are answered with rows.
    pub(crate) fn report(&self, request: &Request) -> Reply {
        match request {
            Request::ListServiceDays { before, limit } => self.list_service_days(*before, *limit),
            Request::Report(asked) => self.report_of(asked),
            _ => unreachable!("every other request is answered before it comes here"),
        }
    }

    fn report_of(&self, asked: &ReportRequest) -> Reply {
        match &asked.kind {
            ReportKind::Capacity => Reply::CapacityReport(self.capacity_days(asked)),
            ReportKind::Fairness => Reply::FairnessReport(self.fairness_days(asked)),
            ReportKind::Success(by) => Reply::SuccessReport(self.outcomes(asked, by)),
            ReportKind::Trt => self.report_trt(asked),
        }
    }

    /// The newest of the service days that are asked for, from the first that was opened to the last: also those between of
    /// which the service saw nothing.
    fn newest_days<T>(
        &self,
        asked: &ReportRequest,
        row: impl Fn(ServiceDate) -> Option<T>,
    ) -> ReportDays<T> {
        let first = self.days.opened().next().into_iter();
        let ends = first.zip(self.days.opened().next_back());
        let dates = ends.flat_map(|(first, last)| first.days()..=last.days());
        let dates = dates.rev().map(ServiceDate::from_days);
        let dates = dates.filter(|date| asked.is_about(*date));
        let mut days: Vec<T> = dates.filter_map(row).take(REPORT_DAYS_MAX + 1).collect();
        let is_cut = days.len() > REPORT_DAYS_MAX;
        days.truncate(REPORT_DAYS_MAX);
        days.reverse();
        ReportDays { days, is_cut }
    }

    fn list_service_days(&self, before: Option<ServiceDate>, limit: u32) -> Reply {
        let dates = self
            .days
            .opened()
            .rev()
            .filter(|date| before.is_none_or(|end| *date < end));
        let rows = dates.filter_map(|date| self.days.view(date));
        Reply::ServiceDays(rows.take(super::as_usize(limit)).collect())
    }

    fn batches_of(&self, user: Option<Eui64>) -> impl Iterator<Item = &Batch> {
        self.batches
            .iter()
            .filter(move |batch| user.is_none_or(|user| user == batch.user))
    }

    fn report_trt(&self, asked: &ReportRequest) -> Reply {
        let mut rows: BTreeMap<(Eui64, String), TrtRow> = BTreeMap::new();
        let batches = self.batches_of(asked.user);
        for batch in batches.filter(|batch| asked.is_about(batch.service_date)) {
            let month = month_of(batch.service_date);
            let row = rows
                .entry((batch.user, month.clone()))
                .or_insert_with(|| TrtRow::of(batch.user, month));
            row.succeeded += u64::from(batch.counts.succeeded);
            row.failed += u64::from(batch.counts.failed);
            row.cancelled += u64::from(batch.counts.cancelled);
            for activation in batch.activations() {
                let ended_us = self.batches.activation(activation).phase.ended_us();
                row.activations += 1;
                match ended_us {
                    Some(ended_us) if ended_us <= batch.due_us => row.ended_within_trt += 1,
                    Some(_) => row.ended_late += 1,
                    None if self.now_us <= batch.due_us => row.open_within_trt += 1,
                    None => row.open_late += 1,
                }
            }
        }
        Reply::Trt(rows.into_values().collect())
    }
}

impl TrtRow {
    fn of(user: Eui64, month: String) -> Self {
        Self {
            user,
            month,
            activations: 0,
            ended_within_trt: 0,
            ended_late: 0,
            open_within_trt: 0,
            open_late: 0,
            succeeded: 0,
            failed: 0,
            cancelled: 0,
        }
    }
}

/// `2026-06` of 2026-06-01.
fn month_of(date: ServiceDate) -> String {
    let mut month = date.to_string();
    month.truncate(month.rfind('-').unwrap_or(month.len()));
    month
}
