//! Blocks that are not stored: a refusal in the stream, which goes on.

use bytes::Bytes;
use dco_block::{RawBlock, split};
use dco_client::TransferName;
use dco_proto::v1 as pb;
use dco_proto::v1::send_blocks_request::Kind;
use dco_tests::{Image, Snapshot, refused, wire_open};
use tokio_stream::StreamExt;
use tonic::Code;

use super::Prepared;
use crate::intake::blocks::send;

/// A transfer that waits for its blocks.
async fn receiving() -> (Prepared, TransferName, Vec<RawBlock>) {
    let mut prepared = Prepared::new().await;
    let image = Image::small(6);
    let asked = wire_open(prepared.scene.site.eui64("user1"), &image, &prepared.own);
    let opened = prepared
        .wire
        .transfers
        .open_transfer(asked)
        .await
        .unwrap()
        .into_inner();
    prepared.before = Snapshot::of(&prepared.scene).await;
    let blocks = split(&image.bytes, image.manifest.block_bytes()).collect();
    (prepared, opened.name.parse().unwrap(), blocks)
}

/// One bad block and a good one after it, which must be taken; then all must be as if only the good one had come.
async fn block_refused(
    change: impl FnOnce(&mut RawBlock),
    code: Code,
    reason: &str,
    metadata: &[(&str, &str)],
) {
    let (mut prepared, name, mut blocks) = receiving().await;
    change(&mut blocks[0]);
    let good = blocks[1].clone();
    let told = send(&mut prepared.wire, name, vec![blocks[0].clone(), good]).await;
    assert_eq!(told.acknowledged, [1].into(), "the stream goes on");
    let [refusal] = told.refused.as_slice() else {
        panic!("one block was bad: {:?}", told.refused)
    };
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (code.into(), reason)
    );
    assert_eq!(refusal.index, blocks[0].index);
    assert!(!refusal.message.is_empty());
    for (key, value) in metadata {
        assert_eq!(refusal.metadata[*key], *value, "{:?}", refusal.metadata);
    }
    let user = prepared.scene.user("user1").await;
    assert_eq!(user.transfer(name).await.unwrap().blocks_held, 1);
    prepared.scene.no_faults();
}

#[tokio::test]
async fn a_wrong_crc_is_refused() {
    let (code, reason) = (Code::InvalidArgument, "BLOCK_DIGEST_MISMATCH");
    let metadata = [("blockIndex", "0"), ("declaredCrc32", "0badcafe")];
    block_refused(|raw| raw.crc32 = 0x0BAD_CAFE, code, reason, &metadata).await;
}

#[tokio::test]
async fn an_index_past_the_end_is_refused() {
    let metadata = [("blockIndex", "3"), ("blockCount", "3")];
    block_refused(
        |raw| raw.index = 3,
        Code::OutOfRange,
        "BLOCK_OUT_OF_RANGE",
        &metadata,
    )
    .await;
}

#[tokio::test]
async fn a_block_that_is_too_long_is_refused() {
    let metadata = [("expectedBytes", "16384"), ("actualBytes", "16385")];
    let longer = |raw: &mut RawBlock| {
        raw.data = [raw.data.as_ref(), &[0]].concat().into();
        raw.crc32 = crc32(&raw.data);
    };
    block_refused(
        longer,
        Code::InvalidArgument,
        "BLOCK_LENGTH_INVALID",
        &metadata,
    )
    .await;
}

#[tokio::test]
async fn a_block_that_is_too_short_is_refused() {
    let metadata = [("expectedBytes", "16384"), ("actualBytes", "16383")];
    let shorter = |raw: &mut RawBlock| {
        raw.data = raw.data.slice(1..);
        raw.crc32 = crc32(&raw.data);
    };
    block_refused(
        shorter,
        Code::InvalidArgument,
        "BLOCK_LENGTH_INVALID",
        &metadata,
    )
    .await;
}

#[tokio::test]
async fn other_bytes_under_an_index_that_is_held_are_a_conflict() {
    let (mut prepared, name, blocks) = receiving().await;
    let first = blocks[0].clone();
    send(&mut prepared.wire, name, vec![first.clone()]).await;
    let mut other = first.clone();
    other.data = first.data.iter().map(|octet| !octet).collect();
    other.crc32 = crc32(&other.data);
    let told = send(&mut prepared.wire, name, vec![other, first.clone()]).await;
    assert_eq!(
        told.acknowledged,
        [0].into(),
        "the block that is held is acknowledged as ever"
    );
    let refusal = &told.refused[0];
    assert_eq!(refusal.code, i32::from(Code::AlreadyExists));
    assert_eq!(refusal.reason, "BLOCK_CONTENT_CONFLICT");
    assert_eq!(
        refusal.metadata["storedCrc32"],
        format!("{:08x}", first.crc32)
    );
    prepared.scene.no_faults();
}

/// A stream with these messages must end with this status.
async fn stream_refused(messages: Vec<Kind>, code: Code, reason: &str) -> dco_tests::Refused {
    let (mut prepared, _, _) = receiving().await;
    let messages = messages
        .into_iter()
        .map(|kind| pb::SendBlocksRequest { kind: Some(kind) });
    let answer = prepared
        .wire
        .transfers
        .send_blocks(tokio_stream::iter(messages.collect::<Vec<_>>()));
    let ended = match answer.await {
        Err(status) => Err(status),
        Ok(answers) => answers
            .into_inner()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map(drop),
    };
    prepared.unchanged().await;
    refused(ended, code, reason)
}

#[tokio::test]
async fn a_block_over_the_message_limit_ends_the_stream() {
    let prepared_name = "users/90-B3-D5-1F-30-01-00-01/transfers/2".to_owned();
    let data = Bytes::from(vec![0; 5 * 1024 * 1024]);
    let block = pb::Block {
        index: 0,
        crc32: crc32(&data),
        data,
    };
    let messages = vec![Kind::Transfer(prepared_name), Kind::Block(block)];
    let refused = stream_refused(messages, Code::OutOfRange, "MESSAGE_TOO_LARGE").await;
    assert_eq!(
        refused.metadata("limitBytes"),
        (4 * 1024 * 1024).to_string()
    );
}

#[tokio::test]
async fn a_stream_that_does_not_name_its_transfer_first_is_refused() {
    let block = Kind::Block(pb::Block::default());
    stream_refused(vec![block], Code::InvalidArgument, "MESSAGE_OUT_OF_TURN").await;
}

#[tokio::test]
async fn a_stream_that_names_a_second_transfer_is_refused() {
    let name = Kind::Transfer("users/90-B3-D5-1F-30-01-00-01/transfers/2".to_owned());
    stream_refused(
        vec![name.clone(), name],
        Code::InvalidArgument,
        "MESSAGE_OUT_OF_TURN",
    )
    .await;
}

#[tokio::test]
async fn blocks_for_a_transfer_that_is_not_there_are_refused() {
    let name = Kind::Transfer("users/90-B3-D5-1F-30-01-00-01/transfers/9".to_owned());
    stream_refused(vec![name], Code::NotFound, "RESOURCE_NOT_FOUND").await;
}

/// The checksum as `dco-block` computes it: cut a single block and look.
fn crc32(data: &Bytes) -> u32 {
    let length = u32::try_from(data.len()).unwrap();
    split(data, length).next().unwrap().crc32
}
