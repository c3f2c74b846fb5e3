//! SRV 11.1 that cannot be.

use bytes::Bytes;
use dco_block::{ImageId, ManufacturerImageHash};
use dco_client::TransferState;
use dco_proto::v1 as pb;
use dco_tests::{Image, Snapshot, devices, wire_open, within};
use tonic::Code;

use super::Prepared;
use crate::intake::blocks::{mixed, send};

/// A field of the manifest is changed; the rest is right.
async fn manifest_refused(change: impl FnOnce(&mut pb::Manifest)) {
    let mut prepared = Prepared::new().await;
    let mut asked = prepared.open(&prepared.own);
    change(asked.manifest.as_mut().unwrap());
    let refused = prepared.transfer_refused(asked, Code::InvalidArgument, "MANIFEST_INVALID");
    refused.await.field("manifest");
}

#[tokio::test]
async fn a_wrong_total_in_the_header_is_refused() {
    manifest_refused(|manifest| manifest.image_bytes += 1).await;
}

#[tokio::test]
async fn a_header_that_is_none_is_refused() {
    manifest_refused(|manifest| manifest.ota_header = Bytes::from_static(&[0; 60])).await;
}

#[tokio::test]
async fn another_firmware_version_than_the_header_has_is_refused() {
    manifest_refused(|manifest| manifest.firmware_version = "00000009".to_owned()).await;
}

#[tokio::test]
async fn block_lengths_over_and_under_the_limits_are_refused() {
    for block_bytes in [0, 1_023, 1_048_577] {
        manifest_refused(|manifest| manifest.block_bytes = block_bytes).await;
    }
}

#[tokio::test]
async fn a_manifest_with_missing_parts_is_refused() {
    let mut prepared = Prepared::new().await;
    let mut asked = prepared.open(&prepared.own);
    asked.manifest = None;
    prepared
        .transfer_refused(asked, Code::InvalidArgument, "MANIFEST_INVALID")
        .await;
}

/// A whole image is sent whose declared digest is another; it must end REJECTED.
async fn digest_rejected(change: impl FnOnce(&mut pb::Manifest), in_words: &str) {
    let mut prepared = Prepared::new().await;
    let image = Image::small(5);
    let user = prepared.scene.user("user1").await;
    let mut asked = wire_open(user.user(), &image, &prepared.own);
    change(asked.manifest.as_mut().unwrap());
    let opened = prepared
        .wire
        .transfers
        .open_transfer(asked)
        .await
        .unwrap()
        .into_inner();
    let name = opened.name.parse().unwrap();
    let told = send(&mut prepared.wire, name, mixed(&image, 1)).await;
    assert_eq!(told.refused, [], "each block is what it says");
    let settled = user.watch_transfer(name, Default::default()).settled();
    let settled = within("the 11.1 Response", settled).await.unwrap();
    assert_eq!(settled.state, TransferState::Rejected);
    let response = settled.response.clone().unwrap();
    let said = (response.response_code.as_str(), response.reason.as_str());
    assert_eq!(said, ("", "IMAGE_DIGEST_MISMATCH"));
    assert!(
        response.message.starts_with(in_words),
        "{}",
        response.message
    );
    assert_eq!(
        user.transfer(name).await.unwrap(),
        settled,
        "the same on every read"
    );
    prepared.scene.no_faults();

    let hash = settled.manifest.manufacturer_image_hash();
    let mut batch = prepared.submit(&prepared.own);
    batch.manufacturer_image_hash = Bytes::copy_from_slice(hash.as_bytes());
    prepared.before = Snapshot::of(&prepared.scene).await;
    let refused = prepared.batch_refused(batch, Code::FailedPrecondition, "IMAGE_NOT_VERIFIED");
    assert_eq!(refused.await.metadata("state"), "REJECTED");
}

#[tokio::test]
async fn an_image_whose_digest_does_not_match_is_rejected() {
    let wrong = ImageId::of(b"another image");
    digest_rejected(
        |manifest| manifest.image_id = Bytes::copy_from_slice(wrong.as_bytes()),
        "the image was declared with SHA-256",
    )
    .await;
}

#[tokio::test]
async fn an_image_whose_manufacturer_image_hash_does_not_match_is_rejected() {
    let wrong = ManufacturerImageHash::of(b"another image");
    digest_rejected(
        |manifest| manifest.manufacturer_image_hash = Bytes::copy_from_slice(wrong.as_bytes()),
        "the Manufacturer Image was declared with SHA-256",
    )
    .await;
}

#[tokio::test]
async fn devices_that_are_all_unknown_or_of_another_user_are_the_same_refusal_to_the_byte() {
    let mut prepared = Prepared::new().await;
    let denied = (Code::PermissionDenied, "CALLER_NOT_PERMITTED");
    let foreign = prepared.open(&prepared.of_another);
    let foreign = prepared.transfer_refused(foreign, denied.0, denied.1).await;
    let unknown = prepared.open(&devices(999, 1));
    let unknown = prepared.transfer_refused(unknown, denied.0, denied.1).await;
    assert_eq!(foreign.octets(), unknown.octets());
}

#[tokio::test]
async fn lists_of_devices_are_refused_as_in_batches() {
    let mut prepared = Prepared::new().await;
    let empty = prepared.open(&[]);
    prepared
        .transfer_refused(empty, Code::InvalidArgument, "BATCH_EMPTY")
        .await
        .field("devices");
    let twice = prepared.open(&[prepared.own[0], prepared.own[0]]);
    let refused = prepared
        .transfer_refused(twice, Code::InvalidArgument, "DEVICE_DUPLICATE")
        .await;
    assert_eq!(refused.metadata("device"), prepared.own[0].to_string());
    let many = prepared.open(&devices(0, 50_001));
    prepared
        .transfer_refused(many, Code::InvalidArgument, "TOO_MANY_DEVICES")
        .await;
}

#[tokio::test]
async fn a_request_id_with_another_body_is_refused() {
    let mut prepared = Prepared::new().await;
    let asked = prepared.open(&prepared.own[..1]);
    let opened = prepared
        .wire
        .transfers
        .open_transfer(asked.clone())
        .await
        .unwrap()
        .into_inner();
    prepared.before = Snapshot::of(&prepared.scene).await;
    let mut other = asked.clone();
    other.devices = vec![prepared.own[1].to_string()];
    let refused = prepared.transfer_refused(other, Code::InvalidArgument, "REQUEST_ID_REUSED");
    refused.await.field("request_id");
    let again = prepared
        .wire
        .transfers
        .open_transfer(asked)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, opened, "with the same body it is the same answer");
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let mut prepared = Prepared::new().await;
    let mut asked = prepared.open(&prepared.own);
    asked.signed_request = Bytes::from(vec![0; 5 * 1024 * 1024]);
    let refused = prepared
        .transfer_refused(asked, Code::OutOfRange, "MESSAGE_TOO_LARGE")
        .await;
    assert_eq!(
        refused.metadata("limitBytes"),
        (4 * 1024 * 1024).to_string()
    );
}

#[tokio::test]
async fn a_transfer_that_is_not_there_is_not_found_in_ones_own_name() {
    let mut prepared = Prepared::new().await;
    let user = prepared.scene.site.eui64("user1");
    let name = format!("users/{user}/transfers/7");
    let answer = prepared
        .wire
        .transfers
        .get_transfer(pb::GetTransferRequest { name })
        .await;
    prepared
        .unchanged_and(answer.map(drop), Code::NotFound, "RESOURCE_NOT_FOUND")
        .await;
}
