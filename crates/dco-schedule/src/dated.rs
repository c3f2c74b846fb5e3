//! Values that hold from a service day on, or for one day.

use std::collections::BTreeMap;

use crate::ServiceDate;

/// The service days that a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// This day and all after it, up to the next setting of this kind.
    From(ServiceDate),
    /// This day alone. It goes before what holds from a day on, whichever was set later.
    On(ServiceDate),
}

impl Span {
    /// The first day that it is about.
    pub const fn first(self) -> ServiceDate {
        match self {
            Self::From(date) | Self::On(date) => date,
        }
    }
}

impl Span {
    /// Whether it is about this day.
    pub fn has(self, date: ServiceDate) -> bool {
        match self {
            Self::From(first) => first <= date,
            Self::On(day) => day == date,
        }
    }
}

/// A value for each service day.
///
/// Among the settings from a day on, the latest day that is not after the asked one decides: a change that was
/// planned for later stays planned. The same span set again is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated<T> {
    first: T,
    from: BTreeMap<ServiceDate, T>,
    on: BTreeMap<ServiceDate, T>,
}

impl<T: Copy> Dated<T> {
    /// The same value for every day.
    pub const fn always(value: T) -> Self {
        Self {
            first: value,
            from: BTreeMap::new(),
            on: BTreeMap::new(),
        }
    }

    /// The value that holds on `date`.
    pub fn at(&self, date: ServiceDate) -> T {
        let from = || self.from.range(..=date).next_back().map(|(_, value)| value);
        *self.on.get(&date).or_else(from).unwrap_or(&self.first)
    }

    /// The days from `date` on that have a value of their own.
    pub(crate) fn alone_from(&self, date: ServiceDate) -> impl Iterator<Item = ServiceDate> + '_ {
        self.on.range(date..).map(|(date, _)| *date)
    }

    /// Another value for days for which none is set.
    pub(crate) const fn begin_with(&mut self, value: T) {
        self.first = value;
    }

    /// Whether a day has a value of its own.
    pub(crate) fn is_alone(&self, date: ServiceDate) -> bool {
        self.on.contains_key(&date)
    }

    /// Takes back what was set for a day alone: what holds from a day on holds for it.
    pub(crate) fn clear(&mut self, date: ServiceDate) {
        self.on.remove(&date);
    }

    /// Sets the value of a span.
    pub fn set(&mut self, span: Span, value: T) {
        match span {
            Span::From(date) => self.from.insert(date, value),
            Span::On(date) => self.on.insert(date, value),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(days: i32) -> ServiceDate {
        ServiceDate::from_days(days)
    }

    #[test]
    fn a_change_planned_for_later_stays_planned() {
        let mut dated = Dated::always(1);
        dated.set(Span::From(date(10)), 2);
        dated.set(Span::From(date(5)), 3);
        let values: Vec<_> = [4, 5, 9, 10, 99].map(|day| dated.at(date(day))).into();
        assert_eq!(values, [1, 3, 3, 2, 2]);
    }

    #[test]
    fn one_day_goes_before_what_runs_on() {
        let mut dated = Dated::always(1);
        dated.set(Span::On(date(7)), 9);
        dated.set(Span::From(date(6)), 2);
        assert_eq!([6, 7, 8].map(|day| dated.at(date(day))), [2, 9, 2]);
        dated.set(Span::On(date(7)), 8);
        assert_eq!(dated.at(date(7)), 8, "set again");
        dated.clear(date(7));
        assert_eq!([6, 7, 8].map(|day| dated.at(date(day))), [2, 2, 2]);
    }

    #[test]
    fn a_span_is_one_day_or_all_from_one_on() {
        let days = [6, 7, 8].map(date);
        assert_eq!(
            days.map(|day| Span::On(date(7)).has(day)),
            [false, true, false]
        );
        assert_eq!(
            days.map(|day| Span::From(date(7)).has(day)),
            [false, true, true]
        );
    }

    fn span() -> impl Strategy<Value = Span> {
        (0..12_i32, any::<bool>()).prop_map(|(day, on)| {
            if on {
                Span::On(date(day))
            } else {
                Span::From(date(day))
            }
        })
    }

    proptest! {
        /// The model looks through the list of all settings each time.
        #[test]
        fn the_nearest_setting_decides(sets in proptest::collection::vec((span(), 0..100_u32), 0..20)) {
            let mut dated = Dated::always(1_000);
            for (span, value) in &sets {
                dated.set(*span, *value);
            }
            for day in (-1..14).map(date) {
                let on = sets.iter().rev().find(|(span, _)| *span == Span::On(day));
                let before = sets.iter().enumerate().filter_map(|(place, (span, value))| match span {
                    Span::From(first) if *first <= day => Some((*first, place, *value)),
                    _ => None,
                });
                let from = before.max().map(|(_, _, value)| value);
                let expected = on.map(|(_, value)| *value).or(from).unwrap_or(1_000);
                prop_assert_eq!(dated.at(day), expected);
            }
        }
    }
}
