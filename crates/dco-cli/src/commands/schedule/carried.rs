//! The commands that carry a plan out.

use dco_client::{
    DayUnits, Fit, Fits, Replan, ReplanAmendment, Schedule, ScheduleName, ScheduleRequest,
    SchedulesClient,
};
use dco_schedule::ServiceDate;

use crate::exit::Failure;
use crate::paging;

/// Proposals that are looked for: more wait for nobody's Users at once.
const SCHEDULES_MAX: u32 = 10_000;

/// How `dco schedule amend` is told why a User is moved.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    OverAgreed,
    MakesRoomFor(ScheduleName),
}

/// What proposes a re-plan, for a person to complete and run.
pub(super) async fn replan_text(
    client: &SchedulesClient,
    replan: &Replan,
    why: Why,
) -> Result<Option<String>, Failure> {
    let mut commands = Vec::new();
    for amendment in &replan.amendments {
        let schedule = client.schedule(amendment.schedule).await?;
        commands.push(amend(&schedule, amendment, why));
    }
    Ok(listed("to propose it", &commands))
}

/// What moves others first and then offers, for each way that there is.
pub(super) async fn fits_text(
    client: &SchedulesClient,
    (schedule, name, window): (&Schedule, ScheduleName, Option<(u32, u32)>),
    fits: &Fits,
) -> Result<Option<String>, Failure> {
    let ways = [
        ("earliest end", &fits.earliest_end),
        ("flattest", &fits.flattest),
        ("earliest end, nobody is moved", &fits.moves_nobody),
    ];
    let mut parts = Vec::new();
    for (way, fit) in ways {
        let Ok(fit) = fit else { continue };
        let why = Why::MakesRoomFor(name);
        let moves = replan_text(client, &fit.replan, why).await?;
        parts.extend(moves.map(|moves| format!("{way}: before, {moves}")));
        let put_forward = put_forward(schedule, (name, window), fit);
        parts.extend(listed(&format!("{way}: to put it forward"), &[put_forward]));
    }
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}

/// The hours that are agreed, or else put forward: they stay where an act names no others.
pub(super) fn window_of(schedule: &Schedule) -> Option<(u32, u32)> {
    let proposed = schedule.proposal.as_ref().map(|it| &it.deal);
    let deal = schedule.agreed.as_ref().or(proposed)?;
    deal.deal.window_hours
}

/// The schedules whose moves wait for the word of their Users, where there are any.
pub(super) async fn waiting_text(client: &SchedulesClient) -> Result<Option<String>, Failure> {
    let get = |page| async move { client.schedules(None, true, &page).await };
    let open = paging::up_to(SCHEDULES_MAX, get).await?;
    Ok(waiting(&open))
}

fn waiting(open: &[Schedule]) -> Option<String> {
    let proposed = |it: &&Schedule| {
        let proposal = it.proposal.as_ref();
        proposal.is_some_and(|it| it.by == "SERVICE_DESK" && it.cause.is_some())
    };
    let names = open.iter().filter(proposed).filter_map(|it| it.name);
    let names: Vec<_> = names.map(|name| name.to_string()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "moves are proposed already and wait for their Users, what they would free is not counted here: {}",
            names.join(", ")
        )
    })
}

fn listed(what: &str, commands: &[String]) -> Option<String> {
    (!commands.is_empty()).then(|| format!("{what}\n  {}", commands.join("\n  ")))
}

fn amend(schedule: &Schedule, amendment: &ReplanAmendment, why: Why) -> String {
    let given = amendment.given.iter().map(|day| day.service_date.as_str());
    let given: Vec<_> = given.collect();
    let more = amendment.quota.iter();
    let more = more.filter(|day| given.contains(&day.service_date.as_str()));
    let why = match why {
        Why::OverAgreed => "--over-agreed".to_owned(),
        Why::MakesRoomFor(other) => format!("--makes-room-for {other}"),
    };
    let name = amendment.schedule.to_string();
    let head = format!("amend {name} --etag {}", amendment.etag);
    let tail = with_beyond(why, is_beyond(&schedule.request, more));
    command(&head, &amendment.quota, &tail)
}

fn put_forward(
    schedule: &Schedule,
    (name, window): (ScheduleName, Option<(u32, u32)>),
    fit: &Fit,
) -> String {
    let days = fit.days.iter().map(|day| DayUnits {
        service_date: day.service_date.clone(),
        units: day.units,
    });
    let planned: Vec<_> = days.collect();
    let window = match (window, window_of(schedule)) {
        (Some((from, to)), _) => format!("--window {from}-{to}"),
        // What is not given stays as it is, and the plan is for the whole day.
        (None, Some(_)) => "--window none".to_owned(),
        (None, None) => String::new(),
    };
    let tail = with_beyond(window, is_beyond(&schedule.request, planned.iter()));
    match &schedule.agreed {
        None => command(&format!("offer {name}"), &planned, &tail),
        Some(agreed) => {
            let quota = sum(&agreed.deal.quota, &planned);
            command(&format!("amend {name}"), &quota, &tail)
        }
    }
}

/// Whether days with more than before are others than the User asked for, or have more than it can take.
fn is_beyond<'a>(request: &ScheduleRequest, mut days: impl Iterator<Item = &'a DayUnits>) -> bool {
    days.any(|day| {
        let too_many = request.per_day_max > 0 && day.units > request.per_day_max;
        let too_early = day.service_date < request.earliest_date;
        too_many || too_early || day.service_date > request.latest_date
    })
}

fn with_beyond(flags: String, is_beyond: bool) -> String {
    let beyond = if is_beyond { "--beyond-request" } else { "" };
    format!("{flags} {beyond}").trim().to_owned()
}

fn sum(agreed: &[DayUnits], planned: &[DayUnits]) -> Vec<DayUnits> {
    let mut days = std::collections::BTreeMap::new();
    for day in agreed.iter().chain(planned) {
        *days.entry(&day.service_date).or_insert(0) += day.units;
    }
    let days = days.into_iter().map(|(date, units)| DayUnits {
        service_date: date.clone(),
        units,
    });
    days.collect()
}

fn command(head: &str, quota: &[DayUnits], tail: &str) -> String {
    let quota: Vec<_> = runs(quota)
        .into_iter()
        .map(|days| format!("--quota {days}"))
        .collect();
    let tail = if tail.is_empty() {
        String::new()
    } else {
        format!(" {tail}")
    };
    format!(
        "dco schedule {head} {}{tail} --ticket TICKET --reason REASON",
        quota.join(" ")
    )
}

/// Days in a row with the same units together, as `--quota` takes them.
fn runs(quota: &[DayUnits]) -> Vec<String> {
    let mut runs: Vec<(ServiceDate, ServiceDate, u32)> = Vec::new();
    let days = quota.iter();
    let days = days.filter_map(|day| Some((day.service_date.parse().ok()?, day.units)));
    for (date, units) in days {
        let date: ServiceDate = date;
        match runs.last_mut() {
            Some((_, last, same)) if *same == units && last.next() == date => *last = date,
            _ => runs.push((date, date, units)),
        }
    }
    let told = runs.into_iter().map(|(first, last, units)| {
        if first == last {
            format!("{first}={units}")
        } else {
            format!("{first}..{last}={units}")
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests;
