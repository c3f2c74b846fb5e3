//! Steps about schedules and capacity, and what must hold of them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_engine::record::{ActKind, Change, Near, Record, Signatory};
use dco_engine::{
    ActOnSchedule, AnswerAction, ListSchedules, NoticeParty, NoticeSubject, Reader, Reply, Request,
    RequestId, ScheduleRequest, SetCapacity,
};
use dco_schedule::{
    Act, Asker, Calendar, Cause, Covers, Deal, HourWindow, Quota, Schedule, ScheduleId,
    ServiceDate, Side, Span, Terms,
};
use proptest::prelude::*;
use prost::Message;

use super::steps::IMAGES;
use crate::sample::{ANN, BOB, DAY_US};
use crate::world::World;
use crate::world::schedules::{IDA, JOE, officer};

/// Something that a party does about schedules. Days are counted from today.
#[derive(Debug, Clone)]
pub(crate) struct Agree {
    user: Eui64,
    /// One of its newest schedules, or of the newest acts that wait.
    back: u32,
    by: By,
    what: What,
    /// Units for each day from `first` on.
    days: Vec<u32>,
    first: i32,
    security: bool,
    window: Option<u8>,
    /// It has seen the newest revision.
    fresh: bool,
    id: u8,
}

#[derive(Debug, Clone, Copy)]
enum By {
    /// The side whose turn it is.
    Whoever,
    User,
    Ida,
    Joe,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// From request to accepted.
    Whole,
    Request,
    Offer,
    Counter,
    Accept,
    Decline,
    Withdraw,
    Amend,
    Impose,
    End,
    Approve,
    Refuse,
    Capacity {
        value: u32,
        one_day: bool,
    },
}

pub(super) fn agree() -> impl Strategy<Value = Agree> {
    let user = prop_oneof![Just(ANN), Just(BOB)];
    let by = prop_oneof![
        9 => Just(By::Whoever),
        1 => Just(By::User),
        1 => Just(By::Ida),
        3 => Just(By::Joe),
    ];
    let capacity =
        (0_u32..7, any::<bool>()).prop_map(|(value, one_day)| What::Capacity { value, one_day });
    let what = prop_oneof![
        8 => Just(What::Whole),
        3 => Just(What::Request),
        6 => Just(What::Offer),
        6 => Just(What::Counter),
        6 => Just(What::Accept),
        1 => Just(What::Decline),
        1 => Just(What::Withdraw),
        8 => Just(What::Amend),
        7 => Just(What::Impose),
        1 => Just(What::End),
        9 => Just(What::Approve),
        1 => Just(What::Refuse),
        1 => capacity,
    ];
    let first = prop_oneof![1 => Just(-1), 9 => Just(0)];
    let days = (first, proptest::collection::vec(0_u32..4, 1..5));
    let window = proptest::option::weighted(0.2, 0_u8..4);
    let odd = (proptest::bool::weighted(0.2), proptest::bool::weighted(0.9));
    let who = (user, 0_u32..2, by, any::<u8>());
    (who, what, days, window, odd).prop_map(
        |((user, back, by, id), what, (first, days), window, (security, fresh))| Agree {
            user,
            back,
            by,
            what,
            days,
            first,
            security,
            window,
            fresh,
            id,
        },
    )
}

impl Agree {
    fn deal(&self, today: ServiceDate) -> Deal {
        let window = self.window.map(|from| HourWindow::new(from, from + 20));
        Deal {
            quota: self.quota(today),
            terms: Terms {
                window: window.map(|it| it.expect("twenty hours")),
                security: self.security,
                ..Terms::default()
            },
        }
    }

    fn quota(&self, today: ServiceDate) -> Quota {
        let dates = (self.first..).map(|ahead| ServiceDate::from_days(today.days() + ahead));
        dates.zip(self.days.iter().copied()).collect()
    }

    fn request(&self, today: ServiceDate) -> dco_schedule::Request {
        let many = NonZeroU32::new(12).expect("some");
        let hash = IMAGES[0].manufacturer_image_hash();
        dco_schedule::Request {
            covers: if self.id.is_multiple_of(2) {
                Covers::Portfolio
            } else {
                Covers::Image(*hash.as_bytes())
            },
            devices: many,
            earliest: today,
            latest: ServiceDate::from_days(today.days() + 4),
            per_day_max: many,
        }
    }

    fn act(&self, world: &World) -> Option<Act<Eui64>> {
        let today = today(world);
        let deal = self.deal(today);
        let answer_by_us = world.now_us + DAY_US * i64::from(1 + self.id % 2);
        let other = ScheduleId {
            user: BOB,
            number: 1,
        };
        let cause = if self.id.is_multiple_of(3) {
            Cause::MakesRoomFor(other)
        } else {
            Cause::OverAgreed
        };
        Some(match self.what {
            What::Request => Act::Request(self.request(today)),
            What::Offer => Act::Offer { deal, answer_by_us },
            What::Counter => Act::Counter { deal, answer_by_us },
            What::Accept => Act::Accept,
            What::Decline => Act::Decline,
            What::Withdraw => Act::Withdraw,
            What::Amend => Act::Amend {
                deal,
                answer_by_us,
                cause: self.id.is_multiple_of(2).then_some(cause),
            },
            What::Impose => Act::Impose { deal, cause },
            What::End => Act::End { from: today },
            What::Whole | What::Approve | What::Refuse | What::Capacity { .. } => return None,
        })
    }

    fn officer(&self) -> Eui64 {
        match self.by {
            By::Joe => JOE,
            By::Whoever | By::User | By::Ida => IDA,
        }
    }
}

fn today(world: &World) -> ServiceDate {
    Calendar::london().day_at(world.now_us).date
}

impl World {
    pub(super) fn step_of_agreeing(&mut self, step: &Agree) {
        let request = match (step.what, step.act(self)) {
            (_, Some(act)) => ScheduleRequest::Act(self.acting_so(step, act)),
            (What::Whole, None) => {
                for what in [What::Request, What::Offer, What::Accept] {
                    let step = Agree {
                        what,
                        by: By::Whoever,
                        back: 0,
                        id: step.id.wrapping_add(1),
                        ..step.clone()
                    };
                    self.step_of_agreeing(&step);
                }
                return;
            }
            (What::Capacity { value, one_day }, None) => {
                let ahead = i32::from(step.id % 4);
                let date = ServiceDate::from_days(today(self).days() + ahead);
                let span = if one_day {
                    Span::On(date)
                } else {
                    Span::From(date)
                };
                let clear = one_day && value % 5 == 0;
                ScheduleRequest::SetCapacity(SetCapacity {
                    officer: step.officer(),
                    capacity: (!clear).then_some(value),
                    clear,
                    ..self.setting(span, value)
                })
            }
            (What::Approve, None) => ScheduleRequest::Approve(self.answering_so(step)),
            _ => ScheduleRequest::Decline(self.answering_so(step)),
        };
        self.send(Request::Schedules(request));
    }

    fn answering_so(&mut self, step: &Agree) -> AnswerAction {
        let (after, limit) = (0, u32::MAX);
        let waiting = ScheduleRequest::ListPendingActions {
            after,
            limit,
            settled: false,
        };
        let Ok(Reply::Actions(waiting)) = self.ask(Request::Schedules(waiting)) else {
            panic!("no list");
        };
        let newest = waiting.iter().rev().filter_map(|it| it.number);
        let action = newest
            .take(usize::from(step.back > 0) + 1)
            .last()
            .unwrap_or(1);
        let by = match step.by {
            By::Whoever => JOE,
            By::User | By::Ida | By::Joe => step.officer(),
        };
        self.answering(by, action)
    }

    fn acting_so(&mut self, step: &Agree, act: Act<Eui64>) -> ActOnSchedule {
        let schedule = self.newest_schedule(step.user, step.back);
        let turn = self.turn_of(schedule);
        let by_user = match (step.by, &act) {
            (By::Whoever, Act::Request(_) | Act::Withdraw) | (By::User, _) => true,
            (By::Whoever, Act::Offer { .. } | Act::Impose { .. }) | (By::Ida | By::Joe, _) => false,
            (By::Whoever, Act::End { .. } | Act::Amend { .. }) => step.id.is_multiple_of(3),
            (By::Whoever, _) => turn == Some(Side::User),
        };
        let act = self.as_it_may_be_imposed(schedule, act);
        let by = if by_user {
            Asker::User
        } else {
            officer(step.officer())
        };
        let asked = self.acting(by, schedule, act);
        let known = step.id < 40;
        ActOnSchedule {
            id: if known {
                RequestId([step.id; 16])
            } else {
                asked.id
            },
            revision: asked.revision - u32::from(!step.fresh).min(asked.revision),
            ..asked
        }
    }

    /// Two officers take units and leave the terms, and capacity is down where that is why: most of what is only thrown
    /// together would be refused.
    fn as_it_may_be_imposed(&mut self, id: ScheduleId<Eui64>, act: Act<Eui64>) -> Act<Eui64> {
        let Act::Impose { mut deal, cause } = act else {
            return act;
        };
        let today = today(self);
        let schedules = self.schedules_of(id.user);
        let at = usize::try_from(id.number - 1).expect("few");
        let state = schedules.get(at).map(Schedule::state);
        let agreed = state.and_then(|it| it.agreement());
        let first = agreed.and_then(|it| it.deal.quota.days_from(today).next());
        if let Some((agreed, (date, _))) = agreed.zip(first) {
            let less: Quota = [(date, 1)].into_iter().collect();
            deal = Deal {
                quota: agreed.deal.quota.over(&less),
                terms: agreed.deal.terms,
            };
            if cause == Cause::OverAgreed {
                let down = self.setting(Span::On(date), 0);
                self.send(Request::Schedules(ScheduleRequest::SetCapacity(down)));
            }
        }
        Act::Impose { deal, cause }
    }

    fn newest_schedule(&mut self, user: Eui64, back: u32) -> ScheduleId<Eui64> {
        let newest = u32::try_from(self.schedules_of(user).len()).expect("few");
        let number = newest.saturating_sub(back).max(1);
        ScheduleId { user, number }
    }

    fn schedules_of(&mut self, user: Eui64) -> Vec<Schedule<Eui64>> {
        let asked = ScheduleRequest::List(ListSchedules {
            user: Some(user),
            after: None,
            open_only: false,
            limit: u32::MAX,
            reader: Reader::Desk,
        });
        let Ok(Reply::Schedules(all)) = self.ask(Request::Schedules(asked)) else {
            panic!("no list");
        };
        all.into_iter().map(|view| view.schedule).collect()
    }

    /// Who has to answer.
    fn turn_of(&mut self, schedule: ScheduleId<Eui64>) -> Option<Side> {
        let view = self.read_schedule(schedule).ok()?;
        let proposal = view.schedule.state().proposal()?;
        Some(proposal.by.other())
    }

    /// Agreed units and capacity of the days around now.
    pub(super) fn agreed_days(&mut self) -> BTreeMap<ServiceDate, (u64, u32)> {
        let today = today(self).days();
        let asked = ScheduleRequest::GetCapacity {
            user: None,
            first: Some(ServiceDate::from_days(today - 1)),
            last: Some(ServiceDate::from_days(today + 8)),
        };
        let Ok(Reply::Capacity(days)) = self.ask(Request::Schedules(asked)) else {
            panic!("no capacity");
        };
        let days = days.into_iter();
        days.map(|it| (it.date, (it.agreed, it.capacity))).collect()
    }
}

/// What is agreed grows only where there is room: only a drop of capacity takes a day beyond it.
pub(super) fn no_agreement_over_agrees(
    before: &BTreeMap<ServiceDate, (u64, u32)>,
    after: &BTreeMap<ServiceDate, (u64, u32)>,
) {
    for (date, (agreed, capacity)) in after {
        let had = before.get(date).map_or(0, |it| it.0);
        assert!(
            *agreed <= had || *agreed <= u64::from(*capacity),
            "{agreed} agreed on {date}, {had} before, of {capacity}"
        );
    }
}

/// No batch goes beyond the quota of its day.
pub(super) fn quotas_hold(world: &mut World) {
    for user in [ANN, BOB] {
        let limits = world.limits(user);
        let over = limits.quotas.iter().find(|it| it.sent > it.agreed);
        assert_eq!(over, None);
    }
}

/// No image is retired that is agreed for: what was agreed before its end, and is not changed since, was over.
pub(super) fn no_image_agreed_for_is_retired(world: &mut World) {
    let retired = world.journal.iter().filter_map(|record| {
        let record = Record::decode(record.as_slice()).expect("its own");
        match record.change? {
            Change::ImageRetired(it) => Some((record.at_us, it)),
            _ => None,
        }
    });
    let retired: Vec<_> = retired.collect();
    for (at_us, it) in retired {
        let image = IMAGES
            .iter()
            .find(|image| it.image_id == image.image_id().as_bytes()[..]);
        let hash = image.expect("one of them").manufacturer_image_hash();
        for schedule in world.schedules_of(Eui64::from_bits(it.user)) {
            let changed_us = schedule.history().last().expect("a request").signed.at_us;
            if schedule.request().covers != Covers::Image(*hash.as_bytes()) || changed_us >= at_us {
                continue;
            }
            let last = schedule.quota().and_then(Quota::last);
            let end_us = last.map(|last| Calendar::london().day(last).end_us);
            assert!(end_us <= Some(at_us), "{schedule:?} at {at_us}");
        }
    }
}

/// The journal read once more, for what must have been told of it to whom.
pub(super) fn notices_are_complete(world: &mut World) {
    let mut steps: BTreeMap<NoticeParty, usize> = BTreeMap::new();
    let (mut pended, mut settled, mut set) = (0, 0, 0);
    let mut configured = None;
    for record in &world.journal {
        let record = Record::decode(record.as_slice()).expect("its own");
        match record.change.expect("it says something") {
            Change::ScheduleStepped(it) => {
                let by = it.signature.as_ref().expect("signed").by();
                let kind = it.act.as_ref().expect("an act").kind();
                let both = matches!(kind, ActKind::Accept | ActKind::Impose | ActKind::End);
                settled += usize::from(it.action.is_some());
                if both || by != Signatory::User {
                    let user = NoticeParty::User(Eui64::from_bits(it.user));
                    *steps.entry(user).or_default() += 1;
                }
                if both || by != Signatory::Desk {
                    *steps.entry(NoticeParty::Desk).or_default() += 1;
                }
            }
            Change::ActionPended(_) => pended += 1,
            Change::ActionClosed(_) => settled += 1,
            Change::CapacitySet(_) => set += 1,
            Change::DayOpened(it) => {
                let now = it.configured.expect("it is kept").capacity;
                let before = configured.replace(now);
                let is_other = before.is_some_and(|before| before != now);
                set += usize::from(is_other && now == it.capacity);
            }
            Change::Warned(it) => set += usize::from(it.near() == Near::Capacity),
            Change::ThresholdBreached(_) => set += 1,
            _ => {}
        }
    }
    for party in [ANN, BOB]
        .map(NoticeParty::User)
        .into_iter()
        .chain([NoticeParty::Desk])
    {
        let count = told(world, party, |it| {
            matches!(it, NoticeSubject::ScheduleStep { .. })
        });
        assert_eq!(count, steps.get(&party).copied().unwrap_or(0), "{party:?}");
    }
    let desk = NoticeParty::Desk;
    let is_pending = |it: &NoticeSubject| matches!(it, NoticeSubject::ActionPending { .. });
    assert_eq!(told(world, desk, is_pending), pended);
    let is_settled = |it: &NoticeSubject| matches!(it, NoticeSubject::ActionSettled { .. });
    assert_eq!(told(world, desk, is_settled), settled);
    assert_eq!(told(world, NoticeParty::Operators, |_| true), set);
}

fn told(world: &mut World, party: NoticeParty, what: impl Fn(&NoticeSubject) -> bool) -> usize {
    let notices = world.notices_after(party, 0);
    notices.iter().filter(|it| what(&it.subject)).count()
}

/// What a story has reached, by the records that it made.
pub(super) fn kinds_of_steps(world: &World) -> Vec<String> {
    let records = world.journal.iter();
    let records = records.map(|it| Record::decode(it.as_slice()).expect("its own"));
    let kinds = records.filter_map(|record| match record.change? {
        Change::ScheduleStepped(it) => Some(format!("{:?}", it.act?.kind())),
        Change::ActionPended(_) => Some("pended".to_owned()),
        Change::ActionClosed(_) => Some("closed".to_owned()),
        Change::CapacitySet(_) => Some("capacity".to_owned()),
        Change::BatchAccepted(it) => it.schedule.map(|_| "under a schedule".to_owned()),
        _ => None,
    });
    kinds.collect()
}
