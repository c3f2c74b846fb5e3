//! The engine as its callers see it: events and time in, records and effects out.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_dispatch::FairQueue;
use dco_schedule::Micros;
use prost::Message;

use crate::effect::{Effect, Reply, Topic};
use crate::event::{Event, ReplyTo, Request};
use crate::outbox::Outbox;
pub use crate::outbox::Seq;
use crate::record::{Change, Record};
use crate::refusal::Refusal;
use crate::state::ahead::Ahead;
use crate::state::batches::Batches;
use crate::state::canaries::Canaries;
use crate::state::checkpoints::Checkpoints;
use crate::state::counts::Counts;
use crate::state::days::Days;
use crate::state::dispatch::Dispatch;
use crate::state::gateways::Gateways;
use crate::state::inventory::Inventory;
use crate::state::lanes::Lane;
use crate::state::notices::NoticeBoard;
use crate::state::products::Products;
use crate::state::requests::Requests;
use crate::state::schedules::Schedules;
use crate::state::security::SecurityLane;
use crate::state::tallies::Tallies;
use crate::state::timers::{Deadline, Timers, Wake};
use crate::state::transfers::Transfers;
use crate::state::trials::Trials;
use crate::terms::Terms;

/// Waiting activations by User, and inside a User by lane and due time.
pub(crate) type Queue = FairQueue<Eui64, Lane, u32>;

/// The rules of block transfer and release. Deterministic; see the crate's page.
#[derive(Debug)]
pub struct Engine {
    pub(crate) terms: Terms,
    pub(crate) now_us: Micros,
    pub(crate) recorded_us: Micros,
    pub(crate) out: Outbox,
    pub(crate) requests: Requests,
    pub(crate) counts: Counts,
    pub(crate) inventory: Inventory,
    pub(crate) products: Products,
    pub(crate) transfers: Transfers,
    pub(crate) batches: Batches,
    pub(crate) days: Days,
    pub(crate) schedules: Schedules,
    pub(crate) notices: NoticeBoard,
    pub(crate) gateways: Gateways,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) dispatch: Dispatch,
    pub(crate) trials: Trials,
    pub(crate) canaries: Canaries,
    pub(crate) tallies: Tallies,
    /// Activations of large images: charged, paced.
    pub(crate) large: Queue,
    /// Those of them that may go before the others, up to a bound.
    pub(crate) security: SecurityLane,
    /// Those of them that are parked and may run ahead of their day.
    pub(crate) ahead: Ahead,
    /// All others: they wait for nothing but their gateway.
    pub(crate) small: Queue,
    pub(crate) wakes: Timers<Wake>,
    pub(crate) deadlines: Timers<Deadline>,
    /// When the queues may have something that can go; `None` when only an event can bring it.
    pub(crate) release_us: Option<Micros>,
    /// Whether start-up is over: until then only blocks come in, and nothing is decided.
    pub(crate) started: bool,
    /// The disk was full a short while ago: nothing new is begun. Not in the journal, since it is found again.
    pub(crate) full_until_us: Option<Micros>,
    /// Durations of attempts that succeeded: how many, and their sum.
    pub(crate) delivered: (u64, Micros),
}

/// A journal record, or a snapshot, that this program cannot take in.
#[derive(Debug, thiserror::Error)]
#[error("{what} {seq} cannot be applied: {why}; it was written by another version or is damaged")]
pub struct ReplayError {
    /// A record, or the snapshot after it.
    pub what: &'static str,
    /// Which record.
    pub seq: Seq,
    /// What is wrong with it.
    pub why: String,
}

impl Engine {
    /// An engine without history.
    pub fn new(terms: Terms) -> Self {
        Self {
            now_us: Micros::MIN,
            recorded_us: Micros::MIN,
            out: Outbox::default(),
            requests: Requests::default(),
            counts: Counts::default(),
            inventory: Inventory::default(),
            products: Products::default(),
            transfers: Transfers::default(),
            batches: Batches::default(),
            days: Days::new(terms.allowance_per_day, terms.burst),
            schedules: Schedules::new(&terms),
            notices: NoticeBoard::default(),
            gateways: Gateways::default(),
            checkpoints: Checkpoints::default(),
            dispatch: Dispatch::default(),
            trials: Trials::default(),
            canaries: Canaries::default(),
            tallies: Tallies::found(Micros::MIN, BTreeMap::new(), BTreeSet::new()),
            large: FairQueue::new(),
            security: SecurityLane::default(),
            ahead: Ahead::default(),
            small: FairQueue::new(),
            wakes: Timers::default(),
            deadlines: Timers::default(),
            release_us: None,
            started: false,
            full_until_us: None,
            delivered: (0, 0),
            terms,
        }
    }

    /// Takes in one record of the journal. Called at start-up for each, in order, before anything else.
    ///
    /// # Errors
    /// When the record cannot be decoded or names what does not exist: the journal is not this engine's.
    pub fn replay(&mut self, seq: Seq, record: &[u8]) -> Result<(), ReplayError> {
        let failed = |why: &str| ReplayError {
            what: "journal record",
            seq,
            why: why.to_owned(),
        };
        if seq != self.out.last() + 1 {
            return Err(failed("it does not follow the one before"));
        }
        let record = Record::decode(record).map_err(|error| failed(&error.to_string()))?;
        self.out.replayed(seq);
        self.now_us = self.now_us.max(record.at_us);
        self.pass_time();
        self.apply(seq, &record).map_err(failed)
    }

    /// Whether the block log's blocks of this owner are still needed. What is not is to be freed.
    pub fn wants_blocks_of(&self, owner: u64) -> bool {
        self.transfers.wants_blocks_of(owner, self.now_us)
    }

    /// Something happened at `now_us`. Engine time is the latest moment ever given: it does not go back.
    ///
    /// Blocks that come before any other event are those found in the block log at start-up: they are taken in,
    /// and time decides nothing before the first other event.
    pub fn handle(&mut self, event: Event, now_us: Micros) {
        self.now_us = self.now_us.max(now_us);
        if let (false, Event::BlockHeld { owner, index }) = (self.started, &event) {
            // Start-up. Nothing may expire before every block that is held is known.
            self.block_held(*owner, *index);
            return;
        }
        self.pass_time();
        self.start();
        self.open_day();
        self.ask_for_checkpoint();
        self.meet_deadlines();
        self.deal_with(event);
        self.release();
        // What was decided may have made something due at once: an image whose last activation has ended.
        self.meet_deadlines();
        self.out.flush_changed();
    }

    /// The next record to be put into the journal, in order.
    pub fn poll_record(&mut self) -> Option<(Seq, Vec<u8>)> {
        self.out.poll_record()
    }

    /// All records up to `seq` survive a power cut.
    ///
    /// # Panics
    /// If `seq` goes backwards or was never made: then what was told to others could be lost.
    pub fn on_durable(&mut self, seq: Seq) {
        self.out.on_durable(seq);
    }

    /// The next thing to be done. Never one that rests on a record that is not durable.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.out.poll_effect()
    }

    /// When [`Event::Tick`] is wanted if nothing else happens before; `None` when nothing waits for time.
    pub fn next_wakeup(&self) -> Option<Micros> {
        let day_end_us = self.days.today.as_ref().map(|today| today.day.end_us);
        [
            self.wakes.next_us(),
            self.deadlines.next_us(),
            self.release_us,
            // The calendar's last day has no next one to wait for.
            day_end_us.filter(|end_us| *end_us > self.now_us),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The newest record's place in the journal.
    pub fn last_seq(&self) -> Seq {
        self.out.last()
    }

    /// The newest record's time. The clock must not be behind it when the engine starts.
    pub fn last_time_us(&self) -> Micros {
        self.recorded_us
    }

    fn deal_with(&mut self, event: Event) {
        match event {
            Event::Request { reply_to, request } => self.answer(reply_to, request),
            Event::BlockHeld { owner, index } => {
                self.full_until_us = None;
                self.block_held(owner, index);
            }
            Event::StoreFull => {
                let again_us = self.terms.transfer.room_again_us;
                self.full_until_us = Some(self.now_us.saturating_add(again_us));
            }
            Event::BlockDamaged { owner, index } => self.block_damaged(owner, index),
            Event::Verified { owner, verdict } => self.verified(owner, verdict),
            Event::GatewayHello {
                gateway,
                session,
                hello,
            } => {
                self.gateway_hello(gateway, session, hello);
            }
            Event::GatewayReport {
                session,
                attempt,
                report,
            } => {
                self.gateway_report(session, attempt, report);
            }
            Event::GatewayGone { session } => self.gateway_gone(session),
            Event::CheckpointSigned(signed) => self.checkpoint_signed(signed),
            Event::ClockJumped { ahead_us } => self.pause_for_clock(ahead_us),
            Event::GatewayRateSet(rate) => self.set_gateway_rate(rate),
            Event::Tick => {}
        }
    }

    fn answer(&mut self, to: ReplyTo, request: Request) {
        let reply = self.reply(request);
        self.out.push_effect(Effect::Reply { to, reply });
    }

    fn reply(&mut self, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::OpenTransfer(asked) => self.open_transfer(asked),
            Request::CancelTransfer(asked) => self.cancel_transfer(asked),
            Request::SubmitBatch(asked) => self.submit_batch(asked),
            Request::CancelBatch(asked) => self.cancel_batch(asked),
            Request::ImportDevices(asked) => self.import_devices(asked),
            Request::ImportProducts(asked) => self.import_products(asked),
            Request::Pause(asked) => self.pause(asked),
            Request::Resume(asked) => self.resume(asked),
            Request::NoteRefusals(refused) => Ok(self.note_refusals(refused)),
            Request::Schedules(asked) => self.schedule_request(asked),
            other => self.read(other),
        }
    }

    /// Makes a record and applies it at once, so that the next decision sees it.
    pub(crate) fn record(&mut self, change: Change) -> Seq {
        let record = Record {
            at_us: self.now_us,
            change: Some(change),
        };
        let seq = self.out.push_record(record.encode_to_vec());
        self.apply(seq, &record)
            .expect("the engine makes no record that it cannot apply");
        seq
    }

    pub(crate) fn batch_changed(&mut self, batch: u32) {
        let batch = self.batches.get(batch);
        self.out.changed(Topic::Batch {
            user: batch.user,
            number: batch.number,
        });
    }

    pub(crate) fn transfer_changed(&mut self, owner: u64) {
        if let Some(transfer) = self.transfers.get(owner) {
            self.out.changed(Topic::Transfer {
                user: transfer.user,
                number: transfer.number,
            });
        }
    }
}
