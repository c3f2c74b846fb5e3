//! `Held` and `IndexRanges` against a plain set.

use std::collections::BTreeSet;
use std::mem;

use arbitrary::{Arbitrary, Unstructured};
use dco_block::{Held, IndexRanges};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// Small, so that images become complete; one less than their blocks.
    last_block: u8,
    /// After so many insertions everything is compared and the waiting ranges are taken.
    take_every: u8,
    indices: &'a [u8],
}

/// One input.
pub fn run(bytes: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    let block_count = 1 + u32::from(input.last_block);
    let mut held = Held::new(block_count);
    let mut model = BTreeSet::new();
    let mut waiting = IndexRanges::new();
    let mut waiting_model = BTreeSet::new();
    for (at, &index) in input.indices.iter().enumerate() {
        let index = u32::from(index) % block_count;
        assert_eq!(held.insert(index), model.insert(index));
        assert_eq!(waiting.insert(index), waiting_model.insert(index));
        assert_eq!(held.count() as usize, model.len());
        if at % (1 + usize::from(input.take_every)) == 0 {
            check_held(&held, &model);
            check_taken(&mut waiting, mem::take(&mut waiting_model));
        }
    }
    check_held(&held, &model);
    check_taken(&mut waiting, waiting_model);
}

fn check_held(held: &Held, model: &BTreeSet<u32>) {
    let missing: Vec<u32> = (0..held.block_count())
        .filter(|at| !model.contains(at))
        .collect();
    assert!((0..300).all(|at| held.contains(at) == model.contains(&at)));
    assert_eq!(held.is_complete(), missing.is_empty());
    assert_eq!(held.first_missing(), missing.first().copied());
    let ranges: Vec<_> = held.missing().collect();
    assert!(
        ranges
            .windows(2)
            .all(|pair| pair[0].end() + 1 < *pair[1].start())
    );
    assert_eq!(ranges.into_iter().flatten().collect::<Vec<_>>(), missing);
}

fn check_taken(waiting: &mut IndexRanges, model: BTreeSet<u32>) {
    assert_eq!(waiting.is_empty(), model.is_empty());
    let ranges = waiting.take();
    assert!(
        ranges
            .windows(2)
            .all(|pair| pair[0].end() + 1 < *pair[1].start())
    );
    assert!(ranges.into_iter().flatten().eq(model));
    assert!(waiting.is_empty());
}
