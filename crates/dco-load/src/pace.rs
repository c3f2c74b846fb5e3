//! When the next piece of work is to begin, and when there is to be no more of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::stopwatch::Stopwatch;

/// How much is done at most: whichever ends first.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Pieces of work.
    pub count: u64,
    /// No piece begins later.
    pub time: Duration,
}

/// Deals out pieces of work to all who ask. With a rate the loop is open: each piece has a moment at which it should begin, whether
/// somebody is free for it or not, and its latency counts from there, so that a service that stands still is not asked less and
/// found faster (coordinated omission). Without a rate the loop is closed: a piece begins when somebody asks.
#[derive(Debug)]
pub(crate) struct Pace {
    begin: Stopwatch,
    bounds: Bounds,
    rate_per_s: Option<f64>,
    next: AtomicU64,
}

impl Pace {
    pub(crate) fn new(begin: Stopwatch, bounds: Bounds, rate_per_s: Option<f64>) -> Self {
        Self {
            begin,
            bounds,
            rate_per_s,
            next: AtomicU64::new(0),
        }
    }

    /// Waits for the next piece's moment and gives it, as time since the beginning; `None` when there is to be no more.
    pub(crate) async fn next(&self) -> Option<Duration> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.bounds.count {
            return None;
        }
        let intended = self.intended(number)?;
        let now = self.begin.elapsed();
        let begin = intended.unwrap_or(now);
        if begin > self.bounds.time {
            return None;
        }
        tokio::time::sleep(begin.saturating_sub(now)).await;
        Some(begin)
    }

    /// When a piece should begin; the outer `None` beyond all time.
    fn intended(&self, number: u64) -> Option<Option<Duration>> {
        match self.rate_per_s {
            None => Some(None),
            Some(rate) => {
                let seconds = crate::figures::to_f64(number) / rate;
                Duration::try_from_secs_f64(seconds).ok().map(Some)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(count: u64, seconds: u64) -> Bounds {
        Bounds {
            count,
            time: Duration::from_secs(seconds),
        }
    }

    #[tokio::test]
    async fn an_open_loop_has_a_moment_for_each_piece_and_ends_with_its_time() {
        let pace = Pace::new(Stopwatch::start(), bounds(1_000, 0), Some(1e9));
        assert_eq!(pace.next().await, Some(Duration::ZERO));
        assert_eq!(pace.next().await, None, "a nanosecond is beyond the time");
        let pace = Pace::new(Stopwatch::start(), bounds(1_000, 9), Some(1e6));
        let mut moments = Vec::new();
        for _ in 0..3 {
            moments.push(pace.next().await.unwrap().as_micros());
        }
        assert_eq!(moments, [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_closed_loop_ends_with_its_count() {
        let pace = Pace::new(Stopwatch::start(), bounds(2, 1_000), None);
        assert!(pace.next().await.is_some() && pace.next().await.is_some());
        assert_eq!(pace.next().await, None);
    }
}
