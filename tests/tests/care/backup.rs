//! Backup and restore.

use dco_client::{BatchName, RetryPolicy, TransferState, UserClient};
use dco_tests::{
    Child, Image, Metrics, Scene, activations, dco_command, flip_bit, names, settled, submit_batch,
    within,
};
use serde_json::Value;

use super::{back_up, here, restore, small};

const DEVICES: u32 = 40;

async fn until_succeeded(user: &UserClient, name: BatchName, wanted: u32) {
    let mut watch = user.watch_batch(name, 0, RetryPolicy::default());
    while let Some(change) = within("more successes", watch.next()).await.unwrap() {
        if change
            .batch
            .is_some_and(|batch| batch.counts.succeeded >= wanted)
        {
            return;
        }
    }
}

#[tokio::test]
async fn a_backup_of_a_working_service_is_restored_paused_and_no_device_is_sent_what_it_runs() {
    let mut scene = Scene::start(small).await;
    let devices = scene.install(0, DEVICES, "user1", "gateway1").await;
    let others = scene.install(100, 1, "user2", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2).in_blocks_of(256 * 1024);
    scene.store(&user, &image, &devices).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    let slow = ["--latency-ms", "3", "--concurrency", "4"];
    let gateway = scene.gateway("gateway1", &slow).await;
    until_succeeded(&user, name, 5).await;
    let another = Image::large(3);
    let theirs = scene.user("user2").await;
    let stored = scene.store(&theirs, &another, &others).await;
    let head_counts = user.batch(name).await.unwrap().counts;

    let backup = back_up(&scene, "backup").await.expect_code(0).json()["backup"].clone();
    assert!(backup["head_seq"].as_u64().unwrap() > 10, "{backup}");
    let checked = here(&["backup", "--check"], &scene.site.path("backup")).await;
    checked.expect_code(0);
    // What comes later is not in it.
    until_succeeded(&user, name, head_counts.succeeded + 8).await;
    scene.kill_service().await;

    let restored = restore(&mut scene, "backup", "restored").await;
    assert_eq!(restored.expect_code(0).json()["epoch"], 1);
    scene.start_service().await;
    let user = scene.user("user1").await;
    let theirs = scene.user("user2").await;
    let found = theirs.transfer(stored.name.unwrap()).await.unwrap();
    assert_eq!(
        (found.state, found.blocks_held),
        (TransferState::Stored, found.manifest.block_count())
    );
    let counts = user.batch(name).await.unwrap().counts;
    assert!(counts.succeeded >= head_counts.succeeded, "{counts:?}");
    assert_eq!(counts.released, 0, "{counts:?}");
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_dispatch_paused", 1));

    let resume = ["resume", "--ticket", "INC-1", "--reason", "looked at"];
    scene.dco("operator1", &resume).await.expect_code(0);
    assert_eq!(settled(&user, name).await.counts.succeeded, DEVICES);
    let done = activations(&user, name).await;
    let known = done.iter().filter(|it| it.attempt <= 1_000).count();
    assert!(known >= head_counts.succeeded as usize, "{known}");
    assert!(done.iter().all(|it| it.attempt == 1 || it.attempt > 1_000));
    // Whoever had the image after the backup was asked, and was sent none of it again.
    let stats = gateway.stop().await.expect_code(0).json()["stats"].clone();
    let ended = |how: &str| stats["ended"][how].as_u64().unwrap_or(0);
    assert_eq!(ended("success"), u64::from(DEVICES), "{stats}");
    assert!(ended("alreadyAtVersion") > 0, "{stats}");
    let blocks = DEVICES * image.manifest.block_count();
    assert_eq!(stats["blocks_delivered"], blocks, "{stats}");
}

/// A backup that is being taken, so slowly that it does not end.
async fn slow_backup(scene: &Scene, name: &str) -> Child {
    let mut command = dco_command(["backup"]);
    command
        .arg(scene.site.path(name))
        .args(["--bytes-per-second", "20000", "--server-name", "localhost"])
        .args(["--server", &scene.line.address().to_string(), "--as"])
        .arg(scene.site.party("operator1"));
    let child = Child::spawn("dco backup", command);
    Metrics::until(scene.service(), |metrics| {
        metrics.reaches("dco_open_calls", 1)
    })
    .await;
    let begun = async {
        while !scene.site.path(name).join("backup.json.new").exists() {
            tokio::task::yield_now().await;
        }
    };
    within("the backup to begin", begun).await;
    child
}

#[tokio::test]
async fn there_is_one_backup_at_a_time_and_one_that_was_interrupted_is_none() {
    let scene = Scene::start(small).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    scene.store(&user, &Image::large(2), &devices).await;

    let denied = scene.site.path("denied").display().to_string();
    for party in ["user1", "auditor1", "gateway1"] {
        let refused = scene.dco(party, &["backup", &denied]).await.expect_code(1);
        let reason = refused.json()["error"]["details"]["reason"].clone();
        assert_eq!(reason, "CALLER_NOT_PERMITTED", "{party}");
    }
    let slow = slow_backup(&scene, "slow").await;
    let second = back_up(&scene, "second").await.expect_code(1);
    assert!(second.error().contains("BACKUP_UNDER_WAY"), "{second:?}");
    slow.kill().await;

    let half = scene.site.path("slow");
    let checked = here(&["backup", "--check"], &half).await.expect_code(65);
    assert!(checked.error().contains("never finished"), "{checked:?}");
    let to = scene.site.path("of-half");
    let half = half.display().to_string();
    here(&["restore", &half], &to).await.expect_code(65);
    assert!(!to.exists());
    // The place is free again once the service has noticed.
    let ended = |metrics: &Metrics| {
        let series = "dco_backups_total{outcome=\"given up\"}";
        metrics.reaches(series, 1)
    };
    Metrics::until(scene.service(), ended).await;
    back_up(&scene, "whole").await.expect_code(0);
    back_up(&scene, "whole").await.expect_code(65);
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_backups_total{outcome=\"done\"}", 1));
    scene.no_faults();
}

#[tokio::test]
async fn a_backup_is_not_served_and_a_damaged_one_is_not_restored() {
    let mut scene = Scene::start(small).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    scene.store(&user, &Image::large(2), &devices).await;
    back_up(&scene, "backup").await.expect_code(0);
    scene.stop_service().await;
    let data = scene.site.path("data");
    let backup = scene.site.path("backup").display().to_string();
    let refused = here(&["restore", &backup], &data).await.expect_code(65);
    assert!(refused.error().contains("not empty"), "{refused:?}");
    here(&["fsck"], &scene.site.path("backup"))
        .await
        .expect_code(0);

    let dir = backup.clone();
    scene.site.set(|settings| settings.with("data_dir", dir));
    let config = scene.site.config();
    let served = here(&["serve", "--config"], &config).await.expect_code(65);
    assert!(served.error().contains("is a backup"), "{served:?}");

    let folder = scene.site.path("backup");
    let files = names(&folder);
    let blocks = files.iter().find(|name| name.starts_with("blocks-"));
    flip_bit(&folder.join(blocks.unwrap()), 5_000);
    let checked = here(&["backup", "--check"], &folder).await.expect_code(1);
    let damage: Value = checked.json()["damage"].clone();
    assert_eq!(damage[0]["file"], blocks.unwrap().as_str(), "{damage}");
    let to = scene.site.path("restored");
    let failed = here(&["restore", &backup], &to).await.expect_code(65);
    assert!(failed.error().contains(blocks.unwrap()), "{failed:?}");
    assert!(!to.exists());
    assert!(!scene.site.path("restored.restoring").exists());
}
