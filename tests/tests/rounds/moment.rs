//! When the service of a round is killed.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use dco_sim::Dice;

use super::STARTS_KILLED_MAX;
use super::tally::Counts;

/// After what, and how long after that; and how many of the starts that follow do not get far.
pub(super) struct Moment {
    after: Counts,
    pub(super) then: Duration,
    pub(super) starts_killed: u32,
}

impl Moment {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let mut after = Counts::default();
        let then_micros = match dice.below(5) {
            // As soon as somebody calls.
            0 => dice.small(0..=20_000),
            // While an image is read back.
            1 => {
                after.complete = 1 + dice.below(4);
                dice.small(0..=3_000)
            }
            // While attempts are under way.
            2 => {
                after.noted = 1 + dice.below(25);
                dice.small(0..=10_000)
            }
            _ => {
                after.acknowledged = 1 + dice.below(300);
                dice.small(0..=10_000)
            }
        };
        let starts_killed = match dice.chance(400) {
            true => dice.small(1..=STARTS_KILLED_MAX),
            false => 0,
        };
        Self {
            after,
            then: Duration::from_micros(then_micros.into()),
            starts_killed,
        }
    }

    pub(super) fn is_reached(&self, counts: Counts) -> bool {
        counts.acknowledged >= self.after.acknowledged
            && counts.complete >= self.after.complete
            && counts.noted >= self.after.noted
    }
}

impl Display for Moment {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} us after ", self.then.as_micros())?;
        match self.after {
            Counts { noted: 1.., .. } => write!(out, "{} outcomes", self.after.noted)?,
            Counts { complete: 1.., .. } => write!(out, "{} images", self.after.complete)?,
            _ => write!(out, "{} acknowledgements", self.after.acknowledged)?,
        }
        write!(out, ", then {} starts", self.starts_killed)
    }
}
