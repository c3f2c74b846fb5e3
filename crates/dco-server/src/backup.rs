//! A backup, taken while the service runs: all that is durable at one moment, held as it is and read piece by piece.
//!
//! The block log is held first, then the journal, then the block log again. What the journal says was on disk
//! by then, and none of it can have been given back since, so the copy has every block that its records rest on.
//! It may have blocks that they do not know of; the next start frees those.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dco_schedule::Micros;
use dco_store::{BlockWriter, Disk, Head, Pinned, PinnedBlocks, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, pause};
use crate::driver::EngineHandle;
use crate::metrics::Metrics;
use crate::status::Fault;

/// What `dco backup` calls the list of what is in a backup. A folder that has it is a backup, and is not served.
pub const BACKUP_LIST: &str = "backup.json";
/// The same, of a backup that is not finished, or a data folder that is being made of one.
pub const BACKUP_LIST_UNFINISHED: &str = "backup.json.new";

/// Bytes of a piece at most. At a slow rate pieces are smaller, so that there is one several times a second.
const PIECE_BYTES_MAX: u64 = 1024 * 1024;
const PIECE_BYTES_MIN: u64 = 4 * 1024;
const PIECES_PER_SECOND_MIN: u64 = 4;
/// Whoever does not read for so long is cut off: what is held for it keeps freed room from being used again.
const UNREAD_MAX: Duration = Duration::from_secs(60);
/// Pieces that wait to be read.
const PIECES_WAITING_MAX: usize = 2;

/// Makes backups, one at a time.
#[derive(Debug, Clone)]
pub(crate) struct Backups {
    disk: Arc<dyn Disk>,
    blocks: BlockWriter,
    clock: Clock,
    metrics: Arc<Metrics>,
    place: Arc<Semaphore>,
    unread_max: Duration,
}

/// What is to be copied, held as it is as long as this lives.
#[derive(Debug)]
pub(crate) struct Backup {
    pub(crate) files: Vec<(String, u64)>,
    pub(crate) head: Head,
    pub(crate) begun_us: Micros,
    _journal: Pinned,
    _blocks: [PinnedBlocks; 2],
    _place: OwnedSemaphorePermit,
}

/// Some bytes of one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) file_index: usize,
    pub(crate) offset_bytes: u64,
    pub(crate) data: Bytes,
}

/// What whoever takes a backup hears. A channel that ends before [`Said::End`] was cut off.
#[derive(Debug)]
pub(crate) enum Said {
    Piece(Piece),
    End,
    Fault(Fault),
}

impl Backups {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        blocks: BlockWriter,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            disk,
            blocks,
            clock,
            metrics,
            place: Arc::new(Semaphore::new(1)),
            unread_max: UNREAD_MAX,
        }
    }

    /// Where all files are.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }

    /// Holds all that is durable now.
    pub(crate) async fn begin(&self, engine: &EngineHandle) -> Result<Backup, Fault> {
        let place = Arc::clone(&self.place)
            .try_acquire_owned()
            .map_err(|_| Fault::backup_under_way())?;
        let begun_us = self.clock.now_us();
        let before = self.pin_blocks().await?;
        let journal = engine.pin_journal().await?;
        let blocks = self.pin_blocks().await?;
        let mut files = self.emptied(&before, &blocks)?;
        files.extend(blocks.files().iter().chain(&journal.files).cloned());
        Ok(Backup {
            files,
            head: journal.head,
            begun_us,
            _journal: journal,
            _blocks: [before, blocks],
            _place: place,
        })
    }

    /// Segments that held blocks when the first pin was made and hold none that are needed now. The journal's head may
    /// need them still. They are sealed, so all of each is copied.
    fn emptied(
        &self,
        before: &PinnedBlocks,
        now: &PinnedBlocks,
    ) -> Result<Vec<(String, u64)>, Fault> {
        let is_in = |name: &str| now.files().iter().any(|(other, _)| other == name);
        let gone = before.files().iter().filter(|(name, _)| !is_in(name));
        let whole = gone.map(|(name, _)| {
            let bytes = self.disk.len(name);
            let bytes = bytes.map_err(|source| self.unreadable(&failed_read(name, source)))?;
            Ok((name.clone(), bytes))
        });
        whole.collect()
    }

    /// Apart, because the block log's thread answers when it has written what is before.
    async fn pin_blocks(&self) -> Result<PinnedBlocks, Fault> {
        let blocks = self.blocks.clone();
        let pinned = tokio::task::spawn_blocking(move || blocks.pin()).await;
        let pinned = pinned.map_err(|_| Fault::wrong_answer("a backup"))?;
        pinned.map_err(|error| self.unreadable(&error))
    }

    /// Sends the pieces of a backup at this rate (0: as fast as they are read) until it is whole, nobody reads
    /// any more, or `cut`. It is let go at the end in any case.
    pub(crate) fn send(
        &self,
        backup: Backup,
        bytes_per_second: u64,
        cut: CancellationToken,
    ) -> mpsc::Receiver<Said> {
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        let backups = self.clone();
        tokio::spawn(async move {
            let begun_us = backup.begun_us;
            let sending = backups.send_all(backup, bytes_per_second, &sender);
            let outcome = tokio::select! {
                outcome = sending => outcome,
                () = cut.cancelled() => Err(Stopped::Cut),
            };
            backups.ended(outcome, begun_us, &sender);
        });
        receiver
    }

    async fn send_all(
        &self,
        backup: Backup,
        bytes_per_second: u64,
        sender: &mpsc::Sender<Said>,
    ) -> Result<(), Stopped> {
        for (file_index, (name, bytes)) in backup.files.iter().enumerate() {
            let mut offset_bytes = 0;
            while offset_bytes < *bytes {
                let left = bytes - offset_bytes;
                let data = self
                    .read(name, offset_bytes, left.min(piece_bytes(bytes_per_second)))
                    .await
                    .map_err(Stopped::Fault)?;
                let read = data.len() as u64;
                let piece = Piece {
                    file_index,
                    offset_bytes,
                    data,
                };
                self.say(sender, Said::Piece(piece)).await?;
                offset_bytes += read;
                let pause = pause(read, bytes_per_second);
                if timeout(pause, sender.closed()).await.is_ok() {
                    return Err(Stopped::Gone);
                }
            }
        }
        self.say(sender, Said::End).await
    }

    async fn say(&self, sender: &mpsc::Sender<Said>, said: Said) -> Result<(), Stopped> {
        match timeout(self.unread_max, sender.send(said)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stopped::Gone),
            Err(_) => Err(Stopped::Unread),
        }
    }

    /// Apart, because reading may wait for the disk.
    async fn read(&self, name: &str, offset_bytes: u64, bytes: u64) -> Result<Bytes, Fault> {
        let (disk, file) = (Arc::clone(&self.disk), name.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let bytes = usize::try_from(bytes).expect("a piece is at most 1 MiB");
            let mut data = vec![0; bytes];
            disk.read_at(&file, offset_bytes, &mut data)
                .map(|()| Bytes::from(data))
        });
        let read = read.await.map_err(|_| Fault::wrong_answer("a backup"))?;
        read.map_err(|source| self.unreadable(&failed_read(name, source)))
    }

    fn unreadable(&self, error: &StoreError) -> Fault {
        self.metrics.store_error();
        tracing::error!(%error, "a backup cannot be made");
        Fault::store_closed()
    }

    fn ended(&self, outcome: Result<(), Stopped>, begun_us: Micros, sender: &mpsc::Sender<Said>) {
        let how = match outcome {
            Ok(()) => {
                tracing::info!("a backup was taken");
                return self.metrics.backup_ended("done", Some(begun_us));
            }
            Err(Stopped::Fault(fault)) => {
                // When there is no place for it, the end of the channel says enough.
                let _unread = sender.try_send(Said::Fault(fault));
                "failed"
            }
            Err(Stopped::Cut) => {
                let _unread = sender.try_send(Said::Fault(Fault::draining()));
                "stopped"
            }
            Err(Stopped::Unread) => "unread",
            Err(Stopped::Gone) => "given up",
        };
        tracing::warn!(how, "a backup was not finished");
        self.metrics.backup_ended(how, None);
    }
}

/// Why a backup was not sent to its end.
#[derive(Debug)]
enum Stopped {
    Fault(Fault),
    Cut,
    /// Nobody read for too long.
    Unread,
    /// Whoever wanted it does not any more.
    Gone,
}

fn failed_read(name: &str, source: io::Error) -> StoreError {
    StoreError::Disk {
        doing: "reading",
        file: name.to_owned(),
        offset: None,
        source,
    }
}

fn piece_bytes(bytes_per_second: u64) -> u64 {
    match bytes_per_second {
        0 => PIECE_BYTES_MAX,
        rate => (rate / PIECES_PER_SECOND_MIN).clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX),
    }
}

#[cfg(test)]
mod tests;
