//! Acts that need two officers: what waits, and who may approve it.

use crate::{
    Act, Approval, Ask, Asker, At, Book, Cause, Change, Deal, Micros, Officer, Party, Refusal,
    Schedule, Signed, State, Text,
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
    /// agrees to, puts forward, imposes, or leaves of that.
    pub fn looked_at(&self, pending: &Pending<U>) -> (Option<Deal>, Option<Deal>) {
        let ask = &pending.ask;
        let schedule = self.get(ask.id);
        let Some(then) = schedule.and_then(|it| it.state_at(ask.revision)) else {
            return (None, ask.act.deal().cloned());
        };
        let agreed = then.agreement().map(|it| it.deal.clone());
        let deal = match &ask.act {
            Act::Accept => then.proposal().map(|it| it.deal.clone()),
            Act::End { from } => agreed.as_ref().map(|deal| Deal {
                quota: deal.quota.before(*from),
                terms: deal.terms,
            }),
            act => act.deal().cloned(),
        };
        (agreed, deal)
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
        if self.gains(second.officer, &pending.ask) {
            return Err(Refusal::OfficerGains);
        }
        if pending.expires_us <= at.now_us {
            return Err(Refusal::ActionExpired {
                expires_us: pending.expires_us,
            });
        }
        let step = pending.ask.step(at, Some(second));
        let schedule = self.found(&pending.ask)?;
        if !rests_on_what_holds(&pending.ask, schedule) {
            let number = pending.ask.id.number;
            return Err(Refusal::ActionOvertaken { action, number });
        }
        self.check_of(schedule, (&pending.ask, &step), at)?;
        let id = pending.ask.id;
        Ok(Change::Approved { action, id, step })
    }

    /// Whether an act is about a schedule of this party, or makes room for one: it is no second officer then, whatever
    /// else it is registered as.
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

    /// Why an act that waits cannot be approved any more: it waited too long, or what it rests on has changed.
    pub(super) fn not_to_be_approved(
        &self,
        pending: &Pending<U>,
        at: &At<'_, U>,
    ) -> Option<&'static str> {
        if pending.expires_us <= at.now_us {
            return Some("no second officer approved it in time");
        }
        let schedule = self.get(pending.ask.id);
        let holds = schedule.is_some_and(|it| rests_on_what_holds(&pending.ask, it));
        (!holds).then_some("its schedule is not as it was when it was asked for")
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

/// Whether a schedule is, as far as a waiting act needs it, as it was when the officer asked. What changes an
/// agreement rests on the agreement alone: what its User proposes and takes back in the meantime does not matter.
/// What answers or makes an offer rests on where the talks stand.
fn rests_on_what_holds<U: Copy + PartialEq>(ask: &Ask<U>, schedule: &Schedule<U>) -> bool {
    let Some(then) = schedule.state_at(ask.revision) else {
        return false;
    };
    let now = schedule.state();
    match ask.act {
        Act::Impose { .. } | Act::End { .. } | Act::Amend { .. } => {
            // Its deal alone: an end that takes no day must not hold off what another officer has to look at.
            let deal = |state: &State<U>| state.agreement().map(|it| it.deal.clone());
            !now.is_final() && deal(now) == deal(&then)
        }
        _ => *now == then,
    }
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
