//! What is set for service days, and taken back, among the notices.

use dco_schedule::{ServiceDate, Span};

use super::{Kind, Notice};
use crate::view::NoticeSubject;

impl Notice {
    /// What was set or taken back.
    pub(super) fn of_capacity(subject: &NoticeSubject) -> Self {
        match subject {
            NoticeSubject::CapacitySet {
                span,
                capacity,
                profile,
                agreed_days,
            } => Self {
                kind: Kind::CapacitySet.into(),
                date: span.first().days(),
                one_day: matches!(span, Span::On(_)),
                limit: *capacity,
                flag: *profile,
                count: *agreed_days,
                ..Self::default()
            },
            NoticeSubject::CapacityCleared {
                date,
                capacity,
                agreed_days,
            } => Self {
                kind: Kind::CapacityCleared.into(),
                date: date.days(),
                limit: Some(*capacity),
                count: *agreed_days,
                ..Self::default()
            },
            _ => unreachable!("nothing else is about capacity alone"),
        }
    }

    pub(super) const fn capacity_set(&self, date: ServiceDate) -> NoticeSubject {
        NoticeSubject::CapacitySet {
            span: if self.one_day {
                Span::On(date)
            } else {
                Span::From(date)
            },
            capacity: self.limit,
            profile: self.flag,
            agreed_days: self.count,
        }
    }

    pub(super) fn capacity_cleared(&self, date: ServiceDate) -> Option<NoticeSubject> {
        Some(NoticeSubject::CapacityCleared {
            date,
            capacity: self.limit?,
            agreed_days: self.count,
        })
    }
}
