//! The curve that one service day's releases follow.

use thiserror::Error;

use crate::Micros;

/// One day's curve: how much weight has passed at each instant.
///
/// The unit of progress is one microsecond at weight 1, so all of it is exact in integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Only stretches with a weight: in the gaps between them no weight passes.
    stretches: Vec<Stretch>,
    total: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    start_us: Micros,
    end_us: Micros,
    weight: u64,
    /// Weight passed before it.
    passed: u64,
}

/// The segments make no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPace {
    /// A segment does not start before the next one, or the last one not before the end.
    #[error(
        "segment {segment} starts at {start_us} us, not before {next_us} us where the next one or the day's end is; give segments in order of time"
    )]
    OutOfOrder {
        /// Which segment, from 0.
        segment: usize,
        /// Where it starts.
        start_us: Micros,
        /// Where the next one starts or the day ends.
        next_us: Micros,
    },
    /// No segment has a weight above 0.
    #[error(
        "no segment has a weight above 0, so nothing could be released; give at least one a weight"
    )]
    NoWeight,
    /// The weight of the whole day, in weight times microseconds, does not fit 64 bits.
    #[error("the day's weight is over 2^64 in weight times microseconds; give smaller weights")]
    TooHeavy,
}

impl Pace {
    /// The curve of the `segments` (start and weight each, in order of time, each lasting to the next
    /// one) up to `end_us`. In a segment of weight 0 nothing is released.
    pub fn new(segments: Vec<(Micros, u32)>, end_us: Micros) -> Result<Self, InvalidPace> {
        let mut stretches = Vec::with_capacity(segments.len());
        let mut total = 0_u64;
        for (segment, &(start_us, weight)) in segments.iter().enumerate() {
            let next_us = segments.get(segment + 1).map_or(end_us, |next| next.0);
            if start_us >= next_us {
                return Err(InvalidPace::OutOfOrder {
                    segment,
                    start_us,
                    next_us,
                });
            }
            if weight == 0 {
                continue;
            }
            let weight = u64::from(weight);
            stretches.push(Stretch {
                start_us,
                end_us: next_us,
                weight,
                passed: total,
            });
            let whole = next_us.abs_diff(start_us).checked_mul(weight);
            total = whole
                .and_then(|whole| total.checked_add(whole))
                .ok_or(InvalidPace::TooHeavy)?;
        }
        if stretches.is_empty() {
            return Err(InvalidPace::NoWeight);
        }
        Ok(Self { stretches, total })
    }

    /// Segments and end from which [`new`](Self::new) makes the same curve.
    pub fn segments(&self) -> (Vec<(Micros, u32)>, Micros) {
        let mut segments = Vec::with_capacity(self.stretches.len());
        let mut before_us = None;
        for stretch in &self.stretches {
            let gap = before_us.filter(|end_us| *end_us < stretch.start_us);
            segments.extend(gap.map(|start_us| (start_us, 0)));
            let weight = u32::try_from(stretch.weight);
            let weight = weight.expect("a segment's weight came in 32 bits");
            segments.push((stretch.start_us, weight));
            before_us = Some(stretch.end_us);
        }
        let end_us = before_us.expect("a curve has a stretch");
        (segments, end_us)
    }

    /// What of `units` this curve, from `opened_us` to its end, lets go between two instants: in thousandths of a unit, rounded down. 0
    /// where nothing of the curve is left after `opened_us`.
    pub fn milliunits(&self, units: u32, opened_us: Micros, between: (Micros, Micros)) -> u64 {
        let opened = self.passed_at(opened_us);
        let passed = |at_us: Micros| u128::from(self.passed_at(at_us.max(opened_us)));
        let part = passed(between.1).saturating_sub(passed(between.0));
        let whole = u128::from(self.total - opened);
        let milliunits = (u128::from(units) * 1_000 * part).checked_div(whole);
        u64::try_from(milliunits.unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// The weight of the whole day.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// The weight passed at `now_us`.
    pub(crate) fn passed_at(&self, now_us: Micros) -> u64 {
        let started = self
            .stretches
            .partition_point(|stretch| stretch.start_us <= now_us);
        let Some(stretch) = started.checked_sub(1).map(|last| self.stretches[last]) else {
            return 0;
        };
        let until_us = now_us.min(stretch.end_us);
        stretch.passed + until_us.abs_diff(stretch.start_us) * stretch.weight
    }

    /// The instant, from `now_us` on and inside a segment with a weight, at which `passed` is reached
    /// (rounded down to the microsecond); `None` if that is no more on this day.
    pub(crate) fn instant_of(&self, passed: u64, now_us: Micros) -> Option<Micros> {
        let begun = self
            .stretches
            .partition_point(|stretch| stretch.passed <= passed);
        let reached = self.stretches[begun.saturating_sub(1)].instant_of(passed)?;
        self.open_from(reached.max(now_us))
    }

    /// The first instant at which `passed` has passed (rounded down to the microsecond); before all others if that is nothing.
    pub(crate) fn reached_at(&self, passed: u64) -> Micros {
        let begun = self
            .stretches
            .partition_point(|stretch| stretch.passed < passed);
        let last = begun.checked_sub(1).map(|last| self.stretches[last]);
        last.map_or(Micros::MIN, |stretch| {
            let end_us = stretch.end_us;
            stretch
                .instant_of(passed)
                .map_or(end_us, |at_us| at_us.min(end_us))
        })
    }

    /// `at_us` itself if a weight passes there, or the start of the next segment where one does.
    fn open_from(&self, at_us: Micros) -> Option<Micros> {
        let ended = self
            .stretches
            .partition_point(|stretch| stretch.end_us <= at_us);
        self.stretches
            .get(ended)
            .map(|stretch| stretch.start_us.max(at_us))
    }
}

impl Stretch {
    fn instant_of(&self, passed: u64) -> Option<Micros> {
        let elapsed_us = passed.saturating_sub(self.passed) / self.weight;
        self.start_us.checked_add_unsigned(elapsed_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_that_make_no_day_are_refused() {
        let unordered = InvalidPace::OutOfOrder {
            segment: 0,
            start_us: 5,
            next_us: 5,
        };
        assert_eq!(Pace::new(vec![(5, 1), (5, 1)], 9), Err(unordered));
        let empty = InvalidPace::OutOfOrder {
            segment: 1,
            start_us: 9,
            next_us: 9,
        };
        assert_eq!(Pace::new(vec![(5, 1), (9, 0)], 9), Err(empty));
        assert_eq!(Pace::new(vec![], 9), Err(InvalidPace::NoWeight));
        assert_eq!(
            Pace::new(vec![(0, 0), (5, 0)], 9),
            Err(InvalidPace::NoWeight)
        );
        let heavy = vec![(0, u32::MAX), (1 << 32, u32::MAX)];
        assert_eq!(Pace::new(heavy, 2 << 32), Err(InvalidPace::TooHeavy));
        assert_eq!(
            Pace::new(vec![(0, u32::MAX)], Micros::MAX),
            Err(InvalidPace::TooHeavy)
        );
    }

    #[test]
    fn weight_passes_only_where_there_is_some() {
        let pace = Pace::new(vec![(100, 0), (110, 2), (120, 0), (130, 1)], 140).unwrap();
        let passed = [90, 105, 110, 115, 120, 125, 131, 140, 150].map(|at| pace.passed_at(at));
        assert_eq!(passed, [0, 0, 0, 10, 20, 20, 21, 30, 30]);
        assert_eq!(pace.total(), 30);
    }

    #[test]
    fn units_are_let_go_as_weight_passes_from_the_opening_on() {
        let pace = Pace::new(vec![(100, 0), (110, 2), (120, 0), (130, 1)], 140).unwrap();
        let units =
            |opened_us, from_us, until_us| pace.milliunits(12, opened_us, (from_us, until_us));
        assert_eq!(units(100, 0, 999), 12_000);
        assert_eq!(units(100, 110, 115), 4_000);
        assert_eq!(
            units(120, 0, 135),
            6_000,
            "what was over at the opening counts for nothing"
        );
        assert_eq!([units(140, 0, 999), units(100, 115, 110)], [0, 0]);
    }

    #[test]
    fn its_segments_make_the_same_curve() {
        for (segments, end_us) in [
            (vec![(100, 0), (110, 2), (120, 0), (130, 1)], 140),
            (vec![(0, 1), (5, 2), (9, 0)], 20),
            (vec![(-3, u32::MAX)], 7),
        ] {
            let pace = Pace::new(segments, end_us).unwrap();
            let (segments, end_us) = pace.segments();
            assert_eq!(Pace::new(segments, end_us), Ok(pace));
        }
    }

    #[test]
    fn a_weight_is_reached_at_the_first_instant_that_has_it() {
        let pace = Pace::new(vec![(100, 0), (110, 2), (120, 0), (130, 1)], 140).unwrap();
        let reached = [0, 1, 19, 20, 21, 30, 99].map(|passed| pace.reached_at(passed));
        assert_eq!(reached, [Micros::MIN, 110, 119, 120, 131, 140, 140]);
    }

    #[test]
    fn instants_lie_where_weight_passes() {
        let pace = Pace::new(vec![(100, 0), (110, 2), (120, 0), (130, 1)], 140).unwrap();
        let instants = [0, 1, 19, 20, 21, 29, 30].map(|passed| pace.instant_of(passed, 0));
        let expected = [110, 110, 119, 130, 131, 139].map(Some);
        assert_eq!((&instants[..6], instants[6]), (&expected[..], None));
        let from = [105, 112, 122, 135, 140].map(|now_us| pace.instant_of(0, now_us));
        assert_eq!(from, [Some(110), Some(112), Some(130), Some(135), None]);
    }
}
