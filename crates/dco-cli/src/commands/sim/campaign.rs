//! `dco sim --campaign`: the calendar of the whole estate.

use std::path::Path;

use dco_client::{SimulatedDay, SimulatedUser, Simulation};
use dco_schedule::ServiceDate;
use dco_server::Clock;
use dco_sim::{Campaign, CampaignDay, CampaignPlan, CampaignUser, run_campaign};
use serde_json::{Value, json};

use crate::exit::{Answer, Failure};
use crate::table::{grouped, properties, table};
use crate::{chart, files};

/// Runs it and shows it; draws it too where a file is named.
pub(super) fn run(seed: u64, svg: Option<&Path>) -> Result<Answer, Failure> {
    let clock = Clock::wall();
    let began_us = clock.now_us();
    let campaign = run_campaign(seed, &CampaignPlan::default()).map_err(Failure::failed)?;
    let milliseconds = u32::try_from((clock.now_us() - began_us) / 1_000).unwrap_or(u32::MAX);
    let seconds = f64::from(milliseconds) / 1_000.0;
    let mut text = text(&campaign, seconds);
    if let Some(path) = svg {
        files::write(path, &chart::svg(&drawing(&campaign)))?;
        text = format!("{text}\n\ndrawn into {}", path.display());
    }
    let broken = campaign.broken();
    if let Some(broken) = &broken {
        text = format!("{text}\n\na promise is broken: {broken}");
    }
    Ok(Answer::new(text, to_json(&campaign, seconds)).failed_if(broken.is_some()))
}

fn text(campaign: &Campaign, seconds: f64) -> String {
    let head = [
        "User",
        ">Devices",
        ">agreed",
        ">releases",
        ">lent",
        ">succeeded",
        ">failed",
        "done on",
    ];
    let users = table(&head, campaign.users.iter().map(user_row));
    format!(
        "{users}\n\n{}\n\n{}",
        calendar(campaign),
        figures(campaign, seconds)
    )
}

fn user_row(user: &CampaignUser) -> Vec<String> {
    let agreed = match user.agreed {
        0 => "allowance".to_owned(),
        agreed => grouped(agreed),
    };
    vec![
        user.user.to_string(),
        grouped(user.devices),
        agreed,
        grouped(user.releases),
        grouped(user.lent),
        grouped(user.succeeded),
        grouped(user.failed),
        user.last_date
            .map_or_else(String::new, |date| date.to_string()),
    ]
}

/// A row for each service day, a column for each User.
fn calendar(campaign: &Campaign) -> String {
    let users: Vec<String> = campaign
        .users
        .iter()
        .map(|user| format!(">{}", user.user))
        .collect();
    let mut head = vec!["service day"];
    head.extend(users.iter().map(String::as_str));
    head.extend([">released", ">lent", ">used", ">still waiting"]);
    table(&head, campaign.days.iter().map(day_row))
}

fn day_row(day: &CampaignDay) -> Vec<String> {
    let used = 100.0 * f64::from(day.units()) / f64::from(day.capacity.max(1));
    let mut row = vec![day.date.to_string()];
    row.extend(day.released.iter().map(|units| grouped(*units)));
    row.extend([
        grouped(day.units()),
        grouped(day.lent),
        format!("{used:.1} %"),
        grouped(day.carried),
    ]);
    row
}

fn figures(campaign: &Campaign, seconds: f64) -> String {
    let utilisation = campaign.min_utilisation_with_backlog;
    properties(&[
        ("seed", campaign.seed.to_string()),
        ("service days", campaign.days.len().to_string()),
        (
            "most released on a day",
            grouped(campaign.max_released_on_a_day),
        ),
        (
            "least used with a backlog",
            format!("{:.2} %", 100.0 * utilisation),
        ),
        ("Jain's index, worst day", format!("{:.4}", campaign.jain)),
        (
            "within TRT",
            format!("{:.2} %", 100.0 * campaign.trt_attainment),
        ),
        ("records", grouped(campaign.records)),
        ("took", format!("{seconds:.1} s")),
    ])
}

fn to_json(campaign: &Campaign, seconds: f64) -> Value {
    json!({
        "seed": campaign.seed,
        "trace_hash": format!("{:016x}", campaign.trace_hash),
        "seconds": seconds,
        "service_days": campaign.days.len(),
        "max_released_on_a_day": campaign.max_released_on_a_day,
        "min_utilisation_with_backlog": campaign.min_utilisation_with_backlog,
        "jain": campaign.jain,
        "trt_attainment": campaign.trt_attainment,
        "broken": campaign.broken(),
        "records": campaign.records,
        "users": campaign.users.iter().map(user_json).collect::<Vec<_>>(),
        "days": campaign.days.iter().map(day_json).collect::<Vec<_>>(),
    })
}

fn user_json(user: &CampaignUser) -> Value {
    json!({
        "user": user.user.to_string(),
        "device_count": user.devices,
        "agreed": user.agreed,
        "releases": user.releases,
        "lent": user.lent,
        "succeeded": user.succeeded,
        "failed": user.failed,
        "last_date": user.last_date.as_ref().map(ServiceDate::to_string),
    })
}

fn day_json(day: &CampaignDay) -> Value {
    json!({
        "service_date": day.date.to_string(),
        "capacity": day.capacity,
        "released": day.units(),
        "released_by_user": day.released,
        "lent": day.lent,
        "had_backlog": day.had_backlog,
        "carried": day.carried,
    })
}

/// The calendar as what the chart draws.
fn drawing(campaign: &Campaign) -> Simulation {
    let day = |day: &CampaignDay| SimulatedDay {
        service_date: day.date.to_string(),
        available: day.capacity.into(),
        released: campaign
            .users
            .iter()
            .zip(&day.released)
            .map(|(user, units)| (user.user, u64::from(*units)))
            .collect(),
        carried: day.carried.into(),
        // Nothing is tried here, so nothing is asked of what could still be agreed.
        free: 0,
    };
    let user = |user: &CampaignUser| SimulatedUser {
        user: user.user,
        units: user.devices.into(),
        finish_date: user.last_date.as_ref().map(ServiceDate::to_string),
        at_risk: Vec::new(),
    };
    Simulation {
        quotas: Vec::new(),
        days: campaign.days.iter().map(day).collect(),
        users: campaign.users.iter().map(user).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_and_told_is_the_calendar() {
        let plan = CampaignPlan {
            devices: 1_000,
            capacity_per_day: 240,
        };
        let campaign = run_campaign(1, &plan).expect("nobody is refused");
        let drawing = drawing(&campaign);
        assert_eq!(drawing.days.len(), campaign.days.len());
        let drawn: u64 = drawing.days[0]
            .released
            .iter()
            .map(|(_, units)| units)
            .sum();
        assert_eq!(drawn, u64::from(campaign.days[0].units()));
        let json = to_json(&campaign, 0.5);
        assert_eq!(json["service_days"], campaign.days.len());
        assert_eq!(json["days"][0]["released"], campaign.days[0].units());
        let text = text(&campaign, 0.5);
        assert!(text.contains(&campaign.days[0].date.to_string()), "{text}");
        assert!(text.contains("allowance"), "{text}");
    }
}
