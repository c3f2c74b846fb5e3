//! Capacity: how it is set, and what is left of it.

use dco_engine::{ScheduleRequest, SetCapacity};
use dco_proto::v1 as pb;
use dco_schedule::{DayCapacity, HourProfile, OwnCapacity, ServiceDate, Span};

use super::super::{request_id, service_date};
use super::read::{required_date, text};
use crate::permit::{Officer, Permit};
use crate::services::About;
use crate::status::Fault;

/// An officer sets capacity, hour profile or both, or takes back what was set for a day.
pub(crate) fn set(
    by: &Permit<Officer>,
    message: pb::SetCapacityRequest,
) -> Result<SetCapacity, Fault> {
    let first = required_date(&message.first_date, "first_date")?;
    check_clear(&message)?;
    Ok(SetCapacity {
        officer: by.officer(),
        id: request_id(&message.request_id)?,
        validate_only: message.validate_only,
        ticket: text(&message.ticket, "ticket")?,
        reason: text(&message.reason, "reason")?,
        span: if message.one_day {
            Span::On(first)
        } else {
            Span::From(first)
        },
        capacity: message.capacity,
        profile: profile(&message.hour_profile)?,
        clear: message.clear,
    })
}

/// What is taken back was set for one day, and nothing is set with it: a slip would else set more than was meant.
fn check_clear(message: &pb::SetCapacityRequest) -> Result<(), Fault> {
    let sets = message.capacity.is_some() || !message.hour_profile.is_empty();
    if !message.clear || (message.one_day && !sets) {
        return Ok(());
    }
    Err(Fault::argument(
        "CAPACITY_CLEAR_INVALID",
        "clear",
        "clear takes back what was set for one day; give it with one_day, without capacity and without hour_profile",
    ))
}

fn profile(weights: &[u32]) -> Result<Option<HourProfile>, Fault> {
    let invalid =
        |message: String| Fault::argument("HOUR_PROFILE_INVALID", "hour_profile", message);
    if weights.is_empty() {
        return Ok(None);
    }
    let given = weights.len();
    let weights: [u32; 24] = weights.try_into().map_err(|_| {
        invalid(format!(
            "{given} weights are given; expected 24, one for each hour from midnight on"
        ))
    })?;
    let mut read = [0; 24];
    for (hour, (read, weight)) in read.iter_mut().zip(weights).enumerate() {
        *read = u16::try_from(weight).map_err(|_| {
            let most = u16::MAX;
            invalid(format!(
                "the weight of the hour from {hour:02}:00 is {weight}; expected 0 to {most}"
            ))
        })?;
    }
    let profile = HourProfile::new(read).map_err(|error| invalid(error.to_string()))?;
    Ok(Some(profile))
}

/// The days that are asked for, and about whom.
pub(crate) fn get(
    about: About,
    message: &pb::GetCapacityRequest,
) -> Result<ScheduleRequest, Fault> {
    Ok(ScheduleRequest::GetCapacity {
        user: about.user(),
        first: service_date(&message.first_date, "first_date")?,
        last: service_date(&message.last_date, "last_date")?,
    })
}

/// The first day that was asked for and is not answered; empty when all are.
pub(crate) fn next_date(last: &str, days: &[pb::CapacityDay]) -> String {
    let date = |text: &str| text.parse::<ServiceDate>().ok();
    let answered = days.last().and_then(|day| date(&day.service_date));
    match (answered, date(last)) {
        (Some(answered), Some(last)) if answered < last => answered.next().to_string(),
        _ => String::new(),
    }
}

/// One service day over all Users.
pub(crate) fn day(day: &DayCapacity) -> pb::CapacityDay {
    pb::CapacityDay {
        service_date: day.date.to_string(),
        capacity: day.capacity,
        reserved_allowance: day.reserved.allowance,
        reserved_security: day.reserved.security,
        reserved_retry: day.reserved.retry,
        agreed: day.agreed,
        free: day.free,
        over_agreed: day.over,
        used: day.used,
        lent: day.lent,
        used_security: day.used_security,
        own_agreed: None,
        others_agreed: None,
        own_used: None,
    }
}

/// One service day as one User sees it.
pub(crate) fn own_day(own: &OwnCapacity) -> pb::CapacityDay {
    pb::CapacityDay {
        own_agreed: Some(own.own),
        others_agreed: Some(own.others),
        own_used: Some(own.own_used),
        ..day(&own.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_is_of_one_day_and_nothing_is_set_with_it() {
        let clear = pb::SetCapacityRequest {
            clear: true,
            one_day: true,
            ..Default::default()
        };
        assert_eq!(check_clear(&clear), Ok(()));
        let wrong = [
            pb::SetCapacityRequest {
                one_day: false,
                ..clear.clone()
            },
            pb::SetCapacityRequest {
                capacity: Some(0),
                ..clear.clone()
            },
            pb::SetCapacityRequest {
                hour_profile: vec![1; 24],
                ..clear
            },
        ];
        for wrong in wrong {
            let fault = check_clear(&wrong).unwrap_err();
            assert_eq!(fault.reason(), "CAPACITY_CLEAR_INVALID", "{wrong:?}");
        }
    }

    #[test]
    fn a_profile_has_24_weights_and_one_that_is_not_zero() {
        assert_eq!(profile(&[]), Ok(None));
        assert_eq!(profile(&[1; 24]), Ok(Some(HourProfile::flat())));
        for wrong in [vec![1; 23], vec![1; 25], vec![0; 24], vec![65_536; 24]] {
            let fault = profile(&wrong).unwrap_err();
            assert_eq!(fault.reason(), "HOUR_PROFILE_INVALID", "{wrong:?}");
        }
        let mut wrong = [1; 24];
        wrong[7] = 65_536;
        assert_eq!(
            profile(&wrong).unwrap_err().message(),
            "the weight of the hour from 07:00 is 65536; expected 0 to 65535"
        );
    }
}
