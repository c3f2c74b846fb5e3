use std::sync::Arc;

use dco_block::Block;

use crate::{
    Options, StoreError,
    codec::{len_u32, len_u64},
};

mod compaction;
mod footer;
mod group;
mod growing;
mod index;
mod pin;
mod reader;
mod recovery;
mod segments;
mod shared;
mod stats;
mod writer;

use compaction::Compaction;
pub(crate) use footer::missing_from as list_missing_from;
use group::{Group, Item};
use growing::Growing;
use index::{Key, Place};
use pin::Pin;
pub use pin::Pinned;
pub use reader::{BlockReader, Scrubbed};
pub(crate) use recovery::{may_have_grown, survey};
use segments::{Need, Segments};
use shared::Shared;
pub use stats::BlockStats;
pub use writer::BlockWriter;

/// How many segments' worth more may be dead than alive before room is got back under load: most of
/// what is freed soon dies with all that stands beside it, and then nothing has to be copied.
const WASTE_SEGMENTS: u64 = 4;

/// What became of a block that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is on disk.
    Durable,
    /// The same bytes were there already; they are on disk.
    AlreadyHeld,
    /// Other bytes are there under this name. They are on disk and stay.
    Conflict {
        /// CRC-32 of the bytes that are held.
        stored_crc32: u32,
    },
}

/// A block that is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldBlock {
    /// Who owns it, as given to `put`.
    pub owner: u64,
    /// Its index in the image.
    pub index: u32,
    /// CRC-32 of its bytes.
    pub crc32: u32,
}

/// The block log, open for writing. One caller; [`BlockLog::start`] gives it a thread of its own.
#[derive(Debug)]
pub struct BlockLog {
    options: Options,
    shared: Arc<Shared>,
    segments: Segments,
    growing: Option<Growing>,
    compaction: Compaction,
    pin: Pin,
    done: BlockStats,
    is_closed: bool,
}

impl BlockLog {
    /// All blocks that are on disk, by owner and index.
    ///
    /// What was freed is listed again after a restart if its segment was not yet recycled:
    /// whoever opens the log frees the owners it no longer knows.
    pub fn held(&self) -> impl Iterator<Item = HeldBlock> {
        self.shared.held().into_iter()
    }

    /// A reader of the same blocks, for any thread.
    pub fn reader(&self) -> BlockReader {
        BlockReader::new(Arc::clone(&self.shared))
    }

    /// Puts blocks and makes them durable with one sync. The answers are in the order of
    /// `puts`; one of them is an error only if the disk has no room for that block
    /// ([`StoreError::NoRoom`]). Where an earlier copy is damaged or cannot be read, this one
    /// takes its place.
    ///
    /// # Errors
    /// [`StoreError::Disk`] closes the log for writing and reading.
    pub fn commit(
        &mut self,
        puts: &[(u64, Block)],
    ) -> Result<Vec<Result<Put, StoreError>>, StoreError> {
        self.guarded(|log| {
            let mut group = Group::default();
            let answers = puts
                .iter()
                .map(|(owner, block)| log.put(*owner, block, &mut group))
                .collect::<Result<_, _>>()?;
            log.finish(group)?;
            Ok(answers)
        })
    }

    /// Forgets all blocks of an owner, and recycles the segments that hold nothing else. Call
    /// it only once the reason is durable. A block put later under the same owner is held again.
    ///
    /// # Errors
    /// [`StoreError::Disk`] closes the log for writing and reading.
    pub fn free(&mut self, owner: u64) -> Result<(), StoreError> {
        self.free_all(&[owner])?;
        self.guarded(|log| log.segments.sync_names())
    }

    /// Frees, and leaves it to compaction and to whoever needs the files next to make that durable.
    fn free_all(&mut self, owners: &[u64]) -> Result<(), StoreError> {
        if owners.is_empty() {
            return Ok(());
        }
        self.guarded(|log| {
            for place in owners.iter().flat_map(|owner| log.shared.remove(*owner)) {
                log.segments.release(place);
            }
            log.recycle()
        })
    }

    /// Once the segment that grows is half full, makes the next one ready, so that whoever puts
    /// the block that no longer fits waits for one sync more and not for three. Nothing depends on
    /// it. Returns whether there was something to do.
    ///
    /// # Errors
    /// [`StoreError::Disk`] closes the log for writing and reading.
    pub fn make_ready(&mut self) -> Result<bool, StoreError> {
        let is_time = self.growing.as_ref().is_some_and(Growing::is_half_full);
        if !is_time || self.segments.is_ready() {
            return Ok(false);
        }
        self.guarded(|log| {
            let need = log.need(0, log.options.reserve_bytes);
            match log.segments.make_ready(need, log.options.salt) {
                // Whoever needs the room is told.
                Err(StoreError::NoRoom { .. }) => Ok(false),
                done => done.map(|()| true),
            }
        })
    }

    /// Leaves a mark that all is durable, so that damage to the last commit can be told from
    /// a commit that a power cut interrupted. Readers go on.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::Closed`].
    pub fn close(mut self) -> Result<(), StoreError> {
        self.guarded(|log| match &mut log.growing {
            Some(growing) => growing.mark(&log.shared.folder),
            None => Ok(()),
        })
    }

    /// Whether so much is dead that room is to be got back even while blocks come.
    fn is_wasteful(&self) -> bool {
        self.segments.waste_bytes() > WASTE_SEGMENTS * self.options.block_segment_bytes
    }

    fn stats(&self) -> BlockStats {
        self.segments.stats(BlockStats {
            written_bytes: self.shared.folder.written_bytes(),
            ..self.done
        })
    }

    /// Runs an operation after which, if it fails, nothing may be trusted any more.
    fn guarded<T>(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.is_closed {
            return Err(StoreError::Closed);
        }
        let done = operation(self);
        if done.is_err() {
            self.is_closed = true;
            self.shared.close();
        }
        self.shared.publish(self.stats());
        done
    }

    /// Adds the block to the group unless there is one. The outer error closes the log, the
    /// inner one is that block's alone.
    fn put<'a>(
        &mut self,
        owner: u64,
        block: &'a Block,
        group: &mut Group<'a>,
    ) -> Result<Result<Put, StoreError>, StoreError> {
        let key = (owner, block.index());
        if let Some((first, bytes)) = group.get(key) {
            return Ok(Ok(verdict(bytes, first.crc32, block)));
        }
        let item = Item {
            key,
            bytes: block.data(),
            crc32: block.crc32(),
        };
        if let Some(place) = self.shared.place(key) {
            match self.compare(key, place, block) {
                // The sender brings back what the disk lost, or does not give.
                Err(StoreError::Damaged { .. } | StoreError::Disk { .. }) => {}
                answer => return Ok(answer),
            }
        }
        match self.add(&item, self.options.reserve_bytes, group) {
            Ok(()) => {
                self.done.put_bytes += len_u64(item.bytes);
                Ok(Ok(Put::Durable))
            }
            // A full disk is the matter of one block, and nothing was written.
            Err(full @ StoreError::NoRoom { .. }) => Ok(Err(full)),
            Err(error) => Err(error),
        }
    }

    /// The bytes decide, not their CRC-32: two blocks with the same one are easily made. Only of
    /// a block that is damaged or cannot be read nothing else is left.
    fn compare(&self, key: Key, place: Place, block: &Block) -> Result<Put, StoreError> {
        if place.crc32 != block.crc32() || place.bytes != len_u32(block.data()) {
            return Ok(Put::Conflict {
                stored_crc32: place.crc32,
            });
        }
        Ok(verdict(&self.shared.load(key)?, place.crc32, block))
    }

    fn add<'a>(
        &mut self,
        item: &Item<'a>,
        reserve_bytes: u64,
        group: &mut Group<'a>,
    ) -> Result<(), StoreError> {
        let bytes = len_u64(item.bytes);
        let place = self
            .growing_for(bytes, reserve_bytes, group)?
            .add(group, item);
        self.segments.occupy(place);
        Ok(())
    }

    /// Makes a group durable and enters it into the index, where it replaces older copies.
    fn finish(&mut self, mut group: Group<'_>) -> Result<(), StoreError> {
        let Some(growing) = self.growing.as_mut().filter(|_| !group.is_empty()) else {
            return Ok(());
        };
        growing.sync(&mut group, &self.shared.folder)?;
        let replaced = self.shared.insert(group.into_places());
        if replaced.is_empty() {
            return Ok(());
        }
        for place in replaced {
            self.segments.release(place);
        }
        self.recycle()
    }

    /// Takes segments without blocks out of use, unless somebody copies what is there.
    fn recycle(&mut self) -> Result<(), StoreError> {
        if self.pin.is_shared() {
            return Ok(());
        }
        let growing = self.growing.as_ref().map(Growing::number);
        self.segments.recycle(growing)
    }

    /// The segment that grows, with room for a block of so many bytes. A full one is sealed
    /// only once there is a file for the next.
    fn growing_for(
        &mut self,
        bytes: u64,
        reserve_bytes: u64,
        group: &mut Group<'_>,
    ) -> Result<&mut Growing, StoreError> {
        while !self
            .growing
            .as_ref()
            .is_some_and(|it| it.has_room_for(bytes))
        {
            self.change_segment(bytes, reserve_bytes, group)?;
        }
        Ok(self.growing.as_mut().expect("it has room for the block"))
    }

    /// Goes on in the next segment: the one that was made ready, even if the block does not fit
    /// there, or one that is made for it.
    fn change_segment(
        &mut self,
        bytes: u64,
        reserve_bytes: u64,
        group: &mut Group<'_>,
    ) -> Result<(), StoreError> {
        let need = self.need(bytes, reserve_bytes);
        let fresh = if self.segments.is_ready() {
            None
        } else {
            self.recycle()?;
            Some(self.segments.prepare(need)?)
        };
        if let Some(full) = self.growing.take() {
            full.seal(group, &self.shared.folder)?;
        }
        let tail = self.segments.begin(fresh, self.options.salt)?;
        self.growing = Some(Growing::new(tail, Vec::new()));
        self.recycle()
    }

    fn need(&self, block_bytes: u64, reserve_bytes: u64) -> Need {
        Need {
            bytes: self.options.block_segment_bytes,
            least_bytes: Growing::bytes_for(block_bytes),
            reserve_bytes,
        }
    }
}

fn verdict(stored: &[u8], stored_crc32: u32, block: &Block) -> Put {
    if stored == block.data() {
        Put::AlreadyHeld
    } else {
        Put::Conflict { stored_crc32 }
    }
}
