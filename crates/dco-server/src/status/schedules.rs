//! Refusals about delivery schedules, capacity and second approvals.

use dco_block::Eui64;
use dco_engine::{ActionState, Refusal};
use dco_schedule::{
    DayShort, DayTaken, ExceedsAgreed, MoveRefusal, Quota, Refusal as BookRefusal, WindowShort,
};
use tonic::Code;

use super::{Concern, Detail, Fault};

/// Days named in the metadata of a refusal; the message says how many there are.
const DAYS_TOLD: usize = 10;

/// A batch that an agreed schedule covers, with too little left.
pub(super) fn exceeds_agreed(exceeds: &ExceedsAgreed, concern: Concern<'_>) -> Fault {
    let schedule = schedule_name(concern.user, exceeds.number);
    let fault = Fault::new(Code::FailedPrecondition, "EXCEEDS_AGREED_SCHEDULE", exceeds)
        .detail(Detail::Precondition {
            kind: "AGREED_QUOTA",
            subject: schedule.clone(),
        })
        .detail(Detail::Help {
            description: "agree an amendment with the Service Desk",
            url: concern.service_desk_url.to_owned(),
        })
        .with("schedule", schedule)
        .with("serviceDate", exceeds.date)
        .with("agreedPerServiceDay", exceeds.agreed)
        .with("used", exceeds.used)
        .with("requested", exceeds.requested);
    match exceeds.earliest_fit {
        Some(date) => fault.with("earliestFitDate", date),
        None => fault,
    }
}

/// What the book of schedules refuses.
pub(super) fn of_book(refusal: &BookRefusal, concern: Concern<'_>) -> Fault {
    match refusal {
        BookRefusal::RevisionMismatch { given, current } => {
            Fault::new(Code::Aborted, "ETAG_MISMATCH", refusal)
                .with("etag", given)
                .with("currentEtag", current)
        }
        BookRefusal::NotFound { .. } | BookRefusal::ActionNotFound { .. } => {
            Fault::new(Code::NotFound, "RESOURCE_NOT_FOUND", refusal)
        }
        BookRefusal::RequestReversed { .. }
        | BookRefusal::RequestOver { .. }
        | BookRefusal::QuotaEmpty
        | BookRefusal::DayOver { .. }
        | BookRefusal::CapacityOfPast { .. }
        | BookRefusal::DayTooFar { .. }
        | BookRefusal::MoreThanRequested { .. }
        | BookRefusal::AnswerTooSoon { .. } => argument(refusal),
        BookRefusal::AnswerAfterDays { .. }
        | BookRefusal::BeyondRequest { .. }
        | BookRefusal::CanaryTooLarge { .. }
        | BookRefusal::AmendsNothing
        | BookRefusal::EndOver { .. }
        | BookRefusal::EndsAlready { .. }
        | BookRefusal::EndsNothing { .. }
        | BookRefusal::RequestTooFar { .. }
        | BookRefusal::NothingSetAlone { .. }
        | BookRefusal::CapacityTooLarge { .. } => argument_of_terms(refusal),
        BookRefusal::Move(refusal) => of_move(refusal),
        _ => precondition(refusal, concern.user),
    }
}

/// What is wrong with the cause of a move, or with how much is taken for it.
fn of_move(refusal: &MoveRefusal) -> Fault {
    let fault =
        |field| Fault::new(Code::InvalidArgument, "MOVE_CAUSE_INVALID", refusal).field(field);
    let (cause, room_for) = ("cause", "makes_room_for");
    match refusal {
        MoveRefusal::CauseMissing { date, units } => {
            fault(cause).with("serviceDate", date).with("taken", units)
        }
        MoveRefusal::CounterTakes { date, units } => fault("deal.quota")
            .with("serviceDate", date)
            .with("taken", units),
        MoveRefusal::NothingTaken => fault(cause).with("taken", 0),
        MoveRefusal::TermsImposed { agreed } => fault("deal").with("agreedTerms", agreed),
        MoveRefusal::MoreThanOver { days, over } => fault(cause)
            .with("dayCount", days.len())
            .with("days", taken_told(days))
            .with("overAgreedDays", quota_told(over, "over")),
        MoveRefusal::RoomForNone { state, .. } => fault(room_for).with("state", state),
        MoveRefusal::MoreThanNeeded { days, .. } => fault(room_for)
            .with("dayCount", days.len())
            .with("days", taken_told(days)),
        MoveRefusal::RoomEnough {
            taken,
            by,
            wanted,
            free,
            ..
        } => fault(room_for)
            .with("serviceDate", by)
            .with("taken", taken)
            .with("wanted", wanted)
            .with("free", free),
    }
}

fn argument(refusal: &BookRefusal) -> Fault {
    let fault = |reason, field| Fault::new(Code::InvalidArgument, reason, refusal).field(field);
    match refusal {
        BookRefusal::RequestReversed { earliest, latest } => {
            fault("SCHEDULE_DATES_REVERSED", "latest_date")
                .with("earliestDate", earliest)
                .with("latestDate", latest)
        }
        BookRefusal::RequestOver { latest, today } => fault("SERVICE_DATE_INVALID", "latest_date")
            .with("serviceDate", latest)
            .with("earliestServiceDate", today),
        BookRefusal::QuotaEmpty => fault("QUOTA_EMPTY", "quota"),
        BookRefusal::DayOver { date, today, .. } => fault("SERVICE_DATE_INVALID", "quota")
            .with("serviceDate", date)
            .with("earliestServiceDate", today),
        BookRefusal::CapacityOfPast { date, today, .. } => {
            fault("SERVICE_DATE_INVALID", "first_date")
                .with("serviceDate", date)
                .with("earliestServiceDate", today)
        }
        BookRefusal::DayTooFar { date, latest } => fault("SERVICE_DATE_INVALID", "quota")
            .with("serviceDate", date)
            .with("latestServiceDate", latest),
        BookRefusal::MoreThanRequested { devices, wanted } => fault("QUOTA_OVER_REQUEST", "quota")
            .with("requestedDevices", devices)
            .with("quotaTotal", wanted),
        BookRefusal::AnswerTooSoon { earliest_us, .. } => {
            fault("ANSWER_PERIOD_TOO_SHORT", "answer_by_time").with(
                "earliestAnswerByTime",
                crate::convert::instant(*earliest_us),
            )
        }
        other => Fault::not_in_table(other),
    }
}

/// Terms that make no sense, whatever is free.
fn argument_of_terms(refusal: &BookRefusal) -> Fault {
    let fault = |reason, field| Fault::new(Code::InvalidArgument, reason, refusal).field(field);
    match refusal {
        BookRefusal::AnswerAfterDays { latest_us, .. } => {
            fault("ANSWER_PERIOD_TOO_LONG", "answer_by_time")
                .with("latestAnswerByTime", crate::convert::instant(*latest_us))
        }
        BookRefusal::BeyondRequest {
            days,
            earliest,
            latest,
            per_day_max,
        } => fault("QUOTA_BEYOND_REQUEST", "head.beyond_request")
            .with("earliestDate", earliest)
            .with("latestDate", latest)
            .with("perDayMax", per_day_max)
            .with("dayCount", days.days().count())
            .with("days", quota_told(days, "units")),
        BookRefusal::CanaryTooLarge { canary, units } => {
            fault("CANARY_INVALID", "deal.canary_device_count")
                .with("canaryDeviceCount", canary)
                .with("quotaTotal", units)
        }
        BookRefusal::AmendsNothing => fault("AMENDMENT_EMPTY", "deal"),
        BookRefusal::EndOver { from, today } => fault("SERVICE_DATE_INVALID", "end_date")
            .with("serviceDate", from)
            .with("earliestServiceDate", today),
        BookRefusal::EndsAlready { from, ends } => fault("SERVICE_DATE_INVALID", "end_date")
            .with("serviceDate", from)
            .with("latestServiceDate", ends.previous()),
        BookRefusal::EndsNothing { from, last } => fault("SERVICE_DATE_INVALID", "end_date")
            .with("serviceDate", from)
            .with("latestServiceDate", last),
        BookRefusal::RequestTooFar { date, latest } => fault("SERVICE_DATE_INVALID", "latest_date")
            .with("serviceDate", date)
            .with("latestServiceDate", latest),
        BookRefusal::NothingSetAlone { date } => {
            fault("CAPACITY_NOT_SET", "first_date").with("serviceDate", date)
        }
        BookRefusal::CapacityTooLarge { given, limit } => fault("CAPACITY_INVALID", "capacity")
            .with("capacity", given)
            .with("capacityMax", limit),
        other => Fault::not_in_table(other),
    }
}

fn precondition(refusal: &BookRefusal, user: Eui64) -> Fault {
    let fault = |reason, kind| {
        Fault::new(Code::FailedPrecondition, reason, refusal).detail(Detail::Precondition {
            kind,
            subject: format!("users/{user}"),
        })
    };
    match refusal {
        BookRefusal::WrongState { state, act, .. } => {
            fault("SCHEDULE_STATE_INVALID", "SCHEDULE_STATE")
                .with("state", state)
                .with("act", act)
        }
        BookRefusal::BelowSent { date, sent, wanted } => fault("QUOTA_BELOW_SENT", "QUOTA_SENT")
            .with("serviceDate", date)
            .with("sent", sent)
            .with("wanted", wanted),
        BookRefusal::DoesNotFit { days } => fault("AGREEMENT_DOES_NOT_FIT", "CAPACITY_FREE")
            .with("dayCount", days.len())
            .with("days", days_told(days)),
        BookRefusal::WindowTooShort { days } => fault("WINDOW_TOO_SHORT", "WINDOW_FREE")
            .with("dayCount", days.len())
            .with("days", windows_told(days)),
        BookRefusal::AnswerTooLate { answer_by_us } => fault("ANSWER_PERIOD_OVER", "ANSWER_PERIOD")
            .with("answerByTime", crate::convert::instant(*answer_by_us)),
        BookRefusal::ActionExpired { expires_us } => fault("ACTION_EXPIRED", "ACTION_WAITING")
            .with("expireTime", crate::convert::instant(*expires_us)),
        BookRefusal::MovedTooOften { moves, limit } => fault("MOVED_TOO_OFTEN", "MOVES_LEFT")
            .with("moves", moves)
            .with("movesMax", limit),
        BookRefusal::AgreedInFull { devices } => {
            fault("AGREED_IN_FULL", "DEVICES_WANTED").with("deviceCount", devices)
        }
        BookRefusal::TooManyOpen { limit } => {
            fault("TOO_MANY_SCHEDULES", "SCHEDULES_LEFT").with("scheduleCountMax", limit)
        }
        BookRefusal::SecurityLaneFull {
            date,
            lane,
            agreed,
            wanted,
        } => fault("SECURITY_LANE_FULL", "SECURITY_LANE_FREE")
            .with("serviceDate", date)
            .with("securityPerServiceDay", lane)
            .with("agreed", agreed)
            .with("wanted", wanted),
        BookRefusal::ActionOvertaken { action, .. } => {
            fault("ACTION_OVERTAKEN", "ACTION_WAITING").with("action", format!("actions/{action}"))
        }
        BookRefusal::WaitsAlready { action } => fault("ACTION_WAITS_ALREADY", "ACTION_WAITING")
            .with("action", format!("actions/{action}")),
        BookRefusal::SameOfficer | BookRefusal::OfficerGains => {
            fault("SECOND_OFFICER_REQUIRED", "OTHER_OFFICER")
        }
        other => Fault::not_in_table(other),
    }
}

/// `2026-06-01:wanted=900:free=300`, one for each day, separated by spaces.
fn days_told(days: &[DayShort]) -> String {
    let told = days.iter().take(DAYS_TOLD);
    let told = told.map(|it| format!("{}:wanted={}:free={}", it.date, it.wanted, it.free));
    told.collect::<Vec<_>>().join(" ")
}

/// `2026-06-01:taken=900:atMost=300`, one for each day, separated by spaces.
fn taken_told(days: &[DayTaken]) -> String {
    let told = days.iter().take(DAYS_TOLD);
    let told = told.map(|it| format!("{}:taken={}:atMost={}", it.date, it.taken, it.at_most));
    told.collect::<Vec<_>>().join(" ")
}

/// `2026-06-01:WHAT=900`, one for each day, separated by spaces.
fn quota_told(quota: &Quota, what: &str) -> String {
    let told = quota.days().take(DAYS_TOLD);
    let told = told.map(|(date, units)| format!("{date}:{what}={units}"));
    told.collect::<Vec<_>>().join(" ")
}

/// `2026-06-01:hours=20-24:wanted=900:free=300:carries=500:agreed=200`, one for each day, separated by spaces; to a User
/// the hours of its window, without the last two.
fn windows_told(days: &[WindowShort]) -> String {
    let told = days.iter().take(DAYS_TOLD).map(|it| {
        let (from, to) = it.full.map_or(it.window, |full| full.hours).hours();
        let (date, wanted, free) = (it.date, it.wanted, it.free);
        let told = format!("{date}:hours={from}-{to}:wanted={wanted}:free={free}");
        match it.full {
            Some(full) => format!("{told}:carries={}:agreed={}", full.carries, full.agreed),
            None => told,
        }
    });
    told.collect::<Vec<_>>().join(" ")
}

/// An act that does not wait any more.
pub(super) fn settled(refusal: &Refusal, action: u64, state: ActionState) -> Fault {
    let name = format!("actions/{action}");
    Fault::new(Code::FailedPrecondition, "ACTION_SETTLED", refusal)
        .detail(Detail::Precondition {
            kind: "ACTION_WAITING",
            subject: name.clone(),
        })
        .with("action", name)
        .with("state", state)
}

fn schedule_name(user: Eui64, number: u32) -> String {
    format!("users/{user}/schedules/{number}")
}

/// What is wrong with a request that the book is not asked about.
pub(super) fn argument_of(refusal: &Refusal) -> Fault {
    let fault = |reason, field| Fault::new(Code::InvalidArgument, reason, refusal).field(field);
    match refusal {
        Refusal::NothingSet => fault("CAPACITY_EMPTY", "capacity"),
        Refusal::TooManyRequests { given, limit } => fault("TOO_MANY_REQUESTS", "requests")
            .with("requestCount", given)
            .with("requestCountMax", limit),
        Refusal::DaysReversed { first, last } => fault("SERVICE_DATE_INVALID", "last_date")
            .with("serviceDate", last)
            .with("earliestServiceDate", first),
        Refusal::NoticesForgotten {
            position,
            first_position,
        } => Fault::new(Code::OutOfRange, "NOTICES_FORGOTTEN", refusal)
            .field("position")
            .with("position", position)
            .with("firstPosition", first_position),
        Refusal::PositionBeyondEnd {
            position,
            last_position,
        } => Fault::new(Code::OutOfRange, "POSITION_BEYOND_END", refusal)
            .field("position")
            .with("position", position)
            .with("lastPosition", last_position),
        other => Fault::not_in_table(other),
    }
}
