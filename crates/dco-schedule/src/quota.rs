//! How much may be sent on each service day under one schedule.

use std::collections::BTreeMap;

use crate::ServiceDate;

/// Units for each service day. A day with none has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota(BTreeMap<ServiceDate, u32>);

impl Quota {
    /// A quota without units.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Units that may be sent for `date`; 0 where the quota has no such day.
    pub fn on(&self, date: ServiceDate) -> u32 {
        self.0.get(&date).copied().unwrap_or(0)
    }

    /// Each day that has units, earliest first.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = (ServiceDate, u32)> + '_ {
        self.0.iter().map(|(date, units)| (*date, *units))
    }

    /// Each day from `date` on that has units, earliest first.
    pub fn days_from(&self, date: ServiceDate) -> impl Iterator<Item = (ServiceDate, u32)> + '_ {
        self.0.range(date..).map(|(date, units)| (*date, *units))
    }

    /// The first day that has units.
    pub fn first(&self) -> Option<ServiceDate> {
        self.0.keys().next().copied()
    }

    /// The last day that has units.
    pub fn last(&self) -> Option<ServiceDate> {
        self.0.keys().next_back().copied()
    }

    /// Whether no day has units.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The units of all days.
    pub fn total(&self) -> u64 {
        self.0.values().copied().map(u64::from).sum()
    }

    /// The most units of a day.
    pub fn peak(&self) -> u32 {
        self.0.values().copied().max().unwrap_or(0)
    }

    /// The days before `date` alone.
    #[must_use]
    pub fn before(&self, date: ServiceDate) -> Self {
        self.0
            .range(..date)
            .map(|(date, units)| (*date, *units))
            .collect()
    }

    /// What this one has over another, day by day.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        let over = |(date, units): (ServiceDate, u32)| (date, units.saturating_sub(other.on(date)));
        self.days().map(over).collect()
    }

    /// Adds units to a day.
    pub(crate) fn add(&mut self, date: ServiceDate, units: u32) {
        if units > 0 {
            let on = self.0.entry(date).or_default();
            *on = on.saturating_add(units);
        }
    }
}

impl FromIterator<(ServiceDate, u32)> for Quota {
    /// A day that comes twice has the sum.
    fn from_iter<T: IntoIterator<Item = (ServiceDate, u32)>>(days: T) -> Self {
        let mut quota = Self::default();
        for (date, units) in days {
            quota.add(date, units);
        }
        quota
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::quota;

    fn date(days: i32) -> ServiceDate {
        ServiceDate::from_days(days)
    }

    #[test]
    fn days_without_units_are_none() {
        let quota = quota(&[(1, 0), (2, 5), (4, 7), (4, 1), (9, 0)]);
        assert_eq!(
            (quota.first(), quota.last()),
            (Some(date(2)), Some(date(4)))
        );
        assert_eq!((quota.total(), quota.peak()), (13, 8));
        assert_eq!((quota.on(date(1)), quota.on(date(4))), (0, 8));
        assert!(!quota.is_empty());
        assert!(Quota::default().is_empty());
        assert_eq!(
            (Quota::default().first(), Quota::default().peak()),
            (None, 0)
        );
    }

    #[test]
    fn parts_of_it() {
        let all = quota(&[(2, 5), (4, 8)]);
        assert_eq!(all.before(date(4)), quota(&[(2, 5)]));
        assert_eq!(all.days_from(date(3)).collect::<Vec<_>>(), [(date(4), 8)]);
        assert_eq!(
            all.over(&quota(&[(2, 7), (4, 3), (5, 1)])),
            quota(&[(4, 5)])
        );
    }
}
