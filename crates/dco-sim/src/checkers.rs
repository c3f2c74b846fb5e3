//! The promises, one file each. A checker knows the rule and what happened, and nothing of the engine's state.

use std::fmt::Debug;

use crate::happened::Happened;

pub(crate) mod activations;
mod agreed;
mod agreements;
mod allowance;
mod asked;
mod blocks;
mod cancelled;
mod capacity;
mod decision_log;
#[cfg(test)]
mod history;
mod journal;
mod lane;
mod one_attempt;
mod own_image;
mod registered;
mod reports;
mod started_once;
mod starved;
mod success;
mod word;

/// What was seen that must not be, in one sentence.
pub(crate) type Breach = String;

/// Watches over one promise.
pub(crate) trait Checker: Debug {
    /// The promise.
    fn promise(&self) -> &'static str;

    /// Looks at one thing that happened.
    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach>;
}

/// All checkers there are, for a world with this allowance for a User and a service day.
pub(crate) fn all(allowance_per_day: u32) -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(journal::Journal::default()),
        Box::new(decision_log::DecisionLog::default()),
        Box::new(blocks::Blocks::default()),
        Box::new(word::Word::default()),
        Box::new(capacity::Capacity::new()),
        Box::new(allowance::Allowance::new(allowance_per_day)),
        Box::new(agreed::Agreed::default()),
        Box::new(asked::Asked::default()),
        Box::new(own_image::OwnImage::default()),
        Box::new(registered::Registered::default()),
        Box::new(cancelled::Cancelled::default()),
        Box::new(one_attempt::OneAttempt::default()),
        Box::new(starved::Starved::new()),
        Box::new(started_once::StartedOnce::default()),
        Box::new(success::Success::default()),
        Box::new(reports::Reports::default()),
    ]
}
