//! What is agreed changes only by the word of both sides, or by two officers on record: nobody's word is made up, and
//! every answer tells what is agreed.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_engine::record::{ActKind, Change, Deal, Record, ScheduleStepped, Signatory};
use dco_engine::{Reply, Request, RequestId, ScheduleRequest, ScheduleView};
use dco_schedule::{Act, Asker};

use super::agreements::Agreements;
use super::{Breach, Checker};
use crate::happened::Happened;

/// Who asked, and for what.
type Word = (Option<Eui64>, ActKind);

/// Holds the steps of every schedule against what the parties said.
#[derive(Debug, Default)]
pub(super) struct Agreed {
    agreements: Agreements,
    /// What was asked under each request id, for which schedule.
    asked: BTreeSet<(u64, RequestId, Word)>,
    /// Officers that said yes to an act that waits.
    approved: BTreeSet<(u64, Eui64)>,
    /// Acts that wait: the first officer and what for.
    pended: BTreeMap<u64, (u64, u64, ActKind)>,
}

impl Agreed {
    fn ask(&mut self, request: &Request) {
        match request {
            Request::Schedules(ScheduleRequest::Act(it)) if !it.validate_only => {
                let officer = match it.by {
                    Asker::User => None,
                    Asker::Officer { officer, .. } => Some(officer),
                };
                let word = (officer, kind(&it.act));
                self.asked.insert((it.schedule.user.bits(), it.id, word));
            }
            Request::Schedules(ScheduleRequest::Approve(it)) if !it.validate_only => {
                self.approved.insert((it.action, it.officer));
            }
            _ => {}
        }
    }

    fn record(&mut self, record: &Record) -> Result<(), Breach> {
        match &record.change {
            Some(Change::ScheduleStepped(it)) => self.is_anybodys_word(it)?,
            Some(Change::ActionPended(it)) => {
                let number = u64::try_from(self.pended.len()).unwrap_or(u64::MAX) + 1;
                let officer = it.signature.as_ref().map_or(0, |it| it.officer);
                let act = it.act.as_ref().map_or(ActKind::Unspecified, |it| it.kind());
                self.pended.insert(number, (it.user, officer, act));
            }
            _ => {}
        }
        self.agreements.learn(record)
    }

    fn is_anybodys_word(&self, step: &ScheduleStepped) -> Result<(), Breach> {
        let signature = step.signature.clone().unwrap_or_default();
        let kind = step
            .act
            .as_ref()
            .map_or(ActKind::Unspecified, |it| it.kind());
        let by = signature.by();
        let is_said = match (by, step.action) {
            (Signatory::Time, None) => matches!(kind, ActKind::Lapse | ActKind::End),
            (Signatory::Desk, Some(action)) => {
                let second = Eui64::from_bits(signature.second.unwrap_or(0));
                let pended = self.pended.get(&action);
                pended == Some(&(step.user, signature.officer, kind))
                    && self.approved.contains(&(action, second))
            }
            (Signatory::User, None) => self.has_asked(step, (None, kind)),
            (Signatory::Desk, None) => {
                let officer = Eui64::from_bits(signature.officer);
                self.has_asked(step, (Some(officer), kind))
            }
            _ => false,
        };
        if is_said {
            return Ok(());
        }
        Err(format!(
            "{kind:?} on schedule {} of {:x} is signed by {signature:?}, who did not ask for it",
            step.number, step.user
        ))
    }

    fn has_asked(&self, step: &ScheduleStepped, word: Word) -> bool {
        let id = step.request.as_ref().map(|it| it.id.as_ref());
        let id = id.and_then(|id| <[u8; 16]>::try_from(id).ok());
        id.is_some_and(|id| self.asked.contains(&(step.user, RequestId(id), word)))
    }

    /// An answer tells of a revision what was agreed then.
    fn tell(&self, view: &ScheduleView) -> Result<(), Breach> {
        let id = view.id;
        let Some(agreement) = self.agreements.get(id.user.bits(), id.number) else {
            return Ok(());
        };
        if view.revision == 0 || view.revision > agreement.revision() {
            return Ok(());
        }
        let told = view.schedule.quota();
        let agreed = agreement.agreed_after(view.revision);
        let days = |deal: &Deal| {
            let quota = deal.quota.clone().unwrap_or_default();
            let days: BTreeMap<i32, u32> = quota.dates.into_iter().zip(quota.units).collect();
            days
        };
        let told: Option<BTreeMap<i32, u32>> = told.map(|it| {
            it.days()
                .map(|(date, units)| (date.days(), units))
                .collect()
        });
        let agreed = agreed.map(days);
        let without_none = |days: Option<BTreeMap<i32, u32>>| -> Vec<(i32, u32)> {
            let days = days.into_iter().flatten();
            days.filter(|(_, units)| *units > 0).collect()
        };
        let (told, agreed) = (without_none(told), without_none(agreed));
        if told == agreed {
            return Ok(());
        }
        Err(format!(
            "schedule {}/{} is told to have {told:?} agreed, agreed is {agreed:?}",
            id.user, id.number
        ))
    }
}

impl Checker for Agreed {
    fn promise(&self) -> &'static str {
        "what is agreed changes only by both sides' word or two officers'"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Asked(request) => {
                self.ask(request);
                Ok(())
            }
            Happened::Recorded { record, .. } => self.record(record),
            Happened::Answered {
                request: Request::Schedules(ScheduleRequest::Act(it)),
                ..
            } if it.validate_only => Ok(()),
            Happened::Answered {
                reply: Ok(Reply::Schedule(view)),
                ..
            } => self.tell(view),
            Happened::Answered {
                reply: Ok(Reply::Schedules(views)),
                ..
            } => views.iter().try_for_each(|view| self.tell(view)),
            _ => Ok(()),
        }
    }
}

fn kind(act: &Act<Eui64>) -> ActKind {
    match act {
        Act::Request(_) => ActKind::Request,
        Act::Offer { .. } => ActKind::Offer,
        Act::Counter { .. } => ActKind::Counter,
        Act::Accept => ActKind::Accept,
        Act::Decline => ActKind::Decline,
        Act::Withdraw => ActKind::Withdraw,
        Act::Amend { .. } => ActKind::Amend,
        Act::Impose { .. } => ActKind::Impose,
        Act::End { .. } => ActKind::End,
        Act::Lapse => ActKind::Lapse,
    }
}

#[cfg(test)]
mod tests;
