//! Whom a caller reads about.

use dco_block::Eui64;
use dco_engine::Reader as ReadsAs;

use crate::permit::{Caller, Permit, Reader, ReportReader};
use crate::status::Fault;

/// A right to read, and whom that is then about: one User, or everyone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About {
    /// The User that was named.
    One(Permit<Reader>),
    /// Whomever the caller may read about.
    Allowed(Permit<ReportReader>),
}

impl About {
    /// The User that `parent` names; without one, whomever the caller may read about.
    pub(super) fn of(caller: &Caller, parent: &str) -> Result<Self, Fault> {
        if parent.is_empty() {
            return caller.permit(()).map(Self::Allowed);
        }
        let (by, parent) = caller.permit_named(parent, "parent")?;
        parent.nothing_more()?;
        Ok(Self::One(by))
    }

    /// The only User it is about; `None` for everyone.
    pub(crate) fn user(self) -> Option<Eui64> {
        match self {
            Self::One(by) => Some(by.user()),
            Self::Allowed(by) => by.about(),
        }
    }

    /// What of others is read besides.
    pub(crate) fn reads_as(self) -> ReadsAs {
        match self {
            Self::One(by) => by.reads_as(),
            Self::Allowed(by) => by.reads_as(),
        }
    }
}
