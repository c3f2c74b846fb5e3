use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use dco_block::Block;

use super::{BlockLog, BlockReader, Pinned, Put};
use crate::{
    StoreError,
    queue::{CloseAtEnd, Queue, Taken},
};

/// What a request counts in the queue besides its bytes.
const REQUEST_BYTES: usize = 256;

/// Hands blocks to the block log's thread. Clones share the thread; dropping the last lets it
/// write what waits and end.
#[derive(Debug, Clone)]
pub struct BlockWriter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Arc<Queue<Request>>,
    thread: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
}

type Done = Box<dyn FnOnce(Result<Put, StoreError>) + Send>;

enum Request {
    Put {
        owner: u64,
        block: Block,
        done: Answer,
    },
    Free {
        owner: u64,
    },
    Pin {
        pinned: SyncSender<Result<Pinned, StoreError>>,
    },
}

/// Somebody waits for this: if nobody else answers, dropping it says that the store is closed.
struct Answer(Option<Done>);

impl BlockLog {
    /// Starts the thread that writes. All that waits while one sync runs shares the next one.
    ///
    /// `on_failure` is called on that thread once, with the cause, when the log closes because
    /// of a failure. It and the answers to puts must not wait for anything that waits for this log.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    pub fn start(
        self,
        on_failure: impl FnMut(StoreError) + Send + 'static,
    ) -> (BlockWriter, BlockReader) {
        let reader = self.reader();
        let queue = Arc::new(Queue::new(self.options.queue_bytes_max));
        let inbox = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("dco-blocks".to_owned())
            .spawn(move || run(self, &inbox, on_failure))
            .unwrap_or_else(|error| panic!("no thread for the block log: {error}"));
        let inner = Inner {
            queue,
            thread: Mutex::new(Some(thread)),
        };
        (
            BlockWriter {
                inner: Arc::new(inner),
            },
            reader,
        )
    }
}

impl BlockWriter {
    /// Puts a block under an owner. `done` is called once, on the log's thread and only when
    /// what it says is durable; or at once with [`StoreError::Closed`]. Waits while more than
    /// [`crate::Options::queue_bytes_max`] wait already.
    pub fn put(
        &self,
        owner: u64,
        block: Block,
        done: impl FnOnce(Result<Put, StoreError>) + Send + 'static,
    ) {
        let bytes = block.data().len();
        self.ask(
            Request::Put {
                owner,
                block,
                done: Answer(Some(Box::new(done))),
            },
            bytes,
        );
    }

    /// Forgets all blocks of an owner that were put before, and lets their room be used again.
    /// Call it only once the reason is durable. See [`BlockLog::free`].
    pub fn free(&self, owner: u64) {
        self.ask(Request::Free { owner }, 0);
    }

    /// Keeps what was put before as it is on disk, for as long as the answer lives. Waits for
    /// what waits; see [`BlockLog::pin`].
    ///
    /// # Errors
    /// [`StoreError::Closed`] after the log failed or was closed.
    pub fn pin(&self) -> Result<Pinned, StoreError> {
        let (pinned, answer) = sync_channel(1);
        self.ask(Request::Pin { pinned }, 0);
        answer.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Writes and syncs what waits, leaves a mark that all is well, and ends the thread, for
    /// all clones.
    ///
    /// # Errors
    /// [`StoreError::Disk`] if the mark could not be written, [`StoreError::Closed`] if
    /// anything failed before or the log was closed already.
    pub fn close(&self) -> Result<(), StoreError> {
        self.inner.queue.close();
        let thread = self
            .inner
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        thread.map_or(Err(StoreError::Closed), |thread| {
            thread.join().unwrap_or(Err(StoreError::Closed))
        })
    }

    fn ask(&self, request: Request, bytes: usize) {
        // A request that comes back is dropped, which answers it.
        let _refused = self.inner.queue.push(request, bytes + REQUEST_BYTES);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn run(
    mut log: BlockLog,
    queue: &Queue<Request>,
    mut on_failure: impl FnMut(StoreError),
) -> Result<(), StoreError> {
    let _closing = CloseAtEnd(queue);
    if let Err(error) = serve_all(&mut log, queue) {
        queue.close();
        on_failure(error);
        return Err(StoreError::Closed);
    }
    log.close()
}

/// Serves what comes until the queue is closed. When nothing has come for a moment, room is got
/// back step by step, with a look at the queue after each. While a copy holds room back this looks
/// again and again, since nobody says when that has ended.
fn serve_all(log: &mut BlockLog, queue: &Queue<Request>) -> Result<(), StoreError> {
    let bytes_max = log.options.commit_bytes_max;
    loop {
        let was_pinned = log.pin.is_shared();
        let mut taken = queue.take_within(log.options.compaction_pause, bytes_max);
        while matches!(taken, Taken::Nothing) && log.compact()? {
            taken = queue.take_within(Duration::ZERO, bytes_max);
        }
        match taken {
            Taken::Items(requests) => serve(log, requests)?,
            Taken::Nothing if was_pinned => {}
            Taken::Nothing => match queue.take(bytes_max) {
                Some(requests) => serve(log, requests)?,
                None => return Ok(()),
            },
            Taken::Closed => return Ok(()),
        }
        look_ahead(log)?;
    }
}

/// After a group, while those that were answered make the next one: at most one thing for which
/// that has to wait.
fn look_ahead(log: &mut BlockLog) -> Result<(), StoreError> {
    if !log.make_ready()? && log.is_wasteful() {
        log.compact()?;
    }
    Ok(())
}

/// Carries out requests as if in their order: all puts share one sync, and what is freed is freed
/// after it. Only a pin, and a put under an owner that was to be freed before, part a group.
fn serve(log: &mut BlockLog, requests: Vec<Request>) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    for request in requests {
        match request {
            Request::Put { owner, block, done } => {
                if batch.freed.contains(&owner) {
                    batch.carry_out(log)?;
                }
                batch.puts.push((owner, block));
                batch.answers.push(done);
            }
            Request::Free { owner } => batch.freed.push(owner),
            Request::Pin { pinned } => {
                batch.carry_out(log)?;
                // Whoever asked may have gone; then nothing stays pinned.
                let _gone = pinned.send(log.pin());
            }
        }
    }
    batch.carry_out(log)
}

/// Puts, and owners to be freed after them.
#[derive(Default)]
struct Batch {
    puts: Vec<(u64, Block)>,
    answers: Vec<Answer>,
    freed: Vec<u64>,
}

impl Batch {
    fn carry_out(&mut self, log: &mut BlockLog) -> Result<(), StoreError> {
        let outcomes = log.commit(&self.puts)?;
        self.puts.clear();
        for (answer, outcome) in self.answers.drain(..).zip(outcomes) {
            answer.give(outcome);
        }
        log.free_all(&self.freed)?;
        self.freed.clear();
        Ok(())
    }
}

impl Answer {
    fn give(mut self, outcome: Result<Put, StoreError>) {
        if let Some(done) = self.0.take() {
            done(outcome);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(StoreError::Closed));
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { owner, block, .. } => write!(f, "Put({owner}, {})", block.index()),
            Self::Free { owner } => write!(f, "Free({owner})"),
            Self::Pin { .. } => write!(f, "Pin"),
        }
    }
}
