//! An engine with the world around it: virtual time, a journal, a block log, gateways.
//!
//! Everything that a test says is one step of a script. Records are durable at once unless the test
//! says otherwise; what the engine wants is collected until the test looks at it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, Manifest};
use dco_engine::{
    ActivationName, ActivationView, AttemptEnd, AttemptRef, BatchView, Cancel, DeviceEntry, Effect,
    Engine, Event, Explanation, Hello, ImportDevices, Offer, OpenTransfer, Outcome, Refusal, Reply,
    ReplyTo, Report, Request, RequestId, Seq, ServiceDayView, Session, SubmitBatch, Terms,
    ToGateway, Topic, TransferView, Verdict,
};
use dco_schedule::{Calendar, Micros, ServiceDate};

use crate::sample::{OPERATOR, entry, noon};

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
    /// Read-backs asked for, in order.
    pub(crate) verifications: Vec<u64>,
    pub(crate) changed: Vec<Topic>,
    pub(crate) closed: Vec<Session>,
    /// What gateways were told and the test has not looked at.
    pub(crate) told: Vec<(Session, ToGateway)>,
    /// Offers made since the start, in order; never cleared.
    pub(crate) offered: Vec<(Session, Offer)>,
    pub(crate) habit: Option<Habit>,
    replies: BTreeMap<ReplyTo, Result<Reply, Refusal>>,
    streams: BTreeMap<Eui64, Session>,
    counter: u64,
}

impl World {
    /// At noon of 2026-06-01, with nothing in it.
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            engine: Engine::new(terms.clone()),
            terms,
            now_us: noon("2026-06-01"),
            journal: Vec::new(),
            durable: 0,
            syncs: true,
            blocks: BTreeSet::new(),
            freed: Vec::new(),
            verifications: Vec::new(),
            changed: Vec::new(),
            closed: Vec::new(),
            told: Vec::new(),
            offered: Vec::new(),
            habit: None,
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
            Effect::Tell { session, message } => return self.hear(session, message),
            Effect::CloseSession { session } => self.closed.push(session),
            Effect::Changed(topic) => self.changed.push(topic),
        }
        None
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

    /// Time passes up to the start of the next service day.
    pub(crate) fn next_day(&mut self) {
        self.until(Calendar::london().day_at(self.now_us).end_us);
    }

    pub(crate) fn today(&self) -> ServiceDate {
        Calendar::london().day_at(self.now_us).date
    }

    // Requests.

    /// Hands in a request; its answer may have to wait for the disk.
    pub(crate) fn send(&mut self, request: Request) -> ReplyTo {
        let reply_to = ReplyTo(self.count());
        self.handle(Event::Request { reply_to, request });
        reply_to
    }

    /// The answer, if there is one by now.
    pub(crate) fn reply(&mut self, to: ReplyTo) -> Option<Result<Reply, Refusal>> {
        self.replies.remove(&to)
    }

    pub(crate) fn ask(&mut self, request: Request) -> Result<Reply, Refusal> {
        let to = self.send(request);
        self.reply(to).expect("what is durable is answered at once")
    }

    pub(crate) fn import(&mut self, devices: Vec<DeviceEntry>) {
        let request = Request::ImportDevices(ImportDevices {
            by: OPERATOR,
            id: self.fresh_id(),
            validate_only: false,
            devices,
        });
        self.ask(request).expect("the import is right");
    }

    /// Registers Devices to a User, behind one gateway.
    pub(crate) fn register(&mut self, devices: &[Eui64], user: Eui64, gateway: Eui64) {
        let entries = devices.iter().map(|device| entry(*device, user, gateway));
        self.import(entries.collect());
    }

    pub(crate) fn opening(
        &mut self,
        user: Eui64,
        manifest: &Arc<Manifest>,
        devices: &[Eui64],
    ) -> OpenTransfer {
        OpenTransfer {
            user,
            id: self.fresh_id(),
            validate_only: false,
            manifest: Arc::clone(manifest),
            devices: devices.to_vec(),
            signed_request: Bytes::new(),
        }
    }

    pub(crate) fn open(
        &mut self,
        user: Eui64,
        manifest: &Arc<Manifest>,
        devices: &[Eui64],
    ) -> Result<TransferView, Refusal> {
        let asked = self.opening(user, manifest, devices);
        self.ask(Request::OpenTransfer(asked)).map(transfer_of)
    }

    pub(crate) fn transfer(&mut self, user: Eui64, number: u64) -> TransferView {
        let reply = self.ask(Request::GetTransfer { user, number });
        transfer_of(reply.expect("the transfer is there"))
    }

    /// The owner number of a transfer in the block log.
    pub(crate) fn owner(&mut self, user: Eui64, number: u64) -> u64 {
        match self.ask(Request::AttachTransfer { user, number }) {
            Ok(Reply::Blocks(source)) => source.owner,
            other => panic!("not attached: {other:?}"),
        }
    }

    pub(crate) fn block(&mut self, owner: u64, index: u32) {
        self.handle(Event::BlockHeld { owner, index });
    }

    pub(crate) fn verified(&mut self, owner: u64, verdict: Verdict) {
        self.handle(Event::Verified { owner, verdict });
    }

    /// A whole transfer, to its end: opened, all blocks, verified. Answers its owner number.
    pub(crate) fn store(
        &mut self,
        user: Eui64,
        manifest: &Arc<Manifest>,
        devices: &[Eui64],
    ) -> u64 {
        let opened = self
            .open(user, manifest, devices)
            .expect("the transfer opens");
        let owner = self.owner(user, opened.number.expect("it is open"));
        for index in 0..manifest.block_count() {
            self.block(owner, index);
        }
        self.verified(owner, Verdict::Good);
        owner
    }

    pub(crate) fn batch_of(
        &mut self,
        user: Eui64,
        manifest: &Manifest,
        devices: &[Eui64],
    ) -> SubmitBatch {
        SubmitBatch {
            user,
            id: self.fresh_id(),
            validate_only: false,
            manufacturer_image_hash: manifest.manufacturer_image_hash(),
            devices: devices.to_vec(),
            service_date: None,
            signed_request: Bytes::new(),
        }
    }

    pub(crate) fn submit_this(&mut self, asked: &SubmitBatch) -> Result<BatchView, Refusal> {
        self.ask(Request::SubmitBatch(asked.clone())).map(batch_of)
    }

    pub(crate) fn submit(
        &mut self,
        user: Eui64,
        manifest: &Manifest,
        devices: &[Eui64],
    ) -> Result<BatchView, Refusal> {
        let asked = self.batch_of(user, manifest, devices);
        self.submit_this(&asked)
    }

    pub(crate) fn submit_for(
        &mut self,
        (user, manifest): (Eui64, &Manifest),
        devices: &[Eui64],
        date: ServiceDate,
    ) -> Result<BatchView, Refusal> {
        let asked = SubmitBatch {
            service_date: Some(date),
            ..self.batch_of(user, manifest, devices)
        };
        self.submit_this(&asked)
    }

    pub(crate) fn batch(&mut self, user: Eui64, number: u64) -> BatchView {
        let reply = self.ask(Request::GetBatch { user, number });
        batch_of(reply.expect("the batch is there"))
    }

    pub(crate) fn cancelling(&mut self, user: Eui64, number: u64) -> Cancel {
        Cancel {
            user,
            number,
            id: self.fresh_id(),
            validate_only: false,
        }
    }

    pub(crate) fn cancel_batch(&mut self, user: Eui64, number: u64) -> BatchView {
        let asked = self.cancelling(user, number);
        let reply = self.ask(Request::CancelBatch(asked));
        batch_of(reply.expect("the batch is there"))
    }

    pub(crate) fn cancel_transfer(
        &mut self,
        user: Eui64,
        number: u64,
    ) -> Result<TransferView, Refusal> {
        let asked = self.cancelling(user, number);
        self.ask(Request::CancelTransfer(asked)).map(transfer_of)
    }

    pub(crate) fn activation(&mut self, user: Eui64, batch: u64, device: Eui64) -> ActivationView {
        let name = ActivationName {
            user,
            batch,
            device,
        };
        match self.ask(Request::GetActivation(name)) {
            Ok(Reply::Activation(view)) => view,
            other => panic!("no activation: {other:?}"),
        }
    }

    pub(crate) fn explain(&mut self, user: Eui64, batch: u64, device: Eui64) -> Explanation {
        let name = ActivationName {
            user,
            batch,
            device,
        };
        match self.ask(Request::ExplainActivation(name)) {
            Ok(Reply::Explanation(explanation)) => explanation,
            other => panic!("no explanation: {other:?}"),
        }
    }

    /// Service days, oldest first; for one User its own figures.
    pub(crate) fn days(&mut self, user: Option<Eui64>) -> Vec<ServiceDayView> {
        let request = Request::ReportCapacity {
            user,
            first: None,
            last: None,
        };
        match self.ask(request) {
            Ok(Reply::ServiceDays(days)) => days,
            other => panic!("no days: {other:?}"),
        }
    }

    /// What today has released.
    pub(crate) fn released_today(&mut self) -> u32 {
        self.days(None).last().map_or(0, |day| day.released)
    }

    // Gateways.

    /// A gateway connects with the memory that it always had, and nothing in hand.
    pub(crate) fn connect(&mut self, gateway: Eui64) -> Session {
        self.hello(gateway, hello("first"))
    }

    pub(crate) fn hello(&mut self, gateway: Eui64, hello: Hello) -> Session {
        let session = Session(self.count());
        self.streams.insert(gateway, session);
        self.handle(Event::GatewayHello {
            gateway,
            session,
            hello,
        });
        session
    }

    pub(crate) fn disconnect(&mut self, gateway: Eui64) {
        if let Some(session) = self.streams.remove(&gateway) {
            self.handle(Event::GatewayGone { session });
        }
    }

    pub(crate) fn report(&mut self, session: Session, attempt: AttemptRef, report: Report) {
        self.handle(Event::GatewayReport {
            session,
            attempt,
            report,
        });
    }

    pub(crate) fn end(&mut self, session: Session, attempt: AttemptRef, outcome: Outcome) {
        self.report(session, attempt, Report::Ended(ended(outcome)));
    }

    /// Offers that the test has not looked at, in order; the rest of what was told is dropped.
    pub(crate) fn offers(&mut self) -> Vec<Offer> {
        let told = std::mem::take(&mut self.told);
        let offers = told.into_iter().filter_map(|(_, message)| match message {
            ToGateway::Offer(offer) => Some(offer),
            _ => None,
        });
        offers.collect()
    }

    /// The only offer that the test has not looked at.
    pub(crate) fn offer(&mut self) -> Offer {
        let offers = self.offers();
        assert_eq!(offers.len(), 1, "{offers:?}");
        offers[0].clone()
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

    /// What a start on the journal and the block log gives at this moment.
    pub(crate) fn recovered(&self) -> Engine {
        let mut engine = Engine::new(self.terms.clone());
        for (seq, record) in (1..).zip(&self.journal[..self.durable]) {
            engine.replay(seq, record).expect("the journal is its own");
        }
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

/// A hello with this memory and nothing in hand.
pub(crate) fn hello(memory_id: &str) -> Hello {
    Hello {
        memory_id: memory_id.to_owned(),
        attempts: Vec::new(),
        outcomes: Vec::new(),
        concurrency: 1_000,
    }
}

/// An end about which the gateway says no more.
pub(crate) fn ended(outcome: Outcome) -> AttemptEnd {
    AttemptEnd {
        outcome,
        nothing_sent: false,
        running_version: None,
        device_image_hash: None,
        message: String::new(),
    }
}

/// The habit of a gateway whose Devices all take the image.
pub(crate) fn succeed(_: &Offer) -> Option<Report> {
    Some(Report::Ended(ended(Outcome::Success)))
}

pub(crate) fn transfer_of(reply: Reply) -> TransferView {
    match reply {
        Reply::Transfer(view) => view,
        other => panic!("not a transfer: {other:?}"),
    }
}

pub(crate) fn batch_of(reply: Reply) -> BatchView {
    match reply {
        Reply::Batch(view) => view,
        other => panic!("not a batch: {other:?}"),
    }
}
