//! Schedules, the capacity plan and what needed a second officer: the changes that made the book, in the
//! journal's own words. Taking them up goes through the same table as making them.

use dco_block::Eui64;
use dco_schedule::{
    Approval, Asker, CapacitySet, Change, Micros, Officer, Party, ScheduleId, Signed, Step,
};

use super::Why;
use crate::record;
use crate::state::schedules as state;
use crate::terms::Terms;
use crate::view::{ActionFate, ActionView};

const UNFIT: Why = "a schedule has what no schedule can have";

/// All of them.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Schedules {
    /// Schedule by schedule, each from its request on.
    #[prost(message, repeated, tag = "1")]
    steps: Vec<record::ScheduleStepped>,
    /// When each was made.
    #[prost(sfixed64, repeated, tag = "2")]
    steps_us: Vec<i64>,
    /// In the order in which they were set.
    #[prost(message, repeated, tag = "3")]
    sets: Vec<record::CapacitySet>,
    #[prost(sfixed64, repeated, tag = "4")]
    sets_us: Vec<i64>,
    /// By number, from 1 on.
    #[prost(message, repeated, tag = "5")]
    actions: Vec<Action>,
    /// What the configuration said of capacity when a day was last opened.
    #[prost(message, optional, tag = "94")]
    configured: Option<record::Configured>,
}

/// An act that needs two officers.
#[derive(Clone, PartialEq, prost::Message)]
struct Action {
    #[prost(message, optional, tag = "1")]
    pended: Option<record::ActionPended>,
    #[prost(int64, tag = "2")]
    asked_us: i64,
    /// When it was approved or closed; absent while it waits.
    #[prost(int64, optional, tag = "3")]
    settled_us: Option<i64>,
    /// Who approved it; what was said with that stands in the signature of `pended`.
    #[prost(fixed64, optional, tag = "4")]
    second: Option<u64>,
    /// Who closed it, and why.
    #[prost(message, optional, tag = "5")]
    closed: Option<record::Signature>,
}

impl Schedules {
    pub(super) fn of(schedules: &state::Schedules) -> Self {
        let mut kept = Self {
            configured: schedules.configured.clone(),
            ..Self::default()
        };
        for (id, schedule) in schedules.book.schedules() {
            for step in schedule.history() {
                kept.steps.push(stepped(id, step));
                kept.steps_us.push(step.signed.at_us);
            }
        }
        for CapacitySet {
            span,
            setting,
            signed,
        } in schedules.book.plan().history()
        {
            kept.sets.push(record::CapacitySet {
                signature: Some(record::Signature::of(&signed.by, &signed.reason)),
                ..record::CapacitySet::of(*span, &[*setting])
            });
            kept.sets_us.push(signed.at_us);
        }
        let actions = (1..=schedules.last_action()).filter_map(|it| schedules.action(it));
        kept.actions = actions.map(|action| Action::of(&action)).collect();
        kept
    }

    pub(super) fn load(self, terms: &Terms) -> Result<state::Schedules, Why> {
        let lens = (self.steps.len(), self.sets.len());
        if lens != (self.steps_us.len(), self.sets_us.len()) {
            return Err("its schedules have columns of different lengths");
        }
        let mut schedules = state::Schedules::new(terms);
        schedules.configured = self.configured;
        for (step, at_us) in self.steps.iter().zip(self.steps_us) {
            let (id, step) = (step.id(), step.step(at_us).ok_or(UNFIT)?);
            schedules.apply(&Change::Step { id, step }).ok_or(UNFIT)?;
        }
        for (set, at_us) in self.sets.iter().zip(self.sets_us) {
            for change in set.changes(at_us).ok_or(UNFIT)? {
                schedules.apply(&change).ok_or(UNFIT)?;
            }
        }
        for action in self.actions {
            action.load(&mut schedules)?;
        }
        Ok(schedules)
    }
}

fn stepped(id: ScheduleId<Eui64>, step: &Step<Eui64>) -> record::ScheduleStepped {
    record::ScheduleStepped {
        user: id.user.bits(),
        number: id.number,
        act: Some(record::ScheduleAct::of(&step.act, step.beyond_request)),
        signature: Some(record::Signature::of(&step.signed.by, &step.signed.reason)),
        request: None,
        action: None,
        period_start_us: None,
    }
}

impl Action {
    fn of(action: &ActionView) -> Self {
        let ActionView { pending, fate, .. } = action;
        let (settled_us, second, closed) = match fate {
            ActionFate::Waiting => (None, None, None),
            ActionFate::Approved { second, at_us } => (Some(*at_us), Some(second.clone()), None),
            ActionFate::Closed(Signed { by, at_us, reason }) => {
                (Some(*at_us), None, Some(record::Signature::of(by, reason)))
            }
        };
        let approved_by = second.as_ref().map(|second| second.officer.bits());
        let by = match &pending.ask.by {
            Asker::User => Party::User,
            Asker::Officer { officer, ticket } => Party::Desk(Officer {
                officer: *officer,
                ticket: ticket.clone(),
                second,
            }),
        };
        Self {
            pended: Some(record::ActionPended {
                user: pending.ask.id.user.bits(),
                number: pending.ask.id.number,
                revision: pending.ask.revision,
                act: Some(record::ScheduleAct::of(
                    &pending.ask.act,
                    pending.ask.beyond_request,
                )),
                signature: Some(record::Signature::of(&by, &pending.ask.reason)),
                expires_us: pending.expires_us,
                request: None,
            }),
            asked_us: pending.asked_us,
            settled_us,
            second: approved_by,
            closed,
        }
    }

    fn load(self, schedules: &mut state::Schedules) -> Result<(), Why> {
        let pended = self.pended.as_ref().ok_or(UNFIT)?;
        let pending = pended.pending(self.asked_us).ok_or(UNFIT)?;
        schedules.apply(&Change::Pended(pending)).ok_or(UNFIT)?;
        let Some(at_us) = self.settled_us else {
            return Ok(());
        };
        let signature = pended.signature.as_ref().ok_or(UNFIT)?;
        let said = signature.approval().ok_or(UNFIT)?.and_then(|it| it.said);
        let second = self.second.map(|officer| Approval {
            officer: Eui64::from_bits(officer),
            said,
        });
        let fate = fate(at_us, second, self.closed.as_ref()).ok_or(UNFIT)?;
        let number = schedules.last_action();
        schedules.settle(number, fate).ok_or(UNFIT)
    }
}

fn fate(
    at_us: Micros,
    second: Option<Approval<Eui64>>,
    closed: Option<&record::Signature>,
) -> Option<ActionFate> {
    match (second, closed) {
        (Some(second), None) => Some(ActionFate::Approved { second, at_us }),
        (None, Some(closed)) => closed.read(at_us).map(ActionFate::Closed),
        _ => None,
    }
}
