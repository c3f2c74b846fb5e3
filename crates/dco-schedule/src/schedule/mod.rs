//! Delivery schedules: what a User and the Service Desk agree.

mod moves;
mod state;
mod step;
mod terms;

pub use moves::Move;
pub use state::{Agreement, Proposal, State};
pub use step::{Act, Cause, Step};
pub use terms::{Covers, Deal, HourWindow, ImageHash, InvalidHourWindow, Request, Terms};

use crate::{Quota, ServiceDate, Side};

/// Names a schedule: numbers are counted per User, so that nobody sees others' volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleId<U> {
    /// The User whose schedule it is.
    pub user: U,
    /// Counted from 1 for each User.
    pub number: u32,
}

/// A schedule: what was asked for, where it stands, and everything that was done to it.
///
/// It is the sum of its history: state and moves follow from the steps alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule<U> {
    request: Request,
    state: State<U>,
    moves: Vec<Move<U>>,
    history: Vec<Step<U>>,
}

impl<U: Copy> Schedule<U> {
    /// A schedule begins with its request; `None` for any other step or one that its User did not sign.
    pub fn begin(step: Step<U>) -> Option<Self> {
        let Step {
            act: Act::Request(request),
            signed,
            ..
        } = &step
        else {
            return None;
        };
        let request = *request;
        (signed.by.side() == Some(Side::User)).then(|| Self {
            request,
            state: State::Requested,
            moves: Vec::new(),
            history: vec![step],
        })
    }

    /// Takes a step; `None`, with nothing changed, where it has no place.
    pub fn apply(&mut self, step: Step<U>) -> Option<()> {
        let after = self.state.after(&step)?;
        self.moves.extend(Move::of(&self.state, &after, &step));
        self.state = after;
        self.history.push(step);
        Some(())
    }

    /// What the User asked for.
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Where it stands.
    pub const fn state(&self) -> &State<U> {
        &self.state
    }

    /// The revision that the next step must name: one for each step so far. The etag on the wire.
    pub fn revision(&self) -> u32 {
        u32::try_from(self.history.len()).unwrap_or(u32::MAX)
    }

    /// Where it stood at an earlier revision, or stands at this one; `None` for one that it never had.
    pub fn state_at(&self, revision: u32) -> Option<State<U>> {
        let before = usize::try_from(revision).ok()?.checked_sub(1)?;
        self.states().nth(before)
    }

    /// Where it stood after each step, oldest first.
    pub(crate) fn states(&self) -> impl Iterator<Item = State<U>> {
        let mut schedule: Option<Self> = None;
        self.history.iter().map_while(move |step| {
            match &mut schedule {
                None => schedule = Some(Self::begin(step.clone())?),
                Some(schedule) => schedule.apply(step.clone())?,
            }
            schedule.as_ref().map(|it| it.state.clone())
        })
    }

    /// Every step, oldest first.
    pub fn history(&self) -> &[Step<U>] {
        &self.history
    }

    /// How its User was moved, oldest first.
    pub fn moves(&self) -> &[Move<U>] {
        &self.moves
    }

    /// The schedule as its User reads it: other Users are not named.
    #[must_use]
    pub fn for_its_user(&self) -> Self {
        let mut own = self.clone();
        let acts = own.history.iter_mut().map(|step| &mut step.act);
        let causes = acts.filter_map(Act::cause_mut);
        let causes = causes.chain(own.moves.iter_mut().map(|it| &mut it.cause));
        let waiting = own.state.proposal_mut();
        for cause in causes.chain(waiting.and_then(|it| it.cause.as_mut())) {
            *cause = cause.unnamed();
        }
        own
    }

    /// What is agreed for each service day; `None` while nothing is.
    pub fn quota(&self) -> Option<&Quota> {
        self.state
            .agreement()
            .map(|agreement| &agreement.deal.quota)
    }

    /// Units agreed for `date`.
    pub fn agreed_on(&self, date: ServiceDate) -> u32 {
        self.quota().map_or(0, |quota| quota.on(date))
    }
}

#[cfg(test)]
mod tests;
