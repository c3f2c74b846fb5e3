//! Notices and limits.

use dco_block::Eui64;
use dco_proto::v1 as pb;
use pb::notice::Subject;

use super::operations::pause_scope;
use super::schedule::{action_number, day_units, some_text};
use super::{BadAnswer, all, digest, digest_if_any, instant, parsed, parsed_if_any, required};
use crate::types::{
    ActTold, CountUse, Limits, Notice, NoticeSubject, Notices, QuotaUse, ScheduleName,
};

impl TryFrom<pb::ListNoticesResponse> for Notices {
    type Error = BadAnswer;

    fn try_from(wire: pb::ListNoticesResponse) -> Result<Self, BadAnswer> {
        Ok(Self {
            notices: all(wire.notices)?,
            position: wire.position,
            complete: wire.complete,
        })
    }
}

impl TryFrom<pb::Notice> for Notice {
    type Error = BadAnswer;

    fn try_from(wire: pb::Notice) -> Result<Self, BadAnswer> {
        Ok(Self {
            position: wire.number,
            create_us: instant("notice.create_time", wire.create_time)?,
            message: wire.message,
            subject: wire.subject.map(TryInto::try_into).transpose()?,
        })
    }
}

impl TryFrom<Subject> for NoticeSubject {
    type Error = BadAnswer;

    fn try_from(wire: Subject) -> Result<Self, BadAnswer> {
        Ok(match wire {
            Subject::ScheduleStep(it) => Self::ScheduleStep {
                schedule: parsed("schedule_step.schedule", &it.schedule)?,
                etag: it.revision.to_string(),
                act: it.act,
                by: it.by,
                answer_by_us: instant("schedule_step.answer_by_time", it.answer_by_time)?,
                told: it.told.map(act_told).transpose()?,
            },
            Subject::ActionPending(it) => Self::ActionPending {
                action: action("action_pending.action", &it.action)?,
                schedule: parsed("action_pending.schedule", &it.schedule)?,
                act: it.act,
                expire_us: instant("action_pending.expire_time", it.expire_time)?,
                told: it.told.map(act_told).transpose()?,
            },
            Subject::ActionSettled(it) => Self::ActionSettled {
                action: action("action_settled.action", &it.action)?,
                approved: it.approved,
            },
            Subject::CapacitySet(it) => Self::CapacitySet {
                first_date: it.first_service_date,
                one_day: it.one_day,
                capacity: it.capacity,
                cleared: it.cleared,
                agreed_days: it.agreed_days,
            },
            Subject::OverAgreed(it) => Self::OverAgreed {
                days: day_units(it.days),
                proposal: proposal(&it.proposal)?,
            },
            Subject::WindowsCrowded(it) => Self::WindowsCrowded {
                days: day_units(it.days),
                windows: all(it.windows)?,
            },
            Subject::TransferExpires(it) => Self::TransferExpires {
                transfer: parsed("transfer_expires.transfer", &it.transfer)?,
                expire_us: instant("transfer_expires.expire_time", it.expire_time)?,
            },
            Subject::ProductsHold(it) => Self::ProductsHold {
                user: user("products_hold.user", &it.user)?,
                manufacturer_image_hash: digest(
                    "products_hold.manufacturer_image_hash",
                    &it.manufacturer_image_hash,
                )?,
                held: it.held,
                freed: it.freed,
            },
            Subject::ThresholdBreached(it) => Self::ThresholdBreached {
                user: user("threshold_breached.user", &it.user)?,
                counted: it.counted,
                of_all_users: it.of_all_users,
                limit: it.limit,
                used: it.used,
                requested: it.requested,
            },
            Subject::PauseChanged(it) => pause_changed(it)?,
            Subject::TrtNear(it) => trt_near(&it)?,
            Subject::LimitNear(it) => limit_near(it),
            Subject::Displaced(it) => Self::Displaced {
                service_date: it.service_date,
                units: it.units,
            },
            Subject::NearlyUsed(it) => Self::NearlyUsed {
                schedule: parsed_if_any("nearly_used.schedule", &it.schedule)?,
                service_date: it.service_date,
                limit: it.limit,
                sent: it.sent,
            },
        })
    }
}

fn act_told(wire: pb::ActTold) -> Result<ActTold, BadAnswer> {
    Ok(ActTold {
        units: wire.units,
        dates: some_text(wire.first_date).zip(some_text(wire.last_date)),
        taken: wire.taken,
        cause: some_text(wire.cause),
        makes_room_for: parsed_if_any("told.makes_room_for", &wire.makes_room_for)?,
        end_date: some_text(wire.end_date),
    })
}

fn pause_changed(wire: pb::PauseChangedNotice) -> Result<NoticeSubject, BadAnswer> {
    Ok(NoticeSubject::PauseChanged {
        scope: pause_scope("pause_changed.scope", wire.scope)?,
        paused: wire.paused,
        ticket: wire.ticket,
        stop: wire.stop.map(Into::into),
    })
}

fn trt_near(wire: &pb::TrtNearNotice) -> Result<NoticeSubject, BadAnswer> {
    Ok(NoticeSubject::TrtNear {
        batch: parsed("trt_near.batch", &wire.batch)?,
        due_us: instant("trt_near.due_time", wire.due_time)?,
        open_count: wire.open_count,
    })
}

fn limit_near(wire: pb::LimitNearNotice) -> NoticeSubject {
    NoticeSubject::LimitNear {
        limit_name: wire.limit_name,
        service_date: some_text(wire.service_date),
        limit: wire.limit,
        used: wire.used,
    }
}

fn user(field: &'static str, name: &str) -> Result<Eui64, BadAnswer> {
    parsed(field, name.strip_prefix("users/").unwrap_or(name))
}

fn action(field: &'static str, name: &str) -> Result<u64, BadAnswer> {
    required(field, action_number(field, name)?)
}

fn proposal(moves: &[pb::ProposedMove]) -> Result<Vec<(ScheduleName, u64)>, BadAnswer> {
    let schedule = |it: &pb::ProposedMove| parsed("proposal.schedule", &it.schedule);
    moves
        .iter()
        .map(|it| Ok((schedule(it)?, it.units)))
        .collect()
}

impl TryFrom<pb::Limits> for Limits {
    type Error = BadAnswer;

    fn try_from(wire: pb::Limits) -> Result<Self, BadAnswer> {
        Ok(Self {
            service_date: wire.service_date,
            reset_us: instant("limits.reset_time", wire.reset_time)?,
            allowance_per_service_day: wire.allowance,
            allowance_sent: wire.allowance_sent,
            quotas: all(wire.quotas)?,
            days_ahead_max: wire.days_ahead_max,
            devices_max: wire.devices_max,
            counts: wire.counts.into_iter().map(Into::into).collect(),
            counts_reset_us: instant("limits.counts_reset_time", wire.counts_reset_time)?,
        })
    }
}

impl From<pb::CountUse> for CountUse {
    fn from(wire: pb::CountUse) -> Self {
        Self {
            counted: wire.counted,
            limit: wire.limit,
            used: wire.used,
        }
    }
}

impl TryFrom<pb::QuotaUse> for QuotaUse {
    type Error = BadAnswer;

    fn try_from(wire: pb::QuotaUse) -> Result<Self, BadAnswer> {
        let hash = &wire.manufacturer_image_hash;
        Ok(Self {
            service_date: wire.service_date,
            schedule: parsed("quota.schedule", &wire.schedule)?,
            manufacturer_image_hash: digest_if_any("quota.manufacturer_image_hash", hash)?,
            agreed: wire.agreed,
            sent: wire.sent,
        })
    }
}
