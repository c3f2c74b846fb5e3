//! How long things took: all together, and over time.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::figures::to_f64;

/// One part in a thousand.
const FIGURES_OF_ALL: u8 = 3;
/// One part in a hundred: enough for a drawing.
const FIGURES_OF_A_MOMENT: u8 = 2;
const LONGEST_US: u64 = 3_600_000_000;

/// Latencies of one kind, and when they ended.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    all: Histogram<u64>,
    /// By the second in which they ended.
    moments: BTreeMap<u64, Histogram<u64>>,
}

/// How latencies are spread, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LatencyFigures {
    /// How many there are.
    pub count: u64,
    /// Half took no longer.
    pub p50_us: u64,
    /// Nine of ten took no longer.
    pub p90_us: u64,
    /// 99 of a hundred took no longer.
    pub p99_us: u64,
    /// 999 of a thousand took no longer.
    pub p999_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// The latencies that ended within one second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// Seconds since the beginning.
    pub second: u64,
    /// How many ended.
    pub count: u64,
    /// Half took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 99 of a hundred took no longer, in milliseconds.
    pub p99_ms: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            all: histogram(FIGURES_OF_ALL),
            moments: BTreeMap::new(),
        }
    }
}

impl Latencies {
    /// Something took so long and ended at this time after the beginning.
    pub(crate) fn record(&mut self, end: Duration, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.all.saturating_record(took_us);
        let moment = self.moments.entry(end.as_secs());
        let moment = moment.or_insert_with(|| histogram(FIGURES_OF_A_MOMENT));
        moment.saturating_record(took_us);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.all, &other.all);
        for (second, theirs) in &other.moments {
            let ours = self.moments.entry(*second);
            add(
                ours.or_insert_with(|| histogram(FIGURES_OF_A_MOMENT)),
                theirs,
            );
        }
    }

    pub(crate) fn figures(&self) -> LatencyFigures {
        let at = |quantile| self.all.value_at_quantile(quantile);
        LatencyFigures {
            count: self.all.len(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.all.max(),
        }
    }

    pub(crate) fn over_time(&self) -> Vec<Moment> {
        let moments = self.moments.iter().map(|(&second, it)| Moment {
            second,
            count: it.len(),
            p50_ms: to_f64(it.value_at_quantile(0.5)) / 1e3,
            p99_ms: to_f64(it.value_at_quantile(0.99)) / 1e3,
        });
        moments.collect()
    }
}

fn histogram(figures: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, figures).expect("these bounds are in order")
}

fn add(to: &mut Histogram<u64>, from: &Histogram<u64>) {
    to.add(from)
        .expect("both were made with the same bounds, so no value is out of range");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_thousandth_of_the_values() {
        let mut latencies = Latencies::default();
        for number in 1..=10_000 {
            latencies.record(Duration::ZERO, Duration::from_micros(number));
        }
        let figures = latencies.figures();
        assert_eq!(figures.count, 10_000);
        for (found, wanted) in [
            (figures.p50_us, 5_000),
            (figures.p99_us, 9_900),
            (figures.max_us, 10_000),
        ] {
            assert!(
                found.abs_diff(wanted) <= wanted / 1_000 + 1,
                "{found} for {wanted}"
            );
        }
    }

    #[test]
    fn merged_latencies_keep_their_seconds() {
        let (mut one, mut other) = (Latencies::default(), Latencies::default());
        one.record(Duration::from_millis(500), Duration::from_millis(2));
        other.record(Duration::from_millis(700), Duration::from_millis(4));
        other.record(Duration::from_millis(2_100), Duration::from_hours(9));
        one.merge(&other);
        let counts: Vec<_> = one
            .over_time()
            .iter()
            .map(|it| (it.second, it.count))
            .collect();
        assert_eq!(counts, [(0, 2), (2, 1)]);
        assert_eq!(one.figures().count, 3);
        assert!(
            one.figures().max_us <= LONGEST_US * 2,
            "what is longer counts as the longest"
        );
    }

    #[test]
    fn of_none_every_figure_is_zero() {
        assert_eq!(Latencies::default().figures(), LatencyFigures::default());
        assert!(Latencies::default().over_time().is_empty());
    }
}
