//! The circuit breaker of a gateway: after failures in a row nothing goes there but one attempt now and then, until one
//! comes through.

use dco_block::Eui64;

use crate::engine::Engine;
use crate::outcome::{Fault, Outcome};
use crate::record::{BreakerChanged, Change};

impl Engine {
    /// An attempt through this gateway has ended so.
    pub(crate) fn judge_gateway(&mut self, gateway: Eui64, outcome: Outcome) {
        if outcome.fault() == Some(Fault::User) {
            return;
        }
        let Some(known) = self.gateways.get(gateway) else {
            return;
        };
        let (failures, probe_us) = (known.failures, known.probe_us);
        let is_failing = outcome.fault() == Some(Fault::Gateway);
        let rule = self.terms.breaker.filter(|_| is_failing);
        let probe_us = match (rule, probe_us) {
            // What was under way when it opened says nothing new; and what was tried is over.
            (Some(rule), Some(probe_us)) if self.now_us >= probe_us => rule,
            (Some(rule), None) if failures >= rule.failures => rule,
            (None, Some(_)) if !is_failing => return self.set_breaker(gateway, failures, None),
            _ => return,
        }
        .probe_after_us;
        let probe_us = self.now_us.saturating_add(probe_us.max(1));
        self.set_breaker(gateway, failures, Some(probe_us));
    }

    /// At each start: without a rule no breaker is open.
    pub(crate) fn close_breakers_without_rule(&mut self) {
        if self.terms.breaker.is_some() {
            return;
        }
        let gateways = self.gateways.iter();
        let open = gateways.filter(|(_, known)| known.probe_us.is_some());
        for (gateway, failures) in open
            .map(|(eui, known)| (eui, known.failures))
            .collect::<Vec<_>>()
        {
            self.set_breaker(gateway, failures, None);
        }
    }

    fn set_breaker(&mut self, gateway: Eui64, failures: u32, probe_us: Option<i64>) {
        self.record(Change::BreakerChanged(BreakerChanged {
            gateway: gateway.bits(),
            probe_us,
            failures,
        }));
    }
}
