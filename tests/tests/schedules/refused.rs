//! Each refusal about schedules, capacity and second approvals, with its reason.

use dco_client::{ScheduleRequest, SchedulesClient};
use dco_tests::{Image, Scene, submit_batch};
use serde_json::Value;

use super::Table;
use crate::activation::quick;

#[tokio::test]
async fn what_is_wrong_with_an_offer_is_named_by_its_field() {
    let table = Table::new().await;
    table.request("user1", 100, (1, 10)).await;
    let name = table.name("user1", 1);
    let (tomorrow, yesterday, far) = (table.day(1), table.day(-1), table.day(400));
    let quota = |day: &str, units: u32| format!("{day}={units}");
    let good = quota(&tomorrow, 50);
    let cases: [(&str, Vec<String>); 7] = [
        ("QUOTA_EMPTY", vec![quota(&tomorrow, 0)]),
        ("SERVICE_DATE_INVALID", vec![quota(&yesterday, 5)]),
        ("SERVICE_DATE_INVALID", vec![quota(&far, 5)]),
        ("QUOTA_OVER_REQUEST", vec![quota(&tomorrow, 101)]),
        (
            "ANSWER_PERIOD_TOO_SHORT",
            vec![good.clone(), "--answer-by".to_owned(), tomorrow.clone()],
        ),
        (
            "HOUR_WINDOW_INVALID",
            vec![good.clone(), "--window".to_owned(), "22-23".to_owned()],
        ),
        (
            "ETAG_INVALID",
            vec![good, "--etag".to_owned(), "newest".to_owned()],
        ),
    ];
    for (reason, args) in cases {
        let mut offer = vec!["schedule", "offer", &name, "--reason", "x", "--quota"];
        offer.extend(args.iter().map(String::as_str));
        table.refused("desk1", &offer, reason).await;
    }
    let shown = table
        .done("user1", &["schedule", "show", "schedules/1"])
        .await;
    assert_eq!(shown["schedule"]["etag"], "1", "nothing has changed");
    table.scene.no_faults();
}

#[tokio::test]
async fn a_window_that_cannot_take_the_quota_is_refused_and_days_that_it_can_take_are_found() {
    let table = Table::new().await;
    table.request("user1", 3_000, (1, 5)).await;
    let (name, tomorrow) = (table.name("user1", 1), table.day(1));
    let quota = table.quota((1, 1), 1_500);
    let reason = ["--reason", "at night"];
    let two_hours = ["schedule", "offer", &name, "--window", "20-22"];
    let offer = [&two_hours[..], &["--quota", &quota], &reason].concat();
    let told = table.refused("desk1", &offer, "WINDOW_TOO_SHORT").await;
    let days = told["days"].as_str().unwrap();
    let day = format!("{tomorrow}:hours=20-22:wanted=1500:free=");
    assert!(days.starts_with(&day), "{days}");
    let free = days.split("free=").nth(1).unwrap();
    let free: u64 = free.split(':').next().unwrap().parse().unwrap();

    // 12,000 a day, two hours of it: three days are needed and are enough.
    let fit = ["schedule", "fit", &name, "--window", "20-22"];
    let found = table.done("desk1", &fit).await;
    let days = table.units(&found["moves_nobody"]["days"]);
    assert_eq!(days[0], (1, free));
    assert!(days.len() > 2, "{days:?}");
    let fitting = ["--fit", "moves-nobody"];
    let offer = [&two_hours[..], &fitting, &reason].concat();
    table.done("desk1", &offer).await;
    let more = table.quota((1, 1), u32::try_from(free).unwrap() + 1);
    let counter = ["schedule", "counter", "schedules/1", "--window", "20-22"];
    let counter = [&counter[..], &["--quota", &more], &reason].concat();
    table.refused("user1", &counter, "WINDOW_TOO_SHORT").await;
    let agreed = table.act("user1", "accept", &["schedules/1"]).await;
    assert_eq!(agreed["state"], "AGREED");
    table.scene.no_faults();
}

#[tokio::test]
async fn what_is_not_its_turn_is_refused_with_the_state() {
    let table = Table::on(
        Scene::start(|settings| {
            settings
                .with("schedules.open_per_user_max", 1)
                .with("schedules.moves_max", 0)
        })
        .await,
    )
    .await;
    let (tomorrow, later) = (table.day(1), table.day(2));
    let reversed = [
        "schedule",
        "request",
        "--devices",
        "9",
        "--earliest",
        &later,
        "--latest",
        &tomorrow,
        "--reason",
        "x",
    ];
    table
        .refused("user1", &reversed, "SCHEDULE_DATES_REVERSED")
        .await;
    table.agree("user1", (1, 1), 9).await;
    let accept = ["schedule", "accept", "schedules/1", "--reason", "x"];
    let told = table
        .refused("user1", &accept, "SCHEDULE_STATE_INVALID")
        .await;
    assert_eq!(
        (&told["state"], &told["act"]),
        (&"AGREED".into(), &"ACCEPT".into())
    );
    let second = [
        "schedule",
        "request",
        "--devices",
        "9",
        "--earliest",
        &tomorrow,
        "--latest",
        &later,
        "--reason",
        "x",
    ];
    table.refused("user1", &second, "TOO_MANY_SCHEDULES").await;
    let (name, quota) = (table.name("user1", 1), table.quota((2, 2), 9));
    let amend = [
        "schedule",
        "amend",
        &name,
        "--quota",
        &quota,
        "--over-agreed",
        "--reason",
        "x",
    ];
    table.refused("desk1", &amend, "MOVED_TOO_OFTEN").await;
    let absent = [
        "schedule",
        "accept",
        "schedules/2",
        "--etag",
        "1",
        "--reason",
        "x",
    ];
    table.refused("user1", &absent, "RESOURCE_NOT_FOUND").await;
    table.scene.no_faults();
}

#[tokio::test]
async fn capacity_is_set_for_days_to_come_and_by_a_whole_profile() {
    let table = Table::new().await;
    let tomorrow = table.day(1);
    let past = [
        "capacity",
        "set",
        "--on",
        &table.day(-1),
        "--capacity",
        "5",
        "--reason",
        "x",
    ];
    table.refused("desk1", &past, "SERVICE_DATE_INVALID").await;
    let mut profile = vec!["0"; 24].join(",");
    let shaped = |profile: &str| {
        let args = [
            "capacity",
            "set",
            "--on",
            &tomorrow,
            "--reason",
            "x",
            "--hour-profile",
            profile,
        ];
        args.map(str::to_owned)
    };
    for _ in 0..2 {
        let args = shaped(&profile);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        table.refused("desk1", &args, "HOUR_PROFILE_INVALID").await;
        profile = "1,2,3".to_owned();
    }
    table.scene.no_faults();
}

#[tokio::test]
async fn a_quota_does_not_go_below_what_is_sent() {
    let table = Table::on(Scene::start(quick).await).await;
    let own = table.scene.install(0, 3, "user1", "gateway1").await;
    let user = table.scene.user("user1").await;
    let image = Image::large(2);
    table.scene.store(&user, &image, &own).await;
    table.agree("user1", (0, 0), 9).await;
    user.submit_batch(submit_batch(&image, &own)).await.unwrap();
    let quota = table.quota((0, 0), 2);
    let amend = [
        "schedule",
        "amend",
        "schedules/1",
        "--quota",
        &quota,
        "--reason",
        "x",
    ];
    let told = table.refused("user1", &amend, "QUOTA_BELOW_SENT").await;
    assert_eq!((&told["sent"], &told["wanted"]), (&"3".into(), &"2".into()));
    table.scene.no_faults();
}

#[tokio::test]
async fn a_request_that_nobody_has_made_can_be_fitted_and_too_many_are_not_tried() {
    let table = Table::new().await;
    let request = ScheduleRequest {
        manufacturer_image_hash: None,
        device_count: 20_000,
        earliest_date: table.day(1),
        latest_date: table.day(9),
        per_day_max: 0,
    };
    let client = SchedulesClient::new(&table.scene.link("desk1").await);
    let user = table.scene.site.eui64("user1");
    let fits = client.fit_request(user, request.clone()).await.unwrap();
    let days: Vec<_> = fits
        .moves_nobody
        .unwrap()
        .days
        .iter()
        .map(|day| day.units)
        .collect();
    assert_eq!(days, [8_960, 8_960, 2_080]);
    let tried = dco_client::SimulatedRequest { user, request };
    let many = client.simulate(vec![tried; 101]).await.unwrap_err();
    assert_eq!(many.reason(), Some("TOO_MANY_REQUESTS"));
    let listed = table.done("desk1", &["schedule", "list"]).await;
    assert_eq!(
        listed["schedules"],
        Value::Array(Vec::new()),
        "nothing was made of it"
    );
    table.scene.no_faults();
}

/// What the desk takes it takes for a cause that is there, and a User cannot keep two officers from acting.
#[tokio::test]
async fn a_move_has_a_cause_and_waits_for_its_second_officer_whatever_its_user_proposes() {
    let table = Table::new().await;
    table.agree("user1", (1, 2), 700).await;
    table.request("user2", 900, (1, 2)).await;
    let (name, other) = (table.name("user1", 1), table.name("user2", 1));
    let less = table.quota((1, 2), 600);
    let amend = [
        "schedule", "amend", &name, "--quota", &less, "--reason", "x",
    ];
    let with = |more: &[&'static str]| [&amend[..], more].concat();
    let itself = [&amend[..], &["--makes-room-for", &name]].concat();
    let imposed = [&amend[..], &["--impose", "--makes-room-for", &other]].concat();
    for asked in [with(&[]), with(&["--over-agreed"]), itself] {
        table.refused("desk1", &asked, "MOVE_CAUSE_INVALID").await;
    }
    let waits = table.done("desk1", &imposed).await;
    assert_eq!(waits["action"]["state"], "WAITING");
    let own = table.quota((1, 2), 650);
    table
        .act("user1", "amend", &["schedules/1", "--quota", &own])
        .await;
    table.act("user1", "withdraw", &["schedules/1"]).await;
    let shown = table.done("desk2", &["schedule", "show", &name]).await;
    assert_eq!(shown["schedule"]["waiting_actions"], serde_json::json!([1]));
    let approve = ["actions", "approve", "1", "--reason", "looked at"];
    let done = table.done("desk2", &approve).await;
    assert_eq!(done["schedule"]["moves"][0]["imposed"], true);
    let far = ["notices", "--position", "999"];
    table.refused("desk1", &far, "NOTICES_NOT_TOLD").await;
    table.scene.no_faults();
}
