//! Images of more than one User, in more than one cut, and what becomes of one that is damaged on disk.

use dco_block::{Eui64, Manifest, RawBlock, split};
use dco_proto::v1 as pb;
use pb::connect_request::Kind as Say;
use pb::connect_response::Kind as Told;
use pb::transfer::State;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::world::{
    DEVICE, GATEWAY, OTHER_USER, USER, World, carrying, image, naming, open_request, reason,
    request_id,
};

const OTHER_DEVICE: Eui64 = Eui64::from_bits(0x00DB_1234_5678_90A1);

/// The same image in blocks of another length.
fn in_blocks_of(blocks: &[RawBlock], block_bytes: u32) -> (Manifest, Vec<RawBlock>) {
    let joined: Vec<u8> = blocks
        .iter()
        .flat_map(|block| block.data.to_vec())
        .collect();
    let whole = bytes::Bytes::from(joined);
    let manifest = Manifest::of_image(&whole, block_bytes).unwrap();
    (manifest, split(&whole, block_bytes).collect())
}

async fn open(world: &World, user: Eui64, id: u32, manifest: &Manifest) -> pb::Transfer {
    let device = if user == USER { DEVICE } else { OTHER_DEVICE };
    let request = pb::OpenTransferRequest {
        parent: format!("users/{user}"),
        devices: vec![device.to_string()],
        ..open_request(id, manifest)
    };
    let opened = world.update(user).await.open_transfer(request).await;
    opened.unwrap().into_inner()
}

/// Sends blocks; answers how many were acknowledged, and the reasons of those that were not.
async fn send(world: &World, user: Eui64, name: &str, blocks: &[RawBlock]) -> (usize, Vec<String>) {
    let mut sent = vec![naming(name)];
    sent.extend(blocks.iter().map(carrying));
    let mut update = world.update(user).await;
    let said = update.send_blocks(tokio_stream::iter(sent)).await;
    let mut said = said.unwrap().into_inner();
    let (mut acknowledged, mut refused) = (0, Vec::new());
    while let Some(message) = said.message().await.unwrap() {
        for range in message.acknowledged {
            acknowledged += (range.first..=range.last).count();
        }
        refused.extend(message.refused.into_iter().map(|one| one.reason));
    }
    (acknowledged, refused)
}

/// Waits until a transfer has its end.
async fn settled(world: &World, user: Eui64, name: &str) -> pb::Transfer {
    let name = name.to_owned();
    let mut update = world.update(user).await;
    let watching = update
        .watch_transfer(pb::WatchTransferRequest { name })
        .await;
    let mut watched = watching.unwrap().into_inner();
    let mut last = None;
    while let Some(transfer) = watched.message().await.unwrap() {
        last = Some(transfer);
    }
    last.unwrap()
}

/// A whole transfer, as if nobody else had the image.
async fn store(
    world: &World,
    user: Eui64,
    id: u32,
    (manifest, blocks): &(Manifest, Vec<RawBlock>),
) -> String {
    let opened = open(world, user, id, manifest).await;
    assert_eq!(opened.state(), State::Receiving);
    let sent = send(world, user, &opened.name, blocks).await;
    assert_eq!(sent, (blocks.len(), Vec::new()));
    let settled = settled(world, user, &opened.name).await;
    assert_eq!(settled.state(), State::Stored);
    opened.name
}

async fn submit(
    world: &World,
    user: Eui64,
    id: u32,
    manifest: &Manifest,
) -> Result<pb::Batch, Status> {
    let device = if user == USER { DEVICE } else { OTHER_DEVICE };
    let hash = manifest.manufacturer_image_hash().as_bytes().to_vec();
    let request = pb::SubmitBatchRequest {
        parent: format!("users/{user}"),
        request_id: request_id(id),
        manufacturer_image_hash: hash.into(),
        devices: vec![device.to_string()],
        ..pb::SubmitBatchRequest::default()
    };
    let batch = world.activate(user).await.submit_batch(request).await;
    batch.map(tonic::Response::into_inner)
}

/// A gateway's stream, kept open as long as it is held, and the next offers on it.
struct Dialled {
    _say: mpsc::Sender<pb::ConnectRequest>,
    told: tonic::Streaming<pb::ConnectResponse>,
}

async fn dial(world: &World) -> Dialled {
    let (say, said) = mpsc::channel(16);
    let hello = Say::Hello(pb::Hello {
        memory_id: "m1".to_owned(),
        concurrency: 5,
        ..pb::Hello::default()
    });
    say.send(pb::ConnectRequest { kind: Some(hello) })
        .await
        .unwrap();
    let mut gateway = world.gateway(GATEWAY).await;
    let told = gateway.connect(ReceiverStream::new(said)).await;
    Dialled {
        _say: say,
        told: told.unwrap().into_inner(),
    }
}

impl Dialled {
    async fn offer(&mut self) -> pb::Offer {
        loop {
            let told = self.told.message().await.unwrap().unwrap();
            if let Some(Told::Offer(offer)) = told.kind {
                return offer;
            }
        }
    }
}

/// What a gateway reads of an image in the cut that it was offered in.
async fn read(
    world: &World,
    manifest: &Manifest,
    first_index: u32,
) -> Result<Vec<RawBlock>, Status> {
    let ask = pb::ReadBlocksRequest {
        image_id: manifest.image_id().as_bytes().to_vec().into(),
        first_index,
        block_bytes: manifest.block_bytes(),
    };
    let mut gateway = world.gateway(GATEWAY).await;
    let mut blocks = gateway.read_blocks(ask).await?.into_inner();
    let mut read = Vec::new();
    while let Some(block) = blocks.message().await? {
        read.push(RawBlock {
            index: block.index,
            crc32: block.crc32,
            data: block.data,
        });
    }
    Ok(read)
}

#[tokio::test]
async fn an_image_of_two_users_is_kept_once_and_read_in_the_cut_of_each() {
    let mut world = World::new().await;
    world.import(&[DEVICE]).await;
    world.import_for(OTHER_USER, &[OTHER_DEVICE]).await;
    let first = image(1, 50_000);
    let second = in_blocks_of(&first.1, 6_000);
    store(&world, USER, 1, &first).await;
    let of_other = store(&world, OTHER_USER, 2, &second).await;
    world.stop().await.unwrap();
    world.start().await;

    // Sent again after all, in their own cut: known as if they were kept, and others are not.
    assert_eq!(
        send(&world, OTHER_USER, &of_other, &second.1).await,
        (second.1.len(), Vec::new())
    );
    let other_bytes = RawBlock::new(1, vec![9; 6_000].into());
    assert_eq!(
        send(&world, OTHER_USER, &of_other, &[other_bytes]).await,
        (0, vec!["BLOCK_CONTENT_CONFLICT".to_owned()])
    );

    submit(&world, USER, 3, &first.0).await.unwrap();
    submit(&world, OTHER_USER, 4, &second.0).await.unwrap();
    let mut gateway = dial(&world).await;
    let mut cuts = Vec::new();
    for _ in 0..2 {
        cuts.push(gateway.offer().await.manifest.unwrap().block_bytes);
    }
    cuts.sort_unstable();
    assert_eq!(cuts, [4_096, 6_000]);
    for (manifest, blocks) in [&first, &second] {
        assert_eq!(&read(&world, manifest, 0).await.unwrap(), blocks);
        assert_eq!(read(&world, manifest, 3).await.unwrap(), blocks[3..]);
    }
}

#[tokio::test]
async fn a_damaged_image_is_quarantined_until_it_is_sent_again() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let sent = image(7, 50_000);
    let (manifest, blocks) = &sent;
    let name = store(&world, USER, 1, &sent).await;
    submit(&world, USER, 2, manifest).await.unwrap();
    let mut gateway = dial(&world).await;
    gateway.offer().await;
    world.damage(&blocks[5].data);
    let status = read(&world, manifest, 0).await.unwrap_err();
    assert_eq!(reason(&status), "STORED_BLOCK_CORRUPT");
    assert_eq!(status.code(), tonic::Code::DataLoss);

    let mut update = world.update(USER).await;
    let ask = pb::GetTransferRequest { name };
    let quarantined = update.get_transfer(ask.clone()).await.unwrap().into_inner();
    assert_eq!(quarantined.state(), State::Quarantined);
    let again = read(&world, manifest, 7).await.unwrap_err();
    assert_eq!(
        reason(&again),
        "STORED_BLOCK_CORRUPT",
        "whichever block it asks for"
    );
    let refused = submit(&world, USER, 3, manifest).await.unwrap_err();
    assert_eq!(reason(&refused), "IMAGE_QUARANTINED");
    let metrics = world.get("/metrics").await;
    assert!(metrics.contains("dco_images_quarantined 1"), "{metrics}");

    store(&world, USER, 4, &sent).await;
    assert_eq!(&read(&world, manifest, 0).await.unwrap(), blocks);
    let whole = update.get_transfer(ask).await.unwrap().into_inner();
    assert_eq!(whole.state(), State::Stored);
}

#[tokio::test]
async fn a_user_has_only_so_many_transfers_open() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let mut update = world.update(USER).await;
    for id in 1..=100 {
        let (manifest, _) = image(u8::try_from(id).unwrap(), 1_000);
        let opened = update.open_transfer(open_request(id, &manifest)).await;
        opened.unwrap();
    }
    let (manifest, _) = image(200, 1_000);
    let status = update.open_transfer(open_request(101, &manifest)).await;
    let status = status.unwrap_err();
    assert_eq!(reason(&status), "OPEN_TRANSFERS_LIMIT_REACHED");
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    let (first, _) = image(1, 1_000);
    let again = update.open_transfer(open_request(1, &first)).await;
    assert_eq!(
        again.unwrap().into_inner().name,
        format!("users/{USER}/transfers/1")
    );
}
