//! Warnings and pauses among the notices.

use dco_block::Eui64;
use dco_schedule::ServiceDate;

use super::{Kind, Notice};
use crate::record::Near;
use crate::view::NoticeSubject;

impl Notice {
    /// What was warned of.
    pub(super) fn of_what_is_near(subject: &NoticeSubject) -> Self {
        let of = |kind: Kind| Self {
            kind: kind.into(),
            ..Self::default()
        };
        match subject {
            NoticeSubject::TrtNear {
                user,
                batch,
                due_us,
                open,
            } => Self {
                user: user.bits(),
                number: *batch,
                until_us: Some(*due_us),
                wide_used: *open,
                ..of(Kind::TrtNear)
            },
            NoticeSubject::LimitNear {
                near,
                date,
                limit,
                used,
            } => Self {
                near: (*near).into(),
                flag: date.is_some(),
                date: date.map_or(0, ServiceDate::days),
                wide_limit: *limit,
                wide_used: *used,
                ..of(Kind::LimitNear)
            },
            NoticeSubject::Displaced { date, units } => Self {
                date: date.days(),
                count: *units,
                ..of(Kind::Displaced)
            },
            _ => unreachable!("every other subject is dealt with before"),
        }
    }

    pub(super) fn pause_changed(&self) -> Option<NoticeSubject> {
        let pause = self.pause.as_ref()?;
        Some(NoticeSubject::PauseChanged {
            scope: pause.of_what()?,
            paused: self.flag,
            ticket: pause.ticket.clone(),
            stop: pause.stop,
        })
    }

    pub(super) fn trt_near(&self) -> Option<NoticeSubject> {
        Some(NoticeSubject::TrtNear {
            user: Eui64::from_bits(self.user),
            batch: self.number,
            due_us: self.until_us?,
            open: self.wide_used,
        })
    }

    pub(super) fn limit_near(&self, date: ServiceDate) -> Option<NoticeSubject> {
        Some(NoticeSubject::LimitNear {
            near: Near::try_from(self.near).ok()?,
            date: self.flag.then_some(date),
            limit: self.wide_limit,
            used: self.wide_used,
        })
    }
}
