//! Offers, plans, what is tried out, and capacity.

use dco_proto::v1 as pb;

use super::schedule::{day_units, some_text};
use super::{BadAnswer, all, instant, parsed, required};
use crate::types::{
    BatchAtRisk, CapacityDay, CapacityEffect, CrowdedWindow, Fit, FitDay, Fits, NoFit, Replan,
    ReplanAmendment, SimulatedDay, SimulatedRequest, SimulatedUser, Simulation,
};

impl TryFrom<pb::FitScheduleResponse> for Fits {
    type Error = BadAnswer;

    fn try_from(wire: pb::FitScheduleResponse) -> Result<Self, BadAnswer> {
        Ok(Self {
            earliest_end: fit_result("earliest_end", wire.earliest_end)?,
            flattest: fit_result("flattest", wire.flattest)?,
            moves_nobody: fit_result("moves_nobody", wire.moves_nobody)?,
        })
    }
}

fn fit_result(
    field: &'static str,
    wire: Option<pb::FitResult>,
) -> Result<Result<Fit, NoFit>, BadAnswer> {
    use pb::fit_result::Result as Wire;
    match required(field, wire.and_then(|it| it.result))? {
        Wire::Fit(fit) => fit.try_into().map(Ok),
        Wire::NoFit(no_fit) => Ok(Err(no_fit.into())),
    }
}

impl TryFrom<pb::Fit> for Fit {
    type Error = BadAnswer;

    fn try_from(wire: pb::Fit) -> Result<Self, BadAnswer> {
        Ok(Self {
            days: all(wire.days)?,
            replan: wire.replan.unwrap_or_default().try_into()?,
            ends_late: wire.ends_late,
        })
    }
}

impl TryFrom<pb::FitDay> for FitDay {
    type Error = BadAnswer;

    fn try_from(wire: pb::FitDay) -> Result<Self, BadAnswer> {
        Ok(Self {
            service_date: wire.service_date,
            units: wire.units,
            free_before: wire.free_before,
            free_after: wire.free_after,
            due_us: instant("day.due_time", wire.due_time)?,
            in_flight: wire.in_flight,
            in_flight_ok: wire.in_flight_ok,
        })
    }
}

impl From<pb::NoFit> for NoFit {
    fn from(wire: pb::NoFit) -> Self {
        Self {
            wanted: wire.wanted,
            room: wire.room,
            first_date: wire.first_date,
            last_date: wire.last_date,
            message: wire.message,
        }
    }
}

impl TryFrom<pb::CrowdedWindow> for CrowdedWindow {
    type Error = BadAnswer;

    fn try_from(wire: pb::CrowdedWindow) -> Result<Self, BadAnswer> {
        let window = required("crowded_window.window", wire.window)?;
        Ok(Self {
            schedule: parsed("crowded_window.schedule", &wire.schedule)?,
            service_date: wire.service_date,
            window: (window.from_hour, window.to_hour),
            fits: wire.fits,
            agreed: wire.agreed,
        })
    }
}

impl TryFrom<pb::SetCapacityResponse> for CapacityEffect {
    type Error = BadAnswer;

    fn try_from(wire: pb::SetCapacityResponse) -> Result<Self, BadAnswer> {
        Ok(Self {
            over_agreed: day_units(wire.over_agreed),
            crowded_windows: all(wire.crowded_windows)?,
            kept_dates: wire.kept_dates,
        })
    }
}

impl TryFrom<pb::Replan> for Replan {
    type Error = BadAnswer;

    fn try_from(wire: pb::Replan) -> Result<Self, BadAnswer> {
        Ok(Self {
            amendments: all(wire.amendments)?,
            left: day_units(wire.left),
            crowded_windows: all(wire.crowded_windows)?,
        })
    }
}

impl TryFrom<pb::ReplanAmendment> for ReplanAmendment {
    type Error = BadAnswer;

    fn try_from(wire: pb::ReplanAmendment) -> Result<Self, BadAnswer> {
        Ok(Self {
            schedule: parsed("amendment.schedule", &wire.schedule)?,
            etag: wire.etag,
            taken: day_units(wire.taken),
            given: day_units(wire.given),
            quota: day_units(wire.quota),
        })
    }
}

impl From<SimulatedRequest> for pb::SimulatedRequest {
    fn from(tried: SimulatedRequest) -> Self {
        Self {
            parent: super::user_name(tried.user),
            request: Some(tried.request.into()),
        }
    }
}

impl TryFrom<pb::SimulateScheduleResponse> for Simulation {
    type Error = BadAnswer;

    fn try_from(wire: pb::SimulateScheduleResponse) -> Result<Self, BadAnswer> {
        let quotas = wire.quotas.into_iter().map(|one| match one.no_fit {
            None => Ok(day_units(one.quota)),
            Some(no_fit) => Err(no_fit.into()),
        });
        Ok(Self {
            quotas: quotas.collect(),
            days: all(wire.days)?,
            users: all(wire.users)?,
        })
    }
}

impl TryFrom<pb::SimulatedDay> for SimulatedDay {
    type Error = BadAnswer;

    fn try_from(wire: pb::SimulatedDay) -> Result<Self, BadAnswer> {
        let released = wire.released.iter();
        let released = released.map(|it| Ok((parsed("released.user", &it.user)?, it.units)));
        Ok(Self {
            service_date: wire.service_date,
            available: wire.available,
            free: wire.free,
            released: released.collect::<Result<_, BadAnswer>>()?,
            carried: wire.carried,
        })
    }
}

impl TryFrom<pb::SimulatedUser> for SimulatedUser {
    type Error = BadAnswer;

    fn try_from(wire: pb::SimulatedUser) -> Result<Self, BadAnswer> {
        let at_risk = wire.at_risk.into_iter().map(|batch| BatchAtRisk {
            service_date: batch.service_date,
            due_date: batch.due_date,
            release_date: some_text(batch.release_date),
        });
        Ok(Self {
            user: parsed("simulated.user", &wire.user)?,
            units: wire.units,
            finish_date: some_text(wire.finish_date),
            at_risk: at_risk.collect(),
        })
    }
}

impl From<pb::CapacityDay> for CapacityDay {
    fn from(wire: pb::CapacityDay) -> Self {
        Self {
            service_date: wire.service_date,
            capacity: wire.capacity,
            reserved_allowance: wire.reserved_allowance,
            reserved_security: wire.reserved_security,
            reserved_retry: wire.reserved_retry,
            agreed: wire.agreed,
            free: wire.free,
            over_agreed: wire.over_agreed,
            used: wire.used,
            lent: wire.lent,
            used_security: wire.used_security,
            own_agreed: wire.own_agreed,
            others_agreed: wire.others_agreed,
            own_used: wire.own_used,
        }
    }
}
