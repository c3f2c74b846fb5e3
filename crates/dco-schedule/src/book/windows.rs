//! What the hours of a window can take on a service day.
//!
//! Releases follow the day's hour profile, so hours carry their part of the capacity. Work of a window leaves in its
//! hours alone, work without one in any hour. What is agreed in windows can leave on its day if, and only if, no
//! stretch of hours has more agreed in windows inside it than it carries: windows are stretches themselves, so no
//! other sets of hours have to be looked at.

use std::collections::BTreeSet;

use crate::{At, Book, Calendar, HourWindow, Micros, ServiceDate};

/// A service day on which hours cannot take what is to be agreed in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowShort {
    /// The day.
    pub date: ServiceDate,
    /// The hours: the window, or a longer stretch in which others have windows too.
    pub hours: HourWindow,
    /// Units that they carry at the day's pace: their part of its hour profile, of its capacity.
    pub carries: u64,
    /// Units agreed with others in windows inside these hours.
    pub agreed: u64,
    /// Units that the quota has.
    pub wanted: u32,
}

impl WindowShort {
    /// Units that the hours can still take.
    pub const fn free(&self) -> u64 {
        self.carries.saturating_sub(self.agreed)
    }
}

/// Units of one day, and the window they leave in.
pub(super) type InWindow = (Option<HourWindow>, u32);

/// The hours of one service day: what they weigh, and what is agreed in windows.
#[derive(Debug)]
pub(crate) struct WindowDay {
    date: ServiceDate,
    capacity: u128,
    /// Each local hour and its weight.
    hours: Vec<(u8, u128)>,
    taken: Vec<(HourWindow, u64)>,
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// The hours of a day without what is agreed on it.
    fn free_hours(&self, date: ServiceDate, calendar: &Calendar) -> WindowDay {
        let hours = calendar.hours(&calendar.day(date));
        let weights = self.plan().profile(date).over(&hours);
        let weights = weights.into_iter().map(|(_, weight)| weight.into());
        WindowDay {
            date,
            capacity: self.plan().capacity(date).into(),
            hours: hours.iter().map(|hour| hour.hour).zip(weights).collect(),
            taken: Vec::new(),
        }
    }

    /// The hours of a day with all that is agreed in windows on it, but for one schedule.
    pub(crate) fn window_day(
        &self,
        date: ServiceDate,
        but: Option<crate::ScheduleId<U>>,
        calendar: &Calendar,
    ) -> WindowDay {
        let others = self.schedules().filter(|(id, _)| Some(*id) != but);
        let agreed = others.filter_map(|(_, schedule)| {
            let deal = &schedule.state().agreement()?.deal;
            Some((deal.terms.window?, deal.quota.on(date).into()))
        });
        WindowDay {
            taken: agreed.filter(|(_, units)| *units > 0).collect(),
            ..self.free_hours(date, calendar)
        }
    }
}

const HOUR_US: Micros = 3_600_000_000;

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// Units that the hours of a window still carry on a day at its pace: of today only what is left of them.
    pub(crate) fn carries_yet(&self, window: HourWindow, date: ServiceDate, at: &At<'_, U>) -> u64 {
        let hours = at.calendar.hours(&at.calendar.day(date));
        let now_us = if date == at.today {
            at.now_us
        } else {
            Micros::MIN
        };
        let profile = self.plan().profile(date);
        let weights = profile.over(&hours).into_iter();
        let weights = weights.map(|(_, weight)| u128::from(weight));
        let (mut all, mut left) = (0_u128, 0_u128);
        for (hour, weight) in hours.iter().zip(weights) {
            let end_us = hour.start_us.saturating_add(HOUR_US);
            let left_us = end_us.saturating_sub(now_us).clamp(0, HOUR_US);
            all += weight * u128::from(HOUR_US.unsigned_abs());
            if window.has(hour.hour) {
                left += weight * u128::from(left_us.unsigned_abs());
            }
        }
        let capacity = u128::from(self.plan().capacity(date));
        u64::try_from(capacity * left / all.max(1)).unwrap_or(u64::MAX)
    }

    /// The days from `from` on on which windows have more agreed in them than their hours carry, and by how much.
    pub fn crowded(&self, from: ServiceDate, calendar: &Calendar) -> crate::Quota {
        let days = self.agreed_from(from).map(|(date, _)| {
            let over = self.window_day(date, None, calendar).over();
            (date, u32::try_from(over).unwrap_or(u32::MAX))
        });
        days.collect()
    }

    /// The window on a day whose hours that are left cannot take more than was agreed in it.
    pub(super) fn short_of_time(
        &self,
        date: ServiceDate,
        (before, (window, wanted)): (InWindow, InWindow),
        at: &At<'_, U>,
    ) -> Option<WindowShort> {
        let hours = window.filter(|_| date == at.today)?;
        let was = if before.0 == window { before.1 } else { 0 };
        let carries = self.carries_yet(hours, date, at);
        let more = wanted.saturating_sub(was);
        (u64::from(more) > carries).then_some(WindowShort {
            date,
            hours,
            carries,
            agreed: 0,
            wanted: more,
        })
    }
}

impl WindowDay {
    /// What is about to be agreed in a window takes its part too.
    pub(crate) fn take(&mut self, window: HourWindow, units: u64) {
        self.taken.push((window, units));
    }

    /// Units that these hours carry at the day's pace, a part of one left out.
    pub(super) fn carries(&self, hours: HourWindow) -> u64 {
        let weigh = |(_, weight): &(u8, u128)| *weight;
        let all: u128 = self.hours.iter().map(weigh).sum();
        let within = self.hours.iter().filter(|(hour, _)| hours.has(*hour));
        let part: u128 = within.map(weigh).sum();
        u64::try_from(self.capacity * part / all.max(1)).unwrap_or(u64::MAX)
    }

    /// Units that can still be agreed in a window.
    pub(crate) fn room(&self, window: HourWindow) -> u64 {
        let rooms = self.stretches(window);
        let rooms = rooms.map(|hours| self.carries(hours).saturating_sub(self.taken_in(hours)));
        rooms.min().unwrap_or(0)
    }

    /// The hours that cannot take what is wanted instead of what was agreed. Where these have no more inside them than
    /// before, all is well: less is right on a day whose capacity dropped.
    pub(super) fn short(
        &self,
        before: InWindow,
        (window, wanted): InWindow,
    ) -> Option<WindowShort> {
        let short = |hours: HourWindow| {
            let was_inside = before.0.is_some_and(|window| hours.holds(window));
            let was = if was_inside { before.1 } else { 0 };
            let short = WindowShort {
                date: self.date,
                hours,
                carries: self.carries(hours),
                agreed: self.taken_in(hours),
                wanted,
            };
            (wanted > was && u64::from(wanted) > short.free()).then_some(short)
        };
        let shorts = self.stretches(window?).filter_map(short);
        shorts.min_by_key(WindowShort::free)
    }

    /// By how much more is agreed in the most crowded stretch of hours than it carries.
    fn over(&self) -> u64 {
        let stretches = self
            .taken
            .iter()
            .flat_map(|(window, _)| self.stretches(*window));
        let over = stretches.map(|it| self.taken_in(it).saturating_sub(self.carries(it)));
        over.max().unwrap_or(0)
    }

    /// The window and each longer stretch that begins or ends where another window does.
    fn stretches(&self, window: HourWindow) -> impl Iterator<Item = HourWindow> {
        let (from, to) = window.hours();
        let others = self.taken.iter().map(|(other, _)| other.hours());
        let (froms, tos): (BTreeSet<u8>, BTreeSet<u8>) = others.chain([(from, to)]).unzip();
        let froms: Vec<u8> = froms.into_iter().filter(|it| *it <= from).collect();
        let tos = tos.into_iter().filter(move |it| *it >= to);
        tos.flat_map(move |to| {
            let stretch = |from: &u8| HourWindow::new(*from, to).ok();
            froms.iter().filter_map(stretch).collect::<Vec<_>>()
        })
    }

    pub(super) fn taken_in(&self, hours: HourWindow) -> u64 {
        let inside = self.taken.iter().filter(|(window, _)| hours.holds(*window));
        inside.map(|(_, units)| units).sum()
    }
}
