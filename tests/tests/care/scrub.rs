//! The scrub of a running service.

use dco_client::ActivationName;
use dco_tests::{
    Image, Metrics, Scene, flip_bit, names, open_transfer, send, settled, submit_batch,
};

use super::small;

#[tokio::test]
async fn damage_that_the_scrub_finds_is_offered_to_nobody_until_the_image_was_sent_again() {
    let scene =
        Scene::start(|settings| small(settings).with("scrub.bytes_per_second", 1_i64 << 30)).await;
    let devices = scene.install(0, 3, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    // The segment that the first image began is sealed when another one follows.
    scene.store(&user, &Image::large(3), &devices).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let passed = |metrics: &Metrics| metrics.reaches("dco_scrub_pass_timestamp_seconds", 1);
    Metrics::until(scene.service(), passed).await;

    let data = scene.site.path("data");
    let files = names(&data);
    let first = files
        .iter()
        .find(|name| name.starts_with("blocks-"))
        .unwrap();
    flip_bit(&data.join(first), 20_000);
    let named = || {
        let errors = scene.service().errors().into_iter();
        errors.filter(|line| line.contains(first.as_str())).count()
    };
    // The log comes by another pipe than the metrics.
    let found = |metrics: &Metrics| metrics.reaches("dco_images_quarantined", 1) && named() > 0;
    let metrics = Metrics::until(scene.service(), found).await;
    assert!(metrics.reaches("dco_blocks_damaged", 1));
    assert!(metrics.reaches("dco_scrub_damaged_total", 1));

    let gateway = scene.gateway("gateway1", &[]).await;
    let waiting = ActivationName {
        batch: batch.name.unwrap(),
        device: devices[0],
    };
    let explained = user.explain(waiting).await.unwrap();
    assert!(
        format!("{explained:?}").contains("QUARANTINED"),
        "{explained:?}"
    );
    let metrics = Metrics::of(scene.service()).await;
    assert!(!metrics.reaches("dco_released_today", 1));

    let again = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    send(&user, again.name.unwrap(), &image).await;
    let done = settled(&user, batch.name.unwrap()).await;
    assert_eq!(done.counts.succeeded, 3);
    let healed = |metrics: &Metrics| !metrics.reaches("dco_images_quarantined", 1);
    Metrics::until(scene.service(), healed).await;
    assert_eq!(named(), 1, "it is logged once");
    let stats = gateway.stop().await.expect_code(0).json()["stats"].clone();
    assert_eq!(stats["blocks_reread"], 0, "no wrong block came: {stats}");
}
