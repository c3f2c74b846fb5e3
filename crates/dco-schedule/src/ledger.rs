//! Exact counts of units released and sent, per service day and User.

use std::collections::BTreeMap;
use std::fmt::Debug;

use thiserror::Error;

use crate::ServiceDate;

/// Counts units per service day: what was *released* against the capacity of all Users together, and
/// what was *sent* against each User's allowance and schedules.
///
/// The two are independent: a release never changes what was sent, and the reverse.
#[derive(Clone, Debug)]
pub struct Ledger<U> {
    terms: LedgerTerms,
    days: BTreeMap<ServiceDate, Day<U>>,
    /// The latest day that was opened; all before it are closed for good.
    open: Option<ServiceDate>,
}

/// What holds on every service day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerTerms {
    /// Large activations a User may send for one service day without a delivery schedule.
    pub allowance_per_day: u32,
}

/// What a sent batch is covered by: exactly one source covers all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The allowance for a service day without a delivery schedule.
    Allowance,
    /// The User's delivery schedule of this number.
    Schedule(u32),
}

impl Source {
    /// The number of the schedule, where it is one.
    pub const fn schedule(self) -> Option<u32> {
        match self {
            Self::Allowance => None,
            Self::Schedule(number) => Some(number),
        }
    }
}

/// No unit is left of the service day's capacity, or the day is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "service day {date} has {released} units released of a capacity of {capacity}; \
     expected at least one left; wait for the next service day or raise the capacity"
)]
pub struct OverCapacity {
    /// The day that was to be charged.
    pub date: ServiceDate,
    /// The capacity in force; 0 if the day is not open.
    pub capacity: u32,
    /// Units released on that day so far.
    pub released: u32,
}

/// No unit is left of the service day for the security lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OverSecurity {
    /// The day itself has none left.
    #[error(transparent)]
    Capacity(#[from] OverCapacity),
    /// The lane has had its bound.
    #[error(
        "the security lane has released {released} units on service day {date} and may release {limit}; expected at \
         least one left; release it in the ordinary line, or wait for the next service day"
    )]
    Bound {
        /// The day that was to be charged.
        date: ServiceDate,
        /// What the lane may release on it.
        limit: u32,
        /// What it has released on it.
        released: u32,
    },
}

/// More large activations than the User's allowance for the day leaves room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{requested} more large activations do not fit: {used} of the {limit} that a User may send for \
     one service day without a delivery schedule are used; send fewer, send for another day, or \
     agree a delivery schedule with the Service Desk"
)]
pub struct OverAllowance {
    /// The allowance for one service day.
    pub limit: u32,
    /// What the User has sent for that day so far.
    pub used: u32,
    /// What was asked for on top.
    pub requested: u32,
}

/// What one service day was used for, over all Users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayUse {
    /// The day.
    pub date: ServiceDate,
    /// The capacity last in force; `None` if the day was never opened.
    pub capacity: Option<u32>,
    /// Units released on it, refunds taken off.
    pub released: u32,
    /// Released to work of a later service day, because nobody else had any ready; part of `released`.
    pub lent: u32,
    /// Released through the security lane; part of `released`.
    pub security: u32,
    /// Large activations sent for it under the allowance.
    pub sent: u32,
}

/// One service day as the ledger has it: what [`Ledger::kept`] gives and [`Ledger::resume`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerDay<U> {
    /// The day.
    pub date: ServiceDate,
    /// The capacity last in force; `None` if the day was never opened.
    pub capacity: Option<u32>,
    /// Each User's counts, in order of the Users.
    pub users: Vec<LedgerUse<U>>,
}

/// One User's counts on one service day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerUse<U> {
    /// Whose.
    pub user: U,
    /// Units released, refunds taken off.
    pub released: u32,
    /// Those of them that were released to work of a later day.
    pub lent: u32,
    /// Those of them that were released through the security lane.
    pub security: u32,
    /// Activations sent for the day, by what covers them.
    pub sent: BTreeMap<Source, u32>,
}

/// What was kept of a ledger is not what a ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the ledger of service day {date} cannot be taken up: {why}")]
pub struct InvalidLedger {
    /// Where it is wrong.
    pub date: ServiceDate,
    /// What is wrong.
    pub why: &'static str,
}

#[derive(Clone, Debug)]
struct Day<U> {
    capacity: Option<u32>,
    released: u32,
    lent: u32,
    security: u32,
    users: BTreeMap<U, UserDay>,
}

#[derive(Clone, Debug, Default)]
struct UserDay {
    released: u32,
    lent: u32,
    security: u32,
    sent: BTreeMap<Source, u32>,
}

impl<U: Ord + Copy + Debug> Ledger<U> {
    /// An empty ledger with no day open.
    pub const fn new(terms: LedgerTerms) -> Self {
        Self {
            terms,
            days: BTreeMap::new(),
            open: None,
        }
    }

    /// The terms given at the start.
    pub const fn terms(&self) -> LedgerTerms {
        self.terms
    }

    /// Opens a service day with its capacity in units, and closes every earlier one.
    ///
    /// Says whether it did: a day that is open already, or that lies before an opened one, stays as
    /// it is, because a closed service day never reopens.
    pub fn open_day(&mut self, date: ServiceDate, capacity: u32) -> bool {
        if self.open >= Some(date) {
            return false;
        }
        self.open = Some(date);
        self.day_mut(date).capacity = Some(capacity);
        true
    }

    /// Sets the capacity, in units, from now on. Below what is already released, nothing more goes
    /// on that day. Says whether the day is open; otherwise nothing changes.
    pub fn set_capacity(&mut self, date: ServiceDate, capacity: u32) -> bool {
        let is_open = self.is_open(date);
        if is_open {
            self.day_mut(date).capacity = Some(capacity);
        }
        is_open
    }

    /// Whether units may be charged to this day: it was opened and no later one was.
    pub fn is_open(&self, date: ServiceDate) -> bool {
        self.open == Some(date)
    }

    /// The capacity last in force on `date`, in units; `None` if the day was never opened.
    pub fn capacity(&self, date: ServiceDate) -> Option<u32> {
        self.days.get(&date).and_then(|day| day.capacity)
    }

    /// Units released on `date` over all Users, refunds taken off.
    pub fn released(&self, date: ServiceDate) -> u32 {
        self.days.get(&date).map_or(0, |day| day.released)
    }

    /// Units released on `date` for one User, refunds taken off.
    pub fn released_by(&self, user: U, date: ServiceDate) -> u32 {
        self.user_day(user, date).map_or(0, |day| day.released)
    }

    /// Units of [`released_by`](Self::released_by) that were lent to work of a later service day.
    pub fn lent_to(&self, user: U, date: ServiceDate) -> u32 {
        self.user_day(user, date).map_or(0, |day| day.lent)
    }

    /// Units released on `date` to work of a later service day, refunds taken off.
    pub fn lent(&self, date: ServiceDate) -> u32 {
        self.days.get(&date).map_or(0, |day| day.lent)
    }

    /// Units of [`released_by`](Self::released_by) that left through the security lane.
    pub fn security_of(&self, user: U, date: ServiceDate) -> u32 {
        self.user_day(user, date).map_or(0, |day| day.security)
    }

    /// Units released on `date` through the security lane, refunds taken off.
    pub fn security(&self, date: ServiceDate) -> u32 {
        self.days.get(&date).map_or(0, |day| day.security)
    }

    /// Units that may still be released on `date` through the security lane, which may release `limit` of them: none more than
    /// are left of the day itself.
    pub fn security_remaining(&self, date: ServiceDate, limit: u32) -> u32 {
        let of_lane = limit.saturating_sub(self.security(date));
        of_lane.min(self.remaining(date))
    }

    /// Units that may still be released on `date`: 0 if the day is not open or its capacity has
    /// dropped below what is released.
    pub fn remaining(&self, date: ServiceDate) -> u32 {
        // Each release asks several times.
        let day = self.days.get(&date).filter(|_| self.is_open(date));
        day.map_or(0, Day::remaining)
    }

    /// Charges one unit of `date` to `user`. Refused, with nothing changed, when none is left.
    pub fn charge(&mut self, date: ServiceDate, user: U) -> Result<(), OverCapacity> {
        let is_open = self.is_open(date);
        let day = self.days.get_mut(&date);
        let Some(day) = day.filter(|day| is_open && day.remaining() > 0) else {
            let capacity = self.capacity(date).filter(|_| is_open);
            return Err(OverCapacity {
                date,
                capacity: capacity.unwrap_or(0),
                released: self.released(date),
            });
        };
        day.released += 1;
        day.users.entry(user).or_default().released += 1;
        Ok(())
    }

    /// Gives back one unit that [`charge`](Self::charge) took. Whether a refund is due is for the
    /// caller to know: the gateway said, on the same service day, that nothing went to the Device.
    ///
    /// # Panics
    /// If this User has nothing charged on that day: then the counts would be wrong for good.
    pub fn refund(&mut self, date: ServiceDate, user: U) {
        assert!(
            self.released_by(user, date) > 0,
            "refund of a unit never charged: {user:?}, {date}"
        );
        let day = self.day_mut(date);
        day.released -= 1;
        day.users.entry(user).or_default().released -= 1;
    }

    /// As [`charge`](Self::charge), for work of a later service day that nobody else has a use for.
    pub fn charge_lent(&mut self, date: ServiceDate, user: U) -> Result<(), OverCapacity> {
        self.charge(date, user)?;
        let day = self.day_mut(date);
        day.lent += 1;
        day.users.entry(user).or_default().lent += 1;
        Ok(())
    }

    /// Gives back one unit that [`charge_lent`](Self::charge_lent) took.
    ///
    /// # Panics
    /// If this User has nothing lent on that day.
    pub fn refund_lent(&mut self, date: ServiceDate, user: U) {
        let lent = self.lent_to(user, date);
        assert!(lent > 0, "refund of a unit never lent: {user:?}, {date}");
        self.refund(date, user);
        let day = self.day_mut(date);
        day.lent -= 1;
        day.users.entry(user).or_default().lent -= 1;
    }

    /// As [`charge`](Self::charge), through the security lane, which may release `limit` units of the day. Refused, with nothing
    /// changed, when the day or the lane has none left.
    pub fn charge_security(
        &mut self,
        date: ServiceDate,
        user: U,
        limit: u32,
    ) -> Result<(), OverSecurity> {
        let released = self.security(date);
        if self.remaining(date) > 0 && released >= limit {
            return Err(OverSecurity::Bound {
                date,
                limit,
                released,
            });
        }
        self.charge(date, user)?;
        let day = self.day_mut(date);
        day.security += 1;
        day.users.entry(user).or_default().security += 1;
        Ok(())
    }

    /// Gives back one unit that [`charge_security`](Self::charge_security) took.
    ///
    /// # Panics
    /// If this User has had none through the security lane on that day.
    pub fn refund_security(&mut self, date: ServiceDate, user: U) {
        let security = self.security_of(user, date);
        assert!(
            security > 0,
            "refund of a unit that the security lane never released: {user:?}, {date}"
        );
        self.refund(date, user);
        let day = self.day_mut(date);
        day.security -= 1;
        day.users.entry(user).or_default().security -= 1;
    }

    /// Whether `count` more large activations of `user` for `date` fit the allowance. Changes
    /// nothing: [`add_sent`](Self::add_sent) follows once the batch is accepted.
    pub fn admit(&self, user: U, date: ServiceDate, count: u32) -> Result<(), OverAllowance> {
        let limit = self.terms.allowance_per_day;
        let used = self.sent(user, date, Source::Allowance);
        if count <= limit.saturating_sub(used) {
            Ok(())
        } else {
            Err(OverAllowance {
                limit,
                used,
                requested: count,
            })
        }
    }

    /// Counts `count` activations as sent by `user` for `date`, which need not be open.
    ///
    /// # Panics
    /// If the day's count would pass `u32::MAX`, which no admitted work can reach.
    pub fn add_sent(&mut self, user: U, date: ServiceDate, source: Source, count: u32) {
        let day = self.day_mut(date).users.entry(user).or_default();
        let sent = day.sent.entry(source).or_default();
        *sent = sent
            .checked_add(count)
            .expect("admission keeps what is sent far below u32::MAX");
    }

    /// Takes back `count` of what was sent: activations cancelled before their first release, on the
    /// service day they were sent for or earlier.
    ///
    /// # Panics
    /// If this User has sent fewer than that for the day under this source.
    pub fn take_back_sent(&mut self, user: U, date: ServiceDate, source: Source, count: u32) {
        let sent = self.sent(user, date, source);
        assert!(
            sent >= count,
            "{count} taken back of {sent} sent: {user:?}, {date}, {source:?}"
        );
        let day = self.day_mut(date).users.entry(user).or_default();
        if sent == count {
            day.sent.remove(&source);
        } else {
            day.sent.insert(source, sent - count);
        }
    }

    /// Activations that `user` has sent for `date` under this source.
    pub fn sent(&self, user: U, date: ServiceDate, source: Source) -> u32 {
        let day = self.user_day(user, date);
        day.and_then(|day| day.sent.get(&source))
            .copied()
            .unwrap_or(0)
    }

    /// Every day with a count or a capacity, earliest first.
    pub fn days(&self) -> impl Iterator<Item = DayUse> {
        self.days.iter().map(|(&date, day)| DayUse {
            date,
            capacity: day.capacity,
            released: day.released,
            lent: day.lent,
            security: day.security,
            sent: day.users.values().map(UserDay::sent_by_allowance).sum(),
        })
    }

    /// All that it counts for one day; `None` for one of which it counts nothing.
    pub fn day(&self, date: ServiceDate) -> Option<LedgerDay<U>> {
        let day = self.days.get(&date)?;
        Some(LedgerDay {
            date,
            capacity: day.capacity,
            users: day.users.iter().map(kept_use).collect(),
        })
    }

    /// All that it counts, earliest day first.
    pub fn kept(&self) -> impl Iterator<Item = LedgerDay<U>> {
        let Self {
            terms: _,
            days,
            open: _,
        } = self;
        days.keys().filter_map(|date| self.day(*date))
    }

    /// The ledger that kept these days. The latest one that was ever opened is open.
    ///
    /// # Errors
    /// When days or Users are out of order, or their counts could not have come about.
    pub fn resume(
        terms: LedgerTerms,
        kept: impl IntoIterator<Item = LedgerDay<U>>,
    ) -> Result<Self, InvalidLedger> {
        let mut ledger = Self::new(terms);
        for kept in kept {
            let date = kept.date;
            let invalid = |why| InvalidLedger { date, why };
            let before = ledger.days.last_key_value();
            if before.is_some_and(|(before, _)| *before >= date) {
                return Err(invalid("it is not after the day before it"));
            }
            if kept.capacity.is_some() {
                ledger.open = Some(date);
            }
            ledger
                .days
                .insert(date, Day::resume(kept).map_err(invalid)?);
        }
        Ok(ledger)
    }

    fn user_day(&self, user: U, date: ServiceDate) -> Option<&UserDay> {
        self.days.get(&date)?.users.get(&user)
    }

    fn day_mut(&mut self, date: ServiceDate) -> &mut Day<U> {
        self.days.entry(date).or_insert_with(|| Day {
            capacity: None,
            released: 0,
            lent: 0,
            security: 0,
            users: BTreeMap::new(),
        })
    }
}

impl UserDay {
    fn sent_by_allowance(&self) -> u32 {
        self.sent.get(&Source::Allowance).copied().unwrap_or(0)
    }
}

impl<U> Day<U> {
    fn remaining(&self) -> u32 {
        self.capacity.unwrap_or(0).saturating_sub(self.released)
    }
}

impl<U: Ord + Copy> Day<U> {
    fn resume(kept: LedgerDay<U>) -> Result<Self, &'static str> {
        if !kept.users.is_sorted_by(|one, next| one.user < next.user) {
            return Err("its Users are not in order");
        }
        let sum = |count: fn(&LedgerUse<U>) -> u32| {
            let mut counts = kept.users.iter().map(count);
            counts.try_fold(0, u32::checked_add)
        };
        let mut sent = kept.users.iter().flat_map(|user| user.sent.values());
        sent.try_fold(0, |sum: u32, sent| sum.checked_add(*sent))
            .ok_or("more was sent for it than can be counted")?;
        let released = sum(|user| user.released);
        let released = released.ok_or("more was released on it than can be counted")?;
        if released > 0 && kept.capacity.is_none() {
            return Err("units were released on it before it was opened");
        }
        let apart = |user: &LedgerUse<U>| user.lent.checked_add(user.security);
        let fits = |user: &LedgerUse<U>| apart(user).is_some_and(|units| units <= user.released);
        if !kept.users.iter().all(fits) {
            return Err(
                "more was lent on it, or left through the security lane, than was released",
            );
        }
        let users = kept.users.iter().map(|it| {
            let LedgerUse {
                user,
                released,
                lent,
                security,
                sent,
            } = it;
            let counts = UserDay {
                released: *released,
                lent: *lent,
                security: *security,
                sent: sent.clone(),
            };
            (*user, counts)
        });
        Ok(Self {
            capacity: kept.capacity,
            released,
            lent: kept.users.iter().map(|user| user.lent).sum(),
            security: kept.users.iter().map(|user| user.security).sum(),
            users: users.collect(),
        })
    }
}

fn kept_use<U: Copy>((user, day): (&U, &UserDay)) -> LedgerUse<U> {
    let UserDay {
        released,
        lent,
        security,
        sent,
    } = day;
    LedgerUse {
        user: *user,
        released: *released,
        lent: *lent,
        security: *security,
        sent: sent.clone(),
    }
}

#[cfg(test)]
mod tests;
