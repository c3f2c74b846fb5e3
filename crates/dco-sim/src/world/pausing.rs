//! Officers pause and resume releases; when nothing goes wrong any more they resume all and give capacity back.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_engine::{ActionFate, ChangePause, Reply, Request, ScheduleView, Scope};
use dco_schedule::{ScheduleId, ServiceDate, Span};

use super::World;
use super::power::ENDING_CAPACITY;
use crate::call::Caller;

/// What the parties were last told.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) schedules: BTreeMap<ScheduleId<Eui64>, ScheduleView>,
    /// Acts that wait for a second officer.
    pub(super) actions: Vec<u64>,
    pub(super) pauses: Vec<Scope>,
    /// Days, and whether they alone, for which a capacity was asked.
    pub(super) spans: BTreeSet<(ServiceDate, bool)>,
}

impl Known {
    /// Takes in an answer.
    pub(super) fn learn(&mut self, reply: &Reply) {
        match reply {
            Reply::Schedule(view) => self.learn_schedule(view),
            Reply::Schedules(views) => views.iter().for_each(|view| self.learn_schedule(view)),
            Reply::Action(view) if view.fate == ActionFate::Waiting => {
                self.actions.extend(view.number);
            }
            Reply::Actions(views) => {
                self.actions = views.iter().filter_map(|it| it.number).collect()
            }
            Reply::Pauses(views) => self.pauses = views.iter().map(|it| it.scope).collect(),
            Reply::Pause(Some(view)) => self.pauses.push(view.scope),
            _ => {}
        }
    }

    fn learn_schedule(&mut self, view: &ScheduleView) {
        let known = self.schedules.get(&view.id);
        if known.is_none_or(|known| known.revision <= view.revision) {
            self.schedules.insert(view.id, view.clone());
        }
    }
}

impl World {
    /// An officer pauses something, or resumes what is paused.
    pub(super) fn pause_or_resume(&mut self) {
        if !self.known.pauses.is_empty() && self.dice.chance(600) {
            let at = self.dice.index(self.known.pauses.len());
            let scope = self.known.pauses.swap_remove(at);
            return self.resume(scope);
        }
        let scope = self.some_scope();
        let pause = self.changing(scope);
        self.ask_once(Request::Pause(pause));
    }

    /// An officer has looked why everything is paused.
    pub(super) fn resume_all(&mut self) {
        let known = &mut self.known.pauses;
        if known.contains(&Scope::All) {
            known.retain(|scope| *scope != Scope::All);
            self.resume(Scope::All);
        }
    }

    /// What is paused is resumed, and a capacity that was set so low that nothing would end is set higher.
    pub(super) fn put_right(&mut self) {
        for scope in std::mem::take(&mut self.known.pauses) {
            self.resume(scope);
        }
        self.request_arrives(Caller::Auditor, Request::ListPauses);
        let today = self.today();
        let spans = std::mem::take(&mut self.known.spans);
        if spans.is_empty() || self.service.is_none() {
            self.known.spans = spans;
            return;
        }
        self.set_capacity(Span::From(today), ENDING_CAPACITY, None);
        for (date, alone) in spans.into_iter().filter(|(date, _)| *date >= today) {
            let span = if alone {
                Span::On(date)
            } else {
                Span::From(date)
            };
            self.set_capacity(span, ENDING_CAPACITY, None);
        }
    }

    fn resume(&mut self, scope: Scope) {
        let pause = self.changing(scope);
        self.ask_once(Request::Resume(pause));
    }

    fn changing(&mut self, scope: Scope) -> ChangePause {
        ChangePause {
            by: self.some_officer(),
            id: crate::user::request_id(&mut self.dice),
            validate_only: false,
            scope,
            ticket: "INC-3".to_owned(),
            reason: "meters do not answer, or do again".to_owned(),
        }
    }

    fn some_scope(&mut self) -> Scope {
        let estate = &self.estate;
        match self.dice.below(5) {
            0 => Scope::User(estate.users[self.dice.index(estate.users.len())]),
            1 => {
                let image = &estate.images[self.dice.index(estate.images.len())];
                Scope::Image(image.manifest.manufacturer_image_hash())
            }
            2 => Scope::Gateway(estate.gateways[self.dice.index(estate.gateways.len())]),
            3 if !self.known.schedules.is_empty() => {
                let ids: Vec<_> = self.known.schedules.keys().copied().collect();
                Scope::Schedule(ids[self.dice.index(ids.len())])
            }
            _ => Scope::All,
        }
    }
}
