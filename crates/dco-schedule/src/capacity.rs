//! How much the system carries on each service day, and how much of that cannot be agreed.

use crate::{Dated, HourProfile, ServiceDate, Signed, Span};

/// The most that may be set as the capacity of a day, in units: more than the whole known estate, so a slip of the hand.
pub const CAPACITY_MAX: u32 = 1_000_000;

/// What the Service Desk sets for a span of service days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Large images that may be released on one service day, over all Users.
    Capacity(u32),
    /// How a day's releases are spread over its hours.
    Profile(HourProfile),
    /// What was set for the day alone is taken back: what holds from a day on holds for it again. Of one day only.
    Clear,
}

/// One setting, signed: who set it, when, why, and for which days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacitySet<U> {
    /// The days it is about.
    pub span: Span,
    /// What holds on them.
    pub setting: Setting,
    /// Who, when, why.
    pub signed: Signed<U>,
}

/// Capacity and hour profile of each service day, with everything that was ever set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityPlan<U> {
    capacity: Dated<u32>,
    profile: Dated<HourProfile>,
    history: Vec<CapacitySet<U>>,
}

impl<U: Clone> CapacityPlan<U> {
    /// The same capacity, in units a day, and the same profile on every day.
    pub const fn new(capacity: u32, profile: HourProfile) -> Self {
        Self {
            capacity: Dated::always(capacity),
            profile: Dated::always(profile),
            history: Vec::new(),
        }
    }

    /// Units that may be released on `date`, over all Users.
    pub fn capacity(&self, date: ServiceDate) -> u32 {
        self.capacity.at(date)
    }

    /// How the releases of `date` are spread over its hours.
    pub fn profile(&self, date: ServiceDate) -> HourProfile {
        self.profile.at(date)
    }

    /// The days on which such a setting changes nothing, because one for that day alone goes before it.
    pub fn set_alone(&self, span: Span, setting: &Setting) -> Vec<ServiceDate> {
        let Span::From(first) = span else {
            return Vec::new();
        };
        match setting {
            Setting::Capacity(_) => self.capacity.alone_from(first).collect(),
            Setting::Profile(_) => self.profile.alone_from(first).collect(),
            Setting::Clear => Vec::new(),
        }
    }

    /// Whether capacity or profile of a day was set for it alone.
    pub fn is_set_alone(&self, date: ServiceDate) -> bool {
        self.capacity.is_alone(date) || self.profile.is_alone(date)
    }

    /// Everything that was set, oldest first.
    pub fn history(&self) -> &[CapacitySet<U>] {
        &self.history
    }

    /// Another capacity and another profile for days for which none is set.
    pub(crate) const fn configure(&mut self, capacity: u32, profile: HourProfile) {
        self.capacity.begin_with(capacity);
        self.profile.begin_with(profile);
    }

    /// Takes a setting over. Whether it may be made was decided before.
    pub fn apply(&mut self, set: &CapacitySet<U>) {
        match set.setting {
            Setting::Capacity(capacity) => self.capacity.set(set.span, capacity),
            Setting::Profile(profile) => self.profile.set(set.span, profile),
            Setting::Clear => {
                self.capacity.clear(set.span.first());
                self.profile.clear(set.span.first());
            }
        }
        self.history.push(set.clone());
    }
}

/// What is kept free of agreements on every service day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// For what Users send without a schedule, in units a day.
    pub allowance: u32,
    /// For the security lane, in units a day.
    pub security: u32,
    /// For retries, in thousandths of the day's capacity, rounded up.
    pub retry_permille: u32,
}

/// The reserve of one service day, in units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// For what Users send without a schedule.
    pub allowance: u32,
    /// For the security lane.
    pub security: u32,
    /// For retries.
    pub retry: u32,
}

impl Default for Reserve {
    /// The five Suppliers known to be affected at 500 each, a security lane of 300, 2 % for retries.
    fn default() -> Self {
        Self {
            allowance: 2_500,
            security: 300,
            retry_permille: 20,
        }
    }
}

impl Reserve {
    /// The reserve of a day with this capacity, in units.
    pub fn of(&self, capacity: u32) -> Reserved {
        let retry = (u64::from(capacity) * u64::from(self.retry_permille)).div_ceil(1_000);
        Reserved {
            allowance: self.allowance,
            security: self.security,
            retry: u32::try_from(retry).unwrap_or(u32::MAX),
        }
    }
}

impl Reserved {
    /// All of it, in units.
    pub fn total(&self) -> u64 {
        u64::from(self.allowance) + u64::from(self.security) + u64::from(self.retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{by_desk, day};
    use crate::{Calendar, Micros};

    const HOUR_US: Micros = 3_600_000_000;

    fn set(span: Span, setting: Setting) -> CapacitySet<u8> {
        CapacitySet {
            span,
            setting,
            signed: by_desk(9, 5),
        }
    }

    #[test]
    fn the_default_reserve_leaves_8_960_of_12_000() {
        let reserved = Reserve::default().of(12_000);
        let parts = (reserved.allowance, reserved.security, reserved.retry);
        assert_eq!(parts, (2_500, 300, 240));
        assert_eq!(12_000 - reserved.total(), 8_960);
    }

    #[test]
    fn a_part_of_a_retry_is_a_whole_one() {
        let reserve = Reserve::default();
        assert_eq!(
            [0, 1, 50, 51].map(|units| reserve.of(units).retry),
            [0, 1, 1, 2]
        );
        let all = Reserve {
            retry_permille: u32::MAX,
            ..reserve
        };
        assert_eq!(all.of(u32::MAX).retry, u32::MAX, "no overflow");
    }

    #[test]
    fn the_configuration_holds_where_nothing_is_set() {
        let mut plan = CapacityPlan::<u8>::new(12_000, HourProfile::flat());
        plan.apply(&set(Span::On(day("2026-12-25")), Setting::Capacity(0)));
        let mut hours = [0; 24];
        hours[3] = 1;
        let night = HourProfile::new(hours).unwrap();
        plan.configure(9_000, night);
        let days = ["2026-12-24", "2026-12-25"].map(day);
        assert_eq!(days.map(|date| plan.capacity(date)), [9_000, 0]);
        assert_eq!(days.map(|date| plan.profile(date)), [night; 2]);
    }

    #[test]
    fn what_was_set_is_kept_with_who_and_why() {
        let mut plan = CapacityPlan::new(12_000, HourProfile::flat());
        let drop = set(Span::From(day("2026-12-01")), Setting::Capacity(9_000));
        let one = set(Span::On(day("2026-12-25")), Setting::Capacity(0));
        plan.apply(&drop);
        plan.apply(&one);
        let capacities = ["2026-11-30", "2026-12-01", "2026-12-25", "2026-12-26"]
            .map(|date| plan.capacity(day(date)));
        assert_eq!(capacities, [12_000, 9_000, 0, 9_000]);
        assert_eq!(plan.history(), [drop, one]);
    }

    #[test]
    fn a_profile_changes_without_the_capacity() {
        let mut plan = CapacityPlan::new(12_000, HourProfile::flat());
        let mut weights = [1; 24];
        weights[17] = 0;
        let shaped = HourProfile::new(weights).unwrap();
        plan.apply(&set(
            Span::From(day("2026-06-01")),
            Setting::Profile(shaped),
        ));
        assert_eq!(plan.profile(day("2026-05-31")), HourProfile::flat());
        assert_eq!(plan.profile(day("2026-06-01")), shaped);
        assert_eq!(plan.capacity(day("2026-06-01")), 12_000);
    }

    #[test]
    fn days_set_alone_keep_what_was_set_for_them() {
        let mut plan = CapacityPlan::<u8>::new(12_000, HourProfile::flat());
        let days = ["2026-12-24", "2026-12-25", "2026-12-26"].map(day);
        for date in days {
            plan.apply(&set(Span::On(date), Setting::Capacity(6_000)));
        }
        let capacity = Setting::Capacity(9_000);
        assert_eq!(plan.set_alone(Span::From(days[1]), &capacity), days[1..]);
        assert!(plan.set_alone(Span::On(days[1]), &capacity).is_empty());
        let profile = Setting::Profile(HourProfile::flat());
        assert!(plan.set_alone(Span::From(days[1]), &profile).is_empty());
    }

    #[test]
    fn a_day_follows_what_runs_on_once_what_was_set_for_it_is_taken_back() {
        let mut plan = CapacityPlan::<u8>::new(12_000, HourProfile::flat());
        let (day_alone, before) = (day("2026-12-25"), day("2026-12-24"));
        let mut weights = [1; 24];
        weights[17] = 0;
        let shaped = HourProfile::new(weights).unwrap();
        plan.apply(&set(Span::On(day_alone), Setting::Capacity(6_000)));
        plan.apply(&set(Span::On(day_alone), Setting::Profile(shaped)));
        plan.apply(&set(Span::On(before), Setting::Capacity(7_000)));
        plan.apply(&set(Span::From(before), Setting::Capacity(9_000)));
        assert!(plan.is_set_alone(day_alone));
        plan.apply(&set(Span::On(day_alone), Setting::Clear));
        assert!(!plan.is_set_alone(day_alone) && plan.is_set_alone(before));
        let capacities = [before, day_alone].map(|date| plan.capacity(date));
        assert_eq!(capacities, [7_000, 9_000]);
        assert_eq!(plan.profile(day_alone), HourProfile::flat());
        assert_eq!(plan.history().len(), 5, "it is kept as well");
    }

    /// Date, hours of the day, and which local hours the profile's odd weights 1 and 2 fall on.
    #[test]
    fn capacity_and_profile_hold_on_days_of_23_24_and_25_hours() {
        let mut weights = [10; 24];
        (weights[1], weights[2]) = (1, 2);
        let plan = CapacityPlan::<u8>::new(12_000, HourProfile::new(weights).unwrap());
        let calendar = Calendar::london();
        for (date, hours, first_weights) in [
            ("2026-03-28", 24, [10, 1, 2, 10]),
            ("2026-03-29", 23, [10, 2, 10, 10]),
            ("2026-10-25", 25, [10, 1, 1, 2]),
            ("2028-02-29", 24, [10, 1, 2, 10]),
            ("2028-03-26", 23, [10, 2, 10, 10]),
            ("2028-10-29", 25, [10, 1, 1, 2]),
        ] {
            let service_day = calendar.day(day(date));
            let laid = plan.profile(day(date)).over(&calendar.hours(&service_day));
            assert_eq!(
                service_day.end_us - service_day.start_us,
                hours * HOUR_US,
                "{date}"
            );
            assert_eq!(laid.len(), usize::try_from(hours).unwrap(), "{date}");
            let first: Vec<_> = laid.iter().take(4).map(|(_, weight)| *weight).collect();
            assert_eq!(first, first_weights, "{date}");
            assert_eq!(plan.capacity(day(date)), 12_000, "{date}");
        }
    }
}
