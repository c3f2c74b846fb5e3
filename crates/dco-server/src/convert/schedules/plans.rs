//! Offers, plans and what is only tried out.

use std::fmt::Display;

use dco_block::Eui64;
use dco_proto::v1 as pb;
use dco_schedule::{
    AtRisk, Fit, FitDay, Fits, NoFit, Quota, Replan, Request, SimulatedDay, SimulatedUser,
    Simulation,
};

use super::super::{instant, name::OfUser};
use super::{name, quota, read};
use crate::status::Fault;

/// The requests that are tried.
pub(crate) fn simulated_requests(
    requests: Vec<pb::SimulatedRequest>,
) -> Result<Vec<(Eui64, Request)>, Fault> {
    let read = |one: pb::SimulatedRequest| {
        let parent = OfUser::read(&one.parent, "requests.parent")?;
        parent.nothing_more()?;
        let request = read::request(one.request.unwrap_or_default())?;
        Ok((parent.user, request))
    };
    requests.into_iter().map(read).collect()
}

/// Three ways to meet a request.
pub(crate) fn fits(fits: &Fits<Eui64>) -> pb::FitScheduleResponse {
    pb::FitScheduleResponse {
        earliest_end: Some(fit_result(&fits.earliest_end)),
        flattest: Some(fit_result(&fits.flattest)),
        moves_nobody: Some(fit_result(&fits.moves_nobody)),
    }
}

fn fit_result(result: &Result<Fit<Eui64>, NoFit>) -> pb::FitResult {
    use pb::fit_result::Result as Wire;
    let result = match result {
        Ok(fit) => Wire::Fit(pb::Fit {
            days: fit.days.iter().map(fit_day).collect(),
            replan: Some(replan(&fit.replan)),
            ends_late: fit.ends_late,
        }),
        Err(reason) => Wire::NoFit(no_fit(reason)),
    };
    pb::FitResult {
        result: Some(result),
    }
}

fn fit_day(day: &FitDay) -> pb::FitDay {
    pb::FitDay {
        service_date: day.date.to_string(),
        units: day.quota,
        free_before: day.free_before,
        free_after: day.free_after,
        due_time: Some(instant(day.due_us)),
        in_flight: day.in_flight,
        in_flight_ok: day.in_flight_ok,
    }
}

fn no_fit(reason: &NoFit) -> pb::NoFit {
    pb::NoFit {
        wanted: reason.wanted,
        room: reason.room,
        first_date: reason.from.to_string(),
        last_date: reason.to.to_string(),
        message: reason.to_string(),
    }
}

/// Whom to move where.
pub(crate) fn replan(replan: &Replan<Eui64>) -> pb::Replan {
    let amendments = replan.amendments.iter().map(|one| pb::ReplanAmendment {
        schedule: name(one.id),
        etag: one.revision.to_string(),
        taken: quota(&one.taken),
        given: quota(&one.given),
        quota: quota(&one.quota),
    });
    pb::Replan {
        amendments: amendments.collect(),
        left: quota(&replan.left),
        crowded_windows: Vec::new(),
    }
}

/// What would happen.
pub(crate) fn simulation(
    requests: &[Request],
    simulation: &Simulation<Eui64>,
) -> pb::SimulateScheduleResponse {
    let quotas = requests.iter().zip(&simulation.quotas);
    pb::SimulateScheduleResponse {
        quotas: quotas.map(simulated_quota).collect(),
        days: simulation.days.iter().map(simulated_day).collect(),
        users: simulation.users.iter().map(simulated_user).collect(),
    }
}

fn simulated_quota((request, result): (&Request, &Result<Quota, NoFit>)) -> pb::SimulatedQuota {
    match result {
        Ok(units) => pb::SimulatedQuota {
            quota: quota(units),
            no_fit: None,
            ends_late: units.last() > Some(request.latest),
        },
        Err(reason) => pb::SimulatedQuota {
            quota: Vec::new(),
            no_fit: Some(no_fit(reason)),
            ends_late: false,
        },
    }
}

fn simulated_day(day: &SimulatedDay<Eui64>) -> pb::SimulatedDay {
    let released = day.released.iter().map(|(user, units)| pb::UserUnits {
        user: user.to_string(),
        units: *units,
    });
    pb::SimulatedDay {
        service_date: day.date.to_string(),
        available: day.available,
        released: released.collect(),
        carried: day.carried,
        free: day.free,
    }
}

fn simulated_user((user, seen): (&Eui64, &SimulatedUser)) -> pb::SimulatedUser {
    pb::SimulatedUser {
        user: user.to_string(),
        units: seen.units,
        finish_date: date(seen.finish),
        at_risk: seen.at_risk.iter().map(at_risk).collect(),
    }
}

fn at_risk(batch: &AtRisk) -> pb::BatchAtRisk {
    pb::BatchAtRisk {
        service_date: batch.date.to_string(),
        due_date: batch.due.to_string(),
        release_date: date(batch.released),
    }
}

fn date(date: Option<impl Display>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}
