//! No User sends more large activations for a service day than its allowance, or than its schedule has for that day.

use std::collections::BTreeMap;

use dco_engine::record::{BatchAccepted, BatchCancelled, Change, Record};
use dco_schedule::Calendar;

use super::activations::Activations;
use super::agreements::Agreements;
use super::{Breach, Checker};
use crate::happened::Happened;

/// Counts what each User has sent for each service day by the journal alone.
#[derive(Debug)]
pub(super) struct Allowance {
    limit: u32,
    calendar: Calendar,
    /// By User, schedule and service day.
    sent: BTreeMap<(u64, Option<u32>, i32), u32>,
    /// The schedule of each batch, where there is one.
    schedules: BTreeMap<(u64, u64), Option<u32>>,
    activations: Activations,
    agreements: Agreements,
}

impl Allowance {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            calendar: Calendar::london(),
            sent: BTreeMap::new(),
            schedules: BTreeMap::new(),
            agreements: Agreements::default(),
            activations: Activations::default(),
        }
    }

    /// A cancellation gives back what was never released, while the service day it was sent for is not over.
    fn give_back(&mut self, at_us: i64, record: &BatchCancelled) -> Result<(), Breach> {
        let today = self.calendar.day_at(at_us).date.days();
        let mut due = 0;
        let mut key = None;
        for (_, it) in self.activations.of_batch(record.user, record.number) {
            let schedule = self.schedules.get(&(record.user, record.number));
            key = Some((record.user, schedule.copied().flatten(), it.service_date));
            let gives_back = it.large && it.attempt == 0 && !it.ended;
            due += u32::from(gives_back && today <= it.service_date);
        }
        if record.given_back != due {
            return Err(format!(
                "cancelling batch {} gives back {} of the allowance, due is {due}",
                record.number, record.given_back
            ));
        }
        if let Some(sent) = key.and_then(|key| self.sent.get_mut(&key)) {
            *sent -= due;
        }
        Ok(())
    }

    fn count(&mut self, record: &Record) -> Result<(), Breach> {
        let Some(Change::BatchAccepted(it)) = &record.change else {
            return Ok(());
        };
        let large = self
            .activations
            .of_batch(it.user, it.number)
            .filter(|(_, activation)| activation.large)
            .count();
        if large == 0 {
            return Ok(());
        }
        let limit = self.limit_of(it)?;
        self.schedules.insert((it.user, it.number), it.schedule);
        let key = (it.user, it.schedule, it.service_date);
        let sent = self.sent.entry(key).or_default();
        *sent += u32::try_from(large).unwrap_or(u32::MAX);
        if *sent <= limit {
            return Ok(());
        }
        Err(format!(
            "batch {} brings what its User has sent for one day to {sent}; under {:?} it may send {limit}",
            it.number, it.schedule
        ))
    }

    /// What may be sent for the batch's day under what covers it; exactly one thing does.
    fn limit_of(&self, batch: &BatchAccepted) -> Result<u32, Breach> {
        let hash = self.activations.hash_of(&batch.image_id);
        let date = batch.service_date;
        let Some(number) = batch.schedule else {
            let mut own = self.agreements.of_user(batch.user);
            let covering = own.find(|(_, it)| it.covers(&hash) && it.quota_on(date) > 0);
            return match covering {
                None => Ok(self.limit),
                Some((number, _)) => Err(format!(
                    "batch {} is charged to the allowance, schedule {number} covers it",
                    batch.number
                )),
            };
        };
        let schedule = self.agreements.get(batch.user, number);
        match schedule.filter(|it| it.covers(&hash)) {
            Some(schedule) => Ok(schedule.quota_on(date)),
            None => Err(format!(
                "batch {} is charged to schedule {number}, which does not cover its image",
                batch.number
            )),
        }
    }
}

impl Checker for Allowance {
    fn promise(&self) -> &'static str {
        "no User sends more than its allowance or its schedule has"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        let Happened::Recorded { record, .. } = happened else {
            return Ok(());
        };
        if let Some(Change::BatchCancelled(it)) = &record.change {
            self.give_back(record.at_us, it)?;
        }
        self.activations.learn(record)?;
        self.agreements.learn(record)?;
        self.count(record)
    }
}

#[cfg(test)]
mod tests {
    use dco_engine::record::{
        ActKind, BatchAccepted, Change, ScheduleAct, ScheduleStepped, Signatory, Signature,
    };

    use super::Allowance;
    use crate::checkers::history;

    fn with_batch(limit: u32) -> Allowance {
        let mut checker = Allowance::new(limit);
        history::keeps(&mut checker, history::transfer());
        checker
    }

    #[test]
    fn one_too_many_is_seen() {
        history::keeps(&mut with_batch(3), history::batch(1));
        history::breaks(&mut with_batch(2), history::batch(1));
        let mut checker = with_batch(5);
        history::keeps(&mut checker, history::batch(1));
        history::breaks(&mut checker, history::batch(2));
    }

    /// A schedule has three units agreed for the day.
    fn with_schedule(checker: &mut Allowance) {
        let step = |kind: ActKind, by: Signatory, deal| {
            Change::ScheduleStepped(ScheduleStepped {
                user: history::USER,
                number: 1,
                act: Some(ScheduleAct {
                    kind: kind.into(),
                    deal,
                    ..ScheduleAct::default()
                }),
                signature: Some(Signature {
                    by: by.into(),
                    ..Signature::default()
                }),
                ..ScheduleStepped::default()
            })
        };
        let deal = history::deal(history::DATE, 3);
        history::keeps(checker, step(ActKind::Offer, Signatory::Desk, Some(deal)));
        history::keeps(checker, step(ActKind::Accept, Signatory::User, None));
    }

    fn under_schedule(number: u64) -> Change {
        let Change::BatchAccepted(batch) = history::batch(number) else {
            panic!("it is a batch");
        };
        Change::BatchAccepted(BatchAccepted {
            schedule: Some(1),
            ..batch
        })
    }

    #[test]
    fn a_schedule_that_covers_a_batch_is_what_it_is_charged_to_and_limited_by() {
        let mut checker = with_batch(9);
        with_schedule(&mut checker);
        history::breaks(&mut checker, history::batch(1));
        let mut checker = with_batch(9);
        with_schedule(&mut checker);
        history::keeps(&mut checker, under_schedule(1));
        history::breaks(&mut checker, under_schedule(2));
        history::breaks(&mut with_batch(9), under_schedule(1));
    }

    #[test]
    fn what_was_released_is_not_given_back() {
        let mut checker = with_batch(3);
        history::keeps(&mut checker, history::batch(1));
        history::keeps(&mut checker, history::released(0, 1, None));
        history::breaks(&mut checker, history::batch_cancelled(1, 3));
        let mut checker = with_batch(3);
        history::keeps(&mut checker, history::batch(1));
        history::keeps(&mut checker, history::batch_cancelled(1, 3));
        history::keeps(&mut checker, history::batch(2));
    }
}
