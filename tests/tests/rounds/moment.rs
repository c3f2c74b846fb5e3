//! When the service of a round is killed.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use dco_sim::Dice;

use super::STARTS_KILLED_MAX;
use super::tally::Counts;

/// After what, and how long after that; and how many of the starts that follow do not get far.
pub(super) struct Moment {
    acknowledged: u64,
    complete: u64,
    pub(super) then: Duration,
    pub(super) starts_killed: u32,
}

impl Moment {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let (acknowledged, complete, then_micros) = match dice.below(4) {
            // As soon as somebody calls.
            0 => (0, 0, dice.small(0..=20_000)),
            // While an image is read back.
            1 => (0, 1 + dice.below(4), dice.small(0..=3_000)),
            _ => (1 + dice.below(250), 0, dice.small(0..=10_000)),
        };
        let starts_killed = match dice.chance(400) {
            true => dice.small(1..=STARTS_KILLED_MAX),
            false => 0,
        };
        Self {
            acknowledged,
            complete,
            then: Duration::from_micros(then_micros.into()),
            starts_killed,
        }
    }

    pub(super) fn is_reached(&self, counts: Counts) -> bool {
        counts.acknowledged >= self.acknowledged && counts.complete >= self.complete
    }
}

impl Display for Moment {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} us after {} acknowledgements and {} images, {} starts killed",
            self.then.as_micros(),
            self.acknowledged,
            self.complete,
            self.starts_killed
        )
    }
}
