//! When units leave while there is always work.

use super::Bucket;
use crate::{Micros, Pace, UNTIL_TOLD};

/// Units that leave one after the other, each the moment it may: what a [`Bucket`] lets go from a moment on as long as something
/// ready is there. A forecast made of rows knows what the release will do, because both follow the same curve and the same state.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pace: &'a Pace,
    from_us: Micros,
    /// The weight at which the first of them is due.
    first: u64,
    units: u32,
}

impl Bucket {
    /// The `remaining` units of the day, if from `from_us` on there is always work.
    pub fn row(&self, from_us: Micros, remaining: u32) -> Row<'_> {
        Row {
            pace: &self.pace,
            from_us,
            first: self.due(from_us, remaining),
            units: remaining,
        }
    }

    /// Takes the first `count` units of the [`row`](Self::row) that begins at `from_us`, each at its moment.
    pub fn take_row(&mut self, (from_us, remaining): (Micros, u32), count: u32) {
        let row = self.row(from_us, remaining);
        let last = count.min(remaining).checked_sub(1);
        self.spent = last.map(|last| row.due(last)).or(self.spent);
    }
}

impl Row<'_> {
    /// How many have left before an instant.
    pub fn before(&self, until_us: Micros) -> u32 {
        let (mut left, mut most) = (0, self.units);
        while left < most {
            let middle = left + (most - left) / 2;
            if self.leaves_at(middle) < until_us {
                left = middle + 1;
            } else {
                most = middle;
            }
        }
        left
    }

    /// When the one with this index leaves, the first one being 0; [`UNTIL_TOLD`] if not on this day.
    pub fn leaves_at(&self, index: u32) -> Micros {
        if index >= self.units {
            return UNTIL_TOLD;
        }
        let at_us = self.pace.instant_of(self.due(index), self.from_us);
        at_us.unwrap_or(UNTIL_TOLD)
    }

    fn due(&self, index: u32) -> u64 {
        let left = u128::from(self.pace.total() - self.first);
        let part = left * u128::from(index) / u128::from(self.units.max(1));
        // A part of what is left, so it fits.
        self.first + u64::try_from(part).unwrap_or(0)
    }
}
