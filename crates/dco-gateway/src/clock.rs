//! What time it is for the DCO: it says so in its welcome, and from then on time passes here as there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Nothing before the first welcome; attempts start after it.
#[derive(Debug, Default)]
pub(crate) struct DcoClock {
    told: Mutex<Option<(i64, Instant)>>,
}

impl DcoClock {
    /// The DCO has said what time it is, in microseconds since 1970.
    pub(crate) fn told(&self, now_us: i64) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = Some((now_us, Instant::now()));
    }

    /// How long it is until a moment of the DCO's; nothing once it is past, or when no time was told.
    pub(crate) fn until(&self, at_us: i64) -> Duration {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((then_us, then)) = told else {
            return Duration::ZERO;
        };
        let wait_us = u64::try_from(at_us.saturating_sub(then_us)).unwrap_or(0);
        Duration::from_micros(wait_us).saturating_sub(then.elapsed())
    }
}
