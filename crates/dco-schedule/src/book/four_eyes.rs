//! Acts that need two officers: what waits, and who may approve it.

use std::num::NonZeroU32;

use crate::{
    Act, Approval, Ask, Asker, At, Book, Cause, Change, Deal, Micros, Officer, Party, Refusal,
    Schedule, ServiceDate, Signed, State, Text,
};

/// An act of one officer that waits for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending<U> {
    /// What is to be done.
    pub ask: Ask<U>,
    /// Who asked for it.
    pub asked_by: U,
    /// When.
    pub asked_us: Micros,
    /// Until when it may be approved.
    pub expires_us: Micros,
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// What a second officer has to look at: what was agreed when the first one asked, and quota and terms that the act
    /// agrees to, puts forward, imposes, or leaves of that. Days that were ended since are in neither.
    pub fn looked_at(&self, pending: &Pending<U>) -> (Option<Deal>, Option<Deal>) {
        let ask = &pending.ask;
        let schedule = self.get(ask.id);
        let Some(then) = schedule.and_then(|it| it.state_at(ask.revision)) else {
            return (None, ask.act.deal().cloned());
        };
        let now = schedule.filter(|_| !matches!(ask.act, Act::Accept));
        let now = now.and_then(|it| Some((meant_now(ask, it)?, it.state().agreement()?)));
        let (act, agreed) = match now {
            Some((act, agreement)) => (act, Some(&agreement.deal)),
            None => (ask.act.clone(), then.agreement().map(|it| &it.deal)),
        };
        let deal = match &act {
            Act::Accept => then.proposal().map(|it| it.deal.clone()),
            Act::End { from } => agreed.map(|deal| Deal {
                quota: deal.quota.before(*from),
                terms: deal.terms,
            }),
            act => act.deal().cloned(),
        };
        (agreed.cloned(), deal)
    }

    /// What waits for a second officer, by number.
    pub fn pending(&self) -> impl Iterator<Item = (u64, &Pending<U>)> {
        self.pending
            .iter()
            .map(|(action, pending)| (*action, pending))
    }

    /// Another officer than the one who asked approves: decided again on what holds now.
    pub fn approve(
        &self,
        action: u64,
        second: Approval<U>,
        at: &At<'_, U>,
    ) -> Result<Change<U>, Refusal> {
        let pending = self.waiting(action)?;
        if pending.asked_by == second.officer {
            return Err(Refusal::SameOfficer);
        }
        let officers = [pending.asked_by, second.officer];
        if officers.iter().any(|it| self.gains(*it, &pending.ask)) {
            return Err(Refusal::OfficerGains);
        }
        if pending.expires_us <= at.now_us {
            return Err(Refusal::ActionExpired {
                expires_us: pending.expires_us,
            });
        }
        let schedule = self.found(&pending.ask)?;
        let number = pending.ask.id.number;
        let overtaken = Refusal::ActionOvertaken { action, number };
        let ask = Ask {
            act: meant_now(&pending.ask, schedule).ok_or(overtaken)?,
            ..pending.ask.clone()
        };
        let step = ask.step(at, Some(second));
        self.check_of(schedule, (&ask, &step), at)?;
        let id = ask.id;
        Ok(Change::Approved { action, id, step })
    }

    /// Whether an act is about a schedule of this party, or makes room for one: it is neither of its two officers then,
    /// whatever else it is registered as.
    fn gains(&self, party: U, ask: &Ask<U>) -> bool {
        let waits = self.get(ask.id).and_then(|it| it.state().proposal());
        let cause = match ask.act {
            Act::Accept => waits.and_then(|it| it.cause),
            _ => ask.act.cause(),
        };
        let gains = match cause {
            Some(Cause::MakesRoomFor(other)) => Some(other.user),
            _ => None,
        };
        party == ask.id.user || gains == Some(party)
    }

    /// Whether such an act may wait for a second officer: who gains by it is not the first one, and of equal acts one
    /// waits. The time to answer makes no other act, or repeating one would.
    pub(super) fn check_pends(&self, asked: &Pending<U>, at: &At<'_, U>) -> Result<(), Refusal> {
        if self.gains(asked.asked_by, &asked.ask) {
            return Err(Refusal::OfficerGains);
        }
        let schedule = self.found(&asked.ask)?;
        let equal = self.pending().find(|(_, waits)| {
            let is_about = waits.ask.id == asked.ask.id;
            let holds = is_about && self.not_to_be_approved(waits, at).is_none();
            let act = meant_now(&waits.ask, schedule).filter(|_| holds);
            act.is_some_and(|act| does_the_same(&act, &asked.ask.act))
        });
        match equal {
            Some((action, _)) => Err(Refusal::WaitsAlready { action }),
            None => Ok(()),
        }
    }

    /// Why an act that waits cannot be approved any more: it waited too long, or what it rests on has changed.
    pub(super) fn not_to_be_approved(
        &self,
        pending: &Pending<U>,
        at: &At<'_, U>,
    ) -> Option<String> {
        if pending.expires_us <= at.now_us {
            return Some("no second officer approved it in time".to_owned());
        }
        if self.approve_by_us(pending) < at.now_us {
            return Some("too little time is left to answer it".to_owned());
        }
        let schedule = self.get(pending.ask.id);
        if schedule.is_some_and(|it| meant_now(&pending.ask, it).is_some()) {
            return None;
        }
        let step = schedule.and_then(|it| overtaken_by(&pending.ask, it));
        Some(format!(
            "its schedule is not as it was when it was asked for{}",
            step.map_or_else(String::new, |step| format!(": {step}"))
        ))
    }

    /// The last moment at which an act that waits can be approved: whoever has to answer it needs time to.
    pub(super) fn approve_by_us(&self, pending: &Pending<U>) -> Micros {
        let answer_us_min = self.terms.answer_us_min;
        let answer_by_us = pending.ask.act.answer_by_us();
        let by_us = answer_by_us.map(|until_us| until_us.saturating_sub(answer_us_min));
        let last_us = pending.expires_us.saturating_sub(1);
        by_us.map_or(last_us, |by_us| by_us.min(last_us))
    }

    /// An officer says no; who asked for it may take it back so.
    pub fn decline(
        &self,
        action: u64,
        officer: Officer<U>,
        (reason, at): (Text, &At<'_, U>),
    ) -> Result<Change<U>, Refusal> {
        self.waiting(action)?;
        let signed = Signed {
            by: Party::Desk(officer),
            at_us: at.now_us,
            reason,
        };
        Ok(Change::Closed { action, signed })
    }

    fn waiting(&self, action: u64) -> Result<&Pending<U>, Refusal> {
        let waiting = self.pending.get(&action);
        waiting.ok_or(Refusal::ActionNotFound { action })
    }

    /// The act as it waits for a second officer, if it needs one.
    pub(super) fn pend(&self, ask: &Ask<U>, at: &At<'_, U>) -> Option<Pending<U>> {
        let Asker::Officer { officer, .. } = ask.by else {
            return None;
        };
        let schedule = self.get(ask.id)?;
        needs_second(schedule, &ask.act).then(|| Pending {
            ask: ask.clone(),
            asked_by: officer,
            asked_us: at.now_us,
            expires_us: at.now_us.saturating_add(self.terms.pending_us),
        })
    }
}

/// What a waiting act is to do by now; `None` where it cannot be done any more. What changes an agreement rests on the
/// agreement alone: what its User proposes and takes back in the meantime does not matter, and days that were ended
/// are left out of it. What answers or makes an offer rests on where the talks stand.
fn meant_now<U: Copy + PartialEq>(ask: &Ask<U>, schedule: &Schedule<U>) -> Option<Act<U>> {
    meant_in(ask, &schedule.state_at(ask.revision)?, schedule.state())
}

/// The step after which it could not be done any more, in words; `None` where it can be.
fn overtaken_by<U: Copy + PartialEq>(ask: &Ask<U>, schedule: &Schedule<U>) -> Option<String> {
    let asked_at = usize::try_from(ask.revision).ok()?.checked_sub(1)?;
    let then = schedule.states().nth(asked_at)?;
    let since = (1_usize..).zip(schedule.states()).skip(asked_at);
    let held = since.filter(|(_, state)| meant_in(ask, &then, state).is_some());
    let (last, _) = held.last()?;
    let step = schedule.history().get(last)?;
    let side = step.signed.by.side();
    let by = side.map_or_else(|| "time".to_owned(), |side| side.to_string());
    Some(format!("step {} was {} by {by}", last + 1, step.act))
}

fn meant_in<U: Copy + PartialEq>(ask: &Ask<U>, then: &State<U>, now: &State<U>) -> Option<Act<U>> {
    if !matches!(
        ask.act,
        Act::Impose { .. } | Act::End { .. } | Act::Amend { .. }
    ) {
        return (now == then).then(|| ask.act.clone());
    }
    let agreement = now.agreement().filter(|_| !now.is_final())?;
    let (was, is) = (&then.agreement()?.deal, &agreement.deal);
    // The deal alone: an end that takes no day must not hold off what another officer has to look at.
    if was == is {
        return Some(ask.act.clone());
    }
    let ends = agreement.ends?;
    let only_ended = is.terms == was.terms && is.quota == was.quota.before(ends);
    only_ended
        .then(|| without_ended(&ask.act, ends, is))
        .flatten()
}

/// The act without days from an end on; `None` where nothing is left of it to do.
fn without_ended<U: Copy>(act: &Act<U>, ends: ServiceDate, agreed: &Deal) -> Option<Act<U>> {
    let mut act = act.clone();
    let moves = act.cause().is_some();
    match &mut act {
        Act::End { from } => (*from < ends).then_some(())?,
        Act::Amend { deal, .. } | Act::Impose { deal, .. } => {
            deal.quota = deal.quota.before(ends);
            let units = u32::try_from(deal.quota.total()).unwrap_or(u32::MAX);
            let canary = deal.terms.canary.map_or(0, |it| it.get().min(units));
            deal.terms.canary = NonZeroU32::new(canary);
            let takes = !agreed.quota.over(&deal.quota).is_empty();
            let is_left = !deal.quota.is_empty() && deal != agreed && (takes || !moves);
            is_left.then_some(())?;
        }
        _ => return None,
    }
    Some(act)
}

/// Whether two acts would make the same of a schedule.
fn does_the_same<U: Copy + PartialEq>(one: &Act<U>, other: &Act<U>) -> bool {
    let ends = |act: &Act<U>| match act {
        Act::End { from } => Some(*from),
        _ => None,
    };
    std::mem::discriminant(one) == std::mem::discriminant(other)
        && one.deal() == other.deal()
        && one.cause() == other.cause()
        && ends(one) == ends(other)
}

/// Two officers are needed for security priority, and to take from a User what is agreed with it.
fn needs_second<U: Copy>(schedule: &Schedule<U>, act: &Act<U>) -> bool {
    let put_forward = match act {
        Act::Impose { .. } | Act::End { .. } => return true,
        Act::Accept => {
            let proposal = schedule.state().proposal();
            return proposal.is_some_and(|proposal| proposal.deal.terms.security);
        }
        _ => act.deal(),
    };
    put_forward.is_some_and(|deal| {
        let takes = schedule
            .quota()
            .is_some_and(|agreed| !agreed.over(&deal.quota).is_empty());
        takes || deal.terms.security
    })
}
