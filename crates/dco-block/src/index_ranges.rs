use std::collections::BTreeMap;
use std::mem;
use std::ops::RangeInclusive;

/// A set of block indices kept as ranges that neither overlap nor touch.
///
/// Acknowledgements wait in one of these: however many blocks become durable before somebody
/// reads, it holds no more ranges than half the image's blocks.
///
/// ```
/// let mut durable = dco_block::IndexRanges::default();
/// for index in [3, 1, 7, 2] {
///     durable.insert(index);
/// }
/// assert_eq!(durable.take(), [1..=3, 7..=7]);
/// assert!(durable.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexRanges {
    /// First index of a range to its last.
    ranges: BTreeMap<u32, u32>,
}

impl IndexRanges {
    /// An empty set.
    pub const fn new() -> Self {
        Self {
            ranges: BTreeMap::new(),
        }
    }

    /// Adds an index. Says whether it is new.
    pub fn insert(&mut self, index: u32) -> bool {
        let below = self
            .ranges
            .range(..=index)
            .next_back()
            .map(|(&first, &last)| (first, last));
        let first = match below {
            Some((_, last)) if index <= last => return false,
            Some((first, last)) if index - last == 1 => first,
            _ => index,
        };
        let above = index
            .checked_add(1)
            .and_then(|next| self.ranges.remove(&next));
        self.ranges.insert(first, above.unwrap_or(index));
        true
    }

    /// Whether there is no index.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many ranges there are (not indices).
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The ranges, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = RangeInclusive<u32>> + '_ {
        self.ranges.iter().map(|(&first, &last)| first..=last)
    }

    /// Empties the set and gives its ranges, the lowest first.
    pub fn take(&mut self) -> Vec<RangeInclusive<u32>> {
        mem::take(&mut self.ranges)
            .into_iter()
            .map(|(first, last)| first..=last)
            .collect()
    }
}

#[cfg(test)]
mod tests;
