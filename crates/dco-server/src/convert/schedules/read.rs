//! What parties ask of schedules, checked but for what only the engine knows.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_engine::{ActOnSchedule, AnswerAction};
use dco_proto::v1 as pb;
use dco_schedule::{
    Act, Asker, Cause, Covers, Deal, HourWindow, InvalidText, Micros, Quota, Request, ScheduleId,
    ServiceDate, Terms, Text,
};
use prost_types::Timestamp;

use super::super::{manufacturer_image_hash, name::OfUser, request_id, service_date};
use crate::permit::{Officer, Permit, ScheduleParty, User};
use crate::status::Fault;

/// The most days of a quota: as many as the configuration can allow to plan ahead.
const QUOTA_DAYS_MAX: usize = 3_660;

/// A User asks for a schedule.
pub(crate) fn requested(
    by: &Permit<User>,
    message: pb::RequestScheduleRequest,
) -> Result<ActOnSchedule, Fault> {
    Ok(ActOnSchedule {
        schedule: ScheduleId {
            user: by.user(),
            number: 0,
        },
        id: request_id(&message.request_id)?,
        validate_only: message.validate_only,
        by: Asker::User,
        reason: text(&message.reason, "reason")?,
        revision: 0,
        beyond_request: false,
        act: Act::Request(request(message.request.unwrap_or_default())?),
    })
}

/// One side does something to a schedule that is there.
pub(crate) fn act(
    by: &Permit<ScheduleParty>,
    number: u32,
    head: &pb::ScheduleActHead,
    act: Act<Eui64>,
) -> Result<ActOnSchedule, Fault> {
    let beyond_request = head.beyond_request && by.officer().is_some() && act.deal().is_some();
    let asker = match by.officer() {
        // To move a User is the Service Desk's.
        None if moves(&act) => return Err(Fault::caller_not_permitted()),
        None => Asker::User,
        Some(officer) => Asker::Officer {
            officer,
            ticket: text(&head.ticket, "head.ticket")?,
        },
    };
    Ok(ActOnSchedule {
        schedule: ScheduleId {
            user: by.user(),
            number,
        },
        id: request_id(&head.request_id)?,
        validate_only: head.validate_only,
        by: asker,
        reason: text(&head.reason, "head.reason")?,
        revision: etag(&head.etag)?,
        // Its own word a User need not stress.
        beyond_request,
        act,
    })
}

fn moves(act: &Act<Eui64>) -> bool {
    matches!(act, Act::Impose { .. } | Act::Amend { cause: Some(_), .. })
}

/// A proposed or imposed change of what is agreed.
pub(crate) fn amendment(message: pb::AmendScheduleRequest) -> Result<Act<Eui64>, Fault> {
    let cause = cause(&message)?;
    let deal = deal(message.deal.unwrap_or_default())?;
    match (message.impose, cause) {
        (false, cause) => Ok(Act::Amend {
            deal,
            answer_by_us: at_us(message.answer_by_time),
            cause,
        }),
        (true, Some(cause)) => Ok(Act::Impose { deal, cause }),
        (true, None) => Err(Fault::argument(
            "MOVE_CAUSE_INVALID",
            "cause",
            "a change without its User's word needs a cause; say why the User is moved",
        )),
    }
}

fn cause(message: &pb::AmendScheduleRequest) -> Result<Option<Cause<Eui64>>, Fault> {
    let makes_room_for = &message.makes_room_for;
    match message.cause() {
        pb::MoveCause::MakesRoom => {
            let other = OfUser::read(makes_room_for, "makes_room_for")?;
            let number = other.schedule()?;
            let user = other.user;
            Ok(Some(Cause::MakesRoomFor(ScheduleId { user, number })))
        }
        _ if !makes_room_for.is_empty() => Err(Fault::argument(
            "MOVE_CAUSE_INVALID",
            "makes_room_for",
            "makes_room_for is given without MOVE_CAUSE_MAKES_ROOM; give both or none",
        )),
        pb::MoveCause::OverAgreed => Ok(Some(Cause::OverAgreed)),
        pb::MoveCause::Unspecified => Ok(None),
    }
}

/// The agreement ends before this day.
pub(crate) fn end(end_date: &str) -> Result<Act<Eui64>, Fault> {
    let from = required_date(end_date, "end_date")?;
    Ok(Act::End { from })
}

/// An officer's answer to what waits for a second one.
pub(crate) fn answer(
    by: &Permit<Officer>,
    message: pb::ApproveActionRequest,
) -> Result<AnswerAction, Fault> {
    Ok(AnswerAction {
        action: action(&message.name)?,
        officer: by.officer(),
        id: request_id(&message.request_id)?,
        validate_only: message.validate_only,
        ticket: text(&message.ticket, "ticket")?,
        reason: text(&message.reason, "reason")?,
    })
}

/// What a User asks for.
pub(crate) fn request(message: pb::ScheduleRequest) -> Result<Request, Fault> {
    let devices = NonZeroU32::new(message.device_count).ok_or_else(|| {
        let message = "device_count is 0; say how many Devices are to get the image";
        Fault::argument("DEVICE_COUNT_INVALID", "request.device_count", message)
    })?;
    let covers = if message.manufacturer_image_hash.is_empty() {
        Covers::Portfolio
    } else {
        let field = "request.manufacturer_image_hash";
        let hash = manufacturer_image_hash(&message.manufacturer_image_hash, field)?;
        Covers::Image(*hash.as_bytes())
    };
    Ok(Request {
        covers,
        devices,
        earliest: required_date(&message.earliest_date, "request.earliest_date")?,
        latest: required_date(&message.latest_date, "request.latest_date")?,
        // All of them on one day is no limit.
        per_day_max: NonZeroU32::new(message.per_day_max).unwrap_or(devices),
    })
}

/// What a side puts forward.
pub(crate) fn deal(message: pb::ScheduleDeal) -> Result<Deal, Fault> {
    let window = message.window.map(|it| window(it, "deal.window"));
    Ok(Deal {
        quota: quota(message.quota)?,
        terms: Terms {
            window: window.transpose()?,
            canary: NonZeroU32::new(message.canary_device_count),
            run_ahead: message.run_ahead,
            security: message.security,
        },
    })
}

/// Local hours of a day.
pub(crate) fn window(message: pb::HourWindow, field: &'static str) -> Result<HourWindow, Fault> {
    let hour = |hour: u32| u8::try_from(hour).unwrap_or(u8::MAX);
    HourWindow::new(hour(message.from_hour), hour(message.to_hour))
        .map_err(|error| Fault::argument("HOUR_WINDOW_INVALID", field, error))
}

fn quota(days: Vec<pb::DayUnits>) -> Result<Quota, Fault> {
    const FIELD: &str = "deal.quota";
    if days.len() > QUOTA_DAYS_MAX {
        let given = days.len();
        let message = format!("{given} days are given, at most {QUOTA_DAYS_MAX} are read");
        return Err(Fault::argument("QUOTA_INVALID", FIELD, message));
    }
    let mut seen = BTreeSet::new();
    let read = |(index, day): (usize, pb::DayUnits)| {
        let date = day.service_date.parse::<ServiceDate>();
        let date =
            date.map_err(|error| Fault::element("SERVICE_DATE_INVALID", FIELD, index, error))?;
        if seen.insert(date) {
            Ok((date, day.units))
        } else {
            let message = format!("{date} is given twice; give each day once");
            Err(Fault::element("QUOTA_INVALID", FIELD, index, message))
        }
    };
    days.into_iter().enumerate().map(read).collect()
}

/// An instant as it comes in; one that is absent is before all others.
pub(crate) fn at_us(time: Option<Timestamp>) -> Micros {
    let time = time.unwrap_or_default();
    let micros = i64::from(time.nanos) / 1_000;
    time.seconds
        .saturating_mul(1_000_000)
        .saturating_add(micros)
}

/// One line that says why, or under which ticket.
pub(crate) fn text(text: &str, field: &'static str) -> Result<Text, Fault> {
    let name = field.rsplit('.').next().unwrap_or(field);
    Text::new(text).map_err(|error| match error {
        InvalidText::Empty => {
            let message =
                format_args!("{name} is missing; give one line that is kept with the act");
            Fault::argument("TEXT_INVALID", field, message)
        }
        InvalidText::TooLong { .. } | InvalidText::Unseen { .. } => Fault::argument(
            "TEXT_INVALID",
            field,
            format_args!("the {name} cannot be kept: {error}"),
        ),
    })
}

/// A service day that must be given.
pub(crate) fn required_date(text: &str, field: &'static str) -> Result<ServiceDate, Fault> {
    service_date(text, field)?.ok_or_else(|| {
        let message = format!("{field} is missing; give a service day like 2026-12-01");
        Fault::argument("SERVICE_DATE_INVALID", field, message)
    })
}

fn etag(text: &str) -> Result<u32, Fault> {
    text.parse().map_err(|_| {
        let message = "etag must be the one that was read with the schedule; read it again";
        Fault::argument("ETAG_INVALID", "head.etag", message)
    })
}

fn action(name: &str) -> Result<u64, Fault> {
    let number = name.strip_prefix("actions/").map(str::parse);
    number.and_then(Result::ok).ok_or_else(|| {
        let message = "name must be a name like actions/{number}";
        Fault::argument("NAME_INVALID", "name", message)
    })
}

#[cfg(test)]
mod tests;
