//! Who did something, when and why.

use std::fmt;

use crate::{Micros, Text};

/// Who signs. A User signs for its own schedules only, so which User it is stands in the schedule's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party<U> {
    /// The User whose schedule it is.
    User,
    /// The Service Desk.
    Desk(Officer<U>),
    /// Nobody: a period ran out.
    Time,
}

/// An officer of the Service Desk, and the second one where two are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Officer<U> {
    /// Who asked for it.
    pub officer: U,
    /// The ticket under which it was asked.
    pub ticket: Text,
    /// Who approved it, if it needed a second officer: never the same one.
    pub second: Option<Approval<U>>,
}

/// A second officer's approval of what another one asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval<U> {
    /// Who approved it.
    pub officer: U,
    /// Under which ticket, and why; `None` in journals from before it was kept.
    pub said: Option<Said>,
}

/// An officer's own ticket and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The ticket.
    pub ticket: Text,
    /// Why.
    pub reason: Text,
}

/// A signature: who, when, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<U> {
    /// Who.
    pub by: Party<U>,
    /// When, as the engine's time.
    pub at_us: Micros,
    /// Why, in the words of who did it.
    pub reason: Text,
}

/// The two that agree with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The User.
    User,
    /// The Service Desk.
    Desk,
}

impl<U> Party<U> {
    /// Which side signs; `None` for time.
    pub const fn side(&self) -> Option<Side> {
        match self {
            Self::User => Some(Side::User),
            Self::Desk(_) => Some(Side::Desk),
            Self::Time => None,
        }
    }

    /// Whether two officers signed.
    pub const fn has_second(&self) -> bool {
        matches!(self, Self::Desk(officer) if officer.second.is_some())
    }

    /// The second officer's approval, where two signed.
    pub const fn second(&self) -> Option<&Approval<U>> {
        match self {
            Self::Desk(officer) => officer.second.as_ref(),
            Self::User | Self::Time => None,
        }
    }
}

impl Side {
    /// Who has to answer this side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::User => Self::Desk,
            Self::Desk => Self::User,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "the User",
            Self::Desk => "the Service Desk",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_answer_each_other() {
        for side in [Side::User, Side::Desk] {
            assert_ne!(side.other(), side);
            assert_eq!(side.other().other(), side);
        }
        assert_eq!(Party::<u8>::Time.side(), None);
        assert_eq!(Party::<u8>::Time.second(), None);
        let two = crate::testing::two_officers(1, 2);
        assert_eq!(two.second(), Some(&crate::testing::approval(2)));
    }
}
