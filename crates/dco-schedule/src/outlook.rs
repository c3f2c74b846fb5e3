//! When does what waits leave? In counts, not per Device.
//!
//! The model is the release itself, made of its own parts: each service day's units follow the [`Row`] of a [`Bucket`] on the day's
//! hour profile, and of today the very bucket that is in use. What is not used in one hour is spread over those that are left. From one
//! edge of a window to the next, Users with work that may leave then share what leaves by weight ([`Share`]); inside a User the earliest
//! due goes first; what nobody has ready work for goes to work that may run ahead of its day. The model leaves out what nobody can
//! foresee: failures, gateways that are away or full, pauses, batches that are not sent yet.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use dco_dispatch::{Bucket, Pace, Row};

use crate::{At, Book, Hour, HourWindow, Micros, ServiceDate, ServiceDay, Share};

/// Work that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting<U> {
    /// Whose.
    pub user: U,
    /// The service day it is for.
    pub date: ServiceDate,
    /// Units of it that were not released yet.
    pub units: u32,
    /// The hours in which it may leave; `None` for the whole day.
    pub window: Option<HourWindow>,
    /// Whether it may leave before its day, on what nobody has ready work for.
    pub run_ahead: bool,
}

/// How releases are paced and shared.
#[derive(Clone, Debug)]
pub struct Pacing<U> {
    /// What today's releases follow; `None` where today is not open yet.
    pub today: Option<Bucket>,
    /// Units that may leave at one instant.
    pub burst: u32,
    /// Each User's share of today; one that is not here has what waits of it.
    pub weights: BTreeMap<U, u64>,
}

/// Service days to come, one after the other, and what leaves on each.
#[derive(Debug)]
pub struct Outlook<'a, U> {
    book: &'a Book<U>,
    at: At<'a, U>,
    pacing: &'a Pacing<U>,
    lines: Vec<Line<U>>,
    /// Lines whose day has begun, by User, in their order.
    ready: Lines<U>,
    /// Lines whose day has not begun.
    to_come: BTreeMap<ServiceDate, Vec<usize>>,
    /// Those of them that may run ahead of it.
    ahead: Lines<U>,
    /// Units that have not left, over all lines.
    left: u64,
    /// The day that passes next.
    date: ServiceDate,
}

/// What left on one service day, in units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlookDay<U> {
    /// The day.
    pub date: ServiceDate,
    /// What may leave: the capacity, for today less what is released already, and as far as the hours left have a weight.
    pub available: u64,
    /// What leaves of each User of whom anything does.
    pub released: BTreeMap<U, u64>,
    /// What waits for a later day.
    pub carried: u64,
}

/// When each window opens and closes on a day.
type Windows = BTreeMap<HourWindow, (Micros, Micros)>;

/// Places in the list of lines, by User.
type Lines<U> = BTreeMap<U, Vec<usize>>;

#[derive(Debug)]
struct Line<U> {
    waiting: Waiting<U>,
    left: u64,
    /// On which day the last of it leaves, and when.
    last: Option<(ServiceDate, Micros)>,
}

/// The service day that passes.
struct Passing<U> {
    windows: Windows,
    day: OutlookDay<U>,
}

/// What one span of hours lets go.
struct Flowing<'a> {
    from_us: Micros,
    until_us: Micros,
    row: Row<'a>,
    /// Units of the row that have left.
    used: u32,
    /// Units of it that can leave before the span ends.
    most: u32,
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// The days from today on, if nothing but `waiting` were there: each User's in the order in which it goes, the earliest due first.
    pub fn outlook<'a>(
        &'a self,
        waiting: Vec<Waiting<U>>,
        pacing: &'a Pacing<U>,
        at: At<'a, U>,
    ) -> Outlook<'a, U> {
        let mut outlook = Outlook {
            book: self,
            at,
            pacing,
            lines: Vec::with_capacity(waiting.len()),
            ready: BTreeMap::new(),
            to_come: BTreeMap::new(),
            ahead: BTreeMap::new(),
            left: 0,
            date: at.today,
        };
        for waiting in waiting.into_iter().filter(|it| it.units > 0) {
            outlook.add(waiting);
        }
        outlook
    }
}

impl<U: Ord + Copy + std::fmt::Debug> Outlook<'_, U> {
    fn add(&mut self, waiting: Waiting<U>) {
        let line = self.lines.len();
        self.to_come.entry(waiting.date).or_default().push(line);
        if waiting.run_ahead {
            self.ahead.entry(waiting.user).or_default().push(line);
        }
        self.left += u64::from(waiting.units);
        self.lines.push(Line {
            waiting,
            left: waiting.units.into(),
            last: None,
        });
    }

    /// Whether nothing waits any more.
    pub const fn is_done(&self) -> bool {
        self.left == 0
    }

    /// The day that passes next.
    pub const fn date(&self) -> ServiceDate {
        self.date
    }

    /// For each piece of work that waited for a unit or more, in the order given: the service day on which the last of it leaves, and
    /// when; `None` if that was on none of the days that have passed.
    pub fn releases(
        &self,
    ) -> impl Iterator<Item = (Waiting<U>, Option<(ServiceDate, Micros)>)> + '_ {
        self.lines.iter().map(|line| (line.waiting, line.last))
    }

    /// When the last of the work with this place among all that waited for a unit or more leaves.
    pub fn released_us(&self, place: usize) -> Option<Micros> {
        self.lines.get(place)?.last.map(|(_, at_us)| at_us)
    }

    /// One more day passes.
    pub fn next_day(&mut self) -> OutlookDay<U> {
        let date = self.date;
        self.date = date.next();
        self.begin(date);
        let capacity = self.book.plan().capacity(date);
        let capacity = capacity.saturating_sub(self.at.ledger.released(date));
        let mut day = OutlookDay {
            date,
            available: capacity.into(),
            released: BTreeMap::new(),
            carried: 0,
        };
        if !self.is_done() {
            day = self.pass(day, capacity);
        }
        day.carried = self.ready.values().map(|lines| self.units(lines)).sum();
        day
    }

    /// What was for this day, or an earlier one, waits from now on, where it has not run ahead.
    fn begin(&mut self, date: ServiceDate) {
        while let Some(entry) = self.to_come.first_entry().filter(|it| *it.key() <= date) {
            for line in entry.remove() {
                let user = self.lines[line].waiting.user;
                self.ready.entry(user).or_default().push(line);
            }
        }
        let lines = &self.lines;
        self.ready.values_mut().for_each(|it| it.sort_unstable());
        keep(&mut self.ready, |line| lines[line].left > 0);
        keep(&mut self.ahead, |line| lines[line].waiting.date > date);
    }

    /// What is left of some lines.
    fn units(&self, lines: &[usize]) -> u64 {
        lines.iter().map(|line| self.lines[*line].left).sum()
    }

    fn pass(&mut self, day: OutlookDay<U>, capacity: u32) -> OutlookDay<U> {
        let service_day = self.at.calendar.day(day.date);
        let hours = self.at.calendar.hours(&service_day);
        let mut bucket = self.bucket(&service_day, &hours);
        let weights = self.weights(day.date);
        let windows = self.windows(&service_day, &hours);
        let mut passing = Passing { windows, day };
        let from_us = service_day.start_us.max(self.at.now_us);
        let available = bucket.row(from_us, capacity).before(service_day.end_us);
        passing.day.available = available.into();
        let mut remaining = capacity;
        for span in passing.edges(from_us, service_day.end_us).windows(2) {
            let row = bucket.row(span[0], remaining);
            let mut flowing = Flowing {
                from_us: span[0],
                until_us: span[1],
                row,
                used: 0,
                most: row.before(span[1]),
            };
            self.release(&weights, &mut passing, &mut flowing);
            let used = flowing.used;
            bucket.take_row((span[0], remaining), used);
            remaining -= used;
        }
        passing.day
    }

    /// What the releases of a day follow.
    fn bucket(&self, day: &ServiceDay, hours: &[Hour]) -> Bucket {
        if day.date == self.at.today
            && let Some(bucket) = &self.pacing.today
        {
            return bucket.clone();
        }
        let profile = self.book.plan().profile(day.date);
        let pace = Pace::new(profile.over(hours), day.end_us);
        let pace = pace.expect("a service day has an hour with weight, and 16 bits of it at most");
        Bucket::new(pace, self.pacing.burst)
    }

    /// The windows of all that may leave on a day.
    fn windows(&self, day: &ServiceDay, hours: &[Hour]) -> Windows {
        let lines = self.ready.values().chain(self.ahead.values()).flatten();
        let windows = lines.filter_map(|line| self.lines[*line].waiting.window);
        let windows: BTreeSet<_> = windows.collect();
        let open = windows.into_iter().map(|it| (it, it.on(day, hours)));
        open.collect()
    }

    /// What waits of each User is its share of a day that begins; shares of today are known.
    fn weights(&self, date: ServiceDate) -> BTreeMap<U, u64> {
        let users = self.ready.iter();
        let mut weights: BTreeMap<U, u64> = users
            .map(|(user, lines)| (*user, self.units(lines)))
            .collect();
        if date == self.at.today {
            weights.extend(&self.pacing.weights);
        }
        weights
    }

    /// First what is ready, by weight; what that leaves goes to what may run ahead, where Users share alike.
    fn release(
        &mut self,
        weights: &BTreeMap<U, u64>,
        passing: &mut Passing<U>,
        flowing: &mut Flowing<'_>,
    ) {
        let ready = mem::take(&mut self.ready);
        self.ready = self.share((ready, weights), passing, flowing);
        let ahead = mem::take(&mut self.ahead);
        self.ahead = self.share((ahead, &BTreeMap::new()), passing, flowing);
    }

    /// Users share what the span still lets go, each as far as it has lines whose hours it is. Answers what has not left.
    fn share(
        &mut self,
        (mut users, weights): (Lines<U>, &BTreeMap<U, u64>),
        passing: &mut Passing<U>,
        flowing: &mut Flowing<'_>,
    ) -> Lines<U> {
        let is_open = |line: &Line<U>| passing.is_open(line.waiting.window, flowing);
        let wanted = users.iter().map(|(user, lines)| {
            let lines = lines.iter().map(|it| &self.lines[*it]);
            let open = lines.filter(|line| is_open(line)).map(|line| line.left);
            (*user, open.sum::<u64>())
        });
        let wants: BTreeMap<U, u64> = wanted.filter(|(_, units)| *units > 0).collect();
        let share = Share::of(&wants, weights);
        let served = share.served((flowing.most - flowing.used).into());
        let sum: u64 = served.values().sum();
        for (user, units) in &served {
            let mut place = 0;
            for line in &users[user] {
                let line = &mut self.lines[*line];
                let part = line.left.min(units - place);
                if part == 0 || !passing.is_open(line.waiting.window, flowing) {
                    continue;
                }
                place += part;
                line.left -= part;
                if line.left == 0 {
                    let nth = share.released_when(*user, place).clamp(1, sum) - 1;
                    line.last = Some((passing.day.date, flowing.leaves_at(nth)));
                }
            }
        }
        for (user, units) in served.into_iter().filter(|(_, units)| *units > 0) {
            *passing.day.released.entry(user).or_default() += units;
        }
        self.left -= sum;
        flowing.used += u32::try_from(sum).unwrap_or(u32::MAX);
        keep(&mut users, |line| self.lines[line].left > 0);
        users
    }
}

/// Drops lines that do not hold, and Users without any.
fn keep<U: Ord>(users: &mut Lines<U>, holds: impl Fn(usize) -> bool) {
    users.retain(|_, lines| {
        lines.retain(|line| holds(*line));
        !lines.is_empty()
    });
}

impl<U> Passing<U> {
    /// Where the day from this moment on begins and ends, and where windows do in between: from one to the next, the same lines may leave.
    fn edges(&self, from_us: Micros, end_us: Micros) -> Vec<Micros> {
        let edges = self
            .windows
            .values()
            .flat_map(|(opens_us, closes_us)| [*opens_us, *closes_us]);
        let within = edges.filter(|at_us| (from_us..=end_us).contains(at_us));
        let mut edges: Vec<Micros> = within.chain([from_us, end_us.max(from_us)]).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    fn is_open(&self, window: Option<HourWindow>, span: &Flowing<'_>) -> bool {
        window.is_none_or(|window| {
            let hours = self.windows.get(&window);
            hours.is_some_and(|(opens_us, closes_us)| {
                *opens_us <= span.from_us && span.until_us <= *closes_us
            })
        })
    }
}

impl Flowing<'_> {
    /// When the unit with this index among those that are still to leave does.
    fn leaves_at(&self, index: u64) -> Micros {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.row.leaves_at(self.used.saturating_add(index))
    }
}

#[cfg(test)]
mod tests;
