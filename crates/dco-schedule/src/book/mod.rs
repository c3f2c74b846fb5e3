//! All schedules together: what is agreed on each service day, and what waits for a second officer.

mod admit;
mod causes;
mod decide;
mod four_eyes;
mod quotas;
mod refusal;
mod time;
mod view;
mod windows;

pub use admit::{BatchAsked, BatchRefusal, ExceedsAgreed};
pub use decide::{Ask, Asker};
pub use four_eyes::Pending;
pub use refusal::{DayShort, DayTaken, MoveRefusal, Refusal};
pub use view::{DayCapacity, OwnCapacity};
pub(crate) use windows::still_to_leave;
pub use windows::{CrowdedWindow, FullHours, WindowShort};

use std::collections::BTreeMap;

use crate::{
    Calendar, CapacityPlan, CapacitySet, HourProfile, Ledger, Micros, Quota, Reserve, Schedule,
    ScheduleId, ServiceDate, Signed, Step,
};

/// What holds for every schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookTerms {
    /// What agreements must leave free on every service day.
    pub reserve: Reserve,
    /// The shortest time that the other side must have to answer.
    pub answer_us_min: Micros,
    /// How long an act waits for a second officer.
    pub pending_us: Micros,
    /// How often the Service Desk may propose to move one schedule.
    pub moves_max: u32,
    /// How many schedules of one User may be under way or agreed at once.
    pub open_max: u32,
    /// How many days ahead a quota may reach.
    pub days_ahead_max: u16,
    /// Whether images that are not large use up allowance. They are never refused.
    pub small_uses_allowance: bool,
}

impl Default for BookTerms {
    /// A day to answer, a day to approve, two moves, 20 schedules of a User, 400 days ahead.
    fn default() -> Self {
        const DAY_US: Micros = 86_400_000_000;
        Self {
            reserve: Reserve::default(),
            answer_us_min: DAY_US,
            pending_us: DAY_US,
            moves_max: 2,
            open_max: 20,
            days_ahead_max: 400,
            small_uses_allowance: false,
        }
    }
}

/// The moment at which something is decided.
#[derive(Clone, Copy, Debug)]
pub struct At<'a, U> {
    /// The engine's time.
    pub now_us: Micros,
    /// The service day that is open.
    pub today: ServiceDate,
    /// What was sent so far.
    pub ledger: &'a Ledger<U>,
    /// What of it has not left yet.
    pub unreleased: &'a dyn Unreleased<U>,
    /// When service days and their hours start and end.
    pub calendar: &'a Calendar,
}

/// What was sent under schedules and has not left.
pub trait Unreleased<U>: std::fmt::Debug {
    /// Units of what was sent for a service day under a schedule that wait to be released, or to be tried again.
    fn unreleased(&self, id: ScheduleId<U>, date: ServiceDate) -> u32;
}

impl<U: Ord + Copy + std::fmt::Debug> Unreleased<U>
    for BTreeMap<(ScheduleId<U>, ServiceDate), u32>
{
    fn unreleased(&self, id: ScheduleId<U>, date: ServiceDate) -> u32 {
        self.get(&(id, date)).copied().unwrap_or(0)
    }
}

/// One change of the book. Live and replayed books change by [`Book::apply`] of these alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<U> {
    /// A step of a schedule.
    Step {
        /// Which schedule.
        id: ScheduleId<U>,
        /// What was done.
        step: Step<U>,
    },
    /// An act waits for a second officer.
    Pended(Pending<U>),
    /// A second officer approved: the step is taken.
    Approved {
        /// Which act.
        action: u64,
        /// Which schedule.
        id: ScheduleId<U>,
        /// What was done, signed by both.
        step: Step<U>,
    },
    /// An act that waited for a second officer does not happen.
    Closed {
        /// Which act.
        action: u64,
        /// Who declined it, or time.
        signed: Signed<U>,
    },
    /// Capacity or profile is set.
    Capacity(CapacitySet<U>),
}

/// All schedules, the capacity they share, and what is agreed on each service day.
///
/// Decisions change nothing and give a [`Change`] or a [`Refusal`]; [`apply`](Self::apply) takes a change. Promises:
/// no agreement takes a day beyond its capacity less the reserve (only a drop of capacity can); what is agreed
/// changes with its User's word or that of two officers; every change is kept, and makes the same book again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book<U> {
    terms: BookTerms,
    plan: CapacityPlan<U>,
    schedules: BTreeMap<ScheduleId<U>, Schedule<U>>,
    /// Sums of all agreed quotas. Days with nothing agreed have no entry.
    agreed: BTreeMap<ServiceDate, u64>,
    pending: BTreeMap<u64, Pending<U>>,
    next_action: u64,
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// A book without schedules.
    pub const fn new(terms: BookTerms, plan: CapacityPlan<U>) -> Self {
        Self {
            terms,
            plan,
            schedules: BTreeMap::new(),
            agreed: BTreeMap::new(),
            pending: BTreeMap::new(),
            next_action: 1,
        }
    }

    /// Takes a change; `None`, with nothing changed, if it does not fit: then it was not decided by this book.
    pub fn apply(&mut self, change: &Change<U>) -> Option<()> {
        match change {
            Change::Step { id, step } => self.apply_step(*id, step)?,
            Change::Pended(pending) => {
                self.pending.insert(self.next_action, pending.clone());
                self.next_action += 1;
            }
            Change::Approved { action, id, step } => {
                self.pending.get(action)?;
                self.apply_step(*id, step)?;
                self.pending.remove(action);
            }
            Change::Closed { action, .. } => {
                self.pending.remove(action)?;
            }
            Change::Capacity(set) => self.plan.apply(set),
        }
        Some(())
    }

    fn apply_step(&mut self, id: ScheduleId<U>, step: &Step<U>) -> Option<()> {
        let Some(schedule) = self.schedules.get_mut(&id) else {
            let begun = (id == self.next_id(id.user)).then(|| Schedule::begin(step.clone()))??;
            self.schedules.insert(id, begun);
            return Some(());
        };
        let before = schedule.quota().cloned().unwrap_or_default();
        schedule.apply(step.clone())?;
        let after = schedule.quota().cloned().unwrap_or_default();
        self.recount(&before, &after);
        Some(())
    }

    fn recount(&mut self, before: &Quota, after: &Quota) {
        for (date, units) in after.days() {
            *self.agreed.entry(date).or_default() += u64::from(units);
        }
        for (date, units) in before.days() {
            let left = self.agreed_on(date).saturating_sub(u64::from(units));
            if left == 0 {
                self.agreed.remove(&date);
            } else {
                self.agreed.insert(date, left);
            }
        }
    }

    /// The same book with another capacity and another profile for days for which none is set, and another reserve.
    #[must_use]
    pub fn configured(&self, capacity: u32, profile: HourProfile, reserve: Reserve) -> Self {
        let mut other = self.clone();
        other.plan.configure(capacity, profile);
        other.terms.reserve = reserve;
        other
    }

    /// The terms given at the start.
    pub const fn terms(&self) -> &BookTerms {
        &self.terms
    }

    /// Capacity and profile of each day.
    pub const fn plan(&self) -> &CapacityPlan<U> {
        &self.plan
    }

    /// One schedule.
    pub fn get(&self, id: ScheduleId<U>) -> Option<&Schedule<U>> {
        self.schedules.get(&id)
    }

    /// Every schedule, by User and number.
    pub fn schedules(&self) -> impl Iterator<Item = (ScheduleId<U>, &Schedule<U>)> {
        self.schedules.iter().map(|(id, schedule)| (*id, schedule))
    }

    /// The schedules of one User, by number.
    pub fn of_user(
        &self,
        user: U,
    ) -> impl DoubleEndedIterator<Item = (ScheduleId<U>, &Schedule<U>)> {
        let id = |number| ScheduleId { user, number };
        let own = self.schedules.range(id(0)..=id(u32::MAX));
        own.map(|(id, schedule)| (*id, schedule))
    }

    /// The id that a User's next request must name.
    pub fn next_id(&self, user: U) -> ScheduleId<U> {
        let last = self.of_user(user).next_back();
        let number = last.map_or(1, |(id, _)| id.number.saturating_add(1));
        ScheduleId { user, number }
    }

    /// Units agreed for each day from `date` on that has any, over all Users, earliest first.
    pub fn agreed_from(&self, date: ServiceDate) -> impl Iterator<Item = (ServiceDate, u64)> + '_ {
        self.agreed
            .range(date..)
            .map(|(date, units)| (*date, *units))
    }

    /// Units agreed for a day, over all Users.
    pub fn agreed_on(&self, date: ServiceDate) -> u64 {
        self.agreed.get(&date).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
