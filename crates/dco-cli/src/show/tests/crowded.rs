//! Windows that cannot take what is agreed in them.

use dco_client::{CrowdedWindow, Notice, NoticeSubject, Replan, ScheduleName};
use serde_json::json;

use super::*;

fn crowded() -> CrowdedWindow {
    CrowdedWindow {
        schedule: "users/90-B3-D5-1F-30-01-00-00/schedules/3"
            .parse::<ScheduleName>()
            .unwrap(),
        service_date: "2026-03-29".to_owned(),
        window: (6, 12),
        fits: 1_300,
        agreed: 1_400,
    }
}

#[test]
fn a_plan_names_the_windows_that_none_of_it_is_for() {
    let replan = Replan {
        crowded_windows: vec![crowded()],
        ..Replan::default()
    };
    let text = replan_text(&replan);
    let said: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(said[0], "nobody has to be moved");
    assert!(said[1].starts_with("these windows cannot take what is agreed in them"));
    for part in [
        "2026-03-29",
        "schedules/3",
        "06:00 to 12:00",
        "1,300",
        "1,400",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let expected = json!([{
        "schedule": "users/90-B3-D5-1F-30-01-00-00/schedules/3",
        "service_date": "2026-03-29",
        "window_hours": [6, 12],
        "fits": 1_300,
        "agreed": 1_400,
    }]);
    assert_eq!(replan_json(&replan)["crowded_windows"], expected);
    let notice = Notice {
        position: 7,
        create_us: Some(AT_US),
        message: "more is agreed in windows than their hours carry".to_owned(),
        subject: Some(NoticeSubject::WindowsCrowded {
            days: Vec::new(),
            windows: vec![crowded()],
        }),
    };
    let subject = &notice_json(&notice)["subject"];
    assert_eq!(subject["windows_crowded"]["windows"], expected);
}

#[test]
fn where_no_window_is_crowded_nothing_is_said_of_it() {
    assert_eq!(crowded_text(&[]), None);
    assert_eq!(replan_text(&Replan::default()), "nobody has to be moved");
}
