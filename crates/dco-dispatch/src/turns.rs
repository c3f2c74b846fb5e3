//! Whose turn it is, as a value: what a queue keeps besides its entries.

use thiserror::Error;

/// All that a queue is besides its entries: given by [`FairQueue::turns`](crate::FairQueue::turns), taken up by
/// [`FairQueue::resume`](crate::FairQueue::resume).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turns<U, L> {
    /// Users in the order in which they first came.
    pub users: Vec<UserTurn<U>>,
    /// Lanes in the order in which they first came.
    pub lanes: Vec<L>,
    /// User and lane, by their places in these lists, of each line in the order in which it first had an entry.
    pub lines: Vec<(u32, u32)>,
    /// The number of the next turn that is given.
    pub next_turn: u64,
}

/// One User's part in the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserTurn<U> {
    /// The User.
    pub name: U,
    /// Its weight, at least 1.
    pub weight: u32,
    /// What it has left to spend, in parts of 2^-32 of a unit.
    pub credit: u64,
    /// It has had its quantum for this turn.
    pub is_granted: bool,
    /// Its turn, if it has one.
    pub turn: Option<Turn>,
}

/// The number of a turn; the lowest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// In the row.
    InRow(u64),
    /// Had before, and come back to.
    Returned(u64),
}

/// What was kept of a queue is not what a queue keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the turns of a queue cannot be taken up: {0}")]
pub struct InvalidTurns(pub(crate) &'static str);

impl InvalidTurns {
    /// What is wrong.
    pub const fn why(self) -> &'static str {
        self.0
    }
}
