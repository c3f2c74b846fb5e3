//! What time does to schedules.

use dco_tests::Scene;

use super::{Table, follow, told};
use crate::activation::NOON_US;

#[tokio::test]
async fn an_offer_that_nobody_answers_lapses_and_both_are_told() {
    // Four hours a second: two days are over in twelve.
    let scene = Scene::start_inside(NOON_US, 14_400, |settings| {
        settings.with("schedules.answer_hours_min", 0)
    });
    let table = Table::on(scene.await).await;
    let mut user = follow(&table.scene, "user1");
    table.request("user1", 9, (20, 22)).await;
    let (name, quota, answer_by) = (
        table.name("user1", 1),
        table.quota((20, 20), 9),
        table.day(2),
    );
    let offer = [&name, "--quota", &quota, "--answer-by", &answer_by];
    table.act("desk1", "offer", &offer).await;
    user.says(|line| line.contains("\"LAPSE\"")).await;
    user.stop().await.expect_code(0);
    let accept = ["schedule", "accept", "schedules/1", "--reason", "too late"];
    let refused = table
        .refused("user1", &accept, "SCHEDULE_STATE_INVALID")
        .await;
    assert_eq!(refused["state"], "LAPSED");
    let desk = table.done("desk1", &["notices"]).await;
    let lapse = serde_json::json!(["schedule_step", "LAPSE"]);
    assert!(told(&desk).contains(&lapse), "{desk}");
    table.scene.stop_in_order().await;
}
