//! A queue that was kept and is taken up again.

use std::fmt::Debug;

use super::{Entry, FairQueue, Lane, Slot, User};
use crate::line::Place;
use crate::ring::Ring;
use crate::turns::{InvalidTurns, Turns};

impl<U: Ord + Copy + Debug, L: Ord + Copy + Debug, K: Copy + Debug> FairQueue<U, L, K> {
    /// All that it is besides its entries.
    ///
    /// # Panics
    /// If something is held back: only a queue that has never picked, as in a replay, is kept.
    pub fn turns(&self) -> Turns<U, L> {
        let Self {
            users,
            user_ids: _,
            lanes,
            lane_ids: _,
            lines,
            ring,
            waits: _,
            next_seq: _,
            len: _,
        } = self;
        let held_users = users.iter().filter_map(|user| user.held_until_us);
        let held_lanes = lanes.iter().filter_map(|lane| lane.held_until_us);
        let held = held_users.chain(held_lanes).count();
        assert_eq!(held, 0, "a queue is kept that holds something back");
        Turns {
            users: ring.kept(users.iter().map(User::name)),
            lanes: lanes.iter().map(Lane::name).collect(),
            lines: lines.owners().collect(),
            next_turn: ring.next_turn(),
        }
    }

    /// The queue that kept these turns, with its entries queued again in the order of their pushes. `queued` is told
    /// where each of them is. It picks as the kept one would.
    ///
    /// # Errors
    /// When such turns could not have come about with these entries.
    pub fn resume(
        turns: &Turns<U, L>,
        entries: impl IntoIterator<Item = Entry<U, L, K>>,
        mut queued: impl FnMut(K, Slot),
    ) -> Result<Self, InvalidTurns> {
        let mut queue = Self::with_lines(turns)?;
        let mut waiting = vec![Vec::new(); turns.lines.len()];
        for entry in entries {
            let line = queue.known_line(&entry);
            let line = line.ok_or(InvalidTurns("an entry waits in a line that is not there"))?;
            let place = (entry.due_us, entry.order, queue.next_seq);
            queue.next_seq = queue.next_seq.wrapping_add(1);
            waiting[line as usize].push((place, entry.key));
        }
        for (line, waiting) in (0..).zip(waiting) {
            queue.fill(line, waiting, &mut queued);
        }
        let has_entries = queue.users.iter().map(|user| user.len > 0);
        queue.ring = Ring::resume(turns.users.iter().zip(has_entries), turns.next_turn)?;
        Ok(queue)
    }

    fn known_line(&self, entry: &Entry<U, L, K>) -> Option<u32> {
        let lane = self.lane_ids.get(&entry.lane)?;
        let user = self.user_ids.get(&entry.user)?;
        self.users[*user as usize].lines.get(lane).copied()
    }

    /// Into an empty line, all that waits in it.
    fn fill(&mut self, line: u32, mut waiting: Vec<(Place, K)>, queued: &mut impl FnMut(K, Slot)) {
        waiting.sort_by_key(|(place, _)| *place);
        let len = waiting.len() as u64;
        self.lines.fill(line, waiting, |push, key, node| {
            queued(key, Slot { node, push })
        });
        self.len += len;
        self.users[self.lines.line(line).user as usize].len += len;
        self.renew_head(line, None);
    }

    /// With the same numbers for Users, lanes and lines: what waits equally long is freed in their order.
    fn with_lines(turns: &Turns<U, L>) -> Result<Self, InvalidTurns> {
        let mut queue = Self::new();
        for user in &turns.users {
            queue.user_id(user.name);
        }
        for &lane in &turns.lanes {
            queue.lane_id(lane);
        }
        if queue.users.len() != turns.users.len() || queue.lanes.len() != turns.lanes.len() {
            return Err(InvalidTurns("a User or a lane is named twice"));
        }
        for &(user, lane) in &turns.lines {
            let known = queue.users.get(user as usize);
            let known = known.filter(|_| queue.lanes.get(lane as usize).is_some());
            let user_state = known.ok_or(InvalidTurns("a line is of nobody"))?;
            if user_state.lines.contains_key(&lane) {
                return Err(InvalidTurns("a line is named twice"));
            }
            queue.add_line(user, lane);
        }
        Ok(queue)
    }
}

impl<U: Copy> User<U> {
    fn name(&self) -> U {
        let Self {
            name,
            lines: _,
            ready: _,
            held_until_us: _,
            len: _,
        } = self;
        *name
    }
}

impl<L: Copy> Lane<L> {
    fn name(&self) -> L {
        let Self {
            name,
            aside: _,
            held_until_us: _,
        } = self;
        *name
    }
}
