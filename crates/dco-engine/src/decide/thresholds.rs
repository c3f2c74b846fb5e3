//! Anomaly detection as a DCO applies it: what goes over a threshold, or comes again, is refused and not held.

use dco_block::Eui64;
use dco_schedule::Micros;

use crate::engine::Engine;
use crate::record::{Change, Counted, ThresholdBreached};
use crate::refusal::Refusal;
use crate::state::counts::Scope;
use crate::terms::Threshold;

/// What a request adds to the counts of the period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Added<'a> {
    pub(super) user: Eui64,
    pub(super) counts: &'a [(Counted, u32)],
    /// Then a refusal is not put on record.
    pub(super) validate_only: bool,
}

/// A count that would go over its threshold.
#[derive(Debug, Clone, Copy)]
struct Over {
    scope: Scope,
    counted: Counted,
    limit: u32,
    used: u32,
    requested: u32,
}

impl Engine {
    /// Answers when the period began to which it counts. The first that goes over each threshold of a period is put on record and told to
    /// the Service Desk.
    pub(super) fn within_thresholds(&mut self, added: Added<'_>) -> Result<Micros, Refusal> {
        let (start_us, resets_us) = self.terms.thresholds.period(self.now_us);
        let mut counts = added.counts.iter();
        let over = counts.find_map(|it| self.over_threshold(start_us, (added.user, *it)));
        let Some(over) = over else {
            return Ok(start_us);
        };
        let is_told = self
            .counts
            .is_breached(start_us, (over.counted, over.scope));
        if !added.validate_only && !is_told {
            self.record(Change::ThresholdBreached(ThresholdBreached {
                user: added.user.bits(),
                counted: over.counted.into(),
                of_all: over.scope.is_none(),
                period_start_us: start_us,
                limit: over.limit,
                used: over.used,
                requested: over.requested,
            }));
        }
        Err(Refusal::ThresholdExceeded {
            counted: over.counted,
            limit: over.limit,
            // What others send is not told.
            used: over.scope.map(|_| over.used),
            requested: over.requested,
            resets_us,
            resets_in_us: resets_us.saturating_sub(self.now_us),
        })
    }

    fn over_threshold(
        &self,
        start_us: Micros,
        (user, (counted, requested)): (Eui64, (Counted, u32)),
    ) -> Option<Over> {
        let Threshold {
            per_user_max,
            total_max,
        } = self.terms.thresholds.of(counted);
        let scopes = [(Some(user), per_user_max), (None, total_max)];
        let counts = scopes.map(|(scope, limit)| Over {
            scope,
            counted,
            limit,
            used: self.counts.used(start_us, (counted, scope)),
            requested,
        });
        let mut counts = counts.into_iter();
        let is_over = |it: &Over| u64::from(it.used) + u64::from(requested) > u64::from(it.limit);
        // Counts end there themselves: without a limit nothing is over it.
        counts.find(|it| it.limit != u32::MAX && is_over(it))
    }

    /// The counters that a User's Service Requests carry only ever rise: one that does not was sent before. One that is far
    /// above is a slip: taken, it would keep out all that follow. The largest that are in use count nanoseconds since 1970.
    pub(super) fn refuse_counter(&self, user: Eui64, counter: Option<u64>) -> Result<(), Refusal> {
        let last = self.counts.originators.get(&user).copied();
        let Some(given) = counter else { return Ok(()) };
        if let Some(last) = last.filter(|last| given <= *last) {
            return Err(Refusal::OriginatorCounterReplayed { given, last });
        }
        let now_ns = u64::try_from(self.now_us)
            .unwrap_or(0)
            .saturating_mul(1_000);
        let leap_max = self.terms.thresholds.originator_counter_leap_max;
        let highest = last.unwrap_or(now_ns).saturating_add(leap_max);
        if given > highest {
            return Err(Refusal::OriginatorCounterLeaps {
                given,
                last,
                highest,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Terms;

    #[test]
    fn without_a_limit_a_count_at_its_own_end_refuses_nothing() {
        let mut engine = Engine::new(Terms::default());
        let user = Eui64::from_bits(1);
        let added = Added {
            user,
            counts: &[(Counted::RequestBytes, 1)],
            validate_only: false,
        };
        let (start_us, _) = engine.terms.thresholds.period(engine.now_us);
        let count = (Counted::RequestBytes, user);
        engine.counts.add(start_us, count, u32::MAX);
        assert_eq!(engine.within_thresholds(added), Ok(start_us));
        engine.terms.thresholds.request_bytes.per_user_max = u32::MAX - 1;
        let refused = engine.within_thresholds(added).unwrap_err();
        assert!(matches!(refused, Refusal::ThresholdExceeded { .. }));
    }
}
