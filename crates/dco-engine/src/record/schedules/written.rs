//! From the book's changes to the journal's words.

use dco_block::Eui64;
use dco_schedule::{
    Act, Amendment, Approval, Cause, Covers, Officer, Party, Quota, Request, Setting, Span, Text,
};

use crate::event::NoticeParty;

use super::{
    ActKind, Asked, CapacitySet, Deal, ForgottenNotices, MoveCause, NoticeKind, ProposedMove,
    Quota as QuotaRecord, ScheduleAct, Signatory, Signature,
};

type User = Eui64;

impl ScheduleAct {
    /// The journal's form of an act, and whether it means to go beyond the request.
    pub(crate) fn of(act: &Act<User>, beyond_request: bool) -> Self {
        let (asked, cause, end_date) = match act {
            Act::Request(request) => (Some(Asked::of(request)), None, None),
            Act::Amend { cause, .. } => (None, cause.map(MoveCause::of), None),
            Act::Impose { cause, .. } => (None, Some(MoveCause::of(*cause)), None),
            Act::End { from } => (None, None, Some(from.days())),
            _ => (None, None, None),
        };
        Self {
            kind: ActKind::of(act).into(),
            asked,
            deal: act.deal().map(Deal::of),
            answer_by_us: act.answer_by_us(),
            cause,
            end_date,
            beyond_request,
        }
    }
}

impl ActKind {
    /// The kind of an act.
    pub const fn of(act: &Act<User>) -> Self {
        match act {
            Act::Request(_) => Self::Request,
            Act::Offer { .. } => Self::Offer,
            Act::Counter { .. } => Self::Counter,
            Act::Accept => Self::Accept,
            Act::Decline => Self::Decline,
            Act::Withdraw => Self::Withdraw,
            Act::Amend { .. } => Self::Amend,
            Act::Impose { .. } => Self::Impose,
            Act::End { .. } => Self::End,
            Act::Lapse => Self::Lapse,
        }
    }
}

impl Asked {
    fn of(request: &Request) -> Self {
        Self {
            image: match request.covers {
                Covers::Image(hash) => hash.to_vec(),
                Covers::Portfolio => Vec::new(),
            },
            devices: request.devices.get(),
            earliest: request.earliest.days(),
            latest: request.latest.days(),
            per_day_max: request.per_day_max.get(),
        }
    }
}

impl Deal {
    fn of(deal: &dco_schedule::Deal) -> Self {
        let window = deal.terms.window.map(|window| window.hours());
        Self {
            quota: Some(QuotaRecord::of(&deal.quota)),
            window_from: window.map(|(from, _)| from.into()),
            window_to: window.map(|(_, to)| to.into()),
            canary: deal.terms.canary.map_or(0, std::num::NonZeroU32::get),
            run_ahead: deal.terms.run_ahead,
            security: deal.terms.security,
        }
    }
}

impl QuotaRecord {
    /// The journal's form of a quota.
    pub(crate) fn of(quota: &Quota) -> Self {
        let (dates, units) = quota
            .days()
            .map(|(date, units)| (date.days(), units))
            .unzip();
        Self { dates, units }
    }
}

impl MoveCause {
    const fn of(cause: Cause<User>) -> Self {
        let (user, number) = match cause {
            Cause::MakesRoomFor(id) => (Some(id.user.bits()), id.number),
            Cause::OverAgreed | Cause::MakesRoom => (None, 0),
        };
        Self {
            user,
            number,
            unnamed: matches!(cause, Cause::MakesRoom),
        }
    }
}

impl Signature {
    /// The journal's form of a signature.
    pub(crate) fn of(by: &Party<User>, reason: &Text) -> Self {
        let signed = Self {
            reason: reason.as_str().to_owned(),
            ..Self::default()
        };
        let side = |by: Signatory| by.into();
        match by {
            Party::User => Self {
                by: side(Signatory::User),
                ..signed
            },
            Party::Time => Self {
                by: side(Signatory::Time),
                ..signed
            },
            Party::Desk(Officer {
                officer,
                ticket,
                second,
            }) => Self {
                by: side(Signatory::Desk),
                officer: officer.bits(),
                ticket: ticket.as_str().to_owned(),
                ..signed.approved(second.as_ref())
            },
        }
    }

    /// With what the second officer says.
    fn approved(self, second: Option<&Approval<User>>) -> Self {
        let said = second.and_then(|second| second.said.as_ref());
        let text = |text: &Text| text.as_str().to_owned();
        Self {
            second: second.map(|second| second.officer.bits()),
            second_ticket: said.map_or_else(String::new, |said| text(&said.ticket)),
            second_reason: said.map_or_else(String::new, |said| text(&said.reason)),
            ..self
        }
    }
}

impl ForgottenNotices {
    /// A party's notices up to a number.
    pub(crate) fn of(party: NoticeParty, through: u64) -> Self {
        let (kind, user) = match party {
            NoticeParty::User(user) => (NoticeKind::User, user.bits()),
            NoticeParty::Desk => (NoticeKind::Desk, 0),
            NoticeParty::Operators => (NoticeKind::Operators, 0),
        };
        Self {
            kind: kind.into(),
            user,
            through,
        }
    }
}

impl ProposedMove {
    /// The journal's form of an amendment that a re-plan proposes.
    pub(crate) fn of(amendment: &Amendment<User>) -> Self {
        Self {
            user: amendment.id.user.bits(),
            number: amendment.id.number,
            units: amendment.taken.total(),
        }
    }
}

impl CapacitySet {
    /// Of these settings for a span; who, why and what follows are to be filled in.
    pub(crate) fn of(span: Span, settings: &[Setting]) -> Self {
        let mut record = Self {
            first: span.first().days(),
            one_day: matches!(span, Span::On(_)),
            ..Self::default()
        };
        for setting in settings {
            match setting {
                Setting::Clear => record.clear = true,
                Setting::Capacity(capacity) => record.capacity = Some(*capacity),
                Setting::Profile(profile) => {
                    record.profile = (0..24).map(|hour| profile.weight(hour).into()).collect();
                }
            }
        }
        record
    }
}
