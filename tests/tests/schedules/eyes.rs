//! Four eyes: who may be one of the two officers, what waits once, and why something waits no more.

use dco_tests::Scene;

use super::Table;

/// A party may be registered as a User and as the Service Desk.
#[tokio::test]
async fn who_gains_by_an_act_is_neither_of_its_two_officers() {
    let both = Scene::start(|settings| settings.with_role("user2", "service_desk")).await;
    let table = Table::on(both).await;
    table.agree("user1", (1, 2), 8_960).await;
    table.request("user2", 2_000, (1, 2)).await;
    let (moved, newcomer) = (table.name("user1", 1), table.name("user2", 1));
    let quotas = [table.quota((1, 1), 7_960), table.quota((2, 2), 8_960)];
    let impose = [
        "schedule",
        "amend",
        &moved,
        "--impose",
        "--makes-room-for",
        &newcomer,
        "--quota",
        &quotas[0],
        "--quota",
        &quotas[1],
        "--reason",
        "x",
        "--ticket",
        "INC-1",
    ];
    let reason = "SECOND_OFFICER_REQUIRED";
    table.refused("user2", &impose, reason).await;
    let waits = table.done("desk1", &impose).await;
    assert_eq!(waits["action"]["number"], 1);
    let approve = ["actions", "approve", "1", "--reason", "x", "--ticket", "x"];
    table.refused("user2", &approve, reason).await;
    // What it does to its own schedule it does as its User, and not as the desk.
    let own = table.quota((1, 1), 9);
    let offer = [
        "schedule", "offer", &newcomer, "--quota", &own, "--reason", "x", "--ticket", "x",
    ];
    table
        .refused("user2", &offer, "SCHEDULE_STATE_INVALID")
        .await;
    table.done("desk2", &approve).await;
    table.scene.no_faults();
}

#[tokio::test]
async fn of_equal_acts_one_waits_and_what_waits_no_more_says_why() {
    let table = Table::new().await;
    table.agree("user1", (1, 3), 100).await;
    let name = table.name("user1", 1);
    let (second, third) = (table.day(2), table.day(3));
    let end = |from| {
        [
            "schedule",
            "end",
            &name,
            "--from",
            from,
            "--reason",
            "moved away",
        ]
    };
    table.done("desk1", &end(&third)).await;
    for officer in ["desk1", "desk2"] {
        let told = table
            .refused(officer, &end(&third), "ACTION_WAITS_ALREADY")
            .await;
        assert_eq!(told["action"], "actions/1");
    }
    let other = table.done("desk2", &end(&second)).await;
    assert_eq!(other["action"]["number"], 2);
    let own = ["schedules/1", "--from", &second];
    table.act("user1", "end", &own).await;

    let why = "its schedule is not as it was when it was asked for: step 4 was END by the User";
    let waiting = table.done("auditor1", &["actions", "list"]).await;
    assert_eq!(waiting["actions"], serde_json::json!([]));
    let all = table.done("auditor1", &["actions", "list", "--all"]).await;
    for number in [0, 1] {
        let action = &all["actions"][number];
        assert_eq!(
            (&action["state"], &action["settled"]["reason"]),
            (&"OVERTAKEN".into(), &why.into())
        );
    }
    let shown = table.done("desk1", &["actions", "show", "2"]).await;
    assert_eq!(shown["action"], all["actions"][1]);
    let approve = ["actions", "approve", "2", "--reason", "x"];
    let late = table.dco("desk1", &approve).await.expect_code(1);
    assert!(late.error().contains(why), "{}", late.error());
    table.scene.no_faults();
}
