//! Starts: from a snapshot, and on the folder of an older program.

use dco_client::{ActivationName, BatchName, TransferName};
use dco_tests::{
    Image, Metrics, Scene, devices, names, open_transfer, read, send, settled, submit_batch, write,
};

use super::{here, small};

#[tokio::test]
async fn a_service_that_was_killed_starts_from_a_snapshot_and_knows_what_it_knew() {
    let mut scene = Scene::start(small).await;
    let some = scene.install(0, 3, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let stored = scene.store(&user, &image, &some).await;
    let batch = user
        .submit_batch(submit_batch(&image, &some))
        .await
        .unwrap();
    for part in 1..6 {
        scene
            .install(part * 20_000, 20_000, "user2", "gateway2")
            .await;
    }
    let made = |metrics: &Metrics| metrics.reaches("dco_snapshots_made_total", 1);
    let metrics = Metrics::until(scene.service(), made).await;
    let records = metrics.value("dco_journal_records_total");
    let before = user.batch(batch.name.unwrap()).await.unwrap();
    scene.kill_service().await;

    scene.start_service().await;
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_snapshot_record", 1));
    assert!(metrics.value("dco_start_records") < records);
    assert!(metrics.value("dco_start_snapshots_refused") < 0.5);
    assert!(metrics.reaches("dco_devices", 100_003));
    let user = scene.user("user1").await;
    assert_eq!(user.transfer(stored.name.unwrap()).await.unwrap(), stored);
    let after = user.batch(batch.name.unwrap()).await.unwrap();
    assert_eq!(after.counts, before.counts);
    let _gateway = scene.gateway("gateway1", &[]).await;
    assert_eq!(
        settled(&user, batch.name.unwrap()).await.counts.succeeded,
        3
    );
    scene.no_faults();
}

#[tokio::test]
async fn an_image_whose_blocks_were_lost_is_told_at_the_start_and_offered_to_nobody() {
    let mut scene = Scene::start(small).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let images = [2, 3].map(Image::large);
    for image in &images {
        scene.store(&user, image, &devices).await;
    }
    let batch = user
        .submit_batch(submit_batch(&images[0], &devices))
        .await
        .unwrap();
    scene.stop_service().await;
    let data = scene.site.path("data");
    let files = names(&data);
    let first = files.iter().find(|name| name.starts_with("blocks-"));
    std::fs::remove_file(data.join(first.unwrap())).unwrap();

    scene.start_service().await;
    let is_named = || {
        let errors = scene.service().errors();
        errors.iter().any(|line| line.contains("lacks a block"))
    };
    // The log comes by another pipe than the metrics.
    let lost = |metrics: &Metrics| metrics.reaches("dco_images_quarantined", 1) && is_named();
    Metrics::until(scene.service(), lost).await;
    let gateway = scene.gateway("gateway1", &[]).await;
    let user = scene.user("user1").await;
    for image in &images {
        let opened = user.open_transfer(open_transfer(image, &devices)).await;
        send(&user, opened.unwrap().name.unwrap(), image).await;
    }
    let done = settled(&user, batch.name.unwrap()).await;
    assert_eq!(done.counts.succeeded, 2);
    let stats = gateway.stop().await.expect_code(0).json()["stats"].clone();
    assert_eq!(stats["started"], 2, "{stats}");
}

/// A folder that the first form of the service left: an image stored for three Devices, one of which has activated it, and
/// two that wait.
#[tokio::test]
async fn the_folder_of_an_older_program_is_served_and_its_work_goes_on() {
    let mut scene = Scene::start(small).await;
    scene.stop_service().await;
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/data-1");
    let data = scene.site.path("older");
    std::fs::create_dir(&data).unwrap();
    for name in names(&golden) {
        write(&data.join(&name), read(&golden.join(&name)));
    }
    let found = here(&["fsck"], &data).await.expect_code(0).json();
    assert_eq!(found["images"], 1, "{found}");

    let data_dir = data.display().to_string();
    scene
        .site
        .set(|settings| settings.with("data_dir", data_dir));
    scene.start_service().await;
    let user = scene.user("user1").await;
    let owner = scene.site.eui64("user1");
    let transfer = user
        .transfer(TransferName {
            user: owner,
            number: 1,
        })
        .await
        .unwrap();
    assert_eq!(transfer.state.to_string(), "STORED");
    let first = user
        .batch(BatchName {
            user: owner,
            number: 1,
        })
        .await
        .unwrap();
    assert_eq!(first.counts.succeeded, 1);
    let _gateway = scene.gateway("gateway1", &[]).await;
    let last = BatchName {
        user: owner,
        number: 2,
    };
    let second = settled(&user, last).await;
    assert_eq!(second.counts.succeeded, 2);
    let waited = ActivationName {
        batch: last,
        device: devices(2, 1)[0],
    };
    let activation = user.activation(waited).await.unwrap();
    assert_eq!(activation.attempt, 1);
    scene.no_faults();
}
