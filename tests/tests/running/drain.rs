//! Stopping: what is under way may finish, and who is in a hurry says so twice.

use dco_block::split;
use dco_client::{TransferName, TransferState};
use dco_proto::v1 as pb;
use dco_proto::v1::send_blocks_request::Kind;
use dco_tests::{Image, Scene, Settings, get, open_transfer, within};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// As long as it takes.
fn patient(settings: Settings) -> Settings {
    settings.with("drain_seconds", 3_600)
}

/// A stream of blocks that has begun: its first block is acknowledged.
struct Sending {
    blocks: mpsc::Sender<pb::SendBlocksRequest>,
    answers: Streaming<pb::SendBlocksResponse>,
}

impl Sending {
    async fn begin(scene: &Scene, name: TransferName, image: &Image) -> Self {
        let (blocks, outbox) = mpsc::channel(64);
        let kind = Some(Kind::Transfer(name.to_string()));
        blocks.send(pb::SendBlocksRequest { kind }).await.unwrap();
        let mut wire = scene.wire("user1").await;
        let answers = wire.transfers.send_blocks(ReceiverStream::new(outbox));
        let answers = within("SendBlocks to begin", answers).await;
        let mut sending = Self {
            blocks,
            answers: answers.unwrap().into_inner(),
        };
        sending.send(image, 0, 1).await;
        sending.acknowledged(1).await;
        sending
    }

    async fn send(&self, image: &Image, skip: usize, count: usize) {
        let blocks = split(&image.bytes, image.manifest.block_bytes());
        for raw in blocks.skip(skip).take(count) {
            let block = pb::Block {
                index: raw.index,
                crc32: raw.crc32,
                data: raw.data,
            };
            let kind = Some(Kind::Block(block));
            self.blocks
                .send(pb::SendBlocksRequest { kind })
                .await
                .unwrap();
        }
    }

    async fn acknowledged(&mut self, count: u32) {
        let mut acknowledged = 0;
        while acknowledged < count {
            let answer = within("an acknowledgement", self.answers.next()).await;
            let ranges = answer.unwrap().unwrap().acknowledged.into_iter();
            acknowledged += ranges.map(|it| it.last + 1 - it.first).sum::<u32>();
        }
    }
}

async fn until_not_ready(scene: &Scene) {
    let asking = async {
        while get(scene.service().http(), "/ready").await.status == 200 {
            tokio::task::yield_now().await;
        }
    };
    within("the service not to be ready", asking).await;
}

#[tokio::test]
async fn open_blocks_finish_after_the_service_said_that_it_takes_no_more_work() {
    let mut scene = Scene::start(patient).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user.open_transfer(open_transfer(&image, &devices)).await;
    let name = opened.unwrap().name.unwrap();
    let mut sending = Sending::begin(&scene, name, &image).await;

    scene.service().terminate();
    until_not_ready(&scene).await;
    let answer = get(scene.service().http(), "/ready").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "draining\n"));
    let rest = image.manifest.block_count() - 1;
    sending.send(&image, 1, rest as usize).await;
    sending.acknowledged(rest).await;
    drop(sending);
    scene.service_ended().await.expect_code(0);

    scene.start_service().await;
    let user = scene.user("user1").await;
    let watch = user.watch_transfer(name, dco_client::RetryPolicy::default());
    let settled = within("the 11.1 Response", watch.settled()).await.unwrap();
    assert_eq!(settled.state, TransferState::Stored, "no block was lost");
    scene.no_faults();
}

#[tokio::test]
async fn a_second_signal_ends_the_service_at_once_and_what_was_acknowledged_is_there() {
    let mut scene = Scene::start(patient).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user.open_transfer(open_transfer(&image, &devices)).await;
    let name = opened.unwrap().name.unwrap();
    let sending = Sending::begin(&scene, name, &image).await;

    scene.service().terminate();
    until_not_ready(&scene).await;
    scene.service().terminate();
    scene.service_ended().await.expect_code(130);
    drop(sending);

    scene.start_service().await;
    let found = scene.user("user1").await.transfer(name).await.unwrap();
    assert!(found.blocks_held >= 1, "{found:?}");
    scene.no_faults();
}

#[tokio::test]
async fn what_is_open_at_the_deadline_is_cut_and_named() {
    let mut scene = Scene::start(|settings| settings.with("drain_seconds", 1)).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user.open_transfer(open_transfer(&image, &devices)).await;
    let name = opened.unwrap().name.unwrap();
    let sending = Sending::begin(&scene, name, &image).await;

    scene.service().terminate();
    let ended = scene.service_ended().await.expect_code(0);
    let log = ended.err.concat();
    assert!(log.contains("still open at the deadline"), "{log}");
    assert!(log.contains("SendBlocks"), "{log}");
    drop(sending);
}
