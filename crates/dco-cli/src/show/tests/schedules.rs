//! Schedules, plans and what is only tried out.

use dco_client::{
    DayUnits, Fit, FitDay, Fits, MoveCause, NoFit, Notice, Notices, PendingAction, Replan,
    ReplanAmendment, Schedule, ScheduleDeal, ScheduleMove, ScheduleName, ScheduleProposal,
    ScheduleRequest, ScheduleSignature, ScheduleStep, ShownDeal, SimulatedDay, SimulatedRequest,
    SimulatedUser, Simulation,
};
use insta::assert_snapshot;

use super::*;

const OTHER: dco_block::Eui64 = dco_block::Eui64::from_bits(0x90B3_D51F_3001_0002);

fn days(days: &[(&str, u32)]) -> Vec<DayUnits> {
    let day = |(date, units): &(&str, u32)| DayUnits {
        service_date: (*date).to_owned(),
        units: *units,
    };
    days.iter().map(day).collect()
}

fn deal(quota: &[(&str, u32)]) -> ShownDeal {
    let quota = days(quota);
    let dates = quota.first().zip(quota.last());
    ShownDeal {
        total: quota.iter().map(|day| u64::from(day.units)).sum(),
        dates: dates.map(|(first, last)| (first.service_date.clone(), last.service_date.clone())),
        deal: ScheduleDeal {
            quota,
            window_hours: Some((20, 24)),
            canary_device_count: 10,
            ..ScheduleDeal::default()
        },
    }
}

fn step(
    act: &str,
    by: &str,
    officer: Option<dco_block::Eui64>,
    deal: Option<ShownDeal>,
) -> ScheduleStep {
    ScheduleStep {
        act: act.to_owned(),
        signature: ScheduleSignature {
            by: by.to_owned(),
            officer,
            second_officer: None,
            ticket: officer.map_or_else(String::new, |_| "INC-7".to_owned()),
            reason: "as talked over".to_owned(),
            second_ticket: String::new(),
            second_reason: String::new(),
            sign_us: Some(AT_US),
        },
        deal,
        answer_by_us: None,
        cause: None,
        end_date: None,
        beyond_request: false,
    }
}

fn schedule() -> Schedule {
    let quota = [
        ("2026-03-30", 1_500),
        ("2026-03-31", 1_500),
        ("2026-04-07", 7),
    ];
    let less = [("2026-03-30", 1_000)];
    Schedule {
        name: Some(ScheduleName {
            user: USER,
            number: 3,
        }),
        etag: "4".to_owned(),
        state: "AMENDING".to_owned(),
        request: ScheduleRequest {
            manufacturer_image_hash: None,
            device_count: 3_007,
            earliest_date: "2026-03-30".to_owned(),
            latest_date: "2026-04-30".to_owned(),
            per_day_max: 2_000,
        },
        agreed: Some(deal(&quota)),
        amendment_count: 0,
        proposal: Some(ScheduleProposal {
            by: "SERVICE_DESK".to_owned(),
            deal: deal(&less),
            answer_by_us: Some(AT_US + 168 * HOUR_US),
            cause: Some(MoveCause::OverAgreed),
        }),
        moves: vec![ScheduleMove {
            move_us: Some(AT_US),
            cause: Some(MoveCause::MakesRoom(None)),
            taken: days(&[
                ("2026-03-30", 5),
                ("2026-03-31", 5),
                ("2026-04-01", 5),
                ("2026-04-02", 5),
            ]),
            given: Vec::new(),
            imposed: true,
        }],
        move_count: 1,
        moves_max: 2,
        history: vec![
            step("REQUEST", "USER", None, None),
            step("OFFER", "SERVICE_DESK", Some(OTHER), Some(deal(&quota))),
            step("ACCEPT", "USER", None, None),
            approved(step(
                "AMEND",
                "SERVICE_DESK",
                Some(OTHER),
                Some(deal(&less)),
            )),
        ],
        end_date: Some("2026-04-08".to_owned()),
        warnings: vec!["1 service day is before 2026-03-31".to_owned()],
        waiting_actions: vec![4],
    }
}

/// The step with a second officer's approval.
fn approved(mut step: ScheduleStep) -> ScheduleStep {
    step.signature.second_officer = Some(USER);
    step.signature.second_ticket = "CHG-9".to_owned();
    step.signature.second_reason = "read and right".to_owned();
    step
}

#[test]
fn a_schedule_shows_its_days_what_waits_its_moves_and_its_history() {
    assert_snapshot!(schedule_text(&schedule()));
}

#[test]
fn schedules_are_listed_with_what_is_agreed() {
    let only_asked = Schedule {
        state: "REQUESTED".to_owned(),
        agreed: None,
        proposal: None,
        ..schedule()
    };
    assert_snapshot!(schedules_text(&[schedule(), only_asked]));
    assert_eq!(schedules_text(&[]), "no schedules");
}

fn action(step: ScheduleStep, agreed: Option<ShownDeal>, deal: ShownDeal) -> PendingAction {
    PendingAction {
        number: Some(4),
        state: "WAITING".to_owned(),
        schedule: ScheduleName {
            user: USER,
            number: 3,
        },
        step,
        expire_us: Some(AT_US),
        agreed,
        deal: Some(deal),
        settled: None,
    }
}

/// What a second officer approves stands there whole: what an ACCEPT agrees to, what an amendment changes, what an end leaves.
#[test]
fn a_second_officer_sees_the_days_and_the_terms() {
    let mut secure = deal(&[("2026-03-30", 1_500), ("2026-03-31", 7)]);
    secure.deal.security = true;
    let agreed = deal(&[
        ("2026-03-30", 1_500),
        ("2026-03-31", 1_500),
        ("2026-04-07", 7),
    ]);
    let moved = deal(&[
        ("2026-03-30", 1_000),
        ("2026-03-31", 1_500),
        ("2026-04-08", 507),
    ]);
    let accept = step("ACCEPT", "SERVICE_DESK", Some(OTHER), None);
    let mut impose = step("IMPOSE", "SERVICE_DESK", Some(OTHER), Some(moved.clone()));
    impose.cause = Some(MoveCause::OverAgreed);
    impose.beyond_request = true;
    let mut end = step("END", "SERVICE_DESK", Some(OTHER), None);
    end.end_date = Some("2026-03-31".to_owned());
    let left = deal(&[("2026-03-30", 1_500)]);
    let actions = [
        action(accept, None, secure),
        action(impose, Some(agreed.clone()), moved),
        action(end, Some(agreed), left),
    ];
    let each = actions.iter().map(action_text);
    let all = each.chain([actions_text(&actions, true)]);
    assert_snapshot!(all.collect::<Vec<_>>().join("\n\n"));
    let json = action_json(&actions[0]);
    assert_eq!(json["deal"]["security"], true);
    assert_eq!(json["deal"]["quota"][1]["units"], 7);
    assert_eq!(json["agreed"], Value::Null);
}

/// Whoever looks back sees why, whoever looks forward has no empty columns.
#[test]
fn an_act_that_waits_no_more_says_why() {
    let accept = step("ACCEPT", "SERVICE_DESK", Some(OTHER), None);
    let waits = action(accept, None, deal(&[("2026-03-30", 7)]));
    let mut overtaken = action(
        step("ACCEPT", "SERVICE_DESK", Some(OTHER), None),
        None,
        deal(&[("2026-03-30", 7)]),
    );
    overtaken.state = "OVERTAKEN".to_owned();
    let mut settled = step("LAPSE", "TIME", None, None).signature;
    settled.reason = "step 4 was END by the User".to_owned();
    overtaken.settled = Some(settled);
    let listed = actions_text(&[waits.clone(), overtaken.clone()], true);
    let last: Vec<_> = listed
        .lines()
        .map(|line| line.rsplit("  ").next())
        .collect();
    assert_eq!(last[0], Some("ANSWER'S REASON"));
    assert_eq!(last[1], Some("-"));
    assert_eq!(last[2], Some("step 4 was END by the User"));
    assert!(!actions_text(&[waits], false).contains("ANSWER"));
    assert!(action_text(&overtaken).contains("step 4 was END by the User"));
    for (all, text) in [(true, "ever needed"), (false, "waits")] {
        assert!(actions_text(&[], all).contains(text));
    }
}

/// However many there are: a User must see what it gives up.
#[test]
fn every_day_of_a_move_is_shown() {
    let dates: Vec<_> = (10..30).map(|day| format!("2026-04-{day}")).collect();
    let taken: Vec<_> = dates.iter().map(|date| (date.as_str(), 1_040)).collect();
    let mut moved = schedule();
    moved.moves = vec![ScheduleMove {
        move_us: Some(AT_US),
        cause: Some(MoveCause::OverAgreed),
        taken: days(&taken),
        given: days(&[("2026-05-01", 20_800)]),
        imposed: true,
    }];
    let amendment = ReplanAmendment {
        schedule: ScheduleName {
            user: OTHER,
            number: 1,
        },
        etag: "4".to_owned(),
        taken: days(&taken),
        given: days(&[("2026-05-01", 20_800)]),
        quota: Vec::new(),
    };
    let replan = Replan {
        amendments: vec![amendment],
        left: days(&taken),
        crowded_windows: Vec::new(),
    };
    for text in [schedule_text(&moved), replan_text(&replan)] {
        for date in dates.iter().map(String::as_str).chain(["2026-05-01"]) {
            assert!(text.contains(date), "{date} is not in {text}");
        }
        assert!(text.contains("20,800"), "{text}");
    }
}

#[test]
fn three_ways_to_meet_a_request_are_shown_day_by_day() {
    let fit = |units, moved| Fit {
        days: vec![FitDay {
            service_date: "2026-03-30".to_owned(),
            units,
            free_before: 960,
            free_after: 0,
            due_us: Some(AT_US + 144 * HOUR_US),
            in_flight: 60_001,
            in_flight_ok: false,
        }],
        replan: moved,
        ends_late: false,
    };
    let amendment = ReplanAmendment {
        schedule: ScheduleName {
            user: OTHER,
            number: 1,
        },
        etag: "4".to_owned(),
        taken: days(&[("2026-03-30", 1_040)]),
        given: days(&[("2026-03-31", 1_040)]),
        quota: Vec::new(),
    };
    let moved = Replan {
        amendments: vec![amendment],
        left: days(&[("2026-04-01", 7)]),
        crowded_windows: Vec::new(),
    };
    let no_fit = NoFit {
        wanted: 2_000,
        room: 960,
        first_date: "2026-03-30".to_owned(),
        last_date: "2026-03-30".to_owned(),
        message: "2000 units are wanted and 960 fit".to_owned(),
    };
    let fits = Fits {
        earliest_end: Ok(fit(2_000, moved)),
        flattest: Err(no_fit),
        moves_nobody: Ok(fit(960, Replan::default())),
    };
    assert_snapshot!(fits_text(&fits, Some((20, 24))));
}

#[test]
fn a_simulation_shows_who_finishes_when_and_each_user_s_calendar() {
    let day = |date: &str, released, carried| SimulatedDay {
        service_date: date.to_owned(),
        available: 8_960,
        free: 40,
        released,
        carried,
    };
    let user = |user, units, finish: &str| SimulatedUser {
        user,
        units,
        finish_date: Some(finish.to_owned()),
        at_risk: Vec::new(),
    };
    let request = SimulatedRequest {
        user: OTHER,
        request: schedule().request,
    };
    let simulation = Simulation {
        quotas: vec![Ok(days(&[("2026-03-30", 4_480)]))],
        days: vec![
            day("2026-03-30", vec![(USER, 4_480), (OTHER, 4_480)], 500),
            day("2026-03-31", vec![(USER, 500)], 0),
        ],
        users: vec![
            user(USER, 4_980, "2026-03-31"),
            user(OTHER, 4_480, "2026-03-30"),
        ],
    };
    assert_snapshot!(simulation_text(&[request], &simulation));
}

#[test]
fn notices_are_shown_in_order_and_whether_there_are_more() {
    let told = Notices {
        notices: vec![Notice {
            position: 7,
            create_us: Some(AT_US),
            message: "actions/3 was approved".to_owned(),
            subject: None,
        }],
        position: 7,
        complete: false,
    };
    assert_snapshot!(notices_text(&told));
}
