use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn neighbours_become_one_range() {
    let mut set = IndexRanges::new();
    assert!(set.insert(5));
    assert!(set.insert(7));
    assert_eq!(set.len(), 2);
    assert!(set.insert(6));
    assert!(!set.insert(6));
    assert_eq!(set.iter().collect::<Vec<_>>(), [5..=7]);
}

#[test]
fn the_ends_of_the_numbers_are_indices_too() {
    let mut set = IndexRanges::new();
    for index in [u32::MAX, 0, u32::MAX - 1, 1] {
        assert!(set.insert(index));
        assert!(!set.insert(index));
    }
    assert_eq!(set.take(), [0..=1, u32::MAX - 1..=u32::MAX]);
    assert!(set.is_empty());
    assert_eq!(set.take(), []);
}

proptest! {
    #[test]
    fn it_is_a_set(indices in prop::collection::vec(0..100_u32, 0..200), taken_at in 0..200_usize) {
        let mut set = IndexRanges::new();
        let mut model = BTreeSet::new();
        for (at, index) in indices.into_iter().enumerate() {
            if at == taken_at {
                let taken: BTreeSet<_> = set.take().into_iter().flatten().collect();
                prop_assert_eq!(taken, mem::take(&mut model));
            }
            prop_assert_eq!(set.insert(index), model.insert(index));
            prop_assert!(set.iter().flatten().eq(model.iter().copied()));
            let ranges: Vec<_> = set.iter().collect();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()));
            prop_assert_eq!((set.len(), set.is_empty()), (ranges.len(), model.is_empty()));
        }
    }
}
