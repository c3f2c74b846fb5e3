//! What was cancelled is never released again.

use std::collections::BTreeSet;

use dco_engine::record::Change;

use super::activations::Activations;
use super::{Breach, Checker};
use crate::happened::Happened;

/// Remembers what every cancelled batch had.
#[derive(Debug, Default)]
pub(super) struct Cancelled {
    cancelled: BTreeSet<u32>,
    activations: Activations,
}

impl Checker for Cancelled {
    fn promise(&self) -> &'static str {
        "what was cancelled is never released again"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        let Happened::Recorded { record, .. } = happened else {
            return Ok(());
        };
        match &record.change {
            Some(Change::BatchCancelled(it)) => {
                let batch = self.activations.of_batch(it.user, it.number);
                self.cancelled.extend(batch.map(|(number, _)| number));
            }
            Some(Change::ActivationCancelled(it)) => {
                self.cancelled.insert(it.activation);
            }
            Some(Change::Released(it)) if self.cancelled.contains(&it.activation) => {
                let attempt = self.activations.attempt(it.activation)?;
                return Err(format!("{attempt:?} was cancelled and is released again"));
            }
            _ => {}
        }
        self.activations.learn(record)
    }
}

#[cfg(test)]
mod tests {
    use super::Cancelled;
    use crate::checkers::history;

    #[test]
    fn neither_what_waited_nor_what_was_under_way_comes_back() {
        for activation in [0, 1] {
            let mut checker = Cancelled::default();
            for change in history::batch_of_three() {
                history::keeps(&mut checker, change);
            }
            history::keeps(&mut checker, history::released(0, 1, None));
            history::keeps(&mut checker, history::batch_cancelled(1, 2));
            history::keeps(&mut checker, history::ended(0, 1, None));
            history::breaks(&mut checker, history::released(activation, 2, None));
        }
    }
}
