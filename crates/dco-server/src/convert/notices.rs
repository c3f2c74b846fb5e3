//! Notices and limits as they go out, and whose they are.

mod words;

use dco_block::Eui64;
use dco_engine::record::{ActKind, Counted, Near};
use dco_engine::{
    ActTold, CountUse, LimitsView, Notice, NoticeParty, NoticeSubject, Notices, QuotaUse,
};
use dco_proto::v1 as pb;
use dco_schedule::{Cause, ScheduleId, ServiceDate, Source, Span};
use pb::notice::Subject;

use words::{message, side};

use super::name::OfUser;
use super::schedules::{covers, crowded_window, day_units, name as schedule};
use super::{instant, name, scope};
use crate::status::Fault;

/// Whose notices are meant; `None` for the caller's own.
pub(crate) fn party(parent: &str) -> Result<Option<NoticeParty>, Fault> {
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

/// A party's notices.
pub(crate) fn notices(party: NoticeParty, notices: &Notices) -> pb::ListNoticesResponse {
    let told = notices.notices.iter().map(|it| notice(party, it));
    pb::ListNoticesResponse {
        notices: told.collect(),
        position: notices.position,
        complete: notices.complete,
    }
}

fn notice(party: NoticeParty, notice: &Notice) -> pb::Notice {
    pb::Notice {
        number: notice.number,
        create_time: Some(instant(notice.at_us)),
        message: message(notice),
        subject: Some(subject(party, notice)),
    }
}

fn act_told(told: &ActTold) -> pb::ActTold {
    let (cause, makes_room_for) = match told.cause {
        None => ("", String::new()),
        Some(Cause::OverAgreed) => ("OVER_AGREED", String::new()),
        Some(Cause::MakesRoom) => ("MAKES_ROOM", String::new()),
        Some(Cause::MakesRoomFor(id)) => ("MAKES_ROOM", schedule(id)),
    };
    let date = |date: Option<ServiceDate>| date.map_or_else(String::new, |it| it.to_string());
    pb::ActTold {
        units: told.units,
        first_date: date(told.days.map(|(first, _)| first)),
        last_date: date(told.days.map(|(_, last)| last)),
        taken: told.taken,
        cause: cause.to_owned(),
        makes_room_for,
        end_date: date(told.ends),
    }
}

/// The name of the schedule of the party itself; empty where it is none, or the party has no schedules.
fn own_schedule(party: NoticeParty, source: Source) -> String {
    match (party, source.schedule()) {
        (NoticeParty::User(user), Some(number)) => schedule(ScheduleId { user, number }),
        _ => String::new(),
    }
}

fn act(kind: ActKind) -> String {
    format!("{kind:?}").to_uppercase()
}

fn action(number: u64) -> String {
    format!("actions/{number}")
}

fn subject(party: NoticeParty, notice: &Notice) -> Subject {
    let told = || notice.told.as_ref().map(act_told);
    match &notice.subject {
        NoticeSubject::ScheduleStep {
            schedule: id,
            revision,
            act: kind,
            by,
            answer_by_us,
        } => Subject::ScheduleStep(pb::ScheduleStepNotice {
            schedule: schedule(*id),
            revision: *revision,
            act: act(*kind),
            by: side(*by).to_owned(),
            answer_by_time: answer_by_us.map(instant),
            told: told(),
        }),
        NoticeSubject::ActionPending {
            action: number,
            schedule: id,
            act: kind,
            expires_us,
        } => Subject::ActionPending(pb::ActionPendingNotice {
            action: action(*number),
            schedule: schedule(*id),
            act: act(*kind),
            expire_time: Some(instant(*expires_us)),
            told: told(),
        }),
        NoticeSubject::ActionSettled {
            action: number,
            approved,
        } => Subject::ActionSettled(pb::ActionSettledNotice {
            action: action(*number),
            approved: *approved,
        }),
        NoticeSubject::CapacitySet { .. } | NoticeSubject::CapacityCleared { .. } => {
            Subject::CapacitySet(capacity_set(&notice.subject))
        }
        NoticeSubject::OverAgreed { days, proposal } => over_agreed(days, proposal),
        NoticeSubject::WindowsCrowded { days, windows } => {
            Subject::WindowsCrowded(pb::WindowsCrowdedNotice {
                days: day_units(days.iter().copied()),
                windows: windows.iter().map(crowded_window).collect(),
            })
        }
        NoticeSubject::ProductsHold {
            user,
            manufacturer_image_hash,
            held,
            freed,
        } => Subject::ProductsHold(pb::ProductsHoldNotice {
            user: format!("users/{user}"),
            manufacturer_image_hash: manufacturer_image_hash.as_bytes().to_vec().into(),
            held: *held,
            freed: *freed,
        }),
        other => about_sending(party, other),
    }
}

/// What was set for service days, or taken back.
fn capacity_set(subject: &NoticeSubject) -> pb::CapacitySetNotice {
    match subject {
        NoticeSubject::CapacitySet {
            span,
            capacity,
            profile,
            agreed_days,
        } => pb::CapacitySetNotice {
            first_service_date: span.first().to_string(),
            one_day: matches!(span, Span::On(_)),
            capacity: *capacity,
            hour_profile_set: *profile,
            agreed_days: *agreed_days,
            cleared: false,
        },
        NoticeSubject::CapacityCleared {
            date,
            capacity,
            agreed_days,
        } => pb::CapacitySetNotice {
            first_service_date: date.to_string(),
            one_day: true,
            capacity: Some(*capacity),
            hour_profile_set: false,
            agreed_days: *agreed_days,
            cleared: true,
        },
        _ => unreachable!("nothing else is about capacity alone"),
    }
}

fn over_agreed(days: &[(ServiceDate, u32)], proposal: &[(ScheduleId<Eui64>, u64)]) -> Subject {
    let proposal = proposal.iter().map(|(id, units)| pb::ProposedMove {
        schedule: schedule(*id),
        units: *units,
    });
    Subject::OverAgreed(pb::OverAgreedNotice {
        days: day_units(days.iter().copied()),
        proposal: proposal.collect(),
    })
}

/// What a User is told of what it sends.
fn about_sending(party: NoticeParty, subject: &NoticeSubject) -> Subject {
    match subject {
        NoticeSubject::NearlyUsed {
            source,
            date,
            limit,
            used,
        } => Subject::NearlyUsed(pb::NearlyUsedNotice {
            schedule: own_schedule(party, *source),
            service_date: date.to_string(),
            limit: *limit,
            sent: *used,
        }),
        NoticeSubject::TrtNear {
            user,
            batch,
            due_us,
            open,
        } => Subject::TrtNear(pb::TrtNearNotice {
            batch: name::batch(*user, Some(*batch)),
            due_time: Some(instant(*due_us)),
            open_count: *open,
        }),
        NoticeSubject::LimitNear {
            near,
            date,
            limit,
            used,
        } => Subject::LimitNear(pb::LimitNearNotice {
            limit_name: limit_name(*near).to_owned(),
            service_date: date.map_or_else(String::new, |date| date.to_string()),
            limit: *limit,
            used: *used,
        }),
        NoticeSubject::TransferExpires {
            transfer,
            expire_us,
        } => Subject::TransferExpires(pb::TransferExpiresNotice {
            transfer: match party {
                NoticeParty::User(user) => name::transfer(user, Some(*transfer)),
                NoticeParty::Desk | NoticeParty::Operators => String::new(),
            },
            expire_time: Some(instant(*expire_us)),
        }),
        NoticeSubject::ThresholdBreached {
            user,
            counted: what,
            of_all,
            limit,
            used,
            requested,
        } => Subject::ThresholdBreached(pb::ThresholdBreachedNotice {
            user: format!("users/{user}"),
            counted: counted_name(*what).to_owned(),
            of_all_users: *of_all,
            limit: *limit,
            used: *used,
            requested: *requested,
        }),
        NoticeSubject::Displaced { date, units } => Subject::Displaced(pb::DisplacedNotice {
            service_date: date.to_string(),
            units: *units,
        }),
        other => about_pauses(other),
    }
}

fn about_pauses(subject: &NoticeSubject) -> Subject {
    match subject {
        NoticeSubject::PauseChanged {
            scope: of,
            paused,
            ticket,
            stop,
        } => Subject::PauseChanged(pb::PauseChangedNotice {
            scope: Some(scope::shown(*of)),
            paused: *paused,
            ticket: ticket.clone(),
            stop: stop.map(scope::figures),
        }),
        _ => unreachable!("every other subject is dealt with before"),
    }
}

const fn limit_name(near: Near) -> &'static str {
    match near {
        Near::OpenTransfers => "OPEN_TRANSFERS",
        Near::StoredBytes => "STORED_BYTES",
        Near::Capacity => "DAY_CAPACITY",
        Near::Trt | Near::Unspecified => "",
    }
}

/// What thresholds count, as the wire names it.
pub(crate) const fn counted_name(what: Counted) -> &'static str {
    match what {
        Counted::Unspecified => "",
        Counted::Transfers => "TRANSFERS",
        Counted::Activations => "ACTIVATIONS",
        Counted::RequestBytes => "REQUEST_BYTES",
        Counted::ScheduleSteps => "SCHEDULE_STEPS",
        Counted::Warnings => "WARNINGS",
    }
}

/// Limits as they go out.
pub(crate) fn limits(user: Eui64, view: &LimitsView) -> pb::Limits {
    pb::Limits {
        service_date: view.date.to_string(),
        reset_time: Some(instant(view.resets_us)),
        allowance: view.allowance,
        allowance_sent: view.allowance_sent,
        quotas: view.quotas.iter().map(|it| quota(user, it)).collect(),
        days_ahead_max: view.days_ahead_max.into(),
        devices_max: view.devices_max,
        counts: view.counts.iter().map(count).collect(),
        counts_reset_time: Some(instant(view.counts_reset_us)),
    }
}

fn count(it: &CountUse) -> pb::CountUse {
    pb::CountUse {
        counted: counted_name(it.counted).to_owned(),
        limit: it.limit,
        used: it.used,
    }
}

fn quota(user: Eui64, it: &QuotaUse) -> pb::QuotaUse {
    let number = it.schedule;
    pb::QuotaUse {
        service_date: it.date.to_string(),
        schedule: schedule(ScheduleId { user, number }),
        manufacturer_image_hash: covers(&it.covers),
        agreed: it.agreed,
        sent: it.sent,
    }
}

#[cfg(test)]
mod tests {
    use dco_engine::Scope;
    use dco_engine::record::StopFigures;
    use dco_schedule::{CrowdedWindow, HourWindow, ServiceDate, Side};

    use super::*;

    const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);

    #[test]
    fn a_party_is_named_or_is_the_caller_itself() {
        let read = |parent: &str| party(parent).map_err(|fault| fault.reason());
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("serviceDesk"), Ok(Some(NoticeParty::Desk)));
        assert_eq!(read("operators"), Ok(Some(NoticeParty::Operators)));
        let user = format!("users/{USER}");
        assert_eq!(read(&user), Ok(Some(NoticeParty::User(USER))));
        for wrong in ["users", "gateways", &format!("{user}/batches/1")] {
            assert_eq!(read(wrong), Err("NAME_INVALID"), "{wrong}");
        }
    }

    fn pauses() -> [NoticeSubject; 2] {
        let scope = Scope::Image(dco_block::ManufacturerImageHash::new([7; 32]));
        let (attempts, failed) = (50, 10);
        [
            NoticeSubject::PauseChanged {
                scope: Scope::User(USER),
                paused: false,
                ticket: "INC-1".to_owned(),
                stop: None,
            },
            NoticeSubject::PauseChanged {
                scope,
                paused: true,
                ticket: String::new(),
                stop: Some(StopFigures { attempts, failed }),
            },
        ]
    }

    fn near(date: ServiceDate, until_us: i64) -> Vec<NoticeSubject> {
        vec![
            NoticeSubject::TrtNear {
                user: USER,
                batch: 7,
                due_us: until_us,
                open: 12,
            },
            NoticeSubject::LimitNear {
                near: Near::StoredBytes,
                date: None,
                limit: 1_000,
                used: 800,
            },
            NoticeSubject::LimitNear {
                near: Near::Capacity,
                date: Some(date),
                limit: 12_000,
                used: 9_600,
            },
        ]
    }

    /// A notice; of a step that takes units for another schedule.
    fn told_at(at_us: dco_schedule::Micros, subject: &NoticeSubject) -> Notice {
        let date = "2026-06-02".parse().unwrap();
        let taking = ActTold {
            units: 60,
            days: Some((date, date)),
            taken: 30,
            cause: Some(Cause::MakesRoomFor(ScheduleId {
                user: USER,
                number: 7,
            })),
            ends: None,
        };
        let is_step = matches!(subject, NoticeSubject::ScheduleStep { .. });
        Notice {
            number: 1,
            at_us,
            subject: subject.clone(),
            told: is_step.then_some(taking),
        }
    }

    fn about_agreements(date: ServiceDate, until_us: i64) -> [NoticeSubject; 7] {
        let id = ScheduleId {
            user: USER,
            number: 7,
        };
        let kind = ActKind::Offer;
        [
            NoticeSubject::ScheduleStep {
                schedule: id,
                revision: 2,
                act: kind,
                by: Some(Side::Desk),
                answer_by_us: Some(until_us),
            },
            NoticeSubject::ActionPending {
                action: 3,
                schedule: id,
                act: kind,
                expires_us: until_us,
            },
            NoticeSubject::ActionSettled {
                action: 3,
                approved: true,
            },
            NoticeSubject::CapacitySet {
                span: Span::From(date),
                capacity: Some(9_000),
                profile: false,
                agreed_days: 0,
            },
            NoticeSubject::CapacityCleared {
                date,
                capacity: 12_000,
                agreed_days: 0,
            },
            NoticeSubject::OverAgreed {
                days: vec![(date, 30)],
                proposal: vec![(id, 30)],
            },
            NoticeSubject::WindowsCrowded {
                days: vec![(date, 30)],
                windows: vec![CrowdedWindow {
                    id,
                    date,
                    window: HourWindow::new(20, 24).unwrap(),
                    fits: 70,
                    agreed: 100,
                }],
            },
        ]
    }

    #[test]
    fn every_notice_has_a_sentence_and_its_facts() {
        let date = "2026-06-02".parse().unwrap();
        let until_us = 1_780_000_000_000_000;
        let told = [
            NoticeSubject::Displaced { date, units: 12 },
            NoticeSubject::TransferExpires {
                transfer: 4,
                expire_us: until_us,
            },
            NoticeSubject::NearlyUsed {
                source: Source::Schedule(7),
                date,
                limit: 500,
                used: 400,
            },
            NoticeSubject::ProductsHold {
                user: USER,
                manufacturer_image_hash: dco_block::ManufacturerImageHash::new([7; 32]),
                held: 3,
                freed: 2,
            },
            NoticeSubject::ThresholdBreached {
                user: USER,
                counted: Counted::Activations,
                of_all: false,
                limit: 10,
                used: 8,
                requested: 3,
            },
            NoticeSubject::ThresholdBreached {
                user: USER,
                counted: Counted::RequestBytes,
                of_all: true,
                limit: 10_000_000,
                used: 9_000_000,
                requested: 1_000_001,
            },
            NoticeSubject::ThresholdBreached {
                user: USER,
                counted: Counted::Warnings,
                of_all: false,
                limit: 200,
                used: 200,
                requested: 1,
            },
        ];
        let party = NoticeParty::User(USER);
        let (near, pauses) = (near(date, until_us), pauses());
        let agreeing = about_agreements(date, until_us);
        let lines = agreeing
            .iter()
            .chain(&told)
            .chain(&near)
            .chain(&pauses)
            .map(|it| {
                let notice = told_at(until_us, it);
                let facts = subject(party, &notice);
                format!("{}\n    {facts:?}\n", message(&notice))
            });
        insta::assert_snapshot!("every_notice", lines.collect::<String>());
    }
}
