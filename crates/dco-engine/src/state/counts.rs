//! What is counted of Users' requests: against thresholds, and the counters that they carry themselves.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_block::limits::DEVICES_MAX;
use dco_schedule::Micros;

use crate::record::Counted;

/// What a request leaves behind besides what it carries: its records, its place in lists, that it was made.
const EACH_BYTES: usize = 1_024;
const DEVICE_BYTES: usize = 8;

/// The most that one request can count.
pub const REQUEST_BYTES_MAX: u32 = 1_024 + 64 * 1_024 + 8 * DEVICES_MAX;

/// Octets that a request of SRV 11.1 or 11.3 leaves behind for good, as thresholds count them: those of its signed Service
/// Request, 8 for each Device that it names and 1,024 for itself. Cancelling gives none of them back.
pub fn request_bytes(signed_request_bytes: usize, devices: usize) -> u32 {
    let devices_bytes = devices.saturating_mul(DEVICE_BYTES);
    let bytes = EACH_BYTES
        .saturating_add(signed_request_bytes)
        .saturating_add(devices_bytes);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Whose count it is: one User's, or `None` for that over all of them.
pub(crate) type Scope = Option<Eui64>;

/// The counts of one period, and what is kept beyond it.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) period_start_us: Micros,
    pub(crate) used: BTreeMap<(Counted, Scope), u32>,
    /// Counts of the period of which it is on record that something would have taken them over their threshold.
    pub(crate) breached: BTreeSet<(Counted, Scope)>,
    /// How often that was put on record, since the beginning of the journal.
    pub(crate) breaches: u64,
    /// The highest originator counter of each User that has given one.
    pub(crate) originators: BTreeMap<Eui64, u64>,
}

impl Counts {
    /// What is counted in the period that began at a moment: nothing, where another one was counted last.
    pub(crate) fn used(&self, period_start_us: Micros, name: (Counted, Scope)) -> u32 {
        let used = self.used.get(&name).copied();
        used.filter(|_| self.period_start_us == period_start_us)
            .unwrap_or(0)
    }

    pub(crate) fn is_breached(&self, period_start_us: Micros, name: (Counted, Scope)) -> bool {
        self.period_start_us == period_start_us && self.breached.contains(&name)
    }

    /// A User's request was accepted.
    pub(crate) fn add(
        &mut self,
        period_start_us: Micros,
        (counted, user): (Counted, Eui64),
        count: u32,
    ) {
        self.begin(period_start_us);
        for scope in [Some(user), None] {
            let used = self.used.entry((counted, scope)).or_default();
            *used = used.saturating_add(count);
        }
    }

    /// A count would have gone over its threshold.
    pub(crate) fn breach(&mut self, period_start_us: Micros, name: (Counted, Scope)) {
        self.begin(period_start_us);
        self.breached.insert(name);
        self.breaches = self.breaches.saturating_add(1);
    }

    fn begin(&mut self, period_start_us: Micros) {
        if self.period_start_us != period_start_us {
            self.period_start_us = period_start_us;
            self.used.clear();
            self.breached.clear();
        }
    }

    /// A request carried this counter.
    pub(crate) fn carried(&mut self, user: Eui64, originator_counter: Option<u64>) {
        if let Some(counter) = originator_counter {
            self.originators.insert(user, counter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::transfers::SIGNED_REQUEST_BYTES_MAX;

    #[test]
    fn the_largest_request_counts_the_most() {
        let devices = usize::try_from(DEVICES_MAX).unwrap();
        let largest = request_bytes(SIGNED_REQUEST_BYTES_MAX, devices);
        assert_eq!(largest, REQUEST_BYTES_MAX);
        assert_eq!(request_bytes(0, 1), 1_032);
    }
}
