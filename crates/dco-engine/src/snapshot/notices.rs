//! What parties were told, in order.

mod capacity;
mod sending;

use dco_block::Eui64;
use dco_schedule::{ScheduleId, ServiceDate, Side, Source};

use super::Why;
use crate::event::NoticeParty;
use crate::record::{ActKind, Counted, CrowdedWindow, Near, PauseChanged, Quota};
use crate::state::notices::{NoticeBoard, Told};
use crate::view::NoticeSubject;

/// Party by party.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Notices {
    #[prost(message, repeated, tag = "1")]
    parties: Vec<Party>,
}

/// One party's, from the first that is kept on.
#[derive(Clone, PartialEq, prost::Message)]
struct Party {
    #[prost(enumeration = "PartyKind", tag = "1")]
    kind: i32,
    /// Which User, for one.
    #[prost(fixed64, tag = "2")]
    user: u64,
    #[prost(message, repeated, tag = "3")]
    notices: Vec<Notice>,
    /// Those up to this number are not kept any more.
    #[prost(uint64, tag = "94")]
    forgotten: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum PartyKind {
    Unspecified = 0,
    User = 1,
    Desk = 2,
    Operators = 3,
}

/// One of them; what its kind does not have is 0.
#[derive(Clone, PartialEq, prost::Message)]
struct Notice {
    #[prost(int64, tag = "1")]
    at_us: i64,
    #[prost(enumeration = "Kind", tag = "2")]
    kind: i32,
    /// A schedule's User.
    #[prost(fixed64, tag = "3")]
    user: u64,
    /// A schedule's, action's or transfer's number.
    #[prost(uint64, tag = "4")]
    number: u64,
    #[prost(uint32, tag = "5")]
    schedule: u32,
    #[prost(uint32, tag = "6")]
    revision: u32,
    #[prost(enumeration = "ActKind", tag = "7")]
    act: i32,
    /// 1 the User, 2 the Service Desk, 0 time.
    #[prost(uint32, tag = "8")]
    side: u32,
    #[prost(int64, optional, tag = "9")]
    until_us: Option<i64>,
    /// Approved, a profile set, or the allowance.
    #[prost(bool, tag = "10")]
    flag: bool,
    #[prost(sint32, tag = "11")]
    date: i32,
    /// For that day alone.
    #[prost(bool, tag = "12")]
    one_day: bool,
    /// A capacity or a limit.
    #[prost(uint32, optional, tag = "13")]
    limit: Option<u32>,
    /// Days agreed, or units used.
    #[prost(uint32, tag = "14")]
    count: u32,
    #[prost(message, optional, tag = "15")]
    days: Option<Quota>,
    /// Schedules that a re-plan would move: Users, numbers and units.
    #[prost(fixed64, repeated, tag = "16")]
    moved_users: Vec<u64>,
    #[prost(uint32, repeated, tag = "17")]
    moved_numbers: Vec<u32>,
    #[prost(uint64, repeated, tag = "18")]
    moved_units: Vec<u64>,
    /// 32 octets, or none.
    #[prost(bytes = "vec", tag = "19")]
    manufacturer_image_hash: Vec<u8>,
    /// Activations that go on.
    #[prost(uint32, tag = "20")]
    freed: u32,
    #[prost(enumeration = "Counted", tag = "21")]
    counted: i32,
    /// What a refused request would have added.
    #[prost(uint32, tag = "22")]
    requested: u32,
    #[prost(message, optional, tag = "68")]
    pause: Option<PauseChanged>,
    #[prost(enumeration = "Near", tag = "75")]
    near: i32,
    /// A limit that may be over 32 bits.
    #[prost(uint64, tag = "76")]
    wide_limit: u64,
    /// What of it is used, or activations.
    #[prost(uint64, tag = "77")]
    wide_used: u64,
    /// Schedules whose windows are crowded.
    #[prost(message, repeated, tag = "130")]
    windows: Vec<CrowdedWindow>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum Kind {
    Unspecified = 0,
    ScheduleStep = 1,
    ActionPending = 2,
    ActionSettled = 3,
    CapacitySet = 4,
    OverAgreed = 5,
    TransferExpires = 6,
    NearlyUsed = 7,
    TrtNear = 25,
    LimitNear = 26,
    ProductsHold = 30,
    ThresholdBreached = 31,
    WindowsCrowded = 45,
    CapacityCleared = 170,
    Displaced = 110,
    PauseChanged = 68,
}

impl Notices {
    pub(super) fn of(board: &NoticeBoard) -> Self {
        let NoticeBoard { by_party } = board;
        let parties = by_party.iter().map(|(party, told)| {
            let Told { forgotten, kept } = told;
            let (kind, user) = match party {
                NoticeParty::User(user) => (PartyKind::User, user.bits()),
                NoticeParty::Desk => (PartyKind::Desk, 0),
                NoticeParty::Operators => (PartyKind::Operators, 0),
            };
            let notices = kept.iter().map(|(at_us, subject)| Notice {
                at_us: *at_us,
                ..Notice::of(subject)
            });
            Party {
                kind: kind.into(),
                user,
                notices: notices.collect(),
                forgotten: *forgotten,
            }
        });
        Self {
            parties: parties.collect(),
        }
    }

    pub(super) fn load(self) -> Result<NoticeBoard, Why> {
        let mut board = NoticeBoard::default();
        let mut before = None;
        for party in self.parties {
            let name = match party.kind() {
                PartyKind::User => NoticeParty::User(Eui64::from_bits(party.user)),
                PartyKind::Desk => NoticeParty::Desk,
                PartyKind::Operators => NoticeParty::Operators,
                PartyKind::Unspecified => return Err("a party with notices is none"),
            };
            if before.replace(name) >= Some(name) {
                return Err("parties with notices are not in order");
            }
            board.by_party.entry(name).or_default().forgotten = party.forgotten;
            for notice in party.notices {
                let subject = notice.read().ok_or("a notice says what none says")?;
                board.add(name, notice.at_us, subject);
            }
        }
        Ok(board)
    }
}

impl Notice {
    fn of(subject: &NoticeSubject) -> Self {
        let of = |kind: Kind| Self {
            kind: kind.into(),
            ..Self::default()
        };
        match subject {
            NoticeSubject::ScheduleStep {
                schedule,
                revision,
                act,
                by,
                answer_by_us,
            } => Self {
                revision: *revision,
                side: side_number(*by),
                until_us: *answer_by_us,
                ..Self::about(Kind::ScheduleStep, *schedule, *act)
            },
            NoticeSubject::ActionPending {
                action,
                schedule,
                act,
                expires_us,
            } => Self {
                number: *action,
                until_us: Some(*expires_us),
                ..Self::about(Kind::ActionPending, *schedule, *act)
            },
            NoticeSubject::ActionSettled { action, approved } => Self {
                number: *action,
                flag: *approved,
                ..of(Kind::ActionSettled)
            },
            NoticeSubject::CapacitySet { .. } | NoticeSubject::CapacityCleared { .. } => {
                Self::of_capacity(subject)
            }
            NoticeSubject::OverAgreed { days, proposal } => Self::of_over_agreed(days, proposal),
            NoticeSubject::TransferExpires {
                transfer,
                expire_us,
            } => Self {
                number: *transfer,
                until_us: Some(*expire_us),
                ..of(Kind::TransferExpires)
            },
            NoticeSubject::NearlyUsed {
                source,
                date,
                limit,
                used,
            } => Self {
                flag: *source == Source::Allowance,
                schedule: source.schedule().unwrap_or(0),
                date: date.days(),
                limit: Some(*limit),
                count: *used,
                ..of(Kind::NearlyUsed)
            },
            other => Self::of_what_is_refused(other),
        }
    }

    /// What is held back or refused.
    fn of_what_is_refused(subject: &NoticeSubject) -> Self {
        match subject {
            NoticeSubject::WindowsCrowded { days, windows } => Self {
                kind: Kind::WindowsCrowded.into(),
                windows: windows.iter().map(CrowdedWindow::of).collect(),
                ..Self::of_over_agreed(days, &[])
            },
            NoticeSubject::ProductsHold {
                user,
                manufacturer_image_hash,
                held,
                freed,
            } => Self {
                kind: Kind::ProductsHold.into(),
                user: user.bits(),
                manufacturer_image_hash: manufacturer_image_hash.as_bytes().to_vec(),
                count: *held,
                freed: *freed,
                ..Self::default()
            },
            NoticeSubject::ThresholdBreached {
                user,
                counted,
                of_all,
                limit,
                used,
                requested,
            } => Self {
                kind: Kind::ThresholdBreached.into(),
                user: user.bits(),
                counted: (*counted).into(),
                flag: *of_all,
                limit: Some(*limit),
                count: *used,
                requested: *requested,
                ..Self::default()
            },
            NoticeSubject::PauseChanged {
                scope,
                paused,
                ticket,
                stop,
            } => Self {
                kind: Kind::PauseChanged.into(),
                flag: *paused,
                pause: Some(PauseChanged {
                    ticket: ticket.clone(),
                    stop: *stop,
                    ..PauseChanged::of(*scope)
                }),
                ..Self::default()
            },
            near => Self::of_what_is_near(near),
        }
    }

    fn about(kind: Kind, schedule: ScheduleId<Eui64>, act: ActKind) -> Self {
        Self {
            kind: kind.into(),
            user: schedule.user.bits(),
            schedule: schedule.number,
            act: act.into(),
            ..Self::default()
        }
    }

    fn of_over_agreed(days: &[(ServiceDate, u32)], proposal: &[(ScheduleId<Eui64>, u64)]) -> Self {
        Self {
            kind: Kind::OverAgreed.into(),
            days: Some(Quota {
                dates: days.iter().map(|(date, _)| date.days()).collect(),
                units: days.iter().map(|(_, units)| *units).collect(),
            }),
            moved_users: proposal.iter().map(|(id, _)| id.user.bits()).collect(),
            moved_numbers: proposal.iter().map(|(id, _)| id.number).collect(),
            moved_units: proposal.iter().map(|(_, units)| *units).collect(),
            ..Self::default()
        }
    }

    fn read(&self) -> Option<NoticeSubject> {
        let date = ServiceDate::from_days(self.date);
        Some(match self.kind() {
            Kind::Unspecified => return None,
            Kind::ScheduleStep => NoticeSubject::ScheduleStep {
                schedule: self.schedule_id(),
                revision: self.revision,
                act: self.act(),
                by: side_of(self.side)?,
                answer_by_us: self.until_us,
            },
            Kind::ActionPending => NoticeSubject::ActionPending {
                action: self.number,
                schedule: self.schedule_id(),
                act: self.act(),
                expires_us: self.until_us?,
            },
            Kind::ActionSettled => NoticeSubject::ActionSettled {
                action: self.number,
                approved: self.flag,
            },
            Kind::CapacitySet => self.capacity_set(date),
            Kind::CapacityCleared => self.capacity_cleared(date)?,
            Kind::OverAgreed => self.over_agreed()?,
            Kind::WindowsCrowded => self.windows_crowded()?,
            Kind::TransferExpires => NoticeSubject::TransferExpires {
                transfer: self.number,
                expire_us: self.until_us?,
            },
            Kind::NearlyUsed => NoticeSubject::NearlyUsed {
                source: if self.flag {
                    Source::Allowance
                } else {
                    Source::Schedule(self.schedule)
                },
                date,
                limit: self.limit?,
                used: self.count,
            },
            Kind::TrtNear => self.trt_near()?,
            Kind::LimitNear => self.limit_near(date)?,
            Kind::ProductsHold => NoticeSubject::ProductsHold {
                user: Eui64::from_bits(self.user),
                manufacturer_image_hash: self.manufacturer_image_hash.as_slice().try_into().ok()?,
                held: self.count,
                freed: self.freed,
            },
            Kind::ThresholdBreached => NoticeSubject::ThresholdBreached {
                user: Eui64::from_bits(self.user),
                counted: Counted::try_from(self.counted).ok()?,
                of_all: self.flag,
                limit: self.limit?,
                used: self.count,
                requested: self.requested,
            },
            Kind::PauseChanged => self.pause_changed()?,
            Kind::Displaced => NoticeSubject::Displaced {
                date,
                units: self.count,
            },
        })
    }

    const fn schedule_id(&self) -> ScheduleId<Eui64> {
        ScheduleId {
            user: Eui64::from_bits(self.user),
            number: self.schedule,
        }
    }

    fn windows_crowded(&self) -> Option<NoticeSubject> {
        let windows = self.windows.iter().map(CrowdedWindow::read);
        Some(NoticeSubject::WindowsCrowded {
            days: self.days.as_ref()?.read()?.days().collect(),
            windows: windows.collect::<Option<_>>()?,
        })
    }

    fn over_agreed(&self) -> Option<NoticeSubject> {
        let lens = [self.moved_numbers.len(), self.moved_units.len()];
        let days = self.days.as_ref()?;
        if lens != [self.moved_users.len(); 2] || days.dates.len() != days.units.len() {
            return None;
        }
        let dates = days.dates.iter().copied().map(ServiceDate::from_days);
        let names = self.moved_users.iter().zip(&self.moved_numbers);
        let names = names.map(|(user, number)| ScheduleId {
            user: Eui64::from_bits(*user),
            number: *number,
        });
        Some(NoticeSubject::OverAgreed {
            days: dates.zip(days.units.iter().copied()).collect(),
            proposal: names.zip(self.moved_units.iter().copied()).collect(),
        })
    }
}

const fn side_number(side: Option<Side>) -> u32 {
    match side {
        None => 0,
        Some(Side::User) => 1,
        Some(Side::Desk) => 2,
    }
}

const fn side_of(number: u32) -> Option<Option<Side>> {
    match number {
        0 => Some(None),
        1 => Some(Some(Side::User)),
        2 => Some(Some(Side::Desk)),
        _ => None,
    }
}
