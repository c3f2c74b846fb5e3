//! From request to end, and what cannot be agreed.

use super::{Table, history, steps};

const USER: &str = "USER";
const DESK: &str = "SERVICE_DESK";

/// The desk ends the other User's schedule; both officers sign.
async fn ended_by_two_officers(table: &Table) {
    let (other, tomorrow) = (table.name("user2", 1), table.day(1));
    let end = [
        "schedule",
        "end",
        &other,
        "--from",
        &tomorrow,
        "--reason",
        "moved away",
    ];
    let waits = table.done("desk1", &end).await;
    assert_eq!(waits["action"]["state"], "WAITING");
    let approve = [
        "actions", "approve", "1", "--ticket", "CHG-9", "--reason", "checked",
    ];
    let ended = table.done("desk2", &approve).await;
    assert_eq!(ended["schedule"]["state"], "ENDED");
    let shown = table.done("auditor1", &["schedule", "show", &other]).await;
    let last = &shown["schedule"]["history"][3]["signature"];
    let officers = ["desk1", "desk2"].map(|it| table.scene.site.eui64(it).to_string());
    assert_eq!(
        (&last["officer"], &last["second_officer"]),
        (&officers[0].clone().into(), &officers[1].clone().into())
    );
    assert_eq!(
        [&last["ticket"], &last["reason"]],
        ["INC-1", "moved away"],
        "the first officer's own"
    );
    assert_eq!(
        [&last["second_ticket"], &last["second_reason"]],
        ["CHG-9", "checked"],
        "the second officer's own"
    );
}

#[tokio::test]
async fn two_users_and_two_officers_agree_amend_and_end_by_the_command_line_alone() {
    let table = Table::new().await;
    let requested = table.request("user1", 6_000, (1, 10)).await;
    assert_eq!(requested["state"], "REQUESTED");
    assert_eq!(requested["name"], table.name("user1", 1));
    let open = table.done("desk1", &["schedule", "list", "--open"]).await;
    assert_eq!(open["schedules"][0]["name"], table.name("user1", 1));

    // The desk finds days, the User wants others, the desk agrees.
    let name = table.name("user1", 1);
    let fits = table.done("desk1", &["schedule", "fit", &name]).await;
    let flattest = table.units(&fits["flattest"]["days"]);
    let flat: Vec<_> = (1..=10).map(|day| (day, 600)).collect();
    assert_eq!(flattest, flat);
    let offer = [&name, "--fit", "flattest"];
    let offered = table.act("desk1", "offer", &offer).await;
    assert_eq!(offered["state"], "OFFERED");
    let days = table.quota((1, 3), 2_000);
    let counter = ["schedules/1", "--quota", &days, "--window", "18-24"];
    let countered = table.act("user1", "counter", &counter).await;
    assert_eq!(countered["state"], "COUNTERED");
    let agreed = table.act("desk2", "accept", &[&name]).await;
    assert_eq!(agreed["state"], "AGREED");
    assert_eq!(
        agreed["agreed"]["window_hours"],
        serde_json::json!([18, 24])
    );

    // The other User agrees as offered.
    table.agree("user2", (1, 2), 3_000).await;

    // One amends with the desk's word and ends alone, the other is ended by two officers.
    let longer = table.quota((1, 4), 1_500);
    let amending = table
        .act("user1", "amend", &["schedules/1", "--quota", &longer])
        .await;
    assert_eq!(amending["state"], "AMENDING");
    let amended = table.act("desk1", "accept", &[&name]).await;
    assert_eq!(amended["state"], "AMENDED");
    let end = table.day(3);
    let ended = table
        .act("user1", "end", &["schedules/1", "--from", &end])
        .await;
    assert_eq!(
        (&ended["state"], &ended["end_date"]),
        (&"AMENDED".into(), &end.as_str().into()),
        "two days are left"
    );
    assert_eq!(
        table.units(&ended["agreed"]["quota"]),
        [(1, 1_500), (2, 1_500)]
    );
    let expected = [
        ("REQUEST", USER),
        ("OFFER", DESK),
        ("COUNTER", USER),
        ("ACCEPT", DESK),
        ("AMEND", USER),
        ("ACCEPT", DESK),
        ("END", USER),
    ];
    assert_eq!(history(&ended), steps(&expected));
    ended_by_two_officers(&table).await;
    table.scene.no_faults();
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_days_and_what_is_free_on_them() {
    let table = Table::new().await;
    // 12,000 a day, of which 3,040 are reserved.
    table.agree("user1", (1, 2), 8_000).await;
    table.request("user2", 3_000, (1, 3)).await;
    let (name, quota) = (table.name("user2", 1), table.quota((1, 3), 1_000));
    let offer = [
        "schedule", "offer", &name, "--quota", &quota, "--reason", "as asked",
    ];
    let told = table
        .refused("desk1", &offer, "AGREEMENT_DOES_NOT_FIT")
        .await;
    let days = [1, 2].map(|day| format!("{}:wanted=1000:free=960", table.day(day)));
    assert_eq!(told["days"], days.join(" "));
    let less = table.quota((1, 3), 960);
    let offered = table
        .act("desk1", "offer", &[&name, "--quota", &less])
        .await;
    assert_eq!(offered["state"], "OFFERED");
    table.act("user2", "accept", &["schedules/1"]).await;
    let first = table.day(1);
    let capacity = ["capacity", "show", "--first", &first, "--last", &first];
    let day = table.done("desk1", &capacity).await["days"][0].clone();
    assert_eq!((&day["agreed"], &day["free"]), (&8_960.into(), &0.into()));
    table.scene.no_faults();
}

#[tokio::test]
async fn of_two_officers_who_act_on_the_same_etag_the_second_is_told() {
    let table = Table::new().await;
    let requested = table.request("user1", 900, (1, 3)).await;
    let etag = requested["etag"].as_str().unwrap();
    let (name, quota) = (table.name("user1", 1), table.quota((1, 3), 300));
    let offer = [
        "schedule", "offer", &name, "--quota", &quota, "--etag", etag, "--reason", "as asked",
    ];
    let offered = table.done("desk1", &offer).await;
    let told = table.refused("desk2", &offer, "ETAG_MISMATCH").await;
    assert_eq!(told["etag"], etag);
    assert_eq!(told["currentEtag"], offered["schedule"]["etag"]);
    let shown = table.done("desk2", &["schedule", "show", &name]).await;
    assert_eq!(
        shown["schedule"]["etag"], offered["schedule"]["etag"],
        "one offer was made"
    );
    table.scene.no_faults();
}

#[tokio::test]
async fn the_same_request_is_answered_again_and_what_is_only_checked_changes_nothing() {
    let table = Table::new().await;
    let (first, last) = (table.day(1), table.day(3));
    let id = "3e4c8a52-8f1b-4a7e-9d55-0c9d6f1f2a10";
    let asked = |devices| {
        [
            "schedule",
            "request",
            "--devices",
            devices,
            "--earliest",
            &first,
            "--latest",
            &last,
            "--reason",
            "x",
            "--request-id",
            id,
        ]
    };
    let checked = [&asked("7")[..], &["--validate-only"]].concat();
    let answer = table.done("user1", &checked).await;
    assert_eq!(answer["schedule"]["name"], serde_json::Value::Null);
    let listed = table.done("user1", &["schedule", "list"]).await;
    assert_eq!(listed["schedules"], serde_json::json!([]));
    let made = table.done("user1", &asked("7")).await;
    assert_eq!(table.done("user1", &asked("7")).await, made);
    table
        .refused("user1", &asked("8"), "REQUEST_ID_REUSED")
        .await;
    table.scene.no_faults();
}

#[tokio::test]
async fn who_asked_for_it_is_no_second_officer_and_who_declines_ends_it() {
    let table = Table::new().await;
    table.request("user1", 300, (1, 3)).await;
    let (name, quota) = (table.name("user1", 1), table.quota((1, 3), 100));
    let offer = [
        "schedule",
        "offer",
        &name,
        "--quota",
        &quota,
        "--security",
        "--reason",
        "a fix",
    ];
    let waits = table.done("desk1", &offer).await;
    assert_eq!(waits["action"]["number"], 1);
    let approve = ["actions", "approve", "1", "--reason", "mine"];
    table
        .refused("desk1", &approve, "SECOND_OFFICER_REQUIRED")
        .await;
    let listed = table.done("auditor1", &["actions", "list"]).await;
    assert_eq!(listed["actions"][0]["schedule"], name);
    let shown = table.done("desk2", &["actions", "show", "1"]).await;
    let deal = &shown["action"]["deal"];
    assert_eq!(deal["security"], true);
    assert_eq!(table.units(&deal["quota"]), [(1, 100), (2, 100), (3, 100)]);
    let decline = ["actions", "decline", "1", "--reason", "no fix"];
    let declined = table.done("desk2", &decline).await;
    assert_eq!(declined["action"]["state"], "DECLINED");
    table.refused("desk2", &approve, "ACTION_SETTLED").await;
    let shown = table.done("desk2", &["actions", "show", "1"]).await;
    assert_eq!(shown["action"]["settled"]["reason"], "no fix");
    let gone = table.dco("desk2", &["actions", "show", "9"]).await;
    assert!(gone.expect_code(1).error().contains("there is no act 9"));
    let unknown = ["actions", "approve", "9", "--reason", "mine"];
    table.refused("desk2", &unknown, "RESOURCE_NOT_FOUND").await;
    let waiting = table.done("auditor1", &["actions", "list"]).await;
    assert_eq!(waiting["actions"], serde_json::json!([]));
    let all = table.done("auditor1", &["actions", "list", "--all"]).await;
    assert_eq!(all["actions"][0]["state"], "DECLINED");
    let shown = table.done("desk1", &["schedule", "show", &name]).await;
    assert_eq!(shown["schedule"]["state"], "REQUESTED");
    table.scene.no_faults();
}

/// What a second officer approves stands there whole, also where the first one only agrees; and terms stay that nobody names.
#[tokio::test]
async fn a_second_officer_sees_what_the_first_agrees_to_and_terms_stay() {
    let table = Table::new().await;
    table.request("user1", 900, (1, 3)).await;
    let (name, quota) = (table.name("user1", 1), table.quota((1, 3), 100));
    table
        .act("desk1", "offer", &[&name, "--quota", &quota])
        .await;
    let counter = [
        "schedules/1",
        "--quota",
        &quota,
        "--security",
        "--window",
        "8-24",
        "--canary",
        "5",
    ];
    table.act("user1", "counter", &counter).await;
    let accept = ["schedule", "accept", &name, "--reason", "a fix"];
    let waits = table.done("desk1", &accept).await["action"].clone();
    assert_eq!(waits["step"]["deal"], serde_json::Value::Null);
    assert_eq!(waits["agreed"], serde_json::Value::Null);
    let deal = &waits["deal"];
    assert_eq!(
        (&deal["security"], &deal["canary_device_count"]),
        (&true.into(), &5.into())
    );
    assert_eq!(table.units(&deal["quota"]), [(1, 100), (2, 100), (3, 100)]);
    let approve = ["actions", "approve", "1", "--reason", "checked"];
    table.done("desk2", &approve).await;
    let more = table.quota((1, 3), 101);
    let amend = [
        "schedules/1",
        "--quota",
        &more,
        "--security=false",
        "--window",
        "none",
    ];
    let amended = table.act("user1", "amend", &amend).await;
    let terms = &amended["proposal"]["deal"];
    assert_eq!(
        [
            &terms["security"],
            &terms["canary_device_count"],
            &terms["window_hours"]
        ],
        [&false.into(), &5.into(), &serde_json::Value::Null]
    );
    let all = table.done("auditor1", &["actions", "list", "--all"]).await;
    let looked_back = &all["actions"][0]["deal"];
    assert_eq!(looked_back["quota"], serde_json::json!([]));
    assert_eq!(looked_back["quota_total"], 300);
    table.scene.no_faults();
}
