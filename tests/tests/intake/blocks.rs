//! Blocks in any order, over one stream or many.

use std::collections::BTreeSet;

use dco_block::{RawBlock, split};
use dco_client::{TransferName, TransferState};
use dco_proto::v1 as pb;
use dco_proto::v1::send_blocks_request::Kind;
use dco_tests::{Image, Scene, Wire, open_transfer, within};
use tokio_stream::StreamExt;

/// What one stream was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: BTreeSet<u32>,
    pub(crate) refused: Vec<pb::BlockRefusal>,
}

/// Sends blocks in the order given over one stream, closes it and reads what comes back to the end.
pub(crate) async fn send(wire: &mut Wire, name: TransferName, blocks: Vec<RawBlock>) -> Told {
    let first = Kind::Transfer(name.to_string());
    let blocks = blocks.into_iter().map(|raw| {
        Kind::Block(pb::Block {
            index: raw.index,
            crc32: raw.crc32,
            data: raw.data,
        })
    });
    let messages: Vec<_> = std::iter::once(first)
        .chain(blocks)
        .map(|kind| pb::SendBlocksRequest { kind: Some(kind) })
        .collect();
    let sending = wire.transfers.send_blocks(tokio_stream::iter(messages));
    let mut answers = within("SendBlocks to begin", sending)
        .await
        .unwrap()
        .into_inner();
    let mut told = Told::default();
    while let Some(answer) = within("what becomes of blocks", answers.next()).await {
        let answer = answer.unwrap();
        let ranges = answer.acknowledged.into_iter();
        told.acknowledged
            .extend(ranges.flat_map(|range| range.first..=range.last));
        told.refused.extend(answer.refused);
    }
    told
}

/// The blocks of an image in an order without a pattern: each one is a step of `step` further, around the end.
pub(crate) fn mixed(image: &Image, step: usize) -> Vec<RawBlock> {
    let blocks: Vec<_> = split(&image.bytes, image.manifest.block_bytes()).collect();
    let count = blocks.len();
    assert!(
        (1..count).all(|number| !(number * step).is_multiple_of(count)),
        "the step must reach every block"
    );
    (0..count)
        .map(|number| blocks[number * step % count].clone())
        .collect()
}

#[tokio::test]
async fn a_large_image_over_one_stream_in_any_order_is_acknowledged_whole() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 3, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();
    assert_eq!(opened.state, TransferState::Receiving);
    let every_block = image.manifest.block_count();
    assert_eq!(opened.missing, [0..=every_block - 1]);

    let told = send(&mut scene.wire("user1").await, name, mixed(&image, 23)).await;
    assert_eq!(told.acknowledged, (0..every_block).collect());
    assert_eq!(told.refused, []);

    let stored = user.watch_transfer(name, Default::default()).settled();
    let stored = within("the 11.1 Response", stored).await.unwrap();
    assert_eq!(stored.state, TransferState::Stored);
    let response = stored.response.unwrap();
    assert_eq!(
        (response.response_code.as_str(), response.reason.as_str()),
        ("I99", "")
    );
    assert_eq!(stored.device_count, 3);
    scene.no_faults();
}

#[tokio::test]
async fn four_streams_on_four_connections_at_once_complete_an_image() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();

    let blocks = mixed(&image, 17);
    let quarter = blocks.len().div_ceil(4);
    let mut streams = Vec::new();
    for part in 0..4 {
        let mut wire = scene.wire("user1").await;
        let blocks = blocks
            .iter()
            .skip(part * quarter)
            .take(quarter)
            .cloned()
            .collect();
        streams.push(async move { send(&mut wire, name, blocks).await });
    }
    let told = futures::future::join_all(streams).await;
    let acknowledged: BTreeSet<u32> = told
        .iter()
        .flat_map(|told| &told.acknowledged)
        .copied()
        .collect();
    assert_eq!(acknowledged, (0..image.manifest.block_count()).collect());
    assert!(told.iter().all(|told| told.refused.is_empty()));

    let stored = user.watch_transfer(name, Default::default()).settled();
    assert_eq!(
        within("the 11.1 Response", stored).await.unwrap().state,
        TransferState::Stored
    );
    scene.no_faults();
}

#[tokio::test]
async fn what_is_missing_is_told_as_ranges_lowest_first() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();
    let last = image.manifest.block_count() - 1;

    let sent = [3, 4, 5, 9, last];
    let blocks = split(&image.bytes, image.manifest.block_bytes());
    let blocks = blocks.filter(|raw| sent.contains(&raw.index)).collect();
    let told = send(&mut scene.wire("user1").await, name, blocks).await;
    assert_eq!(told.acknowledged, sent.into());

    let transfer = user.transfer(name).await.unwrap();
    assert_eq!(transfer.blocks_held, 5);
    assert_eq!(transfer.missing, [0..=2, 6..=8, 10..=last - 1]);
    scene.no_faults();
}

#[tokio::test]
async fn a_block_that_is_sent_again_is_acknowledged_again_and_held_once() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();
    let third = split(&image.bytes, image.manifest.block_bytes())
        .nth(3)
        .unwrap();
    let mut wire = scene.wire("user1").await;
    for _ in 0..2 {
        let told = send(&mut wire, name, vec![third.clone(), third.clone()]).await;
        assert_eq!(told.acknowledged, [3].into());
        assert_eq!(told.refused, []);
        assert_eq!(user.transfer(name).await.unwrap().blocks_held, 1);
    }
    scene.no_faults();
}
