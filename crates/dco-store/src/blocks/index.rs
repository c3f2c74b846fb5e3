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

/// Where every durable block is.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<Key, Place>);

impl Index {
    pub(super) fn get(&self, key: Key) -> Option<Place> {
        self.0.get(&key).copied()
    }

    /// Adds a block; returns where an older one of the same name was.
    pub(super) fn insert(&mut self, key: Key, place: Place) -> Option<Place> {
        self.0.insert(key, place)
    }

    /// Removes all blocks of an owner; returns where they were.
    pub(super) fn remove_all(&mut self, owner: u64) -> Vec<Place> {
        let mut theirs = self.0.split_off(&(owner, 0));
        if let Some(next_owner) = owner.checked_add(1) {
            let mut later = theirs.split_off(&(next_owner, 0));
            self.0.append(&mut later);
        }
        theirs.into_values().collect()
    }

    pub(super) fn held(&self) -> impl Iterator<Item = HeldBlock> {
        self.0.iter().map(|((owner, index), place)| HeldBlock {
            owner: *owner,
            index: *index,
            crc32: place.crc32,
        })
    }
}
