//! When certificates and lists end: for the metrics, and as a warning in time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dco_block::Eui64;
use dco_schedule::Micros;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::tls::Credentials;

const SECOND_US: Micros = 1_000_000;
const DAY_US: Micros = 86_400 * SECOND_US;

/// Ends of what a handshake rests on, in seconds since 1970; of several the earliest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    /// The service's own certificate.
    pub certificate: i64,
    /// The authorities that peers' certificates lead to.
    pub authorities: i64,
    /// When the next revocation list is due; nothing without lists or without such a date.
    pub revocations: Option<i64>,
}

impl Ends {
    /// What ends by then, and when.
    fn before(self, seconds: i64) -> impl Iterator<Item = (&'static str, i64)> {
        let ends = [
            ("the service's certificate", Some(self.certificate)),
            ("an authority", Some(self.authorities)),
            ("a revocation list", self.revocations),
        ];
        let ends = ends
            .into_iter()
            .filter_map(|(what, end)| Some((what, end?)));
        ends.filter(move |(_, end)| *end <= seconds)
    }
}

/// Warns each day, and when others come into force, of what ends within `before`. Runs until nobody wants credentials any more.
pub(crate) async fn warn(
    mut credentials: watch::Receiver<Credentials>,
    clock: Clock,
    before: Duration,
) {
    let before = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
    loop {
        let ends = credentials.borrow_and_update().ends;
        let now_us = clock.now_us();
        let now = now_us / SECOND_US;
        for (what, end) in ends.before(now.saturating_add(before)) {
            let days_left = (end - now).div_euclid(86_400);
            tracing::warn!(what, days_left, "ends soon, or has ended; renew it");
        }
        tokio::select! {
            () = clock.sleep_until(now_us.saturating_add(DAY_US)) => {}
            changed = credentials.changed() => if changed.is_err() { return },
        }
    }
}

/// Which registered parties were warned of, and when. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warned(Arc<Mutex<BTreeMap<Eui64, Micros>>>);

impl Warned {
    /// Tells how long the certificate of a registered party is good, and warns each day when that is not much longer, however often
    /// the party connects.
    pub(crate) fn of_peer(
        &self,
        party: Eui64,
        ends: i64,
        (clock, before): (Clock, Duration),
        metrics: &Metrics,
    ) {
        metrics.peer_certificate(party, ends);
        let now_us = clock.now_us();
        let seconds_left = ends - now_us / SECOND_US;
        let is_soon = seconds_left <= i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
        if is_soon && self.is_due(party, now_us) {
            let days_left = seconds_left.div_euclid(86_400);
            tracing::warn!(%party, days_left, "a party's certificate ends soon; it has to renew it");
        }
    }

    fn is_due(&self, party: Eui64, now_us: Micros) -> bool {
        let mut warned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = warned.get(&party);
        let is_due = last.is_none_or(|last| now_us >= last.saturating_add(DAY_US));
        if is_due {
            warned.insert(party, now_us);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_warned_of_once_a_day_however_often_it_connects() {
        let warned = Warned::default();
        let party = |number: u64| Eui64::from_bits(0x90B3_D51F_3001_0000 + number);
        assert!(warned.is_due(party(1), 0));
        assert!(!warned.is_due(party(1), 0));
        assert!(!warned.is_due(party(1), DAY_US - 1));
        assert!(warned.is_due(party(2), DAY_US - 1));
        assert!(warned.is_due(party(1), DAY_US));
        assert!(!warned.is_due(party(1), DAY_US + 1));
    }

    #[test]
    fn what_ends_in_time_is_named_and_nothing_else() {
        let ends = Ends {
            certificate: 100,
            authorities: 300,
            revocations: Some(200),
        };
        let named = |seconds| {
            ends.before(seconds)
                .map(|(what, _)| what)
                .collect::<Vec<_>>()
        };
        assert_eq!(named(99), [""; 0]);
        assert_eq!(
            named(200),
            ["the service's certificate", "a revocation list"]
        );
        assert_eq!(named(i64::MAX).len(), 3);
        let without = Ends {
            revocations: None,
            ..ends
        };
        assert_eq!(without.before(i64::MAX).count(), 2);
    }
}
