use proptest::prelude::*;

use super::*;

fn share(wishes: &[(u64, u64)]) -> Share<usize> {
    let users = wishes.iter().enumerate();
    Share {
        users: users
            .map(|(number, (units, weight))| Wish {
                user: number,
                units: u128::from(*units),
                weight: u128::from(*weight),
            })
            .collect(),
    }
}

/// Wishes as (units, weight) and a capacity: what each gets.
fn check(wishes: &[(u64, u64)], capacity: u64, expected: &[u64]) {
    let served: Vec<_> = share(wishes).served(capacity).into_values().collect();
    assert_eq!(served, expected, "{wishes:?} of {capacity}");
}

#[test]
fn shares_follow_the_weights_until_a_wish_is_full() {
    check(&[(100, 1), (100, 3)], 100, &[25, 75]);
    check(&[(10, 1), (1_000, 1)], 100, &[10, 90]);
    check(&[(10, 10), (50, 1), (100, 1)], 100, &[10, 45, 45]);
    check(&[(5, 100), (100, 1)], 50, &[5, 45]);
    check(&[(100, 2), (20, 1), (100, 1)], 90, &[47, 20, 23]);
    check(&[(500, 500), (100, 100)], 120, &[100, 20]);
}

#[test]
fn enough_for_all_is_enough_for_each() {
    check(&[(10, 1), (20, 7)], 30, &[10, 20]);
    check(&[(10, 1), (20, 7)], u64::MAX, &[10, 20]);
    check(&[], 30, &[]);
}

#[test]
fn a_small_capacity_is_not_lost_in_parts() {
    check(&[(10, 1), (10, 1)], 1, &[1, 0]);
    check(&[(10, 1), (10, 2), (10, 2)], 2, &[0, 1, 1]);
    check(&[(10, 1), (10, 1), (10, 1)], 5, &[2, 2, 1]);
    check(&[(10, 1), (10, 1)], 0, &[0, 0]);
}

#[test]
fn the_place_of_a_unit_counts_what_leaves_before_it() {
    let of_two = share(&[(100, 1), (100, 3)]);
    assert_eq!(of_two.released_when(0, 25), 100);
    assert_eq!(of_two.released_when(1, 75), 100);
    assert_eq!(of_two.released_when(1, 3), 4);
    let short = share(&[(10, 1), (100, 1)]);
    assert_eq!(short.released_when(1, 50), 60, "the other is full");
    assert_eq!(short.released_when(9, 1), 0);
}

proptest! {
    #[test]
    fn served_is_weighted_max_min(
        wishes in proptest::collection::vec((1_u64..200, 1_u64..50), 1..6),
        capacity in 0_u64..600,
    ) {
        let served: Vec<_> = share(&wishes).served(capacity).into_values().collect();
        let wanted: u64 = wishes.iter().map(|(units, _)| units).sum();
        prop_assert_eq!(served.iter().sum::<u64>(), wanted.min(capacity), "nothing is left over");
        let each = || wishes.iter().zip(&served);
        prop_assert!(each().all(|((units, _), got)| got <= units));
        for ((units, weight), got) in each() {
            for ((_, other_weight), other_got) in each() {
                // Who has less than it wants is at most one unit behind everyone else, by weight.
                let behind = (got + 1) * other_weight;
                let ahead = other_got.saturating_sub(1) * weight;
                prop_assert!(got == units || ahead <= behind);
            }
        }
    }

    #[test]
    fn very_large_wishes_do_not_overflow(
        units in proptest::array::uniform3(0_u64..=u64::from(u32::MAX)),
        weights in proptest::array::uniform3(1_u64..=u64::from(u32::MAX)),
        capacity in 0..=u64::MAX,
    ) {
        let wishes: Vec<_> = units.into_iter().zip(weights).collect();
        let served = share(&wishes).served(capacity);
        prop_assert!(served.values().sum::<u64>() <= capacity);
        prop_assert!(share(&wishes).released_when(1, u64::MAX) <= units.iter().sum());
    }
}
