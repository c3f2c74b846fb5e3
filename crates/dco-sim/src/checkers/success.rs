//! Success is recorded only for a Device that runs the image.

use std::collections::BTreeSet;

use dco_block::Eui64;
use dco_engine::Outcome;
use dco_engine::record::Change;

use super::activations::Activations;
use super::{Breach, Checker};
use crate::happened::Happened;

/// What each Device has ever activated.
#[derive(Debug, Default)]
pub(super) struct Success {
    activated: BTreeSet<(Eui64, Vec<u8>)>,
    activations: Activations,
}

impl Success {
    fn judge(&self, activation: u32, outcome: u32) -> Result<(), Breach> {
        let succeeded = Outcome::from_number(outcome).is_some_and(Outcome::is_success);
        if !succeeded {
            return Ok(());
        }
        let it = self.activations.get(activation)?;
        let hash = self.activations.hash_of(&it.image_id);
        if self.activated.contains(&(it.name.device, hash)) {
            return Ok(());
        }
        Err(format!(
            "{:?} is recorded as a success, the Device never ran the image",
            it.name
        ))
    }
}

impl Checker for Success {
    fn promise(&self) -> &'static str {
        "success is recorded only for a Device that runs the image"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Activated { device, hash } => {
                self.activated.insert((*device, hash.as_bytes().to_vec()));
                Ok(())
            }
            Happened::Recorded { record, .. } => {
                match &record.change {
                    Some(Change::AttemptEnded(it)) => self.judge(it.activation, it.outcome)?,
                    Some(Change::LateSuccess(it)) => self.judge(it.activation, it.outcome)?,
                    _ => {}
                }
                self.activations.learn(record)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use dco_block::{Eui64, ManufacturerImageHash};
    use dco_engine::Outcome;
    use dco_engine::record::{AttemptEnded, Change};

    use super::Success;
    use crate::checkers::history;
    use crate::happened::Happened;

    fn succeeded() -> Change {
        Change::AttemptEnded(AttemptEnded {
            activation: 0,
            attempt: 1,
            outcome: Outcome::Success.number(),
            ..AttemptEnded::default()
        })
    }

    fn released() -> Success {
        let mut checker = Success::default();
        for change in history::batch_of_three() {
            history::keeps(&mut checker, change);
        }
        history::keeps(&mut checker, history::released(0, 1, None));
        checker
    }

    #[test]
    fn success_without_activation_is_seen() {
        history::breaks(&mut released(), succeeded());
        let mut checker = released();
        let activated = Happened::Activated {
            device: Eui64::from_bits(10),
            hash: ManufacturerImageHash::new(history::HASH),
        };
        history::kept(&mut checker, &activated);
        history::keeps(&mut checker, succeeded());
    }
}
