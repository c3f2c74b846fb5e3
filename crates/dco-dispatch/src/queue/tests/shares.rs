//! Who gets how much, and how long anybody waits for it.

use proptest::prelude::*;

use super::*;

/// What each of several Users, all with endless work, got in the course of many picks.
struct Shares {
    queue: FairQueue<usize, u8, usize>,
    weights: Vec<u32>,
    taken: Vec<u64>,
    longest_wait: Vec<u64>,
    waits: Vec<u64>,
}

impl Shares {
    fn new(weights: Vec<u32>) -> Self {
        let mut queue = FairQueue::new();
        for (user, &weight) in weights.iter().enumerate() {
            queue.set_weight(user, weight);
            queue.push(endless(user));
            queue.push(endless(user));
        }
        let none = vec![0; weights.len()];
        Self {
            queue,
            weights,
            taken: none.clone(),
            longest_wait: none.clone(),
            waits: none,
        }
    }

    fn pick(&mut self, count: u64) {
        for _ in 0..count {
            let Pick::Taken { user, .. } = self.queue.pick(0, &Open) else {
                panic!("all have work and nothing is held");
            };
            self.queue.push(endless(user));
            self.taken[user] += 1;
            for (other, wait) in self.waits.iter_mut().enumerate() {
                *wait = if other == user { 0 } else { *wait + 1 };
                self.longest_wait[other] = self.longest_wait[other].max(*wait);
            }
        }
    }

    fn price(&self) -> u64 {
        let sum: u64 = self.weights.iter().map(|&weight| u64::from(weight)).sum();
        sum.div_ceil(self.weights.len() as u64)
    }
}

fn endless(user: usize) -> Entry<usize, u8, usize> {
    Entry {
        user,
        lane: 0,
        due_us: 0,
        order: 0,
        key: user,
    }
}

fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![
        1..5_u32,
        400..600_u32,
        1..=50_000_u32,
        Just(1),
        Just(50_000)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn shares_are_as_weights_within_a_turn(
        weights in prop::collection::vec(weight(), 1..12), warm_up in 0..200_u64,
        picks in 0..3_000_u64,
    ) {
        let mut shares = Shares::new(weights);
        shares.pick(warm_up);
        let before = shares.taken.clone();
        shares.pick(picks);
        let price = u128::from(shares.price());
        let got = |user: usize| u128::from(shares.taken[user] - before[user]);
        for a in 0..shares.weights.len() {
            for b in 0..a {
                let (weight_a, weight_b) =
                    (u128::from(shares.weights[a]), u128::from(shares.weights[b]));
                // |got_a / turn_a - got_b / turn_b| <= 1 + 1 / turn_a + 1 / turn_b with turns of
                // weight / price units, written without fractions (2 for their rounding).
                let apart = (got(a) * weight_b).abs_diff(got(b) * weight_a);
                let turn = weight_a * weight_b / price + weight_a + weight_b + 2;
                prop_assert!(apart <= turn, "{apart} > {turn} for {weight_a} and {weight_b}");
            }
        }
    }

    #[test]
    fn the_wait_is_bounded(
        weights in prop::collection::vec(weight(), 1..12), picks in 0..3_000_u64,
    ) {
        let mut shares = Shares::new(weights);
        shares.pick(picks);
        let users = shares.weights.len() as u64;
        for (user, &weight) in shares.weights.iter().enumerate() {
            let bound = users * (shares.price().div_ceil(u64::from(weight)) + 1);
            prop_assert!(shares.longest_wait[user] <= bound, "{weight}: {bound}");
        }
    }

    #[test]
    fn with_equal_weights_the_wait_is_one_turn_of_each(users in 1..60_usize, weight in weight()) {
        let mut shares = Shares::new(vec![weight; users]);
        shares.pick(5 * users as u64);
        prop_assert!(shares.longest_wait.iter().all(|&wait| wait < users as u64));
    }

    /// Others come and go, are held and freed, as they like: it changes nothing for who is ready.
    #[test]
    fn whoever_stays_ready_waits_for_one_turn_of_each(
        ops in prop::collection::vec((0..8_u8, 1..8_u8), 1..400),
    ) {
        let mut queue = Queue::new();
        let mut gate = Table::default();
        let mut wait = 0;
        queue.push(entry(0, 0, 0, 0));
        for (op, user) in ops {
            match op {
                0..3 => {
                    queue.push(entry(user, user, 0, 0));
                }
                3 => {
                    gate.lanes.insert(user, UNTIL_TOLD);
                }
                4 => {
                    gate.lanes.remove(&user);
                    queue.wake_lane(user);
                    gate.told.borrow_mut().clear();
                }
                _ if matches!(queue.pick(0, &gate), Pick::Taken { user: 0, .. }) => {
                    wait = 0;
                    queue.push(entry(0, 0, 0, 0));
                }
                _ => wait += 1,
            }
            prop_assert!(wait <= 7);
        }
    }
}

#[test]
fn a_light_user_among_heavy_ones_gets_its_part() {
    let mut shares = Shares::new(vec![50_000, 1, 50_000]);
    shares.pick(400_004);
    assert!(shares.taken[1].abs_diff(4) <= 1);
    assert!(shares.taken[0].abs_diff(shares.taken[2]) <= 2);
}

#[test]
fn one_slot_that_many_wait_for_goes_round() {
    let mut queue = Queue::new();
    for key in 0..40 {
        queue.push(entry(u8::try_from(key % 4).unwrap(), 0, 0, key));
    }
    let free = Table::default();
    let full = table(0, &[(0, UNTIL_TOLD)], &[]);
    for key in 0..40 {
        queue.wake_lane(0);
        assert_eq!(
            queue.pick(0, &free),
            taken(u8::try_from(key % 4).unwrap(), 0, key)
        );
        full.told.borrow_mut().clear();
        assert!(matches!(
            queue.pick(0, &full),
            Pick::NotBefore(UNTIL_TOLD) | Pick::Empty
        ));
    }
}

#[test]
fn the_shares_of_a_slot_that_many_wait_for_are_as_weights() {
    let mut queue = Queue::new();
    let mut got = [0_u32; 3];
    for (user, weight) in [(0, 1), (1, 3), (2, 6)] {
        queue.set_weight(user, weight);
        queue.push(entry(user, 0, 0, 0));
        queue.push(entry(user, 0, 0, 0));
    }
    let free = Table::default();
    let full = table(0, &[(0, UNTIL_TOLD)], &[]);
    for _ in 0..1_000 {
        queue.wake_lane(0);
        let Pick::Taken { user, .. } = queue.pick(0, &free) else {
            panic!("the slot is free")
        };
        got[usize::from(user)] += 1;
        queue.push(entry(user, 0, 0, 0));
        full.told.borrow_mut().clear();
        assert_eq!(queue.pick(0, &full), Pick::NotBefore(UNTIL_TOLD));
    }
    assert!(
        got.iter()
            .zip([100, 300, 600])
            .all(|(&got, due)| got.abs_diff(due) <= 3),
        "{got:?}"
    );
}

#[test]
fn nobody_saves_up_while_away() {
    let mut queue = Queue::new();
    queue.set_weight(1, 9);
    queue.set_weight(2, 1);
    queue.push(entry(1, 1, 0, 0));
    for _ in 0..200 {
        queue.push(entry(2, 2, 0, 0));
    }
    let gate = table(0, &[(1, UNTIL_TOLD)], &[]);
    for _ in 0..100 {
        assert_eq!(queue.pick(0, &gate), taken(2, 2, 0));
    }
    for _ in 0..200 {
        queue.push(entry(1, 1, 0, 0));
    }
    queue.wake_lane(1);
    let first_of_other = (0..).find(|_| queue.pick(0, &Open) == taken(2, 2, 0));
    // A turn is 9 / 5 of a unit, one in five rounds is the other's.
    assert!(first_of_other <= Some(10), "{first_of_other:?}");
}
