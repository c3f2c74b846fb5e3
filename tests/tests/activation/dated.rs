//! Activation at a time that its User names: delivered ahead, and called back before it.

use dco_client::{ActivationState, BatchName, Micros, Stage, SubmitBatch, UserClient};
use dco_tests::{Device, Image, Scene, activations, settled, submit_batch, within};

use super::quick;

const SECOND_US: Micros = 1_000_000;
const DAY_US: Micros = 86_400 * SECOND_US;

async fn stored(scene: &Scene, count: u32) -> (UserClient, Image, Vec<Device>) {
    let devices = scene.install(0, count, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    (user, image, devices)
}

/// What time it is for the service.
async fn now_us(user: &UserClient, asked: &SubmitBatch) -> Micros {
    let checked = SubmitBatch {
        validate_only: true,
        ..asked.clone()
    };
    user.submit_batch(checked).await.unwrap().create_us.unwrap()
}

/// Until every Device has the image and waits for its time.
async fn until_scheduled(user: &UserClient, name: BatchName) {
    let asking = async {
        loop {
            let now = activations(user, name).await;
            if now.iter().all(|it| it.stage == Some(Stage::Scheduled)) {
                return;
            }
        }
    };
    within("every Device to have the image", asking).await;
}

#[tokio::test]
async fn an_image_is_delivered_ahead_and_activated_at_its_time() {
    let scene = Scene::start(quick).await;
    let (user, image, devices) = stored(&scene, 3).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let asked = submit_batch(&image, &devices);
    let execute_us = now_us(&user, &asked).await + 5 * SECOND_US;
    let asked = SubmitBatch {
        execute_us: Some(execute_us),
        ..asked
    };
    let batch = user.submit_batch(asked).await.unwrap();
    assert_eq!(batch.execute_us, Some(execute_us));
    assert!(batch.predicted_completion_us >= Some(execute_us));
    let name = batch.name.unwrap();
    settled(&user, name).await;
    for done in activations(&user, name).await {
        assert_eq!(done.state, ActivationState::Succeeded, "{done:?}");
        assert!(done.release_us.unwrap() < execute_us, "ahead: {done:?}");
        assert!(done.end_us.unwrap() >= execute_us, "at its time: {done:?}");
    }
    scene.no_faults();
}

#[tokio::test]
async fn what_is_cancelled_before_its_time_is_called_back_and_says_who_may_have_the_image() {
    let mut scene = Scene::start(quick).await;
    let (user, image, devices) = stored(&scene, 3).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let asked = submit_batch(&image, &devices);
    let at = now_us(&user, &asked).await + 3 * DAY_US;
    let asked = SubmitBatch {
        execute_us: Some(at),
        ..asked
    };
    let name = user.submit_batch(asked).await.unwrap().name.unwrap();
    until_scheduled(&user, name).await;
    let batch = name.to_string();
    let activation = format!("{batch}/activations/{}", devices[0]);
    let explained = scene.dco("user1", &["explain", &activation]).await;
    let explained = explained.expect_code(0).json();
    assert_eq!(
        explained["holds"][0]["reason"],
        "EXECUTION_TIME_NOT_REACHED"
    );

    scene.stop_service().await;
    scene.start_service().await;
    let user = scene.user("user1").await;
    until_scheduled(&user, name).await;

    let cancelled = scene.dco("user1", &["cancel", &batch]).await;
    let cancelled = cancelled.expect_code(0).json();
    assert_eq!(cancelled["may_have_image_count"], 3);
    let listed = cancelled["may_have_image"].as_array().unwrap();
    assert_eq!(listed.len(), 3, "{listed:?}");
    settled(&user, name).await;
    for ended in activations(&user, name).await {
        assert_eq!(ended.state, ActivationState::Cancelled, "{ended:?}");
        assert_eq!(ended.outcome.as_deref(), Some("cancelled"));
        assert!(ended.may_have_image, "it was delivered: {ended:?}");
    }
    scene.no_faults();
}

#[tokio::test]
async fn an_execution_time_that_is_past_is_refused_with_what_is_allowed() {
    let scene = Scene::start(quick).await;
    let (_user, image, devices) = stored(&scene, 1).await;
    let (hash, device) = (image.hash().to_string(), devices[0].to_string());
    for at in ["2020-01-01T00:00:00Z", "3000-12-31T00:00:00Z"] {
        let args = [
            "activate",
            "--image",
            &hash,
            "--devices",
            &device,
            "--at",
            at,
        ];
        let refused = scene.dco("user1", &args).await.expect_code(1);
        let error = refused.error();
        assert!(error.contains("EXECUTION_TIME_INVALID"), "{error}");
        assert!(error.contains("earliestTimeUs"), "{error}");
    }
    scene.no_faults();
}
