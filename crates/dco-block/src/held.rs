use std::fmt::{self, Debug, Formatter};
use std::iter;
use std::ops::RangeInclusive;

use crate::limits::IMAGE_BLOCKS_MAX;

/// Which blocks of an image are held: one bit for each, at most 2 KiB.
///
/// What is missing is told from the lowest gap upwards, never as "last received + 1", because
/// blocks come in any order.
///
/// ```
/// let mut held = dco_block::Held::new(6);
/// assert!(held.insert(1));
/// assert!(held.insert(4));
/// assert!(!held.insert(4));
/// assert_eq!(held.first_missing(), Some(0));
/// assert_eq!(held.missing().collect::<Vec<_>>(), [0..=0, 2..=3, 5..=5]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// Bit `index % 64` of word `index / 64`; bits at and above `block_count` are never set.
    words: Box<[u64]>,
    block_count: u32,
    count: u32,
}

impl Held {
    /// No block of an image of `block_count` blocks.
    ///
    /// # Panics
    ///
    /// If that is more than [`IMAGE_BLOCKS_MAX`]; no manifest has more.
    pub fn new(block_count: u32) -> Self {
        assert!(
            block_count <= IMAGE_BLOCKS_MAX,
            "{block_count} blocks are over the limit"
        );
        let words = vec![0; block_count.div_ceil(u64::BITS) as usize].into_boxed_slice();
        Self {
            words,
            block_count,
            count: 0,
        }
    }

    /// Notes that a block is held. Says whether that is new.
    ///
    /// # Panics
    ///
    /// If the image has no such block; a verified [`Block`](crate::Block) of it always is one.
    pub fn insert(&mut self, index: u32) -> bool {
        assert!(
            index < self.block_count,
            "block {index} of {}",
            self.block_count
        );
        let (word, bit) = place(index);
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u32::from(new);
        new
    }

    /// Notes that a block is not held any more. Says whether it was.
    pub fn remove(&mut self, index: u32) -> bool {
        let held = self.contains(index);
        if held {
            let (word, bit) = place(index);
            self.words[word] &= !bit;
            self.count -= 1;
        }
        held
    }

    /// Whether a block is held; never one that the image does not have.
    pub fn contains(&self, index: u32) -> bool {
        let (word, bit) = place(index);
        self.words.get(word).is_some_and(|held| held & bit != 0)
    }

    /// How many blocks are held.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many blocks the image has.
    pub fn block_count(&self) -> u32 {
        self.block_count
    }

    /// Whether no block is missing.
    pub fn is_complete(&self) -> bool {
        self.count == self.block_count
    }

    /// The lowest block that is missing.
    pub fn first_missing(&self) -> Option<u32> {
        self.lowest_from(0, |held| !held)
    }

    /// All that is missing as ranges with a held block between any two, the lowest first.
    pub fn missing(&self) -> impl Iterator<Item = RangeInclusive<u32>> + '_ {
        let mut from = 0;
        iter::from_fn(move || {
            let start = self.lowest_from(from, |held| !held)?;
            from = self
                .lowest_from(start, |held| held)
                .unwrap_or(self.block_count);
            Some(start..=from - 1)
        })
    }

    /// The lowest index at or above `from` whose bit is one in what `hits` makes of its word.
    fn lowest_from(&self, from: u32, hits: impl Fn(u64) -> u64) -> Option<u32> {
        let (first, bit) = place(from);
        let mut base = from - from % u64::BITS;
        // The bits of the first word below `from` do not count.
        let mut mask = !(bit - 1);
        for &word in self.words.get(first..)? {
            let found = hits(word) & mask;
            if found != 0 {
                let index = base + found.trailing_zeros();
                return (index < self.block_count).then_some(index);
            }
            mask = u64::MAX;
            base += u64::BITS;
        }
        None
    }
}

impl Debug for Held {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Held({} of {}, missing ", self.count, self.block_count)?;
        f.debug_list().entries(self.missing()).finish()?;
        f.write_str(")")
    }
}

fn place(index: u32) -> (usize, u64) {
    ((index / u64::BITS) as usize, 1 << (index % u64::BITS))
}

#[cfg(test)]
mod tests;
