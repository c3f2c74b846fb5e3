//! A rate: so many at once, and from then on one after each interval.

use std::num::NonZeroU32;

use crate::Micros;

/// How fast something may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval_us: Micros,
    burst: NonZeroU32,
}

/// How far one thing has used up its rate: a token bucket in one number.
///
/// In any time it lets go at most the burst and one for each whole interval in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// When the burst is whole again.
    full_at_us: Micros,
}

impl Rate {
    /// `count` in each `period_us`, and `burst` of them at once. Where the period cannot be divided evenly it is a little slower,
    /// never faster. `None` for a period that is not above 0.
    pub fn new(count: NonZeroU32, period_us: Micros, burst: NonZeroU32) -> Option<Self> {
        let count = Micros::from(count.get());
        let whole = period_us.checked_div(count)?;
        let interval_us = whole + Micros::from(period_us % count > 0);
        (period_us > 0).then_some(Self { interval_us, burst })
    }

    fn spare_us(self) -> Micros {
        let more = self.burst.get() - 1;
        self.interval_us.saturating_mul(more.into())
    }
}

impl Meter {
    /// With the whole burst used up just now: nothing that went before can make it too much.
    pub fn emptied(rate: Rate, now_us: Micros) -> Self {
        let burst_us = rate.spare_us().saturating_add(rate.interval_us);
        Self {
            full_at_us: now_us.saturating_add(burst_us),
        }
    }

    /// The first moment at which the next one may go; it may be over.
    pub fn ready_at(&self, rate: Rate) -> Micros {
        self.full_at_us.saturating_sub(rate.spare_us())
    }

    /// The first moment from now on at which one may go after `ahead` others, if each of these goes as soon as it may.
    pub fn ready_after(&self, rate: Rate, ahead: u64, now_us: Micros) -> Micros {
        let ahead = Micros::try_from(ahead).unwrap_or(Micros::MAX);
        let used_us = rate.interval_us.saturating_mul(ahead);
        let full_at_us = self.full_at_us.max(now_us).saturating_add(used_us);
        full_at_us.saturating_sub(rate.spare_us()).max(now_us)
    }

    /// One goes.
    pub fn take(&mut self, rate: Rate, now_us: Micros) {
        let from_us = self.full_at_us.max(now_us);
        self.full_at_us = from_us.saturating_add(rate.interval_us);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(count: u32, period_us: Micros, burst: u32) -> Rate {
        let many = |count| NonZeroU32::new(count).expect("more than none");
        Rate::new(many(count), period_us, many(burst)).expect("a period")
    }

    #[test]
    fn a_period_is_above_0() {
        let one = NonZeroU32::MIN;
        assert_eq!(Rate::new(one, 0, one), None);
        assert_eq!(Rate::new(one, -1, one), None);
    }

    #[test]
    fn the_burst_goes_at_once_and_then_one_after_each_interval() {
        let rate = rate(6, 60, 3);
        let mut meter = Meter::emptied(rate, 0);
        assert_eq!(meter.ready_at(rate), 10);
        for _ in 0..3 {
            assert!(meter.ready_at(rate) <= 1_000, "the burst is whole again");
            meter.take(rate, 1_000);
        }
        for at_us in [1_010, 1_020, 1_030] {
            assert_eq!(meter.ready_at(rate), at_us);
            meter.take(rate, at_us);
        }
    }

    #[test]
    fn no_moment_overflows() {
        for (burst, ready_us) in [(1, Micros::MAX), (u32::MAX, 0)] {
            let slowest = rate(1, Micros::MAX, burst);
            let mut meter = Meter::emptied(slowest, Micros::MAX);
            meter.take(slowest, Micros::MAX);
            assert_eq!(meter.ready_at(slowest), ready_us);
        }
    }

    proptest! {
        /// Asked again and again, whatever goes when it may, no stretch of time has more than the burst and what its length gives.
        #[test]
        fn no_stretch_of_time_has_too_many(
            (count, period_us, burst) in (1_u32..20, 1_i64..200, 1_u32..6),
            waits in proptest::collection::vec(0_i64..40, 1..60),
        ) {
            let rate = rate(count, period_us, burst);
            let (mut meter, mut now_us, mut gone) = (Meter::emptied(rate, 0), 0, Vec::new());
            for wait_us in waits {
                now_us += wait_us;
                if meter.ready_at(rate) <= now_us {
                    meter.take(rate, now_us);
                    gone.push(now_us);
                }
            }
            for (first, from_us) in gone.iter().enumerate() {
                for (last, to_us) in gone.iter().enumerate().skip(first) {
                    let many = i64::try_from(last - first + 1).expect("few");
                    let of_time = (to_us - from_us) * i64::from(count) / period_us;
                    prop_assert!(many <= i64::from(burst) + of_time, "{gone:?}");
                }
            }
        }

        /// What is said of the last of many is what comes of them.
        #[test]
        fn who_goes_after_others_goes_when_it_was_said(
            (count, period_us, burst) in (1_u32..20, 1_i64..200, 1_u32..6),
            (taken, ahead, now_us) in (0_u32..20, 0_u32..20, 0_i64..400),
        ) {
            let rate = rate(count, period_us, burst);
            let mut meter = Meter::emptied(rate, 0);
            for _ in 0..taken {
                meter.take(rate, meter.ready_at(rate));
            }
            let said_us = meter.ready_after(rate, ahead.into(), now_us);
            let mut at_us = now_us;
            for _ in 0..ahead {
                at_us = at_us.max(meter.ready_at(rate));
                meter.take(rate, at_us);
            }
            prop_assert_eq!(said_us, at_us.max(meter.ready_at(rate)));
        }

        /// What is asked at the moment that it said goes then.
        #[test]
        fn it_is_ready_when_it_says_so(
            (count, period_us, burst) in (1_u32..20, 1_i64..200, 1_u32..6),
            taken in 0_u32..20,
        ) {
            let rate = rate(count, period_us, burst);
            let mut meter = Meter::emptied(rate, 0);
            let mut now_us = 0;
            for _ in 0..taken {
                now_us = meter.ready_at(rate).max(now_us);
                meter.take(rate, now_us);
            }
            let most = rate.interval_us * (i64::from(taken) + 1);
            prop_assert!(meter.ready_at(rate) <= most, "one after each interval at the latest");
        }
    }
}
