//! What records of circuit breakers change.

use dco_block::Eui64;

use crate::engine::Engine;
use crate::outcome::{Fault, Outcome};
use crate::record::BreakerChanged;

impl Engine {
    pub(super) fn apply_breaker_changed(&mut self, record: BreakerChanged) {
        let gateway = Eui64::from_bits(record.gateway);
        self.gateways.entry(gateway).probe_us = record.probe_us;
        self.wake_gateway(gateway);
    }

    /// Failures in a row are counted whatever the configuration is.
    pub(super) fn count_failures(&mut self, gateway: Eui64, outcome: Outcome) {
        let known = self.gateways.entry(gateway);
        known.failures = match outcome.fault() {
            Some(Fault::Gateway) => known.failures.saturating_add(1),
            Some(Fault::User) => known.failures,
            Some(Fault::Image) | None => 0,
        };
    }
}
