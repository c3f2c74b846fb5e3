//! Canaries of a batch, the circuit breaker of a gateway, and its rate.

use dco_client::SubmitBatch;
use dco_tests::{Image, Metrics, Scene, settled, submit_batch};

use super::{NOON_US, quick};

#[tokio::test]
async fn a_batch_whose_first_device_is_given_up_waits_for_an_officer() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 4, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::small(2);
    scene.store(&user, &image, &devices).await;
    let broken = format!("{}=hardware-mismatch", devices[0]);
    let _gateway = scene.gateway("gateway1", &["--always", &broken]).await;
    let (hash, list) = (image.hash().to_string(), devices.iter());
    let list = list.map(ToString::to_string).collect::<Vec<_>>().join(",");
    let send = ["activate", "--image", &hash, "--devices", &list, "--canary"];
    let many = [&send[..], &["5"]].concat();
    let refused = scene.dco("user1", &many).await.expect_code(1).json();
    let details = &refused["error"]["details"];
    assert_eq!(details["reason"], "CANARY_INVALID", "{refused}");
    assert_eq!(details["metadata"]["deviceCount"], "4");
    let sent = scene.dco("user1", &[&send[..], &["1"]].concat()).await;
    let name = sent.expect_code(0).json()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    Metrics::until(scene.service(), |it| it.reaches("dco_stopped", 1)).await;

    let shown = user.batch(name.parse().unwrap()).await.unwrap();
    let canary = shown.canary.unwrap();
    let counted = (canary.device_count, canary.succeeded, canary.failed);
    assert_eq!(counted, (1, 0, 1));
    assert_eq!(shown.counts.queued, 3);
    let held = format!("{name}/activations/{}", devices[1]);
    let explained = scene.dco("user1", &["explain", &held]).await.expect_code(0);
    assert_eq!(explained.json()["holds"][0]["reason"], "BATCH_PAUSED");
    let pauses = scene.dco("desk1", &["pauses"]).await.expect_code(0).json();
    assert_eq!(pauses["pauses"][0]["scope"]["batch"], name.as_str());
    // Another batch of the same image is none of it.
    let others = scene.install(10, 2, "user1", "gateway1").await;
    scene.store(&user, &image, &others).await;
    let other = user.submit_batch(submit_batch(&image, &others)).await;
    let done = settled(&user, other.unwrap().name.unwrap()).await;
    assert_eq!(done.counts.succeeded, 2);

    let why = ["--ticket", "INC-1", "--reason", "one meter of another make"];
    let resume = [&["resume", "--batch", &name], &why[..]].concat();
    scene.dco("desk1", &resume).await.expect_code(0);
    let done = settled(&user, name.parse().unwrap()).await;
    let counts = (done.counts.succeeded, done.counts.failed);
    assert_eq!(counts, (3, 1));
    scene.no_faults();
}

#[tokio::test]
async fn a_batch_whose_first_devices_succeed_goes_on() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 5, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let asked = SubmitBatch {
        canary: 2,
        ..submit_batch(&image, &devices)
    };
    let batch = user.submit_batch(asked).await.unwrap().name.unwrap();
    let _gateway = scene.gateway("gateway1", &[]).await;
    assert_eq!(settled(&user, batch).await.counts.succeeded, 5);
    let canary = user.batch(batch).await.unwrap().canary.unwrap();
    assert!(canary.passed && canary.succeeded == 2, "{canary:?}");
    scene.no_faults();
}

/// Ten minutes of the service's clock are five seconds.
#[tokio::test]
async fn a_gateway_that_fails_is_left_alone_until_one_attempt_comes_through() {
    let scene = Scene::start_inside(NOON_US, 120, |settings| {
        quick(settings)
            .with("breaker.failures", 3)
            .with("breaker.probe_after_minutes", 10)
    })
    .await;
    let failing = scene.install(0, 6, "user1", "gateway1").await;
    let others = scene.install(100, 3, "user2", "gateway2").await;
    let (user, other) = (scene.user("user1").await, scene.user("user2").await);
    let image = Image::small(2);
    scene.store(&user, &image, &failing).await;
    scene.store(&other, &image, &others).await;
    let away: Vec<_> = failing
        .iter()
        .flat_map(|device| ["--always".to_owned(), format!("{device}=not-reachable")])
        .collect();
    let args: Vec<_> = away.iter().map(String::as_str).collect();
    let gateway = scene.gateway("gateway1", &args).await;
    let batch = user.submit_batch(submit_batch(&image, &failing)).await;
    let name = batch.unwrap().name.unwrap();
    let failed = Metrics::until(scene.service(), |it| it.reaches("dco_gateways_failing", 1)).await;
    assert!(failed.value("dco_gateways_connected") > 0.5);
    let listed = scene.dco("operator1", &["gateways"]).await.expect_code(0);
    let listed = listed.json();
    let eui64 = scene.site.eui64("gateway1").to_string();
    let rows = listed["gateways"].as_array().unwrap();
    let row = rows.iter().find(|row| row["gateway"] == eui64.as_str());
    assert!(
        row.is_some_and(|row| !row["probe_time"].is_null()),
        "{listed}"
    );

    // Others go on through their own gateway.
    let _other_gateway = scene.gateway("gateway2", &[]).await;
    let batch = other.submit_batch(submit_batch(&image, &others)).await;
    let done = settled(&other, batch.unwrap().name.unwrap()).await;
    assert_eq!(done.counts.succeeded, 3);

    // It is put right and comes back: one attempt comes through, and then the rest.
    drop(gateway);
    let _gateway = scene.gateway("gateway1", &[]).await;
    let done = settled(&user, name).await;
    assert_eq!(done.counts.total(), 6);
    assert!(done.counts.succeeded >= 4, "{:?}", done.counts);
    let closed = Metrics::of(scene.service()).await;
    assert!(closed.value("dco_gateways_failing") < 0.5);
    scene.stop_in_order().await;
}

#[tokio::test]
async fn a_gateway_is_kept_to_its_rate_and_another_is_taken_over() {
    let scene = Scene::start(|settings| {
        quick(settings)
            .with("gateway.releases_per_hour_max", 1)
            .with("gateway.burst", 1)
    })
    .await;
    let devices = scene.install(0, 3, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::small(2);
    scene.store(&user, &image, &devices).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let batch = user.submit_batch(submit_batch(&image, &devices)).await;
    let name = batch.unwrap().name.unwrap();
    let held = format!("{name}/activations/{}", devices[0]);
    let explained = scene.dco("user1", &["explain", &held]).await.expect_code(0);
    let explained = explained.json();
    let hold = &explained["holds"][0];
    assert_eq!(hold["reason"], "GATEWAY_RATE_REACHED", "{explained}");
    assert!(!hold["until_time"].is_null());

    let text = dco_tests::read_text(&scene.site.config());
    let free = text.replace("releases_per_hour_max = 1\n", "releases_per_hour_max = 0\n");
    assert_ne!(free, text);
    dco_tests::write(&scene.site.config(), &free);
    scene.service().hang_up();
    assert_eq!(settled(&user, name).await.counts.succeeded, 3);
    scene.no_faults();
}
