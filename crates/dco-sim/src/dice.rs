//! Chance that comes from a seed and from nothing else.

use std::ops::RangeInclusive;

/// The generator SplitMix64: small, even, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Another seed gives another row of numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        let scaled = (u128::from(self.any()) * u128::from(end)) >> 64;
        u64::try_from(scaled).expect("it is less than `end`")
    }

    /// A number in a range that is not empty.
    pub fn between(&mut self, range: RangeInclusive<i64>) -> i64 {
        let wide = range.end().abs_diff(*range.start()) + 1;
        range.start().saturating_add_unsigned(self.below(wide))
    }

    /// A small number in a range that is not empty.
    pub fn small(&mut self, range: RangeInclusive<u32>) -> u32 {
        let wide = self.between(i64::from(*range.start())..=i64::from(*range.end()));
        u32::try_from(wide).expect("it lies between two u32")
    }

    /// True in so many of a thousand cases.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    /// A place in something with `len` of them, not zero.
    pub fn index(&mut self, len: usize) -> usize {
        let end = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(end)).expect("it is less than a usize")
    }

    /// Any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// Some of them, at least one, in any order.
    pub fn some<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let mut items = of.to_vec();
        self.shuffle(&mut items);
        items.truncate(self.index(of.len()) + 1);
        items
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_decides_everything_and_ranges_are_kept() {
        let row = |seed| {
            let mut dice = Dice::new(seed);
            (0..50).map(|_| dice.between(-3..=3)).collect::<Vec<_>>()
        };
        assert_eq!(row(7), row(7));
        assert_ne!(row(7), row(8));
        assert!(row(7).iter().all(|number| (-3..=3).contains(number)));
        for wanted in -3..=3 {
            assert!(row(7).contains(&wanted), "{wanted} never comes");
        }
    }

    #[test]
    fn never_and_always() {
        let mut dice = Dice::new(1);
        assert!((0..1000).all(|_| !dice.chance(0) && dice.chance(1000)));
    }

    #[test]
    fn some_are_a_part_without_repeats() {
        let mut dice = Dice::new(2);
        let mut some = dice.some(&[1, 2, 3, 4]);
        some.sort_unstable();
        some.dedup();
        assert!(!some.is_empty() && some.iter().all(|item| (1..=4).contains(item)));
    }
}
