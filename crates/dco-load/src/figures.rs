//! Medians, percentiles and rates.

use std::time::Duration;

/// The middle one; the lower of the two middle ones of an even count; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(0.0)
}

/// The value that `per_cent` of the sorted values do not exceed (nearest rank), in microseconds.
pub(crate) fn percentile_us(sorted: &[Duration], per_cent: usize) -> f64 {
    let rank = (sorted.len() * per_cent).div_ceil(100).max(1) - 1;
    sorted.get(rank).map_or(0.0, |it| it.as_secs_f64() * 1e6)
}

/// Millions of bytes a second.
pub(crate) fn mb_s(bytes: u64, took: Duration) -> f64 {
    per_s(bytes, took) / 1e6
}

/// Things a second.
pub(crate) fn per_s(count: u64, took: Duration) -> f64 {
    to_f64(count) / took.as_secs_f64().max(1e-9)
}

/// Exact up to 2^53, which no count here reaches.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a measurement stay far below 2^53"
)]
pub(crate) fn to_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 3.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let sorted: Vec<Duration> = (1..=100).map(Duration::from_micros).collect();
        assert!((percentile_us(&sorted, 50) - 50.0).abs() < 1e-6);
        assert!((percentile_us(&sorted, 99) - 99.0).abs() < 1e-6);
        assert!((percentile_us(&sorted[..1], 99) - 1.0).abs() < 1e-6);
        assert!(percentile_us(&[], 99).abs() < 1e-6);
    }

    #[test]
    fn a_rate_is_count_by_time() {
        assert!((mb_s(3_000_000, Duration::from_secs(2)) - 1.5).abs() < 1e-9);
    }
}
