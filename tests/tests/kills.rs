//! Kill -9 at any moment: every activation has its outcome, none was started twice for one attempt, and the ledger is right.

use std::collections::BTreeSet;
use std::path::Path;

use dco_client::{BatchName, RetryPolicy, UserClient};
use dco_tests::{Child, Image, Scene, activations, read_text, settled, submit_batch, within};
use serde_json::Value;

use crate::activation::{quick, released_in_all};

const DEVICES: u32 = 60;

/// Waits until so many activations of a batch have succeeded.
pub(crate) async fn until_succeeded(user: &UserClient, name: BatchName, wanted: u32) {
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

/// Few attempts at a time, each of some milliseconds, so that there is a middle to be killed in.
pub(crate) async fn slow_gateway(scene: &Scene, args: &[&str]) -> Child {
    let slow = ["--latency-ms", "3", "--concurrency", "6"];
    scene.gateway("gateway1", &[&slow, args].concat()).await
}

async fn begun(scene: &Scene) -> (UserClient, Image, BatchName) {
    let devices = scene.install(0, DEVICES, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    // Large, in few blocks.
    let image = Image::large(2).in_blocks_of(256 * 1024);
    scene.store(&user, &image, &devices).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    (user, image, batch.name.unwrap())
}

#[tokio::test]
async fn a_service_that_is_killed_several_times_starts_nothing_twice() {
    let mut scene = Scene::start(quick).await;
    let (mut user, image, name) = begun(&scene).await;
    let gateway = slow_gateway(&scene, &[]).await;
    for wanted in [1, 15, 30, 45] {
        until_succeeded(&user, name, wanted).await;
        let before = user.batch(name).await.unwrap().counts;
        scene.kill_service().await;
        scene.start_service().await;
        user = scene.user("user1").await;
        let after = user.batch(name).await.unwrap().counts;
        assert!(
            after.succeeded >= before.succeeded,
            "{after:?} after {before:?}"
        );
        assert_eq!(after.total(), u64::from(DEVICES));
        assert!(released_in_all(&scene).await <= DEVICES);
    }
    assert_eq!(settled(&user, name).await.counts.succeeded, DEVICES);
    for activation in activations(&user, name).await {
        assert_eq!(activation.attempt, 1, "{activation:?}");
        assert_eq!(activation.device_image_hash, Some(image.hash()));
    }
    assert_eq!(released_in_all(&scene).await, DEVICES);
    let stats = gateway.stop().await.expect_code(0).json()["stats"].clone();
    assert_eq!(
        stats["started"], DEVICES,
        "each attempt was started once: {stats}"
    );
    scene.no_faults();
}

/// The attempts that a gateway has accepted, as its memory tells, in order.
fn accepted(memory: &Path) -> Vec<String> {
    let text = read_text(memory);
    // The last line may have been cut by the kill.
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let attempts =
        lines.filter_map(|line| line.get("accepted").map(|it| it["attempt"].to_string()));
    attempts.collect()
}

#[tokio::test]
async fn a_gateway_that_is_killed_goes_on_from_its_memory_and_starts_nothing_twice() {
    let scene = Scene::start(quick).await;
    let (user, image, name) = begun(&scene).await;
    let memory = scene.site.path("gateway.memory");
    let args = ["--memory", memory.to_str().unwrap()];
    for wanted in [1, 20, 40] {
        let gateway = slow_gateway(&scene, &args).await;
        until_succeeded(&user, name, wanted).await;
        gateway.kill().await;
    }
    let gateway = slow_gateway(&scene, &args).await;
    assert_eq!(settled(&user, name).await.counts.succeeded, DEVICES);
    let done = activations(&user, name).await;
    for activation in &done {
        assert_eq!(activation.attempt, 1, "{activation:?}");
        assert_eq!(activation.device_image_hash, Some(image.hash()));
    }
    assert_eq!(released_in_all(&scene).await, DEVICES);
    gateway.stop().await.expect_code(0);
    let accepted = accepted(&memory);
    let once: BTreeSet<_> = accepted.iter().collect();
    assert_eq!(
        once.len(),
        accepted.len(),
        "an attempt stands twice in the memory: {accepted:?}"
    );
    scene.no_faults();
}

#[tokio::test]
async fn a_gateway_that_is_killed_and_forgets_is_asked_before_a_new_attempt() {
    let scene =
        Scene::start(|settings| quick(settings).with("retry.unknown.attempts_max", 9)).await;
    let (user, image, name) = begun(&scene).await;
    for wanted in [1, 25] {
        let gateway = slow_gateway(&scene, &[]).await;
        until_succeeded(&user, name, wanted).await;
        gateway.kill().await;
    }
    let _gateway = slow_gateway(&scene, &[]).await;
    assert_eq!(settled(&user, name).await.counts.succeeded, DEVICES);
    let attempts: u32 = activations(&user, name)
        .await
        .iter()
        .map(|it| it.attempt)
        .sum();
    assert!(attempts >= DEVICES);
    // Every attempt was charged; one that found the version there and sent nothing was given back.
    assert_eq!(released_in_all(&scene).await, attempts);
    let hashes = activations(&user, name).await;
    assert!(
        hashes
            .iter()
            .all(|it| it.device_image_hash == Some(image.hash()))
    );
    scene.no_faults();
}

#[tokio::test]
async fn both_killed_in_turn_end_with_every_outcome() {
    let mut scene = Scene::start(quick).await;
    let (mut user, _, name) = begun(&scene).await;
    let memory = scene.site.path("gateway.memory");
    let args = ["--memory", memory.to_str().unwrap()];
    for wanted in [2, 30] {
        let gateway = slow_gateway(&scene, &args).await;
        until_succeeded(&user, name, wanted).await;
        scene.kill_service().await;
        gateway.kill().await;
        scene.start_service().await;
        user = scene.user("user1").await;
    }
    let gateway = slow_gateway(&scene, &args).await;
    assert_eq!(settled(&user, name).await.counts.succeeded, DEVICES);
    let attempts: u32 = activations(&user, name)
        .await
        .iter()
        .map(|it| it.attempt)
        .sum();
    assert_eq!(
        (attempts, released_in_all(&scene).await),
        (DEVICES, DEVICES)
    );
    gateway.stop().await.expect_code(0);
    scene.no_faults();
}
