//! Trying again: only what may pass by itself, with growing pauses, and not for ever.

use std::time::Duration;

use crate::ClientError;

/// The longest pause a server may ask for before this side would rather give up.
const TOLD_DELAY_MAX: Duration = Duration::from_mins(1);

/// How often and how patiently a broken link or an UNAVAILABLE service is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Failures in a row, with nothing achieved between them, that are borne; the next one is given back.
    pub tries_max: u32,
    /// Pause before the first new try; doubled for each after it.
    pub first_delay: Duration,
    /// No pause of our own is longer.
    pub delay_max: Duration,
}

impl Default for RetryPolicy {
    /// Ten tries over about half a minute: longer than a service takes to start again.
    fn default() -> Self {
        Self {
            tries_max: 10,
            first_delay: Duration::from_millis(100),
            delay_max: Duration::from_secs(5),
        }
    }
}

/// Failures in a row, and the pause that follows each.
#[derive(Debug)]
pub(crate) struct Backoff {
    policy: RetryPolicy,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            failures: 0,
        }
    }

    /// Something was achieved: patience starts anew.
    pub(crate) fn progressed(&mut self) {
        self.failures = 0;
    }

    /// Waits until it is time for a new try, or gives the failure back where a new try is of no use.
    pub(crate) async fn after(&mut self, failure: ClientError) -> Result<(), ClientError> {
        let delay = self.next_delay(failure)?;
        tokio::time::sleep(delay).await;
        Ok(())
    }

    fn next_delay(&mut self, failure: ClientError) -> Result<Duration, ClientError> {
        if !failure.is_temporary() {
            return Err(failure);
        }
        if self.failures >= self.policy.tries_max {
            return Err(ClientError::GaveUp {
                tries: self.failures,
                last: Box::new(failure),
            });
        }
        let doubled = 2_u32.saturating_pow(self.failures);
        let own = self.policy.first_delay.saturating_mul(doubled);
        let told = failure.retry_delay().unwrap_or_default();
        self.failures += 1;
        Ok(own.min(self.policy.delay_max).max(told.min(TOLD_DELAY_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    fn unavailable() -> ClientError {
        Status::unavailable("draining").into()
    }

    fn policy(tries_max: u32) -> RetryPolicy {
        RetryPolicy {
            tries_max,
            first_delay: Duration::from_millis(100),
            delay_max: Duration::from_millis(500),
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_then_the_failure_is_given_back() {
        let mut backoff = Backoff::new(policy(4));
        let delays: Vec<u128> = (0..4)
            .map(|_| backoff.next_delay(unavailable()).unwrap().as_millis())
            .collect();
        assert_eq!(delays, [100, 200, 400, 500]);
        let given_up = backoff.next_delay(unavailable()).unwrap_err();
        assert!(matches!(given_up, ClientError::GaveUp { tries: 4, .. }));
        assert_eq!(given_up.code(), Some(Code::Unavailable));
    }

    #[test]
    fn progress_makes_patient_again() {
        let mut backoff = Backoff::new(policy(1));
        backoff.next_delay(unavailable()).unwrap();
        backoff.progressed();
        assert_eq!(backoff.next_delay(unavailable()).unwrap().as_millis(), 100);
    }

    #[test]
    fn a_refusal_is_not_tried_again_not_even_one_that_says_when() {
        let mut details = ErrorDetails::new();
        details.set_retry_info(Some(Duration::from_secs(3600)));
        let refused = Status::with_error_details(Code::ResourceExhausted, "used up", details);
        let given_back = Backoff::new(policy(4))
            .next_delay(refused.into())
            .unwrap_err();
        assert_eq!(given_back.code(), Some(Code::ResourceExhausted));
    }

    #[test]
    fn a_pause_that_the_server_asks_for_is_kept_within_reason() {
        for (told_secs, waited_secs) in [(2, 2), (3600, 60)] {
            let mut details = ErrorDetails::new();
            details.set_retry_info(Some(Duration::from_secs(told_secs)));
            let told = Status::with_error_details(Code::Unavailable, "draining", details);
            let delay = Backoff::new(policy(4)).next_delay(told.into()).unwrap();
            assert_eq!(delay.as_secs(), waited_secs);
        }
    }
}
