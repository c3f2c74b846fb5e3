//! Attacks on a running service while an honest User sends: the User finishes, and the service's memory stays within what its limits add up to.

use std::io;
use std::net::SocketAddr;

use dco_client::{Identity, RequestId, RetryPolicy, TransferState};
use dco_proto::Rpc;
use dco_tests::{
    Attacker, Image, Metrics, Scene, frame, header, header_block, kind, open_transfer, within,
};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

/// With the limits below one peer can fill 4 connections of 16 MiB and 32 messages of 4 MiB; the rest is the service itself, built
/// for tests, the honest User's 16 MiB, and what an allocator keeps.
const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
const PER_PEER_MAX: i64 = 4;

/// Connections of an attacker at one time.
const HANDS: usize = 48;

const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;

/// Attacks with all hands for as long as an honest User needs to come in and to send an image.
async fn under<F>(attack: impl Fn(SocketAddr, Identity) -> F) -> Scene
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let scene = Scene::start(|settings| {
        settings
            .with("connections.per_peer_max", PER_PEER_MAX)
            .with("connections.calls_max", 16)
            .with("connections.calls_per_peer_max", 32)
            .with("connections.handshakes_per_address_max", 8)
    })
    .await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let (service, identity) = (scene.service().grpc(), scene.site.identity("user2"));
    let mut hands = JoinSet::new();
    for _ in 0..HANDS {
        hands.spawn(attack(service, identity.clone()));
    }
    let again = async {
        // Whoever is hung up on comes again.
        while hands.join_next().await.is_some() {
            tokio::task::yield_now().await;
            hands.spawn(attack(service, identity.clone()));
        }
    };
    let honest = async {
        for number in 2..4 {
            let user = scene.user("user1").await;
            scene.store(&user, &Image::large(number), &devices).await;
        }
    };
    tokio::select! {
        () = again => unreachable!("there is always a hand"),
        () = within("the honest User's images", honest) => {}
    }
    let memory = scene.service().memory_bytes_max();
    assert!(memory < MEMORY_BYTES_MAX, "{} MiB", memory >> 20);
    scene.no_faults();
    scene
}

fn open(rpc: Rpc, flags: u8, stream: u32) -> Vec<u8> {
    let block = header_block(rpc.path());
    frame(kind::HEADERS, END_HEADERS | flags, stream, &block)
}

/// The numbers of calls on one connection.
fn streams() -> impl Iterator<Item = u32> {
    (1..u32::MAX >> 1).step_by(2)
}

#[tokio::test]
async fn connections_that_never_shake_hands_keep_nobody_out() {
    let scene = under(|service, _| async move {
        let mut tcp = Attacker::tcp(service).await?;
        // The head of a TLS record that is long in coming.
        tcp.write_all(&[22, 3, 1, 2, 0, 1]).await?;
        let mut nothing = [0];
        tokio::io::AsyncReadExt::read(&mut tcp, &mut nothing).await?;
        Ok(())
    })
    .await;
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_connections_refused_total{why=\"address\"}", 1));
}

#[tokio::test]
async fn a_peer_has_no_more_connections_than_its_share() {
    let scene = under(|service, identity| async move {
        let mut attacker = Attacker::connect(service, &identity).await?;
        // A call whose headers never end.
        let block = header_block(Rpc::NoticesGetLimits.path());
        attacker
            .send(&frame(kind::HEADERS, 0, 1, &block[..20]))
            .await?;
        attacker.until_hung_up().await;
        Ok(())
    })
    .await;
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_connections_refused_total{why=\"peer\"}", 1));
}

#[tokio::test]
async fn calls_whose_message_never_ends_hold_no_more_than_the_limits_say() {
    let scene = under(|service, identity| async move {
        let mut attacker = Attacker::connect(service, &identity).await?;
        let announced = [0, 0, 0x3F, 0xFF, 0xFF];
        let part = vec![0; 16 * 1024];
        for stream in streams().take(16) {
            attacker
                .send(&open(Rpc::UpdateFirmwareOpenTransfer, 0, stream))
                .await?;
            attacker
                .send(&frame(kind::DATA, 0, stream, &announced))
                .await?;
            // As much as a window takes at once.
            for _ in 0..60 {
                attacker.send(&frame(kind::DATA, 0, stream, &part)).await?;
            }
        }
        attacker.until_hung_up().await;
        Ok(())
    })
    .await;
    drop(scene);
}

#[tokio::test]
async fn a_message_that_says_it_is_huge_is_refused_before_there_is_room_for_it() {
    under(|service, identity| async move {
        let mut attacker = Attacker::connect(service, &identity).await?;
        for stream in streams().take(200) {
            attacker
                .send(&open(Rpc::UpdateFirmwareSendBlocks, 0, stream))
                .await?;
            let huge = [0, 0xFF, 0xFF, 0xFF, 0xFF];
            attacker
                .send(&frame(kind::DATA, END_STREAM, stream, &huge))
                .await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn calls_that_are_reset_at_once_are_not_worked_off() {
    under(|service, identity| async move {
        let mut attacker = Attacker::connect(service, &identity).await?;
        for stream in streams() {
            let mut both = open(Rpc::UpdateFirmwareListTransfers, 0, stream);
            both.extend(frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]));
            // It ends with a connection that the service has ended.
            attacker.send(&both).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn floods_of_pings_and_settings_are_answered_no_faster_than_they_are_read() {
    for flood in [
        frame(kind::PING, 0, 0, &[7; 8]),
        frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]),
        frame(kind::SETTINGS, 0, 0, &[]),
    ] {
        under(move |service, identity| {
            let many = flood.repeat(1_000);
            async move {
                let mut attacker = Attacker::connect(service, &identity).await?;
                loop {
                    attacker.send(&many).await?;
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn headers_without_end_are_not_kept() {
    under(|service, identity| async move {
        let mut attacker = Attacker::connect(service, &identity).await?;
        let block = header_block(Rpc::NoticesGetLimits.path());
        attacker.send(&frame(kind::HEADERS, 0, 1, &block)).await?;
        let mut more = Vec::new();
        for number in 0..100 {
            header(&mut more, &format!("x-{number}"), &"a".repeat(100));
        }
        loop {
            attacker
                .send(&frame(kind::CONTINUATION, 0, 1, &more))
                .await?;
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_without_calls_is_closed_and_one_with_a_call_is_not() {
    let scene = Scene::start(|settings| settings.with("connections.idle_seconds", 1)).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let opened = user
        .open_transfer(open_transfer(&Image::large(1), &devices))
        .await;
    let name = opened.unwrap().name.unwrap();
    let once = RetryPolicy {
        tries_max: 0,
        ..RetryPolicy::default()
    };
    let mut watch = user.watch_transfer(name, once);
    let first = within("the transfer as it is", watch.next()).await;
    assert_eq!(first.unwrap().unwrap().state, TransferState::Receiving);

    let (service, identity) = (scene.service().grpc(), scene.site.identity("user2"));
    let mut idle = Attacker::connect(service, &identity).await.unwrap();
    // Pings are no calls.
    idle.send(&frame(kind::PING, 0, 0, &[7; 8])).await.unwrap();
    within("the end of the idle connection", idle.until_hung_up()).await;

    let again = scene.user("user1").await;
    let cancelled = again.cancel_transfer(name, RequestId::fresh(), false).await;
    cancelled.unwrap();
    let told = within("the end of the transfer", watch.next()).await;
    assert_eq!(told.unwrap().unwrap().state, TransferState::Cancelled);
    scene.no_faults();
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_hung_up_on_even_with_a_call_open() {
    let scene = Scene::start(|settings| settings.with("connections.unread_seconds", 1)).await;
    let (service, identity) = (scene.service().grpc(), scene.site.identity("user2"));
    let mut attacker = Attacker::connect(service, &identity).await.unwrap();
    let watch = open(Rpc::NoticesWatchNotices, 0, 1);
    attacker.send(&watch).await.unwrap();
    let pings = frame(kind::PING, 0, 0, &[7; 8]).repeat(1_000);
    let until_cut = async { while attacker.send(&pings).await.is_ok() {} };
    within("the end of a peer that does not read", until_cut).await;
    scene.no_faults();
}
