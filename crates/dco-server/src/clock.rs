//! What time is it? The one file that reads a clock.

#[cfg(test)]
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dco_schedule::Micros;

/// The service's time, as UTC microseconds. Copies show the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Kind);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Wall,
    Scaled {
        start_us: Micros,
        factor: u32,
        started: Instant,
    },
    #[cfg(test)]
    Set(&'static AtomicI64),
}

/// No sleep is longer, so that a clock that was set, or a machine that slept, is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(30);

impl Clock {
    /// The machine's clock.
    pub fn wall() -> Self {
        Self(Kind::Wall)
    }

    /// A clock that shows `start_us` now and runs `factor` times as fast as time does; for demonstrations.
    /// A factor of 0 is taken as 1.
    #[expect(clippy::disallowed_methods, reason = "this is the clock file")]
    pub fn scaled(start_us: Micros, factor: u32) -> Self {
        Self(Kind::Scaled {
            start_us,
            factor: factor.max(1),
            started: Instant::now(),
        })
    }

    /// A clock that shows what somebody sets.
    #[cfg(test)]
    pub(crate) fn set_by(now_us: &'static AtomicI64) -> Self {
        Self(Kind::Set(now_us))
    }

    /// Now. The wall clock can go back; who cannot bear that keeps the highest value seen.
    #[expect(clippy::disallowed_methods, reason = "this is the clock file")]
    pub fn now_us(&self) -> Micros {
        match self.0 {
            #[cfg(test)]
            Kind::Set(now_us) => now_us.load(Ordering::Relaxed),
            Kind::Wall => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| micros(since.as_micros())),
            Kind::Scaled {
                start_us,
                factor,
                started,
            } => {
                let elapsed = started.elapsed().as_micros();
                start_us.saturating_add(micros(elapsed.saturating_mul(factor.into())))
            }
        }
    }

    /// Returns when this clock shows `until_us` or later; at once if it does.
    pub async fn sleep_until(&self, until_us: Micros) {
        loop {
            let left_us = until_us.saturating_sub(self.now_us());
            if left_us <= 0 {
                return;
            }
            tokio::time::sleep(self.real(left_us).min(SLEEP_MAX)).await;
        }
    }

    /// What this clock shows of a time that has passed.
    fn shown(&self, passed: Duration) -> Micros {
        let passed_us = micros(passed.as_micros());
        match self.0 {
            #[cfg(test)]
            Kind::Set(_) => passed_us,
            Kind::Wall => passed_us,
            Kind::Scaled { factor, .. } => passed_us.saturating_mul(factor.into()),
        }
    }

    /// How long `span_us` of this clock takes, rounded up: waking early would be a second wake-up.
    fn real(&self, span_us: Micros) -> Duration {
        let span_us = u64::try_from(span_us).unwrap_or(0);
        Duration::from_micros(match self.0 {
            #[cfg(test)]
            Kind::Set(_) => span_us,
            Kind::Wall => span_us,
            Kind::Scaled { factor, .. } => span_us.div_ceil(factor.into()),
        })
    }
}

/// Notices when a clock goes ahead of time itself. A clock that goes back and comes again has not.
#[derive(Debug)]
pub(crate) struct Watched {
    clock: Clock,
    /// The latest that it has shown, and when.
    latest_us: Micros,
    since: Stopwatch,
}

impl Watched {
    pub(crate) fn new(clock: Clock) -> Self {
        // The clock is read between: what the machine does meanwhile then never looks like a jump.
        let since = Stopwatch::start();
        let latest_us = clock.now_us();
        Self {
            clock,
            latest_us,
            since,
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Now, and how far that is ahead of what the time that has passed accounts for.
    pub(crate) fn look(&mut self) -> (Micros, Micros) {
        let here = Stopwatch::start();
        let now_us = self.clock.now_us();
        let passed_us = self.clock.shown(self.since.elapsed());
        let ahead_us = now_us - self.latest_us - passed_us;
        if now_us > self.latest_us {
            self.latest_us = now_us;
            self.since = here;
        }
        (now_us, ahead_us)
    }
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// From now on.
    #[expect(clippy::disallowed_methods, reason = "this is the clock file")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Until now.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long to wait after so many bytes, so that no more than `bytes_per_second` go; 0 stands for no limit.
pub(crate) fn pause(bytes: u64, bytes_per_second: u64) -> Duration {
    let us = bytes
        .saturating_mul(1_000_000)
        .checked_div(bytes_per_second);
    Duration::from_micros(us.unwrap_or(0))
}

fn micros(count: u128) -> Micros {
    Micros::try_from(count).unwrap_or(Micros::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_clock_starts_where_it_is_told_and_never_goes_back() {
        let clock = Clock::scaled(1_000, 3_600);
        let first = clock.now_us();
        let second = clock.now_us();
        assert!(first >= 1_000);
        assert!(second >= first);
    }

    #[test]
    fn a_span_takes_the_factor_less_and_never_less_than_that() {
        let clock = Clock::scaled(0, 1_000);
        assert_eq!(clock.real(1), Duration::from_micros(1));
        assert_eq!(clock.real(2_000_001), Duration::from_micros(2_001));
        assert_eq!(Clock::wall().real(7), Duration::from_micros(7));
        assert_eq!(Clock::wall().real(-7), Duration::ZERO);
    }

    #[test]
    fn a_pause_lets_no_more_bytes_go_than_the_rate_says() {
        assert_eq!(pause(1_000, 4_000), Duration::from_millis(250));
        assert_eq!(pause(0, 4_000), Duration::ZERO);
        assert_eq!(pause(u64::MAX, 0), Duration::ZERO);
    }

    #[tokio::test]
    async fn sleeping_until_an_instant_that_is_past_returns_at_once() {
        let clock = Clock::wall();
        clock.sleep_until(clock.now_us()).await;
        clock.sleep_until(Micros::MIN).await;
    }

    #[test]
    fn a_watched_clock_tells_how_far_it_jumped_and_not_that_it_came_back() {
        const HOUR_US: Micros = 3_600_000_000;
        let now_us: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(HOUR_US)));
        let mut watched = Watched::new(Clock::set_by(now_us));
        // Of the time that the test itself takes nobody knows how much it is.
        let mut jumps_by = |to_us: Micros, by_us: Micros| {
            now_us.store(to_us, Ordering::Relaxed);
            let (seen_us, ahead_us) = watched.look();
            assert_eq!(seen_us, to_us);
            assert!(
                ahead_us <= by_us && ahead_us > by_us - HOUR_US,
                "{ahead_us}"
            );
        };
        jumps_by(HOUR_US, 0);
        jumps_by(4 * HOUR_US, 3 * HOUR_US);
        jumps_by(4 * HOUR_US, 0);
        jumps_by(2 * HOUR_US, -2 * HOUR_US);
        jumps_by(4 * HOUR_US, 0);
        jumps_by(6 * HOUR_US, 2 * HOUR_US);
    }

    #[test]
    fn what_a_clock_shows_of_a_time_follows_how_fast_it_runs() {
        let second = Duration::from_secs(1);
        assert_eq!(Clock::wall().shown(second), 1_000_000);
        assert_eq!(Clock::scaled(7, 60).shown(second), 60_000_000);
    }
}
