//! The book of schedules, and what became of acts that needed a second officer.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_schedule::{Book, BookTerms, CapacityPlan, Change, Micros, Party, Pending, Signed};

use crate::record::Configured;
use crate::terms::Terms;
use crate::view::{ActionFate, ActionView};

/// What is asked, offered and agreed, and the capacity of each service day.
#[derive(Debug)]
pub(crate) struct Schedules {
    pub(crate) book: Book<Eui64>,
    /// Acts that do not wait any more.
    settled: BTreeMap<u64, (Pending<Eui64>, ActionFate)>,
    /// What the configuration said of capacity when a day was last opened.
    pub(crate) configured: Option<Configured>,
    /// When time brings something to a schedule: the timer that is set.
    pub(crate) due_us: Option<Micros>,
}

impl Schedules {
    /// With nothing agreed; capacity and profile as they are configured.
    pub(crate) const fn new(terms: &Terms) -> Self {
        let book_terms = BookTerms {
            reserve: terms.schedules.reserve,
            answer_us_min: terms.schedules.answer_us_min,
            pending_us: terms.schedules.pending_us,
            moves_max: terms.schedules.moves_max,
            open_max: terms.schedules.open_max,
            days_ahead_max: terms.schedules.days_ahead_max,
            small_uses_allowance: terms.schedules.small_uses_allowance,
        };
        let plan = CapacityPlan::new(terms.capacity_per_day, terms.hour_profile);
        Self {
            book: Book::new(book_terms, plan),
            settled: BTreeMap::new(),
            configured: None,
            due_us: None,
        }
    }

    /// Takes a change; `None`, with nothing changed, if it does not fit.
    pub(crate) fn apply(&mut self, change: &Change<Eui64>) -> Option<()> {
        let settles = match change {
            Change::Approved { action, step, .. } => {
                let second = step.signed.by.second()?.clone();
                let at_us = step.signed.at_us;
                Some((*action, ActionFate::Approved { second, at_us }))
            }
            Change::Closed { action, signed } => {
                Some((*action, ActionFate::Closed(signed.clone())))
            }
            _ => None,
        };
        let before = settles.and_then(|(action, fate)| Some((action, self.waiting(action)?, fate)));
        self.book.apply(change)?;
        if let Some((action, pending, fate)) = before {
            self.settled.insert(action, (pending, fate));
        }
        Some(())
    }

    /// An act that waits does so no more, with nothing done to its schedule; `None` if it does not wait.
    pub(crate) fn settle(&mut self, number: u64, fate: ActionFate) -> Option<()> {
        let pending = self.waiting(number)?;
        let signed = Signed {
            by: Party::Time,
            at_us: pending.asked_us,
            reason: pending.ask.reason.clone(),
        };
        let action = number;
        self.book.apply(&Change::Closed { action, signed })?;
        self.settled.insert(number, (pending, fate));
        Some(())
    }

    /// One act, whether it waits or not.
    pub(crate) fn action(&self, number: u64) -> Option<ActionView> {
        let (pending, fate) = match self.settled.get(&number) {
            Some(settled) => settled.clone(),
            None => (self.waiting(number)?, ActionFate::Waiting),
        };
        Some(self.action_view(Some(number), pending, fate))
    }

    /// An act that waits or waited, with what a second officer has to look at.
    pub(crate) fn action_view(
        &self,
        number: Option<u64>,
        pending: Pending<Eui64>,
        fate: ActionFate,
    ) -> ActionView {
        let (agreed, deal) = self.book.looked_at(&pending);
        ActionView {
            number,
            pending,
            agreed,
            deal,
            fate,
        }
    }

    /// Units that the security lane may release on the open day: what the configuration said when it was opened, or has said since.
    pub(crate) fn security_max(&self) -> u32 {
        self.configured
            .as_ref()
            .map_or(0, |configured| configured.security)
    }

    /// Acts after a number, oldest first: those that wait, and where asked for those that do not any more.
    pub(crate) fn numbers(&self, after: u64, settled: bool) -> impl Iterator<Item = u64> {
        let waiting = self.book.pending().map(|(number, _)| number);
        let settled = self.settled.keys().copied().filter(move |_| settled);
        let numbers = waiting.chain(settled).filter(move |number| *number > after);
        numbers.collect::<BTreeSet<_>>().into_iter()
    }

    /// The newest act's number; 0 before the first.
    pub(crate) fn last_action(&self) -> u64 {
        let waiting = self.book.pending().map(|(number, _)| number).last();
        let settled = self.settled.keys().next_back().copied();
        waiting.max(settled).unwrap_or(0)
    }

    fn waiting(&self, number: u64) -> Option<Pending<Eui64>> {
        let mut waiting = self.book.pending();
        let (_, pending) = waiting.find(|(action, _)| *action == number)?;
        Some(pending.clone())
    }
}
