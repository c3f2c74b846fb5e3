use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn missing_of(model: &BTreeSet<u32>, block_count: u32) -> Vec<u32> {
    (0..block_count)
        .filter(|index| !model.contains(index))
        .collect()
}

#[test]
fn nothing_is_missing_of_nothing() {
    let held = Held::new(0);
    assert!(held.is_complete());
    assert_eq!(held.first_missing(), None);
    assert_eq!(held.missing().count(), 0);
    assert!(!held.contains(0));
}

#[test]
fn the_lowest_gap_is_told_not_the_last_block() {
    let mut held = Held::new(200);
    for index in [0, 1, 199, 64, 63] {
        assert!(held.insert(index));
    }
    assert_eq!(held.first_missing(), Some(2));
    assert_eq!(held.missing().collect::<Vec<_>>(), [2..=62, 65..=198]);
}

#[test]
fn ranges_cross_word_borders_whole() {
    for block_count in [63, 64, 65, 127, 128, 129, IMAGE_BLOCKS_MAX] {
        let mut held = Held::new(block_count);
        assert_eq!(held.missing().collect::<Vec<_>>(), [0..=block_count - 1]);
        for index in 0..block_count {
            assert_eq!(held.first_missing(), Some(index));
            assert!(held.insert(index));
        }
        assert!(held.is_complete());
        assert_eq!((held.first_missing(), held.missing().next()), (None, None));
    }
}

#[test]
fn debug_is_short() {
    let mut held = Held::new(9000);
    held.insert(0);
    assert_eq!(format!("{held:?}"), "Held(1 of 9000, missing [1..=8999])");
}

#[test]
#[should_panic(expected = "block 64 of 64")]
fn a_block_the_image_does_not_have_cannot_be_held() {
    Held::new(64).insert(64);
}

#[test]
#[should_panic(expected = "16385 blocks are over the limit")]
fn more_blocks_than_any_image_has_are_refused() {
    let _ = Held::new(IMAGE_BLOCKS_MAX + 1);
}

proptest! {
    #[test]
    fn it_is_a_set(
        (block_count, indices) in (1..300_u32).prop_flat_map(|block_count| {
            (Just(block_count), prop::collection::vec(0..block_count, 0..600))
        }),
    ) {
        let mut held = Held::new(block_count);
        let mut model = BTreeSet::new();
        for index in indices {
            prop_assert_eq!(held.insert(index), model.insert(index));
            prop_assert_eq!(held.count() as usize, model.len());
            let missing = missing_of(&model, block_count);
            prop_assert_eq!(held.first_missing(), missing.first().copied());
            prop_assert_eq!(held.is_complete(), missing.is_empty());
        }
        prop_assert!((0..block_count + 200).all(|at| held.contains(at) == model.contains(&at)));
        let ranges: Vec<_> = held.missing().collect();
        let told: Vec<_> = ranges.iter().cloned().flatten().collect();
        prop_assert_eq!(told, missing_of(&model, block_count));
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()));
        prop_assert_eq!(held.block_count(), block_count);
    }
}

proptest! {
    /// Against a set, whatever comes and goes.
    #[test]
    fn what_is_removed_is_missing_again(
        block_count in 1_u32..200,
        steps in proptest::collection::vec((any::<bool>(), 0_u32..220), 0..300),
    ) {
        let (mut held, mut model) = (Held::new(block_count), BTreeSet::new());
        for (comes, index) in steps {
            if comes && index < block_count {
                prop_assert_eq!(held.insert(index), model.insert(index));
            } else {
                prop_assert_eq!(held.remove(index), model.remove(&index));
            }
            prop_assert_eq!(held.count() as usize, model.len());
            prop_assert_eq!(held.contains(index), model.contains(&index));
            let missing: Vec<_> = held.missing().flatten().collect();
            let expected: Vec<_> = (0..block_count).filter(|it| !model.contains(it)).collect();
            prop_assert_eq!(missing, expected);
        }
    }
}
