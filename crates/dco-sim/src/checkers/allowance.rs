//! No User sends more large activations for a service day than its allowance.

use std::collections::BTreeMap;

use dco_engine::record::{BatchCancelled, Change, Record};
use dco_schedule::Calendar;

use super::activations::Activations;
use super::{Breach, Checker};
use crate::happened::Happened;

/// Counts what each User has sent for each service day by the journal alone.
#[derive(Debug)]
pub(super) struct Allowance {
    limit: u32,
    calendar: Calendar,
    sent: BTreeMap<(u64, i32), u32>,
    activations: Activations,
}

impl Allowance {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            calendar: Calendar::london(),
            sent: BTreeMap::new(),
            activations: Activations::default(),
        }
    }

    /// A cancellation gives back what was never released, while the service day it was sent for is not over.
    fn give_back(&mut self, at_us: i64, record: &BatchCancelled) -> Result<(), Breach> {
        let today = self.calendar.day_at(at_us).date.days();
        let mut due = 0;
        let mut key = None;
        for (_, it) in self.activations.of_batch(record.user, record.number) {
            key = Some((record.user, it.service_date));
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
        let sent = self.sent.entry((it.user, it.service_date)).or_default();
        *sent += u32::try_from(large).unwrap_or(u32::MAX);
        if *sent <= self.limit {
            return Ok(());
        }
        Err(format!(
            "batch {} brings what its User has sent for one day to {sent}, the allowance is {}",
            it.number, self.limit
        ))
    }
}

impl Checker for Allowance {
    fn promise(&self) -> &'static str {
        "the allowance is never exceeded"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        let Happened::Recorded { record, .. } = happened else {
            return Ok(());
        };
        if let Some(Change::BatchCancelled(it)) = &record.change {
            self.give_back(record.at_us, it)?;
        }
        self.activations.learn(record)?;
        self.count(record)
    }
}

#[cfg(test)]
mod tests {
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
