//! An engine with the world around it: a journal, a block log, gateways, time. Records are durable at once.

use std::collections::BTreeSet;

use dco_engine::{
    DeviceEntry, Effect, Engine, Event, Grouping, ImportDevices, ListSchedules, NoticeParty, Offer,
    Page, Reader, Refusal, Reply, ReplyTo, ReportKind, ReportRequest, Request, RequestId,
    ScheduleRequest, Session, ToGateway,
};
use dco_schedule::{Calendar, Micros, ServiceDate};

use crate::samples::{OPERATOR, USERS, noon_us, terms};

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now_us: Micros,
    /// The latest that the clock ever said: the engine's own time does not go back.
    latest_us: Micros,
    pub(crate) journal: Vec<Vec<u8>>,
    /// The block log: owner and index.
    pub(crate) blocks: BTreeSet<(u64, u32)>,
    /// In order.
    pub(crate) offers: Vec<(Session, Offer)>,
    count: u64,
    answers: Vec<(ReplyTo, Result<Reply, Refusal>)>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            engine: Engine::new(terms()),
            now_us: noon_us(),
            latest_us: noon_us(),
            journal: Vec::new(),
            blocks: BTreeSet::new(),
            offers: Vec::new(),
            count: 0,
            answers: Vec::new(),
        }
    }

    /// A number never given before.
    pub(crate) fn count(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A request id never given before.
    pub(crate) fn fresh_id(&mut self) -> RequestId {
        RequestId(u128::from(self.count()).to_le_bytes())
    }

    pub(crate) fn ask(&mut self, request: Request) -> Result<Reply, Refusal> {
        let reply_to = ReplyTo(self.count());
        self.handle(Event::Request { reply_to, request });
        let mut answers = std::mem::take(&mut self.answers);
        let answer = answers.pop().expect("what is durable is answered at once");
        assert!(
            answers.is_empty() && answer.0 == reply_to,
            "one request has one answer"
        );
        answer.1
    }

    /// Devices come into the inventory, or are refused; that is an answer too.
    pub(crate) fn import(&mut self, devices: Vec<DeviceEntry>) {
        let id = self.fresh_id();
        let _answer = self.ask(Request::ImportDevices(ImportDevices {
            by: OPERATOR,
            id,
            validate_only: false,
            why: dco_engine::SaidWhy::default(),
            devices,
        }));
    }

    /// Something happens now.
    pub(crate) fn handle(&mut self, event: Event) {
        match event {
            Event::BlockHeld { owner, index } => {
                self.blocks.insert((owner, index));
            }
            // The block log marks it, and does not count it among what it holds.
            Event::BlockDamaged { owner, index } => {
                self.blocks.remove(&(owner, index));
            }
            _ => {}
        }
        let before = self.engine.stats();
        self.latest_us = self.latest_us.max(self.now_us);
        self.engine.handle(event, self.now_us);
        self.pump();
        let after = self.engine.stats();
        let most = after.capacity_today.max(before.released_today);
        assert!(after.released_today <= most, "no day is over its cap");
    }

    fn pump(&mut self) {
        while let Some((seq, record)) = self.engine.poll_record() {
            self.journal.push(record);
            assert_eq!(
                usize::try_from(seq),
                Ok(self.journal.len()),
                "records come in order"
            );
        }
        self.engine.on_durable(self.engine.last_seq());
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Reply { to, reply } => self.answers.push((to, reply)),
                Effect::FreeBlocks { owner } => self.blocks.retain(|(of, _)| *of != owner),
                Effect::Tell {
                    session,
                    message: ToGateway::Offer(offer),
                } => self.offers.push((session, offer)),
                _ => {}
            }
        }
    }

    /// Time passes; the engine is woken whenever it wants to be.
    pub(crate) fn pass(&mut self, span_us: Micros) {
        let until_us = self.now_us.saturating_add(span_us);
        let mut at_one_instant = 0;
        while let Some(wakeup_us) = self.engine.next_wakeup().filter(|it| *it <= until_us) {
            at_one_instant = if wakeup_us > self.now_us {
                0
            } else {
                at_one_instant + 1
            };
            assert!(at_one_instant < 100, "woken again and again for nothing");
            self.now_us = self.now_us.max(wakeup_us);
            self.handle(Event::Tick);
        }
        self.now_us = until_us;
        self.handle(Event::Tick);
    }

    /// What a start on the journal and the block log gives at this moment. On the way its snapshot is taken in
    /// by another engine, which is the same.
    pub(crate) fn recovered(&self) -> Engine {
        let mut engine = Engine::new(terms());
        for (seq, record) in (1..).zip(&self.journal) {
            engine.replay(seq, record).expect("the journal is its own");
        }
        let snapshot = engine.snapshot();
        let again = Engine::from_snapshot(terms(), engine.last_seq(), &snapshot);
        engine = again.expect("the snapshot is its own");
        assert_eq!(engine.snapshot(), snapshot);
        for (owner, index) in &self.blocks {
            if engine.wants_blocks_of(*owner) {
                let (owner, index) = (*owner, *index);
                engine.handle(Event::BlockHeld { owner, index }, self.now_us);
            }
        }
        engine.on_durable(engine.last_seq());
        engine.handle(Event::Tick, self.now_us);
        engine
    }

    /// The power goes; streams are cut.
    pub(crate) fn crash(&mut self) {
        self.engine = self.recovered();
        let engine = &self.engine;
        self.blocks
            .retain(|(owner, _)| engine.wants_blocks_of(*owner));
        self.pump();
    }

    /// A start decides nothing new and says what this engine says, at the engine's own time.
    pub(crate) fn is_what_a_start_gives(&mut self) {
        self.now_us = self.latest_us;
        self.handle(Event::Tick);
        let mut recovered = self.recovered();
        assert_eq!(
            recovered.last_seq(),
            self.engine.last_seq(),
            "a start decides nothing new"
        );
        for request in reads(self.now_us) {
            let alive = read(&mut self.engine, self.now_us, request.clone());
            let again = read(&mut recovered, self.now_us, request);
            assert_eq!(alive, again);
        }
    }
}

/// The answer as text.
fn read(engine: &mut Engine, now_us: Micros, request: Request) -> String {
    let reply_to = ReplyTo(u64::MAX);
    engine.handle(Event::Request { reply_to, request }, now_us);
    engine.on_durable(engine.last_seq());
    while let Some(effect) = engine.poll_effect() {
        if let Effect::Reply { to, reply } = effect
            && to == reply_to
        {
            return format!("{reply:?}");
        }
    }
    unreachable!("every read is answered")
}

/// What both a living engine and one that has just started must answer the same. How far attempts have come,
/// and which gateways are there, a start learns again.
fn reads(now_us: Micros) -> Vec<Request> {
    let limit = u32::MAX;
    let today = Calendar::london().day_at(now_us).date;
    let (first, before) = (None, None);
    let last = Some(ServiceDate::from_days(today.days() + 4));
    let mut reads = vec![
        Request::ListServiceDays { before, limit: 9 },
        Request::Schedules(ScheduleRequest::List(ListSchedules {
            user: None,
            after: None,
            open_only: false,
            limit,
            reader: Reader::Desk,
        })),
        Request::Schedules(ScheduleRequest::ListPendingActions {
            after: 0,
            limit,
            settled: true,
        }),
        Request::Schedules(ScheduleRequest::ProposeReplan),
    ];
    for user in [None, Some(USERS[0]), Some(USERS[1])] {
        let by = BTreeSet::from([Grouping::User, Grouping::Image]);
        for kind in [
            ReportKind::Capacity,
            ReportKind::Fairness,
            ReportKind::Trt,
            ReportKind::Success(by),
        ] {
            reads.push(Request::Report(ReportRequest::of(kind, user)));
        }
        let capacity = ScheduleRequest::GetCapacity { user, first, last };
        reads.push(Request::Schedules(capacity));
    }
    for user in USERS {
        let page = Page {
            user,
            before: None,
            limit,
        };
        reads.push(Request::ListTransfers(page));
        reads.push(Request::ListBatches(page));
        reads.push(Request::Schedules(ScheduleRequest::GetLimits { user }));
    }
    let parties = USERS.map(NoticeParty::User).into_iter();
    for party in parties.chain([NoticeParty::Desk, NoticeParty::Operators]) {
        let position = 0;
        let notices = ScheduleRequest::ReadNotices {
            party,
            position,
            limit,
        };
        reads.push(Request::Schedules(notices));
    }
    reads
}
