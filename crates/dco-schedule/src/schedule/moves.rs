//! How often, why and by how much a User was moved.

use crate::{Act, Cause, Micros, Quota, State, Step};

/// One change of an agreement that was made for others' sake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move<U> {
    /// When it came to hold.
    pub at_us: Micros,
    /// Why.
    pub cause: Cause<U>,
    /// Units that the User had on these days and has no more.
    pub taken: Quota,
    /// Units that it got back, and on which days.
    pub given: Quota,
    /// Whether two officers imposed it; otherwise the User agreed.
    pub imposed: bool,
}

impl<U: Copy> Move<U> {
    /// The move that lies in going from one state to another by a step, if one does.
    pub(super) fn of(before: &State<U>, after: &State<U>, step: &Step<U>) -> Option<Self> {
        let (cause, imposed) = match (&step.act, before) {
            (Act::Impose { cause, .. }, _) => (*cause, true),
            (Act::Accept, State::Amending(_, proposal)) => (proposal.cause?, false),
            _ => return None,
        };
        let old = &before.agreement()?.deal.quota;
        let new = &after.agreement()?.deal.quota;
        let taken = old.over(new);
        // Who loses nothing is not moved, whatever was said of it.
        (!taken.is_empty()).then(|| Self {
            at_us: step.signed.at_us,
            cause,
            taken,
            given: new.over(old),
            imposed,
        })
    }
}
