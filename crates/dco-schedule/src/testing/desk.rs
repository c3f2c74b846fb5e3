//! A book and what was sent, driven by hand.

use std::collections::BTreeMap;

use super::{approval, by_desk, by_user, deal, reason, request};
use crate::{
    Act, Ask, Asker, At, Book, BookTerms, Calendar, CapacityPlan, CapacitySet, Cause, Change, Deal,
    HourProfile, Ledger, LedgerTerms, Micros, Refusal, Request, Reserve, Schedule, ScheduleId,
    ServiceDate, Setting, Source, Span, Step, Text,
};

/// Capacity 100; 2 + 10 + 8 are reserved, so 80 can be agreed for each day.
pub(crate) const CAPACITY: u32 = 100;
pub(crate) const TERMS: BookTerms = BookTerms {
    reserve: Reserve {
        allowance: 2,
        security: 10,
        retry_permille: 80,
    },
    answer_us_min: 10,
    pending_us: 50,
    moves_max: 2,
    open_max: 12,
    days_ahead_max: 30,
    small_uses_allowance: false,
};
/// A request that is there from the start and wants more than there is: others are moved to make room for it.
pub(crate) const NEWCOMER: ScheduleId<u8> = ScheduleId {
    user: 200,
    number: 1,
};
/// Who acts for the desk: no User.
pub(crate) const OFFICER: u8 = 101;
/// Far enough for any answer.
pub(crate) const ANSWER_BY_US: Micros = 1_000;

/// A date from its day number.
pub(crate) fn date(days: i32) -> ServiceDate {
    ServiceDate::from_days(days)
}

/// A book, what was sent, and the moment; every change that was made.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) book: Book<u8>,
    pub(crate) ledger: Ledger<u8>,
    pub(crate) unreleased: BTreeMap<(ScheduleId<u8>, ServiceDate), u32>,
    pub(crate) calendar: Calendar,
    pub(crate) now_us: Micros,
    pub(crate) today: ServiceDate,
    pub(crate) changes: Vec<Change<u8>>,
}

impl Desk {
    /// Day 10 is open at 100 microseconds.
    pub(crate) fn new() -> Self {
        Self::with(TERMS)
    }

    pub(crate) fn with(terms: BookTerms) -> Self {
        let mut book = Book::new(terms, CapacityPlan::new(CAPACITY, HourProfile::flat()));
        let newcomer = Request {
            latest: date(10_000),
            ..request(100_000)
        };
        let step = Step {
            act: Act::Request(newcomer),
            beyond_request: false,
            signed: by_user(0),
        };
        book.apply(&Change::Step { id: NEWCOMER, step }).unwrap();
        Self {
            book,
            ledger: Ledger::new(LedgerTerms {
                allowance_per_day: 5,
            }),
            unreleased: BTreeMap::new(),
            calendar: Calendar::london(),
            now_us: 100,
            today: date(10),
            changes: Vec::new(),
        }
    }

    pub(crate) fn at(&self) -> At<'_, u8> {
        At {
            now_us: self.now_us,
            today: self.today,
            ledger: &self.ledger,
            unreleased: &self.unreleased,
            calendar: &self.calendar,
        }
    }

    pub(crate) fn take(&mut self, change: Change<u8>) {
        self.book.apply(&change).unwrap();
        self.changes.push(change);
    }

    pub(crate) fn try_ask(&mut self, ask: &Ask<u8>) -> Result<(), Refusal> {
        let change = self.book.decide(ask, &self.at())?;
        self.take(change);
        Ok(())
    }

    pub(crate) fn ask(&self, id: ScheduleId<u8>, by: Asker<u8>, act: Act<u8>) -> Ask<u8> {
        Ask {
            id,
            revision: self.book.get(id).map_or(0, Schedule::revision),
            by,
            reason: reason(),
            beyond_request: false,
            act,
        }
    }

    pub(crate) fn user(&mut self, id: ScheduleId<u8>, act: Act<u8>) -> Result<(), Refusal> {
        self.try_ask(&self.ask(id, Asker::User, act))
    }

    pub(crate) fn desk(&mut self, id: ScheduleId<u8>, act: Act<u8>) -> Result<(), Refusal> {
        self.try_ask(&self.ask(id, one_officer(OFFICER), act))
    }

    /// Likewise, where the desk says that it goes beyond what the User asked for.
    pub(crate) fn desk_beyond(&mut self, id: ScheduleId<u8>, act: Act<u8>) -> Result<(), Refusal> {
        let mut ask = self.ask(id, one_officer(OFFICER), act);
        ask.beyond_request = true;
        self.try_ask(&ask)
    }

    /// Approves what was asked last.
    pub(crate) fn approve(&mut self, officer: u8) -> Result<(), Refusal> {
        let (action, _) = self.book.pending().last().unwrap();
        let change = self.book.approve(action, approval(officer), &self.at())?;
        self.take(change);
        Ok(())
    }

    pub(crate) fn requested(&mut self, user: u8, request: Request) -> ScheduleId<u8> {
        let id = self.book.next_id(user);
        self.user(id, Act::Request(request)).unwrap();
        id
    }

    pub(crate) fn offered(&mut self, user: u8, days: &[(i32, u32)]) -> ScheduleId<u8> {
        let id = self.requested(user, request(1_000));
        self.desk(id, offer(deal(days))).unwrap();
        id
    }

    pub(crate) fn agreed(&mut self, user: u8, days: &[(i32, u32)]) -> ScheduleId<u8> {
        let id = self.offered(user, days);
        self.user(id, Act::Accept).unwrap();
        id
    }

    pub(crate) fn state(&self, id: ScheduleId<u8>) -> String {
        self.book.get(id).unwrap().state().to_string()
    }

    pub(crate) fn set_capacity(&mut self, span: Span, capacity: u32) {
        let set = CapacitySet {
            span,
            setting: Setting::Capacity(capacity),
            signed: by_desk(1, self.now_us),
        };
        let change = self.book.decide_capacity(set, &self.at()).unwrap();
        self.take(change);
    }

    pub(crate) fn send(&mut self, id: ScheduleId<u8>, days: i32, count: u32) {
        let source = Source::Schedule(id.number);
        self.ledger.add_sent(id.user, date(days), source, count);
    }

    pub(crate) fn pass_time(&mut self) {
        loop {
            let due = self.book.due(&self.at());
            if due.is_empty() {
                return;
            }
            due.into_iter().for_each(|change| self.take(change));
        }
    }
}

pub(crate) fn one_officer(officer: u8) -> Asker<u8> {
    Asker::Officer {
        officer,
        ticket: Text::new("INC-1").unwrap(),
    }
}

pub(crate) fn offer(deal: Deal) -> Act<u8> {
    Act::Offer {
        deal,
        answer_by_us: ANSWER_BY_US,
    }
}

pub(crate) fn counter(deal: Deal) -> Act<u8> {
    Act::Counter {
        deal,
        answer_by_us: ANSWER_BY_US,
    }
}

pub(crate) fn amend(deal: Deal, cause: Option<Cause<u8>>) -> Act<u8> {
    Act::Amend {
        deal,
        answer_by_us: ANSWER_BY_US,
        cause,
    }
}

pub(crate) fn impose(deal: Deal) -> Act<u8> {
    Act::Impose {
        deal,
        cause: Cause::MakesRoomFor(NEWCOMER),
    }
}

pub(crate) fn secure(days: &[(i32, u32)]) -> Deal {
    let mut deal = deal(days);
    deal.terms.security = true;
    deal
}
