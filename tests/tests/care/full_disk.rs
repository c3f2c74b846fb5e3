//! A disk that is full before it is full.

use std::fs;

use dco_client::{RetryPolicy, SendOptions, TransferState};
use dco_tests::{
    Image, Metrics, Scene, fill, get, open_transfer, room_bytes, submit_batch, within,
};

use super::small;

/// What others do to the disk meanwhile stays below this.
const MARGIN_BYTES: u64 = 1024 * 1024 * 1024;

#[tokio::test]
async fn new_blocks_are_refused_while_the_reserve_is_touched_and_taken_when_there_is_room() {
    let mut scene = Scene::start(small).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let before = Image::small(2);
    scene.store(&user, &before, &devices).await;
    scene.stop_service().await;

    let filler = scene.site.path("filler");
    fill(&filler, 2 * MARGIN_BYTES);
    let reserve = i64::try_from(room_bytes(&filler) + MARGIN_BYTES).unwrap();
    scene.site.set(|settings| {
        settings
            .with("store.reserve_bytes", reserve)
            .with("transfer.room_again_seconds", 1)
    });
    scene.start_service().await;
    let user = scene.user("user1").await;
    // More than the segment that is open has room for.
    let image = Image::new(2_000_000, 3);
    let opened = user.open_transfer(open_transfer(&image, &devices)).await;
    let name = opened.unwrap().name.unwrap();
    let (options, mut ignored) = (SendOptions::default(), |_| {});
    let mut sending = Box::pin(user.send_image(name, &image.bytes, &options, &mut ignored));
    let refused = Metrics::until(scene.service(), |metrics| {
        metrics.reaches("dco_blocks_refused_total{reason=\"STORE_FULL\"}", 1)
    });
    tokio::select! {
        _ = refused => {}
        sent = &mut sending => panic!("there was no room: {sent:?}"),
    }
    // All else goes on.
    assert_eq!(get(scene.service().http(), "/ready").await.status, 200);
    let other = scene.user("user1").await;
    other
        .submit_batch(submit_batch(&before, &devices))
        .await
        .unwrap();

    fs::remove_file(&filler).unwrap();
    within("the blocks to be taken", sending).await.unwrap();
    let settled = user.watch_transfer(name, RetryPolicy::default()).settled();
    let settled = within("the 11.1 Response", settled).await.unwrap();
    assert_eq!(settled.state, TransferState::Stored);
    scene.no_faults();
}
