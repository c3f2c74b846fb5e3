//! What Users and the Service Desk do about schedules.

use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_engine::{
    ActOnSchedule, ActionView, AnswerAction, LimitsView, Notice, NoticeParty, Reader, Refusal,
    Reply, Request, ScheduleRequest, ScheduleView, SetCapacity,
};
use dco_schedule::{
    Act, Asker, Covers, CrowdedWindow, Deal, Micros, Quota, ScheduleId, ServiceDate, Span, Terms,
    Text,
};

use super::World;
use crate::sample::{DAY_US, date};

/// An officer of the Service Desk.
pub(crate) const IDA: Eui64 = Eui64::from_bits(0x90B3_D51F_3000_0002);
/// Another one.
pub(crate) const JOE: Eui64 = Eui64::from_bits(0x90B3_D51F_3000_0003);

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).expect("one line")
}

pub(crate) fn officer(officer: Eui64) -> Asker<Eui64> {
    Asker::Officer {
        officer,
        ticket: text("INC-1"),
    }
}

pub(crate) fn first_of(user: Eui64) -> ScheduleId<Eui64> {
    ScheduleId { user, number: 1 }
}

/// A portfolio of so many Devices, all of June 2026.
pub(crate) fn asking(devices: u32) -> dco_schedule::Request {
    let many = |units| NonZeroU32::new(units).expect("more than none");
    dco_schedule::Request {
        covers: Covers::Portfolio,
        devices: many(devices),
        earliest: date("2026-06-01"),
        latest: date("2026-06-30"),
        per_day_max: many(devices),
    }
}

pub(crate) fn quota(days: &[(&str, u32)]) -> Quota {
    days.iter()
        .map(|(day, units)| (date(day), *units))
        .collect()
}

pub(crate) fn deal(days: &[(&str, u32)]) -> Deal {
    Deal {
        quota: quota(days),
        terms: Terms::default(),
    }
}

pub(crate) fn schedule_of(reply: Reply) -> ScheduleView {
    match reply {
        Reply::Schedule(view) => *view,
        other => panic!("no schedule: {other:?}"),
    }
}

pub(crate) fn action_of(reply: Reply) -> ActionView {
    match reply {
        Reply::Action(view) => *view,
        other => panic!("no action: {other:?}"),
    }
}

impl World {
    /// What a party does, with the newest revision and a fresh request id.
    pub(crate) fn acting(
        &mut self,
        by: Asker<Eui64>,
        schedule: ScheduleId<Eui64>,
        act: Act<Eui64>,
    ) -> ActOnSchedule {
        let id = self.fresh_id();
        let revision = match (&act, self.read_schedule(schedule)) {
            (Act::Request(_), _) | (_, Err(_)) => 0,
            (_, Ok(view)) => view.revision,
        };
        ActOnSchedule {
            schedule,
            id,
            validate_only: false,
            by,
            reason: text("as agreed on the phone"),
            revision,
            beyond_request: false,
            act,
        }
    }

    pub(crate) fn act_this(&mut self, asked: &ActOnSchedule) -> Result<Reply, Refusal> {
        self.ask(Request::Schedules(ScheduleRequest::Act(asked.clone())))
    }

    pub(crate) fn act(
        &mut self,
        by: Asker<Eui64>,
        schedule: ScheduleId<Eui64>,
        act: Act<Eui64>,
    ) -> Result<Reply, Refusal> {
        let asked = self.acting(by, schedule, act);
        self.act_this(&asked)
    }

    pub(crate) fn read_schedule(&mut self, id: ScheduleId<Eui64>) -> Result<ScheduleView, Refusal> {
        let reader = Reader::Desk;
        let asked = ScheduleRequest::Get { id, reader };
        self.ask(Request::Schedules(asked)).map(schedule_of)
    }

    /// A User asks for Devices enough for the quota, Ida offers it.
    pub(crate) fn offered(&mut self, user: Eui64, deal: Deal) -> ScheduleId<Eui64> {
        self.offered_for(user, Covers::Portfolio, deal)
    }

    /// Likewise, for an image or a portfolio.
    pub(crate) fn offered_for(
        &mut self,
        user: Eui64,
        covers: Covers,
        deal: Deal,
    ) -> ScheduleId<Eui64> {
        let devices = u32::try_from(deal.quota.total()).expect("few");
        let request = Act::Request(dco_schedule::Request {
            covers,
            ..asking(devices)
        });
        let asked = self.act(Asker::User, first_of(user), request);
        let id = schedule_of(asked.expect("the request is right")).id;
        let answer_by_us = self.in_two_days();
        let offer = Act::Offer { deal, answer_by_us };
        self.act(officer(IDA), id, offer)
            .expect("it can be offered");
        id
    }

    /// Likewise, and the User accepts.
    pub(crate) fn agreed(&mut self, user: Eui64, deal: Deal) -> ScheduleId<Eui64> {
        let id = self.offered(user, deal);
        self.act(Asker::User, id, Act::Accept).expect("it fits");
        id
    }

    pub(crate) fn in_two_days(&self) -> Micros {
        self.now_us + 2 * DAY_US
    }

    pub(crate) fn answering(&mut self, by: Eui64, action: u64) -> AnswerAction {
        AnswerAction {
            action,
            officer: by,
            id: self.fresh_id(),
            validate_only: false,
            ticket: text("INC-2"),
            reason: text("read and understood"),
        }
    }

    pub(crate) fn approve(&mut self, by: Eui64, action: u64) -> Result<Reply, Refusal> {
        let asked = self.answering(by, action);
        self.ask(Request::Schedules(ScheduleRequest::Approve(asked)))
    }

    pub(crate) fn decline_action(&mut self, by: Eui64, action: u64) -> Result<Reply, Refusal> {
        let asked = self.answering(by, action);
        self.ask(Request::Schedules(ScheduleRequest::Decline(asked)))
    }

    pub(crate) fn setting(&mut self, span: Span, capacity: u32) -> SetCapacity {
        SetCapacity {
            officer: IDA,
            id: self.fresh_id(),
            validate_only: false,
            ticket: text("CHG-7"),
            reason: text("a link is down"),
            span,
            capacity: Some(capacity),
            profile: None,
            clear: false,
        }
    }

    pub(crate) fn set_this(&mut self, asked: &SetCapacity) -> Result<Quota, Refusal> {
        self.effect_of(asked).map(|(over, _)| over)
    }

    /// What a setting leaves with too much agreed: days, and windows.
    pub(crate) fn effect_of(
        &mut self,
        asked: &SetCapacity,
    ) -> Result<(Quota, Vec<CrowdedWindow<Eui64>>), Refusal> {
        let asked = ScheduleRequest::SetCapacity(asked.clone());
        self.ask(Request::Schedules(asked))
            .map(|reply| match reply {
                Reply::CapacitySet { over, crowded, .. } => (over, crowded),
                other => panic!("no days: {other:?}"),
            })
    }

    pub(crate) fn set_capacity(&mut self, span: Span, capacity: u32) -> Result<Quota, Refusal> {
        let asked = self.setting(span, capacity);
        self.set_this(&asked)
    }

    /// A party's notices after a number.
    pub(crate) fn notices_after(&mut self, party: NoticeParty, position: u64) -> Vec<Notice> {
        let asked = ScheduleRequest::ReadNotices {
            party,
            position,
            limit: u32::MAX,
        };
        match self.ask(Request::Schedules(asked)) {
            Ok(Reply::Notices(notices)) => notices.notices,
            other => panic!("no notices: {other:?}"),
        }
    }

    pub(crate) fn limits(&mut self, user: Eui64) -> LimitsView {
        match self.ask(Request::Schedules(ScheduleRequest::GetLimits { user })) {
            Ok(Reply::Limits(limits)) => limits,
            other => panic!("no limits: {other:?}"),
        }
    }

    /// What is agreed for a day over all Users.
    pub(crate) fn agreed_on(&mut self, day: ServiceDate) -> u64 {
        let asked = ScheduleRequest::GetCapacity {
            user: None,
            first: Some(day),
            last: Some(day),
        };
        match self.ask(Request::Schedules(asked)) {
            Ok(Reply::Capacity(days)) => days[0].agreed,
            other => panic!("no capacity: {other:?}"),
        }
    }
}
