//! What a party can do to a schedule.

use std::fmt;

use crate::{Deal, Micros, Request, ScheduleId, ServiceDate, Signed};

/// Why the Service Desk moves what was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<U> {
    /// Capacity dropped below what is agreed.
    OverAgreed,
    /// Another schedule needs room. Its User is named to the Service Desk only.
    MakesRoomFor(ScheduleId<U>),
    /// Another schedule needs room: what the User that is moved reads of it.
    MakesRoom,
}

impl<U> Cause<U> {
    /// The same without the name of another User.
    #[must_use]
    pub fn unnamed(self) -> Self {
        match self {
            Self::MakesRoomFor(_) => Self::MakesRoom,
            Self::OverAgreed | Self::MakesRoom => self,
        }
    }
}

/// One thing that a party does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act<U> {
    /// The User asks for a schedule.
    Request(Request),
    /// The Service Desk makes an offer, or another one.
    Offer {
        /// What it offers.
        deal: Deal,
        /// Until when the User may accept it.
        answer_by_us: Micros,
    },
    /// The side that has to answer answers with something else.
    Counter {
        /// What it wants instead.
        deal: Deal,
        /// Until when the other side may accept it.
        answer_by_us: Micros,
    },
    /// The side that has to answer agrees.
    Accept,
    /// The side that has to answer says no.
    Decline,
    /// The side that asked takes it back.
    Withdraw,
    /// One side proposes to change what is agreed.
    Amend {
        /// What is to hold instead.
        deal: Deal,
        /// Until when the other side may accept it. Silence changes nothing.
        answer_by_us: Micros,
        /// Why the Service Desk moves the User; `None` for any other amendment.
        cause: Option<Cause<U>>,
    },
    /// Two officers change what is agreed without asking the User.
    Impose {
        /// What holds from now on.
        deal: Deal,
        /// Why the User is moved.
        cause: Cause<U>,
    },
    /// The agreement ends: nothing is sent under it for this service day or a later one.
    End {
        /// The first day without it.
        from: ServiceDate,
    },
    /// Nobody answered in time.
    Lapse,
}

/// An act and its signature: one line of a schedule's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<U> {
    /// What was done.
    pub act: Act<U>,
    /// Whether the Service Desk meant to go beyond the days and the daily maximum that the User asked for.
    pub beyond_request: bool,
    /// Who, when, why.
    pub signed: Signed<U>,
}

impl<U> Act<U> {
    /// What it puts forward.
    pub const fn deal(&self) -> Option<&Deal> {
        match self {
            Self::Offer { deal, .. }
            | Self::Counter { deal, .. }
            | Self::Amend { deal, .. }
            | Self::Impose { deal, .. } => Some(deal),
            _ => None,
        }
    }

    /// Why the Service Desk moves the User.
    pub const fn cause(&self) -> Option<Cause<U>>
    where
        U: Copy,
    {
        match self {
            Self::Amend { cause, .. } => *cause,
            Self::Impose { cause, .. } => Some(*cause),
            _ => None,
        }
    }

    pub(super) const fn cause_mut(&mut self) -> Option<&mut Cause<U>> {
        match self {
            Self::Amend { cause, .. } => cause.as_mut(),
            Self::Impose { cause, .. } => Some(cause),
            _ => None,
        }
    }

    /// Until when it waits for an answer.
    pub const fn answer_by_us(&self) -> Option<Micros> {
        match self {
            Self::Offer { answer_by_us, .. }
            | Self::Counter { answer_by_us, .. }
            | Self::Amend { answer_by_us, .. } => Some(*answer_by_us),
            _ => None,
        }
    }
}

impl<U> fmt::Display for Act<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request(_) => "REQUEST",
            Self::Offer { .. } => "OFFER",
            Self::Counter { .. } => "COUNTER",
            Self::Accept => "ACCEPT",
            Self::Decline => "DECLINE",
            Self::Withdraw => "WITHDRAW",
            Self::Amend { .. } => "AMEND",
            Self::Impose { .. } => "IMPOSE",
            Self::End { .. } => "END",
            Self::Lapse => "LAPSE",
        })
    }
}
