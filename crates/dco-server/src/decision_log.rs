//! The decision log: the journal's records, read on a thread of their own while the service runs.
//!
//! Nothing is kept for it. Whoever reads holds the journal's files for so long, so whoever stops reading is cut off.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dco_block::Eui64;
use dco_engine::{Decision, DecisionKind, NoRecord};
use dco_schedule::Micros;
use dco_store::{Head, History, StoreError};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use crate::checkpoint::LogKey;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::status::Fault;

/// The most that can be asked for as the newest so many: they are held in memory.
pub(crate) const NEWEST_MAX: u32 = 1_000;
/// Readers at one time: each takes a thread.
const READERS_MAX: u32 = 4;
/// Whoever does not read for so long is cut off: what is held for it keeps files from being removed.
const UNREAD_MAX: Duration = Duration::from_secs(60);
/// Decisions that wait to be read, each perhaps with its record of up to 32 MiB.
const WAITING_MAX: usize = 8;

/// Gives the log to those who ask.
#[derive(Debug, Clone)]
pub(crate) struct DecisionLog {
    clock: Clock,
    key: Option<LogKey>,
    metrics: Arc<Metrics>,
    places: Arc<Semaphore>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) first_seq: u64,
    pub(crate) newest: Option<usize>,
    /// All when empty.
    pub(crate) kinds: Vec<DecisionKind>,
    pub(crate) by: Option<Eui64>,
    pub(crate) from_us: Micros,
    /// The first instant that is not wanted.
    pub(crate) to_us: Micros,
    pub(crate) with_records: bool,
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) oldest_seq: u64,
    pub(crate) first_seq: u64,
    pub(crate) chain_before: [u8; 32],
    pub(crate) head: Head,
    pub(crate) at_us: Micros,
}

/// One record.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) seq: u64,
    pub(crate) decision: Decision,
    pub(crate) chain: [u8; 32],
    /// Its bytes, where they were asked for.
    pub(crate) record: Option<Bytes>,
}

/// What whoever reads hears. A channel that ends before [`Said::End`] was cut off.
#[derive(Debug)]
pub(crate) enum Said {
    Start(Span),
    Told(Box<Told>),
    End { span: Span, count: u64 },
    Fault(Fault),
}

impl Wanted {
    /// Whether every record from the first on is wanted.
    pub(crate) fn is_whole(&self) -> bool {
        self.newest.is_none()
            && self.kinds.is_empty()
            && self.by.is_none()
            && (self.from_us, self.to_us) == (Micros::MIN, Micros::MAX)
    }

    fn takes(&self, decision: &Decision) -> bool {
        let by = |by| [decision.by, decision.second].contains(&Some(by));
        (self.from_us..self.to_us).contains(&decision.at_us)
            && (self.kinds.is_empty() || self.kinds.contains(&decision.kind))
            && self.by.is_none_or(by)
    }
}

impl DecisionLog {
    pub(crate) fn new(clock: Clock, key: Option<LogKey>, metrics: Arc<Metrics>) -> Self {
        Self {
            clock,
            key,
            metrics,
            places: Arc::new(Semaphore::new(READERS_MAX as usize)),
        }
    }

    /// What signs its end.
    pub(crate) fn key(&self) -> Option<LogKey> {
        self.key.clone()
    }

    /// A place to read in.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Fault::overloaded("readers of the decision log", READERS_MAX))
    }

    /// Reads what is wanted until all was said or nobody reads any more.
    pub(crate) fn read(
        &self,
        history: History,
        wanted: Wanted,
        place: OwnedSemaphorePermit,
    ) -> mpsc::Receiver<Said> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let (metrics, at_us) = (Arc::clone(&self.metrics), self.clock.now_us());
        let voice = Voice {
            sender,
            runtime: Handle::current(),
        };
        tokio::task::spawn_blocking(move || {
            let _place = place;
            if let Err(Stopped::Failed(error)) = say_all(&history, at_us, &wanted, &voice) {
                metrics.store_error();
                tracing::error!(%error, "the decision log cannot be read");
                // When there is no place for it, the end of the channel says enough.
                let _unread = voice.sender.try_send(Said::Fault(Fault::store_closed()));
            }
        });
        receiver
    }
}

/// Why not all was said.
enum Stopped {
    /// Nobody reads, or not fast enough.
    Unheard,
    Failed(Failed),
}

/// What is wrong with the journal.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("record {seq}: {error}")]
    Record { seq: u64, error: NoRecord },
}

/// To whoever reads.
struct Voice {
    sender: mpsc::Sender<Said>,
    runtime: Handle,
}

impl Voice {
    fn say(&self, said: Said) -> Result<(), Stopped> {
        let said = match self.sender.try_send(said) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(Stopped::Unheard),
            Err(TrySendError::Full(said)) => said,
        };
        let sent = timeout(UNREAD_MAX, self.sender.send(said));
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Stopped::Unheard),
        }
    }
}

/// What is to be said, as it is found.
struct Finder<'a> {
    wanted: &'a Wanted,
    voice: &'a Voice,
    span: Option<Span>,
    count: u64,
    newest: VecDeque<Told>,
}

fn say_all(
    history: &History,
    at_us: Micros,
    wanted: &Wanted,
    voice: &Voice,
) -> Result<(), Stopped> {
    let mut finder = Finder {
        wanted,
        voice,
        span: None,
        count: 0,
        newest: VecDeque::new(),
    };
    let span = |before: Head| Span {
        oldest_seq: history.before().seq + 1,
        first_seq: before.seq + 1,
        chain_before: before.chain,
        head: history.head(),
        at_us,
    };
    let mut stopped = None;
    let read = history.read(wanted.first_seq, |before, record, after| {
        let found = finder
            .start(|| span(before))
            .and_then(|()| finder.find(record, after));
        stopped = found.err();
        stopped.is_none()
    });
    if let Some(stopped) = stopped {
        return Err(stopped);
    }
    read.map_err(|error| Stopped::Failed(error.into()))?;
    finder.start(|| span(history.head()))?;
    finder.end(&span(history.head()))
}

impl Finder<'_> {
    fn start(&mut self, span: impl FnOnce() -> Span) -> Result<(), Stopped> {
        if self.span.is_some() {
            return Ok(());
        }
        let span = self.span.insert(span());
        self.voice.say(Said::Start(span.clone()))
    }

    fn find(&mut self, record: &[u8], after: Head) -> Result<(), Stopped> {
        let seq = after.seq;
        let decision = Decision::read(record)
            .map_err(|error| Stopped::Failed(Failed::Record { seq, error }))?;
        if !self.wanted.takes(&decision) {
            return Ok(());
        }
        let is_with_record = self.wanted.with_records;
        self.tell(Told {
            seq,
            decision,
            chain: after.chain,
            record: is_with_record.then(|| Bytes::copy_from_slice(record)),
        })
    }

    fn tell(&mut self, told: Told) -> Result<(), Stopped> {
        let Some(newest) = self.wanted.newest else {
            self.count += 1;
            return self.voice.say(Said::Told(Box::new(told)));
        };
        if self.newest.len() == newest {
            self.newest.pop_front();
        }
        self.newest.push_back(told);
        Ok(())
    }

    fn end(mut self, span: &Span) -> Result<(), Stopped> {
        for told in std::mem::take(&mut self.newest) {
            self.count += 1;
            self.voice.say(Said::Told(Box::new(told)))?;
        }
        self.voice.say(Said::End {
            span: span.clone(),
            count: self.count,
        })
    }
}
