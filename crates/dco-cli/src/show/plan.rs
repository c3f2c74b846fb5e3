//! Offers, plans and what is only tried out.

use dco_block::Eui64;
use dco_client::{
    CrowdedWindow, DayUnits, Fit, FitDay, Fits, NoFit, Replan, ReplanAmendment, SimulatedDay,
    SimulatedRequest, SimulatedUser, Simulation,
};
use serde_json::{Value, json};

use super::calendar::calendar;
use super::report::bar;
use super::schedule::{changed_days, units_json};
use super::time;
use crate::table::{counted, grouped, table};
use crate::when;

/// Of a plan for these hours, or for the whole day.
pub(crate) fn fits_json(fits: &Fits, window: Option<(u32, u32)>) -> Value {
    json!({
        "window_hours": window.map(|(from, to)| [from, to]),
        "earliest_end": fit_json(&fits.earliest_end),
        "flattest": fit_json(&fits.flattest),
        "moves_nobody": fit_json(&fits.moves_nobody),
    })
}

fn fit_json(fit: &Result<Fit, NoFit>) -> Value {
    match fit {
        Ok(fit) => json!({
            "days": fit.days.iter().map(fit_day_json).collect::<Vec<_>>(),
            "replan": replan_json(&fit.replan),
            "ends_late": fit.ends_late,
        }),
        Err(no_fit) => json!({ "no_fit": no_fit_json(no_fit) }),
    }
}

fn fit_day_json(day: &FitDay) -> Value {
    json!({
        "service_date": day.service_date,
        "units": day.units,
        "free_before": day.free_before,
        "free_after": day.free_after,
        "due_time": time(day.due_us),
        "in_flight": day.in_flight,
        "in_flight_ok": day.in_flight_ok,
    })
}

fn no_fit_json(no_fit: &NoFit) -> Value {
    json!({
        "wanted": no_fit.wanted,
        "room": no_fit.room,
        "first_date": no_fit.first_date,
        "last_date": no_fit.last_date,
        "message": no_fit.message,
    })
}

pub(crate) fn replan_json(replan: &Replan) -> Value {
    let amendment = |it: &ReplanAmendment| {
        json!({
            "schedule": it.schedule.to_string(),
            "etag": it.etag,
            "taken": units_json(&it.taken),
            "given": units_json(&it.given),
            "quota": units_json(&it.quota),
        })
    };
    json!({
        "amendments": replan.amendments.iter().map(amendment).collect::<Vec<_>>(),
        "left": units_json(&replan.left),
        "crowded_windows": crowded_json(&replan.crowded_windows),
    })
}

pub(crate) fn crowded_json(windows: &[CrowdedWindow]) -> Value {
    let window = |it: &CrowdedWindow| {
        json!({
            "schedule": it.schedule.to_string(),
            "service_date": it.service_date,
            "window_hours": [it.window.0, it.window.1],
            "fits": it.fits,
            "agreed": it.agreed,
        })
    };
    Value::Array(windows.iter().map(window).collect())
}

/// Which windows cannot take what is agreed in them; nothing where there are none.
pub(crate) fn crowded_text(windows: &[CrowdedWindow]) -> Option<String> {
    let row = |it: &CrowdedWindow| {
        let (from, to) = it.window;
        vec![
            it.service_date.clone(),
            it.schedule.to_string(),
            format!("{from:02}:00 to {to:02}:00"),
            grouped(it.fits),
            grouped(it.agreed),
        ]
    };
    let head = ["SERVICE DAY", "SCHEDULE", "HOURS", ">FITS", ">AGREED"];
    (!windows.is_empty()).then(|| {
        format!(
            "these windows cannot take what is agreed in them, amend their hours or their quotas\n\n{}",
            table(&head, windows.iter().map(row))
        )
    })
}

/// Of a plan for these hours, or for the whole day.
pub(crate) fn fits_text(fits: &Fits, window: Option<(u32, u32)>) -> String {
    let hours = window.map(|(from, to)| format!("planned from {from}:00 to {to}:00"));
    let hours = hours.unwrap_or_else(|| "planned for the whole day".to_owned());
    let parts = [
        ("earliest end", &fits.earliest_end),
        ("flattest, nobody is moved", &fits.flattest),
        ("earliest end, nobody is moved", &fits.moves_nobody),
    ];
    let parts = parts.map(|(name, fit)| match fit {
        Ok(fit) => format!("{name}: {}", fit_text(fit)),
        Err(no_fit) => format!("{name}: does not fit: {}", no_fit.message),
    });
    format!("{hours}\n\n{}", parts.join("\n\n"))
}

fn fit_text(fit: &Fit) -> String {
    let total: u64 = fit.days.iter().map(|day| u64::from(day.units)).sum();
    let last = fit.days.last().map_or("-", |day| &day.service_date);
    let late = if fit.ends_late {
        ", later than was asked for"
    } else {
        ""
    };
    let row = |day: &FitDay| {
        vec![
            day.service_date.clone(),
            grouped(day.units),
            grouped(day.free_before),
            grouped(day.free_after),
            when::local_or(day.due_us, "-"),
            grouped(day.in_flight),
            if day.in_flight_ok { "yes" } else { "NO" }.to_owned(),
        ]
    };
    let head = [
        "SERVICE DAY",
        ">UNITS",
        ">FREE BEFORE",
        ">FREE AFTER",
        "TRT ENDS",
        ">UNDER WAY",
        "WITHIN LIMIT",
    ];
    let mut text = format!(
        "{} until {last}{late}\n{}",
        counted(total, "unit"),
        table(&head, fit.days.iter().map(row))
    );
    if !fit.replan.amendments.is_empty() {
        text += &format!("\nto be moved first\n{}", replan_text(&fit.replan));
    }
    text
}

/// The plan, and the windows that none of it is for.
pub(crate) fn replan_text(replan: &Replan) -> String {
    let crowded = crowded_text(&replan.crowded_windows);
    let parts = [Some(moved_text(replan)), crowded];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

fn moved_text(replan: &Replan) -> String {
    if replan.amendments.is_empty() && replan.left.is_empty() {
        return "nobody has to be moved".to_owned();
    }
    let row = |it: &ReplanAmendment| {
        let units =
            |days: &[DayUnits]| grouped(days.iter().map(|it| u64::from(it.units)).sum::<u64>());
        vec![
            it.schedule.to_string(),
            it.etag.clone(),
            units(&it.taken),
            units(&it.given),
        ]
    };
    let head = ["SCHEDULE", "ETAG", ">TAKEN", ">GIVEN BACK"];
    let mut parts = Vec::new();
    if !replan.amendments.is_empty() {
        parts.push(table(&head, replan.amendments.iter().map(row)));
    }
    parts.extend(replan.amendments.iter().map(|it| {
        let days = changed_days(&it.taken, &it.given);
        format!("of {}\n{days}", it.schedule)
    }));
    if !replan.left.is_empty() {
        let rows = replan.left.iter();
        let rows = rows.map(|it| vec![it.service_date.clone(), grouped(it.units)]);
        let left = table(&["SERVICE DAY", ">UNITS"], rows);
        parts.push(format!("cannot be met by moving\n{left}"));
    }
    parts.join("\n\n")
}

pub(crate) fn simulation_json(requests: &[SimulatedRequest], simulation: &Simulation) -> Value {
    let quotas = requests.iter().zip(&simulation.quotas);
    let quotas = quotas.map(|(request, quota)| match quota {
        Ok(quota) => json!({
            "user": request.user.to_string(),
            "quota": units_json(quota),
            "ends_late": ends_late(request, quota).is_some(),
        }),
        Err(why) => json!({ "user": request.user.to_string(), "no_fit": no_fit_json(why) }),
    });
    let day = |day: &SimulatedDay| {
        let released = day.released.iter();
        json!({
            "service_date": day.service_date,
            "available": day.available,
            "released": released
                .map(|(user, units)| json!({ "user": user.to_string(), "units": units }))
                .collect::<Vec<_>>(),
            "carried": day.carried,
            "free": day.free,
        })
    };
    json!({
        "quotas": quotas.collect::<Vec<_>>(),
        "days": simulation.days.iter().map(day).collect::<Vec<_>>(),
        "users": simulation.users.iter().map(user_json).collect::<Vec<_>>(),
    })
}

fn user_json(user: &SimulatedUser) -> Value {
    let at_risk = user.at_risk.iter().map(|batch| {
        json!({
            "service_date": batch.service_date,
            "due_date": batch.due_date,
            "release_date": batch.release_date,
        })
    });
    json!({
        "user": user.user.to_string(),
        "units": user.units,
        "finish_date": user.finish_date,
        "at_risk": at_risk.collect::<Vec<_>>(),
    })
}

/// When each User finishes, how each day fills, and each User's calendar.
pub(crate) fn simulation_text(requests: &[SimulatedRequest], simulation: &Simulation) -> String {
    let mut parts = Vec::new();
    let quotas = requests.iter().zip(&simulation.quotas);
    for (number, (request, quota)) in quotas.enumerate() {
        let (number, user) = (number + 1, request.user);
        match quota {
            Err(no_fit) => parts.push(format!(
                "request {number} of {user} does not fit: {}",
                no_fit.message
            )),
            Ok(quota) => parts.extend(ends_late(request, quota).map(|last| {
                let latest = &request.request.latest_date;
                format!("request {number} of {user} ends on {last}, after its latest day {latest}")
            })),
        }
    }
    parts.push(users_text(&simulation.users));
    if !simulation.days.is_empty() {
        parts.push(days_text(&simulation.days));
    }
    for user in &simulation.users {
        let days = calendar_of(user.user, &simulation.days);
        parts.push(format!("{}\n{days}", user.user));
    }
    parts.join("\n\n")
}

/// The last day of what a request would be given, where that is after its latest day.
fn ends_late<'a>(request: &SimulatedRequest, quota: &'a [DayUnits]) -> Option<&'a str> {
    let last = quota.last().map(|day| day.service_date.as_str());
    last.filter(|last| *last > request.request.latest_date.as_str())
}

fn users_text(users: &[SimulatedUser]) -> String {
    if users.is_empty() {
        return "nothing is agreed, sent or asked for".to_owned();
    }
    let row = |user: &SimulatedUser| {
        let first = user.at_risk.first();
        vec![
            user.user.to_string(),
            grouped(user.units),
            user.finish_date
                .clone()
                .unwrap_or_else(|| "not in the days looked at".to_owned()),
            grouped(user.at_risk.len() as u64),
            first.map_or_else(|| "-".to_owned(), |batch| batch.service_date.clone()),
        ]
    };
    let head = [
        "USER",
        ">UNITS",
        "FINISHES",
        ">BATCHES AT RISK",
        "FIRST OF THEM",
    ];
    table(&head, users.iter().map(row))
}

fn days_text(days: &[SimulatedDay]) -> String {
    let row = |day: &SimulatedDay| {
        let released: u64 = day.released.iter().map(|(_, units)| units).sum();
        vec![
            day.service_date.clone(),
            grouped(day.available),
            grouped(released),
            grouped(day.carried),
            grouped(day.free),
            bar(released, day.available),
        ]
    };
    let head = [
        "SERVICE DAY",
        ">AVAILABLE",
        ">RELEASED",
        ">CARRIED OVER",
        ">FREE TO AGREE",
        "RELEASED OF AVAILABLE",
    ];
    table(&head, days.iter().map(row))
}

fn calendar_of(user: Eui64, days: &[SimulatedDay]) -> String {
    let units = |day: &SimulatedDay| {
        let own = day.released.iter().find(|(other, _)| *other == user);
        Some((day.service_date.parse().ok()?, own?.1))
    };
    calendar(days.iter().filter_map(units))
}
