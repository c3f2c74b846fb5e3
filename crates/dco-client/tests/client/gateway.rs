use std::sync::{Arc, Mutex};

use dco_block::{FirmwareVersion, Manifest, ManufacturerImageHash};
use dco_client::{
    AttemptOutcome, AttemptRef, AttemptResult, ClientError, Code, DcoMessage, GatewayLink,
    GatewayMessage, Hello,
};
use dco_proto::v1 as pb;
use pb::connect_request::Kind as Said;
use pb::connect_response::Kind as Answer;
use pb::gateway_server::{Gateway, GatewayServer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::images::image_of;
use crate::peer::{Peer, serve};
use crate::transfers::serve_transfer;

const ACTIVATION: &str =
    "users/90-B3-D5-1F-30-01-00-00/batches/7/activations/90-B3-D5-1F-30-02-00-00";

/// The peer's southbound side: answers each message with the next answer of the script.
struct South {
    said: Arc<Mutex<Vec<Said>>>,
    script: Vec<Result<Option<Answer>, Status>>,
}

#[async_trait]
impl Gateway for South {
    type ConnectStream = ReceiverStream<Result<pb::ConnectResponse, Status>>;
    type ReadBlocksStream = ReceiverStream<Result<pb::Block, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<pb::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let mut messages = request.into_inner();
        let (answers, stream) = mpsc::channel(1);
        let said = Arc::clone(&self.said);
        let script = self.script.clone();
        tokio::spawn(async move {
            for answer in script {
                let Ok(Some(message)) = messages.message().await else {
                    return;
                };
                said.lock().unwrap().push(message.kind.unwrap());
                let answer = answer.map(|kind| pb::ConnectResponse { kind });
                let _ = answers.send(answer).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn read_blocks(
        &self,
        request: Request<pb::ReadBlocksRequest>,
    ) -> Result<Response<Self::ReadBlocksStream>, Status> {
        let request = request.into_inner();
        let (image, manifest) = image_of(5);
        if request.image_id != manifest.image_id().as_bytes().as_slice() {
            return Err(Status::not_found("not on offer"));
        }
        let (answers, stream) = mpsc::channel(8);
        for raw in dco_block::split(&image, 1024) {
            if raw.index >= request.first_index {
                let block = pb::Block {
                    index: raw.index,
                    crc32: raw.crc32,
                    data: raw.data,
                };
                answers.try_send(Ok(block)).unwrap();
            }
        }
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

async fn scene(
    script: Vec<Result<Option<Answer>, Status>>,
) -> (Peer, GatewayLink, Arc<Mutex<Vec<Said>>>) {
    let said = Arc::default();
    let south = South {
        said: Arc::clone(&said),
        script,
    };
    let (peer, link) = serve(|_| Server::builder().add_service(GatewayServer::new(south))).await;
    (peer, GatewayLink::new(&link), said)
}

fn attempt(attempt: u32) -> AttemptRef {
    AttemptRef {
        activation: ACTIVATION.parse().unwrap(),
        attempt,
    }
}

fn wire_attempt(attempt: u32) -> pb::AttemptRef {
    pb::AttemptRef {
        activation: ACTIVATION.to_owned(),
        attempt,
    }
}

fn outcome() -> AttemptOutcome {
    AttemptOutcome {
        attempt: attempt(2),
        result: AttemptResult::AlreadyAtVersion,
        nothing_sent: true,
        running_version: Some(FirmwareVersion::new(0x0102_ABCD)),
        device_image_hash: Some(ManufacturerImageHash::new([3; 32])),
        message: "has it".to_owned(),
    }
}

fn wire_outcome() -> pb::Outcome {
    pb::Outcome {
        attempt: Some(wire_attempt(2)),
        result: pb::outcome::Result::AlreadyAtVersion.into(),
        nothing_sent: true,
        running_version: "0102ABCD".to_owned(),
        device_image_hash: vec![3; 32].into(),
        message: "has it".to_owned(),
    }
}

fn hello() -> Hello {
    Hello {
        memory_id: "m1".to_owned(),
        attempts: vec![attempt(1)],
        outcomes: vec![outcome()],
        concurrency: 50,
    }
}

fn welcome() -> Answer {
    Answer::Welcome(pb::Welcome {
        now: Some(prost_types::Timestamp {
            seconds: 2,
            nanos: 3_000,
        }),
    })
}

fn offer(manifest: pb::Manifest) -> pb::Offer {
    pb::Offer {
        attempt: Some(wire_attempt(3)),
        device: "90-B3-D5-1F-30-02-00-00".to_owned(),
        manifest: Some(manifest),
        answer_by_time: Some(prost_types::Timestamp {
            seconds: 60,
            nanos: 0,
        }),
        execution_time: None,
        read_version_first: true,
    }
}

async fn wire_manifest() -> (Manifest, pb::Manifest) {
    let (_, manifest) = image_of(5);
    let (_peer, _, book) = serve_transfer(&manifest).await;
    let wire = book.lock().unwrap().transfer().manifest.unwrap();
    (manifest, wire)
}

#[tokio::test]
async fn a_gateway_says_hello_and_every_message_arrives_as_it_was_meant() {
    let (manifest, wire) = wire_manifest().await;
    let script = vec![
        Ok(Some(welcome())),
        Ok(Some(Answer::Offer(offer(wire)))),
        // A kind of message that this client does not know yet.
        Ok(None),
        Ok(Some(Answer::Noted(wire_attempt(3)))),
        Ok(Some(Answer::Withdrawn(wire_attempt(4)))),
        Ok(None),
    ];
    let (_peer, gateway, said) = scene(script).await;
    let (sender, mut receiver) = gateway.connect(hello()).await.unwrap();
    let welcome = receiver.recv().await.unwrap().unwrap();
    assert_eq!(welcome, DcoMessage::Welcome { now_us: 2_000_003 });

    sender
        .send(GatewayMessage::Accept(attempt(3)))
        .await
        .unwrap();
    let Some(DcoMessage::Offer(offered)) = receiver.recv().await.unwrap() else {
        panic!("no offer");
    };
    assert_eq!(
        (offered.attempt, &offered.manifest),
        (attempt(3), &manifest)
    );
    assert!(offered.read_version_first);
    assert_eq!(offered.answer_by_us, 60_000_000);

    let progress = GatewayMessage::Progress {
        attempt: attempt(3),
        blocks_done: 4,
    };
    sender.send(progress).await.unwrap();
    sender
        .send(GatewayMessage::Delivered(attempt(3)))
        .await
        .unwrap();
    assert_eq!(
        receiver.recv().await.unwrap(),
        Some(DcoMessage::Noted(attempt(3)))
    );
    sender
        .send(GatewayMessage::Outcome(outcome()))
        .await
        .unwrap();
    assert_eq!(
        receiver.recv().await.unwrap(),
        Some(DcoMessage::Withdrawn(attempt(4)))
    );
    let declined = GatewayMessage::Decline {
        attempt: attempt(5),
        message: "full".to_owned(),
    };
    sender.send(declined).await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), None);

    assert_eq!(*said.lock().unwrap(), all_that_was_said());
}

fn all_that_was_said() -> [Said; 6] {
    [
        Said::Hello(pb::Hello {
            memory_id: "m1".to_owned(),
            attempts: vec![wire_attempt(1)],
            outcomes: vec![wire_outcome()],
            concurrency: 50,
        }),
        Said::Accept(pb::Accept {
            attempt: Some(wire_attempt(3)),
        }),
        Said::Progress(pb::Progress {
            attempt: Some(wire_attempt(3)),
            blocks_done: 4,
        }),
        Said::Delivered(pb::Delivered {
            attempt: Some(wire_attempt(3)),
        }),
        Said::Outcome(wire_outcome()),
        Said::Decline(pb::Decline {
            attempt: Some(wire_attempt(5)),
            message: "full".to_owned(),
        }),
    ]
}

#[tokio::test]
async fn a_fenced_stream_ends_with_the_reason_and_takes_nothing_more() {
    let (_peer, gateway, _) = scene(vec![Err(Status::aborted("a newer hello"))]).await;
    let (sender, mut receiver) = gateway.connect(hello()).await.unwrap();
    let error = receiver.recv().await.unwrap_err();
    assert_eq!(error.code(), Some(Code::Aborted));
    assert!(!error.is_temporary());
    // The stream's end reaches the sender too, sooner or later.
    while sender
        .send(GatewayMessage::Delivered(attempt(1)))
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_cut_link_is_a_broken_link() {
    let (peer, gateway, _) = scene(vec![Ok(Some(welcome())), Ok(None)]).await;
    let (_sender, mut receiver) = gateway.connect(hello()).await.unwrap();
    receiver.recv().await.unwrap();
    peer.links.cut();
    let error = receiver.recv().await.unwrap_err();
    assert!(matches!(error, ClientError::Broken { .. }), "{error:?}");
    assert!(error.is_temporary());
}

#[tokio::test]
async fn an_offer_that_makes_no_sense_is_named() {
    let (_, wire) = wire_manifest().await;
    let nonsense = [
        (
            pb::Offer {
                attempt: None,
                ..offer(wire.clone())
            },
            "offer.attempt",
        ),
        (
            pb::Offer {
                device: "x".to_owned(),
                ..offer(wire.clone())
            },
            "offer.device",
        ),
        (
            pb::Offer {
                answer_by_time: None,
                ..offer(wire.clone())
            },
            "offer.answer_by_time",
        ),
        (
            offer(pb::Manifest {
                block_bytes: 1,
                ..wire.clone()
            }),
            "manifest",
        ),
        (
            offer(pb::Manifest {
                image_id: vec![1].into(),
                ..wire
            }),
            "manifest.image_id",
        ),
    ];
    for (offer, field) in nonsense {
        let (_peer, gateway, _) = scene(vec![Ok(Some(Answer::Offer(offer)))]).await;
        let (_sender, mut receiver) = gateway.connect(hello()).await.unwrap();
        let error = receiver.recv().await.unwrap_err();
        assert!(
            matches!(&error, ClientError::BadAnswer(bad) if bad.field == field),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn blocks_are_read_from_an_index_on_and_verify_against_the_manifest() {
    let (_peer, gateway, _) = scene(Vec::new()).await;
    let (_, manifest) = image_of(5);
    let mut blocks = gateway.read_blocks(&manifest, 2).await.unwrap();
    for index in 2..5 {
        let block = blocks
            .next()
            .await
            .unwrap()
            .unwrap()
            .verify(&manifest)
            .unwrap();
        assert_eq!(block.index(), index);
    }
    assert!(blocks.next().await.unwrap().is_none());
    let (_, other) = image_of(4);
    let other = gateway.read_blocks(&other, 0).await.unwrap_err();
    assert_eq!(other.code(), Some(Code::NotFound));
}
