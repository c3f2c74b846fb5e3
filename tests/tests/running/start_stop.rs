//! Starting and stopping in order.

use dco_client::{Code, RetryPolicy};
use dco_tests::{Image, Scene, get, send, submit_batch, within};

use crate::activation::quick;

#[tokio::test]
async fn a_service_that_is_stopped_tells_its_callers_and_keeps_everything() {
    let mut scene = Scene::start(quick).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let stored = scene.store(&user, &image, &devices).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    // An open watch does not hold the service up, and its caller is told to come back.
    let name = batch.name.unwrap();
    let once = RetryPolicy {
        tries_max: 0,
        ..RetryPolicy::default()
    };
    let mut watch = user.watch_batch(name, 0, once);
    within("what is known already", watch.next()).await.unwrap();
    scene.stop_service().await;
    let told = within("the end of a watch", watch.next())
        .await
        .unwrap_err();
    assert_eq!(
        (told.code(), told.reason()),
        (Some(Code::Unavailable), Some("DRAINING")),
        "{told}"
    );

    scene.start_service().await;
    let user = scene.user("user1").await;
    assert_eq!(user.transfer(stored.name.unwrap()).await.unwrap(), stored);
    assert_eq!(user.batch(name).await.unwrap().counts, batch.counts);
    scene.no_faults();
}

#[tokio::test]
async fn two_services_on_one_folder_are_one_too_many() {
    let scene = Scene::start(|settings| settings).await;
    let config = scene.site.config();
    let args = ["serve", "--config", config.to_str().unwrap(), "--json"];
    let second = dco_tests::dco(args).await;
    assert!(second.code.is_some_and(|code| code != 0), "{second:?}");
    let error = second.error();
    assert!(error.contains("data"), "it names the folder: {error}");
    assert_eq!(get(scene.service().http(), "/ready").await.status, 200);
    scene.no_faults();
}

#[tokio::test]
async fn an_image_that_is_sent_while_the_service_stops_is_completed_after_its_next_start() {
    let mut scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user
        .open_transfer(dco_tests::open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();
    scene.stop_service().await;
    scene.start_service().await;
    let user = scene.user("user1").await;
    send(&user, name, &image).await;
    let stored = user.watch_transfer(name, RetryPolicy::default()).settled();
    assert_eq!(
        within("the response", stored)
            .await
            .unwrap()
            .state
            .to_string(),
        "STORED"
    );
}
