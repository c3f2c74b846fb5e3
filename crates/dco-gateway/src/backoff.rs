//! Growing pauses between tries.

use std::time::Duration;

/// The pause doubles with each failure in a row, from the shortest to the longest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            failures: 0,
        }
    }

    /// Something was achieved: the next failure is the first again.
    pub(crate) fn progressed(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row so far.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure and says how long to wait before the next try.
    pub(crate) fn after_failure(&mut self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.min.saturating_mul(doubled).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_anew_after_progress() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(500));
        let pauses: Vec<u128> = (0..40)
            .map(|_| backoff.after_failure().as_millis())
            .collect();
        assert_eq!(pauses[..5], [100, 200, 400, 500, 500]);
        assert_eq!(pauses[39], 500);
        assert_eq!(backoff.failures(), 40);
        backoff.progressed();
        assert_eq!(backoff.after_failure().as_millis(), 100);
    }
}
