//! One run of the queue, and another that is told what the first picked.

use proptest::prelude::*;

use super::*;
use crate::{InvalidTurns, Turn, Turns, UserTurn};

#[derive(Clone, Copy, Debug)]
enum Op {
    Push {
        user: u8,
        lane: u8,
        due_us: Micros,
    },
    Remove(prop::sample::Index),
    Pick(u8),
    Weight {
        user: u8,
        weight: u32,
    },
    /// A lane is held back until it is let go.
    Hold {
        lane: u8,
        held: bool,
    },
}

fn op(hold: impl Strategy<Value = bool> + Clone + 'static) -> impl Strategy<Value = Op> {
    let user = 0..4_u8;
    let lane = 0..3_u8;
    prop_oneof![
        6 => (user.clone(), lane.clone(), 0..3_i64)
            .prop_map(|(user, lane, due_us)| Op::Push { user, lane, due_us }),
        1 => any::<prop::sample::Index>().prop_map(Op::Remove),
        4 => (1..9_u8).prop_map(Op::Pick),
        1 => (user, 1..600_u32).prop_map(|(user, weight)| Op::Weight { user, weight }),
        2 => (lane, hold).prop_map(|(lane, held)| Op::Hold { lane, held }),
    ]
}

fn turn() -> impl Strategy<Value = (Option<Turn>, u64)> {
    let number = prop_oneof![4 => 0..6_u64, 1 => any::<u64>()];
    let credit = prop_oneof![4 => 0..3_u64 << 32, 1 => any::<u64>().prop_map(|it| it | 1 << 62)];
    let turn = prop_oneof![
        Just(None),
        number.clone().prop_map(|it| Some(Turn::InRow(it))),
        number.prop_map(|it| Some(Turn::Returned(it))),
    ];
    (turn, credit)
}

#[derive(Default)]
struct Twice {
    lived: Queue,
    replayed: Queue,
    gate: Table,
    /// Where each entry waits, in the one and in the other.
    waiting: Vec<(u32, Slot, Slot)>,
    entries: BTreeMap<u32, Entry<u8, u8, u32>>,
    pushes: u32,
}

impl Twice {
    fn run(&mut self, op: Op) {
        match op {
            Op::Push { user, lane, due_us } => self.push(user, lane, due_us),
            Op::Remove(index) if !self.waiting.is_empty() => {
                let (_, lived, replayed) =
                    self.waiting.swap_remove(index.index(self.waiting.len()));
                assert_eq!(self.lived.remove(lived), self.replayed.remove(replayed));
            }
            Op::Remove(_) => {}
            Op::Pick(times) => (0..times).for_each(|_| self.pick()),
            Op::Weight { user, weight } => {
                self.lived.set_weight(user, weight);
                self.replayed.set_weight(user, weight);
            }
            Op::Hold { lane, held } => self.hold(lane, held),
        }
    }

    fn push(&mut self, user: u8, lane: u8, due_us: Micros) {
        let entry = entry(user, lane, due_us, self.pushes);
        let slots = (self.lived.push(entry), self.replayed.push(entry));
        self.waiting.push((self.pushes, slots.0, slots.1));
        self.entries.insert(self.pushes, entry);
        self.pushes += 1;
    }

    fn pick(&mut self) {
        let Pick::Taken { key, .. } = self.lived.pick(0, &self.gate) else {
            return;
        };
        let at = self.waiting.iter().position(|it| it.0 == key).unwrap();
        let (_, _, slot) = self.waiting.swap_remove(at);
        assert_eq!(self.replayed.take(slot), key);
    }

    fn hold(&mut self, lane: u8, held: bool) {
        let until_us = if held { UNTIL_TOLD } else { 0 };
        self.gate.lanes.insert(lane, until_us);
        self.gate.told.borrow_mut().remove(&Held::Lane(lane.into()));
        self.lived.wake_lane(lane);
    }
}

/// The queue that is told what was picked, kept and taken up again.
fn taken_up(twice: &mut Twice) -> Queue {
    let turns = twice.replayed.turns();
    twice.waiting.sort_by_key(|it| it.0);
    let entries: Vec<_> = twice
        .waiting
        .iter()
        .map(|it| twice.entries[&it.0])
        .collect();
    let mut slots = Vec::new();
    let queue = Queue::resume(&turns, entries, |key, slot| slots.push((key, slot)));
    let queue = queue.unwrap();
    assert_eq!(queue.turns(), turns);
    slots.sort_by_key(|it| it.0);
    for ((key, slot), (waiting, _, before)) in slots.into_iter().zip(&twice.waiting) {
        assert_eq!(key, *waiting);
        assert_eq!(queue.ahead_of(slot), twice.replayed.ahead_of(*before));
    }
    queue
}

fn all_of(queue: &mut Queue) -> Vec<u32> {
    drain(queue, &Table::default()).0
}

/// How many entries each of four Users had by each of some picks.
fn shares(queue: &mut Queue, picks: usize) -> Vec<[i64; 4]> {
    let mut taken = [0; 4];
    let mut after = Vec::new();
    for _ in 0..picks {
        if let Pick::Taken { user, .. } = queue.pick(0, &Open) {
            taken[usize::from(user)] += 1;
            after.push(taken);
        }
    }
    after
}

/// Two Users, the first with an entry; what each case makes of them is no queue.
#[test]
fn turns_that_could_not_have_come_about_are_refused_with_why() {
    let kept = |turn, credit, weight| UserTurn {
        name: 0,
        weight,
        credit,
        is_granted: false,
        turn,
    };
    let other = UserTurn {
        name: 1,
        ..kept(None, 0, 1)
    };
    let refused = |first: UserTurn<u8>, second: UserTurn<u8>, next_turn| {
        let turns = Turns {
            users: vec![first, second],
            lanes: vec![0],
            lines: vec![(0, 0)],
            next_turn,
        };
        let queue = Queue::resume(&turns, [entry(0, 0, 0, 0)], |_, _| {});
        queue.map(|queue| queue.len()).map_err(InvalidTurns::why)
    };
    let in_row = Some(Turn::InRow(5));
    let most = 1 << 62;
    assert_eq!(refused(kept(in_row, most, 1), other, most), Ok(1));
    assert_eq!(
        refused(kept(Some(Turn::Returned(5)), 0, 1), other, 6),
        Ok(1)
    );
    let back = UserTurn {
        turn: Some(Turn::Returned(4)),
        ..other
    };
    let twice = UserTurn {
        turn: in_row,
        ..other
    };
    for (first, second, next_turn, why) in [
        (kept(None, 0, 1), other, 6, "has no turn"),
        (kept(in_row, 0, 1), back, 6, "without entries came back"),
        (kept(in_row, 0, 0), other, 6, "has no weight"),
        (
            kept(in_row, most + 1, 1),
            other,
            6,
            "more credit than can be",
        ),
        (kept(in_row, 0, 1), twice, 6, "given twice"),
        (kept(in_row, 0, 1), other, 5, "was never given"),
        (kept(in_row, 0, 1), other, most + 1, "more turns were given"),
    ] {
        let refused = refused(first, second, next_turn);
        assert!(
            refused.is_err_and(|it| it.contains(why)),
            "{why}: {refused:?}"
        );
    }
}

/// The first User's lane is held back when the second one's entry is picked: it keeps its turn, and the third follows.
#[test]
fn who_was_passed_over_keeps_its_turn_in_a_replay() {
    let mut twice = Twice::default();
    for user in 0..3 {
        (0..2).for_each(|_| twice.push(user, user, 0));
    }
    twice.hold(0, true);
    twice.pick();
    twice.hold(0, false);
    let lived = all_of(&mut twice.lived);
    assert_eq!(lived, [0, 4, 1, 3, 5]);
    assert_eq!(all_of(&mut twice.replayed), lived);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn told_what_was_picked_it_goes_on_alike(
        ops in prop::collection::vec(op(Just(false)), 0..150),
    ) {
        let mut twice = Twice::default();
        for op in ops {
            twice.run(op);
        }
        let mut again = taken_up(&mut twice);
        let lived = all_of(&mut twice.lived);
        prop_assert_eq!(&lived, &all_of(&mut twice.replayed));
        prop_assert_eq!(&lived, &all_of(&mut again));
    }

    /// Turns that no queue has: refused, or taken up without a panic ever after.
    #[test]
    fn no_turns_make_it_fall_over(
        users in prop::collection::vec((0..4_u8, 0..4_u32, turn(), any::<bool>()), 0..4),
        lines in prop::collection::vec((0..4_u32, 0..4_u32), 0..5),
        next_turn in prop_oneof![Just(6), 0..6_u64, any::<u64>()],
        entries in prop::collection::vec((0..4_u8, 0..3_u8), 0..4),
    ) {
        let users = users.into_iter().map(|(name, weight, (turn, credit), is_granted)| UserTurn {
            name,
            weight,
            credit,
            is_granted,
            turn,
        });
        let turns = Turns {
            users: users.collect(),
            lanes: vec![0, 1, 2],
            lines,
            next_turn,
        };
        let entries = entries.into_iter().map(|(user, lane)| entry(user, lane, 0, 0));
        if let Ok(mut queue) = Queue::resume(&turns, entries, |_, _| {}) {
            prop_assert_eq!(queue.turns(), turns);
            queue.push(entry(0, 0, 0, 7));
            prop_assert!(all_of(&mut queue).contains(&7));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_was_held_back_shifts_it_by_few_turns(
        ops in prop::collection::vec(op(any::<bool>()), 0..150),
        weights in prop::array::uniform4(1..600_u32),
    ) {
        let mut twice = Twice::default();
        for (user, weight) in (0..).zip(weights) {
            twice.run(Op::Weight { user, weight });
        }
        for op in ops.into_iter().filter(|op| !matches!(op, Op::Weight { .. })) {
            twice.run(op);
        }
        for lane in 0..3 {
            twice.hold(lane, false);
        }
        for user in 0..4 {
            (0..200).for_each(|_| twice.push(user, 0, 9));
        }
        let price = i64::from(weights.iter().sum::<u32>().div_ceil(4));
        let lived = shares(&mut twice.lived, 200);
        let replayed = shares(&mut twice.replayed, 200);
        for (lived, replayed) in lived.into_iter().zip(replayed) {
            for user in 0..4 {
                let turn = i64::from(weights[user]).div_euclid(price) + 1;
                let apart = lived[user].abs_diff(replayed[user]);
                prop_assert!(apart <= 1 + 2 * turn.unsigned_abs(), "{lived:?} {replayed:?} {weights:?}");
            }
        }
    }
}

#[test]
fn what_is_held_back_can_be_taken_all_the_same() {
    let mut queue = Queue::new();
    let slots: Vec<Slot> = (0..3).map(|key| queue.push(entry(1, 1, 0, key))).collect();
    let held = table(0, &[(1, UNTIL_TOLD)], &[]);
    assert_eq!(queue.pick(0, &held), Pick::NotBefore(UNTIL_TOLD));
    assert_eq!((queue.take(slots[0]), queue.take(slots[2])), (0, 2));
    assert_eq!(queue.len(), 1);
    queue.wake_lane(1);
    assert_eq!(queue.pick(0, &Open), taken(1, 1, 1));
    assert_eq!(queue.pick(0, &Open), Pick::Empty);
}

#[test]
#[should_panic(expected = "only until its entry is taken or removed")]
fn what_was_picked_cannot_be_taken() {
    let mut queue = Queue::new();
    let slot = queue.push(entry(1, 1, 0, 10));
    assert_eq!(queue.pick(0, &Open), taken(1, 1, 10));
    queue.take(slot);
}
