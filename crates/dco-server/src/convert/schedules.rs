//! Delivery schedules: what is common to what comes in and what goes out.

pub(crate) mod capacity;
pub(crate) mod plans;
pub(crate) mod read;
pub(crate) mod shown;

use dco_block::Eui64;
use dco_engine::record::ActKind;
use dco_proto::v1 as pb;
use dco_schedule::{Act, Covers, Quota, ScheduleId, Side};

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
pub(crate) fn day_units(
    days: impl Iterator<Item = (dco_schedule::ServiceDate, u32)>,
) -> Vec<pb::DayUnits> {
    let unit = |(date, units): (dco_schedule::ServiceDate, u32)| pb::DayUnits {
        service_date: date.to_string(),
        units,
    };
    days.map(unit).collect()
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

fn act(act: &Act<Eui64>) -> pb::ScheduleAct {
    match act {
        Act::Request(_) => pb::ScheduleAct::Request,
        Act::Offer { .. } => pb::ScheduleAct::Offer,
        Act::Counter { .. } => pb::ScheduleAct::Counter,
        Act::Accept => pb::ScheduleAct::Accept,
        Act::Decline => pb::ScheduleAct::Decline,
        Act::Withdraw => pb::ScheduleAct::Withdraw,
        Act::Amend { .. } => pb::ScheduleAct::Amend,
        Act::Impose { .. } => pb::ScheduleAct::Impose,
        Act::End { .. } => pb::ScheduleAct::End,
        Act::Lapse => pb::ScheduleAct::Lapse,
    }
}
