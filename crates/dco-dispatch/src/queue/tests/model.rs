//! The queue against a list that is searched from end to end.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    user: u8,
    lane: u8,
    /// Due time, order, push number: the order inside a User.
    place: (Micros, u32, u32),
    slot: Slot,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Push {
        user: u8,
        lane: u8,
        due_us: Micros,
        order: u32,
    },
    Remove(prop::sample::Index),
    Pick {
        later_us: Micros,
    },
    HoldLane {
        lane: u8,
        for_us: Micros,
    },
    HoldUser {
        user: u8,
        for_us: Micros,
    },
    HoldAll {
        for_us: Micros,
    },
    Weight {
        user: u8,
        weight: u32,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let user = 0..4_u8;
    let lane = 0..4_u8;
    let for_us = prop_oneof![2 => Just(0), 4 => 1..20_i64, 1 => Just(UNTIL_TOLD)];
    prop_oneof![
        6 => (user.clone(), lane.clone(), 0..3_i64, 0..5_u32)
            .prop_map(|(user, lane, due_us, order)| Op::Push { user, lane, due_us, order }),
        1 => any::<prop::sample::Index>().prop_map(Op::Remove),
        6 => (0..8_i64).prop_map(|later_us| Op::Pick { later_us }),
        2 => (lane, for_us.clone()).prop_map(|(lane, for_us)| Op::HoldLane { lane, for_us }),
        1 => (user.clone(), for_us).prop_map(|(user, for_us)| Op::HoldUser { user, for_us }),
        1 => (0..10_i64).prop_map(|for_us| Op::HoldAll { for_us }),
        1 => (user, 0..9_u32).prop_map(|(user, weight)| Op::Weight { user, weight }),
    ]
}

#[derive(Default)]
struct World {
    queue: Queue,
    list: Vec<Waiting>,
    gate: Table,
    pushes: u32,
}

impl World {
    fn run(&mut self, op: Op) {
        match op {
            Op::Push {
                user,
                lane,
                due_us,
                order,
            } => self.push(user, lane, due_us, order),
            Op::Remove(index) => self.remove(index),
            Op::Pick { later_us } => self.pick(later_us),
            Op::HoldLane { lane, for_us } => self.hold_lane(lane, for_us),
            Op::HoldUser { user, for_us } => self.hold_user(user, for_us),
            Op::HoldAll { for_us } => self.gate.none_until_us = self.gate.now_us + for_us,
            Op::Weight { user, weight } => self.queue.set_weight(user, weight),
        }
    }

    fn push(&mut self, user: u8, lane: u8, due_us: Micros, order: u32) {
        let key = self.pushes;
        self.pushes += 1;
        let slot = self.queue.push(Entry {
            user,
            lane,
            due_us,
            order,
            key,
        });
        self.list.push(Waiting {
            user,
            lane,
            place: (due_us, order, key),
            slot,
        });
    }

    fn remove(&mut self, index: prop::sample::Index) {
        if !self.list.is_empty() {
            let gone = self.list.swap_remove(index.index(self.list.len()));
            assert_eq!(self.queue.remove(gone.slot), gone.place.2);
        }
    }

    fn hold_lane(&mut self, lane: u8, for_us: Micros) {
        self.gate
            .lanes
            .insert(lane, self.gate.now_us.saturating_add(for_us));
        self.queue.wake_lane(lane);
        self.gate.told.borrow_mut().remove(&Held::Lane(lane.into()));
    }

    fn hold_user(&mut self, user: u8, for_us: Micros) {
        self.gate
            .users
            .insert(user, self.gate.now_us.saturating_add(for_us));
        self.queue.wake_user(user);
        self.gate.told.borrow_mut().remove(&Held::User(user.into()));
    }

    fn pick(&mut self, later_us: Micros) {
        self.gate.now_us += later_us;
        match self.queue.pick(self.gate.now_us, &self.gate) {
            Pick::Taken { user, lane, key } => self.was_right_to_take(user, lane, key),
            Pick::NotBefore(at_us) => self.was_right_to_wait(at_us),
            Pick::Empty => assert!(self.list.is_empty()),
        }
    }

    fn earliest_us(&self) -> Option<Micros> {
        let free_from_us = |waiting: &Waiting| self.gate.free_from_us(waiting.user, waiting.lane);
        self.list.iter().map(free_from_us).min()
    }

    fn was_right_to_take(&mut self, user: u8, lane: u8, key: u32) {
        let now_us = self.gate.now_us;
        assert!(self.gate.none_until_us <= now_us && self.gate.free_from_us(user, lane) <= now_us);
        let can_go = |waiting: &&Waiting| {
            waiting.user == user && self.gate.lane_until_us(waiting.lane) <= now_us
        };
        let first = self
            .list
            .iter()
            .filter(can_go)
            .min_by_key(|waiting| waiting.place)
            .unwrap();
        assert_eq!((first.lane, first.place.2), (lane, key));
        self.list.retain(|waiting| waiting.place.2 != key);
    }

    /// Nothing could go now, and whoever comes back when told to gets the first that can go, at the
    /// very instant at which it can.
    fn was_right_to_wait(&self, at_us: Micros) {
        let now_us = self.gate.now_us;
        let earliest_us = self.earliest_us().expect("an empty queue does not wait");
        assert!(at_us > now_us);
        if self.gate.none_until_us > now_us && at_us == self.gate.none_until_us {
            return;
        }
        assert!(earliest_us > now_us && at_us <= earliest_us);
        assert_eq!(self.follow(at_us), earliest_us);
    }

    /// Comes back as told until something goes or only an event can help.
    fn follow(&self, at_us: Micros) -> Micros {
        let mut gate = Table {
            none_until_us: 0,
            ..self.gate.clone()
        };
        let mut queue = self.queue.clone();
        gate.now_us = at_us;
        // Each step passes the time of at least one of four Users and four lanes.
        for _ in 0..8 {
            match queue.pick(gate.now_us, &gate) {
                Pick::NotBefore(later_us) if gate.now_us != UNTIL_TOLD => gate.now_us = later_us,
                _ => break,
            }
        }
        gate.now_us
    }

    fn counts_agree(&self) {
        assert_eq!(self.queue.len(), self.list.len() as u64);
        assert_eq!(self.queue.is_empty(), self.list.is_empty());
        let mut users = Vec::new();
        for user in 0..4 {
            let of_user = self
                .list
                .iter()
                .filter(|waiting| waiting.user == user)
                .count();
            assert_eq!(len_of(&self.queue, user), of_user as u64);
            users.extend((of_user > 0).then_some(user));
        }
        assert_eq!(self.queue.users().collect::<Vec<_>>(), users);
        for one in &self.list {
            let before = |other: &&Waiting| other.user == one.user && other.place < one.place;
            let ahead = self.list.iter().filter(before).count();
            assert_eq!(self.queue.ahead_of(one.slot), ahead as u64);
        }
    }

    fn free_everything(&mut self) {
        self.gate.none_until_us = 0;
        for one in 0..4 {
            self.hold_lane(one, 0);
            self.hold_user(one, 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_the_list_does(ops in prop::collection::vec(op(), 0..150)) {
        let mut world = World::default();
        for op in ops {
            world.run(op);
            world.counts_agree();
        }
        world.free_everything();
        while !world.list.is_empty() {
            let before = world.list.len();
            world.pick(0);
            prop_assert_eq!(world.list.len(), before - 1, "all is free, so each pick takes one");
        }
        prop_assert_eq!(world.queue.pick(world.gate.now_us, &world.gate), Pick::Empty);
    }
}
