//! What records of schedules and capacity change.

use dco_block::Eui64;
use dco_schedule::{At, Change, Micros, Party};

use super::Why;
use crate::engine::Engine;
use crate::record::{ActionClosed, ActionPended, CapacitySet, Counted, ScheduleStepped};
use crate::state::requests::Made;
use crate::state::timers::Deadline;

const UNREADABLE: Why = "it has parts that no schedule has";
const NO_PLACE: Why = "its schedule is not where it must be for that";

impl Engine {
    pub(super) fn apply_schedule_stepped(
        &mut self,
        at_us: Micros,
        record: &ScheduleStepped,
    ) -> Result<(), Why> {
        let id = record.id();
        let step = record.step(at_us).ok_or(UNREADABLE)?;
        let caller = match &step.signed.by {
            Party::User => Some(id.user),
            Party::Desk(officer) => {
                let second = officer.second.as_ref();
                Some(second.map_or(officer.officer, |second| second.officer))
            }
            Party::Time => None,
        };
        let change = match record.action {
            Some(action) => Change::Approved {
                action,
                id,
                step: step.clone(),
            },
            None => Change::Step {
                id,
                step: step.clone(),
            },
        };
        let images = self.images_under(id);
        for image_id in &images {
            self.unwatch_image(id.user, *image_id);
        }
        self.schedules.apply(&change).ok_or(NO_PLACE)?;
        for image_id in &images {
            self.watch_image(id.user, *image_id);
        }
        if let Some(start_us) = record.period_start_us {
            self.counts
                .add(start_us, (Counted::ScheduleSteps, id.user), 1);
        }
        self.time_schedules();
        self.note_step(id, &step);
        if let Some(action) = record.action {
            self.note_settled(at_us, action, true);
        }
        self.remember(caller, record.request.as_ref(), Made::Schedule(id))
    }

    pub(super) fn apply_action_pended(
        &mut self,
        at_us: Micros,
        record: &ActionPended,
    ) -> Result<(), Why> {
        let pending = record.pending(at_us).ok_or(UNREADABLE)?;
        let officer = pending.asked_by;
        self.schedules
            .apply(&Change::Pended(pending.clone()))
            .ok_or(NO_PLACE)?;
        self.time_schedules();
        let action = self.schedules.last_action();
        self.note_pending(action, &pending);
        self.remember(Some(officer), record.request.as_ref(), Made::Action(action))
    }

    pub(super) fn apply_action_closed(
        &mut self,
        at_us: Micros,
        record: &ActionClosed,
    ) -> Result<(), Why> {
        let signed = record.signed(at_us).ok_or(UNREADABLE)?;
        let caller = match &signed.by {
            Party::Desk(officer) => Some(officer.officer),
            Party::User | Party::Time => None,
        };
        let action = record.action;
        self.schedules
            .apply(&Change::Closed { action, signed })
            .ok_or("nothing of this number waits for a second officer")?;
        self.time_schedules();
        self.note_settled(at_us, action, false);
        self.remember(caller, record.request.as_ref(), Made::Action(action))
    }

    pub(super) fn apply_capacity_set(
        &mut self,
        at_us: Micros,
        record: &CapacitySet,
    ) -> Result<(), Why> {
        let changes = record.changes(at_us).ok_or(UNREADABLE)?;
        for change in &changes {
            self.schedules.apply(change).ok_or(NO_PLACE)?;
        }
        self.note_capacity(at_us, record)?;
        let officer = record
            .signature
            .as_ref()
            .map(|by| Eui64::from_bits(by.officer));
        self.remember(officer, record.request.as_ref(), Made::Capacity)
    }

    /// Sets the timer for what time brings next. It follows from the book and the open day alone.
    pub(crate) fn time_schedules(&mut self) {
        let due_us = self.schedules_due_us();
        if let Some(before_us) = std::mem::replace(&mut self.schedules.due_us, due_us) {
            self.deadlines.clear(before_us, Deadline::SchedulesDue);
        }
        if let Some(due_us) = due_us {
            self.deadlines.set(due_us, Deadline::SchedulesDue);
        }
    }

    fn schedules_due_us(&self) -> Option<Micros> {
        let book = &self.schedules.book;
        let today = self.days.today.as_ref().filter(|today| {
            let since_it_began = At {
                now_us: Micros::MIN,
                today: today.day.date,
                ledger: &self.days.ledger,
                unreleased: &self.batches,
                calendar: &self.days.calendar,
            };
            !book.due(&since_it_began).is_empty()
        });
        let of_today_us = today.map(|today| today.day.start_us);
        of_today_us.into_iter().chain(book.next_due_us()).min()
    }

    fn remember(
        &mut self,
        caller: Option<Eui64>,
        request: Option<&crate::record::RequestKey>,
        made: Made,
    ) -> Result<(), Why> {
        match caller {
            Some(caller) => self.requests.remember(caller, request, made),
            None => Ok(()),
        }
    }
}
