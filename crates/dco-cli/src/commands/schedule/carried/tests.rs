//! A plan is carried out with what is printed.

use dco_client::{FitDay, MoveCause, ScheduleDeal, ScheduleProposal, ShownDeal};

use super::*;

fn days(days: &[(&str, u32)]) -> Vec<DayUnits> {
    let day = |(date, units): &(&str, u32)| DayUnits {
        service_date: (*date).to_owned(),
        units: *units,
    };
    days.iter().map(day).collect()
}

fn name(number: u32) -> ScheduleName {
    let name = format!("users/90-B3-D5-1F-30-01-00-00/schedules/{number}");
    name.parse().unwrap()
}

fn deal(quota: &[(&str, u32)]) -> ShownDeal {
    ShownDeal {
        deal: ScheduleDeal {
            quota: days(quota),
            ..ScheduleDeal::default()
        },
        total: 0,
        dates: None,
    }
}

/// Asked for from the first to the fifth of December, at most 1,000 a day.
fn schedule(number: u32) -> Schedule {
    Schedule {
        name: Some(name(number)),
        etag: "4".to_owned(),
        state: "REQUESTED".to_owned(),
        request: ScheduleRequest {
            manufacturer_image_hash: None,
            device_count: 9_000,
            earliest_date: "2026-12-01".to_owned(),
            latest_date: "2026-12-05".to_owned(),
            per_day_max: 1_000,
        },
        agreed: None,
        amendment_count: 0,
        proposal: None,
        moves: Vec::new(),
        move_count: 0,
        moves_max: 3,
        history: Vec::new(),
        end_date: None,
        warnings: Vec::new(),
        waiting_actions: Vec::new(),
    }
}

fn amendment(given: &[(&str, u32)], quota: &[(&str, u32)]) -> ReplanAmendment {
    ReplanAmendment {
        schedule: name(1),
        etag: "4".to_owned(),
        taken: days(&[("2026-12-01", 500)]),
        given: days(given),
        quota: days(quota),
    }
}

#[test]
fn an_amendment_has_the_whole_quota_its_etag_and_its_cause() {
    let quota = [
        ("2026-12-01", 500),
        ("2026-12-02", 1_000),
        ("2026-12-03", 1_000),
        ("2026-12-05", 1_000),
    ];
    let within = amendment(&[("2026-12-05", 500)], &quota);
    assert_eq!(
        amend(&schedule(1), &within, Why::OverAgreed),
        "dco schedule amend users/90-B3-D5-1F-30-01-00-00/schedules/1 --etag 4 --quota 2026-12-01=500 \
         --quota 2026-12-02..2026-12-03=1000 --quota 2026-12-05=1000 --over-agreed --ticket TICKET --reason REASON"
    );
    let told = amend(&schedule(1), &within, Why::MakesRoomFor(name(7)));
    let cause = "--makes-room-for users/90-B3-D5-1F-30-01-00-00/schedules/7 --ticket";
    assert!(told.contains(cause), "{told}");
}

#[test]
fn what_was_not_asked_for_is_said_to_be_meant() {
    for (given, is_beyond) in [
        (("2026-12-05", 1_000), false),
        (("2026-12-05", 1_001), true),
        (("2026-12-06", 1), true),
        (("2026-11-30", 1), true),
    ] {
        let given = [given];
        let told = amend(&schedule(1), &amendment(&given, &given), Why::OverAgreed);
        assert_eq!(told.contains("--beyond-request"), is_beyond, "{told}");
    }
    // A day that stays as it was agreed is nothing new.
    let late = [("2026-12-05", 500), ("2026-12-09", 2_000)];
    let told = amend(&schedule(1), &amendment(&late[..1], &late), Why::OverAgreed);
    assert!(!told.contains("--beyond-request"), "{told}");
}

fn fit(quota: &[(&str, u32)]) -> Fit {
    let day = |(date, units): &(&str, u32)| FitDay {
        service_date: (*date).to_owned(),
        units: *units,
        free_before: 0,
        free_after: 0,
        due_us: None,
        in_flight: 0,
        in_flight_ok: true,
    };
    Fit {
        days: quota.iter().map(day).collect(),
        replan: Replan::default(),
        ends_late: false,
    }
}

#[test]
fn what_fits_is_offered_in_its_window_or_added_to_what_is_agreed() {
    let fit = fit(&[("2026-12-05", 700), ("2026-12-06", 300)]);
    let offered = put_forward(&schedule(1), (name(1), Some((22, 24))), &fit);
    assert_eq!(
        offered,
        "dco schedule offer users/90-B3-D5-1F-30-01-00-00/schedules/1 --quota 2026-12-05=700 --quota 2026-12-06=300 \
         --window 22-24 --beyond-request --ticket TICKET --reason REASON"
    );
    let mut agreed = schedule(1);
    agreed.agreed = Some(deal(&[("2026-12-04", 900), ("2026-12-05", 100)]));
    let amended = put_forward(&agreed, (name(1), None), &fit);
    let quota = "amend users/90-B3-D5-1F-30-01-00-00/schedules/1 --quota 2026-12-04=900 --quota 2026-12-05=800 \
                 --quota 2026-12-06=300 --beyond-request";
    assert!(amended.contains(quota), "{amended}");
}

/// Terms that an act does not name stay: so the plan and the act that carries it out are about the same hours.
#[test]
fn the_hours_are_those_that_stay_or_are_named() {
    let fit = fit(&[("2026-12-05", 700)]);
    let windowed = || {
        let mut deal = deal(&[("2026-12-04", 900)]);
        deal.deal.window_hours = Some((1, 3));
        deal
    };
    let mut agreed = schedule(1);
    assert_eq!(window_of(&agreed), None);
    agreed.agreed = Some(windowed());
    let mut offered = schedule(1);
    offered.proposal = Some(ScheduleProposal {
        by: "SERVICE_DESK".to_owned(),
        deal: windowed(),
        answer_by_us: None,
        cause: None,
    });
    for schedule in [agreed, offered] {
        assert_eq!(window_of(&schedule), Some((1, 3)));
        for (window, named) in [(Some((1, 3)), "1-3"), (None, "none")] {
            let told = put_forward(&schedule, (name(1), window), &fit);
            assert!(told.contains(&format!(" --window {named} ")), "{told}");
        }
    }
}

#[test]
fn moves_that_wait_for_their_users_are_named_and_no_other_proposal() {
    let proposed = |by: &str, cause| {
        let mut schedule = schedule(3);
        schedule.proposal = Some(ScheduleProposal {
            by: by.to_owned(),
            deal: deal(&[]),
            answer_by_us: None,
            cause,
        });
        schedule
    };
    let others = [
        schedule(1),
        proposed("SERVICE_DESK", None),
        proposed("USER", None),
    ];
    assert_eq!(waiting(&others), None);
    let told = waiting(&[proposed("SERVICE_DESK", Some(MoveCause::OverAgreed))]).unwrap();
    assert!(
        told.ends_with("users/90-B3-D5-1F-30-01-00-00/schedules/3"),
        "{told}"
    );
}
