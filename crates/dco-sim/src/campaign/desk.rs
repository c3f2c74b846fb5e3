//! The engine at work: events in the order of time, records read as they come.

use std::collections::BTreeMap;

use dco_engine::{
    AttemptEnd, AttemptRef, Effect, Engine, Event, HOUR_US, Offer, Refusal, Reply, ReplyTo, Report,
    ReportKind, ReportRequest, Request, RequestId, SECOND_US, Session, SubmitBatch, ToGateway,
    Verdict,
};
use dco_schedule::{Calendar, Micros, Quota, ServiceDate};

use super::books::Books;
use super::parties::{self, Party, START_US};
use super::{Campaign, CampaignFailed, CampaignPlan, links};
use crate::agenda::Agenda;
use crate::dice::Dice;
use crate::user::request_id;

/// Service days ahead of which a User with a schedule sends its batches.
const SENT_AHEAD_DAYS: i32 = 24;
/// A campaign that takes longer does not end.
const DAYS_MAX: i64 = 400;

/// Everything.
#[derive(Debug)]
pub(super) struct Desk {
    seed: u64,
    pub(super) dice: Dice,
    pub(super) engine: Engine,
    pub(super) now_us: Micros,
    agenda: Agenda<Item>,
    pub(super) parties: Vec<Party>,
    /// What is agreed with each party; empty for one that sends on its allowance.
    pub(super) quotas: Vec<Quota>,
    /// Devices of each party that are sent for.
    sent: Vec<usize>,
    allowance: u32,
    /// How many of a thousand attempts fail.
    fails_per_mille: u32,
    books: Books,
    answer: Option<Result<Reply, Refusal>>,
}

/// Something that will happen.
#[derive(Debug)]
enum Item {
    /// The Users send what is due on this day.
    DayStarts(ServiceDate),
    /// A gateway tells how an attempt ended.
    AttemptEnds(Session, AttemptRef, Box<AttemptEnd>),
}

impl Desk {
    /// Nothing has happened.
    pub(super) fn new(seed: u64, plan: &CampaignPlan) -> Self {
        let mut dice = Dice::new(seed);
        let terms = parties::terms(plan);
        let parties = parties::parties(plan, &mut dice);
        Self {
            seed,
            allowance: terms.allowance_per_day,
            fails_per_mille: dice.small(5..=20),
            dice,
            engine: Engine::new(terms),
            now_us: START_US,
            agenda: Agenda::new(),
            quotas: vec![Quota::new(); parties.len()],
            sent: vec![0; parties.len()],
            books: Books::new(parties.iter().map(|it| it.user)),
            parties,
            answer: None,
        }
    }

    /// Lets all of it happen: batches are sent, released and reported, until nothing is left.
    pub(super) fn work(&mut self) -> Result<(), CampaignFailed> {
        let first = self.first_day();
        let start_us = Calendar::london().day(first).start_us;
        self.agenda.put(start_us, Item::DayStarts(first));
        let until_us = START_US + DAYS_MAX * 24 * HOUR_US;
        while !(self.is_all_sent() && self.books.open_count() == 0) {
            let item = self.agenda.next();
            let (at_us, item) = item.map_or((until_us, None), |(at_us, item)| (at_us, Some(item)));
            self.tick_until(at_us)?;
            self.now_us = self.now_us.max(at_us);
            if self.now_us >= until_us {
                let left = self.books.open_count();
                return Err(CampaignFailed(format!(
                    "{left} activations are open after {DAYS_MAX} days"
                )));
            }
            match item {
                Some(Item::DayStarts(date)) => self.day_starts(date)?,
                Some(Item::AttemptEnds(session, attempt, end)) => {
                    let report = Report::Ended(*end);
                    self.tell(Event::GatewayReport {
                        session,
                        attempt,
                        report,
                    })?;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// What it came to.
    pub(super) fn campaign(mut self) -> Result<Campaign, CampaignFailed> {
        let asked = ReportRequest::of(ReportKind::Trt, None);
        let trt = match self.ask(Request::Report(asked))? {
            Reply::Trt(rows) => rows,
            other => return Err(unexpected(&other)),
        };
        let agreed: Vec<u64> = self.quotas.iter().map(Quota::total).collect();
        let devices: BTreeMap<_, _> = self
            .parties
            .iter()
            .zip(agreed)
            .map(|(party, agreed)| (party.user, (party.devices.len(), agreed)))
            .collect();
        Ok(self.books.campaign(self.seed, &devices, &trt))
    }

    /// The day after everything is agreed.
    pub(super) fn first_day(&self) -> ServiceDate {
        Calendar::london().day_at(START_US).date.next()
    }

    /// Wakes the engine as often as it wants to be woken before an instant.
    fn tick_until(&mut self, at_us: Micros) -> Result<(), CampaignFailed> {
        while let Some(wake_us) = self.engine.next_wakeup().filter(|wake_us| *wake_us < at_us) {
            if wake_us < self.now_us {
                return Err(CampaignFailed(format!(
                    "the engine wants to be woken at {wake_us}, before now"
                )));
            }
            self.now_us = wake_us;
            self.tell(Event::Tick)?;
            if self.is_all_sent() && self.books.open_count() == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Asks the engine something and waits for the answer.
    pub(super) fn ask(&mut self, request: Request) -> Result<Reply, CampaignFailed> {
        let reply_to = ReplyTo(1);
        self.tell(Event::Request { reply_to, request })?;
        match self.answer.take() {
            Some(Ok(reply)) => Ok(reply),
            Some(Err(refusal)) => Err(CampaignFailed(refusal.to_string())),
            None => Err(CampaignFailed("a request was not answered".to_owned())),
        }
    }

    /// Tells the engine something and does what it wants done, until that is nothing.
    pub(super) fn tell(&mut self, event: Event) -> Result<(), CampaignFailed> {
        self.engine.handle(event, self.now_us);
        self.take_records()?;
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Reply { reply, .. } => self.answer = Some(reply),
                Effect::Verify { owner, .. } => {
                    let verdict = Verdict::Good;
                    self.engine
                        .handle(Event::Verified { owner, verdict }, self.now_us);
                    self.take_records()?;
                }
                Effect::Tell {
                    session,
                    message: ToGateway::Offer(offer),
                } => self.offered(session, &offer),
                _ => {}
            }
        }
        Ok(())
    }

    fn take_records(&mut self) -> Result<(), CampaignFailed> {
        while let Some((seq, bytes)) = self.engine.poll_record() {
            self.books.read(&bytes).map_err(CampaignFailed)?;
            self.engine.on_durable(seq);
        }
        Ok(())
    }

    /// A gateway takes an offer at once, and tells later how it ended.
    fn offered(&mut self, session: Session, offer: &Offer) {
        let (wait_us, end) = links::course(offer, self.fails_per_mille, &mut self.dice);
        let item = Item::AttemptEnds(session, offer.attempt, Box::new(end));
        self.agenda.put(self.now_us + wait_us, item);
    }

    fn day_starts(&mut self, today: ServiceDate) -> Result<(), CampaignFailed> {
        for party in 0..self.parties.len() {
            self.now_us += SECOND_US;
            if self.parties[party].agrees {
                self.send_ahead(party, today)?;
            } else {
                let most = usize::try_from(self.allowance).unwrap_or(usize::MAX);
                self.send(party, today, most)?;
            }
        }
        if !self.is_all_sent() {
            let next = today.next();
            let start_us = Calendar::london().day(next).start_us;
            self.agenda.put(start_us, Item::DayStarts(next));
        }
        Ok(())
    }

    /// On the first day the batches of many days, then each day that of one more.
    fn send_ahead(&mut self, party: usize, today: ServiceDate) -> Result<(), CampaignFailed> {
        let last = today.days() + SENT_AHEAD_DAYS;
        let first = if today == self.first_day() {
            today.days()
        } else {
            last
        };
        for date in (first..=last).map(ServiceDate::from_days) {
            let quota = self.quotas[party].on(date);
            self.send(party, date, usize::try_from(quota).unwrap_or(usize::MAX))?;
        }
        Ok(())
    }

    fn send(&mut self, party: usize, date: ServiceDate, most: usize) -> Result<(), CampaignFailed> {
        let it = &self.parties[party];
        let rest = &it.devices[self.sent[party]..];
        let devices = rest[..rest.len().min(most)].to_vec();
        if devices.is_empty() {
            return Ok(());
        }
        let (user, hash) = (it.user, it.image.manifest.manufacturer_image_hash());
        self.sent[party] += devices.len();
        let id = self.fresh_id();
        self.ask(Request::SubmitBatch(SubmitBatch {
            user,
            id,
            validate_only: false,
            manufacturer_image_hash: hash,
            devices,
            execute_us: None,
            canary: None,
            service_date: Some(date),
            signed_request: bytes::Bytes::new(),
            originator_counter: None,
        }))?;
        Ok(())
    }

    fn is_all_sent(&self) -> bool {
        let mut all = self.parties.iter().zip(&self.sent);
        all.all(|(party, sent)| party.devices.len() == *sent)
    }

    pub(super) fn fresh_id(&mut self) -> RequestId {
        request_id(&mut self.dice)
    }
}

pub(super) fn unexpected(reply: &Reply) -> CampaignFailed {
    CampaignFailed(format!("an answer to something else: {reply:?}"))
}
