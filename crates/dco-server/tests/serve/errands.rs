//! SRV 11.3, from the batch to the gateway's outcome, and what is told on the way.

use dco_block::Eui64;
use dco_proto::v1 as pb;
use pb::activation::State;
use pb::connect_request::Kind as Say;
use pb::connect_response::Kind as Told;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::world::{
    DEVICE, GATEWAY, OPERATOR, OTHER_GATEWAY, USER, World, carrying, image, naming, open_request,
    reason, request_id,
};

/// The User's own signed Service Request for the batch.
const SIGNED: &[u8] = b"signed 11.3";

/// Stores an image for the Device and sends a batch for it.
async fn batch_of_one(world: &World) -> (dco_block::Manifest, pb::Batch) {
    world.import(&[DEVICE]).await;
    let (manifest, blocks) = image(9, 30_000);
    let mut update = world.update(USER).await;
    let name = update
        .open_transfer(open_request(1, &manifest))
        .await
        .unwrap()
        .into_inner()
        .name;
    let mut sent = vec![naming(&name)];
    sent.extend(blocks.iter().map(carrying));
    let mut said = update
        .send_blocks(tokio_stream::iter(sent))
        .await
        .unwrap()
        .into_inner();
    while said.message().await.unwrap().is_some() {}
    let watching = update
        .watch_transfer(pb::WatchTransferRequest { name })
        .await;
    let mut watched = watching.unwrap().into_inner();
    while watched.message().await.unwrap().is_some() {}
    let request = pb::SubmitBatchRequest {
        parent: format!("users/{USER}"),
        request_id: request_id(2),
        manufacturer_image_hash: manifest
            .manufacturer_image_hash()
            .as_bytes()
            .to_vec()
            .into(),
        devices: vec![DEVICE.to_string()],
        signed_request: SIGNED.into(),
        ..pb::SubmitBatchRequest::default()
    };
    let batch = world
        .activate(USER)
        .await
        .submit_batch(request)
        .await
        .unwrap()
        .into_inner();
    (manifest, batch)
}

fn say(kind: Say) -> pb::ConnectRequest {
    pb::ConnectRequest { kind: Some(kind) }
}

fn hello(concurrency: u32) -> pb::ConnectRequest {
    say(Say::Hello(pb::Hello {
        memory_id: "m1".to_owned(),
        concurrency,
        ..pb::Hello::default()
    }))
}

type Line = (
    mpsc::Sender<pb::ConnectRequest>,
    Streaming<pb::ConnectResponse>,
);

/// A gateway's stream.
async fn dial(world: &World, first: pb::ConnectRequest) -> Line {
    dial_as(GATEWAY, world, first).await
}

async fn dial_as(eui64: Eui64, world: &World, first: pb::ConnectRequest) -> Line {
    let (sender, said) = mpsc::channel(16);
    sender.send(first).await.unwrap();
    let mut gateway = world.gateway(eui64).await;
    let told = gateway
        .connect(ReceiverStream::new(said))
        .await
        .unwrap()
        .into_inner();
    (sender, told)
}

fn success(attempt: Option<pb::AttemptRef>, manifest: &dco_block::Manifest) -> pb::ConnectRequest {
    let hash = manifest.manufacturer_image_hash().as_bytes().to_vec();
    say(Say::Outcome(pb::Outcome {
        attempt,
        result: pb::outcome::Result::Success.into(),
        running_version: manifest.firmware_version().to_string(),
        device_image_hash: hash.into(),
        ..pb::Outcome::default()
    }))
}

/// The indices of the blocks that a gateway reads.
async fn read_image(
    world: &World,
    manifest: &dco_block::Manifest,
    first_index: u32,
) -> Result<Vec<u32>, tonic::Status> {
    let ask = pb::ReadBlocksRequest {
        image_id: manifest.image_id().as_bytes().to_vec().into(),
        first_index,
        block_bytes: manifest.block_bytes(),
    };
    let mut blocks = world
        .gateway(GATEWAY)
        .await
        .read_blocks(ask)
        .await?
        .into_inner();
    let mut read = Vec::new();
    while let Some(block) = blocks.message().await? {
        assert_eq!(block.crc32, dco_block::crc32(&block.data));
        read.push(block.index);
    }
    Ok(read)
}

async fn next(told: &mut Streaming<pb::ConnectResponse>) -> Told {
    told.message().await.unwrap().unwrap().kind.unwrap()
}

#[tokio::test]
async fn a_gateway_takes_an_image_to_a_device_and_its_user_sees_it() {
    let world = World::new().await;
    let (manifest, batch) = batch_of_one(&world).await;
    let mut activate = world.activate(USER).await;
    let activation = format!("{}/activations/{DEVICE}", batch.name);
    let ask = pb::ExplainActivationRequest {
        name: activation.clone(),
    };
    let explained = activate.explain_activation(ask).await.unwrap().into_inner();
    assert_eq!(explained.holds[0].reason, "GATEWAY_NOT_CONNECTED");

    let (gateway, mut told) = dial(&world, hello(5)).await;
    assert!(matches!(next(&mut told).await, Told::Welcome(_)));
    let Told::Offer(offer) = next(&mut told).await else {
        panic!("there is something to offer");
    };
    let attempt = offer.attempt.clone();
    assert_eq!(attempt.as_ref().unwrap().activation, activation);
    gateway
        .send(say(Say::Accept(pb::Accept {
            attempt: attempt.clone(),
        })))
        .await
        .unwrap();

    assert_eq!(
        read_image(&world, &manifest, 3).await.unwrap(),
        (3..8).collect::<Vec<_>>()
    );
    let past = read_image(&world, &manifest, 8).await.unwrap_err();
    assert_eq!(reason(&past), "BLOCK_OUT_OF_RANGE");

    gateway
        .send(success(attempt.clone(), &manifest))
        .await
        .unwrap();
    let Told::Noted(noted) = next(&mut told).await else {
        panic!("an outcome is noted");
    };
    assert_eq!(Some(noted), attempt);
    // What is not on offer any more is not to be read.
    let status = read_image(&world, &manifest, 0).await.unwrap_err();
    assert_eq!(reason(&status), "CALLER_NOT_PERMITTED");

    let watch = pb::WatchBatchRequest {
        name: batch.name.clone(),
        position: 0,
    };
    let mut watched = activate.watch_batch(watch).await.unwrap().into_inner();
    let mut last = None;
    while let Some(changes) = watched.message().await.unwrap() {
        last = Some(changes);
    }
    let last = last.unwrap();
    assert_eq!(last.batch.unwrap().counts.unwrap().succeeded, 1);
    assert_eq!(last.activations[0].state(), State::Succeeded);
    assert_eq!(last.activations[0].running_version, "02000009");

    let mut reports = world.reports(USER).await;
    let report = reports
        .get_success_report(pb::GetSuccessReportRequest::default())
        .await;
    let rows = report.unwrap().into_inner().rows;
    assert_eq!((rows[0].succeeded, rows[0].attempt_count), (1, 1));
    let mut operations = world.operations(OPERATOR).await;
    let listed = operations
        .list_gateways(pb::ListGatewaysRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(listed.gateways[0].connected);
    // Hanging up ends the stream without a fault.
    drop(gateway);
    assert!(told.message().await.unwrap().is_none());
}

#[tokio::test]
async fn somebody_who_watches_a_batch_is_told_when_it_changes() {
    let world = World::new().await;
    let (_, batch) = batch_of_one(&world).await;
    let mut activate = world.activate(USER).await;
    let watch = pb::WatchBatchRequest {
        name: batch.name.clone(),
        position: 0,
    };
    let mut watched = activate.watch_batch(watch).await.unwrap().into_inner();
    let first = watched.message().await.unwrap().unwrap();
    assert_eq!(first.activations[0].state(), State::Queued);
    let cancel = pb::CancelBatchRequest {
        name: batch.name,
        request_id: request_id(3),
        validate_only: false,
    };
    activate.cancel_batch(cancel).await.unwrap();
    let second = watched.message().await.unwrap().unwrap();
    assert!(second.position > first.position);
    assert_eq!(second.activations[0].state(), State::Cancelled);
    assert!(watched.message().await.unwrap().is_none());
}

#[tokio::test]
async fn a_newer_hello_ends_the_older_stream_and_nonsense_ends_its_own() {
    let world = World::new().await;
    let (_older, mut told_older) = dial(&world, hello(1)).await;
    assert!(matches!(next(&mut told_older).await, Told::Welcome(_)));
    let (newer, mut told_newer) = dial(&world, hello(1)).await;
    assert!(matches!(next(&mut told_newer).await, Told::Welcome(_)));
    let status = told_older.message().await.unwrap_err();
    assert_eq!(reason(&status), "SESSION_SUPERSEDED");

    newer.send(pb::ConnectRequest { kind: None }).await.unwrap();
    let status = told_newer.message().await.unwrap_err();
    assert_eq!(reason(&status), "MESSAGE_OUT_OF_TURN");

    let mut gateway = world.gateway(GATEWAY).await;
    let accept = say(Say::Accept(pb::Accept::default()));
    for first in [
        vec![],
        vec![accept],
        vec![pb::ConnectRequest { kind: None }],
    ] {
        let status = gateway
            .connect(tokio_stream::iter(first))
            .await
            .unwrap_err();
        assert_eq!(reason(&status), "MESSAGE_OUT_OF_TURN");
    }
    let status = gateway
        .connect(tokio_stream::iter([hello(0)]))
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "HELLO_INVALID");
}

#[tokio::test]
async fn a_stop_sends_gateways_and_watchers_away_and_keeps_what_was_promised() {
    let mut world = World::new().await;
    let (_, batch) = batch_of_one(&world).await;
    let mut activate = world.activate(USER).await;
    let watch = pb::WatchBatchRequest {
        name: batch.name.clone(),
        position: 0,
    };
    let mut watched = activate.watch_batch(watch).await.unwrap().into_inner();
    watched.message().await.unwrap().unwrap();
    let (_gateway, mut told) = dial(&world, hello(1)).await;
    assert!(matches!(next(&mut told).await, Told::Welcome(_)));

    let ended = world.begin_stop();
    let watcher = async {
        loop {
            if let Err(status) = watched.message().await {
                return status;
            }
        }
    };
    assert_eq!(reason(&watcher.await), "DRAINING");
    let gateway = async {
        loop {
            if let Err(status) = told.message().await {
                return status;
            }
        }
    };
    assert_eq!(reason(&gateway.await), "DRAINING");
    ended.await.unwrap().unwrap();

    world.start().await;
    let name = batch.name.clone();
    let kept = world
        .activate(USER)
        .await
        .get_batch(pb::GetBatchRequest { name })
        .await;
    assert_eq!(kept.unwrap().into_inner().name, batch.name);
}

#[tokio::test]
async fn lists_come_in_parts() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let mut update = world.update(USER).await;
    for number in 1..=5 {
        let (manifest, _) = image(number, 10_000);
        let request = open_request(number.into(), &manifest);
        update.open_transfer(request).await.unwrap();
    }
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListTransfersRequest {
            parent: format!("users/{USER}"),
            page_size: 2,
            page_token,
        };
        let part = update.list_transfers(request).await.unwrap().into_inner();
        assert!(part.transfers.len() <= 2);
        names.extend(part.transfers.into_iter().map(|transfer| transfer.name));
        page_token = part.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let expected = [5, 4, 3, 2, 1].map(|number| format!("users/{USER}/transfers/{number}"));
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_signed_request_is_given_back_with_its_batch_and_not_with_lists_and_watches() {
    let world = World::new().await;
    let (_, batch) = batch_of_one(&world).await;
    assert_eq!(batch.signed_request, SIGNED);
    let mut activate = world.activate(USER).await;
    let name = batch.name.clone();
    let got = activate.get_batch(pb::GetBatchRequest { name }).await;
    assert_eq!(got.unwrap().into_inner().signed_request, SIGNED);

    let list = pb::ListBatchesRequest {
        parent: format!("users/{USER}"),
        ..pb::ListBatchesRequest::default()
    };
    let listed = activate.list_batches(list).await.unwrap().into_inner();
    assert!(listed.batches[0].signed_request.is_empty());
    let watch = pb::WatchBatchRequest {
        name: batch.name,
        position: 0,
    };
    let mut watched = activate.watch_batch(watch).await.unwrap().into_inner();
    let first = watched.message().await.unwrap().unwrap();
    assert!(first.batch.unwrap().signed_request.is_empty());
}

#[tokio::test]
async fn gateways_come_in_parts_by_their_eui64() {
    let world = World::new().await;
    let _other = dial_as(OTHER_GATEWAY, &world, hello(2)).await;
    let _one = dial(&world, hello(1)).await;
    let mut operations = world.operations(OPERATOR).await;
    let (mut names, mut page_token) = (Vec::new(), String::new());
    for _ in 0..2 {
        let request = pb::ListGatewaysRequest {
            page_size: 1,
            page_token,
        };
        let part = operations
            .list_gateways(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(part.gateways.len(), 1);
        names.extend(part.gateways.into_iter().map(|gateway| gateway.name));
        page_token = part.next_page_token;
    }
    assert_eq!(page_token, "");
    let expected = [GATEWAY, OTHER_GATEWAY].map(|eui64| format!("gateways/{eui64}"));
    assert_eq!(names, expected);
    let request = pb::ListGatewaysRequest {
        page_size: 0,
        page_token: "another list's".to_owned(),
    };
    let status = operations.list_gateways(request).await.unwrap_err();
    assert_eq!(reason(&status), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_gateway_that_reads_says_in_which_cut() {
    let world = World::new().await;
    let no_cut = pb::ReadBlocksRequest {
        image_id: vec![1; 32].into(),
        ..pb::ReadBlocksRequest::default()
    };
    let mut gateway = world.gateway(GATEWAY).await;
    let status = gateway.read_blocks(no_cut).await.unwrap_err();
    assert_eq!(reason(&status), "BLOCK_BYTES_INVALID");
}

#[tokio::test]
async fn what_a_gateway_says_of_an_end_is_told_to_its_user() {
    let world = World::new().await;
    let (manifest, batch) = batch_of_one(&world).await;
    let (gateway, mut told) = dial(&world, hello(1)).await;
    assert!(matches!(next(&mut told).await, Told::Welcome(_)));
    let Told::Offer(offer) = next(&mut told).await else {
        panic!("there is something to offer");
    };
    let mut ended = success(offer.attempt, &manifest);
    if let Some(Say::Outcome(outcome)) = &mut ended.kind {
        outcome.message = "rebooted twice".to_owned();
    }
    gateway.send(ended).await.unwrap();
    assert!(matches!(next(&mut told).await, Told::Noted(_)));
    let ask = pb::GetActivationRequest {
        name: format!("{}/activations/{DEVICE}", batch.name),
    };
    let activation = world.activate(USER).await.get_activation(ask).await;
    assert_eq!(activation.unwrap().into_inner().message, "rebooted twice");
}
