//! Delivery schedules: what is common to what comes in and what goes out.

pub(crate) mod capacity;
pub(crate) mod plans;
pub(crate) mod read;
pub(crate) mod shown;

use dco_block::Eui64;
use dco_engine::record::ActKind;
use dco_proto::v1 as pb;
use dco_schedule::{Covers, CrowdedWindow, Quota, ScheduleId, ServiceDate, Side};

/// `users/{user}/schedules/{number}`.
pub(crate) fn name(id: ScheduleId<Eui64>) -> String {
    format!("users/{}/schedules/{}", id.user, id.number)
}

/// `actions/{number}`; empty for one that was only validated.
pub(crate) fn action_name(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| format!("actions/{number}"))
}

/// Units by service day, as they go out.
pub(crate) fn quota(quota: &Quota) -> Vec<pb::DayUnits> {
    day_units(quota.days())
}

/// The same, of days that are not a quota.
pub(crate) fn day_units(days: impl Iterator<Item = (ServiceDate, u32)>) -> Vec<pb::DayUnits> {
    let unit = |(date, units): (ServiceDate, u32)| pb::DayUnits {
        service_date: date.to_string(),
        units,
    };
    days.map(unit).collect()
}

/// A schedule whose window cannot take what is agreed with it.
pub(crate) fn crowded_window(window: &CrowdedWindow<Eui64>) -> pb::CrowdedWindow {
    let (from_hour, to_hour) = window.window.hours();
    pb::CrowdedWindow {
        schedule: name(window.id),
        service_date: window.date.to_string(),
        window: Some(pb::HourWindow {
            from_hour: from_hour.into(),
            to_hour: to_hour.into(),
        }),
        fits: window.fits,
        agreed: window.agreed,
    }
}

/// FirmwareHash of what a schedule is for; empty for every large image.
pub(crate) fn covers(covers: &Covers) -> bytes::Bytes {
    match covers {
        Covers::Image(hash) => hash.to_vec().into(),
        Covers::Portfolio => bytes::Bytes::new(),
    }
}

/// A side of an agreement, or time.
pub(crate) fn party(side: Option<Side>) -> i32 {
    match side {
        Some(Side::User) => pb::ScheduleParty::User,
        Some(Side::Desk) => pb::ScheduleParty::ServiceDesk,
        None => pb::ScheduleParty::Time,
    }
    .into()
}

/// Which kind of act something was.
pub(crate) fn act_kind(kind: ActKind) -> pb::ScheduleAct {
    match kind {
        ActKind::Unspecified => pb::ScheduleAct::Unspecified,
        ActKind::Request => pb::ScheduleAct::Request,
        ActKind::Offer => pb::ScheduleAct::Offer,
        ActKind::Counter => pb::ScheduleAct::Counter,
        ActKind::Accept => pb::ScheduleAct::Accept,
        ActKind::Decline => pb::ScheduleAct::Decline,
        ActKind::Withdraw => pb::ScheduleAct::Withdraw,
        ActKind::Amend => pb::ScheduleAct::Amend,
        ActKind::Impose => pb::ScheduleAct::Impose,
        ActKind::End => pb::ScheduleAct::End,
        ActKind::Lapse => pb::ScheduleAct::Lapse,
    }
}

#[cfg(test)]
mod tests {
    use dco_schedule::{Act, Cause, Deal, Terms};

    use super::*;

    #[test]
    fn an_act_has_one_word_on_the_wire_and_in_the_rules() {
        let answer_by_us = 0;
        let acts = [
            Act::Offer {
                deal: deal(),
                answer_by_us,
            },
            Act::Counter {
                deal: deal(),
                answer_by_us,
            },
            Act::Accept,
            Act::Decline,
            Act::Withdraw,
            Act::Amend {
                deal: deal(),
                answer_by_us,
                cause: None,
            },
            Act::Impose {
                deal: deal(),
                cause: Cause::OverAgreed,
            },
            Act::End {
                from: ServiceDate::from_days(0),
            },
            Act::Lapse,
        ];
        for act in acts {
            let word = act_kind(ActKind::of(&act)).as_str_name();
            assert_eq!(word, format!("SCHEDULE_ACT_{act}"));
        }
    }

    fn deal() -> Deal {
        Deal {
            quota: Quota::new(),
            terms: Terms::default(),
        }
    }
}
