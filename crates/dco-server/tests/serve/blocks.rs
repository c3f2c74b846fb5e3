//! SRV 11.1: blocks in, acknowledgements out.

use dco_proto::v1 as pb;
use pb::transfer::State;
use tokio_stream::StreamExt;
use tonic::Streaming;
use tonic_types::StatusExt;

use crate::world::{
    DEVICE, OTHER_USER, STRANGER, USER, World, carrying, image, naming, open_request, reason,
    request_id,
};

/// The User's own signed Service Request for the transfer.
const SIGNED: &[u8] = b"signed 11.1";

/// Everything that is said on a stream: acknowledged indices in order, refusals by reason.
async fn all(mut said: Streaming<pb::SendBlocksResponse>) -> (Vec<u32>, Vec<String>) {
    let (mut acknowledged, mut refused) = (Vec::new(), Vec::new());
    while let Some(message) = said.message().await.unwrap() {
        for range in message.acknowledged {
            acknowledged.extend(range.first..=range.last);
        }
        refused.extend(message.refused.into_iter().map(|one| one.reason));
    }
    acknowledged.sort_unstable();
    (acknowledged, refused)
}

#[tokio::test]
async fn blocks_come_in_any_order_and_the_response_is_given_once_and_kept() {
    let mut world = World::new().await;
    world.import(&[DEVICE]).await;
    let (manifest, blocks) = image(1, 50_000);
    let mut update = world.update(USER).await;
    let request = open_request(1, &manifest);
    let opened = update
        .open_transfer(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(opened.name, format!("users/{USER}/transfers/1"));
    assert_eq!(opened.block_count, 13);

    let mut backwards = blocks.clone();
    backwards.reverse();
    let mut sent = vec![naming(&opened.name)];
    sent.extend(backwards.iter().map(carrying));
    let said = update
        .send_blocks(tokio_stream::iter(sent))
        .await
        .unwrap()
        .into_inner();
    let (acknowledged, refused) = all(said).await;
    assert_eq!(acknowledged, (0..13).collect::<Vec<_>>());
    assert!(refused.is_empty());

    let name = opened.name.clone();
    let watching = update
        .watch_transfer(pb::WatchTransferRequest { name })
        .await;
    let mut states = Vec::new();
    let mut watched = watching.unwrap().into_inner();
    while let Some(transfer) = watched.message().await.unwrap() {
        states.push(transfer);
    }
    let stored = states.last().unwrap();
    assert_eq!(stored.state(), State::Stored);
    let response = stored.response.clone().unwrap();
    assert_eq!(response.response_code, "I99");

    // The same after a restart, and for the same request id.
    world.stop().await.unwrap();
    world.start().await;
    let mut update = world.update(USER).await;
    let again = update.open_transfer(request).await.unwrap().into_inner();
    assert_eq!(again.name, opened.name);
    let name = opened.name.clone();
    let kept = update
        .get_transfer(pb::GetTransferRequest { name })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(kept.response, Some(response));

    // Somebody who sends all of it again loses nothing and harms nothing.
    let mut sent = vec![naming(&opened.name)];
    sent.extend(blocks.iter().map(carrying));
    let said = update
        .send_blocks(tokio_stream::iter(sent))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(all(said).await.0, (0..13).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_acknowledged_block_is_in_the_transfer_at_once_and_after_a_restart() {
    let mut world = World::new().await;
    world.import(&[DEVICE]).await;
    let (manifest, blocks) = image(2, 20_000);
    let mut update = world.update(USER).await;
    let name = update
        .open_transfer(open_request(1, &manifest))
        .await
        .unwrap()
        .into_inner()
        .name;
    let (sender, sent) = tokio::sync::mpsc::channel(8);
    sender.send(naming(&name)).await.unwrap();
    let sent = tokio_stream::wrappers::ReceiverStream::new(sent);
    let mut said = update.send_blocks(sent).await.unwrap().into_inner();
    for (count, block) in blocks.iter().take(3).enumerate() {
        sender.send(carrying(block)).await.unwrap();
        let news = said.message().await.unwrap().unwrap();
        assert_eq!(news.acknowledged[0].last, block.index);
        let asked = pb::GetTransferRequest { name: name.clone() };
        let transfer = update.get_transfer(asked).await.unwrap().into_inner();
        assert_eq!(transfer.blocks_held as usize, count + 1);
    }
    drop((sender, said));
    world.stop().await.unwrap();
    world.start().await;
    let mut update = world.update(USER).await;
    let transfer = update
        .get_transfer(pb::GetTransferRequest { name })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(transfer.state(), State::Receiving);
    assert_eq!(transfer.missing, [pb::IndexRange { first: 3, last: 4 }]);
}

#[tokio::test]
async fn a_wrong_block_is_refused_in_the_stream_which_goes_on() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let (manifest, blocks) = image(3, 20_000);
    let mut update = world.update(USER).await;
    let name = update
        .open_transfer(open_request(1, &manifest))
        .await
        .unwrap()
        .into_inner()
        .name;
    let mut wrong_crc = blocks[1].clone();
    wrong_crc.crc32 ^= 1;
    let mut too_long = blocks[4].clone();
    too_long.data = vec![0; 4_096].into();
    let mut no_such = blocks[0].clone();
    no_such.index = 5;
    let other_bytes = dco_block::RawBlock::new(0, vec![9; 4_096].into());
    let sent = [
        naming(&name),
        carrying(&blocks[0]),
        carrying(&wrong_crc),
        carrying(&too_long),
        carrying(&no_such),
        carrying(&other_bytes),
        carrying(&blocks[0]),
        carrying(&blocks[2]),
    ];
    let said = update
        .send_blocks(tokio_stream::iter(sent))
        .await
        .unwrap()
        .into_inner();
    let (mut acknowledged, mut refused) = all(said).await;
    acknowledged.dedup();
    refused.sort();
    assert_eq!(acknowledged, [0, 2]);
    assert_eq!(
        refused,
        [
            "BLOCK_CONTENT_CONFLICT",
            "BLOCK_DIGEST_MISMATCH",
            "BLOCK_LENGTH_INVALID",
            "BLOCK_OUT_OF_RANGE"
        ]
    );
    let metrics = world.get("/metrics").await;
    let line = "dco_blocks_refused_total{reason=\"BLOCK_CONTENT_CONFLICT\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains("dco_transfers_receiving 1"), "{metrics}");
    let line = "dco_requests_total{method=\"/dco.v1.UpdateFirmware/OpenTransfer\",code=\"OK\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn what_is_wrong_with_the_stream_or_the_transfer_ends_the_call() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let (manifest, blocks) = image(4, 20_000);
    let mut update = world.update(USER).await;
    let name = update
        .open_transfer(open_request(1, &manifest))
        .await
        .unwrap()
        .into_inner()
        .name;
    let foreign = format!("users/{OTHER_USER}/transfers/1");
    for (sent, expected) in [
        (vec![], "MESSAGE_OUT_OF_TURN"),
        (vec![carrying(&blocks[0])], "MESSAGE_OUT_OF_TURN"),
        (
            vec![pb::SendBlocksRequest { kind: None }],
            "MESSAGE_OUT_OF_TURN",
        ),
        (vec![naming("transfers/1")], "NAME_INVALID"),
        (vec![naming(&foreign)], "CALLER_NOT_PERMITTED"),
        (
            vec![naming(&name.replace("/1", "/2"))],
            "RESOURCE_NOT_FOUND",
        ),
    ] {
        let status = update
            .send_blocks(tokio_stream::iter(sent))
            .await
            .unwrap_err();
        assert_eq!(reason(&status), expected);
    }
    // A second name ends the stream, but only after the block before it is acknowledged.
    let sent = [naming(&name), carrying(&blocks[0]), naming(&name)];
    let mut said = update
        .send_blocks(tokio_stream::iter(sent))
        .await
        .unwrap()
        .into_inner();
    let news = said.message().await.unwrap().unwrap();
    assert_eq!(news.acknowledged, [pb::IndexRange { first: 0, last: 0 }]);
    assert_eq!(
        reason(&said.message().await.unwrap_err()),
        "MESSAGE_OUT_OF_TURN"
    );

    let cancel = pb::CancelTransferRequest {
        name: name.clone(),
        request_id: request_id(2),
        validate_only: false,
    };
    let cancelled = update.cancel_transfer(cancel).await.unwrap().into_inner();
    assert_eq!(cancelled.state(), State::Cancelled);
    let sent = [naming(&name), carrying(&blocks[0])];
    let status = update
        .send_blocks(tokio_stream::iter(sent))
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "TRANSFER_NOT_RECEIVING");
}

#[tokio::test]
async fn a_stream_whose_transfer_is_cancelled_is_ended() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let (manifest, blocks) = image(5, 20_000);
    let mut update = world.update(USER).await;
    let name = update
        .open_transfer(open_request(1, &manifest))
        .await
        .unwrap()
        .into_inner()
        .name;
    let (sender, sent) = tokio::sync::mpsc::channel(8);
    sender.send(naming(&name)).await.unwrap();
    let sent = tokio_stream::wrappers::ReceiverStream::new(sent);
    let mut said = update.send_blocks(sent).await.unwrap().into_inner();
    let cancel = pb::CancelTransferRequest {
        name,
        request_id: request_id(2),
        validate_only: false,
    };
    update.cancel_transfer(cancel).await.unwrap();
    sender.send(carrying(&blocks[0])).await.unwrap();
    let status = loop {
        match said.next().await.unwrap() {
            // It was on its way to the disk when the transfer ended; the next one ends the stream.
            Ok(_) => sender.send(carrying(&blocks[1])).await.unwrap(),
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&status), "TRANSFER_NOT_RECEIVING");
}

#[tokio::test]
async fn blocks_for_a_rejected_transfer_are_told_why_it_was_rejected() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let (manifest, blocks) = image(6, 20_000);
    let mut request = open_request(1, &manifest);
    let declared = request.manifest.as_mut().unwrap();
    declared.manufacturer_image_hash = vec![1; 32].into();
    let mut update = world.update(USER).await;
    let name = update
        .open_transfer(request)
        .await
        .unwrap()
        .into_inner()
        .name;
    let sent: Vec<_> = [naming(&name)]
        .into_iter()
        .chain(blocks.iter().map(carrying))
        .collect();
    let said = update.send_blocks(tokio_stream::iter(sent.clone())).await;
    all(said.unwrap().into_inner()).await;
    let watch = pb::WatchTransferRequest { name: name.clone() };
    let mut watched = update.watch_transfer(watch).await.unwrap().into_inner();
    let mut last = None;
    while let Some(transfer) = watched.message().await.unwrap() {
        last = Some(transfer);
    }
    assert_eq!(last.unwrap().state(), State::Rejected);

    let status = update
        .send_blocks(tokio_stream::iter(sent))
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "IMAGE_DIGEST_MISMATCH");
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    let violated = status.get_details_precondition_failure().unwrap();
    assert_eq!(violated.violations[0].subject, name);
}

#[tokio::test]
async fn lists_of_devices_and_signed_requests_are_not_repeated_to_who_watches() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let (manifest, blocks) = image(7, 20_000);
    let mut request = open_request(1, &manifest);
    request.devices.push(STRANGER.to_string());
    request.signed_request = SIGNED.into();
    let mut update = world.update(USER).await;
    let opened = update.open_transfer(request).await.unwrap().into_inner();
    assert_eq!(opened.signed_request, SIGNED);
    let name = opened.name;
    let get = pb::GetTransferRequest { name: name.clone() };
    let got = update.get_transfer(get).await.unwrap().into_inner();
    assert_eq!(got.signed_request, SIGNED);
    let list = pb::ListTransfersRequest {
        parent: format!("users/{USER}"),
        ..pb::ListTransfersRequest::default()
    };
    let listed = update.list_transfers(list).await.unwrap().into_inner();
    assert!(listed.transfers[0].signed_request.is_empty());

    let watch = pb::WatchTransferRequest { name: name.clone() };
    let mut watched = update.watch_transfer(watch).await.unwrap().into_inner();
    let mut told = vec![watched.message().await.unwrap().unwrap()];
    for some in [&blocks[..1], &blocks[1..]] {
        let sent: Vec<_> = [naming(&name)]
            .into_iter()
            .chain(some.iter().map(carrying))
            .collect();
        let said = update.send_blocks(tokio_stream::iter(sent)).await;
        all(said.unwrap().into_inner()).await;
        told.extend(watched.message().await.unwrap());
    }
    while let Some(transfer) = watched.message().await.unwrap() {
        told.push(transfer);
    }
    assert!(
        told.iter()
            .all(|transfer| transfer.signed_request.is_empty())
    );
    let lists: Vec<_> = told
        .iter()
        .map(|transfer| transfer.invalid_devices.is_some())
        .collect();
    let (first, last) = (0, lists.len() - 1);
    assert!(last >= 2);
    assert!(
        (first..=last).all(|at| lists[at] == (at == first || at == last)),
        "{lists:?}"
    );
    let response = told[last].response.clone().unwrap();
    assert_eq!(response.response_code, "W110101");
    assert_eq!(
        response.invalid_devices.unwrap().invalid,
        [STRANGER.to_string()]
    );
}
