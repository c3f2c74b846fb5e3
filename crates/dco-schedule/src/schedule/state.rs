//! Where a schedule stands, and the one table of what may follow.

use std::fmt;

use crate::{Act, Cause, Deal, Micros, ServiceDate, Side, Step};

/// Where a schedule stands, with what that needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State<U> {
    /// The User has asked; the Service Desk has to offer.
    Requested,
    /// The Service Desk has offered; the User has to answer.
    Offered(Proposal<U>),
    /// The User has answered with something else; the Service Desk has to answer.
    Countered(Proposal<U>),
    /// Both agree.
    Agreed(Agreement),
    /// Both agree, and one side proposes to change it. Until then the agreement holds.
    Amending(Agreement, Proposal<U>),
    /// It was agreed, and its last day is over, or none was left.
    Ended(Agreement),
    /// One side took it back before it was agreed.
    Withdrawn,
    /// One side said no before it was agreed.
    Declined,
    /// Nobody answered in time.
    Lapsed,
}

/// What waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal<U> {
    /// Who proposes it: the other side answers.
    pub by: Side,
    /// What it is.
    pub deal: Deal,
    /// Until when it may be answered.
    pub answer_by_us: Micros,
    /// Why the Service Desk moves the User; kept when the User answers with something else.
    pub cause: Option<Cause<U>>,
}

/// What holds between a User and the Service Desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Quota and terms.
    pub deal: Deal,
    /// How often it was changed since it was first agreed.
    pub amendments: u32,
    /// The first day without it, where one side ended it for a later day. Until then it is agreed like any other.
    pub ends: Option<ServiceDate>,
}

impl Agreement {
    fn amended(&self, deal: &Deal) -> Self {
        let ends = self.ends.filter(|ends| deal.quota.last() < Some(*ends));
        Self {
            deal: deal.clone(),
            amendments: self.amendments.saturating_add(1),
            ends,
        }
    }

    /// Without its days from `from` on.
    fn ended(&self, from: ServiceDate) -> Self {
        let deal = Deal {
            quota: self.deal.quota.before(from),
            terms: self.deal.terms,
        };
        Self {
            deal,
            amendments: self.amendments,
            ends: Some(self.ends.map_or(from, |ends| ends.min(from))),
        }
    }

    /// Whether a day lies before its end, where one side has ended it.
    pub fn reaches(&self, date: ServiceDate) -> bool {
        self.ends.is_none_or(|ends| date < ends)
    }
}

impl<U: Copy> State<U> {
    /// What is agreed; the days that are left of it once it has ended.
    pub const fn agreement(&self) -> Option<&Agreement> {
        match self {
            Self::Agreed(agreement) | Self::Amending(agreement, _) | Self::Ended(agreement) => {
                Some(agreement)
            }
            _ => None,
        }
    }

    /// What waits for an answer.
    pub const fn proposal(&self) -> Option<&Proposal<U>> {
        match self {
            Self::Offered(proposal) | Self::Countered(proposal) | Self::Amending(_, proposal) => {
                Some(proposal)
            }
            _ => None,
        }
    }

    pub(super) const fn proposal_mut(&mut self) -> Option<&mut Proposal<U>> {
        match self {
            Self::Offered(proposal) | Self::Countered(proposal) | Self::Amending(_, proposal) => {
                Some(proposal)
            }
            _ => None,
        }
    }

    /// Whether nothing can follow.
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Ended(_) | Self::Withdrawn | Self::Declined | Self::Lapsed
        )
    }

    /// The state after a step; `None` where that step has no place. Both the decision and replay use this table.
    pub fn after(&self, step: &Step<U>) -> Option<Self> {
        let side = step.signed.by.side();
        match self {
            Self::Requested => asked(&step.act, side),
            Self::Offered(proposal) | Self::Countered(proposal) => {
                proposed(proposal, &step.act, side)
            }
            Self::Agreed(agreement) => agreed(agreement, step),
            Self::Amending(agreement, proposal) => {
                amending(agreement, proposal, step).or_else(|| agreed_only(agreement, step))
            }
            Self::Ended(_) | Self::Withdrawn | Self::Declined | Self::Lapsed => None,
        }
    }
}

const USER: Option<Side> = Some(Side::User);
const DESK: Option<Side> = Some(Side::Desk);

fn asked<U: Copy>(act: &Act<U>, side: Option<Side>) -> Option<State<U>> {
    match (act, side) {
        (Act::Offer { .. }, DESK) => Some(State::Offered(proposal(act, Side::Desk, None)?)),
        (Act::Decline, DESK) => Some(State::Declined),
        (Act::Withdraw, USER) => Some(State::Withdrawn),
        (Act::Lapse, None) => Some(State::Lapsed),
        _ => None,
    }
}

/// An offer or a counter waits. The User may withdraw at any time, whoever has to answer.
fn proposed<U: Copy>(waits: &Proposal<U>, act: &Act<U>, side: Option<Side>) -> Option<State<U>> {
    let answers = side == Some(waits.by.other());
    match act {
        Act::Offer { .. } if side == DESK => Some(State::Offered(proposal(act, Side::Desk, None)?)),
        Act::Counter { .. } if answers && side == USER => {
            Some(State::Countered(proposal(act, Side::User, None)?))
        }
        Act::Accept if answers => Some(State::Agreed(Agreement {
            deal: waits.deal.clone(),
            amendments: 0,
            ends: None,
        })),
        Act::Decline if answers => Some(State::Declined),
        Act::Withdraw if side == USER => Some(State::Withdrawn),
        Act::Withdraw if side == Some(waits.by) => Some(State::Requested),
        Act::Lapse if side.is_none() => Some(State::Lapsed),
        _ => None,
    }
}

fn agreed<U: Copy>(agreement: &Agreement, step: &Step<U>) -> Option<State<U>> {
    let side = step.signed.by.side();
    match (&step.act, side) {
        (Act::Amend { cause, .. }, Some(by)) if by == Side::Desk || cause.is_none() => Some(
            State::Amending(agreement.clone(), proposal(&step.act, by, *cause)?),
        ),
        _ => agreed_only(agreement, step),
    }
}

/// What can be done to an agreement whether or not a change of it is proposed.
fn agreed_only<U: Copy>(agreement: &Agreement, step: &Step<U>) -> Option<State<U>> {
    let by = &step.signed.by;
    match &step.act {
        Act::Impose { deal, .. } if by.has_second() => Some(State::Agreed(agreement.amended(deal))),
        Act::End { from } if by.side() != DESK || by.has_second() => {
            let agreement = agreement.ended(*from);
            // Days that are left stay agreed, and can be moved: time ends what has none.
            let is_over = by.side().is_none() || agreement.deal.quota.is_empty();
            Some(if is_over {
                State::Ended(agreement)
            } else {
                State::Agreed(agreement)
            })
        }
        _ => None,
    }
}

fn amending<U: Copy>(
    agreement: &Agreement,
    waits: &Proposal<U>,
    step: &Step<U>,
) -> Option<State<U>> {
    let side = step.signed.by.side();
    let answers = side == Some(waits.by.other());
    match &step.act {
        // It takes the place of what the User proposes: so nobody holds off a move by proposing something.
        Act::Amend { cause, .. } if side == DESK && answers => Some(State::Amending(
            agreement.clone(),
            proposal(&step.act, Side::Desk, *cause)?,
        )),
        Act::Counter { .. } if answers => Some(State::Amending(
            agreement.clone(),
            proposal(&step.act, waits.by.other(), waits.cause)?,
        )),
        Act::Accept if answers => Some(State::Agreed(agreement.amended(&waits.deal))),
        Act::Decline if answers => Some(State::Agreed(agreement.clone())),
        Act::Withdraw if side == Some(waits.by) => Some(State::Agreed(agreement.clone())),
        Act::Lapse if side.is_none() => Some(State::Agreed(agreement.clone())),
        _ => None,
    }
}

fn proposal<U: Copy>(act: &Act<U>, by: Side, cause: Option<Cause<U>>) -> Option<Proposal<U>> {
    Some(Proposal {
        by,
        deal: act.deal()?.clone(),
        answer_by_us: act.answer_by_us()?,
        cause,
    })
}

impl<U> fmt::Display for State<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "REQUESTED",
            Self::Offered(_) => "OFFERED",
            Self::Countered(_) => "COUNTERED",
            Self::Agreed(agreement) if agreement.amendments > 0 => "AMENDED",
            Self::Agreed(_) => "AGREED",
            Self::Amending(..) => "AMENDING",
            Self::Ended(_) => "ENDED",
            Self::Withdrawn => "WITHDRAWN",
            Self::Declined => "DECLINED",
            Self::Lapsed => "LAPSED",
        })
    }
}

#[cfg(test)]
mod tests;
