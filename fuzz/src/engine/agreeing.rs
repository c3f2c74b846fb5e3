//! What parties do about delivery schedules and capacity.

use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_engine::{
    ActOnSchedule, AnswerAction, HOUR_US, Reader, Reply, Request, ScheduleRequest, SetCapacity,
};
use dco_schedule::{
    Act, Asker, Calendar, Cause, Covers, Deal, HourProfile, HourWindow, Quota, ScheduleId,
    ServiceDate, Span, Terms, Text,
};

use crate::samples::{IMAGES, OFFICERS, USERS};
use crate::world::World;

impl World {
    pub(super) fn agree(&mut self, a: u8, b: u8, c: u8) {
        let officer = OFFICERS[usize::from(a / 2 % 2)];
        let request = match b % 16 {
            0..11 => ScheduleRequest::Act(self.acting(a, b, c)),
            11 | 12 => ScheduleRequest::Approve(self.answering(officer, c)),
            13 => ScheduleRequest::Decline(self.answering(officer, c)),
            14 => ScheduleRequest::Simulate {
                requests: vec![(USERS[usize::from(a % 2)], self.asked(a, c))],
            },
            _ => self.setting(officer, a, c),
        };
        let _answer = self.ask(Request::Schedules(request));
    }

    fn acting(&mut self, a: u8, b: u8, c: u8) -> ActOnSchedule {
        let id = self.fresh_id();
        let number = u32::from(c % 4) + 1;
        let user = USERS[usize::from(a % 2)];
        let schedule = ScheduleId { user, number };
        let reader = Reader::Desk;
        let read = ScheduleRequest::Get {
            id: schedule,
            reader,
        };
        let revision = match self.ask(Request::Schedules(read)) {
            Ok(Reply::Schedule(view)) if b % 16 > 1 => view.revision,
            _ => 0,
        };
        let officer = OFFICERS[usize::from(a / 2 % 2)];
        let ticket = text("INC-2");
        ActOnSchedule {
            schedule,
            id,
            validate_only: a > 250,
            by: if a & 4 > 0 || b % 16 < 2 {
                Asker::User
            } else {
                Asker::Officer { officer, ticket }
            },
            reason: text("as agreed on the phone"),
            revision,
            beyond_request: !c.is_multiple_of(3),
            act: self.act(a, b, c),
        }
    }

    fn act(&self, a: u8, b: u8, c: u8) -> Act<Eui64> {
        let deal = self.deal(a, c);
        let answer_by_us = self.now_us + (i64::from(c % 8) + 24) * HOUR_US;
        let cause = if a & 16 > 0 {
            Cause::OverAgreed
        } else {
            let (user, number) = (USERS[usize::from(a / 32 % 2)], 1);
            Cause::MakesRoomFor(ScheduleId { user, number })
        };
        match b % 16 {
            0 | 1 => Act::Request(self.asked(a, c)),
            2 | 3 => Act::Offer { deal, answer_by_us },
            4 => Act::Counter { deal, answer_by_us },
            5 | 6 => Act::Accept,
            7 if c > 127 => Act::Decline,
            7 => Act::Withdraw,
            8 => Act::Amend {
                deal,
                answer_by_us,
                cause: (a & 8 > 0).then_some(cause),
            },
            9 => Act::Impose { deal, cause },
            _ => Act::End {
                from: self.day(c % 8),
            },
        }
    }

    fn day(&self, ahead: u8) -> ServiceDate {
        let today = Calendar::london().day_at(self.now_us).date.days();
        ServiceDate::from_days(today + i32::from(ahead))
    }

    fn deal(&self, a: u8, c: u8) -> Deal {
        let days = (0..1 + c % 5).map(|ahead| (self.day(ahead), u32::from((c >> ahead) % 5)));
        let quota: Quota = days.collect();
        let from = c % 22;
        Deal {
            quota,
            terms: Terms {
                window: (a & 64 > 0).then(|| HourWindow::new(from, from + 2).expect("two hours")),
                security: a & 128 > 0,
                ..Terms::default()
            },
        }
    }

    fn asked(&self, a: u8, c: u8) -> dco_schedule::Request {
        let many = |units: u8| NonZeroU32::new(1 + u32::from(units)).expect("more than none");
        let hash = IMAGES[0].manufacturer_image_hash();
        dco_schedule::Request {
            covers: if a & 8 > 0 {
                Covers::Portfolio
            } else {
                Covers::Image(*hash.as_bytes())
            },
            devices: many(c % 32),
            earliest: self.day(a / 16 % 4),
            latest: self.day(c / 32),
            per_day_max: many(c % 8),
        }
    }

    fn answering(&mut self, officer: Eui64, c: u8) -> AnswerAction {
        AnswerAction {
            action: u64::from(c % 8),
            officer,
            id: self.fresh_id(),
            validate_only: c > 250,
            ticket: text("INC-3"),
            reason: text("looked at it"),
        }
    }

    fn setting(&mut self, officer: Eui64, a: u8, c: u8) -> ScheduleRequest {
        let date = self.day(c % 4);
        let mut weights = [1; 24];
        weights[usize::from(c % 24)] = u16::from(c);
        ScheduleRequest::SetCapacity(SetCapacity {
            officer,
            id: self.fresh_id(),
            validate_only: a > 250,
            ticket: text("INC-4"),
            reason: text("maintenance"),
            span: if a & 4 > 0 {
                Span::On(date)
            } else {
                Span::From(date)
            },
            capacity: (a & 8 > 0).then_some(u32::from(c % 9)),
            profile: (a & 16 > 0).then(|| HourProfile::new(weights).expect("some are above 0")),
            clear: a & 32 > 0,
        })
    }
}

fn text(text: &str) -> Text {
    Text::new(text).expect("one short line")
}
