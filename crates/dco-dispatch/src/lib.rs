//! Who is released next, and when?
//!
//! [`FairQueue`] says *who*: Users with work that can go now share by weight (deficit round robin),
//! and inside a User the earliest due goes first. What may go is asked from a [`Gate`]; what may not
//! is set aside until the time the gate gives or until it is told of a change, so it never blocks
//! others and is never looked at in between. [`Bucket`] says *when*: it spreads what is left of a day
//! over what is left of it, along a [`Pace`]; a [`Row`] foresees that.
//!
//! Promises: nothing that the gate holds back is taken; nothing ready waits because of something held
//! back; capacity is never left unused while anything is ready; a ready User's wait is bounded (see
//! [`FairQueue`]); the same calls give the same answers.
//!
//! Deliberately absent: a clock (instants are arguments), the daily cap (the ledger of
//! `dco-schedule` decides *may*, behind the gate), and what a User, lane or key is.

mod bucket;
mod gate;
mod line;
mod pace;
mod queue;
mod ready;
mod ring;
mod slab;
mod turns;

pub use bucket::{Bucket, Row};
pub use gate::{Answer, Gate};
pub use pace::{InvalidPace, Pace};
pub use queue::{Entry, FairQueue, Pick, Slot};
pub use turns::{InvalidTurns, Turn, Turns, UserTurn};

/// An instant: UTC microseconds since 1970-01-01T00:00:00Z.
pub type Micros = i64;

/// The instant that never comes: only an event can free what waits for it.
pub const UNTIL_TOLD: Micros = Micros::MAX;
