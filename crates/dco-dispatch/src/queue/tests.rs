mod model;
mod shares;
mod twice;

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;

/// A gate that is a table, and that refuses to be asked twice about what it has held back.
#[derive(Clone, Debug, Default)]
struct Table {
    lanes: BTreeMap<u8, Micros>,
    users: BTreeMap<u8, Micros>,
    none_until_us: Micros,
    now_us: Micros,
    told: RefCell<BTreeMap<Held, Micros>>,
}

impl Table {
    fn user_until_us(&self, user: u8) -> Micros {
        self.users.get(&user).copied().unwrap_or(0)
    }

    fn lane_until_us(&self, lane: u8) -> Micros {
        self.lanes.get(&lane).copied().unwrap_or(0)
    }

    /// When an entry of `user` for `lane` can go, as far as these two are concerned.
    fn free_from_us(&self, user: u8, lane: u8) -> Micros {
        self.user_until_us(user).max(self.lane_until_us(lane))
    }

    fn tell(&self, held: Held, until_us: Micros) {
        let told = self.told.borrow_mut().insert(held, until_us);
        assert!(
            told.is_none_or(|told| told <= self.now_us),
            "asked again about {held:?}"
        );
    }
}

impl Gate<u8, u8> for Table {
    fn ask(&self, user: u8, lane: u8) -> Answer {
        let user_until_us = self.user_until_us(user);
        let lane_until_us = self.lane_until_us(lane);
        if self.none_until_us > self.now_us {
            Answer::NoneBefore(self.none_until_us)
        } else if user_until_us > self.now_us {
            self.tell(Held::User(user.into()), user_until_us);
            Answer::UserNotBefore(user_until_us)
        } else if lane_until_us > self.now_us {
            self.tell(Held::Lane(lane.into()), lane_until_us);
            Answer::LaneNotBefore(lane_until_us)
        } else {
            Answer::Go
        }
    }
}

/// A gate that holds nothing back.
#[derive(Debug)]
struct Open;

impl<U, L> Gate<U, L> for Open {
    fn ask(&self, _: U, _: L) -> Answer {
        Answer::Go
    }
}

type Queue = FairQueue<u8, u8, u32>;

fn entry(user: u8, lane: u8, due_us: Micros, key: u32) -> Entry<u8, u8, u32> {
    Entry {
        user,
        lane,
        due_us,
        order: 0,
        key,
    }
}

fn table(now_us: Micros, lanes: &[(u8, Micros)], users: &[(u8, Micros)]) -> Table {
    let lanes = lanes.iter().copied().collect();
    Table {
        lanes,
        users: users.iter().copied().collect(),
        now_us,
        ..Table::default()
    }
}

fn taken(user: u8, lane: u8, key: u32) -> Pick<u8, u8, u32> {
    Pick::Taken { user, lane, key }
}

/// Entries queued for one User, as its own count has it.
fn len_of(queue: &Queue, user: u8) -> u64 {
    let id = queue.user_ids.get(&user);
    id.map_or(0, |id| queue.users[*id as usize].len)
}

/// Takes all that goes through `gate`, and says what stopped it.
fn drain(queue: &mut Queue, gate: &Table) -> (Vec<u32>, Pick<u8, u8, u32>) {
    let mut keys = Vec::new();
    loop {
        match queue.pick(gate.now_us, gate) {
            Pick::Taken { key, .. } => keys.push(key),
            stopped => return (keys, stopped),
        }
    }
}

#[test]
fn an_empty_queue_says_so() {
    let mut queue = Queue::default();
    assert_eq!(queue.pick(0, &Open), Pick::Empty);
    assert_eq!(
        (queue.len(), len_of(&queue, 1), queue.users().count()),
        (0, 0, 0)
    );
    assert!(queue.is_empty());
    queue.wake_lane(1);
    queue.wake_user(1);
    queue.set_weight(1, 0);
    assert_eq!(queue.pick(0, &Open), Pick::Empty);
}

#[test]
fn the_earliest_due_then_the_order_then_the_first_in() {
    let mut queue = Queue::new();
    for (key, lane, due_us, order) in [
        (0, 1, 9, 0),
        (1, 2, 5, 7),
        (2, 1, 5, 7),
        (3, 1, 5, 3),
        (4, 2, 5, 7),
        (5, 1, 5, 7),
    ] {
        queue.push(Entry {
            user: 1,
            lane,
            due_us,
            order,
            key,
        });
    }
    let (keys, stopped) = drain(&mut queue, &table(0, &[], &[]));
    assert_eq!((keys, stopped), (vec![3, 1, 2, 4, 5, 0], Pick::Empty));
}

#[test]
fn equal_users_take_strict_turns() {
    let mut queue = Queue::new();
    for key in 0..9 {
        queue.push(entry(u8::try_from(key / 3).unwrap(), 0, 0, key));
    }
    let (keys, _) = drain(&mut queue, &table(0, &[], &[]));
    assert_eq!(keys, [0, 3, 6, 1, 4, 7, 2, 5, 8]);
}

#[test]
fn a_held_lane_holds_only_itself() {
    let mut queue = Queue::new();
    queue.push(entry(1, 1, 0, 10));
    queue.push(entry(1, 2, 1, 11));
    queue.push(entry(2, 1, 0, 20));
    let gate = table(5, &[(1, 50)], &[]);
    assert_eq!(drain(&mut queue, &gate), (vec![11], Pick::NotBefore(50)));
    assert_eq!(
        drain(&mut queue, &table(49, &[], &[])),
        (vec![], Pick::NotBefore(50))
    );
    assert_eq!(
        drain(&mut queue, &table(50, &[], &[])),
        (vec![20, 10], Pick::Empty)
    );
}

#[test]
fn a_held_user_holds_only_itself() {
    let mut queue = Queue::new();
    queue.push(entry(1, 1, 0, 10));
    queue.push(entry(2, 1, 0, 20));
    let gate = table(5, &[], &[(1, 50)]);
    assert_eq!(drain(&mut queue, &gate), (vec![20], Pick::NotBefore(50)));
    queue.push(entry(1, 2, 0, 11));
    assert_eq!(drain(&mut queue, &gate), (vec![], Pick::NotBefore(50)));
    assert_eq!(
        drain(&mut queue, &table(50, &[], &[])),
        (vec![10, 11], Pick::Empty)
    );
}

#[test]
fn only_a_wake_frees_what_waits_to_be_told() {
    let mut queue = Queue::new();
    queue.push(entry(1, 1, 0, 10));
    queue.push(entry(2, 2, 0, 20));
    let gate = table(5, &[(1, UNTIL_TOLD)], &[(2, UNTIL_TOLD)]);
    assert_eq!(
        drain(&mut queue, &gate),
        (vec![], Pick::NotBefore(UNTIL_TOLD))
    );
    queue.wake_lane(1);
    assert_eq!(
        drain(&mut queue, &table(6, &[], &[])),
        (vec![10], Pick::NotBefore(UNTIL_TOLD))
    );
    queue.wake_user(2);
    assert_eq!(
        drain(&mut queue, &table(6, &[], &[])),
        (vec![20], Pick::Empty)
    );
}

#[test]
fn what_waits_for_nobody_wakes_nobody() {
    let mut queue = Queue::new();
    let held = [
        queue.push(entry(1, 1, 0, 10)),
        queue.push(entry(2, 2, 0, 20)),
    ];
    queue.push(entry(3, 3, 0, 30));
    let gate = table(5, &[(1, 40), (3, 90)], &[(2, 60)]);
    assert_eq!(drain(&mut queue, &gate), (vec![], Pick::NotBefore(40)));
    assert_eq!(queue.remove(held[0]), 10);
    assert_eq!(drain(&mut queue, &gate).1, Pick::NotBefore(60));
    assert_eq!(queue.remove(held[1]), 20);
    assert_eq!(drain(&mut queue, &gate).1, Pick::NotBefore(90));
    queue.push(entry(2, 9, 0, 21));
    queue.push(entry(1, 1, 0, 11));
    assert_eq!(
        drain(&mut queue, &gate).1,
        Pick::NotBefore(40),
        "both are still held"
    );
    let gate = table(60, &[(3, 90)], &[]);
    assert_eq!(
        drain(&mut queue, &gate),
        (vec![11, 21], Pick::NotBefore(90))
    );
}

#[test]
fn nothing_goes_while_the_gate_holds_everything() {
    let mut queue = Queue::new();
    queue.push(entry(1, 1, 0, 10));
    let closed = Table {
        none_until_us: 30,
        now_us: 5,
        ..Table::default()
    };
    assert_eq!(queue.pick(5, &closed), Pick::NotBefore(30));
    assert_eq!(
        queue.pick(6, &Open),
        taken(1, 1, 10),
        "it is asked again each time"
    );
}

#[test]
fn an_answer_in_the_past_means_the_next_microsecond() {
    struct Late(Answer);
    impl Gate<u8, u8> for Late {
        fn ask(&self, _: u8, _: u8) -> Answer {
            self.0
        }
    }
    for answer in [
        Answer::LaneNotBefore(1),
        Answer::UserNotBefore(7),
        Answer::NoneBefore(0),
    ] {
        let mut queue = Queue::new();
        queue.push(entry(1, 1, 0, 10));
        assert_eq!(queue.pick(7, &Late(answer)), Pick::NotBefore(8));
    }
}

#[test]
fn removed_entries_are_gone() {
    let mut queue = Queue::new();
    let slots: Vec<Slot> = (0..4).map(|key| queue.push(entry(1, 1, 0, key))).collect();
    assert_eq!(
        [0, 1, 2, 3].map(|at| queue.ahead_of(slots[at])),
        [0, 1, 2, 3]
    );
    assert_eq!((queue.remove(slots[1]), queue.remove(slots[3])), (1, 3));
    assert_eq!(
        (queue.ahead_of(slots[2]), queue.len(), len_of(&queue, 1)),
        (1, 2, 2)
    );
    assert_eq!(
        drain(&mut queue, &table(0, &[], &[])),
        (vec![0, 2], Pick::Empty)
    );
}

#[test]
fn a_slot_is_all_in_its_bits() {
    let mut queue = Queue::new();
    let slots: Vec<Slot> = (0..5).map(|key| queue.push(entry(1, 1, 0, key))).collect();
    queue.remove(slots[1]);
    let again = queue.push(entry(1, 1, 0, 5));
    for slot in [slots[0], slots[4], again] {
        assert_eq!(Slot::from_bits(slot.bits()), slot);
    }
    assert_eq!(again.bits(), 1 << 32 | 5, "the place of the second entry");
}

#[test]
fn in_its_lane_only_those_of_the_lane_are_ahead() {
    let mut queue = Queue::new();
    let lanes = [1, 2, 1, 2, 1];
    let slots = (0..).zip(lanes);
    let slots: Vec<Slot> = slots
        .map(|(key, lane)| queue.push(entry(1, lane, 0, key)))
        .collect();
    let ahead = |slot: &Slot| (queue.ahead_of(*slot), queue.ahead_in_lane(*slot));
    let ahead: Vec<_> = slots.iter().map(ahead).collect();
    assert_eq!(ahead, [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)]);
}

#[test]
#[should_panic(expected = "only until its entry is taken or removed")]
fn an_old_slot_is_a_fault() {
    let mut queue = Queue::new();
    let old = queue.push(entry(1, 1, 0, 10));
    assert_eq!(queue.pick(0, &Open), taken(1, 1, 10));
    queue.push(entry(1, 1, 0, 11));
    queue.remove(old);
}
