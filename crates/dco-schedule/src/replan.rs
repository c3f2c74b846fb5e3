//! Who is moved, and where to, so that a day has room again: the plan that does the least harm.
//!
//! Least harm is, in this order: as much of the need met as can be; the fewest units moved; the fewest Users; the
//! fewest amendments; those moved least often so far. A unit goes from a day in need to a day with room and nobody
//! else is moved for it, so the units moved are never more than the need that is met. Days by which a User wants to be
//! done are used before later ones. The plan is a proposal: the Service Desk proposes each amendment to its User.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::Flow;
use crate::{At, Book, HourWindow, Quota, Schedule, ScheduleId, ServiceDate, Side, Source, State};

/// Up to so many schedules every choice among them is looked at; beyond, one after the other is left out.
const CHOICES_EXACT_MAX: usize = 10;

/// What has to give way, and what stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need<U> {
    /// Units that are too many, for each service day.
    pub units: Quota,
    /// Units that are about to be taken besides what is agreed: they leave less room.
    pub held: Quota,
    /// The window that they are in.
    pub held_in: Option<HourWindow>,
    /// The User for whom room is made: it is not moved itself.
    pub newcomer: Option<U>,
}

/// A plan: what to propose to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replan<U> {
    /// One for each schedule that is to change.
    pub amendments: Vec<Amendment<U>>,
    /// What of the need cannot be met by moving.
    pub left: Quota,
}

/// A change of one schedule that the Service Desk can propose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment<U> {
    /// The schedule.
    pub id: ScheduleId<U>,
    /// The revision that the plan was made for.
    pub revision: u32,
    /// Units that it would have no more.
    pub taken: Quota,
    /// Units that it would get back, on other days.
    pub given: Quota,
    /// Its quota with both.
    pub quota: Quota,
}

/// A schedule that can give way.
struct Candidate<'a, U> {
    id: ScheduleId<U>,
    schedule: &'a Schedule<U>,
    quota: &'a Quota,
    /// What it can give up of the need: what is not sent yet.
    gives: Quota,
}

impl<U: Copy> Candidate<'_, U> {
    fn window(&self) -> Option<HourWindow> {
        let agreement = self.schedule.state().agreement()?;
        agreement.deal.terms.window
    }

    /// Whether its User wants to be done by then: by the latest day of its request, or before the end that was set.
    fn wants(&self, date: ServiceDate) -> bool {
        let agreement = self.schedule.state().agreement();
        date <= self.schedule.request().latest && agreement.is_some_and(|it| it.reaches(date))
    }
}

/// Where units can be moved to.
type DayRooms = BTreeMap<ServiceDate, DayRoom>;

/// What a day can still take, in units.
#[derive(Clone, Copy, Debug)]
struct DayRoom {
    free: u64,
    /// Of schedules with a window.
    in_windows: u64,
}

/// What flows from days in need through schedules to days with room.
struct Moving {
    moved: u64,
    /// For each schedule what is taken and what is given.
    parts: Vec<(Quota, Quota)>,
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// The plan that meets a need with the least harm. Moved are agreed schedules without security priority for which
    /// the Service Desk proposes nothing else, and which were not moved too often.
    pub fn replan(&self, need: &Need<U>, at: &At<'_, U>) -> Replan<U> {
        let candidates = self.candidates(need, at);
        let rooms = self.day_rooms(need, &candidates, at);
        let all: Vec<_> = candidates.iter().collect();
        let most = moving(need, &all, &rooms).moved;
        let chosen = fewest(need, &candidates, most, &rooms);
        let moving = moving(need, &chosen, &rooms);
        let mut left = need.units.clone();
        let mut amendments = Vec::new();
        for (candidate, (taken, given)) in chosen.iter().zip(moving.parts) {
            left = left.over(&taken);
            let kept = candidate.quota.over(&taken);
            amendments.push(Amendment {
                id: candidate.id,
                revision: candidate.schedule.revision(),
                quota: kept.days().chain(given.days()).collect(),
                taken,
                given,
            });
        }
        Replan { amendments, left }
    }

    /// How much of a need could be met, over all days.
    pub(crate) fn movable(&self, need: &Need<U>, at: &At<'_, U>) -> u64 {
        let candidates = self.candidates(need, at);
        let rooms = self.day_rooms(need, &candidates, at);
        let all: Vec<_> = candidates.iter().collect();
        moving(need, &all, &rooms).moved
    }

    /// What others than this User could give up, for each service day.
    pub(crate) fn given_up_at_most(&self, newcomer: U, at: &At<'_, U>) -> Quota {
        let days = self.agreed_from(at.today);
        let units = days.map(|(date, units)| (date, u32::try_from(units).unwrap_or(u32::MAX)));
        let all = Need {
            units: units.collect(),
            held: Quota::new(),
            held_in: None,
            newcomer: Some(newcomer),
        };
        let candidates = self.candidates(&all, at);
        candidates.iter().flat_map(|it| it.gives.days()).collect()
    }

    fn candidates<'a>(&'a self, need: &Need<U>, at: &At<'_, U>) -> Vec<Candidate<'a, U>> {
        let moves_max = usize::try_from(self.terms().moves_max).unwrap_or(usize::MAX);
        let candidates = self.schedules().filter_map(|(id, schedule)| {
            let agreement = match schedule.state() {
                State::Agreed(agreement) => agreement,
                // What its User proposes protects nothing: what counts is what is agreed.
                State::Amending(agreement, proposal) if proposal.by == Side::User => agreement,
                _ => return None,
            };
            let may_be_moved = Some(id.user) != need.newcomer
                && !agreement.deal.terms.security
                && schedule.moves().len() < moves_max;
            let quota = &agreement.deal.quota;
            let source = Source::Schedule(id.number);
            let unsent = |date| {
                quota
                    .on(date)
                    .saturating_sub(at.ledger.sent(id.user, date, source))
            };
            let days = need.units.days_from(at.today);
            let gives: Quota = days
                .map(|(date, units)| (date, units.min(unsent(date))))
                .collect();
            (may_be_moved && !gives.is_empty()).then_some(Candidate {
                id,
                schedule,
                quota,
                gives,
            })
        });
        candidates.collect()
    }

    /// The days to which units can be moved, and how many.
    fn day_rooms(
        &self,
        need: &Need<U>,
        candidates: &[Candidate<'_, U>],
        at: &At<'_, U>,
    ) -> DayRooms {
        let ahead = i32::from(self.terms().days_ahead_max);
        let first = at.today.next();
        let last = ServiceDate::from_days(at.today.days().saturating_add(ahead));
        let windows: BTreeSet<_> = candidates.iter().filter_map(Candidate::window).collect();
        let rooms = dates(first, last).filter_map(|date| {
            let free = self.free(date).saturating_sub(need.held.on(date).into());
            let in_need = need.units.on(date) > 0;
            (free > 0 && !in_need).then(|| {
                let in_windows = self.room_in_windows(&windows, date, need, at);
                (date, DayRoom { free, in_windows })
            })
        });
        rooms.collect()
    }

    /// Units that can go to these windows of a day, to whichever of them: so many as the one with least room takes.
    fn room_in_windows(
        &self,
        windows: &BTreeSet<HourWindow>,
        date: ServiceDate,
        need: &Need<U>,
        at: &At<'_, U>,
    ) -> u64 {
        if windows.is_empty() {
            return 0;
        }
        let mut day = self.window_day(date, None, at.calendar);
        if let Some(window) = need.held_in {
            day.take(window, need.held.on(date).into());
        }
        // Each window ends or begins stretches of others, though nothing is agreed in it yet.
        windows.iter().for_each(|window| day.take(*window, 0));
        let rooms = windows.iter().map(|window| day.room(*window));
        rooms.min().unwrap_or(0)
    }
}

/// The fewest Users, then schedules, then earlier moves, that still move as much.
fn fewest<'a, 'b, U: Ord + Copy>(
    need: &Need<U>,
    candidates: &'b [Candidate<'a, U>],
    most: u64,
    rooms: &DayRooms,
) -> Vec<&'b Candidate<'a, U>> {
    let enough = |chosen: &[&Candidate<'a, U>]| {
        can_give(chosen) >= most && moving(need, chosen, rooms).moved == most
    };
    if candidates.len() > CHOICES_EXACT_MAX {
        return left_out_one_by_one(candidates, enough);
    }
    let mut choices: Vec<Vec<_>> = (0..1_usize << candidates.len())
        .map(|choice| {
            let chosen = candidates.iter().enumerate();
            let chosen = chosen.filter(|(place, _)| choice >> place & 1 == 1);
            chosen.map(|(_, candidate)| candidate).collect()
        })
        .collect();
    choices.sort_by_key(|chosen| harm(chosen));
    let found = choices.into_iter().find(|chosen| enough(chosen));
    found.unwrap_or_else(|| candidates.iter().collect())
}

fn moving<U: Ord + Copy>(need: &Need<U>, chosen: &[&Candidate<'_, U>], rooms: &DayRooms) -> Moving {
    let mut network = Network::new(need, chosen);
    network.add_rooms(rooms, Candidate::wants);
    let moved = network.run();
    network.add_rooms(rooms, |candidate, date| !candidate.wants(date));
    network.parts(moved)
}

/// All dates from the first to the last.
pub(crate) fn dates(first: ServiceDate, last: ServiceDate) -> impl Iterator<Item = ServiceDate> {
    (first.days()..=last.days()).map(ServiceDate::from_days)
}

fn can_give<U>(chosen: &[&Candidate<'_, U>]) -> u64 {
    chosen.iter().map(|candidate| candidate.gives.total()).sum()
}

fn harm<U: Ord + Copy>(chosen: &[&Candidate<'_, U>]) -> (usize, usize, usize) {
    let users: BTreeSet<_> = chosen.iter().map(|candidate| candidate.id.user).collect();
    let moves = chosen.iter().map(|it| it.schedule.moves().len()).sum();
    (users.len(), chosen.len(), moves)
}

/// Leaves out first whole Users, then schedules, that give least, as long as the others are enough.
fn left_out_one_by_one<'a, 'b, U: Ord + Copy>(
    candidates: &'b [Candidate<'a, U>],
    enough: impl Fn(&[&Candidate<'a, U>]) -> bool,
) -> Vec<&'b Candidate<'a, U>> {
    let mut chosen: Vec<_> = candidates.iter().collect();
    let mut users: BTreeMap<U, u64> = BTreeMap::new();
    for candidate in candidates {
        *users.entry(candidate.id.user).or_default() += candidate.gives.total();
    }
    let mut by_gift: Vec<_> = users
        .into_iter()
        .map(|(user, gives)| (gives, user))
        .collect();
    by_gift.sort_unstable();
    for (_, user) in by_gift {
        leave_out(&mut chosen, |candidate| candidate.id.user == user, &enough);
    }
    let mut by_gift: Vec<_> = chosen.iter().map(|it| (it.gives.total(), it.id)).collect();
    by_gift.sort_unstable();
    for (_, id) in by_gift {
        leave_out(&mut chosen, |candidate| candidate.id == id, &enough);
    }
    chosen
}

fn leave_out<'a, 'b, U>(
    chosen: &mut Vec<&'b Candidate<'a, U>>,
    whom: impl Fn(&Candidate<'a, U>) -> bool,
    enough: impl Fn(&[&Candidate<'a, U>]) -> bool,
) {
    let others: Vec<_> = chosen.iter().copied().filter(|it| !whom(it)).collect();
    if enough(&others) {
        *chosen = others;
    }
}

/// Source, days in need, schedules, days with room, sink.
struct Network<'a, 'b, U> {
    flow: Flow,
    chosen: &'a [&'a Candidate<'b, U>],
    days: BTreeMap<ServiceDate, usize>,
    /// By day, for schedules with a window or without one.
    rooms: BTreeMap<(ServiceDate, bool), usize>,
    /// Edge, place of the schedule, day.
    takes: Vec<(usize, usize, ServiceDate)>,
    gives: Vec<(usize, usize, ServiceDate)>,
}

const SOURCE: usize = 0;
const SINK: usize = 1;

impl<'a, 'b, U: Copy> Network<'a, 'b, U> {
    fn new(need: &Need<U>, chosen: &'a [&'a Candidate<'b, U>]) -> Self {
        let mut network = Self {
            flow: Flow::new(2 + chosen.len()),
            chosen,
            days: BTreeMap::new(),
            rooms: BTreeMap::new(),
            takes: Vec::new(),
            gives: Vec::new(),
        };
        for (date, units) in need.units.days() {
            let day = network.flow.node();
            network.flow.add(SOURCE, day, units.into());
            network.days.insert(date, day);
        }
        for (place, candidate) in chosen.iter().enumerate() {
            for (date, units) in candidate.gives.days() {
                let edge = network
                    .flow
                    .add(network.days[&date], 2 + place, units.into());
                network.takes.push((edge, place, date));
            }
        }
        network
    }

    /// Days with room that each schedule may be moved to, as far as its User can take more and has the image.
    fn add_rooms(
        &mut self,
        rooms: &DayRooms,
        may: impl Fn(&Candidate<'b, U>, ServiceDate) -> bool,
    ) {
        for (date, room) in rooms {
            for (place, candidate) in self.chosen.iter().enumerate() {
                let request = candidate.schedule.request();
                let more = request
                    .per_day_max
                    .get()
                    .saturating_sub(candidate.quota.on(*date));
                if more > 0 && *date >= request.earliest && may(candidate, *date) {
                    let day = self.room(*date, room, candidate.window().is_some());
                    let edge = self.flow.add(2 + place, day, more.into());
                    self.gives.push((edge, place, *date));
                }
            }
        }
    }

    /// The day's node; for a schedule with a window one before it.
    fn room(&mut self, date: ServiceDate, room: &DayRoom, in_window: bool) -> usize {
        if let Some(node) = self.rooms.get(&(date, in_window)) {
            return *node;
        }
        let (to, units) = if in_window {
            (self.room(date, room, false), room.in_windows)
        } else {
            (SINK, room.free)
        };
        let node = self.flow.node();
        self.flow.add(node, to, units);
        self.rooms.insert((date, in_window), node);
        node
    }

    fn run(&mut self) -> u64 {
        self.flow.run(SOURCE, SINK)
    }

    fn parts(mut self, moved: u64) -> Moving {
        let moved = moved + self.run();
        let mut parts = vec![(Quota::default(), Quota::default()); self.chosen.len()];
        let through = |edge| u32::try_from(self.flow.through(edge)).unwrap_or(u32::MAX);
        for (edge, place, date) in &self.takes {
            parts[*place].0.add(*date, through(*edge));
        }
        for (edge, place, date) in &self.gives {
            parts[*place].1.add(*date, through(*edge));
        }
        Moving { moved, parts }
    }
}

#[cfg(test)]
mod tests;
