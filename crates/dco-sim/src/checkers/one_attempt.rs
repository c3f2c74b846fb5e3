//! At most one attempt is under way for a Device, and attempts are counted without a gap.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_engine::record::{AttemptEnded, Change, Released};

use super::activations::Activations;
use super::{Breach, Checker};
use crate::happened::Happened;

/// The attempt under way for each Device, by the journal alone.
#[derive(Debug, Default)]
pub(super) struct OneAttempt {
    under_way: BTreeMap<Eui64, u32>,
    activations: Activations,
}

impl OneAttempt {
    fn release(&mut self, record: &Released) -> Result<(), Breach> {
        let it = self.activations.get(record.activation)?;
        if let Some(other) = self.under_way.insert(it.name.device, record.activation) {
            return Err(format!(
                "{:?} is released while activation {other} is under way for the Device",
                it.name
            ));
        }
        if it.ended || record.attempt != self.activations.next_attempt(it) {
            return Err(format!(
                "{:?} is released for attempt {} after attempt {}, ended: {}",
                it.name, record.attempt, it.attempt, it.ended
            ));
        }
        Ok(())
    }

    fn end(&mut self, record: &AttemptEnded) -> Result<(), Breach> {
        let it = self.activations.get(record.activation)?;
        let under_way = self.under_way.remove(&it.name.device);
        if under_way == Some(record.activation) && record.attempt == it.attempt {
            return Ok(());
        }
        Err(format!(
            "attempt {} of {:?} ends, under way is attempt {} of activation {under_way:?}",
            record.attempt, it.name, it.attempt
        ))
    }
}

impl Checker for OneAttempt {
    fn promise(&self) -> &'static str {
        "at most one attempt is under way for a Device"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        let Happened::Recorded { record, .. } = happened else {
            return Ok(());
        };
        match &record.change {
            Some(Change::Released(it)) => self.release(it)?,
            Some(Change::AttemptEnded(it)) => self.end(it)?,
            // How these ended nobody will ever know; numbers begin anew, higher.
            Some(Change::Restored(_)) => self.under_way.clear(),
            _ => {}
        }
        self.activations.learn(record)
    }
}

#[cfg(test)]
mod tests {
    use dco_engine::record::{Change, Restored};

    use super::OneAttempt;
    use crate::checkers::history;

    fn with_batches() -> OneAttempt {
        let mut checker = OneAttempt::default();
        for change in [history::transfer(), history::batch(1), history::batch(2)] {
            history::keeps(&mut checker, change);
        }
        history::keeps(&mut checker, history::released(0, 1, None));
        checker
    }

    #[test]
    fn a_second_release_before_the_end_is_seen_in_the_same_batch_and_in_another() {
        history::breaks(&mut with_batches(), history::released(0, 2, None));
        history::breaks(&mut with_batches(), history::released(3, 1, None));
        let mut checker = with_batches();
        history::keeps(&mut checker, history::ended(0, 1, None));
        history::keeps(&mut checker, history::released(0, 2, None));
    }

    #[test]
    fn after_a_restore_attempts_have_higher_numbers() {
        let restored = || Change::Restored(Restored { epoch: 1 });
        let mut checker = with_batches();
        history::keeps(&mut checker, restored());
        history::breaks(&mut checker, history::released(0, 2, None));
        let mut checker = with_batches();
        history::keeps(&mut checker, restored());
        history::keeps(&mut checker, history::released(0, 1_001, None));
        history::breaks(&mut checker, history::released(0, 1_002, None));
    }

    #[test]
    fn attempts_are_counted_without_a_gap() {
        history::breaks(&mut with_batches(), history::released(1, 2, None));
        history::breaks(&mut with_batches(), history::ended(0, 2, None));
        history::breaks(&mut with_batches(), history::ended(1, 1, None));
    }
}
