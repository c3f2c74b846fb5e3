//! Delivery schedules.

use std::fmt::Display;

use bytes::Bytes;
use dco_proto::v1 as pb;

use super::{BadAnswer, all, digest_if_any, instant, parsed, parsed_if_any, required, timestamp};
use crate::types::{
    Acted, DayUnits, MoveCause, PendingAction, Schedule, ScheduleDeal, ScheduleMove, ScheduleName,
    ScheduleProposal, ScheduleRequest, ScheduleSignature, ScheduleStep, ShownDeal, Signing,
};

pub(crate) fn head(
    name: ScheduleName,
    etag: String,
    signing: Signing,
) -> Option<pb::ScheduleActHead> {
    Some(pb::ScheduleActHead {
        name: name.to_string(),
        etag,
        request_id: signing.request_id.to_string(),
        validate_only: signing.validate_only,
        reason: signing.reason,
        ticket: signing.ticket,
        beyond_request: false,
    })
}

/// A change of what is agreed: proposed with an instant to answer by, or imposed without one.
pub(crate) fn amendment(
    head: Option<pb::ScheduleActHead>,
    deal: ScheduleDeal,
    answer_by_us: Option<i64>,
    cause: Option<MoveCause>,
) -> pb::AmendScheduleRequest {
    let (wire, makes_room_for) = match cause {
        None => (pb::MoveCause::Unspecified, None),
        Some(MoveCause::OverAgreed) => (pb::MoveCause::OverAgreed, None),
        Some(MoveCause::MakesRoom(other)) => (pb::MoveCause::MakesRoom, other),
    };
    pb::AmendScheduleRequest {
        head,
        deal: Some(deal.into()),
        answer_by_time: answer_by_us.map(timestamp),
        cause: wire.into(),
        makes_room_for: makes_room_for.map_or_else(String::new, |other| other.to_string()),
        impose: answer_by_us.is_none(),
    }
}

impl From<ScheduleRequest> for pb::ScheduleRequest {
    fn from(request: ScheduleRequest) -> Self {
        let hash = request.manufacturer_image_hash;
        Self {
            manufacturer_image_hash: hash
                .map_or_else(Bytes::new, |hash| Bytes::copy_from_slice(hash.as_bytes())),
            device_count: request.device_count,
            earliest_date: request.earliest_date,
            latest_date: request.latest_date,
            per_day_max: request.per_day_max,
        }
    }
}

impl TryFrom<pb::ScheduleRequest> for ScheduleRequest {
    type Error = BadAnswer;

    fn try_from(wire: pb::ScheduleRequest) -> Result<Self, BadAnswer> {
        let hash = &wire.manufacturer_image_hash;
        Ok(Self {
            manufacturer_image_hash: digest_if_any("request.manufacturer_image_hash", hash)?,
            device_count: wire.device_count,
            earliest_date: wire.earliest_date,
            latest_date: wire.latest_date,
            per_day_max: wire.per_day_max,
        })
    }
}

impl From<ScheduleDeal> for pb::ScheduleDeal {
    fn from(deal: ScheduleDeal) -> Self {
        let quota = deal.quota.into_iter().map(|day| pb::DayUnits {
            service_date: day.service_date,
            units: day.units,
        });
        Self {
            quota: quota.collect(),
            window: deal
                .window_hours
                .map(|(from_hour, to_hour)| pb::HourWindow { from_hour, to_hour }),
            canary_device_count: deal.canary_device_count,
            run_ahead: deal.run_ahead,
            security: deal.security,
            ..Default::default()
        }
    }
}

impl From<pb::ScheduleDeal> for ShownDeal {
    fn from(wire: pb::ScheduleDeal) -> Self {
        Self {
            deal: ScheduleDeal {
                quota: day_units(wire.quota),
                window_hours: wire.window.map(|it| (it.from_hour, it.to_hour)),
                canary_device_count: wire.canary_device_count,
                run_ahead: wire.run_ahead,
                security: wire.security,
            },
            total: wire.quota_total,
            dates: some_text(wire.first_date).zip(some_text(wire.last_date)),
        }
    }
}

pub(crate) fn day_units(days: Vec<pb::DayUnits>) -> Vec<DayUnits> {
    let days = days.into_iter().map(|day| DayUnits {
        service_date: day.service_date,
        units: day.units,
    });
    days.collect()
}

impl TryFrom<pb::Schedule> for Schedule {
    type Error = BadAnswer;

    fn try_from(wire: pb::Schedule) -> Result<Self, BadAnswer> {
        Ok(Self {
            name: parsed_if_any("schedule.name", &wire.name)?,
            state: word("schedule.state", wire.state().as_str_name())?,
            etag: wire.etag,
            request: required("schedule.request", wire.request)?.try_into()?,
            agreed: wire.agreed.map(Into::into),
            amendment_count: wire.amendment_count,
            proposal: wire.proposal.map(TryInto::try_into).transpose()?,
            moves: all(wire.moves)?,
            move_count: wire.move_count,
            moves_max: wire.moves_max,
            history: all(wire.history)?,
            end_date: some_text(wire.end_date),
            warnings: wire.warnings,
            waiting_actions: waiting(&wire.waiting_actions)?,
        })
    }
}

impl TryFrom<pb::ScheduleProposal> for ScheduleProposal {
    type Error = BadAnswer;

    fn try_from(wire: pb::ScheduleProposal) -> Result<Self, BadAnswer> {
        Ok(Self {
            by: word("proposal.by", wire.by().as_str_name())?,
            cause: cause(wire.cause(), &wire.makes_room_for)?,
            deal: required("proposal.deal", wire.deal)?.into(),
            answer_by_us: instant("proposal.answer_by_time", wire.answer_by_time)?,
        })
    }
}

impl TryFrom<pb::ScheduleMove> for ScheduleMove {
    type Error = BadAnswer;

    fn try_from(wire: pb::ScheduleMove) -> Result<Self, BadAnswer> {
        Ok(Self {
            move_us: instant("move.move_time", wire.move_time)?,
            cause: cause(wire.cause(), &wire.makes_room_for)?,
            taken: day_units(wire.taken),
            given: day_units(wire.given),
            imposed: wire.imposed,
        })
    }
}

impl TryFrom<pb::ScheduleStep> for ScheduleStep {
    type Error = BadAnswer;

    fn try_from(wire: pb::ScheduleStep) -> Result<Self, BadAnswer> {
        Ok(Self {
            act: word("step.act", wire.act().as_str_name())?,
            cause: cause(wire.cause(), &wire.makes_room_for)?,
            signature: required("step.signature", wire.signature)?.try_into()?,
            deal: wire.deal.map(Into::into),
            answer_by_us: instant("step.answer_by_time", wire.answer_by_time)?,
            end_date: some_text(wire.end_date),
            beyond_request: wire.beyond_request,
        })
    }
}

impl TryFrom<pb::ScheduleSignature> for ScheduleSignature {
    type Error = BadAnswer;

    fn try_from(wire: pb::ScheduleSignature) -> Result<Self, BadAnswer> {
        Ok(Self {
            by: word("signature.by", wire.by().as_str_name())?,
            officer: parsed_if_any("signature.officer", &wire.officer)?,
            second_officer: parsed_if_any("signature.second_officer", &wire.second_officer)?,
            sign_us: instant("signature.sign_time", wire.sign_time)?,
            ticket: wire.ticket,
            reason: wire.reason,
            second_ticket: wire.second_ticket,
            second_reason: wire.second_reason,
        })
    }
}

impl TryFrom<pb::PendingAction> for PendingAction {
    type Error = BadAnswer;

    fn try_from(wire: pb::PendingAction) -> Result<Self, BadAnswer> {
        Ok(Self {
            number: action_number("action.name", &wire.name)?,
            state: word("action.state", wire.state().as_str_name())?,
            schedule: parsed("action.schedule", &wire.schedule)?,
            step: required("action.step", wire.step)?.try_into()?,
            expire_us: instant("action.expire_time", wire.expire_time)?,
            agreed: wire.agreed.map(Into::into),
            deal: wire.deal.map(Into::into),
            settled: wire.settled.map(TryInto::try_into).transpose()?,
        })
    }
}

impl TryFrom<pb::ActOnScheduleResponse> for Acted {
    type Error = BadAnswer;

    fn try_from(wire: pb::ActOnScheduleResponse) -> Result<Self, BadAnswer> {
        use pb::act_on_schedule_response::Result as Wire;
        match required("result", wire.result)? {
            Wire::Schedule(schedule) => Ok(Self::Schedule(Box::new(schedule.try_into()?))),
            Wire::Action(action) => Ok(Self::Action(Box::new(action.try_into()?))),
        }
    }
}

fn waiting(names: &[String]) -> Result<Vec<u64>, BadAnswer> {
    const FIELD: &str = "schedule.waiting_actions";
    let number = |name: &String| required(FIELD, action_number(FIELD, name)?);
    names.iter().map(number).collect()
}

fn cause(wire: pb::MoveCause, makes_room_for: &str) -> Result<Option<MoveCause>, BadAnswer> {
    Ok(match wire {
        pb::MoveCause::Unspecified => None,
        pb::MoveCause::OverAgreed => Some(MoveCause::OverAgreed),
        pb::MoveCause::MakesRoom => {
            let other = parsed_if_any("makes_room_for", makes_room_for)?;
            Some(MoveCause::MakesRoom(other))
        }
    })
}

/// The number in `actions/{number}`; the empty text is `None`.
pub(crate) fn action_number(field: &'static str, name: &str) -> Result<Option<u64>, BadAnswer> {
    parsed_if_any(field, name.strip_prefix("actions/").unwrap_or(name))
}

/// The name of a wire value, without the name of its enumeration before it; that of no value has no meaning.
pub(crate) fn word(field: &'static str, name: &'static str) -> Result<String, BadAnswer> {
    let prefixes = ["SCHEDULE_ACT_", "SCHEDULE_PARTY_"];
    let word = prefixes.iter().find_map(|it| name.strip_prefix(it));
    match word.unwrap_or(name) {
        word if word.ends_with("UNSPECIFIED") => {
            Err(BadAnswer::new(field, "has no value that this client knows"))
        }
        word => Ok(word.to_owned()),
    }
}

/// The empty text, which is what an absent field looks like, is `None`.
pub(crate) fn some_text(text: impl Display) -> Option<String> {
    Some(text.to_string()).filter(|text| !text.is_empty())
}
