//! From the journal's words to the book's changes; `None` for what no program of ours wrote.

use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_schedule::{
    Act, Approval, Ask, Asker, Cause, Change, Covers, HourProfile, HourWindow, Micros, Officer,
    Party, Pending, Quota, Request, Said, ScheduleId, ServiceDate, Setting, Signed, Span, Step,
    Terms, Text,
};

use crate::event::NoticeParty;

use super::{
    ActKind, ActionClosed, ActionPended, Asked, CapacitySet, Deal, ForgottenNotices, MoveCause,
    NoticeKind, ProposedMove, Quota as QuotaRecord, ScheduleAct, ScheduleStepped, Signatory,
    Signature,
};

type User = Eui64;

impl ScheduleStepped {
    /// Which schedule.
    pub(crate) const fn id(&self) -> ScheduleId<User> {
        schedule_id(self.user, self.number)
    }

    /// The step, made at the record's time.
    pub(crate) fn step(&self, at_us: Micros) -> Option<Step<User>> {
        let act = self.act.as_ref()?;
        Some(Step {
            act: act.read()?,
            beyond_request: act.beyond_request,
            signed: self.signature.as_ref()?.read(at_us)?,
        })
    }
}

impl ActionPended {
    /// What waits, asked for at the record's time.
    pub(crate) fn pending(&self, at_us: Micros) -> Option<Pending<User>> {
        let signed = self.signature.as_ref()?.read(at_us)?;
        let Party::Desk(Officer {
            officer, ticket, ..
        }) = signed.by
        else {
            return None;
        };
        let act = self.act.as_ref()?;
        Some(Pending {
            ask: Ask {
                id: schedule_id(self.user, self.number),
                revision: self.revision,
                by: Asker::Officer { officer, ticket },
                reason: signed.reason,
                beyond_request: act.beyond_request,
                act: act.read()?,
            },
            asked_by: officer,
            asked_us: at_us,
            expires_us: self.expires_us,
        })
    }
}

impl ActionClosed {
    /// Who closed it, at the record's time.
    pub(crate) fn signed(&self, at_us: Micros) -> Option<Signed<User>> {
        self.signature.as_ref()?.read(at_us)
    }
}

impl CapacitySet {
    /// The days it is about.
    pub(crate) const fn span(&self) -> Span {
        let first = ServiceDate::from_days(self.first);
        if self.one_day {
            Span::On(first)
        } else {
            Span::From(first)
        }
    }

    /// The hour profile, where it sets one.
    pub(crate) fn hour_profile(&self) -> Option<Option<HourProfile>> {
        if self.profile.is_empty() {
            return Some(None);
        }
        profile_of(&self.profile).map(Some)
    }

    /// What it sets, signed at the record's time.
    pub(crate) fn changes(&self, at_us: Micros) -> Option<Vec<Change<User>>> {
        let signed = self.signature.as_ref()?.read(at_us)?;
        let clear = self.clear.then_some(Setting::Clear);
        let capacity = self.capacity.map(Setting::Capacity);
        let profile = self.hour_profile()?.map(Setting::Profile);
        let change = |setting| {
            Change::Capacity(dco_schedule::CapacitySet {
                span: self.span(),
                setting,
                signed: signed.clone(),
            })
        };
        let settings = clear.into_iter().chain(capacity).chain(profile);
        Some(settings.map(change).collect())
    }
}

/// An hour profile of its 24 weights.
pub(crate) fn profile_of(weights: &[u32]) -> Option<HourProfile> {
    let weights: Result<Vec<u16>, _> = weights.iter().copied().map(u16::try_from).collect();
    HourProfile::new(weights.ok()?.try_into().ok()?).ok()
}

impl ForgottenNotices {
    /// Whose; `None` where it is not said.
    pub(crate) fn party(&self) -> Option<NoticeParty> {
        Some(match self.kind() {
            NoticeKind::User => NoticeParty::User(Eui64::from_bits(self.user)),
            NoticeKind::Desk => NoticeParty::Desk,
            NoticeKind::Operators => NoticeParty::Operators,
            NoticeKind::Unspecified => return None,
        })
    }
}

impl ProposedMove {
    /// Which schedule.
    pub(crate) const fn schedule(&self) -> ScheduleId<User> {
        schedule_id(self.user, self.number)
    }
}

impl Signature {
    /// Who signed, at the record's time.
    pub(crate) fn read(&self, at_us: Micros) -> Option<Signed<User>> {
        let by = match self.by() {
            Signatory::User => Party::User,
            Signatory::Time => Party::Time,
            Signatory::Desk => Party::Desk(Officer {
                officer: Eui64::from_bits(self.officer),
                ticket: Text::kept(&self.ticket)?,
                second: self.approval()?,
            }),
            Signatory::Unspecified => return None,
        };
        Some(Signed {
            by,
            at_us,
            reason: Text::kept(&self.reason)?,
        })
    }

    /// Who approved it; `None` when what was said with it is not what an officer says.
    pub(crate) fn approval(&self) -> Option<Option<Approval<User>>> {
        let Some(second) = self.second else {
            return Some(None);
        };
        let said = match (self.second_ticket.as_str(), self.second_reason.as_str()) {
            ("", "") => None,
            (ticket, reason) => Some(Said {
                ticket: Text::kept(ticket)?,
                reason: Text::kept(reason)?,
            }),
        };
        let officer = Eui64::from_bits(second);
        Some(Some(Approval { officer, said }))
    }
}

impl ScheduleAct {
    fn read(&self) -> Option<Act<User>> {
        let deal = || self.deal.as_ref()?.read();
        let cause = self.cause.as_ref().map(MoveCause::read);
        Some(match self.kind() {
            ActKind::Request => Act::Request(self.asked.as_ref()?.read()?),
            ActKind::Offer => Act::Offer {
                deal: deal()?,
                answer_by_us: self.answer_by_us?,
            },
            ActKind::Counter => Act::Counter {
                deal: deal()?,
                answer_by_us: self.answer_by_us?,
            },
            ActKind::Accept => Act::Accept,
            ActKind::Decline => Act::Decline,
            ActKind::Withdraw => Act::Withdraw,
            ActKind::Amend => Act::Amend {
                deal: deal()?,
                answer_by_us: self.answer_by_us?,
                cause,
            },
            ActKind::Impose => Act::Impose {
                deal: deal()?,
                cause: cause?,
            },
            ActKind::End => Act::End {
                from: ServiceDate::from_days(self.end_date?),
            },
            ActKind::Lapse => Act::Lapse,
            ActKind::Unspecified => return None,
        })
    }
}

impl Asked {
    fn read(&self) -> Option<Request> {
        let covers = if self.image.is_empty() {
            Covers::Portfolio
        } else {
            Covers::Image(self.image.as_slice().try_into().ok()?)
        };
        Some(Request {
            covers,
            devices: NonZeroU32::new(self.devices)?,
            earliest: ServiceDate::from_days(self.earliest),
            latest: ServiceDate::from_days(self.latest),
            per_day_max: NonZeroU32::new(self.per_day_max)?,
        })
    }
}

impl Deal {
    fn read(&self) -> Option<dco_schedule::Deal> {
        Some(dco_schedule::Deal {
            quota: self.quota.as_ref()?.read()?,
            terms: Terms {
                window: window_of(self.window_from, self.window_to)?,
                canary: NonZeroU32::new(self.canary),
                run_ahead: self.run_ahead,
                security: self.security,
            },
        })
    }
}

/// The window between two hours, where there is one; `None` when they make none.
pub(crate) fn window_of(from: Option<u32>, to: Option<u32>) -> Option<Option<HourWindow>> {
    let (Some(from), Some(to)) = (from, to) else {
        return (from == to).then_some(None);
    };
    let hours = (u8::try_from(from).ok()?, u8::try_from(to).ok()?);
    HourWindow::new(hours.0, hours.1).ok().map(Some)
}

impl QuotaRecord {
    /// The quota that it is.
    pub(crate) fn read(&self) -> Option<Quota> {
        if self.dates.len() != self.units.len() {
            return None;
        }
        let dates = self.dates.iter().copied().map(ServiceDate::from_days);
        Some(dates.zip(self.units.iter().copied()).collect())
    }
}

impl MoveCause {
    fn read(&self) -> Cause<User> {
        match self.user {
            Some(user) => Cause::MakesRoomFor(schedule_id(user, self.number)),
            None if self.unnamed => Cause::MakesRoom,
            None => Cause::OverAgreed,
        }
    }
}

const fn schedule_id(user: u64, number: u32) -> ScheduleId<User> {
    ScheduleId {
        user: Eui64::from_bits(user),
        number,
    }
}
