//! The same request, the same image, again.

use bytes::Bytes;
use dco_client::{Code, OpenTransfer, RequestId, RetryPolicy, SubmitBatch, TransferState};
use dco_tests::{Image, Scene, open_transfer, send, submit_batch, within};

#[tokio::test]
async fn the_same_request_id_gives_the_same_transfer_also_after_a_restart() {
    let mut scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let image = Image::small(2);
    let request = open_transfer(&image, &devices);
    let user = scene.user("user1").await;
    let first = user.open_transfer(request.clone()).await.unwrap();
    assert_eq!(user.open_transfer(request.clone()).await.unwrap(), first);
    scene.kill_service().await;
    scene.start_service().await;
    let user = scene.user("user1").await;
    assert_eq!(user.open_transfer(request.clone()).await.unwrap(), first);
    let page = user.transfers(&Default::default()).await.unwrap();
    assert_eq!(page.items.len(), 1, "asked three times, opened once");
    scene.no_faults();
}

#[tokio::test]
async fn a_stored_image_is_stored_for_more_devices_without_a_block() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 5, "user1", "gateway1").await;
    let image = Image::large(2);
    let user = scene.user("user1").await;
    scene.store(&user, &image, &devices[..2]).await;
    let more = user
        .open_transfer(open_transfer(&image, &devices[2..]))
        .await
        .unwrap();
    let name = more.name.unwrap();
    let settled = user.watch_transfer(name, Default::default()).settled();
    let settled = within("the 11.1 Response", settled).await.unwrap();
    assert_eq!(
        (settled.state, settled.device_count),
        (TransferState::Stored, 3)
    );
    assert_eq!(settled.response.unwrap().response_code, "I99");
    scene.no_faults();
}

#[tokio::test]
async fn devices_that_an_image_is_not_for_do_not_sink_the_transfer() {
    let scene = Scene::start(|settings| settings).await;
    let own = scene.install(0, 2, "user1", "gateway1").await;
    let of_another = scene.install(10, 1, "user2", "gateway1").await;
    let unknown = dco_tests::devices(99, 1);
    let image = Image::small(2);
    let user = scene.user("user1").await;
    let all = [own, of_another.clone(), unknown.clone()].concat();
    let stored = scene.store(&user, &image, &all).await;
    assert_eq!(stored.device_count, 2);
    let response = stored.response.unwrap();
    assert_eq!(response.response_code, "W110101");
    assert_eq!(
        response.invalid_devices.invalid,
        [of_another, unknown].concat()
    );
    assert_eq!(response.invalid_devices, stored.invalid_devices);
    scene.no_faults();
}

#[tokio::test]
async fn validating_only_answers_as_opening_would_and_opens_nothing() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let asked = OpenTransfer {
        validate_only: true,
        ..open_transfer(&Image::small(2), &devices)
    };
    let answer = user.open_transfer(asked).await.unwrap();
    assert_eq!(
        (answer.name, answer.state),
        (None, TransferState::Receiving)
    );
    assert!(
        user.transfers(&Default::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn a_cancelled_transfer_takes_no_more_blocks_and_stays_cancelled() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::small(2);
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();
    let cancelled = user
        .cancel_transfer(name, RequestId::fresh(), false)
        .await
        .unwrap();
    assert_eq!(cancelled.state, TransferState::Cancelled);
    let again = user
        .cancel_transfer(name, RequestId::fresh(), false)
        .await
        .unwrap_err();
    assert_eq!(again.code(), Some(Code::FailedPrecondition));
    assert_eq!(again.reason(), Some("TRANSFER_NOT_RECEIVING"));
    send(&user, name, &image).await;
    assert_eq!(
        user.transfer(name).await.unwrap().state,
        TransferState::Cancelled
    );
    scene.no_faults();
}

#[tokio::test]
async fn a_signed_request_is_kept_with_both_services_as_it_came() {
    let mut scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::small(2);
    // The longest that is kept, with octets that are no text.
    let signed: Bytes = (0..=u8::MAX).cycle().take(64 * 1024).collect();
    let asked = OpenTransfer {
        signed_request: signed.clone(),
        ..open_transfer(&image, &devices)
    };
    let transfer = user
        .open_transfer(asked.clone())
        .await
        .unwrap()
        .name
        .unwrap();
    send(&user, transfer, &image).await;
    let stored = user
        .watch_transfer(transfer, RetryPolicy::default())
        .settled();
    within("the 11.1 Response", stored).await.unwrap();
    let batch = SubmitBatch {
        signed_request: signed.clone(),
        ..submit_batch(&image, &devices)
    };
    let batch = user.submit_batch(batch).await.unwrap().name.unwrap();

    scene.kill_service().await;
    scene.start_service().await;
    let user = scene.user("user1").await;
    let transfer = user.transfer(transfer).await.unwrap();
    let batch = user.batch(batch).await.unwrap();
    assert!(transfer.signed_request == signed && batch.signed_request == signed);

    let longer = OpenTransfer {
        request_id: RequestId::fresh(),
        signed_request: [signed.as_ref(), b"<"].concat().into(),
        ..asked
    };
    let refused = user.open_transfer(longer).await.unwrap_err();
    assert_eq!(refused.reason(), Some("SIGNED_REQUEST_TOO_LARGE"));
    scene.no_faults();
}
