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
        (&quota["agreed"], &quota["sent"]),
        (&600.into(), &501.into())
    );
    assert_eq!(limits["allowance_sent"], 0);
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

fn refs(words: &[String; 5]) -> [&str; 5] {
    words.each_ref().map(String::as_str)
}

#[tokio::test]
async fn a_portfolio_covers_every_large_image_of_its_user_and_an_image_only_itself() {
    let table = Table::on(Scene::start(quick).await).await;
    let own = table.scene.install(0, 1_300, "user1", "gateway1").await;
    let user = table.scene.user("user1").await;
    let images = [Image::large(2), Image::large(3)];
    for (image, devices) in images.iter().zip([&own[..650], &own[650..]]) {
        table.scene.store(&user, image, devices).await;
    }
    let hashes = images.each_ref().map(|image| image.hash().to_string());
    let send = |image: usize, file: &str| {
        let words = ["activate", "--image", &hashes[image], "--devices", file];
        words.map(str::to_owned)
    };

    // One schedule, for whatever large image: 1,100 today.
    let (today, units) = (table.day(0), "1100");
    let wanted = ["--devices", units, "--earliest", &today, "--latest", &today];
    let asked = table.act("user1", "request", &wanted).await;
    let no_image = &asked["request"]["manufacturer_image_hash"];
    assert_eq!(*no_image, serde_json::json!(null));
    let (name, quota) = (table.name("user1", 1), table.quota((0, 0), 1_100));
    table
        .act("desk1", "offer", &[&name, "--quota", &quota])
        .await;
    table.act("user1", "accept", &["schedules/1"]).await;
    let first = send(0, &listed(&table, "first", &own[..600]));
    assert_eq!(
        table.done("user1", &refs(&first)).await["counts"]["queued"],
        600
    );
    let beyond = send(1, &listed(&table, "beyond", &own[650..1_151]));
    let told = table
        .refused("user1", &refs(&beyond), "EXCEEDS_AGREED_SCHEDULE")
        .await;
    assert_eq!(told["used"], "600");
    let second = send(1, &listed(&table, "second", &own[650..1_150]));
    assert_eq!(
        table.done("user1", &refs(&second)).await["counts"]["queued"],
        500
    );

    // Another one, for the second image alone: it takes that image and leaves the first to what is left of nothing.
    let wanted = [&["--image", &hashes[1]][..], &wanted].concat();
    table.act("user1", "request", &wanted).await;
    let (name, quota) = (table.name("user1", 2), table.quota((0, 0), 100));
    table
        .act("desk1", "offer", &[&name, "--quota", &quota])
        .await;
    table.act("user1", "accept", &["schedules/2"]).await;
    let more = send(1, &listed(&table, "more", &own[1_150..1_250]));
    assert_eq!(
        table.done("user1", &refs(&more)).await["counts"]["queued"],
        100
    );
    let other = send(0, &listed(&table, "other", &own[600..601]));
    table
        .refused("user1", &refs(&other), "EXCEEDS_AGREED_SCHEDULE")
        .await;
    table.scene.no_faults();
}
