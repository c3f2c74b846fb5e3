//! Blocks on their way from a sender to the disk.
//!
//! What is scarce is the memory of bytes that are not yet durable, so that is what is counted: over all
//! Users, and a share for each. A block waits for its bytes' place before it is handed to the disk, and
//! gives it back when it is durable; in between the sender's stream is not read, and HTTP/2 holds the
//! sender back.

mod progress;
mod receive;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dco_block::{Block, Eui64, Manifest, limits};
use dco_engine::BlockSource;
use dco_store::{BlockReader, BlockWriter, Put, StoreError};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::config;
use crate::driver::StoreNews;
use crate::kept::KeptImage;
use crate::metrics::Metrics;
use crate::status::Fault;
pub(crate) use progress::{Progress, Said};
pub(crate) use receive::{Receiving, receive};

/// Takes blocks for the disk. Clones share all bounds.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    bounds: config::Intake,
    all: Share,
    /// Made when a User first sends: who is registered can change.
    users: Arc<Mutex<BTreeMap<Eui64, Share>>>,
    writer: BlockWriter,
    reader: BlockReader,
    news: StoreNews,
    metrics: Arc<Metrics>,
}

/// Bytes not yet durable, and streams open.
#[derive(Debug, Clone)]
struct Share {
    bytes: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    /// Of one: who may wait for what all share.
    turn: Arc<Semaphore>,
}

/// One stream's place, and its User's share of the bytes.
#[derive(Debug)]
pub(crate) struct Place {
    user_bytes: Arc<Semaphore>,
    user_turn: Arc<Semaphore>,
    _of_user: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Room for one block's bytes until they are durable.
#[derive(Debug)]
struct Room {
    _of_user: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Intake {
    pub(crate) fn new(
        bounds: config::Intake,
        store: (BlockWriter, BlockReader, StoreNews),
        metrics: Arc<Metrics>,
    ) -> Self {
        let (writer, reader, news) = store;
        Self {
            bounds,
            all: Share::new(bounds.bytes_in_flight_max, bounds.streams_max),
            users: Arc::default(),
            writer,
            reader,
            news,
            metrics,
        }
    }

    /// A place for one more stream of this User. Whoever finds none is told so and does not wait: a
    /// stream that waits would take one of the connection's calls for nothing.
    pub(crate) fn place(&self, user: Eui64) -> Result<Place, Fault> {
        let share = self.share(user);
        let of_user = Arc::clone(&share.streams)
            .try_acquire_owned()
            .map_err(|_| {
                Fault::overloaded(
                    "SendBlocks calls of one User",
                    self.bounds.streams_per_user_max,
                )
            })?;
        let of_all = Arc::clone(&self.all.streams)
            .try_acquire_owned()
            .map_err(|_| Fault::overloaded("SendBlocks calls", self.bounds.streams_max))?;
        Ok(Place {
            user_bytes: share.bytes,
            user_turn: share.turn,
            _of_user: of_user,
            _of_all: of_all,
        })
    }

    /// What a sender says next, unless it says nothing for too long: others want its place.
    async fn wait_for<T>(&self, said: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let within = self.bounds.stream_idle_within;
        timeout(within, said)
            .await
            .unwrap_or_else(|_| Err(Fault::silent(within)))
    }

    /// Waits until a sender has read of enough refusals, unless it does not for too long.
    async fn unless_unread(&self, read: impl Future<Output = ()>) -> Result<(), Fault> {
        let within = self.bounds.stream_idle_within;
        timeout(within, read)
            .await
            .map_err(|_| Fault::unread(within))
    }

    /// As many are kept as there are Users that have ever sent: who asks has the right of one.
    fn share(&self, user: Eui64) -> Share {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Share::new(
                self.bounds.bytes_in_flight_per_user_max,
                self.bounds.streams_per_user_max,
            )
        };
        users.entry(user).or_insert_with(new).clone()
    }

    /// Waits for room and hands the block to the disk. What becomes of it is said to `progress`.
    pub(crate) async fn put(
        &self,
        place: &Place,
        source: &BlockSource,
        block: Block,
        progress: &Progress,
    ) {
        let Ok(room) = self.room(place, block.data().len()).await else {
            // Nobody closes the semaphores; if somebody did, nothing more could be taken.
            return progress.end(Err(Fault::store_closed()));
        };
        if let Some(kept) = &source.kept {
            return self.compare(source, kept, block, progress).await;
        }
        let pending = progress.pending(block.index());
        let (index, crc32, bytes) = (block.index(), block.crc32(), block.data().len());
        let (owner, news, retry_in) = (source.owner, self.news.clone(), self.bounds.room_again);
        let metrics = Arc::clone(&self.metrics);
        let done = move |outcome| {
            // Its bytes are on disk, or will never be: what is said about them needs no room.
            drop(room);
            match outcome {
                Ok(Put::Durable | Put::AlreadyHeld) => {
                    // The engine is told first, so that whoever reads the acknowledgement and asks for
                    // the transfer finds the block there.
                    news.found.has_room();
                    news.landed.add(owner, index);
                    metrics.block_acknowledged(bytes);
                    pending.acknowledge();
                }
                Ok(Put::Conflict { stored_crc32 }) => {
                    let fault = Fault::block_conflict(index, crc32, stored_crc32);
                    metrics.block_refused(fault.reason());
                    pending.refuse(fault);
                }
                Err(error @ StoreError::NoRoom { .. }) => {
                    // What is left on the disk would tell one User about others.
                    if news.found.is_full() {
                        tracing::warn!(owner, block.index = index, %error, "no room for blocks");
                    }
                    let what = "there is no room for this block at the moment; send it again after a pause";
                    let fault = Fault::store_full(what, retry_in);
                    metrics.block_refused(fault.reason());
                    pending.refuse(fault);
                }
                Err(error) => {
                    metrics.store_error();
                    pending.fail(news.found.fault_of_read(owner, index, &error));
                }
            }
        };
        self.writer.put(owner, block, done);
    }

    /// Compares a block with a stored image, whoever sent it and in whatever cut it is kept: the same bytes are
    /// acknowledged, as they would be if this User had sent all that is kept of it.
    async fn compare(
        &self,
        source: &BlockSource,
        kept: &Arc<Manifest>,
        block: Block,
        progress: &Progress,
    ) {
        let pending = progress.pending(block.index());
        let (index, crc32, bytes) = (block.index(), block.crc32(), block.data().len());
        let mut image = KeptImage::new(self.reader.clone(), source.owner, kept, &source.manifest);
        let read = tokio::task::spawn_blocking(move || image.block(index)).await;
        match read {
            Ok(Ok(stored)) if stored == *block.data() => {
                self.metrics.block_acknowledged(bytes);
                pending.acknowledge();
            }
            Ok(Ok(stored)) => {
                let fault = Fault::block_conflict(index, crc32, dco_block::crc32(&stored));
                self.metrics.block_refused(fault.reason());
                pending.refuse(fault);
            }
            Ok(Err((from, error))) => {
                self.metrics.store_error();
                pending.fail(self.news.found.fault_of_read(source.owner, from, &error));
            }
            Err(_) => pending.fail(Fault::wrong_answer("a block")),
        }
    }

    /// Whether blocks of this owner would be of no use any more.
    pub(crate) fn is_over(&self, owner: u64) -> bool {
        self.news.freed.contains(owner)
    }

    /// Notes a block that was refused before it came near the disk.
    pub(crate) fn refused(&self, fault: &Fault) {
        self.metrics.block_refused(fault.reason());
    }

    /// The User's own share first: whoever waits for it keeps nothing back from others. Then one block of each User waits for what all
    /// share, in the order in which they came: Users that want more than there is get block for block the same, with however many streams. However short a block is,
    /// it counts as one of the shortest size, because what is kept about it beside its bytes takes room too.
    async fn room(&self, place: &Place, bytes: usize) -> Result<Room, AcquireError> {
        let bytes = u32::try_from(bytes).expect("a checked block is at most 1 MiB");
        let bytes = bytes.max(limits::BLOCK_BYTES_MIN);
        let of_user = Arc::clone(&place.user_bytes)
            .acquire_many_owned(bytes)
            .await?;
        let _turn = place.user_turn.acquire().await?;
        let of_all = Arc::clone(&self.all.bytes)
            .acquire_many_owned(bytes)
            .await?;
        Ok(Room {
            _of_user: of_user,
            _of_all: of_all,
        })
    }

    /// Bytes that are not yet durable, over all Users.
    pub(crate) fn bytes_in_flight(&self) -> usize {
        let free = self.all.bytes.available_permits();
        (self.bounds.bytes_in_flight_max as usize).saturating_sub(free)
    }
}

impl Share {
    fn new(bytes: u32, streams: u32) -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(bytes as usize)),
            streams: Arc::new(Semaphore::new(streams as usize)),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

#[cfg(test)]
mod tests;
