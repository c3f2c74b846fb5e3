//! What is asked of what happened.

use std::collections::BTreeSet;

use dco_block::Eui64;
use dco_schedule::ServiceDate;

/// Service days in one answer: of more, the newest are told.
pub const REPORT_DAYS_MAX: usize = 400;

/// A report, counted from what records have made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRequest {
    /// As one User may see it: its own, and others where they cannot be told apart. `None`: everyone.
    pub user: Option<Eui64>,
    /// The first service day it is about; from the first there is if absent.
    pub first: Option<ServiceDate>,
    /// The last one, included.
    pub last: Option<ServiceDate>,
    /// Which.
    pub kind: ReportKind,
}

/// Which report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportKind {
    /// What each service day was agreed, sent and used for, and what was lost of it.
    Capacity,
    /// What each User received of what it was entitled to.
    Fairness,
    /// How activations ended.
    Success(BTreeSet<Grouping>),
    /// How activations stand against their TRT.
    Trt,
}

/// What activations of one row of the success report have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grouping {
    /// Their User.
    User,
    /// Their image.
    Image,
    /// The Device Model, as the inventory has it now.
    Model,
    /// The gateway, as the inventory has it now.
    Gateway,
}

impl ReportRequest {
    /// Of all service days, as one User or everyone may see it.
    pub const fn of(kind: ReportKind, user: Option<Eui64>) -> Self {
        Self {
            user,
            first: None,
            last: None,
            kind,
        }
    }

    pub(crate) fn is_about(&self, date: ServiceDate) -> bool {
        self.first.is_none_or(|first| first <= date) && self.last.is_none_or(|last| date <= last)
    }
}
