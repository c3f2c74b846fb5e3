//! Broken connections and a service that is killed: what was acknowledged is held.

use std::collections::BTreeSet;

use dco_block::split;
use dco_client::{RetryPolicy, SendOptions, Transfer, TransferName, TransferState};
use dco_proto::v1 as pb;
use dco_proto::v1::send_blocks_request::Kind;
use dco_tests::{Image, Scene, Wire, open_transfer, send, within};
use tokio_stream::StreamExt;

/// Blocks that are sent and not acknowledged yet.
const IN_FLIGHT: usize = 4;

/// A stream that is fed block by block and read as it goes, for a sender that is cut off in the middle.
struct Stream {
    blocks: tokio::sync::mpsc::Sender<pb::SendBlocksRequest>,
    answers: tonic::Streaming<pb::SendBlocksResponse>,
    acknowledged: BTreeSet<u32>,
}

impl Stream {
    async fn open(wire: &mut Wire, name: TransferName) -> Self {
        let (blocks, outbox) = tokio::sync::mpsc::channel(8);
        let kind = Some(Kind::Transfer(name.to_string()));
        blocks.send(pb::SendBlocksRequest { kind }).await.unwrap();
        let outbox = tokio_stream::wrappers::ReceiverStream::new(outbox);
        let answers = within("SendBlocks to begin", wire.transfers.send_blocks(outbox)).await;
        Self {
            blocks,
            answers: answers.unwrap().into_inner(),
            acknowledged: BTreeSet::new(),
        }
    }

    /// Sends blocks until so many are acknowledged; a few more may be on their way then.
    async fn send_until(&mut self, image: &Image, acknowledged: usize) {
        let mut rest = split(&image.bytes, image.manifest.block_bytes()).peekable();
        let mut sent = 0;
        while self.acknowledged.len() < acknowledged {
            let may_send = sent < self.acknowledged.len() + IN_FLIGHT && rest.peek().is_some();
            tokio::select! {
                answer = within("an acknowledgement", self.answers.next()) => {
                    let answer = answer.unwrap().unwrap();
                    let ranges = answer.acknowledged.into_iter();
                    self.acknowledged.extend(ranges.flat_map(|it| it.first..=it.last));
                }
                room = self.blocks.reserve(), if may_send => {
                    let raw = rest.next().expect("looked at before");
                    sent += 1;
                    let block = pb::Block { index: raw.index, crc32: raw.crc32, data: raw.data };
                    room.unwrap().send(pb::SendBlocksRequest { kind: Some(Kind::Block(block)) });
                }
            }
        }
    }

    /// Reads what still arrives after the other side has gone.
    async fn drain(mut self) -> BTreeSet<u32> {
        while let Some(Ok(answer)) = within("the end of a cut stream", self.answers.next()).await {
            let ranges = answer.acknowledged.into_iter();
            self.acknowledged
                .extend(ranges.flat_map(|it| it.first..=it.last));
        }
        self.acknowledged
    }
}

fn held(transfer: &Transfer) -> BTreeSet<u32> {
    let missing: BTreeSet<u32> = transfer.missing.iter().cloned().flatten().collect();
    (0..transfer.block_count)
        .filter(|index| !missing.contains(index))
        .collect()
}

#[tokio::test]
async fn sending_goes_on_at_the_missing_blocks_after_the_connection_was_cut() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();

    let mut stream = Stream::open(&mut scene.wire("user1").await, name).await;
    stream.send_until(&image, 10).await;
    scene.line.cut();
    let acknowledged = stream.drain().await;
    let transfer = scene.user("user1").await.transfer(name).await.unwrap();
    assert!(
        held(&transfer).is_superset(&acknowledged),
        "{acknowledged:?} of {transfer:?}"
    );
    assert_eq!(transfer.state, TransferState::Receiving);

    let mut sent = 0;
    let (options, mut progress) = (SendOptions::default(), |now: dco_client::SendProgress| {
        sent = now.blocks_sent;
    });
    let user = scene.user("user1").await;
    let sending = user.send_image(name, &image.bytes, &options, &mut progress);
    within("the rest of the blocks", sending).await.unwrap();
    assert!(
        sent <= transfer.block_count - transfer.blocks_held,
        "only what was missing is sent"
    );
    let stored = user.watch_transfer(name, RetryPolicy::default()).settled();
    assert_eq!(
        within("the 11.1 Response", stored).await.unwrap().state,
        TransferState::Stored
    );
    scene.no_faults();
}

#[tokio::test]
async fn what_was_acknowledged_is_held_after_the_service_was_killed_several_times() {
    let mut scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let image = Image::large(2);
    let user = scene.user("user1").await;
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();

    let mut acknowledged = BTreeSet::new();
    for more in [1, 13, 29] {
        let mut stream = Stream::open(&mut scene.wire("user1").await, name).await;
        stream.send_until(&image, more).await;
        scene.kill_service().await;
        acknowledged.extend(stream.drain().await);
        scene.start_service().await;
        let transfer = scene.user("user1").await.transfer(name).await.unwrap();
        assert!(
            held(&transfer).is_superset(&acknowledged),
            "{acknowledged:?} of {transfer:?}"
        );
        assert_eq!(transfer.state, TransferState::Receiving);
    }

    let user = scene.user("user1").await;
    send(&user, name, &image).await;
    let settled = user.watch_transfer(name, RetryPolicy::default()).settled();
    let before = within("the 11.1 Response", settled).await.unwrap();
    assert_eq!(before.state, TransferState::Stored);
    scene.kill_service().await;
    scene.start_service().await;
    let after = scene.user("user1").await.transfer(name).await.unwrap();
    assert_eq!(
        after, before,
        "the same transfer with the same 11.1 Response after a restart"
    );
    scene.no_faults();
}

#[tokio::test]
async fn an_image_that_was_complete_when_the_service_was_killed_gets_its_response_after_the_restart()
 {
    let mut scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let image = Image::large(2);
    let user = scene.user("user1").await;
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();
    let mut stream = Stream::open(&mut scene.wire("user1").await, name).await;
    let blocks = usize::try_from(image.manifest.block_count()).unwrap();
    stream.send_until(&image, blocks).await;
    scene.kill_service().await;
    scene.start_service().await;
    let user = scene.user("user1").await;
    let settled = user.watch_transfer(name, RetryPolicy::default()).settled();
    let settled = within("the 11.1 Response", settled).await.unwrap();
    assert_eq!(settled.state, TransferState::Stored);
    for _ in 0..3 {
        assert_eq!(
            user.transfer(name).await.unwrap(),
            settled,
            "the same on every read"
        );
    }
    scene.no_faults();
}

#[tokio::test]
async fn a_sender_that_keeps_trying_gets_an_image_through_a_service_that_is_killed_under_it() {
    let mut scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let image = Image::large(2);
    let user = scene.user("user1").await;
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();

    let (begun, mut has_begun) = tokio::sync::watch::channel(0);
    let (sender, bytes) = (user.clone(), image.bytes.clone());
    let sending = tokio::spawn(async move {
        let options = SendOptions {
            in_flight_blocks: 2,
            retry: RetryPolicy {
                tries_max: 1_000,
                ..RetryPolicy::default()
            },
            ..SendOptions::default()
        };
        let mut progress = |now: dco_client::SendProgress| {
            begun.send_replace(now.blocks_held);
        };
        sender
            .send_image(name, &bytes, &options, &mut progress)
            .await
    });
    within("some progress", has_begun.wait_for(|held| *held >= 5))
        .await
        .unwrap();
    scene.kill_service().await;
    scene.start_service().await;
    within("the whole image to be sent", sending)
        .await
        .unwrap()
        .unwrap();
    let settled = user.watch_transfer(name, RetryPolicy::default()).settled();
    assert_eq!(
        within("the 11.1 Response", settled).await.unwrap().state,
        TransferState::Stored
    );
    scene.no_faults();
}
