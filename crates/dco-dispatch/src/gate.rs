//! What the queue asks before it lets anything go.

use crate::Micros;

/// Knows what may go now. The engine implements it over its limits, pauses and capacity.
pub trait Gate<U, L> {
    /// Whether an entry of `user` for `lane` may go now, or when to ask again. What holds back
    /// everything comes first, then the User, then the lane.
    ///
    /// An instant that is not after now counts as the microsecond after it.
    fn ask(&self, user: U, lane: L) -> Answer;
}

/// What the gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The entry may go now.
    Go,
    /// Nothing may go through this lane, for any User, before then or before the queue is told by
    /// [`wake_lane`](crate::FairQueue::wake_lane). Other lanes go on.
    LaneNotBefore(Micros),
    /// Nothing of this User may go, through any lane, before then or before the queue is told by
    /// [`wake_user`](crate::FairQueue::wake_user). Other Users go on.
    UserNotBefore(Micros),
    /// Nothing at all may go before then. It is not remembered: the next pick asks again.
    NoneBefore(Micros),
}
