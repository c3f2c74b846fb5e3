use super::{
    footer,
    group::{Group, Item},
    index::{Key, Place},
};
use crate::{
    StoreError,
    disk::Folder,
    frame::FRAME_HEADER_LEN,
    segment::{SEGMENT_HEADER_LEN, Tail},
};

/// The segment that grows, and what its footer will list.
#[derive(Debug)]
pub(super) struct Growing {
    tail: Tail,
    blocks: Vec<(Key, Place)>,
}

impl Growing {
    /// A segment in which these blocks were found.
    pub(super) fn new(tail: Tail, blocks: Vec<(Key, Place)>) -> Self {
        Self { tail, blocks }
    }

    pub(super) fn number(&self) -> u64 {
        self.tail.number
    }

    /// Behind the last frame.
    pub(super) fn end(&self) -> u64 {
        self.tail.end
    }

    /// Bytes of a segment that holds one block of so many bytes.
    pub(super) fn bytes_for(block_bytes: u64) -> u64 {
        SEGMENT_HEADER_LEN + room_for(block_bytes, 1)
    }

    /// Whether a block of this size leaves room for seal and footer.
    pub(super) fn has_room_for(&self, block_bytes: u64) -> bool {
        self.tail.room_bytes() >= room_for(block_bytes, self.blocks.len() + 1)
    }

    pub(super) fn is_half_full(&self) -> bool {
        self.tail.room_bytes() <= self.tail.end()
    }

    /// Adds a block to a group that is written to this segment.
    pub(super) fn add<'a>(&mut self, group: &mut Group<'a>, item: &Item<'a>) -> Place {
        let place = group.add(&mut self.tail, item);
        self.blocks.push((item.key, place));
        place
    }

    /// Writes what was added and makes it durable.
    pub(super) fn sync(
        &mut self,
        group: &mut Group<'_>,
        folder: &Folder,
    ) -> Result<(), StoreError> {
        group.write(&self.tail, folder)?;
        self.tail.sync(folder)
    }

    /// Writes what was added, ends the segment and makes it durable.
    pub(super) fn seal(mut self, group: &mut Group<'_>, folder: &Folder) -> Result<(), StoreError> {
        group.write(&self.tail, folder)?;
        let list = footer::encode(&self.blocks);
        self.tail.seal_with(folder, &footer::body(&list))
    }

    /// Says that all so far is durable, if there is anything.
    pub(super) fn mark(&mut self, folder: &Folder) -> Result<(), StoreError> {
        if self.tail.is_empty() {
            return Ok(());
        }
        self.tail.mark(folder)
    }
}

/// Bytes that a block, the seal and a footer for so many blocks take.
fn room_for(block_bytes: u64, blocks: usize) -> u64 {
    FRAME_HEADER_LEN + block_bytes + FRAME_HEADER_LEN + footer::bytes_for(blocks)
}
