//! What a notice says to people.

use dco_block::Eui64;
use dco_engine::record::{Counted, Near, StopFigures};
use dco_engine::{ActTold, Notice, NoticeSubject, Scope};
use dco_schedule::{Cause, CrowdedWindow, ServiceDate, Side, Span};

use super::super::{for_people, name};
use super::{act, action, schedule};

/// Each schedule whose window is crowded, with the first day on which it is.
fn crowded_told(windows: &[CrowdedWindow<Eui64>]) -> String {
    let mut schedules: Vec<(&CrowdedWindow<Eui64>, usize)> = Vec::new();
    for window in windows {
        match schedules
            .iter_mut()
            .find(|(first, _)| first.id == window.id)
        {
            Some((_, days)) => *days += 1,
            None => schedules.push((window, 1)),
        }
    }
    let told = schedules.into_iter().map(|(first, days)| {
        let days = match days {
            1 => String::new(),
            days => format!(", first of {days} such days"),
        };
        let CrowdedWindow {
            date,
            window,
            fits,
            agreed,
            ..
        } = first;
        format!(
            "; of {} on {date} {fits} of {agreed} fit from {window}{days}",
            schedule(first.id)
        )
    });
    told.collect()
}

fn limit_near(near: Near, date: Option<ServiceDate>, (limit, used): (u64, u64)) -> String {
    match (near, date) {
        (Near::OpenTransfers, _) => format!(
            "{used} of {limit} transfers are open; at the limit OpenTransfer is refused, so send or cancel some"
        ),
        (Near::StoredBytes, _) => format!(
            "{used} of {limit} bytes are stored or declared; at the limit OpenTransfer is refused"
        ),
        (_, Some(date)) => {
            format!("{used} of {limit} large images that may be released on {date} are released")
        }
        _ => format!("{used} of {limit} are used"),
    }
}

pub(super) const fn side(by: Option<Side>) -> &'static str {
    match by {
        Some(Side::User) => "USER",
        Some(Side::Desk) => "SERVICE_DESK",
        None => "TIME",
    }
}

/// What an act put forward, took or ended, behind its name; empty where nothing is known of it.
fn told(told: Option<&ActTold>) -> String {
    let Some(told) = told else {
        return String::new();
    };
    let quota = told.days.map(|(first, last)| {
        let units = told.units;
        format!("{units} units from {first} to {last}")
    });
    let taken = (told.taken > 0).then(|| format!("{} units taken", told.taken));
    let cause = told.cause.map(|cause| match cause {
        Cause::OverAgreed => "because capacity dropped".to_owned(),
        Cause::MakesRoom => "to make room for another schedule".to_owned(),
        Cause::MakesRoomFor(id) => format!("to make room for {}", schedule(id)),
    });
    let ends = told
        .ends
        .map(|from| format!("nothing is agreed from {from} on"));
    let parts: Vec<_> = [quota, taken, cause, ends].into_iter().flatten().collect();
    match parts.as_slice() {
        [] => String::new(),
        parts => format!(": {}", parts.join(", ")),
    }
}

/// Days and units in one line, the days after the third only counted.
fn days_told(days: &[(ServiceDate, u32)]) -> String {
    let first = days
        .iter()
        .take(3)
        .map(|(date, units)| format!("{date} by {units}"));
    let told = first.collect::<Vec<_>>().join(", ");
    match days.len().saturating_sub(3) {
        0 => told,
        1 => format!("{told} and 1 more day"),
        more => format!("{told} and {more} more days"),
    }
}

pub(super) fn message(notice: &Notice) -> String {
    let told = || told(notice.told.as_ref());
    let subject = &notice.subject;
    match subject {
        NoticeSubject::ScheduleStep {
            schedule: id,
            act: kind,
            by,
            answer_by_us,
            ..
        } => {
            let until = answer_by_us.map_or_else(String::new, |at_us| {
                format!("; it may be answered until {}", for_people(at_us))
            });
            format!(
                "{} by {} on {}{}{until}",
                act(*kind),
                side(*by),
                schedule(*id),
                told()
            )
        }
        NoticeSubject::ActionPending {
            action: number,
            schedule: id,
            act: kind,
            expires_us,
        } => format!(
            "{} on {} waits for a second officer until {} as {}{}",
            act(*kind),
            schedule(*id),
            for_people(*expires_us),
            action(*number),
            told()
        ),
        NoticeSubject::ActionSettled {
            action: number,
            approved,
        } => {
            let how = if *approved { "approved" } else { "not done" };
            format!("{} was {how}", action(*number))
        }
        NoticeSubject::CapacitySet { span, capacity, .. } => capacity_set(*span, *capacity),
        NoticeSubject::CapacityCleared { date, capacity, .. } => format!(
            "what was set for {date} alone was taken back: its capacity is {capacity} large images"
        ),
        NoticeSubject::OverAgreed { days, .. } => format!(
            "more is agreed than there is room for: {}; the Service Desk is to propose a re-plan",
            days_told(days)
        ),
        NoticeSubject::WindowsCrowded { days, windows } => format!(
            "more is agreed in windows than their hours carry: {}{}; what does not leave in its hours leaves in those of \
             the next day",
            days_told(days),
            crowded_told(windows)
        ),
        NoticeSubject::TransferExpires {
            transfer,
            expire_us,
        } => format!(
            "transfer {transfer} expires at {} unless its blocks come",
            for_people(*expire_us)
        ),
        NoticeSubject::TrtNear { .. }
        | NoticeSubject::LimitNear { .. }
        | NoticeSubject::NearlyUsed { .. } => what_is_near(subject),
        other => what_is_refused(other),
    }
}

fn what_is_near(subject: &NoticeSubject) -> String {
    match subject {
        NoticeSubject::TrtNear {
            user,
            batch,
            due_us,
            open,
        } => format!(
            "the TRT of {} ends at {} and {open} of its activations have not ended; ExplainActivation says of each why",
            name::batch(*user, Some(*batch)),
            for_people(*due_us)
        ),
        NoticeSubject::LimitNear {
            near,
            date,
            limit,
            used,
        } => limit_near(*near, *date, (*limit, *used)),
        NoticeSubject::NearlyUsed {
            source,
            date,
            limit,
            used,
        } => {
            let of = source.schedule().map_or_else(
                || "the allowance".to_owned(),
                |number| format!("the quota of schedule {number}"),
            );
            format!("{used} of {limit} large activations are sent for {date} under {of}")
        }
        _ => unreachable!("every other subject is dealt with before"),
    }
}

fn what_is_refused(subject: &NoticeSubject) -> String {
    match subject {
        NoticeSubject::ProductsHold {
            manufacturer_image_hash: hash,
            held,
            freed,
            ..
        } => {
            let held = (*held > 0).then(|| format!("{held} activations are held"));
            let freed = (*freed > 0).then(|| format!("{freed} go on"));
            let what: Vec<_> = held.into_iter().chain(freed).collect();
            format!(
                "by what the Central Products List says now of the image with Manufacturer Image Hash {hash}, {}",
                what.join(" and ")
            )
        }
        NoticeSubject::ThresholdBreached {
            user,
            counted: what,
            of_all,
            limit,
            used,
            requested,
        } => {
            if *what == Counted::Warnings {
                return format!(
                    "there were more than {limit} warnings about batches of {user} in the period, near the end of their TRT or \
                     stopped by a canary: of further ones the User alone is told"
                );
            }
            let of = if *of_all { "all Users" } else { "one User" };
            format!(
                "a request of {user} for {requested} {} was refused: {used} were counted in the period, and the threshold for \
                 {of} is {limit}",
                what.plural()
            )
        }
        NoticeSubject::PauseChanged {
            scope,
            paused,
            ticket,
            stop,
        } => pause_changed(*scope, *paused, (ticket, *stop)),
        NoticeSubject::Displaced { date, units } => format!(
            "on {date} work with security priority left in place of {units} of your units; your share of the next day is \
             larger by as many"
        ),
        _ => unreachable!("every other subject is dealt with before"),
    }
}

fn pause_changed(
    scope: Scope,
    paused: bool,
    (ticket, stop): (&str, Option<StopFigures>),
) -> String {
    let what = if paused { "are paused" } else { "go on" };
    let ticket = match ticket {
        "" => String::new(),
        _ => format!(", ticket {ticket}"),
    };
    let found = stop.map_or_else(String::new, |StopFigures { attempts, failed }| {
        format!(": {failed} of the last {attempts} Devices failed")
    });
    format!("{scope} {what}{ticket}{found}")
}

fn capacity_set(span: Span, capacity: Option<u32>) -> String {
    let days = match span {
        Span::On(date) => format!("for {date}"),
        Span::From(date) => format!("from {date} on"),
    };
    capacity.map_or_else(
        || format!("the hour profile {days} was set"),
        |capacity| format!("the capacity {days} is {capacity} large images a day"),
    )
}
