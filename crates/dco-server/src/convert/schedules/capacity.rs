//! Capacity: how it is set, and what is left of it.

use dco_engine::{ScheduleRequest, SetCapacity};
use dco_proto::v1 as pb;
use dco_schedule::{DayCapacity, HourProfile, OwnCapacity, ServiceDate, Span};

use super::super::{request_id, service_date};
use super::read::{required_date, text};
use crate::permit::{Officer, Permit};
use crate::services::About;
use crate::status::Fault;

/// An officer sets capacity, hour profile or both.
pub(crate) fn set(
    by: &Permit<Officer>,
    message: pb::SetCapacityRequest,
) -> Result<SetCapacity, Fault> {
    let first = required_date(&message.first_date, "first_date")?;
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
    })
}

fn profile(weights: &[u32]) -> Result<Option<HourProfile>, Fault> {
    let invalid =
        |message: String| Fault::argument("HOUR_PROFILE_INVALID", "hour_profile", message);
    if weights.is_empty() {
        return Ok(None);
    }
    let read = weights.iter().enumerate().map(|(hour, weight)| {
        u16::try_from(*weight).map_err(|_| {
            invalid(format!(
                "the weight of hour {hour} is {weight}; give at most {}",
                u16::MAX
            ))
        })
    });
    let read: Vec<u16> = read.collect::<Result<_, _>>()?;
    let weights: [u16; 24] = read.try_into().map_err(|read: Vec<u16>| {
        let given = read.len();
        invalid(format!(
            "{given} weights are given; expected 24, one for each hour from midnight on"
        ))
    })?;
    let profile = HourProfile::new(weights).map_err(|error| invalid(error.to_string()))?;
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
    fn a_profile_has_24_weights_and_one_that_is_not_zero() {
        assert_eq!(profile(&[]), Ok(None));
        assert_eq!(profile(&[1; 24]), Ok(Some(HourProfile::flat())));
        for wrong in [vec![1; 23], vec![1; 25], vec![0; 24], vec![65_536; 24]] {
            let fault = profile(&wrong).unwrap_err();
            assert_eq!(fault.reason(), "HOUR_PROFILE_INVALID", "{wrong:?}");
        }
        let mut weights = [1; 24];
        weights[7] = 65_536;
        let told = profile(&weights).unwrap_err().to_string();
        assert!(
            told.contains("the weight of hour 7 is 65536; give at most 65535"),
            "{told}"
        );
    }
}
