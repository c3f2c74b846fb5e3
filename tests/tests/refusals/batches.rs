//! SRV 11.3 that cannot be.

use bytes::Bytes;
use dco_client::RequestId;
use dco_proto::v1 as pb;
use dco_tests::{Image, devices, open_transfer, wire_submit};
use tonic::Code;

use super::Prepared;

#[tokio::test]
async fn a_device_of_another_user_and_an_unknown_one_are_the_same_refusal_to_the_byte() {
    let mut prepared = Prepared::new().await;
    let denied = (Code::PermissionDenied, "CALLER_NOT_PERMITTED");
    let foreign = prepared.submit(&prepared.of_another);
    let foreign = prepared.batch_refused(foreign, denied.0, denied.1).await;
    let unknown = prepared.submit(&devices(999, 1));
    let unknown = prepared.batch_refused(unknown, denied.0, denied.1).await;
    assert_eq!(foreign.octets(), unknown.octets());

    // Among own ones they are refused in the same way.
    let mixed = prepared.submit(&[prepared.own[0], prepared.of_another[0]]);
    let mixed = prepared.batch_refused(mixed, denied.0, denied.1).await;
    assert_eq!(mixed.octets(), unknown.octets());
}

#[tokio::test]
async fn a_device_named_twice_is_refused() {
    let mut prepared = Prepared::new().await;
    let twice = prepared.own[3];
    let asked = prepared.submit(&[prepared.own[0], twice, prepared.own[1], twice]);
    let refused = prepared
        .batch_refused(asked, Code::InvalidArgument, "DEVICE_DUPLICATE")
        .await;
    assert_eq!(
        refused.field("devices").metadata("device"),
        twice.to_string()
    );
}

#[tokio::test]
async fn an_unknown_image_is_refused() {
    let mut prepared = Prepared::new().await;
    let mut asked = prepared.submit(&prepared.own);
    asked.manufacturer_image_hash = Bytes::from_static(&[7; 32]);
    prepared
        .batch_refused(asked, Code::NotFound, "IMAGE_NOT_FOUND")
        .await;
}

#[tokio::test]
async fn a_hash_that_is_none_is_refused() {
    let mut prepared = Prepared::new().await;
    let mut asked = prepared.submit(&prepared.own);
    asked.manufacturer_image_hash = Bytes::from_static(&[7; 31]);
    let refused = prepared
        .batch_refused(asked, Code::InvalidArgument, "DIGEST_INVALID")
        .await;
    refused.field("manufacturer_image_hash");
}

#[tokio::test]
async fn an_empty_batch_is_refused() {
    let mut prepared = Prepared::new().await;
    let asked = prepared.submit(&[]);
    let refused = prepared
        .batch_refused(asked, Code::InvalidArgument, "BATCH_EMPTY")
        .await;
    refused.field("devices");
}

#[tokio::test]
async fn fifty_thousand_and_one_devices_are_refused() {
    let mut prepared = Prepared::new().await;
    let asked = prepared.submit(&devices(0, 50_001));
    let refused = prepared
        .batch_refused(asked, Code::InvalidArgument, "TOO_MANY_DEVICES")
        .await;
    let refused = refused.field("devices");
    assert_eq!(refused.metadata("deviceCount"), "50001");
    assert_eq!(refused.metadata("deviceCountMax"), "50000");
}

#[tokio::test]
async fn text_that_is_no_device_is_refused_with_its_place() {
    let mut prepared = Prepared::new().await;
    let mut asked = prepared.submit(&prepared.own);
    asked.devices[2] = "meter 3".to_owned();
    let refused = prepared
        .batch_refused(asked, Code::InvalidArgument, "EUI64_INVALID")
        .await;
    assert_eq!(refused.field("devices").metadata("index"), "2");
}

#[tokio::test]
async fn a_request_id_with_another_body_is_refused() {
    let mut prepared = Prepared::new().await;
    let asked = prepared.submit(&prepared.own[..1]);
    let batch = prepared
        .wire
        .batches
        .submit_batch(asked.clone())
        .await
        .unwrap()
        .into_inner();
    prepared.before = dco_tests::Snapshot::of(&prepared.scene).await;
    let other = pb::SubmitBatchRequest {
        devices: vec![prepared.own[1].to_string()],
        ..asked.clone()
    };
    let refused = prepared
        .batch_refused(other, Code::InvalidArgument, "REQUEST_ID_REUSED")
        .await;
    refused.field("request_id");
    let again = prepared
        .wire
        .batches
        .submit_batch(asked)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, batch, "with the same body it is the same answer");
}

#[tokio::test]
async fn a_request_id_that_is_none_is_refused() {
    let mut prepared = Prepared::new().await;
    for request_id in ["", "7", "00000000-0000-0000-0000-000000000000"] {
        let mut asked = prepared.submit(&prepared.own);
        asked.request_id = request_id.to_owned();
        let refused = prepared.batch_refused(asked, Code::InvalidArgument, "REQUEST_ID_INVALID");
        refused.await.field("request_id");
    }
}

#[tokio::test]
async fn a_device_with_an_activation_under_way_is_refused() {
    let mut prepared = Prepared::new().await;
    let first = prepared.submit(&prepared.own[..2]);
    prepared.wire.batches.submit_batch(first).await.unwrap();
    prepared.before = dco_tests::Snapshot::of(&prepared.scene).await;
    let busy = prepared.own[1];
    let asked = prepared.submit(&[prepared.own[2], busy]);
    let refused = prepared
        .batch_refused(asked, Code::FailedPrecondition, "DEVICE_BUSY")
        .await;
    let refused = refused.precondition("NO_OTHER_ACTIVATION", &busy.to_string());
    assert_eq!(refused.metadata("deviceCount"), "1");
}

#[tokio::test]
async fn an_image_that_is_not_complete_or_not_for_the_device_cannot_be_activated() {
    let mut prepared = Prepared::new().await;
    let user = prepared.scene.user("user1").await;
    let more = prepared.scene.install(50, 1, "user1", "gateway1").await;
    let incomplete = Image::small(9);
    let opened = user
        .open_transfer(open_transfer(&incomplete, &more))
        .await
        .unwrap();
    let transfer = opened.name.unwrap().to_string();
    prepared.before = dco_tests::Snapshot::of(&prepared.scene).await;

    let asked = wire_submit(user.user(), &incomplete, &more);
    let refused = prepared
        .batch_refused(asked, Code::FailedPrecondition, "IMAGE_INCOMPLETE")
        .await;
    let refused = refused.precondition("IMAGE_STORED", &transfer);
    assert_eq!(refused.metadata("transfer"), transfer);

    let asked = prepared.submit(&[prepared.own[0], more[0]]);
    let reason = "IMAGE_NOT_STORED_FOR_DEVICE";
    let refused = prepared
        .batch_refused(asked, Code::FailedPrecondition, reason)
        .await;
    let device = more[0].to_string();
    assert_eq!(
        refused
            .precondition("IMAGE_STORED_FOR_DEVICE", &device)
            .metadata("device"),
        device
    );
}

#[tokio::test]
async fn a_service_day_that_is_over_or_none_is_refused() {
    let mut prepared = Prepared::new().await;
    for date in ["2020-02-29", "2999-01-01", "tomorrow", "2026-13-01"] {
        let mut asked = prepared.submit(&prepared.own);
        asked.service_date = date.to_owned();
        let refused = prepared.batch_refused(asked, Code::InvalidArgument, "SERVICE_DATE_INVALID");
        refused.await.field("service_date");
    }
}

#[tokio::test]
async fn a_batch_that_was_never_sent_is_not_found_in_ones_own_name() {
    let mut prepared = Prepared::new().await;
    let user = prepared.scene.site.eui64("user1");
    let name = format!("users/{user}/batches/7");
    let get = pb::GetBatchRequest { name: name.clone() };
    let answer = prepared.wire.batches.get_batch(get).await;
    prepared
        .unchanged_and(answer.map(drop), Code::NotFound, "RESOURCE_NOT_FOUND")
        .await;
    let request_id = RequestId::fresh().to_string();
    let cancel = pb::CancelBatchRequest {
        name,
        request_id,
        validate_only: false,
    };
    let answer = prepared.wire.batches.cancel_batch(cancel).await;
    prepared
        .unchanged_and(answer.map(drop), Code::NotFound, "RESOURCE_NOT_FOUND")
        .await;
}
