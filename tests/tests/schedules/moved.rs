//! A second User arrives, and capacity drops.

use serde_json::{Value, json};

use super::{Table, told};

/// The desk proposes what was found; because it takes units, another officer has to look at it first.
async fn propose(table: &Table, newcomer: &str, amendment: &Value) {
    let quota: Vec<_> = amendment["quota"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|day| {
            let day = format!("{}={}", day["service_date"].as_str().unwrap(), day["units"]);
            ["--quota".to_owned(), day]
        })
        .collect();
    let first = table.name("user1", 1);
    let mut amend = vec![
        "schedule",
        "amend",
        &first,
        "--makes-room-for",
        newcomer,
        "--beyond-request",
        "--reason",
        "a second User",
    ];
    amend.extend(quota.iter().map(String::as_str));
    let waits = table.done("desk1", &amend).await;
    assert_eq!(waits["action"]["step"]["act"], "AMEND");
}

/// The User reads what it loses and gets, and not for whom.
async fn agreed_as_found(table: &Table, newcomer: &str, amendment: &Value) {
    let first = table.name("user1", 1);
    let amended = table.act("user1", "accept", &["schedules/1"]).await;
    assert_eq!(amended["state"], "AMENDED");
    let kept = &amended["moves"][0];
    assert_eq!(
        table.units(&kept["taken"]),
        table.units(&amendment["taken"])
    );
    assert_eq!(
        table.units(&kept["given"]),
        table.units(&amendment["given"])
    );
    assert_eq!(
        (&amended["move_count"], &amended["moves_max"]),
        (&1.into(), &2.into()),
        "how often, and how often it may be"
    );
    assert_eq!(
        (&kept["taken_total"], &kept["given_total"]),
        (&2_000.into(), &2_000.into())
    );
    assert_eq!(
        (&kept["imposed"], &kept["cause"]["kind"]),
        (&false.into(), &"MAKES_ROOM".into())
    );
    assert_eq!(
        kept["cause"]["makes_room_for"],
        json!(null),
        "not named to the User"
    );
    let desk = table.done("desk1", &["schedule", "show", &first]).await;
    assert_eq!(
        desk["schedule"]["moves"][0]["cause"]["makes_room_for"],
        newcomer
    );
}

#[tokio::test]
async fn the_first_user_is_moved_for_the_second_with_notice_and_its_consent() {
    let table = Table::new().await;
    table.agree("user1", (1, 2), 8_960).await;
    table.request("user2", 2_000, (1, 2)).await;
    let newcomer = table.name("user2", 1);
    let fits = table.done("desk1", &["schedule", "fit", &newcomer]).await;
    assert_eq!(
        fits["flattest"]["no_fit"]["room"], 0,
        "nothing is free: {fits}"
    );
    let earliest = &fits["earliest_end"];
    let amendment = &earliest["replan"]["amendments"][0];
    assert_eq!(amendment["schedule"], table.name("user1", 1));
    let moved: u64 = table
        .units(&amendment["taken"])
        .iter()
        .map(|(_, units)| units)
        .sum();
    assert_eq!(moved, 2_000, "never more than is needed");

    propose(&table, &newcomer, amendment).await;
    let before = table.done("user1", &["notices"]).await;
    let approve = ["actions", "approve", "1", "--reason", "looked at"];
    table.done("desk2", &approve).await;

    // The User is told, and agrees.
    let position = before["position"].to_string();
    let notices = table
        .done("user1", &["notices", "--position", &position])
        .await;
    assert_eq!(told(&notices), [json!(["schedule_step", "AMEND"])]);
    let notice = &notices["notices"][0]["subject"]["schedule_step"];
    assert_eq!(
        (&notice["told"]["units"], &notice["told"]["cause"]),
        (&17_920.into(), &"MAKES_ROOM".into()),
        "two days of 8,960: what is taken of one comes back on another"
    );
    assert_eq!(notice["told"]["makes_room_for"], json!(null));
    assert_eq!(notice["schedule"], table.name("user1", 1));
    assert!(
        notice["answer_by_time"].is_string(),
        "a period to answer: {notice}"
    );
    agreed_as_found(&table, &newcomer, amendment).await;

    // There is room now.
    let offer = [&newcomer, "--fit", "moves-nobody"];
    table.act("desk1", "offer", &offer).await;
    let agreed = table.act("user2", "accept", &["schedules/1"]).await;
    assert_eq!(agreed["state"], "AGREED");
    table.scene.no_faults();
}

#[tokio::test]
async fn a_drop_of_capacity_marks_the_day_and_proposes_a_re_plan_that_two_officers_can_impose() {
    let mut table = Table::new().await;
    table.agree("user1", (1, 1), 8_000).await;
    let day = table.day(1);
    let set = [
        "capacity",
        "set",
        "--on",
        &day,
        "--capacity",
        "9000",
        "--reason",
        "a link is down",
    ];
    let over = table.done("desk1", &set).await;
    // 9,000 less 2,980 in reserve leave 6,020.
    assert_eq!(table.units(&over["over_agreed"]), [(1, 1_980)]);
    let shown = table
        .done("user1", &["capacity", "show", "--first", &day])
        .await;
    let first = &shown["days"][0];
    assert_eq!(
        (&first["over_agreed"], &first["own_agreed"]),
        (&1_980.into(), &8_000.into())
    );
    let told_user = table.done("user1", &["notices"]).await;
    assert!(told(&told_user).contains(&json!(["capacity_set", null])));
    let told_desk = table.done("desk2", &["notices"]).await;
    let notices = told_desk["notices"].as_array().unwrap();
    let over = notices
        .iter()
        .find_map(|it| it["subject"].get("over_agreed"));
    assert_eq!(over.unwrap()["proposal"][0]["units"], 1_980);

    let replan = table.done("desk1", &["schedule", "replan"]).await;
    let amendment = &replan["amendments"][0];
    assert_eq!(table.units(&amendment["taken"]), [(1, 1_980)]);
    let first = table.name("user1", 1);
    let quotas = [table.quota((1, 1), 6_020), table.quota((2, 2), 1_980)];
    let impose = [
        "schedule",
        "amend",
        &first,
        "--impose",
        "--over-agreed",
        "--reason",
        "a link is down",
        "--quota",
        &quotas[0],
        "--quota",
        &quotas[1],
        "--beyond-request",
    ];
    table.done("desk1", &impose).await;

    // What waits and what is agreed survives a kill.
    table.scene.kill_service().await;
    table.scene.start_service().await;
    let approve = ["actions", "approve", "1", "--reason", "looked at"];
    let imposed = table.done("desk2", &approve).await;
    assert_eq!(imposed["schedule"]["moves"][0]["imposed"], true);
    let left = table.done("desk1", &["schedule", "replan"]).await;
    assert_eq!(left["amendments"], json!([]));
    table.scene.no_faults();
}

#[tokio::test]
async fn everything_survives_a_kill() {
    let mut table = Table::new().await;
    table.agree("user1", (1, 2), 700).await;
    let quota = table.quota((1, 2), 600);
    table
        .act("user1", "amend", &["schedules/1", "--quota", &quota])
        .await;
    let day = table.day(5);
    let set = [
        "capacity",
        "set",
        "--from",
        &day,
        "--capacity",
        "5000",
        "--reason",
        "less",
    ];
    table.done("desk1", &set).await;
    let reads: [(&str, &[&str]); 5] = [
        ("user1", &["schedule", "show", "schedules/1"]),
        ("desk1", &["schedule", "list"]),
        ("desk1", &["capacity", "show"]),
        ("user1", &["notices"]),
        ("user1", &["limits"]),
    ];
    let mut before = Vec::new();
    for (party, args) in reads {
        before.push(table.done(party, args).await);
    }
    table.scene.kill_service().await;
    table.scene.start_service().await;
    for ((party, args), before) in reads.into_iter().zip(before) {
        assert_eq!(table.done(party, args).await, before, "{args:?}");
    }
    table.scene.no_faults();
}
