//! When the next unit may be released.

mod row;

pub use row::Row;

use crate::{Micros, Pace, UNTIL_TOLD};

/// Spreads what is left of a service day's units over what is left of the day.
///
/// Each unit takes an equal part of the weight that is still to pass. After a unit taken at
/// `spent`, with `remaining` left, the next is due at `spent + (total - spent) / (remaining + 1)`:
/// with nothing changed that is an even row whose last unit lies one step before the end. Every step
/// is worked out anew from what is left, so a late start, a refund and a change of capacity
/// spread over the rest of the day, and rounding does not add up. Time that passes unused is made up
/// for at once by at most `burst` units; the others are spread over the rest.
///
/// All of it is integers, and its state depends on the calls of [`take`](Self::take) alone, so a
/// replay with the journalled instants ends in the same state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pace: Pace,
    burst: u32,
    /// The weight up to which the units taken so far have used the day; `None` before the first.
    spent: Option<u64>,
}

impl Bucket {
    /// A bucket for one day that follows `pace` and lets at most `burst` units (at least 1) go at one
    /// instant.
    pub fn new(pace: Pace, burst: u32) -> Self {
        Self {
            pace,
            burst: burst.max(1),
            spent: None,
        }
    }

    /// Follows another pace from now on. The day is used up to the same instant as before; where that lies in hours without weight, up to
    /// their beginning, because nothing of them was used and the new pace may give them some.
    pub fn follow(&mut self, pace: Pace) {
        if pace == self.pace {
            return;
        }
        let used_to_us = self.spent.map(|spent| self.pace.reached_at(spent));
        self.pace = pace;
        self.spent = used_to_us.map(|at_us| self.pace.passed_at(at_us));
    }

    /// The bucket that followed `pace` and had [`spent`](Self::spent) so much; `None` when that is more than the
    /// whole day's weight.
    pub fn resume(pace: Pace, burst: u32, spent: Option<u64>) -> Option<Self> {
        let possible = spent.is_none_or(|spent| spent <= pace.total());
        possible.then(|| Self {
            spent,
            ..Self::new(pace, burst)
        })
    }

    /// The day's curve.
    pub const fn pace(&self) -> &Pace {
        &self.pace
    }

    /// The weight up to which the units taken so far have used the day; `None` before the first.
    pub const fn spent(&self) -> Option<u64> {
        self.spent
    }

    /// When the next unit may go, with `remaining` units left on this day: `now_us` if it may go now,
    /// [`UNTIL_TOLD`] if none may go any more.
    pub fn ready_at(&self, now_us: Micros, remaining: u32) -> Micros {
        if remaining == 0 {
            return UNTIL_TOLD;
        }
        self.pace
            .instant_of(self.due(now_us, remaining), now_us)
            .unwrap_or(UNTIL_TOLD)
    }

    /// Takes one unit at `now_us`; `remaining` is what was left before it.
    ///
    /// # Panics
    /// If nothing was left: the ledger comes first.
    pub fn take(&mut self, now_us: Micros, remaining: u32) {
        assert!(remaining > 0, "a unit was taken although none remained");
        self.spent = Some(self.due(now_us, remaining));
    }

    /// The weight at which the next unit is due: by the row, but not so far back that more than
    /// `burst` units would be due by now.
    fn due(&self, now_us: Micros, remaining: u32) -> u64 {
        let total = self.pace.total();
        let by_row = self.spent.map_or(0, |spent| {
            let still = u64::from(remaining) + 1;
            spent + (total - spent) / still
        });
        let passed = self.pace.passed_at(now_us);
        if by_row >= passed {
            return by_row;
        }
        by_row.max(self.earliest_start(passed, remaining))
    }

    /// Where a row to the end of the day has to start for its `burst`-th unit to be due at `passed`.
    fn earliest_start(&self, passed: u64, remaining: u32) -> u64 {
        let more = self.burst - 1;
        let Some(after) = remaining.checked_sub(more).filter(|&after| after > 0) else {
            return 0;
        };
        let left = u128::from(self.pace.total() - passed);
        let spare = (left * u128::from(more)).div_ceil(u128::from(after));
        u64::try_from(spare).map_or(0, |spare| passed.saturating_sub(spare))
    }
}

#[cfg(test)]
mod tests;
