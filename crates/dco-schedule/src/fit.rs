//! What the Service Desk can offer for a request: three ways at once.

use std::num::NonZeroU32;

use thiserror::Error;

use crate::book::still_to_leave;
use crate::replan::dates;
use crate::{
    At, Book, HourWindow, Micros, Need, Quota, Refusal, Replan, Request, ScheduleId, ServiceDate,
    ServiceDay,
};

/// What an offer is looked at for besides room.
#[derive(Clone, Copy, Debug)]
pub struct FitTerms {
    /// The window in which it is to be released; `None` for the whole day.
    pub window: Option<HourWindow>,
    /// The Target Response Time.
    pub trt_us: Micros,
    /// Service days that work released on one of them may be under way, that day included: five for the TRT.
    pub in_flight_days: u16,
    /// Large images that may be under way at once, over all Users.
    pub in_flight_max: u64,
}

/// Three ways to meet a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fits<U> {
    /// The earliest end that can be had, with others moved where that is needed.
    pub earliest_end: Result<Fit<U>, NoFit>,
    /// The lowest peak by the latest day of the request, with nobody moved.
    pub flattest: Result<Fit<U>, NoFit>,
    /// The earliest end with nobody moved, if need be after the latest day of the request.
    pub moves_nobody: Result<Fit<U>, NoFit>,
}

/// One way to meet a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit<U> {
    /// Units for each service day.
    pub quota: Quota,
    /// What that means, day by day.
    pub days: Vec<FitDay>,
    /// Whom to move first; nobody if there is no amendment.
    pub replan: Replan<U>,
    /// Whether it ends after the latest day of the request.
    pub ends_late: bool,
}

/// One day of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FitDay {
    /// The day.
    pub date: ServiceDate,
    /// Units free before; in the hours of the window where there is one.
    pub free_before: u64,
    /// Units of the offer.
    pub quota: u32,
    /// Units free after; 0 where others are moved.
    pub free_after: u64,
    /// When the batch of that day is due, if it is sent by the start of the day or of its window, or now where that is over.
    pub due_us: Micros,
    /// What may be under way on that day over all Users: agreed, reserved and offered in the days up to it.
    pub in_flight: u64,
    /// Whether that is within the limit.
    pub in_flight_ok: bool,
}

/// There is not enough room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{wanted} units are wanted from {from} to {to} and {room} fit; ask for fewer Devices, a higher daily maximum or \
     other days"
)]
pub struct NoFit {
    /// Units wanted.
    pub wanted: u32,
    /// Units that fit.
    pub room: u64,
    /// The first day looked at.
    pub from: ServiceDate,
    /// The last day looked at.
    pub to: ServiceDate,
}

/// What the plan stands beside: what the schedule that it is for has already. Agreed with more in a window, all of it leaves in that.
#[derive(Clone, Copy, Debug)]
struct Beside<'a, U> {
    user: U,
    has: &'a Quota,
    /// The schedule, where something of it is agreed.
    id: Option<ScheduleId<U>>,
}

/// A day on which the request can be met: units that are free, and units that others might give up.
#[derive(Clone, Copy, Debug)]
struct Room {
    date: ServiceDate,
    free: u32,
    others: u32,
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// Three ways to meet a request of `user`, given what is agreed and sent by now.
    pub fn fits(&self, user: U, request: &Request, terms: &FitTerms, at: &At<'_, U>) -> Fits<U> {
        let has = &Quota::new();
        let id = None;
        self.fits_beside(&Beside { user, has, id }, request, terms, at)
    }

    /// Three ways to agree what a schedule still wants: what it asked for less what is agreed, on each day within what
    /// that leaves of its daily maximum. Refused where it is agreed in full.
    pub fn fits_more(
        &self,
        id: ScheduleId<U>,
        terms: &FitTerms,
        at: &At<'_, U>,
    ) -> Result<Fits<U>, Refusal> {
        let schedule = self.get(id).ok_or_else(|| Refusal::NotFound {
            number: id.number,
            next: self.next_id(id.user).number,
        })?;
        let asked = schedule.request();
        self.check_asked(asked, at.today)?;
        let none = Quota::new();
        let has = schedule.quota().unwrap_or(&none);
        let devices = self.still_wanted(id, schedule, at);
        let devices = u32::try_from(devices).unwrap_or(u32::MAX);
        let devices = NonZeroU32::new(devices).ok_or_else(|| Refusal::AgreedInFull {
            devices: asked.devices.get(),
        })?;
        let more = Request { devices, ..*asked };
        let beside = Beside {
            user: id.user,
            has,
            id: Some(id),
        };
        Ok(self.fits_beside(&beside, &more, terms, at))
    }

    /// Likewise for a request beside what its User has of it on each day.
    fn fits_beside(
        &self,
        beside: &Beside<'_, U>,
        request: &Request,
        terms: &FitTerms,
        at: &At<'_, U>,
    ) -> Fits<U> {
        let most_on = |date| {
            request
                .per_day_max
                .get()
                .saturating_sub(beside.has.on(date))
        };
        let mut rooms = self.rooms(request, at, &Quota::new());
        let others = self.given_up_at_most(beside.user, at);
        for room in &mut rooms {
            // What others give up makes room on the day, and is not counted as room in the window.
            let in_window = self.free_in((terms.window, beside), room.date, at);
            let most = most_on(room.date).min(in_window);
            room.free = room.free.min(most);
            room.others = others.on(room.date).min(most - room.free);
        }
        let fit = |quota, replan| self.fit((request, beside), (quota, replan), terms, at);
        let in_time = rooms.partition_point(|room| room.date <= request.latest);
        let free = free_quota(request, &rooms);
        Fits {
            earliest_end: self
                .with_moves((beside.user, terms.window), request, &rooms, at)
                .map(|(quota, replan)| fit(quota, replan)),
            flattest: flattest(request, &rooms[..in_time]).map(|quota| fit(quota, nobody())),
            moves_nobody: free.map(|quota| fit(quota, nobody())),
        }
    }

    /// The earliest end with nobody moved and with `held` taken off what is free.
    pub(crate) fn free_fit(
        &self,
        request: &Request,
        held: &Quota,
        at: &At<'_, U>,
    ) -> Result<Quota, NoFit> {
        free_quota(request, &self.rooms(request, at, held))
    }

    fn rooms(&self, request: &Request, at: &At<'_, U>, held: &Quota) -> Vec<Room> {
        let ahead = i32::from(self.terms().days_ahead_max);
        let last = ServiceDate::from_days(at.today.days().saturating_add(ahead));
        let most = request.per_day_max.get();
        let at_most = |units: u64| u32::try_from(units).map_or(most, |units| units.min(most));
        let rooms = dates(request.earliest.max(at.today), last).map(|date| {
            let free = at_most(self.free(date).saturating_sub(held.on(date).into()));
            Room {
                date,
                free,
                others: 0,
            }
        });
        rooms.collect()
    }

    /// The earliest last day by which, others moved, all fits: looked for by halving, because every later last day
    /// needs less of others.
    fn with_moves(
        &self,
        (user, window): (U, Option<HourWindow>),
        request: &Request,
        rooms: &[Room],
        at: &At<'_, U>,
    ) -> Result<(Quota, Replan<U>), NoFit> {
        let need = |days: usize| {
            let (quota, units) = with_others(request, &rooms[..days])?;
            let need = Need {
                units,
                held: quota.clone(),
                held_in: window,
                newcomer: Some(user),
            };
            Some((quota, need))
        };
        let is_enough = |days: usize| {
            need(days).is_some_and(|(_, need)| self.movable(&need, at) == need.units.total())
        };
        let (mut short, mut enough) = (0, rooms.len());
        while short < enough {
            let middle = short + (enough - short) / 2;
            if is_enough(middle) {
                enough = middle;
            } else {
                short = middle + 1;
            }
        }
        let found = need(enough).filter(|_| is_enough(enough));
        let (quota, need) = found.ok_or_else(|| no_fit(request, rooms))?;
        let replan = self.replan(&need, at);
        Ok((quota, replan))
    }

    /// Units that are free in a window of a day beside what the schedule has on it, in whichever hours that leaves by now; no limit
    /// without a window.
    fn free_in(
        &self,
        (window, beside): (Option<HourWindow>, &Beside<'_, U>),
        date: ServiceDate,
        at: &At<'_, U>,
    ) -> u32 {
        let own = beside.id.map_or(0, |id| {
            still_to_leave(id, (date, beside.has.on(date)), at).into()
        });
        let others = |window| self.window_day_left(date, beside.id, at).room(window);
        let room = window.map(|window| others(window).saturating_sub(own));
        room.map_or(u32::MAX, |room| u32::try_from(room).unwrap_or(u32::MAX))
    }

    fn fit(
        &self,
        (request, beside): (&Request, &Beside<'_, U>),
        (quota, replan): (Quota, Replan<U>),
        terms: &FitTerms,
        at: &At<'_, U>,
    ) -> Fit<U> {
        let before = i32::from(terms.in_flight_days.saturating_sub(1));
        let days = quota.days().map(|(date, units)| {
            let in_window = self.free_in((terms.window, beside), date, at);
            let free_before = self.free(date).min(in_window.into());
            let day: ServiceDay = at.calendar.day(date);
            // The Target Response Time begins with the hours in which it can be released.
            let opens_us = |window: HourWindow| window.on(&day, &at.calendar.hours(&day)).0;
            let start_us = terms.window.map_or(day.start_us, opens_us).max(at.now_us);
            let first = ServiceDate::from_days(date.days().saturating_sub(before));
            let in_flight = dates(first, date)
                .map(|date| self.may_be_released(date, &quota))
                .sum();
            FitDay {
                date,
                free_before,
                quota: units,
                free_after: free_before.saturating_sub(units.into()),
                due_us: start_us.saturating_add(terms.trt_us),
                in_flight,
                in_flight_ok: in_flight <= terms.in_flight_max,
            }
        });
        Fit {
            days: days.collect(),
            ends_late: quota.last() > Some(request.latest),
            replan,
            quota,
        }
    }

    /// What may be released on a day with an offer on top: never more than the day's capacity.
    fn may_be_released(&self, date: ServiceDate, offered: &Quota) -> u64 {
        let capacity = self.plan().capacity(date);
        let reserved = self.terms().reserve.of(capacity).total();
        let planned = self.agreed_on(date) + reserved + u64::from(offered.on(date));
        planned.min(capacity.into())
    }
}

const fn nobody<U>() -> Replan<U> {
    Replan {
        amendments: Vec::new(),
        left: Quota::new(),
    }
}

fn no_fit(request: &Request, rooms: &[Room]) -> NoFit {
    let first = rooms.first().map_or(request.earliest, |room| room.date);
    NoFit {
        wanted: request.devices.get(),
        room: rooms.iter().map(|room| u64::from(room.free)).sum(),
        from: first,
        to: rooms.last().map_or(first, |room| room.date),
    }
}

/// As early as can be, from what is free.
fn free_quota(request: &Request, rooms: &[Room]) -> Result<Quota, NoFit> {
    let mut wanted = request.devices.get();
    let quota = filled(&mut wanted, rooms.iter().map(|room| (room.date, room.free)));
    if wanted == 0 {
        Ok(quota)
    } else {
        Err(no_fit(request, rooms))
    }
}

/// From what is free first, and the rest from what others might give up; the second quota is that rest.
fn with_others(request: &Request, rooms: &[Room]) -> Option<(Quota, Quota)> {
    let mut wanted = request.devices.get();
    let free = filled(&mut wanted, rooms.iter().map(|room| (room.date, room.free)));
    let others = filled(
        &mut wanted,
        rooms.iter().map(|room| (room.date, room.others)),
    );
    let quota = free.days().chain(others.days()).collect();
    (wanted == 0).then_some((quota, others))
}

fn filled(wanted: &mut u32, days: impl Iterator<Item = (ServiceDate, u32)>) -> Quota {
    let days = days.map(|(date, room)| {
        let units = room.min(*wanted);
        *wanted -= units;
        (date, units)
    });
    days.collect()
}

/// The lowest peak that is enough, found by halving; what it has too much is left out at the end.
fn flattest(request: &Request, rooms: &[Room]) -> Result<Quota, NoFit> {
    let mut wanted = request.devices.get();
    let holds = |peak: u32| -> u64 {
        rooms
            .iter()
            .map(|room| u64::from(room.free.min(peak)))
            .sum()
    };
    let (mut low, mut high) = (0, request.per_day_max.get());
    if holds(high) < u64::from(wanted) {
        return Err(no_fit(request, rooms));
    }
    while low != high {
        let middle = low + (high - low) / 2;
        if holds(middle) >= u64::from(wanted) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(filled(
        &mut wanted,
        rooms.iter().map(|room| (room.date, room.free.min(high))),
    ))
}

#[cfg(test)]
mod tests;
