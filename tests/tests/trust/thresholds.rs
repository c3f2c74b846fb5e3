//! Anomaly detection, and Service Requests that come again.

use dco_client::Code;
use dco_proto::v1 as pb;
use dco_tests::{Image, Metrics, Scene, Settings, refused, wire_open, wire_submit};

use super::quick;

fn small_thresholds(settings: Settings) -> Settings {
    quick(settings)
        .with("thresholds.transfers_per_user_max", 2)
        .with("thresholds.transfers_total_max", 2)
        .with("thresholds.activations_per_user_max", 3)
        .with("thresholds.activations_total_max", 5)
}

#[tokio::test]
async fn what_is_far_from_usual_is_refused_and_told_to_those_whom_it_concerns() {
    let scene = Scene::start(small_thresholds).await;
    let own = scene.install(0, 4, "user1", "gateway1").await;
    let others = scene.install(10, 4, "user2", "gateway1").await;
    let image = Image::small(2);
    for (user, devices) in [("user1", &own), ("user2", &others)] {
        let client = scene.user(user).await;
        scene.store(&client, &image, devices).await;
    }
    let mut wires = [scene.wire("user1").await, scene.wire("user2").await];
    let users = ["user1", "user2"].map(|user| scene.site.eui64(user));

    let open = wire_open(users[0], &Image::small(3), &own);
    let answer = wires[0].transfers.open_transfer(open).await.map(drop);
    let told = refused(
        answer,
        Code::ResourceExhausted,
        "ANOMALY_THRESHOLD_EXCEEDED",
    );
    assert_eq!(told.metadata("counted"), "TRANSFERS");

    let submit = wire_submit(users[0], &image, &own);
    let answer = wires[0].batches.submit_batch(submit).await.map(drop);
    let told = refused(
        answer,
        Code::ResourceExhausted,
        "ANOMALY_THRESHOLD_EXCEEDED",
    );
    assert_eq!(told.metadata("limitPerPeriod"), "3");
    assert_eq!(told.metadata("used"), "0");
    let details = told.details();
    let quota = details.quota_failure().unwrap();
    assert_eq!(quota.violations[0].subject, format!("users/{}", users[0]));
    assert!(details.retry_info().is_some() && details.help().is_some());

    let submit = wire_submit(users[0], &image, &own[..3]);
    wires[0].batches.submit_batch(submit).await.unwrap();
    let submit = wire_submit(users[1], &image, &others[..3]);
    let answer = wires[1].batches.submit_batch(submit).await.map(drop);
    let told = refused(
        answer,
        Code::ResourceExhausted,
        "ANOMALY_THRESHOLD_EXCEEDED",
    );
    let quota = told.details().quota_failure().unwrap();
    assert_eq!(
        quota.violations[0].subject, "users",
        "what others send is not told"
    );

    let notices = scene.dco("desk1", &["notices"]).await.expect_code(0).json();
    let notices = notices["notices"].as_array().unwrap();
    let breaches = notices
        .iter()
        .filter(|it| it["subject"]["threshold_breached"].is_object());
    assert_eq!(breaches.count(), 3, "{notices:?}");
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_thresholds_breached_total", 3));
    scene.no_faults();
}

#[tokio::test]
async fn a_service_request_that_comes_again_is_refused_and_the_same_request_is_not() {
    let mut scene = Scene::start(quick).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let image = Image::small(2);
    let client = scene.user("user1").await;
    scene.store(&client, &image, &devices).await;
    let user = scene.site.eui64("user1");
    let carrying = |counter| pb::SubmitBatchRequest {
        originator_counter: Some(counter),
        ..wire_submit(user, &image, &devices[..1])
    };
    let first = carrying(1_780_315_200_000);
    let mut wire = scene.wire("user1").await;
    let batch = wire.batches.submit_batch(first.clone()).await.unwrap();
    scene.kill_service().await;
    scene.start_service().await;
    let mut wire = scene.wire("user1").await;
    let again = wire.batches.submit_batch(first).await.unwrap();
    assert_eq!(again.get_ref().name, batch.get_ref().name);
    // Taken, the highest of all would keep out every other.
    let leaps = wire.batches.submit_batch(carrying(u64::MAX)).await;
    let told = refused(
        leaps.map(drop),
        Code::FailedPrecondition,
        "ORIGINATOR_COUNTER_LEAPS",
    );
    assert_eq!(told.metadata("lastOriginatorCounter"), "1780315200000");
    let highest = 1_780_315_200_000_u64 + (1 << 56);
    assert_eq!(
        told.metadata("highestOriginatorCounter"),
        highest.to_string()
    );
    let replayed = wire.batches.submit_batch(carrying(1_780_315_200_000)).await;
    let told = refused(
        replayed.map(drop),
        Code::FailedPrecondition,
        "ORIGINATOR_COUNTER_REPLAYED",
    );
    assert_eq!(told.metadata("lastOriginatorCounter"), "1780315200000");
    let open = pb::OpenTransferRequest {
        originator_counter: Some(7),
        ..wire_open(user, &Image::small(3), &devices)
    };
    let replayed = wire.transfers.open_transfer(open).await.map(drop);
    refused(
        replayed,
        Code::FailedPrecondition,
        "ORIGINATOR_COUNTER_REPLAYED",
    );

    let (hash, device) = (image.hash().to_string(), devices[1].to_string());
    let args = [
        "activate",
        "--image",
        &hash,
        "--devices",
        &device,
        "--originator-counter",
    ];
    let replayed = scene.dco("user1", &[&args[..], &["9"]].concat()).await;
    assert!(replayed.error().contains("ORIGINATOR_COUNTER_REPLAYED"));
    let sent = scene
        .dco("user1", &[&args[..], &["1780315200001"]].concat())
        .await;
    sent.expect_code(0);
    scene.no_faults();
}
