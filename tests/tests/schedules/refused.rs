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

/// 8,960 of 12,000 can be agreed for a day: the User has 8,500 of the first, and another one wants 1,000 there.
async fn two_users(table: &Table) -> (String, String) {
    table.agree("user1", (1, 2), 8_500).await;
    table.request("user2", 1_000, (1, 1)).await;
    (table.name("user1", 1), table.name("user2", 1))
}

/// What the desk takes it takes for a cause that holds for all of it.
#[tokio::test]
async fn a_move_is_for_a_cause_that_holds_for_all_that_is_taken() {
    let table = Table::new().await;
    let (name, other) = two_users(&table).await;
    table.request("user1", 900, (1, 1)).await;
    let own = table.name("user1", 2);
    let (day, later) = (table.day(1), table.quota((2, 2), 8_500));
    let amend = |units: u32, more: &[&str]| {
        let quota = table.quota((1, 1), units);
        let said = ["schedule", "amend", &name, "--reason", "x"];
        let days = ["--quota", &later, "--quota", &quota];
        let said = [&said[..], &days, more].concat();
        said.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let room_for = |whom| ["--makes-room-for", whom];
    for (units, more, field) in [
        (8_400, &[][..], "taken"),
        (8_400, &["--over-agreed"][..], "overAgreedDays"),
        (8_500, &["--over-agreed", "--run-ahead"][..], "taken"),
        (8_400, &room_for(&name)[..], "state"),
        (8_400, &room_for(&own)[..], "state"),
        (7_959, &room_for(&other)[..], "days"),
    ] {
        let asked = amend(units, more);
        let asked: Vec<_> = asked.iter().map(String::as_str).collect();
        let told = table.refused("desk1", &asked, "MOVE_CAUSE_INVALID").await;
        assert!(told[field].is_string(), "{asked:?}: {told}");
        if field == "days" {
            assert_eq!(told["days"], format!("{day}:taken=541:atMost=540"));
        }
    }
    let all = [&room_for(&other)[..], &["--impose"]].concat();
    let imposed = amend(7_960, &all);
    let imposed: Vec<_> = imposed.iter().map(String::as_str).collect();
    let waits = table.done("desk1", &imposed).await;
    assert_eq!(waits["action"]["state"], "WAITING");
    assert_eq!(waits["action"]["agreed"]["quota_total"], 17_000);
    assert_eq!(waits["action"]["deal"]["quota_total"], 16_460);
    table.scene.no_faults();
}

/// Neither what a User proposes nor an end that cuts nothing keeps two officers from acting.
#[tokio::test]
async fn a_move_waits_for_its_second_officer_whatever_its_user_proposes() {
    let table = Table::new().await;
    let (name, other) = two_users(&table).await;
    let quotas = [table.quota((1, 1), 8_000), table.quota((2, 2), 8_500)];
    let moves = [
        "schedule",
        "amend",
        &name,
        "--quota",
        &quotas[0],
        "--quota",
        &quotas[1],
        "--makes-room-for",
        &other,
        "--reason",
        "x",
    ];
    table.done("desk1", &moves).await;
    let own = table.quota((1, 2), 8_400);
    table
        .act("user1", "amend", &["schedules/1", "--quota", &own])
        .await;
    let end = table.day(3);
    let end = [
        "schedule",
        "end",
        "schedules/1",
        "--from",
        &end,
        "--reason",
        "x",
    ];
    let told = table.refused("user1", &end, "SERVICE_DATE_INVALID").await;
    assert_eq!(told["latestServiceDate"], table.day(2));
    let counter = table.quota((1, 2), 8_300);
    let counter = [
        "schedule", "counter", &name, "--quota", &counter, "--reason", "x",
    ];
    let told = table.refused("desk1", &counter, "MOVE_CAUSE_INVALID").await;
    assert_eq!(told["taken"], "100", "{told}");
    let fits = table.done("desk1", &["schedule", "fit", &other]).await;
    let amendment = &fits["earliest_end"]["replan"]["amendments"][0];
    assert_eq!(table.units(&amendment["taken"]), [(1, 540)], "{fits}");

    let shown = table.done("desk2", &["schedule", "show", &name]).await;
    assert_eq!(shown["schedule"]["waiting_actions"], serde_json::json!([1]));
    let approve = ["actions", "approve", "1", "--reason", "looked at"];
    let proposed = table.done("desk2", &approve).await;
    assert_eq!(proposed["schedule"]["proposal"]["by"], "SERVICE_DESK");
    let imposed = [&moves[..], &["--impose"]].concat();
    table.done("desk1", &imposed).await;
    table
        .act("user1", "counter", &["schedules/1", "--quota", &own])
        .await;
    table.act("user1", "withdraw", &["schedules/1"]).await;
    let approve = ["actions", "approve", "2", "--reason", "looked at"];
    let done = table.done("desk2", &approve).await;
    assert_eq!(done["schedule"]["moves"][0]["imposed"], true);
    let far = ["notices", "--position", "999"];
    table.refused("desk1", &far, "POSITION_BEYOND_END").await;
    table.scene.no_faults();
}

#[tokio::test]
async fn the_desk_goes_beyond_what_a_user_asked_for_only_if_it_says_so() {
    let table = Table::new().await;
    let most = ["--per-day-max", "50"];
    let (first, last) = (table.day(1), table.day(2));
    let asked = ["--devices", "300", "--earliest", &first, "--latest", &last];
    table
        .act("user1", "request", &[&asked[..], &most].concat())
        .await;
    let name = table.name("user1", 1);
    let quotas = [table.quota((1, 1), 51), table.quota((2, 3), 50)];
    let offer = [
        "schedule", "offer", &name, "--quota", &quotas[0], "--quota", &quotas[1], "--reason", "x",
    ];
    let told = table.refused("desk1", &offer, "QUOTA_BEYOND_REQUEST").await;
    let days = format!("{}:units=51 {}:units=50", table.day(1), table.day(3));
    assert_eq!(
        (&told["days"], &told["perDayMax"]),
        (&days.into(), &"50".into())
    );
    let meant = [&offer[..], &["--beyond-request"]].concat();
    let offered = table.done("desk1", &meant).await["schedule"].clone();
    assert_eq!(offered["history"][1]["beyond_request"], true);
    assert_eq!(offered["warnings"].as_array().unwrap().len(), 2);
    table.act("user1", "accept", &["schedules/1"]).await;
    table.scene.no_faults();
}

/// A reason or a ticket that reads other than it is, or is not seen at all, is not kept: whoever gives it.
#[tokio::test]
async fn what_nobody_sees_is_no_reason_and_no_ticket() {
    let table = Table::new().await;
    table.request("user1", 100, (1, 2)).await;
    let (name, quota) = (table.name("user1", 1), table.quota((1, 2), 50));
    let later = table.day(9);
    let turned = "approved \u{202e}ton";
    let offer = ["schedule", "offer", &name, "--quota", &quota];
    for (party, args) in [
        ("desk1", [&offer[..], &["--reason", turned]].concat()),
        (
            "desk1",
            [&offer[..], &["--reason", "x", "--ticket", "INC\u{200b}-1"]].concat(),
        ),
        (
            "user1",
            vec!["schedule", "withdraw", "schedules/1", "--reason", turned],
        ),
        (
            "desk1",
            vec!["pause", "--ticket", "INC-1", "--reason", turned],
        ),
        (
            "desk1",
            vec![
                "capacity",
                "set",
                "--from",
                &later,
                "--capacity",
                "5",
                "--reason",
                turned,
            ],
        ),
    ] {
        table.refused(party, &args, "TEXT_INVALID").await;
    }
    table.scene.no_faults();
}

#[tokio::test]
async fn limits_are_of_users_that_there_are() {
    let table = Table::new().await;
    let nobody = ["limits", "--user", "90-B3-D5-1F-30-01-00-99"];
    let told = table.refused("desk1", &nobody, "RESOURCE_NOT_FOUND").await;
    assert_eq!(told["user"], "90-B3-D5-1F-30-01-00-99");
    let tried = format!(
        "90-B3-D5-1F-30-01-00-99,10,{}..{}",
        table.day(1),
        table.day(9)
    );
    for nobody in [
        ["capacity", "show", "--user", "90-B3-D5-1F-30-01-00-99"],
        ["schedule", "simulate", "--request", tried.as_str()],
    ] {
        table.refused("desk1", &nobody, "RESOURCE_NOT_FOUND").await;
    }
    let user = table.scene.site.eui64("user2").to_string();
    let own = table.done("desk1", &["limits", "--user", &user]).await;
    assert_eq!(own["allowance_sent"], 0);
    table.scene.no_faults();
}
