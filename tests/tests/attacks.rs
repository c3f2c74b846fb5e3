//! Attacks on a running service while an honest User sends: the User finishes, and the service's memory stays within what its limits add up to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};

use dco_client::{Identity, RequestId, RetryPolicy, TransferState};
use dco_proto::{Rpc, v1 as pb};
use dco_tests::{
    Attacker, Image, Metrics, Scene, Settings, frame, header, header_block, kind, open_transfer,
    refused, wire_open, within,
};
use futures::FutureExt;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tonic::Code;

const PER_PEER_MAX: u32 = 4;
const CALLS_PER_PEER_MAX: u32 = 32;
const MEBIBYTE: u64 = 1024 * 1024;
/// The service itself, built for tests, the honest User's connections and blocks, and what an allocator keeps.
const OWN_BYTES_MAX: u64 = 64 * MEBIBYTE;

/// Connections of each of an attacker's identities at one time.
const HANDS: usize = 48;

const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;

/// What one peer can fill with these limits: the window of each connection and a message for each call. All who are not
/// registered are one peer.
fn memory_bytes_max(peers: u32) -> u64 {
    let each = PER_PEER_MAX * 16 + CALLS_PER_PEER_MAX * 4;
    OWN_BYTES_MAX + u64::from(peers * each) * MEBIBYTE
}

fn narrow(settings: Settings) -> Settings {
    settings
        .with("connections.per_peer_max", PER_PEER_MAX)
        .with("connections.calls_max", 16)
        .with("connections.calls_per_peer_max", CALLS_PER_PEER_MAX)
        .with("connections.handshakes_per_address_max", 8)
        .with("limits.open_transfers_per_user_max", OPEN_TRANSFERS_MAX)
}

/// Attacks as one other User.
async fn under<F>(attack: impl Fn(SocketAddr, Identity) -> F) -> Scene
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let scene = Scene::start(narrow).await;
    besiege(&scene, &["user2"], 1, attack).await;
    scene
}

/// Attacks with all hands of all these identities, which are so many peers, for as long as an honest User needs to come in and to
/// send an image.
async fn besiege<F>(
    scene: &Scene,
    parties: &[&str],
    peers: u32,
    attack: impl Fn(SocketAddr, Identity) -> F,
) where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let service = scene.service().grpc();
    let identities = parties.iter().map(|party| scene.site.identity(party));
    let mut attackers = identities.cycle();
    let mut attacker = || attackers.next().expect("it goes round");
    let again = besieged(HANDS * parties.len(), || attack(service, attacker()));
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
    let (memory, most) = (scene.service().memory_bytes_max(), memory_bytes_max(peers));
    assert!(
        memory < most,
        "{} of {} MiB",
        memory / MEBIBYTE,
        most / MEBIBYTE
    );
    scene.no_faults();
}

/// Attacks with so many hands; whoever is hung up on comes again.
async fn besieged<F>(hands_max: usize, mut attack: impl FnMut() -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let mut hands = JoinSet::new();
    for _ in 0..hands_max {
        hands.spawn(attack());
    }
    while hands.join_next().await.is_some() {
        tokio::task::yield_now().await;
        hands.spawn(attack());
    }
}

fn open(rpc: Rpc, flags: u8, stream: u32) -> Vec<u8> {
    let block = header_block(rpc.path());
    frame(kind::HEADERS, END_HEADERS | flags, stream, &block)
}

/// A message as it stands in a call.
#[expect(clippy::big_endian_bytes, reason = "gRPC counts so")]
fn in_call(message: &impl Message) -> Vec<u8> {
    let octets = message.encode_to_vec();
    let length = u32::try_from(octets.len()).expect("messages here are short");
    [&[0], &length.to_be_bytes()[..], &octets].concat()
}

/// The numbers of calls on one connection.
fn streams() -> impl Iterator<Item = u32> {
    (1..u32::MAX >> 1).step_by(2)
}

#[tokio::test]
async fn connections_that_never_shake_hands_keep_nobody_out() {
    let scene = under(|service, _| half_of_a_handshake(Attacker::ADDRESS, service)).await;
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_connections_refused_total{why=\"address\"}", 1));
}

/// The head of a TLS record that is long in coming.
async fn half_of_a_handshake(from: Ipv4Addr, service: SocketAddr) -> io::Result<()> {
    let mut tcp = Attacker::tcp(from, service).await?;
    tcp.write_all(&[22, 3, 1, 2, 0, 1]).await?;
    tcp.read_exact(&mut [0]).await.map(drop)
}

/// An attacker's addresses, one after the other and over again.
fn addresses() -> impl Fn() -> Ipv4Addr {
    let next = AtomicU8::new(0);
    move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        Ipv4Addr::new(127, 0, 0, 2 + number % ADDRESSES)
    }
}

const ADDRESSES: u8 = 19;

#[tokio::test]
async fn handshakes_begun_from_many_addresses_take_no_place_that_a_connection_could_have() {
    // Of this attack there are more than there are places for both.
    let scene = Scene::start(|settings| {
        narrow(settings)
            .with("connections.max", 64)
            .with("connections.handshakes_max", 64)
    })
    .await;
    let next = addresses();
    besiege(&scene, &["user2"; 4], 1, |service, _| {
        half_of_a_handshake(next(), service)
    })
    .await;
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_connections_refused_total{why=\"displaced\"}", 1));
}

#[tokio::test]
async fn who_has_shown_a_certificate_waits_for_a_place_and_not_behind_strangers() {
    // The honest one waits for a place as long as a handshake may take: longer than this machine may be busy.
    let scene = Scene::start(|settings| {
        narrow(settings)
            .with("connections.max", 4)
            .with("connections.handshake_seconds", 300)
    })
    .await;
    let (service, identity) = (scene.service().grpc(), scene.site.identity("user2"));
    let mut all = Vec::new();
    for _ in 0..PER_PEER_MAX {
        all.push(Attacker::connect(service, &identity).await.unwrap());
    }
    let next = addresses();
    let strangers = besieged(HANDS, || half_of_a_handshake(next(), service));
    let honest = async {
        let mut asked = pin!(async {
            let user = scene.user("user1").await;
            user.transfers(&Default::default()).await
        });
        let full = |line: &String| line.contains("all places for connections are taken");
        while !scene.service().log().iter().any(full) {
            assert!(asked.as_mut().now_or_never().is_none(), "there is no place");
            tokio::task::yield_now().await;
        }
        all.pop();
        asked.await.unwrap();
    };
    tokio::select! {
        () = strangers => unreachable!("there is always a hand"),
        () = within("a place", honest) => {}
    }
    scene.no_faults();
}

#[tokio::test]
async fn who_finds_no_place_in_time_is_closed_and_named() {
    let scene = Scene::start(|settings| {
        narrow(settings)
            .with("connections.max", PER_PEER_MAX)
            .with("connections.handshake_seconds", 3)
    })
    .await;
    let (service, site) = (scene.service().grpc(), &scene.site);
    let mut all = Vec::new();
    for _ in 0..PER_PEER_MAX {
        let holder = site.identity("user2");
        all.push(Attacker::connect(service, &holder).await.unwrap());
    }
    let late = site.identity("user1");
    let late = within("the end", Attacker::connect(service, &late)).await;
    assert!(late.is_err(), "it was let in");
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_connections_refused_total{why=\"full\"}", 1));
    let caller = site.eui64("user1").to_string();
    let named = |line: &String| line.contains("found no place") && line.contains(&caller);
    assert!(scene.service().log().iter().any(named));
    drop(all);
    let user = scene.user("user1").await;
    let again = user.transfers(&Default::default()).await;
    again.expect("there is room again");
    scene.no_faults();
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
    under(half_of_messages).await;
}

/// Calls that are open for as long as they can, and bring the first half of a message.
async fn half_of_messages(service: SocketAddr, identity: Identity) -> io::Result<()> {
    let mut attacker = Attacker::connect(service, &identity).await?;
    let announced = [0, 0, 0x3F, 0xFF, 0xFF];
    // As much as a window takes at once.
    let half = [&announced[..], &[0; 60 * 16 * 1024]].concat();
    for stream in streams().take(16) {
        attacker
            .send(&open(Rpc::UpdateFirmwareOpenTransfer, 0, stream))
            .await?;
        attacker.send_data(stream, &half).await?;
    }
    attacker.until_hung_up().await;
    Ok(())
}

#[tokio::test]
async fn several_identities_hold_no_more_than_each_of_them_may() {
    // So many that the shares of the peers are what keeps them out, and not that of their address.
    let wide = |settings| narrow(settings).with("connections.handshakes_per_address_max", 32);
    let scene = Scene::start(wide).await;
    let parties = ["user2", "user3", "gateway2"];
    besiege(&scene, &parties, 3, half_of_messages).await;
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_connections_refused_total{why=\"peer\"}", 1));
}

#[tokio::test]
async fn identities_that_are_not_registered_hold_together_no_more_than_one_that_is() {
    let parties = ["user2", "user3", "gateway2", "auditor1"];
    let scene = Scene::start(|settings| {
        let settings = narrow(settings);
        parties.into_iter().fold(settings, Settings::without_party)
    })
    .await;
    besiege(&scene, &parties, 1, half_of_messages).await;
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.reaches("dco_connections_refused_total{why=\"peer\"}", 1));
}

#[tokio::test]
async fn senders_that_hold_a_block_back_half_sent_hold_up_nobody_elses() {
    let scene = Scene::start(narrow).await;
    let devices = scene.install(10, 1, "user2", "gateway1").await;
    let sender = scene.user("user2").await;
    let opened = sender
        .open_transfer(open_transfer(&Image::large(9), &devices))
        .await;
    let name = opened.unwrap().name.unwrap();
    let begin = pb::SendBlocksRequest {
        kind: Some(pb::send_blocks_request::Kind::Transfer(name.to_string())),
    };
    let block = pb::Block {
        index: 0,
        crc32: 0,
        data: vec![7; 1024 * 1024].into(),
    };
    let block = pb::SendBlocksRequest {
        kind: Some(pb::send_blocks_request::Kind::Block(block)),
    };
    let (begin, mut half) = (in_call(&begin), in_call(&block));
    half.truncate(half.len() / 2);
    besiege(&scene, &["user2"], 1, move |service, identity| {
        let (begin, half) = (begin.clone(), half.clone());
        async move {
            let mut attacker = Attacker::connect(service, &identity).await?;
            for stream in streams().take(16) {
                attacker
                    .send(&open(Rpc::UpdateFirmwareSendBlocks, 0, stream))
                    .await?;
                attacker.send_data(stream, &begin).await?;
                attacker.send_data(stream, &half).await?;
            }
            attacker.until_hung_up().await;
            Ok(())
        }
    })
    .await;
    // Its own calls were in its way until those of the attack had ended.
    let asked = async {
        loop {
            if let Ok(transfer) = sender.transfer(name).await {
                return transfer.state;
            }
        }
    };
    let state = within("the attacker's own transfer", asked).await;
    assert_eq!(state, TransferState::Receiving, "nothing was done to it");
}

/// Transfers that one User may have open.
const OPEN_TRANSFERS_MAX: u32 = 20;
/// Devices that each of them names: as many as may be, none of them known.
const NAMED_DEVICES: u32 = 49_000;

#[tokio::test]
async fn transfers_opened_up_to_the_limit_take_no_more_than_it_says() {
    let scene = Scene::start(narrow).await;
    let parties = ["user2", "user3"];
    for (at, party) in (0..).zip(parties) {
        let own = scene.install(10 + at, 1, party, "gateway1").await;
        let named = [own, dco_tests::devices(1_000, NAMED_DEVICES)].concat();
        let mut wire = scene.wire(party).await;
        let user = scene.site.eui64(party);
        for number in 0..OPEN_TRANSFERS_MAX {
            let open = wire_open(user, &Image::small(100 + number), &named);
            wire.transfers
                .open_transfer(open)
                .await
                .expect("within the limit");
        }
        let open = wire_open(user, &Image::small(99), &named);
        let answer = wire.transfers.open_transfer(open).await.map(drop);
        let told = refused(
            answer,
            Code::ResourceExhausted,
            "OPEN_TRANSFERS_LIMIT_REACHED",
        );
        assert_eq!(
            told.metadata("openTransfersMax"),
            OPEN_TRANSFERS_MAX.to_string()
        );
    }
    // They go on trying, each with a message that is long to read.
    let users = parties.map(|party| scene.site.eui64(party));
    let more = users.map(|user| {
        let named = dco_tests::devices(1_000, NAMED_DEVICES);
        in_call(&wire_open(user, &Image::small(99), &named))
    });
    besiege(&scene, &parties, 2, move |service, identity| {
        let more = more.clone();
        async move {
            let mut attacker = Attacker::connect(service, &identity).await?;
            for (stream, message) in streams().zip(more.iter().cycle()).take(16) {
                attacker
                    .send(&open(Rpc::UpdateFirmwareOpenTransfer, 0, stream))
                    .await?;
                attacker.send_data(stream, message).await?;
                attacker
                    .send(&frame(kind::DATA, END_STREAM, stream, &[]))
                    .await?;
            }
            attacker.until_hung_up().await;
            Ok(())
        }
    })
    .await;
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
    let said = || {
        let log = scene.service().log().into_iter();
        log.filter(|line| line.contains("hung up on"))
            .collect::<Vec<_>>()
    };
    let told = async {
        while said().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within("the log to say so", told).await;
    // When another peer has called, whatever else was to be said of the first is in the log as well.
    let user = scene.user("user1").await;
    user.transfers(&Default::default()).await.unwrap();
    let said = said();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("it did not read"), "{said:#?}");
    scene.no_faults();
}
