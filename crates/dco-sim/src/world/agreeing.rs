//! What Users and officers do about delivery schedules and capacity, by what they were last told.

use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_engine::{
    ActOnSchedule, AnswerAction, HOUR_US, Request, ScheduleRequest, ScheduleView, SetCapacity,
};
use dco_schedule::{
    Act, Asker, Calendar, Cause, Covers, Deal, HourProfile, HourWindow, Micros, Quota, ScheduleId,
    ServiceDate, Side, Span, State, Terms, Text,
};

use super::{Item, World};
use crate::call::Caller;
use crate::estate::OFFICERS;

impl World {
    /// Somebody does something, or nobody does.
    pub(super) fn parties_act(&mut self) {
        if self.is_healed {
            self.put_right();
            return self.after(HOUR_US / 2, Item::PartiesAct);
        }
        for _ in 0..3 {
            if self.dice.chance(self.faults.agreeing) {
                self.act_on_a_schedule();
            }
        }
        if self.dice.chance(self.faults.agreeing) {
            self.answer_an_action();
        }
        if self.dice.chance(self.faults.capacity_set) {
            self.set_any_capacity();
        }
        if self.dice.chance(self.faults.pauses) {
            self.pause_or_resume();
        }
        let wait_us = self.dice.between(HOUR_US / 6..=2 * HOUR_US) * self.pace.min(12);
        self.after(wait_us, Item::PartiesAct);
    }

    /// A request that nobody repeats when it is lost: whoever asked finds out at the next look.
    pub(super) fn ask_once(&mut self, request: Request) {
        if self.dice.chance(self.faults.request_lost) {
            return;
        }
        let caller = Caller::Auditor;
        let times = 1 + u32::from(self.dice.chance(self.faults.request_repeated));
        for _ in 0..times {
            let (delay_us, request) = (self.delay_us(), request.clone());
            self.after(delay_us, Item::RequestArrives { caller, request });
        }
    }

    fn act_on_a_schedule(&mut self) {
        let user = self.estate.users[self.dice.index(self.estate.users.len())];
        let open = self.known.schedules.values();
        let open: Vec<ScheduleView> = open
            .filter(|it| it.id.user == user && !it.schedule.state().is_final())
            .cloned()
            .collect();
        if open.is_empty() || self.dice.chance(100) {
            return self.request_a_schedule(user);
        }
        let view = open[self.dice.index(open.len())].clone();
        let (side, act) = self.some_act(&view);
        let by = self.asker(side);
        self.act(by, (view.id, view.revision), act);
    }

    fn request_a_schedule(&mut self, user: Eui64) {
        let own = self.known.schedules.keys().filter(|id| id.user == user);
        let number = own.map(|id| id.number).max().unwrap_or(0) + 1;
        let image = &self.estate.images[self.dice.index(self.estate.images.len())];
        let hash = image.manifest.manufacturer_image_hash();
        let covers = if self.dice.chance(500) {
            Covers::Portfolio
        } else {
            Covers::Image(*hash.as_bytes())
        };
        let request = dco_schedule::Request {
            covers,
            devices: self.some_units(12),
            earliest: self.day_ahead(0..=2),
            latest: self.day_ahead(2..=9),
            per_day_max: self.some_units(6),
        };
        let id = ScheduleId { user, number };
        self.act(Asker::User, (id, 0), Act::Request(request));
    }

    /// Mostly what has its place now; sometimes not.
    fn some_act(&mut self, view: &ScheduleView) -> (Side, Act<Eui64>) {
        let request = *view.schedule.request();
        let shortest_us = self.estate.terms.schedules.answer_us_min;
        let time_us = self
            .dice
            .between(shortest_us / 2..=shortest_us + 96 * HOUR_US);
        let answer_by_us = self.service_now_us() + time_us;
        let agreed = view.schedule.quota().cloned().unwrap_or_default();
        let deal = self.some_deal(&request, &agreed);
        let out_of_place = self.dice.chance(50);
        match view.schedule.state() {
            State::Requested if !out_of_place => match self.dice.below(10) {
                0 => (Side::Desk, Act::Decline),
                1 => (Side::User, Act::Withdraw),
                _ => (Side::Desk, Act::Offer { deal, answer_by_us }),
            },
            State::Offered(waits) | State::Countered(waits) | State::Amending(_, waits)
                if !out_of_place =>
            {
                let answers = waits.by.other();
                match self.dice.below(10) {
                    0 => (answers, Act::Decline),
                    1 => (waits.by, Act::Withdraw),
                    2 | 3 => (answers, Act::Counter { deal, answer_by_us }),
                    4 => (Side::Desk, Act::Offer { deal, answer_by_us }),
                    _ => (answers, Act::Accept),
                }
            }
            _ => self.some_change(view, deal, answer_by_us),
        }
    }

    fn some_change(
        &mut self,
        view: &ScheduleView,
        deal: Deal,
        answer_by_us: Micros,
    ) -> (Side, Act<Eui64>) {
        let side = if self.dice.chance(500) {
            Side::User
        } else {
            Side::Desk
        };
        let cause = self.some_cause();
        match self.dice.below(8) {
            0 => {
                let from = self.day_ahead(0..=3);
                (side, Act::End { from })
            }
            1..=3 => {
                let deal = self.some_move(view).unwrap_or(deal);
                (Side::Desk, Act::Impose { deal, cause })
            }
            _ => {
                let cause = (side == Side::Desk && self.dice.chance(300)).then_some(cause);
                let moved = cause.and_then(|_| self.some_move(view));
                let deal = moved.unwrap_or(deal);
                let amend = Act::Amend {
                    deal,
                    answer_by_us,
                    cause,
                };
                (side, amend)
            }
        }
    }

    /// What is agreed with a few units less on one of its days; nothing where nothing is agreed.
    fn some_move(&mut self, view: &ScheduleView) -> Option<Deal> {
        let agreed = &view.schedule.state().agreement()?.deal;
        let days: Vec<_> = agreed.quota.days_from(self.today()).collect();
        let (date, units) = *days.get(self.dice.index(days.len().max(1)))?;
        let less = self.dice.small(1..=2).min(units);
        let taken: Quota = [(date, less)].into_iter().collect();
        Some(Deal {
            quota: agreed.quota.over(&taken),
            terms: agreed.terms,
        })
    }

    /// It may be no good one: then the act is refused.
    fn some_cause(&mut self) -> Cause<Eui64> {
        let known: Vec<_> = self.known.schedules.keys().copied().collect();
        if known.is_empty() || self.dice.chance(500) {
            return Cause::OverAgreed;
        }
        Cause::MakesRoomFor(known[self.dice.index(known.len())])
    }

    /// Days that are over stay as they were agreed.
    fn some_deal(&mut self, request: &dco_schedule::Request, agreed: &Quota) -> Deal {
        let mut left = request.devices.get();
        let today = self.today();
        let first = request.earliest.days().max(today.days());
        let mut quota: Vec<_> = agreed.before(today).days().collect();
        for date in first..=request.latest.days() {
            let units = self.dice.small(0..=request.per_day_max.get()).min(left);
            left -= units;
            quota.push((ServiceDate::from_days(date), units));
        }
        let from = u8::try_from(self.dice.below(18)).expect("it is below 18");
        let window = HourWindow::new(from, from + 6).ok();
        let canary = NonZeroU32::new(self.dice.small(1..=2));
        Deal {
            quota: quota.into_iter().collect::<Quota>(),
            terms: Terms {
                window: window.filter(|_| self.dice.chance(200)),
                canary: canary.filter(|_| self.dice.chance(250)),
                run_ahead: self.dice.chance(700),
                security: self.dice.chance(600),
            },
        }
    }

    /// An officer answers what waits for a second one: mostly another one than who asked.
    fn answer_an_action(&mut self) {
        if self.known.actions.is_empty() {
            return;
        }
        let action = self.known.actions[self.dice.index(self.known.actions.len())];
        let answer = AnswerAction {
            action,
            officer: self.some_officer(),
            id: crate::user::request_id(&mut self.dice),
            validate_only: false,
            ticket: text("INC-2"),
            reason: text("read and understood"),
        };
        let answer = if self.dice.chance(800) {
            ScheduleRequest::Approve(answer)
        } else {
            ScheduleRequest::Decline(answer)
        };
        self.ask_once(Request::Schedules(answer));
    }

    fn set_any_capacity(&mut self) {
        let span = if self.dice.chance(500) {
            Span::On(self.day_ahead(0..=3))
        } else {
            Span::From(self.day_ahead(0..=2))
        };
        let capacity = self.dice.small(1..=20);
        let profile = self.dice.chance(200).then(HourProfile::flat);
        self.known
            .spans
            .insert((span.first(), matches!(span, Span::On(_))));
        // Without a throw of its own, so that seeds which are kept make the same worlds.
        if profile.is_none() && capacity > 16 && matches!(span, Span::On(_)) {
            return self.clear_capacity(span);
        }
        self.set_capacity(span, capacity, profile);
    }

    /// What was set for the day alone is taken back, if something was.
    fn clear_capacity(&mut self, span: Span) {
        let set = SetCapacity {
            capacity: None,
            clear: true,
            ..self.setting(span, None)
        };
        self.ask_once(Request::Schedules(ScheduleRequest::SetCapacity(set)));
    }

    pub(super) fn set_capacity(&mut self, span: Span, capacity: u32, profile: Option<HourProfile>) {
        let set = SetCapacity {
            profile,
            ..self.setting(span, Some(capacity))
        };
        self.ask_once(Request::Schedules(ScheduleRequest::SetCapacity(set)));
    }

    fn setting(&mut self, span: Span, capacity: Option<u32>) -> SetCapacity {
        SetCapacity {
            officer: self.some_officer(),
            id: crate::user::request_id(&mut self.dice),
            validate_only: false,
            ticket: text("CHG-1"),
            reason: text("a link is down, or up again"),
            span,
            capacity,
            profile: None,
            clear: false,
        }
    }

    fn act(
        &mut self,
        by: Asker<Eui64>,
        (schedule, revision): (ScheduleId<Eui64>, u32),
        act: Act<Eui64>,
    ) {
        let asked = ActOnSchedule {
            schedule,
            id: crate::user::request_id(&mut self.dice),
            validate_only: self.dice.chance(30),
            by,
            reason: text("as agreed on the phone"),
            revision,
            beyond_request: self.dice.chance(500),
            act,
        };
        self.ask_once(Request::Schedules(ScheduleRequest::Act(asked)));
    }

    fn asker(&mut self, side: Side) -> Asker<Eui64> {
        match side {
            Side::User => Asker::User,
            Side::Desk => Asker::Officer {
                officer: self.some_officer(),
                ticket: text("INC-1"),
            },
        }
    }

    pub(super) fn some_officer(&mut self) -> Eui64 {
        OFFICERS[self.dice.index(OFFICERS.len())]
    }

    fn some_units(&mut self, at_most: u32) -> NonZeroU32 {
        NonZeroU32::new(self.dice.small(1..=at_most)).expect("it is at least 1")
    }

    fn day_ahead(&mut self, days: std::ops::RangeInclusive<i64>) -> ServiceDate {
        let ahead = i32::try_from(self.dice.between(days)).expect("a few days");
        ServiceDate::from_days(self.today().days() + ahead)
    }

    pub(super) fn today(&self) -> ServiceDate {
        Calendar::london().day_at(self.now_us).date
    }
}

fn text(text: &str) -> Text {
    Text::new(text).expect("one line")
}
