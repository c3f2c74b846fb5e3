//! What is counted of each service day for reports: who received what, who was entitled to what, what passed unused.
//!
//! An observer: nothing is ever decided by it. It is told what records, and time by itself, change of the work that is ready, so the
//! same journal gives the same tallies.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_dispatch::Pace;
use dco_schedule::{Fluid, Micros, ServiceDate, ServiceDay};

use super::lines::Line;

/// All service days since it was first counted, and what is ready now.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    /// When what is told happens.
    pub(crate) at_us: Micros,
    /// Large activations that are in line, by User: not held back, parked, under way, or waiting to be tried again.
    ready: BTreeMap<Eui64, u32>,
    /// Users whose releases are paused.
    paused: BTreeSet<Eui64>,
    pub(crate) open: Option<OpenTally>,
    pub(crate) closed: BTreeMap<ServiceDate, DayTally>,
}

/// The service day that is open.
#[derive(Debug)]
pub(crate) struct OpenTally {
    pub(crate) date: ServiceDate,
    pub(crate) opened_us: Micros,
    pub(crate) end_us: Micros,
    pub(crate) pace: Pace,
    pub(crate) capacity: u32,
    pub(crate) fluid: Fluid<Eui64>,
    /// Since when nobody has ready work.
    pub(crate) idle_from_us: Option<Micros>,
    pub(crate) tally: DayTally,
}

/// What is counted of one service day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DayTally {
    /// Two Users or more have had ready work from its start to its end, and nobody else any.
    pub(crate) contended: bool,
    /// Capacity that passed, by the hours of the day, while nobody had ready work.
    pub(crate) idle_milliunits: u64,
    pub(crate) users: BTreeMap<Eui64, UserTally>,
}

/// One User on one service day. Units that were given back later stay in what it received, because its turn came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UserTally {
    /// Units released to it of its own share: those that were lent to it, or went through the
    /// security lane, are not in here.
    pub(crate) received: u32,
    /// Units given back.
    pub(crate) refunded: u32,
    /// Units that were released for another attempt.
    pub(crate) retries: u32,
    /// Only once the day is over.
    pub(crate) entitled_milliunits: u64,
}

impl Tallies {
    /// With this work ready and these Users paused, and nothing counted.
    pub(crate) fn found(
        at_us: Micros,
        ready: BTreeMap<Eui64, u32>,
        paused: BTreeSet<Eui64>,
    ) -> Self {
        Self {
            at_us,
            ready,
            paused,
            ..Self::default()
        }
    }

    /// What is told from now on happens at this moment, if it is later than what was told before.
    pub(crate) fn at(&mut self, at_us: Micros) {
        self.at_us = self.at_us.max(at_us);
    }

    /// A service day begins, and the one before is over.
    pub(crate) fn begin(&mut self, day: ServiceDay, pace: Pace, capacity: u32) {
        self.close();
        let mut fluid = Fluid::default();
        for (user, count) in &self.ready {
            fluid.arrive(*user, *count);
        }
        for user in &self.paused {
            fluid.set_paused(*user, true);
        }
        let able = self.able().count();
        self.open = Some(OpenTally {
            date: day.date,
            opened_us: self.at_us.max(day.start_us),
            end_us: day.end_us,
            pace,
            capacity,
            fluid,
            idle_from_us: (able == 0).then_some(self.at_us),
            tally: DayTally {
                contended: able > 1,
                ..DayTally::default()
            },
        });
    }

    /// The open day has another capacity or another pace from now on.
    pub(crate) fn repace(&mut self, pace: Pace, capacity: u32) {
        let at_us = self.at_us;
        if let Some(open) = &mut self.open {
            if open.idle_from_us.is_some() {
                open.pass_idle(at_us);
                open.idle_from_us = Some(at_us);
            }
            (open.pace, open.capacity) = (pace, capacity);
        }
    }

    /// So many more large activations of a User are in line.
    pub(crate) fn arrive(&mut self, user: Eui64, count: u32) {
        if let Some(open) = &mut self.open {
            open.fluid.arrive(user, count);
        }
        self.change(user, |ready| ready.saturating_add(count));
    }

    /// One is in line no more, without having been released.
    pub(crate) fn leave(&mut self, user: Eui64) {
        if let Some(open) = &mut self.open {
            open.fluid.leave(user, 1);
        }
        self.change(user, |ready| ready.saturating_sub(1));
    }

    /// One leaves for its gateway. What is lent was not ready, and what goes through the security lane leaves its line without its
    /// User's turn: neither is of anybody's share.
    pub(crate) fn release(&mut self, user: Eui64, (line, again): (Line, bool)) {
        if let Some(open) = &mut self.open {
            let tally = open.tally.users.entry(user).or_default();
            tally.retries = tally.retries.saturating_add(again.into());
            match line {
                Line::Ordinary => {
                    tally.received = tally.received.saturating_add(1);
                    open.fluid.serve();
                }
                Line::Security => open.fluid.leave(user, 1),
                Line::Ahead => {}
            }
        }
        if line != Line::Ahead {
            self.change(user, |ready| ready.saturating_sub(1));
        }
    }

    /// A unit of the open day is given back.
    pub(crate) fn refund(&mut self, user: Eui64) {
        if let Some(open) = &mut self.open {
            let tally = open.tally.users.entry(user).or_default();
            tally.refunded = tally.refunded.saturating_add(1);
        }
    }

    /// A User's share of the open day.
    pub(crate) fn weigh(&mut self, user: Eui64, weight: u32) {
        if let Some(open) = &mut self.open {
            open.fluid.set_weight(user, weight);
        }
    }

    /// A User's releases are paused, or go on.
    pub(crate) fn pause(&mut self, user: Eui64, paused: bool) {
        if let Some(open) = &mut self.open {
            open.fluid.set_paused(user, paused);
        }
        let has_changed = if paused {
            self.paused.insert(user)
        } else {
            self.paused.remove(&user)
        };
        if has_changed && self.ready.contains_key(&user) {
            self.able_changed();
        }
    }

    fn change(&mut self, user: Eui64, change: impl FnOnce(u32) -> u32) {
        let (before, after) = match self.ready.get_mut(&user) {
            // Each release comes here: one look is enough while more is ready.
            Some(ready) => {
                let before = *ready;
                *ready = change(before);
                (before, *ready)
            }
            None => (0, change(0)),
        };
        if (before > 0) == (after > 0) {
            return;
        }
        if after == 0 {
            self.ready.remove(&user);
        } else {
            self.ready.insert(user, after);
        }
        if !self.paused.contains(&user) {
            self.able_changed();
        }
    }

    /// Whoever comes or goes while the day lasts did not have ready work all day.
    fn able_changed(&mut self) {
        let (at_us, nobody) = (self.at_us, self.able().next().is_none());
        let Some(open) = &mut self.open else { return };
        if at_us < open.end_us {
            open.tally.contended = false;
        }
        if nobody {
            open.idle_from_us.get_or_insert(at_us);
        } else {
            open.pass_idle(at_us);
        }
    }

    /// The Users that have work that could go.
    fn able(&self) -> impl Iterator<Item = &Eui64> {
        let ready = self.ready.keys();
        ready.filter(|user| !self.paused.contains(user))
    }

    fn close(&mut self) {
        if let Some(mut open) = self.open.take() {
            open.pass_idle(open.end_us);
            self.closed.insert(open.date, open.so_far());
        }
    }

    /// What is counted of a day, so far or in all.
    pub(crate) fn of(&self, date: ServiceDate) -> Option<DayTally> {
        let open = self.open.as_ref().filter(|open| open.date == date);
        let open = open.map(OpenTally::so_far);
        open.or_else(|| self.closed.get(&date).cloned())
    }
}

impl OpenTally {
    /// Nobody had ready work up to now, from when that began.
    fn pass_idle(&mut self, until_us: Micros) {
        if let Some(from_us) = self.idle_from_us.take() {
            let between = (from_us, until_us);
            let passed = self.pace.milliunits(self.capacity, self.opened_us, between);
            let idle = &mut self.tally.idle_milliunits;
            *idle = idle.saturating_add(passed);
        }
    }

    fn so_far(&self) -> DayTally {
        let mut tally = self.tally.clone();
        for (user, entitled_milliunits) in self.fluid.entitled() {
            if entitled_milliunits > 0 || tally.users.contains_key(&user) {
                let counted = tally.users.entry(user).or_default();
                counted.entitled_milliunits = entitled_milliunits;
            }
        }
        tally
    }
}
