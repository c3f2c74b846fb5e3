//! What parties are told, and what a User may send.

use dco_block::Eui64;
use dco_engine::record::ActKind;
use dco_engine::{LimitsView, Notice, NoticeParty, NoticeSubject, Notices, QuotaUse};
use dco_proto::v1 as pb;
use dco_schedule::{Micros, ScheduleId, Side, Source, Span};

use super::name::{self, OfUser};
use super::schedules::{act_kind, action_name, covers, day_units, name as schedule_name, party};
use super::{for_people, instant};
use crate::status::Fault;

/// Whose notices are meant; `None` for the caller's own.
pub(crate) fn notice_party(parent: &str) -> Result<Option<NoticeParty>, Fault> {
    match parent {
        "" => Ok(None),
        "serviceDesk" => Ok(Some(NoticeParty::Desk)),
        "operators" => Ok(Some(NoticeParty::Operators)),
        _ => {
            let parent = OfUser::read(parent, "parent")?;
            parent.nothing_more()?;
            Ok(Some(NoticeParty::User(parent.user)))
        }
    }
}

/// Notices as they are listed.
pub(crate) fn listed(party: NoticeParty, notices: &Notices) -> pb::ListNoticesResponse {
    pb::ListNoticesResponse {
        notices: all(party, notices),
        position: notices.position,
        complete: notices.complete,
    }
}

/// Notices as they are watched.
pub(crate) fn watched(party: NoticeParty, notices: &Notices) -> pb::WatchNoticesResponse {
    pb::WatchNoticesResponse {
        notices: all(party, notices),
        position: notices.position,
    }
}

fn all(party: NoticeParty, notices: &Notices) -> Vec<pb::Notice> {
    let notices = notices.notices.iter();
    notices.map(|it| notice(party, it)).collect()
}

fn notice(party: NoticeParty, notice: &Notice) -> pb::Notice {
    pb::Notice {
        position: notice.number,
        create_time: Some(instant(notice.at_us)),
        summary: summary(party, &notice.subject),
        ..subject(party, &notice.subject)
    }
}

/// A resource of the User who reads.
fn of_reader(party: NoticeParty, name: impl FnOnce(Eui64) -> String) -> String {
    match party {
        NoticeParty::User(user) => name(user),
        NoticeParty::Desk | NoticeParty::Operators => String::new(),
    }
}

fn subject(reader: NoticeParty, subject: &NoticeSubject) -> pb::Notice {
    use pb::notice::Kind;
    let of = |kind: Kind| pb::Notice {
        kind: kind.into(),
        ..Default::default()
    };
    match subject {
        NoticeSubject::ScheduleStep {
            schedule,
            revision,
            act,
            by,
            answer_by_us,
        } => pb::Notice {
            schedule: schedule_name(*schedule),
            etag: revision.to_string(),
            act: act_kind(*act).into(),
            by: party(*by),
            answer_by_time: answer_by_us.map(instant),
            ..of(Kind::ScheduleStep)
        },
        NoticeSubject::ActionPending {
            action,
            schedule,
            act,
            expires_us,
        } => pb::Notice {
            action: action_name(Some(*action)),
            schedule: schedule_name(*schedule),
            act: act_kind(*act).into(),
            answer_by_time: Some(instant(*expires_us)),
            ..of(Kind::ActionPending)
        },
        NoticeSubject::ActionSettled { action, approved } => pb::Notice {
            action: action_name(Some(*action)),
            approved: *approved,
            ..of(Kind::ActionSettled)
        },
        NoticeSubject::CapacitySet { span, capacity, .. } => pb::Notice {
            first_date: span.first().to_string(),
            one_day: matches!(span, Span::On(_)),
            capacity: *capacity,
            ..of(Kind::CapacitySet)
        },
        NoticeSubject::OverAgreed { days, proposal } => pb::Notice {
            over_agreed: day_units(days.iter().copied()),
            proposal: proposal.iter().map(schedule_units).collect(),
            ..of(Kind::OverAgreed)
        },
        NoticeSubject::TransferExpires {
            transfer,
            expire_us,
        } => pb::Notice {
            transfer: of_reader(reader, |user| name::transfer(user, Some(*transfer))),
            expire_time: Some(instant(*expire_us)),
            ..of(Kind::TransferExpires)
        },
        NoticeSubject::NearlyUsed {
            source,
            date,
            limit,
            used,
        } => pb::Notice {
            schedule: of_reader(reader, |user| source_name(user, *source)),
            first_date: date.to_string(),
            one_day: true,
            limit: *limit,
            used: *used,
            ..of(Kind::NearlyUsed)
        },
    }
}

fn schedule_units((schedule, units): &(ScheduleId<Eui64>, u64)) -> pb::ScheduleUnits {
    pb::ScheduleUnits {
        schedule: schedule_name(*schedule),
        units: *units,
    }
}

/// The schedule that something was sent under; empty for the allowance.
fn source_name(user: Eui64, source: Source) -> String {
    match source {
        Source::Allowance => String::new(),
        Source::Schedule(number) => schedule_name(ScheduleId { user, number }),
    }
}

fn summary(reader: NoticeParty, subject: &NoticeSubject) -> String {
    match subject {
        NoticeSubject::ScheduleStep {
            schedule,
            act,
            by,
            answer_by_us,
            ..
        } => stepped(*schedule, *act, *by, *answer_by_us),
        NoticeSubject::ActionPending {
            action,
            schedule,
            act,
            expires_us,
        } => format!(
            "actions/{action} waits for a second officer until {}: {} of {}",
            for_people(*expires_us),
            word(*act),
            schedule_name(*schedule)
        ),
        NoticeSubject::ActionSettled { action, approved } => {
            let how = if *approved {
                "was approved and is done"
            } else {
                "was declined or waited too long, and is not done"
            };
            format!("actions/{action} {how}")
        }
        NoticeSubject::CapacitySet {
            span,
            capacity,
            profile,
            agreed_days,
        } => capacity_set(*span, *capacity, *profile, *agreed_days),
        NoticeSubject::OverAgreed { days, proposal } => format!(
            "more is agreed than there is room for on {} service days, the first is {}; a re-plan moves {} schedules",
            days.len(),
            days.first().map_or_else(
                || "none".to_owned(),
                |(date, units)| format!("{date} by {units} units")
            ),
            proposal.len()
        ),
        NoticeSubject::TransferExpires {
            transfer,
            expire_us,
        } => format!(
            "transfer {transfer} still misses blocks and expires at {}",
            for_people(*expire_us)
        ),
        NoticeSubject::NearlyUsed {
            source,
            date,
            limit,
            used,
        } => {
            let what = match source {
                Source::Allowance => "the allowance".to_owned(),
                Source::Schedule(_) => of_reader(reader, |user| source_name(user, *source)),
            };
            format!("{used} of {limit} units of {what} are sent for {date}")
        }
    }
}

fn stepped(
    schedule: ScheduleId<Eui64>,
    act: ActKind,
    by: Option<Side>,
    answer_by_us: Option<Micros>,
) -> String {
    let by = by.map_or_else(|| "time".to_owned(), |side| side.to_string());
    let answer = answer_by_us.map_or_else(String::new, |by_us| {
        format!("; it may be answered until {}", for_people(by_us))
    });
    let schedule = schedule_name(schedule);
    format!("{} of {schedule} by {by}{answer}", word(act))
}

/// An act as a noun.
fn word(act: ActKind) -> &'static str {
    match act {
        ActKind::Unspecified => "act",
        ActKind::Request => "request",
        ActKind::Offer => "offer",
        ActKind::Counter => "counter-offer",
        ActKind::Accept => "acceptance",
        ActKind::Decline => "refusal",
        ActKind::Withdraw => "withdrawal",
        ActKind::Amend => "amendment proposed",
        ActKind::Impose => "amendment imposed",
        ActKind::End => "end",
        ActKind::Lapse => "lapse",
    }
}

fn capacity_set(span: Span, capacity: Option<u32>, profile: bool, agreed_days: u32) -> String {
    let days = match span {
        Span::On(date) => format!("on {date}"),
        Span::From(date) => format!("from {date} on"),
    };
    let capacity = capacity.map(|units| format!("capacity {days} is {units} large images a day"));
    let profile = profile.then(|| format!("the hour profile {days} is another one"));
    let told: Vec<_> = capacity.into_iter().chain(profile).collect();
    let own = match agreed_days {
        0 => String::new(),
        days => format!("; {days} days agreed with you are under it, and stay as agreed"),
    };
    told.join(", and ") + &own
}

/// What a User may send.
pub(crate) fn limits(user: Eui64, view: &LimitsView) -> pb::Limits {
    pb::Limits {
        service_date: view.date.to_string(),
        reset_time: Some(instant(view.resets_us)),
        allowance_per_service_day: view.allowance,
        allowance_used: view.allowance_used,
        quotas: view.quotas.iter().map(|it| quota_use(user, it)).collect(),
        days_ahead_max: view.days_ahead_max.into(),
        devices_max: view.devices_max,
    }
}

fn quota_use(user: Eui64, quota: &QuotaUse) -> pb::QuotaUse {
    pb::QuotaUse {
        service_date: quota.date.to_string(),
        schedule: source_name(user, Source::Schedule(quota.schedule)),
        manufacturer_image_hash: covers(&quota.covers),
        agreed: quota.agreed,
        used: quota.used,
    }
}

#[cfg(test)]
mod tests {
    use dco_schedule::ServiceDate;

    use super::*;

    const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);

    fn told(reader: NoticeParty, subject: NoticeSubject) -> pb::Notice {
        notice(
            reader,
            &Notice {
                number: 3,
                at_us: 5,
                subject,
            },
        )
    }

    #[test]
    fn each_notice_says_in_a_sentence_what_its_fields_say() {
        let date = ServiceDate::from_days(20_000);
        let schedule = ScheduleId {
            user: USER,
            number: 7,
        };
        let by_us = Some(1_728_000_000_500_000);
        let subjects = [
            NoticeSubject::ScheduleStep {
                schedule,
                revision: 4,
                act: ActKind::Amend,
                by: Some(Side::Desk),
                answer_by_us: by_us,
            },
            NoticeSubject::ActionPending {
                action: 9,
                schedule,
                act: ActKind::Impose,
                expires_us: 1_728_000_000_000_000,
            },
            NoticeSubject::ActionSettled {
                action: 9,
                approved: false,
            },
            NoticeSubject::CapacitySet {
                span: Span::On(date),
                capacity: Some(9_000),
                profile: true,
                agreed_days: 1,
            },
            NoticeSubject::OverAgreed {
                days: vec![(date, 40)],
                proposal: vec![(schedule, 40)],
            },
            NoticeSubject::TransferExpires {
                transfer: 5,
                expire_us: 1_728_000_000_000_000,
            },
            NoticeSubject::NearlyUsed {
                source: Source::Schedule(7),
                date,
                limit: 100,
                used: 80,
            },
        ];
        let reader = NoticeParty::User(USER);
        let lines = subjects.map(|subject| {
            let told = told(reader, subject);
            assert_eq!(told.position, 3);
            format!("{}: {}", told.kind().as_str_name(), told.summary)
        });
        insta::assert_snapshot!(lines.join("\n"), @"");
    }

    #[test]
    fn a_party_is_named_or_is_the_caller_itself() {
        let read = |parent: &str| notice_party(parent).map_err(|fault| fault.reason());
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("serviceDesk"), Ok(Some(NoticeParty::Desk)));
        assert_eq!(read("operators"), Ok(Some(NoticeParty::Operators)));
        let user = format!("users/{USER}");
        assert_eq!(read(&user), Ok(Some(NoticeParty::User(USER))));
        for wrong in ["users", "gateways", &format!("{user}/batches/1")] {
            assert_eq!(read(wrong), Err("NAME_INVALID"), "{wrong}");
        }
    }
}
