//! The fair queue: Users share by weight, and inside a User the earliest due goes first.

mod holds;
mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use crate::line::{Head, Line, Lines};
use crate::ready::Ready;
use crate::ring::Ring;
use crate::{Answer, Gate, Micros, UNTIL_TOLD};

/// What waits to be released, and whose turn it is.
///
/// Generic over the User `U`, the lane `L` (what is limited together, for example a gateway) and the
/// key `K` that names an entry to its owner.
///
/// **Between Users** it is weighted deficit round robin at one unit an entry. Only Users with
/// something that can go take part, and no unit is left unused while anything can go. Over any time
/// in which the same Users take part with the same weights, what each has got, divided by its weight,
/// differs between any two by no more than one turn of each.
///
/// **The wait is bounded.** While `n` Users take part, whose mean weight rounded up is `p`, a User
/// of weight `w` with something that can go waits for at most `n × (⌈p / w⌉ + 1)` picks; with equal
/// weights for `n - 1`. In time that is as many times the moment between two picks that its caller's pace leaves.
///
/// **Inside a User** the earliest due time goes first, then the lowest order, then first in first
/// out, over all its lanes that are not held back. Pushes are counted in 32 bits: of two entries with the
/// same due time and order, one pushed after the count began anew goes before one pushed before.
///
/// **What is held back** is set aside with its time and looked at again only then, or when woken, so
/// a pick asks the gate about each held lane and each held User once. Waking a lane costs time in
/// proportion to the Users that wait for it.
#[derive(Clone, Debug)]
pub struct FairQueue<U, L, K> {
    users: Vec<User<U>>,
    user_ids: BTreeMap<U, u32>,
    lanes: Vec<Lane<L>>,
    lane_ids: BTreeMap<L, u32>,
    lines: Lines<K>,
    ring: Ring,
    /// When what is held back, and has entries waiting for it, is looked at again.
    waits: BTreeSet<(Micros, Held)>,
    next_seq: u32,
    len: u64,
}

/// One entry as it comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<U, L, K> {
    /// Whose share it is released from.
    pub user: U,
    /// What it goes through.
    pub lane: L,
    /// Inside its User, what is due earlier goes first.
    pub due_us: Micros,
    /// With the same due time, the lower order goes first. Cheapest where it mostly counts upwards,
    /// as batches and their activations do.
    pub order: u32,
    /// What it is, for its owner.
    pub key: K,
}

/// Where an entry waits; good until it is taken or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    node: u32,
    /// The number of the entry's push, so that an old slot is not taken for a newer entry.
    push: u32,
}

impl Slot {
    /// All that it is, for an owner that keeps many.
    pub fn bits(self) -> u64 {
        u64::from(self.node) << 32 | u64::from(self.push)
    }

    /// The slot of these bits.
    pub fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = bits.to_le_bytes();
        Self {
            node: u32::from_le_bytes([e, f, g, h]),
            push: u32::from_le_bytes([a, b, c, d]),
        }
    }
}

/// What [`FairQueue::pick`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick<U, L, K> {
    /// This entry goes now and is no longer queued.
    Taken {
        /// Whose share it went from.
        user: U,
        /// What it goes through.
        lane: L,
        /// What it is.
        key: K,
    },
    /// Nothing can go before then; [`UNTIL_TOLD`] if only a wake or a push can change that.
    NotBefore(Micros),
    /// Nothing is queued.
    Empty,
}

#[derive(Clone, Debug)]
struct User<U> {
    name: U,
    lines: BTreeMap<u32, u32>,
    /// Its lines that are not set aside.
    ready: Ready,
    held_until_us: Option<Micros>,
    len: u64,
}

#[derive(Clone, Debug)]
struct Lane<L> {
    name: L,
    /// Lines set aside because this lane is held back.
    aside: BTreeSet<u32>,
    held_until_us: Option<Micros>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    User(u32),
    Lane(u32),
}

impl<U: Ord + Copy + Debug, L: Ord + Copy + Debug, K: Copy + Debug> FairQueue<U, L, K> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            users: Vec::new(),
            user_ids: BTreeMap::new(),
            lanes: Vec::new(),
            lane_ids: BTreeMap::new(),
            lines: Lines::new(),
            ring: Ring::new(),
            waits: BTreeSet::new(),
            next_seq: 0,
            len: 0,
        }
    }

    /// Queues `entry` and says where, for [`remove`](Self::remove).
    pub fn push(&mut self, entry: Entry<U, L, K>) -> Slot {
        let user = self.user_id(entry.user);
        let lane = self.lane_id(entry.lane);
        let line = match self.users[user as usize].lines.get(&lane) {
            Some(&line) => line,
            None => self.add_line(user, lane),
        };
        let seq = self.next_seq;
        self.next_seq = seq.wrapping_add(1);
        let before = self.lines.head_of(line);
        let place = (entry.due_us, entry.order, seq);
        let node = self.lines.push(line, place, entry.key);
        self.len += 1;
        self.users[user as usize].len += 1;
        if self.users[user as usize].len == 1 {
            self.wait_for_user(user);
        }
        self.renew_head(line, before);
        Slot { node, push: seq }
    }

    /// Takes an entry out before its turn and gives its key.
    ///
    /// # Panics
    /// If the entry has been taken or removed before: its owner's books would be wrong.
    pub fn remove(&mut self, slot: Slot) -> K {
        let line = self.line_of(slot);
        self.remove_from(line, slot.node)
    }

    /// Takes an entry that went at its turn before, in another run of the same queue: out of the queue, and out of
    /// its User's share. Given the pushes, removals and weights of that run and what it picked, in their order,
    /// the turns that follow are those that would have followed there, as long as nothing was held back;
    /// what was held back, and when, is not known here. That shifts what each User gets by a few turns, once.
    ///
    /// # Panics
    /// If the entry has been taken or removed before: its owner's books would be wrong.
    pub fn take(&mut self, slot: Slot) -> K {
        let line = self.line_of(slot);
        self.ring.spend_out_of_turn(self.lines.line(line).user);
        self.remove_from(line, slot.node)
    }

    /// Sets how large a share `user` has, relative to the others: from its next turn on. The least
    /// weight is 1, which is also where a User starts.
    pub fn set_weight(&mut self, user: U, weight: u32) {
        let user = self.user_id(user);
        self.ring.set_weight(user, weight);
    }

    /// Tells that `lane` may have become free before its time.
    pub fn wake_lane(&mut self, lane: L) {
        if let Some(&lane) = self.lane_ids.get(&lane) {
            self.free_lane(lane);
        }
    }

    /// Tells that `user` may have become free before its time.
    pub fn wake_user(&mut self, user: U) {
        if let Some(&user) = self.user_ids.get(&user) {
            self.free_user(user);
        }
    }

    /// Takes the entry whose turn it is among those that may go at `now_us`, or says when to come
    /// back. `now_us` must never be before that of an earlier call.
    pub fn pick(&mut self, now_us: Micros, gate: &impl Gate<U, L>) -> Pick<U, L, K> {
        // Nobody's turn is looked at for nothing: whoever replays what was taken knows of no such look.
        if self.len == 0 {
            return Pick::Empty;
        }
        self.free_what_is_due(now_us);
        while let Some(user) = self.ring.front() {
            let Some(head) = self.first_open_head(user, now_us) else {
                self.ring.leave(user);
                continue;
            };
            if !self.ring.turn_goes_on(user) {
                continue;
            }
            let lane = head.lane;
            let after_now = |at_us: Micros| at_us.max(now_us.saturating_add(1));
            match gate.ask(
                self.users[user as usize].name,
                self.lanes[lane as usize].name,
            ) {
                Answer::Go => return self.take_head(user, head),
                Answer::LaneNotBefore(at_us) => self.hold_lane(lane, after_now(at_us)),
                Answer::UserNotBefore(at_us) => self.hold_user(user, after_now(at_us)),
                Answer::NoneBefore(at_us) => return Pick::NotBefore(after_now(at_us)),
            }
        }
        Pick::NotBefore(self.waits.first().map_or(UNTIL_TOLD, |&(at_us, _)| at_us))
    }

    /// Entries queued.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing is queued.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Entries of the same User that go before this one if nothing is held back. Takes time in
    /// proportion to those of them that have the same due time, and to the User's other due times.
    ///
    /// # Panics
    /// If the entry is no longer queued.
    pub fn ahead_of(&self, slot: Slot) -> u64 {
        let user = self.lines.line(self.line_of(slot)).user;
        let lines = self.users[user as usize].lines.values();
        lines
            .map(|&line| self.lines.count_before(line, slot.node))
            .sum()
    }

    /// Those of them that go through the same lane: they go before it in any case.
    ///
    /// # Panics
    /// If the entry is no longer queued.
    pub fn ahead_in_lane(&self, slot: Slot) -> u64 {
        self.lines.count_before(self.line_of(slot), slot.node)
    }

    /// The Users that have something queued, in order of their names.
    pub fn users(&self) -> impl Iterator<Item = U> {
        let queued = |user: &u32| self.users[*user as usize].len > 0;
        self.user_ids
            .iter()
            .filter(move |(_, user)| queued(user))
            .map(|(&name, _)| name)
    }

    fn user_id(&mut self, name: U) -> u32 {
        *self.user_ids.entry(name).or_insert_with(|| {
            let user = u32::try_from(self.users.len()).expect("far fewer than 2^32 Users");
            let (lines, ready) = (BTreeMap::new(), Ready::default());
            self.users.push(User {
                name,
                lines,
                ready,
                held_until_us: None,
                len: 0,
            });
            self.ring.add_user();
            user
        })
    }

    fn lane_id(&mut self, name: L) -> u32 {
        *self.lane_ids.entry(name).or_insert_with(|| {
            let lane = u32::try_from(self.lanes.len()).expect("far fewer than 2^32 lanes");
            self.lanes.push(Lane {
                name,
                aside: BTreeSet::new(),
                held_until_us: None,
            });
            lane
        })
    }

    fn add_line(&mut self, user: u32, lane: u32) -> u32 {
        let line = self.lines.add_line(user, lane);
        self.users[user as usize].lines.insert(lane, line);
        line
    }

    fn line_of(&self, slot: Slot) -> u32 {
        let line = self.lines.line_of(slot.node, |seq| seq == slot.push);
        line.expect("a slot is used only until its entry is taken or removed")
    }

    /// The entry of `user` that goes next; lines of held lanes on the way are set aside.
    fn first_open_head(&mut self, user: u32, now_us: Micros) -> Option<Head> {
        loop {
            let line = self.users[user as usize].ready.first()?;
            let head = self.lines.head_of(line)?;
            let held_until_us = self.lanes[head.lane as usize].held_until_us;
            if held_until_us.is_none_or(|until_us| until_us <= now_us) {
                return Some(head);
            }
            self.users[user as usize].ready.remove(line);
            self.set_aside(line, head.lane);
        }
    }

    fn take_head(&mut self, user: u32, head: Head) -> Pick<U, L, K> {
        self.ring.spend_unit(user);
        let key = self.remove_from(head.line, head.node);
        let lane = self.lanes[head.lane as usize].name;
        Pick::Taken {
            user: self.users[user as usize].name,
            lane,
            key,
        }
    }

    fn remove_from(&mut self, line: u32, node: u32) -> K {
        let before = self.lines.head_of(line);
        let key = self.lines.remove(node);
        self.renew_head(line, before);
        self.len -= 1;
        let user = self.lines.line(line).user;
        self.users[user as usize].len -= 1;
        if self.users[user as usize].len == 0 {
            self.ring.forget(user);
            self.wait_no_more_for_user(user);
        }
        key
    }

    /// After a change in a line whose head was `before`: its place among the User's ready lines
    /// follows.
    fn renew_head(&mut self, line: u32, before: Option<Head>) {
        let head = self.lines.head_of(line);
        if head == before {
            return;
        }
        let Line {
            user,
            lane,
            is_aside,
            ..
        } = *self.lines.line(line);
        if is_aside {
            if head.is_none() {
                self.unset_aside(line, lane);
            }
            return;
        }
        let ready = &mut self.users[user as usize].ready;
        if before.is_some() {
            ready.remove(line);
        }
        if head.is_some() {
            ready.insert(line, &self.lines);
            self.join_unless_held(user);
        }
    }
}

impl<U: Ord + Copy + Debug, L: Ord + Copy + Debug, K: Copy + Debug> Default for FairQueue<U, L, K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
