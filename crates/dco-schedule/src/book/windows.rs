//! What the hours of a window can take on a service day.
//!
//! Releases follow the day's hour profile, so hours carry their part of the capacity; of today's hours counts what is left of them, for
//! everybody together. Work of a window leaves in its hours alone, work without one in any hour. What is agreed in windows can leave on its
//! day if, and only if, no stretch of hours has more agreed in windows inside it than it carries: windows are stretches themselves, so no
//! other sets of hours have to be looked at. What has left already needs no hours any more.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use crate::{At, Book, Calendar, HourWindow, Micros, ScheduleId, ServiceDate, Source};

/// A service day on which hours cannot take what is to be agreed in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowShort {
    /// The day.
    pub date: ServiceDate,
    /// The window of the quota.
    pub window: HourWindow,
    /// Units that the quota has; of today's those that have not left.
    pub wanted: u32,
    /// Units that its hours can still take.
    pub free: u64,
    /// Which hours leave no more; absent for a User, to whom they would say what others have agreed in which hours.
    pub full: Option<FullHours>,
}

/// Hours that leave too little for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullHours {
    /// The hours: the window, or a longer stretch in which others have windows too.
    pub hours: HourWindow,
    /// Units that they carry at the day's pace: their part of its hour profile, of its capacity.
    pub carries: u64,
    /// Units agreed with others in windows inside these hours.
    pub agreed: u64,
}

impl WindowShort {
    /// Likewise, without what a User may not read of others.
    #[must_use]
    pub(super) const fn for_its_user(self) -> Self {
        Self { full: None, ..self }
    }
}

impl FullHours {
    const fn free(&self) -> u64 {
        self.carries.saturating_sub(self.agreed)
    }
}

/// A schedule whose window cannot take what is agreed with it on a service day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrowdedWindow<U> {
    /// The schedule.
    pub id: ScheduleId<U>,
    /// The day.
    pub date: ServiceDate,
    /// The hours.
    pub window: HourWindow,
    /// Units that the hours can take beside what others have agreed in them.
    pub fits: u32,
    /// Units agreed; of today's those that have not left.
    pub agreed: u32,
}

impl<U> CrowdedWindow<U> {
    /// Units that do not fit.
    pub const fn over(&self) -> u32 {
        self.agreed.saturating_sub(self.fits)
    }
}

/// Units of one day, and the window they leave in.
pub(super) type InWindow = (Option<HourWindow>, u32);

/// The hours of one service day: what they weigh, and what is agreed in windows.
#[derive(Debug)]
pub(crate) struct WindowDay {
    date: ServiceDate,
    capacity: u128,
    /// The weight of the whole day.
    weight: u128,
    /// Each local hour and the weight of what is left of it.
    hours: Vec<(u8, u128)>,
    taken: Vec<(HourWindow, u64)>,
}

const HOUR_US: Micros = 3_600_000_000;

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// The hours of a day without what is agreed on it, as far as they are not over at this moment.
    fn free_hours(&self, date: ServiceDate, now_us: Micros, calendar: &Calendar) -> WindowDay {
        let hours = calendar.hours(&calendar.day(date));
        let weights = self.plan().profile(date).over(&hours);
        let weights = weights.into_iter().map(|(_, weight)| u128::from(weight));
        let (mut whole, mut left) = (0, Vec::with_capacity(hours.len()));
        for (hour, weight) in hours.iter().zip(weights) {
            let end_us = hour.start_us.saturating_add(HOUR_US);
            let left_us = end_us.saturating_sub(now_us).clamp(0, HOUR_US);
            whole += weight * u128::from(HOUR_US.unsigned_abs());
            left.push((hour.hour, weight * u128::from(left_us.unsigned_abs())));
        }
        WindowDay {
            date,
            capacity: self.plan().capacity(date).into(),
            weight: whole,
            hours: left,
            taken: Vec::new(),
        }
    }

    /// The whole hours of a day with all that is agreed in windows on it, but for one schedule.
    pub(crate) fn window_day(
        &self,
        date: ServiceDate,
        but: Option<ScheduleId<U>>,
        calendar: &Calendar,
    ) -> WindowDay {
        let taken = self
            .in_windows(date, but)
            .map(|(_, window, units)| (window, units.into()));
        WindowDay {
            taken: taken.collect(),
            ..self.free_hours(date, Micros::MIN, calendar)
        }
    }

    /// Likewise; of today what is left of the hours, with what of the quotas has not left.
    pub(crate) fn window_day_left(
        &self,
        date: ServiceDate,
        but: Option<ScheduleId<U>>,
        at: &At<'_, U>,
    ) -> WindowDay {
        if date != at.today {
            return self.window_day(date, but, at.calendar);
        }
        let taken = self.in_windows(date, but).map(|(id, window, units)| {
            let left = still_to_leave(id, (date, units), at);
            (window, left.into())
        });
        WindowDay {
            taken: taken.collect(),
            ..self.free_hours(date, at.now_us, at.calendar)
        }
    }

    /// What is agreed in windows on a day, but for one schedule.
    fn in_windows(
        &self,
        date: ServiceDate,
        but: Option<ScheduleId<U>>,
    ) -> impl Iterator<Item = (ScheduleId<U>, HourWindow, u32)> {
        let others = self.schedules().filter(move |(id, _)| Some(*id) != but);
        others.filter_map(move |(id, schedule)| {
            let deal = &schedule.state().agreement()?.deal;
            let units = NonZeroU32::new(deal.quota.on(date))?;
            Some((id, deal.terms.window?, units.get()))
        })
    }

    /// The days from today on on which windows have more agreed in them than their hours carry, and by how much.
    pub fn crowded(&self, at: &At<'_, U>) -> crate::Quota {
        let days = self.agreed_from(at.today).map(|(date, _)| {
            let over = self.window_day_left(date, None, at).over();
            (date, u32::try_from(over).unwrap_or(u32::MAX))
        });
        days.collect()
    }

    /// The schedules whose windows cannot take what is agreed with them on these days.
    pub fn crowded_windows(
        &self,
        days: impl Iterator<Item = ServiceDate>,
        at: &At<'_, U>,
    ) -> Vec<CrowdedWindow<U>> {
        let mut crowded = Vec::new();
        for date in days {
            let day = self.window_day_left(date, None, at);
            if day.over() == 0 {
                continue;
            }
            for (id, window, units) in self.in_windows(date, None) {
                let agreed = still_to_leave(id, (date, units), at);
                let in_window = CrowdedWindow {
                    id,
                    date,
                    window,
                    fits: u32::try_from(day.room_beside(window, agreed.into())).unwrap_or(u32::MAX),
                    agreed,
                };
                crowded.extend((in_window.over() > 0).then_some(in_window));
            }
        }
        crowded
    }
}

/// What of a day's units still needs hours: of today's all that has not left.
pub(crate) fn still_to_leave<U: Ord + Copy + std::fmt::Debug>(
    id: ScheduleId<U>,
    (date, units): (ServiceDate, u32),
    at: &At<'_, U>,
) -> u32 {
    if date != at.today {
        return units;
    }
    let sent = at.ledger.sent(id.user, date, Source::Schedule(id.number));
    let gone = sent.saturating_sub(at.unreleased.unreleased(id, date));
    units.saturating_sub(gone)
}

impl WindowDay {
    /// What is about to be agreed in a window takes its part too.
    pub(crate) fn take(&mut self, window: HourWindow, units: u64) {
        self.taken.push((window, units));
    }

    /// Units that these hours carry at the day's pace, a part of one left out.
    pub(super) fn carries(&self, hours: HourWindow) -> u64 {
        let within = self.hours.iter().filter(|(hour, _)| hours.has(*hour));
        let part: u128 = within.map(|(_, weight)| weight).sum();
        u64::try_from(self.capacity * part / self.weight.max(1)).unwrap_or(u64::MAX)
    }

    /// Units that can still be agreed in a window.
    pub(crate) fn room(&self, window: HourWindow) -> u64 {
        self.room_beside(window, 0)
    }

    /// Units that the window has for somebody with so many of those agreed in it.
    fn room_beside(&self, window: HourWindow, own: u64) -> u64 {
        let rooms = self.stretches(window).map(|hours| {
            let others = self.taken_in(hours).saturating_sub(own);
            self.carries(hours).saturating_sub(others)
        });
        rooms.min().unwrap_or(0)
    }

    /// The hours that cannot take what is wanted instead of what was agreed. Where these have no more inside them than
    /// before, all is well: less is right on a day whose capacity dropped.
    pub(super) fn short(
        &self,
        before: InWindow,
        (window, wanted): InWindow,
    ) -> Option<WindowShort> {
        let window = window?;
        let full = |hours: HourWindow| {
            let was_inside = before.0.is_some_and(|window| hours.holds(window));
            let was = if was_inside { before.1 } else { 0 };
            let full = FullHours {
                hours,
                carries: self.carries(hours),
                agreed: self.taken_in(hours),
            };
            (wanted > was && u64::from(wanted) > full.free()).then_some(full)
        };
        let fullest = self.stretches(window).filter_map(full);
        let fullest = fullest.min_by_key(FullHours::free)?;
        Some(WindowShort {
            date: self.date,
            window,
            wanted,
            free: fullest.free(),
            full: Some(fullest),
        })
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

    /// The window and each longer stretch that begins or ends where another window does, each after those that lie in it.
    fn stretches(&self, window: HourWindow) -> impl Iterator<Item = HourWindow> {
        let (from, to) = window.hours();
        let others = self.taken.iter().map(|(other, _)| other.hours());
        let (froms, tos): (BTreeSet<u8>, BTreeSet<u8>) = others.chain([(from, to)]).unzip();
        let froms: Vec<u8> = froms.into_iter().filter(|it| *it <= from).collect();
        let tos = tos.into_iter().filter(move |it| *it >= to);
        tos.flat_map(move |to| {
            let stretch = |from: &u8| HourWindow::new(*from, to).ok();
            froms.iter().rev().filter_map(stretch).collect::<Vec<_>>()
        })
    }

    pub(super) fn taken_in(&self, hours: HourWindow) -> u64 {
        let inside = self.taken.iter().filter(|(window, _)| hours.holds(*window));
        inside.map(|(_, units)| units).sum()
    }
}
