use std::collections::BTreeMap;

use super::index::{Key, Place};
use crate::{
    StoreError,
    codec::len_u32,
    disk::Folder,
    frame::{FRAME_HEADER_BYTES, Kind},
    segment::{Body, Tail},
};

/// Blocks on their way to the disk: they are written with few calls, from where their bytes
/// lie, and share one sync.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    blocks: BTreeMap<Key, (Place, &'a [u8])>,
    /// Headers and bodies that stand one after the other at `offset` of the tail, not yet written.
    frames: Vec<([u8; FRAME_HEADER_BYTES], &'a [u8])>,
    offset: u64,
}

impl<'a> Group<'a> {
    /// Where a block of the group stands, and its bytes.
    pub(super) fn get(&self, key: Key) -> Option<(Place, &'a [u8])> {
        self.blocks.get(&key).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds a block at the end of the tail, which has room for it.
    pub(super) fn add(&mut self, tail: &mut Tail, key: Key, bytes: &'a [u8], crc32: u32) -> Place {
        let place = Place {
            segment: tail.number,
            offset: tail.end,
            bytes: len_u32(bytes),
            crc32,
        };
        if self.frames.is_empty() {
            self.offset = place.offset;
        }
        let body = Body {
            kind: Kind::Block,
            key: key.0,
            item: key.1,
            bytes,
            crc32,
        };
        self.frames.push((tail.place(&body), bytes));
        self.blocks.insert(key, (place, bytes));
        place
    }

    /// Writes what was added since the last time to the tail it was added to.
    pub(super) fn write(&mut self, tail: &Tail, folder: &Folder) -> Result<(), StoreError> {
        let parts: Vec<&[u8]> = self
            .frames
            .iter()
            .flat_map(|(header, body)| [header.as_slice(), body])
            .collect();
        if !parts.is_empty() {
            tail.write_at(folder, self.offset, &parts)?;
        }
        self.frames.clear();
        Ok(())
    }

    /// All blocks of the group.
    pub(super) fn into_places(self) -> impl Iterator<Item = (Key, Place)> {
        self.blocks
            .into_iter()
            .map(|(key, (place, _))| (key, place))
    }
}
