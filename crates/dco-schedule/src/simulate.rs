//! What if? How days fill and when Users finish, in counts per batch and day.
//!
//! The rules are those of release: on each service day Users share what may be released by the weight of what they
//! have sent for it and carried over ([`Share`]); inside a User the earliest due goes first. Requests
//! are tried as offers that move nobody, in the order given. The model leaves out what nobody can foresee: failures
//! beyond the retry reserve, gateways that go away, batches that are never sent.

use std::collections::BTreeMap;

use crate::replan::dates;
use crate::{At, Book, NoFit, Quota, Request, ScheduleId, ServiceDate, Share, Source};

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
    /// What schedules may use: the capacity less the reserve, and for today less what is released already.
    pub available: u64,
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
    /// Whether nothing more could be released on it.
    pub fn is_full(&self) -> bool {
        self.released.values().sum::<u64>() >= self.available
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
                work.add(*user, date, units.into());
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
            run.pass(date, self.available(date, at));
        }
        Simulation {
            quotas,
            ..run.finish()
        }
    }

    fn available(&self, date: ServiceDate, at: &At<'_, U>) -> u64 {
        let capacity = self.plan().capacity(date);
        let reserved = self.terms().reserve.of(capacity).total();
        let released = at.ledger.released(date);
        u64::from(capacity)
            .saturating_sub(reserved)
            .min(u64::from(capacity.saturating_sub(released)))
    }

    /// What waits, and what is agreed and not sent yet.
    fn known_work(&self, what_if: &WhatIf<U>, at: &At<'_, U>) -> Work<U> {
        let mut work = Work::default();
        for waiting in &what_if.waiting {
            work.add(waiting.user, waiting.date, waiting.units.into());
        }
        for (id, schedule) in self.schedules() {
            for (date, units) in schedule
                .quota()
                .into_iter()
                .flat_map(|it| it.days_from(at.today))
            {
                work.add(id.user, date, unsent(id, date, units, at));
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

/// Units by the day they are sent for and by User.
#[derive(Debug)]
struct Work<U>(BTreeMap<ServiceDate, BTreeMap<U, u64>>);

impl<U> Default for Work<U> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<U: Ord> Work<U> {
    fn add(&mut self, user: U, date: ServiceDate, units: u64) {
        if units > 0 {
            *self.0.entry(date).or_default().entry(user).or_default() += units;
        }
    }
}

/// Days passing one after the other.
struct Run<U> {
    to_come: Work<U>,
    /// What waits of each User, by the day it was sent for.
    waiting: BTreeMap<U, BTreeMap<ServiceDate, u64>>,
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

    fn pass(&mut self, date: ServiceDate, available: u64) {
        self.begin(date);
        let wants = self.wants();
        let released = Share::of(&wants, &wants).served(available);
        for (user, units) in &released {
            self.release(*user, date, *units);
        }
        self.waiting.retain(|_, batches| !batches.is_empty());
        self.days.push(SimulatedDay {
            date,
            available,
            released,
            carried: self.wants().values().sum(),
        });
    }

    /// What was parked for this day, or an earlier one, waits from now on.
    fn begin(&mut self, date: ServiceDate) {
        while let Some(entry) = self.to_come.0.first_entry().filter(|it| *it.key() <= date) {
            let sent_for = *entry.key();
            for (user, units) in entry.remove() {
                self.users.entry(user).or_default().units += units;
                let batches = self.waiting.entry(user).or_default();
                *batches.entry(sent_for).or_default() += units;
            }
        }
    }

    fn wants(&self) -> BTreeMap<U, u64> {
        let users = self.waiting.iter();
        users
            .map(|(user, batches)| (*user, batches.values().sum()))
            .collect()
    }

    /// The earliest due goes first.
    fn release(&mut self, user: U, date: ServiceDate, mut units: u64) {
        let batches = self.waiting.entry(user).or_default();
        let seen = self.users.entry(user).or_default();
        while let Some(mut first) = batches.first_entry().filter(|_| units > 0) {
            let part = units.min(*first.get());
            units -= part;
            *first.get_mut() -= part;
            if *first.get() == 0 {
                let (sent_for, _) = first.remove_entry();
                seen.finish = Some(date);
                seen.at_risk
                    .extend(at_risk(sent_for, Some(date), self.trt_days));
            }
        }
    }

    /// What never left is at risk too.
    fn finish(mut self) -> Simulation<U> {
        for (user, batches) in &self.waiting {
            let seen = self.users.entry(*user).or_default();
            seen.finish = None;
            let never = batches
                .keys()
                .filter_map(|date| at_risk(*date, None, self.trt_days));
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
