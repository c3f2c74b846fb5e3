//! An engine with the world around it: virtual time, a journal, a block log, gateways.
//!
//! Everything that a test says is one step of a script. Records are durable at once unless the test
//! says otherwise; what the engine wants is collected until the test looks at it.

mod gateways;
mod requests;
pub(crate) mod schedules;

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_engine::record::{Change, Record};
use dco_engine::{
    Effect, Engine, Event, Offer, Refusal, Reply, ReplyTo, Report, RequestId, Seq, Session, Terms,
    ToGateway, Topic,
};
use dco_schedule::{Calendar, Micros};
use prost::Message;

pub(crate) use gateways::{ended, hello, succeed};
pub(crate) use requests::{batch_of, pause_of, transfer_of};

use crate::sample::noon;

/// Of a world with a longer journal no snapshot is tried at its end.
const SNAPSHOT_OF_BYTES_MAX: usize = 30_000;

/// What a gateway does with each offer the moment it gets it; `None`: nothing.
pub(crate) type Habit = fn(&Offer) -> Option<Report>;

/// See the file's page.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) terms: Terms,
    pub(crate) now_us: Micros,
    /// Records polled; the first `durable` of them survive a crash.
    pub(crate) journal: Vec<Vec<u8>>,
    pub(crate) durable: usize,
    /// Whether records become durable as soon as they are polled.
    pub(crate) syncs: bool,
    /// The block log: owner and index.
    pub(crate) blocks: BTreeSet<(u64, u32)>,
    /// Owners whose blocks were freed, in order.
    pub(crate) freed: Vec<u64>,
    /// Owners of whom no more blocks are taken, in order.
    pub(crate) stopped: Vec<u64>,
    /// Read-backs asked for, in order.
    pub(crate) verifications: Vec<u64>,
    pub(crate) changed: Vec<Topic>,
    pub(crate) closed: Vec<Session>,
    /// What gateways were told and the test has not looked at.
    pub(crate) told: Vec<(Session, ToGateway)>,
    /// Offers made since the start, in order; never cleared.
    pub(crate) offered: Vec<(Session, Offer)>,
    pub(crate) habit: Option<Habit>,
    /// From the snapshot after so many records it starts, if it has them; from none, with all of them.
    pub(crate) start_from: Option<usize>,
    replies: BTreeMap<ReplyTo, Result<Reply, Refusal>>,
    streams: BTreeMap<Eui64, Session>,
    counter: u64,
}

/// However a test ends, a start from a snapshot would have been a start from its records, and each of them is a decision in
/// words.
impl Drop for World {
    fn drop(&mut self) {
        let bytes: usize = self.journal.iter().map(Vec::len).sum();
        if bytes > SNAPSHOT_OF_BYTES_MAX || std::thread::panicking() {
            return;
        }
        if crate::snapshots::same_as_replayed(&self.journal, &self.terms) {
            crate::decisions::all_in_words(&self.journal);
        }
    }
}

impl World {
    /// At noon of 2026-06-01, with nothing in it.
    pub(crate) fn new(terms: Terms) -> Self {
        Self::at(noon("2026-06-01"), terms)
    }

    /// At another moment.
    pub(crate) fn at(now_us: Micros, terms: Terms) -> Self {
        Self {
            engine: Engine::new(terms.clone()),
            terms,
            now_us,
            journal: Vec::new(),
            durable: 0,
            syncs: true,
            blocks: BTreeSet::new(),
            freed: Vec::new(),
            stopped: Vec::new(),
            verifications: Vec::new(),
            changed: Vec::new(),
            closed: Vec::new(),
            told: Vec::new(),
            offered: Vec::new(),
            habit: None,
            start_from: None,
            replies: BTreeMap::new(),
            streams: BTreeMap::new(),
            counter: 0,
        }
    }

    /// A number never given before.
    pub(crate) fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// A request id never given before.
    pub(crate) fn fresh_id(&mut self) -> RequestId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.count().to_le_bytes());
        RequestId(id)
    }

    /// Something happens now.
    pub(crate) fn handle(&mut self, event: Event) {
        if let Event::BlockHeld { owner, index } = event {
            self.blocks.insert((owner, index));
        }
        if let Event::BlockDamaged { owner, index } = event {
            // The block log marks it, and does not count it among what it holds.
            self.blocks.remove(&(owner, index));
        }
        self.engine.handle(event, self.now_us);
        self.pump();
    }

    /// Takes records and effects; gateways act by their habit until nothing follows.
    pub(crate) fn pump(&mut self) {
        loop {
            self.take_records();
            if self.syncs {
                self.sync();
            }
            let mut reports = Vec::new();
            while let Some(effect) = self.engine.poll_effect() {
                reports.extend(self.perform(effect));
            }
            if reports.is_empty() {
                return;
            }
            for event in reports {
                self.engine.handle(event, self.now_us);
            }
        }
    }

    fn take_records(&mut self) {
        while let Some((seq, record)) = self.engine.poll_record() {
            self.journal.push(record);
            assert_eq!(seq, self.last_seq(), "records come in order");
        }
    }

    fn last_seq(&self) -> Seq {
        Seq::try_from(self.journal.len()).expect("a test's journal is short")
    }

    /// The disk has everything.
    pub(crate) fn sync(&mut self) {
        self.durable = self.journal.len();
        self.engine.on_durable(self.last_seq());
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Reply { to, reply } => {
                let before = self.replies.insert(to, reply);
                assert!(before.is_none(), "one request has one reply");
            }
            Effect::Verify { owner, .. } => self.verifications.push(owner),
            Effect::FreeBlocks { owner } => {
                self.blocks.retain(|(of, _)| *of != owner);
                self.freed.push(owner);
            }
            Effect::StopBlocks { owner } => self.stopped.push(owner),
            Effect::Checkpoint { date } => return Some(self.signed(date)),
            Effect::Tell { session, message } => return self.hear(session, message),
            Effect::CloseSession { session } => self.closed.push(session),
            Effect::Changed(topic) => self.changed.push(topic),
        }
        None
    }

    /// What the service signs when a day is over, with a key of nobody.
    fn signed(&self, date: dco_schedule::ServiceDate) -> Event {
        Event::CheckpointSigned(dco_engine::SignedCheckpoint {
            date,
            seq: self.durable as u64,
            chain: [7; 32],
            signature: b"signed".as_slice().into(),
            public_key: b"key".as_slice().into(),
        })
    }

    fn hear(&mut self, session: Session, message: ToGateway) -> Option<Event> {
        let mut report = None;
        if let ToGateway::Offer(offer) = &message {
            self.offered.push((session, offer.clone()));
            report = self.habit.and_then(|habit| habit(offer));
            report = report.filter(|_| self.streams.values().any(|it| *it == session));
        }
        let attempt = match &message {
            ToGateway::Offer(offer) => Some(offer.attempt),
            _ => None,
        };
        self.told.push((session, message));
        Some(Event::GatewayReport {
            session,
            attempt: attempt?,
            report: report?,
        })
    }

    // Time.

    /// Time passes up to a moment; the engine is woken whenever it wants to be.
    pub(crate) fn until(&mut self, at_us: Micros) {
        let mut wakes_at_one_instant = 0;
        while let Some(wakeup_us) = self.engine.next_wakeup().filter(|it| *it <= at_us) {
            if wakeup_us <= self.now_us {
                wakes_at_one_instant += 1;
                assert!(wakes_at_one_instant < 100, "no progress at {}", self.now_us);
            } else {
                wakes_at_one_instant = 0;
            }
            self.now_us = self.now_us.max(wakeup_us);
            self.handle(Event::Tick);
        }
        self.now_us = self.now_us.max(at_us);
        self.handle(Event::Tick);
    }

    /// So much time passes.
    pub(crate) fn pass(&mut self, span_us: Micros) {
        self.until(self.now_us + span_us);
    }

    /// Time passes up to the last instant of the service day, or of the next one from there.
    pub(crate) fn rest_of_day(&mut self) {
        let end_us = Calendar::london().day_at(self.now_us + 1).end_us;
        self.until(end_us - 1);
    }

    /// Time passes up to the start of the next service day.
    pub(crate) fn next_day(&mut self) {
        self.until(Calendar::london().day_at(self.now_us).end_us);
    }

    // The service ends and starts again.

    /// The power goes: only what is durable is left. The streams are cut.
    pub(crate) fn crash(&mut self) {
        self.journal.truncate(self.durable);
        self.streams.clear();
        self.told.clear();
        self.replies.clear();
        self.engine = self.recovered();
        let engine = &self.engine;
        self.blocks
            .retain(|(owner, _)| engine.wants_blocks_of(*owner));
        self.pump();
    }

    /// It starts again with other terms.
    pub(crate) fn restart_with(&mut self, terms: Terms) {
        self.terms = terms;
        self.crash();
    }

    /// An earlier program put this into the journal before the service ended.
    pub(crate) fn wrote(&mut self, change: Change) {
        let (at_us, change) = (self.now_us, Some(change));
        let record = Record { at_us, change };
        self.journal.push(record.encode_to_vec());
        self.durable = self.journal.len();
    }

    /// Everything that was wanted, as text.
    pub(crate) fn effects(&self) -> String {
        let Self {
            told,
            changed,
            closed,
            freed,
            verifications,
            ..
        } = self;
        format!("{told:?} {changed:?} {closed:?} {freed:?} {verifications:?}")
    }

    /// Another engine takes the place of this one.
    pub(crate) fn take_over(&mut self, engine: Engine) {
        let records = usize::try_from(engine.last_seq()).expect("short");
        self.now_us = self.now_us.max(engine.last_time_us());
        self.journal = vec![Vec::new(); records];
        self.durable = records;
        self.engine = engine;
    }

    /// What the durable records make of an engine.
    pub(crate) fn replayed(&self) -> Engine {
        let mut engine = Engine::new(self.terms.clone());
        for (seq, record) in (1..).zip(&self.journal[..self.durable]) {
            engine = self.by_snapshot(engine);
            engine.replay(seq, record).expect("the journal is its own");
        }
        self.by_snapshot(engine)
    }

    /// If it is time for it, the engine of this one's snapshot.
    fn by_snapshot(&self, engine: Engine) -> Engine {
        let seq = engine.last_seq();
        if self
            .start_from
            .is_none_or(|from| Seq::try_from(from) != Ok(seq))
        {
            return engine;
        }
        let again = Engine::from_snapshot(self.terms.clone(), seq, &engine.snapshot());
        again.expect("its own")
    }

    /// What a start on the journal and the block log gives at this moment.
    pub(crate) fn recovered(&self) -> Engine {
        let mut engine = self.replayed();
        for (owner, index) in &self.blocks {
            if engine.wants_blocks_of(*owner) {
                let (owner, index) = (*owner, *index);
                engine.handle(Event::BlockHeld { owner, index }, self.now_us);
            }
        }
        let last = engine.last_seq();
        engine.on_durable(last);
        engine.handle(Event::Tick, self.now_us);
        engine
    }
}
