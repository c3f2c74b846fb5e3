//! Service days: capacity, pace and fairness, by a clock that runs faster.

use dco_client::SubmitBatch;
use dco_tests::{Image, Scene, activations, settled, submit_batch};

use super::{HOUR_US, NOON_US, patient, released};

/// An hour takes a second.
const TIMES_AS_FAST: u32 = 3_600;

#[tokio::test]
async fn a_day_releases_its_capacity_and_not_one_more_and_the_rest_goes_the_day_after() {
    // Ten hours before midnight in London.
    let start_us = NOON_US + HOUR_US;
    let scene = Scene::start_inside(start_us, 2 * TIMES_AS_FAST, |settings| {
        patient(settings)
            .with("capacity.per_day", 60)
            .with("capacity.burst", 2)
    })
    .await;
    let devices = scene.install(0, 70, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    assert_eq!(settled(&user, name).await.counts.succeeded, 70);
    let expected = [("2026-06-01".to_owned(), 60), ("2026-06-02".to_owned(), 10)];
    assert_eq!(released(&scene).await, expected);
    let midnight_us = NOON_US + 11 * HOUR_US;
    let done = activations(&user, name).await;
    let today = done
        .iter()
        .filter(|it| it.release_us.unwrap() < midnight_us)
        .count();
    assert_eq!(
        today, 60,
        "what was released before midnight was charged to the day"
    );
    scene.stop_in_order().await;
}

#[tokio::test]
async fn a_parked_batch_leaves_when_its_day_starts() {
    let start_us = NOON_US + 9 * HOUR_US;
    let scene = Scene::start_inside(start_us, TIMES_AS_FAST, patient).await;
    let devices = scene.install(0, 5, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let asked = SubmitBatch {
        service_date: Some("2026-06-02".to_owned()),
        ..submit_batch(&image, &devices)
    };
    let batch = user.submit_batch(asked).await.unwrap();
    assert_eq!(batch.counts.parked, 5);
    let name = batch.name.unwrap();
    assert_eq!(settled(&user, name).await.counts.succeeded, 5);
    let midnight_us = NOON_US + 11 * HOUR_US;
    for activation in activations(&user, name).await {
        assert!(
            activation.release_us.unwrap() >= midnight_us,
            "{activation:?}"
        );
    }
    assert_eq!(released(&scene).await, [("2026-06-02".to_owned(), 5)]);
    scene.stop_in_order().await;
}

#[tokio::test]
async fn a_second_user_does_not_wait_behind_all_that_a_first_has_sent() {
    let scene = Scene::start_inside(NOON_US, TIMES_AS_FAST, |settings| {
        patient(settings)
            .with("capacity.per_day", 600)
            .with("capacity.burst", 1)
    })
    .await;
    let image = Image::large(2);
    let mut batches = Vec::new();
    let _gateway = scene.gateway("gateway1", &[]).await;
    for (name, from, count) in [("user1", 0, 60), ("user2", 500, 60)] {
        let devices = scene.install(from, count, name, "gateway1").await;
        let user = scene.user(name).await;
        scene.store(&user, &image, &devices).await;
        batches.push((user, devices));
    }
    let mut names = Vec::new();
    for (user, devices) in &batches {
        names.push(
            user.submit_batch(submit_batch(&image, devices))
                .await
                .unwrap()
                .name
                .unwrap(),
        );
    }
    let mut ranked = Vec::new();
    for ((user, _), name) in batches.iter().zip(names) {
        settled(user, name).await;
        let done = activations(user, name).await;
        ranked.extend(done.iter().map(|it| (it.release_us.unwrap(), user.user())));
    }
    ranked.sort_unstable();
    // Both sent as much, so of any forty that followed each other after the start about half are of each.
    let middle: Vec<_> = ranked.iter().skip(20).take(40).collect();
    let of_first = middle
        .iter()
        .filter(|(_, user)| *user == batches[0].0.user())
        .count();
    assert!(
        (18..=22).contains(&of_first),
        "{of_first} of 40: {middle:?}"
    );
    scene.stop_in_order().await;
}

#[tokio::test]
async fn inside_a_user_the_earliest_due_goes_first() {
    let scene = Scene::start_inside(NOON_US, TIMES_AS_FAST, |settings| {
        patient(settings)
            .with("capacity.per_day", 600)
            .with("capacity.burst", 1)
    })
    .await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let devices = scene.install(0, 20, "user1", "gateway1").await;
    scene.store(&user, &image, &devices).await;
    let earlier = user
        .submit_batch(submit_batch(&image, &devices[10..]))
        .await
        .unwrap();
    let later = user
        .submit_batch(submit_batch(&image, &devices[..10]))
        .await
        .unwrap();
    assert!(earlier.due_us < later.due_us);
    let _gateway = scene.gateway("gateway1", &[]).await;
    let mut spans = Vec::new();
    for batch in [earlier, later] {
        let name = batch.name.unwrap();
        settled(&user, name).await;
        let done = activations(&user, name).await;
        spans.push(
            done.iter()
                .map(|it| it.release_us.unwrap())
                .collect::<Vec<_>>(),
        );
    }
    assert!(spans[0].iter().max() < spans[1].iter().min(), "{spans:?}");
    scene.stop_in_order().await;
}
