//! What if? How days fill and when Users finish, in counts per batch and day.
//!
//! The rules are those of release: on each service day Users share what may be released by the weight of what they
//! have sent for it and carried over ([`Share`]); inside a User the earliest due goes first, and work of a window leaves
//! only so far as its hours carry. The reserve binds what is agreed and not what is released. Requests
//! are tried as offers that move nobody, for the whole day, in the order given. The model leaves out what nobody can foresee: failures
//! beyond the retry reserve, gateways that go away, batches that are never sent.

use std::collections::BTreeMap;

use crate::replan::dates;
use crate::{At, Book, HourWindow, NoFit, Quota, Request, ScheduleId, ServiceDate, Share, Source};

/// What is tried.
#[derive(Clone, Debug)]
pub struct WhatIf<U> {
    /// Requests that could be agreed, first come first.
    pub requests: Vec<(U, Request)>,
    /// What is sent and not yet released.
    pub waiting: Vec<Waiting<U>>,
    /// Service days until a batch is due, counted from the one it is sent for: five for the TRT.
    pub trt_days: u16,
}

/// Work that is sent and waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting<U> {
    /// Whose.
    pub user: U,
    /// The service day it was sent for.
    pub date: ServiceDate,
    /// Units of it that were not released yet.
    pub units: u32,
    /// The hours in which it may leave; `None` for the whole day.
    pub window: Option<HourWindow>,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation<U> {
    /// For each request its quota, or why there is none.
    pub quotas: Vec<Result<Quota, NoFit>>,
    /// Each service day from today to the last one with anything to release.
    pub days: Vec<SimulatedDay<U>>,
    /// Each User with anything to release.
    pub users: BTreeMap<U, SimulatedUser>,
}

/// One service day of it, in units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedDay<U> {
    /// The day.
    pub date: ServiceDate,
    /// What may be released: the capacity, and for today less what is released already.
    pub available: u64,
    /// What can still be agreed for it beside what is tried.
    pub free: u64,
    /// What each User is served.
    pub released: BTreeMap<U, u64>,
    /// What waits for a later day.
    pub carried: u64,
}

/// What one User would see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimulatedUser {
    /// Units it has to release.
    pub units: u64,
    /// The day on which the last of them leaves; `None` if that is beyond the days looked at.
    pub finish: Option<ServiceDate>,
    /// Batches whose last unit leaves on the day before they are due, or later: their TRT is at risk.
    pub at_risk: Vec<AtRisk>,
}

/// A batch whose TRT is at risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRisk {
    /// The day it was sent for.
    pub date: ServiceDate,
    /// The day on which it is due.
    pub due: ServiceDate,
    /// The day on which its last unit leaves; `None` if that is beyond the days looked at.
    pub released: Option<ServiceDate>,
}

impl<U> SimulatedDay<U> {
    /// Whether nothing more could be agreed for it, or released on it.
    pub fn is_full(&self) -> bool {
        self.free == 0 || self.released.values().sum::<u64>() >= self.available
    }
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// Tries requests on top of what is agreed and sent. The book itself is not changed.
    pub fn simulate(&self, what_if: &WhatIf<U>, at: &At<'_, U>) -> Simulation<U> {
        let mut held = Quota::new();
        let mut quotas = Vec::new();
        let mut work = self.known_work(what_if, at);
        for (user, request) in &what_if.requests {
            let quota = self.free_fit(request, &held, at);
            for (date, units) in quota.iter().flat_map(Quota::days) {
                held.add(date, units);
                work.add(*user, (date, None), units.into());
            }
            quotas.push(quota);
        }
        let mut run = Run::new(work, what_if.trt_days);
        // Twice as far as quotas reach: what is carried over beyond the last quota has time to leave.
        let ahead = i32::from(self.terms().days_ahead_max).saturating_mul(2);
        let last = ServiceDate::from_days(at.today.days().saturating_add(ahead));
        for date in dates(at.today, last) {
            if run.is_done() {
                break;
            }
            let carries = |window| self.carries_yet(window, date, at);
            let day = SimulatedDay {
                date,
                available: self.available(date, at),
                free: self.free(date).saturating_sub(held.on(date).into()),
                released: BTreeMap::new(),
                carried: 0,
            };
            run.pass(day, carries);
        }
        Simulation {
            quotas,
            ..run.finish()
        }
    }

    fn available(&self, date: ServiceDate, at: &At<'_, U>) -> u64 {
        let capacity = self.plan().capacity(date);
        capacity.saturating_sub(at.ledger.released(date)).into()
    }

    /// What waits, and what is agreed and not sent yet.
    fn known_work(&self, what_if: &WhatIf<U>, at: &At<'_, U>) -> Work<U> {
        let mut work = Work::default();
        for waiting in &what_if.waiting {
            let line = (waiting.date, waiting.window);
            work.add(waiting.user, line, waiting.units.into());
        }
        for (id, schedule) in self.schedules() {
            let Some(agreement) = schedule.state().agreement() else {
                continue;
            };
            let window = agreement.deal.terms.window;
            for (date, units) in agreement.deal.quota.days_from(at.today) {
                work.add(id.user, (date, window), unsent(id, date, units, at));
            }
        }
        work
    }
}

fn unsent<U: Ord + Copy + std::fmt::Debug>(
    id: ScheduleId<U>,
    date: ServiceDate,
    units: u32,
    at: &At<'_, U>,
) -> u64 {
    let sent = at.ledger.sent(id.user, date, Source::Schedule(id.number));
    units.saturating_sub(sent).into()
}

/// What of a User's work leaves alike: the day it is sent for, and the hours in which it may leave.
type Line = (ServiceDate, Option<HourWindow>);

/// Units by the day they are sent for and their window, and by User.
#[derive(Debug)]
struct Work<U>(BTreeMap<Line, BTreeMap<U, u64>>);

impl<U> Default for Work<U> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<U: Ord> Work<U> {
    fn add(&mut self, user: U, line: Line, units: u64) {
        if units > 0 {
            *self.0.entry(line).or_default().entry(user).or_default() += units;
        }
    }
}

/// What each User may have of each window on one day.
type Budgets<U> = BTreeMap<HourWindow, BTreeMap<U, u64>>;

/// Days passing one after the other.
struct Run<U> {
    to_come: Work<U>,
    /// What waits of each User.
    waiting: BTreeMap<U, BTreeMap<Line, u64>>,
    trt_days: i32,
    days: Vec<SimulatedDay<U>>,
    users: BTreeMap<U, SimulatedUser>,
}

impl<U: Ord + Copy> Run<U> {
    fn new(to_come: Work<U>, trt_days: u16) -> Self {
        Self {
            to_come,
            waiting: BTreeMap::new(),
            trt_days: trt_days.into(),
            days: Vec::new(),
            users: BTreeMap::new(),
        }
    }

    fn is_done(&self) -> bool {
        self.to_come.0.is_empty() && self.waiting.is_empty()
    }

    fn pass(&mut self, day: SimulatedDay<U>, carries: impl Fn(HourWindow) -> u64) {
        self.begin(day.date);
        let budgets = self.budgets(carries);
        let wants = self.wants(&budgets);
        let released = Share::of(&wants, &self.waits()).served(day.available);
        for (user, units) in &released {
            self.release(*user, day.date, *units, &budgets);
        }
        self.waiting.retain(|_, lines| !lines.is_empty());
        self.days.push(SimulatedDay {
            released,
            carried: self.waits().values().sum(),
            ..day
        });
    }

    /// What was parked for this day, or an earlier one, waits from now on.
    fn begin(&mut self, date: ServiceDate) {
        while let Some(entry) = self.to_come.0.first_entry().filter(|it| it.key().0 <= date) {
            let line = *entry.key();
            for (user, units) in entry.remove() {
                self.users.entry(user).or_default().units += units;
                let lines = self.waiting.entry(user).or_default();
                *lines.entry(line).or_default() += units;
            }
        }
    }

    /// What waits of each User.
    fn waits(&self) -> BTreeMap<U, u64> {
        let users = self.waiting.iter();
        users
            .map(|(user, lines)| (*user, lines.values().sum()))
            .collect()
    }

    /// Users share what the hours of a window carry as they share the day.
    fn budgets(&self, carries: impl Fn(HourWindow) -> u64) -> Budgets<U> {
        let mut wants: Budgets<U> = BTreeMap::new();
        for (user, lines) in &self.waiting {
            for ((_, window), units) in lines {
                if let Some(window) = window {
                    let users = wants.entry(*window).or_default();
                    *users.entry(*user).or_default() += units;
                }
            }
        }
        let shared = |(window, wants): (HourWindow, BTreeMap<U, u64>)| {
            let shares = Share::of(&wants, &wants).served(carries(window));
            (window, shares)
        };
        wants.into_iter().map(shared).collect()
    }

    /// What of each User can leave today: what has no window, and of each window what its hours carry.
    fn wants(&self, budgets: &Budgets<U>) -> BTreeMap<U, u64> {
        let mut wants: BTreeMap<U, u64> = BTreeMap::new();
        for (user, lines) in &self.waiting {
            let any_hour = lines.iter().filter(|((_, window), _)| window.is_none());
            wants.insert(*user, any_hour.map(|(_, units)| units).sum());
        }
        for (user, units) in budgets.values().flatten() {
            *wants.entry(*user).or_default() += units;
        }
        wants
    }

    /// The earliest due goes first.
    fn release(&mut self, user: U, date: ServiceDate, mut units: u64, budgets: &Budgets<U>) {
        let of_user = |(window, users): (&HourWindow, &BTreeMap<U, u64>)| {
            let left = users.get(&user).copied().unwrap_or(0);
            (*window, left)
        };
        let mut budgets: BTreeMap<_, _> = budgets.iter().map(of_user).collect();
        let lines = self.waiting.entry(user).or_default();
        let seen = self.users.entry(user).or_default();
        for ((sent_for, window), left) in lines.iter_mut() {
            let budget = window.and_then(|window| budgets.get_mut(&window));
            let most = budget.as_ref().map_or(u64::MAX, |budget| **budget);
            let part = units.min(*left).min(most);
            units -= part;
            *left -= part;
            if let Some(budget) = budget {
                *budget -= part;
            }
            if *left == 0 {
                seen.finish = Some(date);
                seen.at_risk
                    .extend(at_risk(*sent_for, Some(date), self.trt_days));
            }
        }
        lines.retain(|_, left| *left > 0);
    }

    /// What never left is at risk too.
    fn finish(mut self) -> Simulation<U> {
        for (user, lines) in &self.waiting {
            let seen = self.users.entry(*user).or_default();
            seen.finish = None;
            let never = lines
                .keys()
                .filter_map(|(date, _)| at_risk(*date, None, self.trt_days));
            seen.at_risk.extend(never);
        }
        Simulation {
            quotas: Vec::new(),
            days: self.days,
            users: self.users,
        }
    }
}

fn at_risk(date: ServiceDate, released: Option<ServiceDate>, trt_days: i32) -> Option<AtRisk> {
    let due = ServiceDate::from_days(date.days().saturating_add(trt_days));
    let in_time = released.is_some_and(|released| released < due.previous());
    (!in_time).then_some(AtRisk {
        date,
        due,
        released,
    })
}

#[cfg(test)]
mod tests;
