//! The one owner of the engine: all waiting is in [`Driver::next`], all deciding in the engine.
//!
//! It has a thread of its own with a small runtime in it. Handing a record to the journal may wait until
//! the journal has written what is before it; on a thread of its own that holds up new decisions, as it
//! should, and no connection.

mod handle;
mod recover;
mod replayed;
mod sessions;
mod shared;
mod snapshots;
mod verify;
mod watches;

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread;

use dco_engine::{
    Effect, Engine, EngineStats, Event, Rate, Reply, ReplyTo, Seq, SignedCheckpoint, Verdict,
};
use dco_schedule::Micros;
use dco_store::{BlockReader, BlockWriter, Disk, JournalWriter, Snapshots, StoreError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::checkpoint::LogKey;
use crate::clock::{Clock, Watched};
use crate::metrics::Metrics;
use crate::signers::Signers;
pub(crate) use handle::EngineHandle;
use handle::{Answer, Command};
pub(crate) use recover::{Recovered, recover, salt};
pub(crate) use replayed::Replayed;
use sessions::Sessions;
pub(crate) use sessions::{Line, LineEnd};
use shared::{Finds, StoreState, StoreWatch};
pub(crate) use shared::{Found, StoreNews};
use verify::Verifications;
use watches::Watches;

/// Commands that may wait; whoever sends more waits.
const COMMANDS_MAX: usize = 1_024;
/// Commands taken at one time: what they decide shares a sync.
const BATCH_MAX: usize = 256;
/// Images read back at one time. Each takes its own length in memory.
const VERIFICATIONS_MAX: usize = 4;

/// Why the driver ended before it was told to.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum DriverError {
    /// The disk. What was not answered was not promised.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// A bug: the thread has panicked.
    #[error("the engine has stopped; its last words are on standard error")]
    Gone,
}

/// What goes on inside, for the rest of the service.
#[derive(Debug)]
pub(crate) struct Running {
    /// For asking.
    pub engine: EngineHandle,
    /// For putting blocks.
    pub blocks: BlockWriter,
    /// For reading them.
    pub reader: BlockReader,
    /// Where all of it is.
    pub disk: Arc<dyn Disk>,
    /// What is said of what becomes of blocks.
    pub news: StoreNews,
    /// How it ended; only after everything that was promised is kept.
    pub ended: oneshot::Receiver<Result<(), DriverError>>,
}

/// What the driver runs in, besides what was recovered.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub clock: Clock,
    /// What goes further ahead at once is a jump.
    pub clock_jump_max_us: Micros,
    pub metrics: Arc<Metrics>,
    /// Where people are sent who need a delivery schedule.
    pub service_desk_url: Arc<str>,
    /// Whose signature images must bear.
    pub signers: Signers,
    /// What signs checkpoints of the decision log.
    pub log_key: Option<LogKey>,
    /// How fast attempts are released to one gateway, as it is configured from time to time.
    pub gateway_rate: watch::Receiver<Option<Rate>>,
    /// How long records are kept.
    pub journal_kept_us: Micros,
    pub draining: CancellationToken,
    /// Ends it even when handles are left.
    pub stop: CancellationToken,
}

/// Starts the store's threads and the driver's.
pub(crate) fn start(recovered: Recovered, around: Surroundings) -> io::Result<Running> {
    let Recovered {
        engine,
        terms,
        disk,
        journal,
        blocks,
        unwanted,
        lost,
        start,
        watch: since,
    } = recovered;
    let Surroundings { clock, metrics, .. } = around;
    metrics.started(&start, since.elapsed());
    let snapshots = snapshots::start(&journal, terms, clock, around.journal_kept_us, metrics);
    let durable = journal.last_seq();
    let (watch, store) = StoreWatch::new(durable);
    let journal = journal.start(watch.on_durable());
    let (blocks, reader) = blocks.start(watch.on_failure());
    for owner in unwanted {
        blocks.free(owner);
    }
    let (sender, commands) = mpsc::channel(COMMANDS_MAX);
    let (news, landings, finds) = StoreNews::new();
    for (owner, index) in lost {
        news.found.is_damaged(owner, index);
    }
    let driver = Driver {
        engine,
        clock: Watched::new(clock),
        clock_jump_max_us: around.clock_jump_max_us,
        journal,
        snapshots,
        blocks: blocks.clone(),
        reader: reader.clone(),
        signers: around.signers,
        log_key: around.log_key,
        signed: None,
        gateway_rate: around.gateway_rate,
        commands,
        store,
        news: news.clone(),
        landings,
        finds,
        stop: around.stop,
        answers: BTreeMap::new(),
        next_answer: 0,
        watches: Watches::default(),
        sessions: Sessions::default(),
        verifications: Verifications::default(),
        last_seq: durable,
        durable,
    };
    Ok(Running {
        engine: EngineHandle::new(sender, around.service_desk_url, around.draining),
        blocks,
        reader,
        disk,
        news,
        ended: driver.spawn()?,
    })
}

struct Driver {
    engine: Engine,
    clock: Watched,
    clock_jump_max_us: Micros,
    journal: JournalWriter,
    snapshots: Snapshots,
    blocks: BlockWriter,
    reader: BlockReader,
    signers: Signers,
    log_key: Option<LogKey>,
    /// A checkpoint that the engine has not been told of.
    signed: Option<SignedCheckpoint>,
    gateway_rate: watch::Receiver<Option<Rate>>,
    commands: mpsc::Receiver<Command>,
    store: watch::Receiver<StoreState>,
    news: StoreNews,
    landings: watch::Receiver<BTreeMap<u64, dco_block::IndexRanges>>,
    finds: watch::Receiver<Finds>,
    stop: CancellationToken,
    answers: BTreeMap<u64, oneshot::Sender<Answer>>,
    next_answer: u64,
    watches: Watches,
    sessions: Sessions,
    verifications: Verifications,
    /// The newest record that was handed to the journal.
    last_seq: Seq,
    /// The newest record that the engine knows to be durable.
    durable: Seq,
}

/// What a wait ended with.
enum Input {
    Store,
    Verified(u64, Verdict),
    News,
    /// Gateways are to be kept to another rate.
    Rate(Option<Rate>),
    /// So many were taken; none when nobody is left to send any.
    Commands(usize),
    Time,
    Stop,
}

impl Driver {
    fn spawn(self) -> io::Result<oneshot::Receiver<Result<(), DriverError>>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(VERIFICATIONS_MAX)
            .thread_name("dco-verify")
            .build()?;
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("dco-driver".to_owned())
            .spawn(move || {
                let outcome = runtime.block_on(self.run());
                // Nobody listens when the service was dropped.
                let _unheard = end.send(outcome);
            })?;
        Ok(ended)
    }

    async fn run(mut self) -> Result<(), DriverError> {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        self.handle(Event::Tick);
        loop {
            self.hand_on()?;
            match self.next(&mut batch).await {
                Input::Commands(0) | Input::Stop => break,
                Input::Store => self.advance()?,
                Input::Verified(owner, verdict) => self.handle(Event::Verified { owner, verdict }),
                Input::Time => self.handle(Event::Tick),
                Input::Rate(rate) => self.handle(Event::GatewayRateSet(rate)),
                Input::News | Input::Commands(_) => {}
            }
            // Before any command that came in the meantime: who was told that a block is durable and
            // asks for the transfer then finds it there.
            self.take_landed();
            self.take_finds();
            for command in batch.drain(..) {
                self.obey(command);
            }
        }
        self.close().await
    }

    /// Waits for the first thing that happens. What is durable goes first, because people wait for it;
    /// the timer last, because every event passes the time on as well.
    async fn next(&mut self, batch: &mut Vec<Command>) -> Input {
        let wakeup_us = self.engine.next_wakeup();
        let clock = self.clock.clock();
        let time = async {
            match wakeup_us {
                Some(at_us) => clock.sleep_until(at_us).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = self.store.changed() => Input::Store,
            Some((owner, verdict)) = self.verifications.next() => Input::Verified(owner, verdict),
            _ = self.landings.changed() => Input::News,
            _ = self.finds.changed() => Input::News,
            Ok(()) = self.gateway_rate.changed() => Input::Rate(*self.gateway_rate.borrow()),
            taken = self.commands.recv_many(batch, BATCH_MAX) => Input::Commands(taken),
            () = time => Input::Time,
            () = self.stop.cancelled() => Input::Stop,
        }
    }

    fn handle(&mut self, event: Event) {
        let (now_us, ahead_us) = self.clock.look();
        if ahead_us > self.clock_jump_max_us {
            tracing::error!(ahead_us, "the clock jumped ahead; releases are paused");
            self.engine.handle(Event::ClockJumped { ahead_us }, now_us);
        }
        self.engine.handle(event, now_us);
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Ask { request, answer } => {
                self.next_answer += 1;
                let reply_to = ReplyTo(self.next_answer);
                self.answers.insert(reply_to.0, answer);
                self.handle(Event::Request { reply_to, request });
            }
            Command::Watch { topic, answer } => {
                let _gone = answer.send(self.watches.subscribe(topic));
            }
            Command::Hello {
                gateway,
                hello,
                line,
                answer,
            } => {
                let session = self.sessions.open(line);
                self.handle(Event::GatewayHello {
                    gateway,
                    session,
                    hello,
                });
                // Who said hello is gone, so nobody else will say so.
                if answer.send(session).is_err() && self.sessions.close(session, LineEnd::HungUp) {
                    self.handle(Event::GatewayGone { session });
                }
            }
            Command::Report {
                session,
                attempt,
                report,
            } => {
                // A stream that was ended here may not have noticed yet.
                if self.sessions.has(session) {
                    self.handle(Event::GatewayReport {
                        session,
                        attempt,
                        report,
                    });
                }
            }
            Command::Gone { session, why } => {
                if self.sessions.close(session, why) {
                    self.handle(Event::GatewayGone { session });
                }
            }
            Command::PinJournal { answer } => {
                let _gone = answer.send(self.journal.pin());
            }
            Command::History { answer } => {
                let _gone = answer.send(self.journal.history());
            }
            Command::Stats { answer } => {
                let stats: EngineStats = self.engine.stats();
                let _gone = answer.send(stats);
            }
        }
    }

    fn take_landed(&mut self) {
        for (owner, mut ranges) in self.news.landed.take() {
            for index in ranges
                .take()
                .into_iter()
                .flat_map(RangeInclusive::into_iter)
            {
                self.handle(Event::BlockHeld { owner, index });
            }
        }
    }

    fn take_finds(&mut self) {
        let Finds { damaged, is_full } = self.news.found.take();
        for (owner, index) in damaged {
            self.handle(Event::BlockDamaged { owner, index });
        }
        if is_full {
            self.handle(Event::StoreFull);
        }
    }

    /// Tells the engine what is durable now.
    fn advance(&mut self) -> Result<(), DriverError> {
        let state = self.store.borrow_and_update().clone();
        if let Some(failure) = state.failure {
            return Err(DriverError::Store(failure));
        }
        if state.durable > self.durable {
            self.durable = state.durable;
            self.engine.on_durable(state.durable);
        }
        Ok(())
    }

    /// Hands records to the journal and does what may be done. Doing can end a gateway's stream, which
    /// is news for the engine.
    fn hand_on(&mut self) -> Result<(), DriverError> {
        loop {
            while let Some((seq, record)) = self.engine.poll_record() {
                self.journal
                    .append(record)
                    .map_err(|error| self.cause_of(error))?;
                self.last_seq = seq;
            }
            while let Some(effect) = self.engine.poll_effect() {
                self.perform(effect);
            }
            let unheard = self.sessions.take_unheard();
            let signed = self.signed.take();
            if unheard.is_empty() && signed.is_none() {
                return Ok(());
            }
            if let Some(signed) = signed {
                self.handle(Event::CheckpointSigned(signed));
            }
            for session in unheard {
                self.handle(Event::GatewayGone { session });
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { to, reply } => self.reply(to, reply),
            Effect::Verify {
                owner,
                user,
                manifest,
            } => {
                let (reader, signers) = (self.reader.clone(), self.signers.clone());
                let failed = self.verifications.failed_tries(owner);
                self.verifications.start(owner, move || {
                    verify::read_back(&reader, owner, &manifest, failed).map_or_else(
                        |verdict| verdict,
                        |image| verify::signed(&signers, user, &image),
                    )
                });
            }
            Effect::FreeBlocks { owner } => {
                self.news.freed.add(owner);
                self.blocks.free(owner);
            }
            Effect::StopBlocks { owner } => self.news.freed.add(owner),
            Effect::Checkpoint { date } => {
                let head = self.journal.head();
                self.signed = self.log_key.as_ref().map(|key| key.checkpoint(date, head));
            }
            Effect::Tell { session, message } => self.sessions.tell(session, message),
            Effect::CloseSession { session } => {
                self.sessions.close(session, LineEnd::Superseded);
            }
            Effect::Changed(topic) => self.watches.changed(topic),
        }
    }

    fn reply(&mut self, to: ReplyTo, reply: Result<Reply, dco_engine::Refusal>) {
        if let Some(answer) = self.answers.remove(&to.0) {
            // Who asked may have gone; what was decided stays.
            let _gone = answer.send(reply);
        }
    }

    /// Keeps what was promised: all records durable, all answers that rest on them given.
    async fn close(mut self) -> Result<(), DriverError> {
        self.hand_on()?;
        while self.durable < self.last_seq {
            if self.store.changed().await.is_err() {
                return Err(DriverError::Store(Arc::new(StoreError::Closed)));
            }
            self.advance()?;
            self.hand_on()?;
        }
        let store = self.store;
        self.snapshots.close();
        self.blocks.close().map_err(|error| cause(&store, error))?;
        self.journal.close().map_err(|error| cause(&store, error))
    }

    fn cause_of(&self, error: StoreError) -> DriverError {
        cause(&self.store, error)
    }
}

/// The failure behind an error that only says that the store is closed.
fn cause(store: &watch::Receiver<StoreState>, error: StoreError) -> DriverError {
    let first = match error {
        StoreError::Closed => store.borrow().failure.clone(),
        _ => None,
    };
    DriverError::Store(first.unwrap_or_else(|| Arc::new(error)))
}

#[cfg(test)]
mod tests;
