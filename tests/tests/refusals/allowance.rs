//! The allowance: 500 large activations for a service day without a delivery schedule.

use std::time::Duration;

use dco_tests::{Image, Scene, refused, wire_submit};
use tonic::Code;

#[tokio::test]
async fn the_five_hundred_and_first_large_activation_is_refused_with_all_details() {
    let scene =
        Scene::start(|settings| settings.with("service_desk_url", "tel:+441234567890")).await;
    let own = scene.install(0, 502, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &own).await;
    let mut wire = scene.wire("user1").await;
    let mut submit = async |devices| {
        wire.batches
            .submit_batch(wire_submit(user.user(), &image, devices))
            .await
    };
    let today = submit(&own[..499]).await.unwrap().into_inner().service_date;

    // One more than fits, then as many as fit, then one.
    let before = dco_tests::Snapshot::of(&scene).await;
    let over = submit(&own[499..501]).await;
    assert_eq!(dco_tests::Snapshot::of(&scene).await, before);
    let code = Code::ResourceExhausted;
    let over = refused(over, code, "UNSCHEDULED_DAILY_ALLOWANCE_USED");
    assert_eq!(
        (over.metadata("used"), over.metadata("requested")),
        ("499", "2")
    );
    submit(&own[499..500]).await.unwrap();
    let over = refused(
        submit(&own[500..501]).await,
        code,
        "UNSCHEDULED_DAILY_ALLOWANCE_USED",
    );

    for (key, value) in [
        ("limitPerServiceDay", "500"),
        ("used", "500"),
        ("requested", "1"),
        ("serviceDate", today.as_str()),
    ] {
        assert_eq!(over.metadata(key), value);
    }
    let details = over.details();
    let quota = &details.quota_failure().unwrap().violations[0];
    assert_eq!(quota.subject, format!("users/{}", user.user()));
    let delay = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(
        delay <= Duration::from_secs(25 * 3_600),
        "until the next service day: {delay:?}"
    );
    let reset = over.metadata("resetTime");
    assert!(
        reset.starts_with("20") && reset.ends_with('Z'),
        "an instant in UTC: {reset}"
    );
    let help = &details.help().unwrap().links[0];
    assert_eq!(help.url, "tel:+441234567890");
    assert!(
        help.description.contains("delivery schedule"),
        "{}",
        help.description
    );
    scene.no_faults();
}

#[tokio::test]
async fn one_user_s_allowance_is_not_used_by_another() {
    let scene = Scene::start(|settings| settings.with("capacity.allowance_per_day", 2)).await;
    let image = Image::large(2);
    for (from, name) in [(0, "user1"), (10, "user2")] {
        let own = scene.install(from, 3, name, "gateway1").await;
        let user = scene.user(name).await;
        scene.store(&user, &image, &own).await;
        let mut wire = scene.wire(name).await;
        let whole = wire_submit(user.user(), &image, &own[..2]);
        wire.batches.submit_batch(whole).await.unwrap();
        let third = wire_submit(user.user(), &image, &own[2..]);
        let answer = wire.batches.submit_batch(third).await;
        let code = Code::ResourceExhausted;
        let over = refused(answer, code, "UNSCHEDULED_DAILY_ALLOWANCE_USED");
        assert_eq!(over.metadata("limitPerServiceDay"), "2");
    }
    scene.no_faults();
}

#[tokio::test]
async fn six_hundred_devices_of_an_image_that_is_not_large_are_taken() {
    let scene = Scene::start(|settings| settings).await;
    let own = scene.install(0, 600, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    // 750,000 bytes as sent are not large; one more is.
    let overhead = Image::small(2).bytes.len() - dco_tests::SMALL_BYTES;
    let just = Image::new(750_000 - overhead, 2);
    assert_eq!(
        (just.bytes.len(), just.manifest.is_large()),
        (750_000, false)
    );
    scene.store(&user, &just, &own).await;
    let batch = user
        .submit_batch(dco_tests::submit_batch(&just, &own))
        .await
        .unwrap();
    assert_eq!((batch.large, batch.counts.total()), (false, 600));
    let page = scene
        .operator()
        .await
        .service_days(&Default::default())
        .await
        .unwrap();
    let today = &page.items[0];
    assert_eq!(
        (today.sent_without_schedule, today.released),
        (0, 0),
        "not counted, not charged"
    );
    scene.no_faults();
}
