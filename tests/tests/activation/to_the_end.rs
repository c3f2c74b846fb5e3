//! All goes well.

use std::collections::BTreeSet;

use dco_block::FirmwareVersion;
use dco_client::{Activation, RequestId, RetryPolicy, SubmitBatch};
use dco_tests::{Image, Scene, activations, read_text, settled, submit_batch, within};
use serde_json::Value;

use super::{quick, released_in_all};

#[tokio::test]
async fn every_meter_of_a_batch_runs_the_image_that_was_sent() {
    let scene = Scene::start(quick).await;
    // Behind two gateways, so that each takes its own.
    let near = scene.install(0, 12, "user1", "gateway1").await;
    let far = scene.install(100, 8, "user1", "gateway2").await;
    let user = scene.user("user1").await;
    let image = Image::large(0x0102_0003);
    let all = [near.clone(), far.clone()].concat();
    scene.store(&user, &image, &all).await;
    let mut gateways = Vec::new();
    for (name, devices) in [("gateway1", near), ("gateway2", far)] {
        let report = scene.site.path(&format!("{name}.json"));
        let child = scene
            .gateway(name, &["--report", report.to_str().unwrap()])
            .await;
        gateways.push((child, report, devices));
    }

    let batch = user.submit_batch(submit_batch(&image, &all)).await.unwrap();
    assert_eq!((batch.large, batch.counts.queued), (true, 20));
    assert_eq!(
        batch.due_us.unwrap() - batch.trt_start_us.unwrap(),
        120 * 3_600_000_000
    );
    assert!(batch.predicted_release_us <= batch.predicted_completion_us);
    let name = batch.name.unwrap();
    assert_eq!(settled(&user, name).await.counts.succeeded, 20);
    let done = activations(&user, name).await;
    assert_eq!(
        done.iter().map(|it| it.device).collect::<Vec<_>>(),
        all,
        "in the batch's order"
    );
    for activation in &done {
        assert_eq!(activation.outcome.as_deref(), Some("success"));
        assert_eq!(activation.device_image_hash, Some(image.hash()));
        assert_eq!(
            activation.running_version,
            Some(image.manifest.firmware_version())
        );
        assert_eq!(activation.attempt, 1);
    }
    assert_eq!(released_in_all(&scene).await, 20);

    for (child, report, devices) in gateways {
        let ended = child.stop().await.expect_code(0);
        let count = u64::try_from(devices.len()).unwrap();
        assert_eq!(ended.json()["stats"]["succeeded"], count);
        assert_eq!(
            ended.json()["stats"]["blocks_read"],
            image.manifest.block_count()
        );
        let report: Value = serde_json::from_str(&read_text(&report)).unwrap();
        let meters = report["devices"].as_object().unwrap();
        let expected: BTreeSet<_> = devices.iter().map(ToString::to_string).collect();
        assert_eq!(meters.keys().cloned().collect::<BTreeSet<_>>(), expected);
        for meter in meters.values() {
            assert_eq!(meter["manufacturer_image_hash"], image.hash().to_string());
            assert_eq!(meter["running_version"], "01020003");
        }
    }
    scene.no_faults();
}

#[tokio::test]
async fn an_image_that_is_not_large_is_activated_and_charged_to_no_day() {
    let scene = Scene::start(|settings| settings.with("capacity.per_day", 0)).await;
    let devices = scene.install(0, 5, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::small(2);
    scene.store(&user, &image, &devices).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let counts = settled(&user, batch.name.unwrap()).await.counts;
    assert_eq!(
        counts.succeeded, 5,
        "a day without any capacity does not hold it"
    );
    assert_eq!(released_in_all(&scene).await, 0);
    scene.no_faults();
}

#[tokio::test]
async fn the_same_request_id_gives_the_same_answer_whatever_has_happened_since() {
    let mut scene = Scene::start(quick).await;
    let devices = scene.install(0, 3, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let asked = submit_batch(&image, &devices);
    let first = user.submit_batch(asked.clone()).await.unwrap();
    assert_eq!(user.submit_batch(asked.clone()).await.unwrap(), first);
    let gateway = scene.gateway("gateway1", &[]).await;
    settled(&user, first.name.unwrap()).await;
    assert_eq!(user.submit_batch(asked.clone()).await.unwrap(), first);
    scene.kill_service().await;
    scene.start_service().await;
    let user = scene.user("user1").await;
    assert_eq!(user.submit_batch(asked).await.unwrap(), first);
    let batches = user.batches(&Default::default()).await.unwrap().items;
    assert_eq!(batches.len(), 1);
    assert_eq!(released_in_all(&scene).await, 3);
    gateway.stop().await;
    scene.no_faults();
}

#[tokio::test]
async fn a_watch_goes_on_where_an_earlier_one_stopped_and_misses_nothing() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 6, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::small(2);
    scene.store(&user, &image, &devices).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    let mut first = user.watch_batch(name, 0, RetryPolicy::default());
    let change = within("what is known already", first.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        change.activations.len(),
        6,
        "every activation is told of from the beginning"
    );
    let position = first.position();
    drop(first);

    let _gateway = scene.gateway("gateway1", &[]).await;
    let mut second = user.watch_batch(name, position, RetryPolicy::default());
    let mut last = std::collections::BTreeMap::new();
    while let Some(change) = within("the next change", second.next()).await.unwrap() {
        assert!(change.position > position);
        last.extend(change.activations.into_iter().map(|it| (it.device, it)));
    }
    let seen: Vec<Activation> = last.into_values().collect();
    assert_eq!(
        seen,
        activations(&user, name).await,
        "the last word on each is how it is"
    );
    scene.no_faults();
}

#[tokio::test]
async fn what_was_cancelled_before_its_release_gives_the_allowance_back() {
    let scene = Scene::start(|settings| settings.with("capacity.allowance_per_day", 4)).await;
    let devices = scene.install(0, 4, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    for _ in 0..2 {
        let batch = user
            .submit_batch(submit_batch(&image, &devices))
            .await
            .unwrap();
        let name = batch.name.unwrap();
        let cancelled = user
            .cancel_batch(name, RequestId::fresh(), false)
            .await
            .unwrap();
        assert_eq!(cancelled.counts.cancelled, 4);
        assert!(cancelled.is_settled());
    }
    let checked = SubmitBatch {
        validate_only: true,
        ..submit_batch(&image, &devices)
    };
    assert_eq!(user.submit_batch(checked).await.unwrap().name, None);
    user.submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    scene.no_faults();
}

#[tokio::test]
async fn a_device_is_free_for_a_newer_image_once_it_has_ended() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    for version in [2, 3] {
        let image = Image::small(version);
        scene.store(&user, &image, &devices).await;
        let batch = user
            .submit_batch(submit_batch(&image, &devices))
            .await
            .unwrap();
        let name = batch.name.unwrap();
        settled(&user, name).await;
        for activation in activations(&user, name).await {
            assert_eq!(
                activation.running_version,
                Some(FirmwareVersion::new(version))
            );
            assert_eq!(activation.device_image_hash, Some(image.hash()));
        }
    }
    scene.no_faults();
}
