//! What may be sent under a schedule.

use dco_tests::{Device, Image, Scene, submit_batch};

use super::Table;
use crate::activation::quick;

/// A file with Devices, as `--devices` takes it.
fn listed(table: &Table, name: &str, devices: &[Device]) -> String {
    let path = table.scene.site.path(name);
    let lines: Vec<_> = devices.iter().map(ToString::to_string).collect();
    dco_tests::write(&path, lines.join("\n"));
    path.display().to_string()
}

#[tokio::test]
async fn a_schedule_lets_more_than_the_allowance_be_sent_and_no_more_than_its_quota() {
    // Agreed quotas fit besides the reserve only where there is much capacity.
    let table = Table::on(Scene::start(quick).await).await;
    let own = table.scene.install(0, 602, "user1", "gateway1").await;
    let user = table.scene.user("user1").await;
    let image = Image::large(2);
    table.scene.store(&user, &image, &own).await;
    let hash = image.hash().to_string();

    // 501 without a schedule are too many.
    let over = listed(&table, "501", &own[..501]);
    let send = ["activate", "--image", &hash, "--devices", &over];
    let told = table
        .refused("user1", &send, "UNSCHEDULED_DAILY_ALLOWANCE_USED")
        .await;
    assert_eq!(told["limitPerServiceDay"], "500");

    // With 600 agreed for today they are not, and one more than is left is.
    table.agree("user1", (0, 0), 600).await;
    let sent = table.done("user1", &send).await;
    assert_eq!(sent["counts"]["queued"], 501);
    let limits = table.done("user1", &["limits"]).await;
    let quota = &limits["quotas"][0];
    assert_eq!(
        (&quota["agreed"], &quota["used"]),
        (&600.into(), &501.into())
    );
    assert_eq!(limits["allowance_used"], 0);
    let beyond = listed(&table, "100", &own[501..601]);
    let send = ["activate", "--image", &hash, "--devices", &beyond];
    let told = table
        .refused("user1", &send, "EXCEEDS_AGREED_SCHEDULE")
        .await;
    assert_eq!(told["schedule"], table.name("user1", 1));
    assert_eq!(
        (&told["agreedPerServiceDay"], &told["used"]),
        (&"600".into(), &"501".into())
    );
    let within = submit_batch(&image, &own[501..600]);
    assert_eq!(user.submit_batch(within).await.unwrap().counts.total(), 99);
    let notices = table.done("user1", &["notices"]).await;
    let told = super::told(&notices);
    assert!(
        told.contains(&serde_json::json!(["nearly_used", null])),
        "{notices}"
    );
    table.scene.no_faults();
}
