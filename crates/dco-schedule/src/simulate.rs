//! What if? How days fill and when Users finish, in counts per batch and day.
//!
//! The days pass as they do in the [`Outlook`] by which batches are predicted: the rules of release, with what is agreed
//! and not sent yet on top. The reserve binds what is agreed and not what is released. Requests
//! are tried as offers that move nobody, for the whole day, in the order given. The model leaves out what nobody can foresee: failures
//! beyond the retry reserve, gateways that go away, batches that are never sent.

use std::collections::BTreeMap;

use crate::replan::dates;
use crate::{
    At, Book, HourWindow, NoFit, Outlook, Pacing, Quota, Request, ServiceDate, Source, Waiting,
};

/// What is tried.
#[derive(Clone, Debug)]
pub struct WhatIf<U> {
    /// Requests that could be agreed, first come first.
    pub requests: Vec<(U, Request)>,
    /// What is sent and not yet released: each User's in the order in which it goes.
    pub waiting: Vec<Waiting<U>>,
    /// How that leaves today.
    pub pacing: Pacing<U>,
    /// Service days until a batch is due, counted from the one it is sent for: five for the TRT.
    pub trt_days: u16,
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
    /// What may be released: the capacity, for today less what is released already and as far as the hours left have a weight.
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
        let mut unsent = self.unsent(at);
        for (user, request) in &what_if.requests {
            let quota = self.free_fit(request, &held, at);
            for (date, units) in quota.iter().flat_map(Quota::days) {
                held.add(date, units);
                unsent.push(not_sent((*user, date), units, None));
            }
            quotas.push(quota);
        }
        let pacing = with_shares_of(&unsent, &what_if.pacing, at.today);
        let work = in_order(&what_if.waiting, unsent);
        let mut outlook = self.outlook(work, &pacing, *at);
        // Twice as far as quotas reach: what is carried over beyond the last quota has time to leave.
        let ahead = i32::from(self.terms().days_ahead_max).saturating_mul(2);
        let last = ServiceDate::from_days(at.today.days().saturating_add(ahead));
        let mut days = Vec::new();
        for date in dates(at.today, last) {
            if outlook.is_done() {
                break;
            }
            let day = outlook.next_day();
            days.push(SimulatedDay {
                date,
                available: day.available,
                free: self.free(date).saturating_sub(held.on(date).into()),
                released: day.released,
                carried: day.carried,
            });
        }
        Simulation {
            quotas,
            days,
            users: users_of(&outlook, what_if.trt_days),
        }
    }

    /// What is agreed and not sent yet.
    fn unsent(&self, at: &At<'_, U>) -> Vec<Waiting<U>> {
        let mut unsent = Vec::new();
        for (id, schedule) in self.schedules() {
            let Some(agreement) = schedule.state().agreement() else {
                continue;
            };
            let window = agreement.deal.terms.window;
            for (date, units) in agreement.deal.quota.days_from(at.today) {
                let source = Source::Schedule(id.number);
                let sent = at.ledger.sent(id.user, date, source);
                unsent.push(not_sent(
                    (id.user, date),
                    units.saturating_sub(sent),
                    window,
                ));
            }
        }
        unsent
    }
}

/// What will be sent for a day on that day.
fn not_sent<U>(
    (user, date): (U, ServiceDate),
    units: u32,
    window: Option<HourWindow>,
) -> Waiting<U> {
    Waiting {
        user,
        date,
        units,
        window,
        run_ahead: false,
    }
}

/// What is sent for today makes its User's share of today larger.
fn with_shares_of<U: Ord + Copy>(
    unsent: &[Waiting<U>],
    pacing: &Pacing<U>,
    today: ServiceDate,
) -> Pacing<U> {
    let mut pacing = pacing.clone();
    for waiting in unsent.iter().filter(|it| it.date <= today) {
        if let Some(weight) = pacing.weights.get_mut(&waiting.user) {
            *weight += u64::from(waiting.units);
        }
    }
    pacing
}

/// What is sent keeps its order; what is not comes after all that is sent for its day or for one before it.
fn in_order<U: Ord + Copy>(sent: &[Waiting<U>], unsent: Vec<Waiting<U>>) -> Vec<Waiting<U>> {
    let mut latest: BTreeMap<U, ServiceDate> = BTreeMap::new();
    let sent = sent.iter().map(|waiting| {
        let latest = latest.entry(waiting.user).or_insert(waiting.date);
        *latest = waiting.date.max(*latest);
        (*latest, *waiting)
    });
    let mut all: Vec<_> = sent.collect();
    all.extend(unsent.into_iter().map(|waiting| (waiting.date, waiting)));
    all.sort_by_key(|(date, _)| *date);
    all.into_iter().map(|(_, waiting)| waiting).collect()
}

/// What never left is at risk too.
fn users_of<U: Ord + Copy + std::fmt::Debug>(
    outlook: &Outlook<'_, U>,
    trt_days: u16,
) -> BTreeMap<U, SimulatedUser> {
    let mut users: BTreeMap<U, SimulatedUser> = BTreeMap::new();
    for (waiting, last) in outlook.releases() {
        let released = last.map(|(date, _)| date);
        let first = !users.contains_key(&waiting.user);
        let user = users.entry(waiting.user).or_default();
        user.units += u64::from(waiting.units);
        user.finish = match (released, user.finish) {
            (Some(date), None) if first => Some(date),
            (Some(date), Some(finish)) => Some(finish.max(date)),
            _ => None,
        };
        let risk = at_risk(waiting.date, released, trt_days.into());
        let risk = risk.filter(|risk| user.at_risk.last() != Some(risk));
        user.at_risk.extend(risk);
    }
    users
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
