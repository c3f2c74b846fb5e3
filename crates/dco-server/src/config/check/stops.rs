//! The rules that stop what fails, and hold up what goes too fast.

use std::num::NonZeroU32;

use dco_engine::{BreakerTerms, HOUR_US, Rate, STOP_ATTEMPTS_MAX, StopTerms};

use super::{MINUTES_MAX, minutes, within};
use crate::config::ConfigError;
use crate::config::file::{BreakerSection, GatewaySection, StopSection};

impl StopSection {
    pub(super) fn check(&self) -> Result<Option<StopTerms>, ConfigError> {
        let attempts = within("stop.attempts", self.attempts, 0..=STOP_ATTEMPTS_MAX)?;
        let failed_percent = within("stop.failed_percent", self.failed_percent, 1..=100)?;
        let rule = StopTerms {
            attempts,
            failed_percent,
        };
        Ok((attempts > 0).then_some(rule))
    }
}

impl BreakerSection {
    pub(super) fn check(&self) -> Result<Option<BreakerTerms>, ConfigError> {
        let failures = within("breaker.failures", self.failures, 0..=1_000_000)?;
        let wait = self.probe_after_minutes;
        let probe_after_us = minutes("breaker.probe_after_minutes", wait, 1..=MINUTES_MAX)?;
        let rule = BreakerTerms {
            failures,
            probe_after_us,
        };
        Ok((failures > 0).then_some(rule))
    }
}

impl GatewaySection {
    pub(super) fn check(&self) -> Result<Option<Rate>, ConfigError> {
        let many = 0..=1_000_000;
        let count = within(
            "gateway.releases_per_hour_max",
            self.releases_per_hour_max,
            many,
        )?;
        let burst = within("gateway.burst", self.burst, 1..=1_000_000)?;
        let rate = NonZeroU32::new(count).zip(NonZeroU32::new(burst));
        Ok(rate.and_then(|(count, burst)| Rate::new(count, HOUR_US, burst)))
    }
}
