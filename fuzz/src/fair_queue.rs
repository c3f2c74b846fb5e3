//! The fair queue against a list that is searched from end to end.
//!
//! Each four octets are one step: what, which User, which lane, how much.

use std::collections::BTreeMap;

use dco_dispatch::{Answer, Entry, FairQueue, Gate, Micros, Pick, Slot, UNTIL_TOLD};

const USERS: u8 = 4;
const LANES: u8 = 3;

/// One input.
pub fn run(bytes: &[u8]) {
    let mut world = World::default();
    for step in bytes.chunks_exact(4) {
        world.step(step[0], (step[1] % USERS, step[2] % LANES), step[3]);
        world.agrees();
    }
    world.empties();
}

/// Who and what may not go before when.
#[derive(Debug, Clone, Default)]
struct Table {
    now_us: Micros,
    users: BTreeMap<u8, Micros>,
    lanes: BTreeMap<u8, Micros>,
    all_us: Micros,
}

impl Table {
    fn user_us(&self, user: u8) -> Micros {
        self.users.get(&user).copied().unwrap_or(0)
    }

    fn lane_us(&self, lane: u8) -> Micros {
        self.lanes.get(&lane).copied().unwrap_or(0)
    }

    fn goes(&self, user: u8, lane: u8) -> bool {
        self.user_us(user) <= self.now_us && self.lane_us(lane) <= self.now_us
    }
}

impl Gate<u8, u8> for Table {
    fn ask(&self, user: u8, lane: u8) -> Answer {
        if self.all_us > self.now_us {
            Answer::NoneBefore(self.all_us)
        } else if self.user_us(user) > self.now_us {
            Answer::UserNotBefore(self.user_us(user))
        } else if self.lane_us(lane) > self.now_us {
            Answer::LaneNotBefore(self.lane_us(lane))
        } else {
            Answer::Go
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    user: u8,
    lane: u8,
    /// Due time, order, push number: the order inside a User.
    place: (Micros, u32, u32),
    slot: Slot,
}

#[derive(Debug, Default)]
struct World {
    queue: FairQueue<u8, u8, u32>,
    list: Vec<Waiting>,
    gate: Table,
    pushed: u32,
}

impl World {
    fn step(&mut self, what: u8, (user, lane): (u8, u8), much: u8) {
        let until_us = match much {
            u8::MAX => UNTIL_TOLD,
            much => self.gate.now_us.saturating_add(much.into()),
        };
        match what % 10 {
            0..3 => self.push(user, lane, much),
            3..6 => {
                self.gate.now_us += Micros::from(much % 8);
                self.pick();
            }
            6 => self.queue.set_weight(user, much.into()),
            7 => {
                self.gate.lanes.insert(lane, until_us);
                self.queue.wake_lane(lane);
            }
            8 => {
                self.gate.users.insert(user, until_us);
                self.queue.wake_user(user);
            }
            _ if much.is_multiple_of(2) => {
                self.gate.all_us = self.gate.now_us + Micros::from(much % 16)
            }
            _ => self.remove(much),
        }
    }

    fn push(&mut self, user: u8, lane: u8, much: u8) {
        let key = self.pushed;
        self.pushed += 1;
        let (due_us, order) = (Micros::from(much % 4), u32::from(much / 64));
        let slot = self.queue.push(Entry {
            user,
            lane,
            due_us,
            order,
            key,
        });
        let place = (due_us, order, key);
        self.list.push(Waiting {
            user,
            lane,
            place,
            slot,
        });
    }

    /// Out of turn, or as replay takes it.
    fn remove(&mut self, much: u8) {
        if self.list.is_empty() {
            return;
        }
        let gone = self.list.swap_remove(usize::from(much) % self.list.len());
        let key = if much % 4 == 1 {
            self.queue.remove(gone.slot)
        } else {
            self.queue.take(gone.slot)
        };
        assert_eq!(key, gone.place.2);
    }

    fn pick(&mut self) {
        match self.queue.pick(self.gate.now_us, &self.gate) {
            Pick::Taken { user, lane, key } => self.was_right_to_take(user, lane, key),
            Pick::NotBefore(at_us) => self.was_right_to_wait(at_us),
            Pick::Empty => assert!(self.list.is_empty()),
        }
    }

    fn was_right_to_take(&mut self, user: u8, lane: u8, key: u32) {
        assert!(self.gate.all_us <= self.gate.now_us && self.gate.goes(user, lane));
        let of_user = self.list.iter().filter(|it| it.user == user);
        let open = of_user.filter(|it| self.gate.goes(it.user, it.lane));
        let first = open.min_by_key(|it| it.place).expect("it was queued");
        assert_eq!((first.lane, first.place.2), (lane, key));
        self.list.retain(|it| it.place.2 != key);
    }

    fn was_right_to_wait(&self, at_us: Micros) {
        assert!(!self.list.is_empty() && at_us > self.gate.now_us);
        if self.gate.all_us > self.gate.now_us {
            return;
        }
        assert!(!self.list.iter().any(|it| self.gate.goes(it.user, it.lane)));
        let free_us = |it: &Waiting| self.gate.user_us(it.user).max(self.gate.lane_us(it.lane));
        let earliest_us = self.list.iter().map(free_us).min();
        assert!(Some(at_us) <= earliest_us, "whoever comes then is too late");
    }

    fn agrees(&self) {
        let len = |list: usize| u64::try_from(list).expect("inputs are small");
        assert_eq!(self.queue.len(), len(self.list.len()));
        assert_eq!(self.queue.is_empty(), self.list.is_empty());
        let queued = (0..USERS).filter(|user| self.list.iter().any(|it| it.user == *user));
        assert!(self.queue.users().eq(queued));
        for one in &self.list {
            let before = |it: &&Waiting| it.user == one.user && it.place < one.place;
            let ahead = self.list.iter().filter(before).count();
            assert_eq!(self.queue.ahead_of(one.slot), len(ahead));
        }
    }

    /// Once nothing is held back, each pick takes one until none is left.
    fn empties(&mut self) {
        self.gate = Table {
            now_us: self.gate.now_us,
            ..Table::default()
        };
        (0..LANES).for_each(|lane| self.queue.wake_lane(lane));
        (0..USERS).for_each(|user| self.queue.wake_user(user));
        for left in (0..self.list.len()).rev() {
            self.pick();
            assert_eq!(self.list.len(), left);
        }
        assert_eq!(self.queue.pick(self.gate.now_us, &self.gate), Pick::Empty);
    }
}
