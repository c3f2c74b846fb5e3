//! How much may whom send, on which service day?
//!
//! Service days are civil dates in Europe/London with their own start and end, so a day has 23, 24
//! or 25 hours ([`Calendar`]). How a day's work is spread over its hours is a [`HourProfile`]. What
//! was released and what was sent is counted exactly, in whole units, by the [`Ledger`].
//!
//! What Users and the Service Desk agree is in the [`Book`]: each [`Schedule`] with its history, the
//! [`CapacityPlan`] they share, and what waits for a second officer. A decision is a [`Change`] or a
//! [`Refusal`] and changes nothing; [`Book::apply`] of changes is the only way a book changes, live and
//! in replay. For the desk the book finds offers ([`Book::fits`]), plans that move others least
//! ([`Book::replan`]), and tries things out ([`Book::simulate`]). When what waits will leave is foreseen by one model for all of them
//! ([`Book::outlook`]), which follows the release.
//!
//! What each User was entitled to of what was released is followed by [`Fluid`], apart from whatever chose whom to serve.
//!
//! Promises: never one unit more than the capacity in force; a refund gives back exactly one charge;
//! exactly one source covers a batch, and counts what is sent, whatever is released when; no agreement
//! takes a day beyond its capacity less the reserve; what is agreed changes with its User's word or that
//! of two officers.
//!
//! Deliberately absent: a clock (instants are arguments), who the Users are (generic over their
//! key), who may ask what, and whose turn a release is, and when: that is `dco-dispatch`.

mod book;
mod calendar;
mod capacity;
mod date;
mod dated;
mod fit;
mod flow;
mod fluid;
mod ledger;
mod outlook;
mod profile;
mod quota;
mod replan;
mod schedule;
mod share;
mod signed;
mod simulate;
#[cfg(test)]
mod testing;
mod text;

pub use book::{
    Ask, Asker, At, BatchAsked, BatchRefusal, Book, BookTerms, Change, CrowdedWindow, DayCapacity,
    DayShort, DayTaken, ExceedsAgreed, FullHours, MoveRefusal, OwnCapacity, Pending, Refusal,
    Unreleased, WindowShort,
};
pub use calendar::{Calendar, Hour, ServiceDay};
pub use capacity::{CAPACITY_MAX, CapacityPlan, CapacitySet, Reserve, Reserved, Setting};
pub use date::{InvalidServiceDate, ServiceDate};
pub use dated::{Dated, Span};
pub use fit::{Fit, FitDay, FitTerms, Fits, NoFit};
pub use fluid::{Fluid, FluidKept, FluidUse, InvalidFluid};
pub use ledger::{
    DayUse, InvalidLedger, Ledger, LedgerDay, LedgerTerms, LedgerUse, OverAllowance, OverCapacity,
    OverSecurity, Source,
};
pub use outlook::{Outlook, OutlookDay, Pacing, Waiting};
pub use profile::{HourProfile, InvalidHourProfile};
pub use quota::Quota;
pub use replan::{Amendment, Need, Replan};
pub use schedule::{
    Act, Agreement, Cause, Covers, Deal, HourWindow, ImageHash, InvalidHourWindow, Move, Proposal,
    Request, Schedule, ScheduleId, State, Step, Terms,
};
pub use share::Share;
pub use signed::{Approval, Officer, Party, Said, Side, Signed};
pub use simulate::{AtRisk, SimulatedDay, SimulatedUser, Simulation, WhatIf};
pub use text::{InvalidText, TEXT_CHARS_MAX, Text, is_unseen, one_line};

/// An instant: UTC microseconds since 1970-01-01T00:00:00Z.
pub type Micros = i64;
