use std::collections::BTreeMap;

use super::HeldBlock;

/// Owner and index of a block.
pub(super) type Key = (u64, u32);

/// Where a block's frame stands. No two blocks ever have the same place, because segment
/// numbers are never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) bytes: u32,
    pub(super) crc32: u32,
}

/// Where every durable block is: 32 bytes for each, in the order of indices, which is the order
/// in which most of them come. What it costs is bounded by the blocks that are held, whatever
/// their indices are.
#[derive(Debug, Default)]
pub(super) struct Index {
    owners: BTreeMap<u64, Vec<(u32, Place)>>,
}

impl Index {
    /// The index of blocks that were found, in the order in which they were written. Of several
    /// with the same name the last counts; where the others were is returned too.
    pub(super) fn of_found(mut found: Vec<(Key, Place)>) -> (Self, Vec<Place>) {
        // Stable, and quick where the blocks of an image stand together.
        found.sort_by_key(|(key, _)| *key);
        let mut index = Self::default();
        let mut replaced = Vec::new();
        for theirs in found.chunk_by(|(a, _), (b, _)| a.0 == b.0) {
            let mut blocks: Vec<(u32, Place)> = Vec::with_capacity(theirs.len());
            for ((_, at), place) in theirs {
                match blocks.last_mut() {
                    Some((last, older)) if last == at => {
                        replaced.push(std::mem::replace(older, *place));
                    }
                    _ => blocks.push((*at, *place)),
                }
            }
            index.owners.insert(theirs[0].0.0, blocks);
        }
        (index, replaced)
    }

    pub(super) fn get(&self, (owner, index): Key) -> Option<Place> {
        let blocks = self.owners.get(&owner)?;
        let at = blocks.binary_search_by_key(&index, |(at, _)| *at).ok()?;
        Some(blocks[at].1)
    }

    /// Adds a block; returns where an older one of the same name was.
    pub(super) fn insert(&mut self, (owner, index): Key, place: Place) -> Option<Place> {
        let blocks = self.owners.entry(owner).or_default();
        match blocks.binary_search_by_key(&index, |(at, _)| *at) {
            Ok(at) => Some(std::mem::replace(&mut blocks[at].1, place)),
            Err(at) => {
                blocks.insert(at, (index, place));
                None
            }
        }
    }

    /// Removes all blocks of an owner; returns where they were.
    pub(super) fn remove_all(&mut self, owner: u64) -> Vec<Place> {
        let theirs = self.owners.remove(&owner).unwrap_or_default();
        theirs.into_iter().map(|(_, place)| place).collect()
    }

    pub(super) fn held(&self) -> impl Iterator<Item = HeldBlock> {
        self.iter().map(|((owner, index), place)| HeldBlock {
            owner,
            index,
            crc32: place.crc32,
        })
    }

    fn iter(&self) -> impl Iterator<Item = (Key, Place)> {
        self.owners.iter().flat_map(|(owner, blocks)| {
            blocks
                .iter()
                .map(|(index, place)| ((*owner, *index), *place))
        })
    }
}

#[cfg(test)]
mod tests;
