//! Service days: capacity, pace and fairness. Everything is sent while the clock runs as any other, with no gateway connected; then
//! the service goes on by a clock that runs faster.

use dco_client::{ActivationName, BatchName, SubmitBatch, UserClient};
use dco_tests::{Image, Scene, Settings, activations, settled, submit_batch};

use super::{HOUR_US, NOON_US, patient, released};

/// An hour takes a second.
const TIMES_AS_FAST: u32 = 3_600;
/// Midnight in London is 23:00 UTC in summer.
const MIDNIGHT_US: i64 = NOON_US + 11 * HOUR_US;
const MINUTE_US: i64 = HOUR_US / 60;

fn capacity(settings: Settings, per_day: u32) -> Settings {
    patient(settings)
        .with("capacity.per_day", i64::from(per_day))
        .with("capacity.burst", 1)
}

/// Puts Devices into the inventory and stores a large image for them.
async fn stored(
    scene: &Scene,
    name: &str,
    from: u32,
    count: u32,
) -> (UserClient, Vec<SubmitBatch>) {
    let devices = scene.install(from, count, name, "gateway1").await;
    let user = scene.user(name).await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let halves = devices.chunks(devices.len().div_ceil(2));
    (
        user,
        halves.map(|half| submit_batch(&image, half)).collect(),
    )
}

async fn submitted(user: &UserClient, asked: SubmitBatch) -> BatchName {
    user.submit_batch(asked).await.unwrap().name.unwrap()
}

/// When each activation of a batch was released, in the batch's order.
async fn releases(scene: &Scene, name: BatchName) -> Vec<i64> {
    let auditor = UserClient::new(&scene.link("auditor1").await, name.user);
    settled(&auditor, name).await;
    let done = activations(&auditor, name).await;
    done.iter().map(|it| it.release_us.unwrap()).collect()
}

#[tokio::test]
async fn a_day_releases_its_capacity_and_not_one_more_and_the_rest_goes_the_day_after() {
    let mut scene = Scene::start_inside(NOON_US, 1, |settings| capacity(settings, 60)).await;
    let (user, halves) = stored(&scene, "user1", 0, 70).await;
    let mut names = Vec::new();
    for half in halves {
        names.push(submitted(&user, half).await);
    }
    scene
        .go_on_inside(NOON_US + HOUR_US, 2 * TIMES_AS_FAST)
        .await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let mut all = Vec::new();
    for name in names {
        all.extend(releases(&scene, name).await);
    }
    let expected = [("2026-06-01".to_owned(), 60), ("2026-06-02".to_owned(), 10)];
    assert_eq!(released(&scene).await, expected);
    let today = all.iter().filter(|at_us| **at_us < MIDNIGHT_US).count();
    assert_eq!(
        today, 60,
        "what left before midnight was charged to the day"
    );
    scene.stop_in_order().await;
}

#[tokio::test]
async fn a_parked_batch_leaves_when_its_day_starts() {
    let evening_us = MIDNIGHT_US - 90 * MINUTE_US;
    let mut scene = Scene::start_inside(evening_us, 1, patient).await;
    let (user, halves) = stored(&scene, "user1", 0, 4).await;
    let asked = SubmitBatch {
        service_date: Some("2026-06-02".to_owned()),
        ..halves[0].clone()
    };
    let device = asked.devices[0];
    let batch = submitted(&user, asked).await;
    assert_eq!(user.batch(batch).await.unwrap().counts.parked, 2);
    scene
        .go_on_inside(evening_us + 10 * MINUTE_US, TIMES_AS_FAST)
        .await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let released_us = releases(&scene, batch).await;
    assert!(
        released_us.iter().all(|at_us| *at_us >= MIDNIGHT_US),
        "{released_us:?}"
    );
    assert_eq!(released(&scene).await, [("2026-06-02".to_owned(), 2)]);
    let user = scene.user("user1").await;
    let ended = user
        .explain(ActivationName { batch, device })
        .await
        .unwrap();
    assert!(
        ended.holds.is_empty(),
        "nothing holds what has ended: {ended:?}"
    );
    scene.stop_in_order().await;
}

#[tokio::test]
async fn a_second_user_does_not_wait_behind_all_that_a_first_has_sent() {
    let mut scene = Scene::start_inside(NOON_US, 1, |settings| capacity(settings, 1_200)).await;
    let mut names = Vec::new();
    for (name, from) in [("user1", 0), ("user2", 500)] {
        let (user, halves) = stored(&scene, name, from, 80).await;
        for half in halves {
            names.push(submitted(&user, half).await);
        }
    }
    scene.go_on_inside(NOON_US + HOUR_US, TIMES_AS_FAST).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let mut ranked = Vec::new();
    for name in names {
        ranked.extend(
            releases(&scene, name)
                .await
                .into_iter()
                .map(|at_us| (at_us, name.user)),
        );
    }
    ranked.sort_unstable();
    // Both have sent as much, so half of what leaves is of each, from the first on.
    let first = scene.site.eui64("user1");
    for some in ranked.chunks(40) {
        let of_first = some.iter().filter(|(_, user)| *user == first).count();
        assert!(
            (18..=22).contains(&of_first),
            "{of_first} of {}: {some:?}",
            some.len()
        );
    }
    scene.stop_in_order().await;
}

#[tokio::test]
async fn inside_a_user_the_earliest_due_goes_first() {
    let mut scene = Scene::start_inside(NOON_US, 1, |settings| capacity(settings, 1_200)).await;
    let (user, halves) = stored(&scene, "user1", 0, 20).await;
    let [earlier, later] = [halves[1].clone(), halves[0].clone()];
    let earlier = submitted(&user, earlier).await;
    let later = submitted(&user, later).await;
    scene.go_on_inside(NOON_US + HOUR_US, TIMES_AS_FAST).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let (earlier, later) = (
        releases(&scene, earlier).await,
        releases(&scene, later).await,
    );
    assert!(
        earlier.iter().max() < later.iter().min(),
        "{earlier:?}, then {later:?}"
    );
    scene.stop_in_order().await;
}
