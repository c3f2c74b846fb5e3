//! Kill -9 in the middle of a batch under a schedule, and around a move that two officers impose.

use dco_tests::{Image, Scene, settled, submit_batch};
use serde_json::{Value, json};

use super::{Table, history};
use crate::activation::{quick, released_in_all};
use crate::kills::{slow_gateway, until_succeeded};

const DEVICES: u32 = 60;

#[tokio::test]
async fn a_batch_under_a_schedule_is_charged_once_however_often_the_service_is_killed() {
    let mut table = Table::on(Scene::start(quick).await).await;
    let devices = table
        .scene
        .install(0, DEVICES + 1, "user1", "gateway1")
        .await;
    let mut user = table.scene.user("user1").await;
    let image = Image::large(2).in_blocks_of(256 * 1024);
    table.scene.store(&user, &image, &devices).await;
    table.agree("user1", (0, 0), DEVICES).await;
    let (sent, beyond) = devices.split_at(usize::try_from(DEVICES).unwrap());
    let batch = user.submit_batch(submit_batch(&image, sent)).await.unwrap();
    let name = batch.name.unwrap();
    let gateway = slow_gateway(&table.scene, &[]).await;
    for wanted in [1, 25, 50] {
        until_succeeded(&user, name, wanted).await;
        table.scene.kill_service().await;
        table.scene.start_service().await;
        user = table.scene.user("user1").await;
        let limits = table.done("user1", &["limits"]).await;
        let quota = &limits["quotas"][0];
        assert_eq!(
            (&quota["agreed"], &quota["sent"]),
            (&DEVICES.into(), &DEVICES.into())
        );
        let refused = user.submit_batch(submit_batch(&image, beyond)).await;
        assert!(refused.is_err(), "the quota is used up");
        assert!(released_in_all(&table.scene).await <= DEVICES);
    }
    assert_eq!(settled(&user, name).await.counts.succeeded, DEVICES);
    assert_eq!(released_in_all(&table.scene).await, DEVICES);
    gateway.stop().await.expect_code(0);
    table.scene.no_faults();
}

/// Both Users' schedules, and what the desk is told.
async fn all_there_is(table: &Table) -> Vec<Value> {
    let names = ["user1", "user2"].map(|user| table.name(user, 1));
    let mut all = Vec::new();
    for name in &names {
        all.push(table.done("desk1", &["schedule", "show", name]).await);
    }
    all.push(table.done("desk1", &["capacity", "show"]).await);
    all.push(table.done("desk1", &["notices"]).await);
    all
}

#[tokio::test]
async fn an_imposed_move_happens_once_or_not_at_all_whenever_the_service_is_killed() {
    let mut table = Table::new().await;
    table.agree("user1", (1, 1), 8_000).await;
    // 960 are free.
    table.request("user2", 2_960, (1, 1)).await;
    let (name, newcomer) = (table.name("user1", 1), table.name("user2", 1));
    let quotas = [table.quota((1, 1), 6_000), table.quota((2, 2), 2_000)];
    let impose = [
        "schedule",
        "amend",
        &name,
        "--impose",
        "--makes-room-for",
        &newcomer,
        "--quota",
        &quotas[0],
        "--quota",
        &quotas[1],
        "--beyond-request",
        "--reason",
        "a second User",
    ];
    table.done("desk1", &impose).await;
    let waiting = all_there_is(&table).await;
    table.scene.kill_service().await;
    table.scene.start_service().await;
    assert_eq!(all_there_is(&table).await, waiting, "it waits as before");

    // Approved, answered, killed at once: it is done, and the same request says so again.
    let id = "8a1f5a0e-53a9-4f0f-9c4d-2f6f0a3a7c11";
    let approve = [
        "actions",
        "approve",
        "1",
        "--reason",
        "looked at",
        "--request-id",
        id,
    ];
    let imposed = table.done("desk2", &approve).await;
    table.scene.kill_service().await;
    table.scene.start_service().await;
    let done = all_there_is(&table).await;
    assert_eq!(done[0]["schedule"], imposed["schedule"]);
    assert_eq!(table.done("desk2", &approve).await, imposed);
    let another = ["actions", "approve", "1", "--reason", "again"];
    table.refused("desk2", &another, "ACTION_SETTLED").await;
    assert_eq!(all_there_is(&table).await, done, "once");
    let schedule = &done[0]["schedule"];
    let (moves, steps) = (&schedule["moves"], history(schedule));
    assert_eq!(moves.as_array().unwrap().len(), 1);
    assert_eq!(moves[0]["imposed"], json!(true));
    assert_eq!(table.units(&moves[0]["taken"]), [(1, 2_000)]);
    assert_eq!(table.units(&moves[0]["given"]), [(2, 2_000)]);
    assert_eq!(steps.last().unwrap().0, "IMPOSE");
    table.scene.no_faults();
}
