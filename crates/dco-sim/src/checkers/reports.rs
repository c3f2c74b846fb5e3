//! Reports equal what happened. Asked for when all is settled, so that nothing is on its way.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_engine::record::{Change, Record};
use dco_engine::{CapacityReportDay, Group, Outcome, OutcomeRow, Reply, ReportDays};

use super::activations::Activations;
use super::{Breach, Checker};
use crate::happened::Happened;

/// Counts by the journal what the reports count by the engine's state.
#[derive(Debug, Default)]
pub(super) struct Reports {
    released: BTreeMap<i32, u32>,
    capacity: BTreeMap<i32, u32>,
    succeeded: BTreeMap<(Eui64, Vec<u8>), u64>,
    attempts: BTreeMap<(Eui64, Vec<u8>), u64>,
    activations: Activations,
}

impl Reports {
    fn count(&mut self, record: &Record) -> Result<(), Breach> {
        match &record.change {
            Some(Change::DayOpened(it)) => {
                self.capacity.insert(it.date, it.capacity);
            }
            Some(Change::Released(it)) => {
                let key = self.key(it.activation)?;
                *self.attempts.entry(key).or_default() += 1;
                if let Some(date) = it.charged_date {
                    *self.released.entry(date).or_default() += 1;
                }
            }
            Some(Change::AttemptEnded(it)) => {
                let key = self.key(it.activation)?;
                // What the service held back itself, before it got to its gateway, was no try.
                if let (true, Some(attempts)) = (it.withheld, self.attempts.get_mut(&key)) {
                    *attempts = attempts.saturating_sub(1);
                }
                if Outcome::from_number(it.outcome).is_some_and(Outcome::is_success) {
                    *self.succeeded.entry(key).or_default() += 1;
                }
                if let Some(released) = it.refunded_date.and_then(|it| self.released.get_mut(&it)) {
                    *released -= 1;
                }
            }
            Some(Change::LateSuccess(it)) => {
                let key = self.key(it.activation)?;
                *self.succeeded.entry(key).or_default() += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn key(&self, activation: u32) -> Result<(Eui64, Vec<u8>), Breach> {
        let it = self.activations.get(activation)?;
        Ok((it.name.user, self.activations.hash_of(&it.image_id)))
    }

    /// From the first that was opened to the last, both counted.
    fn days_since_the_first(&self) -> usize {
        let first = self.capacity.keys().next().into_iter();
        let ends = first.zip(self.capacity.keys().next_back());
        ends.map(|(first, last)| (*first..=*last).count()).sum()
    }

    fn day(&self, view: &CapacityReportDay) -> Result<(), Breach> {
        let date = view.day.date.days();
        let released = self.released.get(&date).copied().unwrap_or(0);
        let capacity = self.capacity.get(&date).copied();
        // Of a day that the service did not see it says what was set for it.
        let is_capacity = capacity.is_none_or(|it| it == view.capacity);
        if view.all.released == u64::from(released) && is_capacity {
            return Ok(());
        }
        Err(format!(
            "{view:?} is reported; released were {released} of {capacity:?}"
        ))
    }

    fn row(&self, row: &OutcomeRow) -> Result<(), Breach> {
        let Group {
            user: Some(user),
            image: Some(image),
            ..
        } = &row.group
        else {
            return Err(format!("{row:?} is reported, of nobody or of no image"));
        };
        let key = (*user, image.as_bytes().to_vec());
        let succeeded = self.succeeded.get(&key).copied().unwrap_or(0);
        let attempts = self.attempts.get(&key).copied().unwrap_or(0);
        if row.succeeded == succeeded && row.attempts == attempts && row.open == 0 {
            return Ok(());
        }
        Err(format!(
            "{row:?} is reported; {succeeded} succeeded in {attempts} attempts, none is open"
        ))
    }
}

impl Checker for Reports {
    fn promise(&self) -> &'static str {
        "reports equal what happened"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Recorded { record, .. } => {
                self.count(record)?;
                self.activations.learn(record)
            }
            Happened::Answered {
                reply:
                    Ok(Reply::CapacityReport(ReportDays {
                        days,
                        is_cut: false,
                    })),
                ..
            } => {
                if days.len() != self.days_since_the_first() {
                    return Err(format!("{} service days are reported", days.len()));
                }
                days.iter().try_for_each(|view| self.day(view))
            }
            Happened::Answered {
                reply: Ok(Reply::SuccessReport(rows)),
                ..
            } => rows.iter().try_for_each(|row| self.row(row)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use dco_block::{Eui64, ManufacturerImageHash};
    use dco_engine::record::{Change, DayOpened};
    use dco_engine::{
        CapacityReportDay, DayCounts, Group, OutcomeRow, Reply, ReportDays, ReportKind,
        ReportRequest, Request,
    };
    use dco_schedule::{Calendar, ServiceDate};

    use super::Reports;
    use crate::checkers::history::{self, DATE, broken, keeps, kept};
    use crate::happened::Happened;

    fn with_release() -> Reports {
        let mut checker = Reports::default();
        let opened = Change::DayOpened(DayOpened {
            date: DATE,
            capacity: 5,
            ..DayOpened::default()
        });
        keeps(&mut checker, opened);
        for change in history::batch_of_three() {
            keeps(&mut checker, change);
        }
        keeps(&mut checker, history::released(0, 1, Some(DATE)));
        checker
    }

    #[test]
    fn a_days_figures_are_those_of_the_journal() {
        let request = &Request::Report(ReportRequest::of(ReportKind::Capacity, None));
        let reported = |days| {
            let is_cut = false;
            Ok(Reply::CapacityReport(ReportDays { days, is_cut }))
        };
        let report = |released, capacity| {
            let all = DayCounts {
                released,
                ..DayCounts::default()
            };
            reported(vec![CapacityReportDay {
                day: Calendar::london().day(ServiceDate::from_days(DATE)),
                capacity,
                is_open: true,
                all,
                users: BTreeMap::new(),
                others: None,
                lost: None,
            }])
        };
        let mut checker = with_release();
        let reply = &report(1, 5);
        kept(&mut checker, &Happened::Answered { request, reply });
        for reply in [&report(2, 5), &report(1, 6), &reported(Vec::new())] {
            broken(&mut checker, &Happened::Answered { request, reply });
        }
        let later = Change::DayOpened(DayOpened {
            date: DATE + 2,
            capacity: 5,
            ..DayOpened::default()
        });
        keeps(&mut checker, later);
        let reply = &report(1, 5);
        broken(&mut checker, &Happened::Answered { request, reply });
    }

    #[test]
    fn successes_and_attempts_are_those_of_the_journal() {
        let by = BTreeSet::new();
        let request = &Request::Report(ReportRequest::of(ReportKind::Success(by), None));
        let report = |succeeded, attempts| {
            let group = Group {
                user: Some(Eui64::from_bits(history::USER)),
                image: Some(ManufacturerImageHash::new(history::HASH)),
                ..Group::default()
            };
            Ok(Reply::SuccessReport(vec![OutcomeRow {
                group,
                succeeded,
                failed: 3,
                attempts,
                ..OutcomeRow::default()
            }]))
        };
        let mut checker = with_release();
        let reply = &report(0, 1);
        kept(&mut checker, &Happened::Answered { request, reply });
        for reply in [&report(1, 1), &report(0, 2)] {
            broken(&mut checker, &Happened::Answered { request, reply });
        }
    }
}
