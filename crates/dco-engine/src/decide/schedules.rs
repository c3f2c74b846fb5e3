//! Delivery schedules: what a party asks for becomes a step, or waits for a second officer.

use dco_block::Eui64;
use dco_schedule::{
    Act, Approval, Ask, Asker, At, Change as BookChange, Micros, Officer, Party, Said, Schedule,
    ScheduleId, Signed, Step,
};

use super::thresholds::Added;
use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::{ActOnSchedule, AnswerAction, Reader, ScheduleRequest};
use crate::record::{
    ActionClosed, ActionPended, Change, Counted, RequestKey, ScheduleAct, ScheduleStepped,
    Signature,
};
use crate::refusal::Refusal;
use crate::state::requests::{self, Asked, Made};
use crate::view::{ActionFate, ActionState, ScheduleView};

/// What a record came of; nothing where it was time.
#[derive(Debug, Default)]
struct Origin {
    request: Option<RequestKey>,
    /// When the period began in which it counts.
    period_start_us: Option<Micros>,
}

impl Engine {
    pub(crate) fn schedule_request(&mut self, asked: ScheduleRequest) -> Result<Reply, Refusal> {
        match asked {
            ScheduleRequest::Act(asked) => self.act_on_schedule(&asked),
            ScheduleRequest::SetCapacity(asked) => self.set_capacity(&asked),
            ScheduleRequest::Approve(asked) => self.approve_action(&asked),
            ScheduleRequest::Decline(asked) => self.decline_action(&asked),
            other => self.read_schedules(&other),
        }
    }

    /// What is decided about schedules now rests on this.
    pub(crate) fn at(&self) -> At<'_, Eui64> {
        At {
            now_us: self.now_us,
            today: self.days.day_at(self.now_us).date,
            ledger: &self.days.ledger,
            unreleased: &self.batches,
            calendar: &self.days.calendar,
        }
    }

    fn act_on_schedule(&mut self, asked: &ActOnSchedule) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        let digests = [digest, asked.digest_with_revision()];
        let made = self.requests.find_any(asked.caller(), asked.id, &digests)?;
        if let Some(made) = made {
            return self.schedule_made(made, asked.reader());
        }
        let ask = self.ask_of(asked);
        let change = self.schedules.book.decide(&ask, &self.at())?;
        let period_start_us = self.step_within_threshold(asked)?;
        if asked.validate_only {
            return self.schedule_preview(change, asked.reader());
        }
        let origin = Origin {
            request: requests::key(asked.id, &digest),
            period_start_us,
        };
        let made = self.record_of(&change, origin);
        self.end_what_is_due();
        self.schedule_made(made, asked.reader())
    }

    /// A step is kept for good and told to the other side, so a User may make so many in a period. Answers to what was put forward
    /// are not counted, since there is one for each, and others must not keep a User from giving its own. Officers are not counted.
    fn step_within_threshold(&mut self, asked: &ActOnSchedule) -> Result<Option<Micros>, Refusal> {
        let is_answer = matches!(asked.act, Act::Accept | Act::Decline | Act::Withdraw);
        if is_answer || matches!(asked.by, Asker::Officer { .. }) {
            return Ok(None);
        }
        let added = Added {
            user: asked.schedule.user,
            counts: &[(Counted::ScheduleSteps, 1)],
            validate_only: asked.validate_only,
        };
        self.within_thresholds(added).map(Some)
    }

    fn ask_of(&self, asked: &ActOnSchedule) -> Ask<Eui64> {
        let id = match asked.act {
            Act::Request(_) => self.schedules.book.next_id(asked.schedule.user),
            _ => asked.schedule,
        };
        Ask {
            id,
            revision: asked.revision,
            by: asked.by.clone(),
            reason: asked.reason.clone(),
            beyond_request: asked.beyond_request,
            act: asked.act.clone(),
        }
    }

    /// Makes the record of a change of the book; answers what it made.
    fn record_of(&mut self, change: &BookChange<Eui64>, origin: Origin) -> Made {
        let Origin {
            request,
            period_start_us,
        } = origin;
        match change {
            BookChange::Step { id, step } => {
                self.record(Change::ScheduleStepped(ScheduleStepped {
                    period_start_us,
                    ..stepped(*id, step, request)
                }));
                Made::Schedule(*id)
            }
            BookChange::Approved { action, id, step } => {
                self.record(Change::ScheduleStepped(ScheduleStepped {
                    action: Some(*action),
                    ..stepped(*id, step, request)
                }));
                Made::Schedule(*id)
            }
            BookChange::Pended(pending) => {
                let by = asked_by(&pending.ask);
                self.record(Change::ActionPended(ActionPended {
                    user: pending.ask.id.user.bits(),
                    number: pending.ask.id.number,
                    revision: pending.ask.revision,
                    act: Some(ScheduleAct::of(
                        &pending.ask.act,
                        pending.ask.beyond_request,
                    )),
                    signature: Some(Signature::of(&by, &pending.ask.reason)),
                    expires_us: pending.expires_us,
                    request,
                }));
                Made::Action(self.schedules.last_action())
            }
            BookChange::Closed { action, signed } => {
                self.record(Change::ActionClosed(ActionClosed {
                    action: *action,
                    signature: Some(Signature::of(&signed.by, &signed.reason)),
                    request,
                }));
                Made::Action(*action)
            }
            BookChange::Capacity(_) => unreachable!("capacity has its own way"),
        }
    }

    fn schedule_made(&self, made: Made, reader: Reader) -> Result<Reply, Refusal> {
        match made {
            Made::Schedule(id) => self.get_schedule(id, reader),
            Made::Action(number) => {
                let action = self.schedules.action(number);
                let action = action.ok_or(Refusal::NotFound { kind: "action" })?;
                Ok(Reply::Action(Box::new(action)))
            }
            _ => Err(Refusal::RequestIdReused),
        }
    }

    /// What a request that only validates is answered: the schedule as it would be.
    fn schedule_preview(
        &self,
        change: BookChange<Eui64>,
        reader: Reader,
    ) -> Result<Reply, Refusal> {
        match change {
            BookChange::Pended(pending) => {
                let fate = ActionFate::Waiting;
                let view = self.schedules.action_view(None, pending, fate);
                Ok(Reply::Action(Box::new(view)))
            }
            BookChange::Step { id, step } | BookChange::Approved { id, step, .. } => {
                let stepped = match self.schedules.book.get(id) {
                    None => Schedule::begin(step),
                    Some(schedule) => {
                        let mut schedule = schedule.clone();
                        schedule.apply(step).map(|()| schedule)
                    }
                };
                let schedule = stepped.ok_or(Refusal::NotFound { kind: "schedule" })?;
                let view = ScheduleView::of(id, &schedule, reader, self.moves_max());
                Ok(Reply::Schedule(Box::new(view)))
            }
            BookChange::Closed { action, .. } => self.schedule_made(Made::Action(action), reader),
            BookChange::Capacity(_) => unreachable!("capacity has its own way"),
        }
    }

    fn approve_action(&mut self, asked: &AnswerAction) -> Result<Reply, Refusal> {
        let second = Approval {
            officer: asked.officer,
            said: Some(Said {
                ticket: asked.ticket.clone(),
                reason: asked.reason.clone(),
            }),
        };
        let decide = |engine: &Self| {
            let book = &engine.schedules.book;
            book.approve(asked.action, second, &engine.at())
        };
        self.answer_action(asked, "ApproveAction", decide)
    }

    fn decline_action(&mut self, asked: &AnswerAction) -> Result<Reply, Refusal> {
        let officer = Officer {
            officer: asked.officer,
            ticket: asked.ticket.clone(),
            second: None,
        };
        let decide = |engine: &Self| {
            let why = (asked.reason.clone(), &engine.at());
            let book = &engine.schedules.book;
            book.decline(asked.action, officer, why)
        };
        self.answer_action(asked, "DeclineAction", decide)
    }

    fn answer_action(
        &mut self,
        asked: &AnswerAction,
        kind: &str,
        decide: impl FnOnce(&Self) -> Result<BookChange<Eui64>, dco_schedule::Refusal>,
    ) -> Result<Reply, Refusal> {
        let digest = asked.digest_as(kind);
        if let Some(made) = self.requests.find(asked.officer, asked.id, &digest)? {
            return self.schedule_made(made, Reader::Desk);
        }
        self.still_waits(asked.action)?;
        let change = decide(self)?;
        if asked.validate_only {
            return self.schedule_preview(change, Reader::Desk);
        }
        let origin = Origin {
            request: requests::key(asked.id, &digest),
            period_start_us: None,
        };
        let made = self.record_of(&change, origin);
        self.end_what_is_due();
        self.schedule_made(made, Reader::Desk)
    }

    /// Who answers an act that does not wait any more is told what became of it.
    fn still_waits(&self, action: u64) -> Result<(), Refusal> {
        let Some(view) = self.schedules.action(action) else {
            return Ok(());
        };
        match view.state() {
            ActionState::Waiting => Ok(()),
            state => Err(Refusal::ActionSettled {
                action,
                state,
                why: view.settled_why().to_owned(),
            }),
        }
    }

    /// What time brings to schedules: proposals lapse, agreements end, acts wait no longer.
    pub(crate) fn end_what_is_due(&mut self) {
        loop {
            let due = self.schedules.book.due(&self.at());
            if due.is_empty() {
                return;
            }
            for change in due {
                self.record_of(&change, Origin::default());
            }
        }
    }
}

fn asked_by(ask: &Ask<Eui64>) -> Party<Eui64> {
    match &ask.by {
        Asker::User => Party::User,
        Asker::Officer { officer, ticket } => Party::Desk(Officer {
            officer: *officer,
            ticket: ticket.clone(),
            second: None,
        }),
    }
}

fn stepped(
    id: ScheduleId<Eui64>,
    step: &Step<Eui64>,
    request: Option<RequestKey>,
) -> ScheduleStepped {
    let Signed { by, reason, .. } = &step.signed;
    ScheduleStepped {
        user: id.user.bits(),
        number: id.number,
        act: Some(ScheduleAct::of(&step.act, step.beyond_request)),
        signature: Some(Signature::of(by, reason)),
        request,
        action: None,
        period_start_us: None,
    }
}
