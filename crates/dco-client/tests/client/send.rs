use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use dco_block::{Eui64, Manifest};
use dco_client::{
    ClientError, Code, Link, OpenTransfer, PageRequest, RequestId, RetryPolicy, SendOptions,
    SendProgress, Transfer, TransferName, TransferState, UserClient,
};
use dco_proto::v1::transfer::State;

use crate::images::image_of;
use crate::peer::Peer;
use crate::transfers::{Book, Fate, NAME, serve_transfer};

const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);

fn options(streams: usize, in_flight_blocks: usize) -> SendOptions {
    let retry = RetryPolicy {
        tries_max: 3,
        first_delay: Duration::from_millis(1),
        delay_max: Duration::from_millis(1),
    };
    SendOptions {
        streams,
        in_flight_blocks,
        retry,
    }
}

fn name() -> TransferName {
    NAME.parse().unwrap()
}

/// A peer that takes one image, and what is sent to it.
struct Scene {
    image: Bytes,
    manifest: Manifest,
    _peer: Peer,
    link: Link,
    book: Arc<Mutex<Book>>,
    progress: Vec<SendProgress>,
}

impl Scene {
    async fn with(block_count: u32, fates: &[Fate]) -> Self {
        let (image, manifest) = image_of(block_count);
        let (peer, link, book) = serve_transfer(&manifest).await;
        book.lock().unwrap().fates = fates.iter().copied().collect();
        Self {
            image,
            manifest,
            _peer: peer,
            link,
            book,
            progress: Vec::new(),
        }
    }

    async fn send(&mut self, options: SendOptions) -> Result<Transfer, ClientError> {
        let user = UserClient::new(&self.link, USER);
        let progress = &mut self.progress;
        user.send_image(name(), &self.image, &options, &mut |step| {
            progress.push(step)
        })
        .await
    }

    fn assert_all_held(&self) {
        let book = self.book.lock().unwrap();
        let joined: Vec<u8> = book.blocks.values().flatten().copied().collect();
        assert_eq!(joined, self.image);
        let held: Vec<u32> = self.progress.iter().map(|step| step.blocks_held).collect();
        assert!(
            held.iter()
                .all(|count| *count <= self.manifest.block_count()),
            "{held:?}"
        );
    }
}

#[tokio::test]
async fn every_block_is_sent_once_over_several_streams() {
    let mut scene = Scene::with(50, &[]).await;
    let transfer = scene.send(options(3, 4)).await.unwrap();
    assert_eq!(transfer.state, TransferState::Verifying);
    scene.assert_all_held();

    let book = scene.book.lock().unwrap();
    assert_eq!((book.streams, book.received.len()), (3, 50));
    let held: Vec<u32> = scene.progress.iter().map(|step| step.blocks_held).collect();
    assert!(held.is_sorted());
    let last = scene.progress.last().unwrap();
    assert_eq!(
        (last.blocks_held, last.blocks_sent, last.block_count),
        (50, 50, 50)
    );
}

#[tokio::test]
async fn no_stream_has_more_blocks_in_flight_than_it_may() {
    let mut scene = Scene::with(60, &[]).await;
    scene.book.lock().unwrap().holds_back = 5;
    scene.send(options(2, 5)).await.unwrap();
    scene.assert_all_held();
    assert_eq!(scene.book.lock().unwrap().unacknowledged_max, 5);
}

#[tokio::test]
async fn only_what_is_missing_is_sent() {
    let mut scene = Scene::with(40, &[]).await;
    let held: BTreeSet<u32> = (0..40).filter(|index| index % 3 == 0).collect();
    for index in &held {
        let start = usize::try_from(*index).unwrap() * 1024;
        let data = scene
            .image
            .slice(start..(start + 1024).min(scene.image.len()));
        scene.book.lock().unwrap().blocks.insert(*index, data);
    }
    scene.send(options(2, 4)).await.unwrap();
    scene.assert_all_held();
    let received = &scene.book.lock().unwrap().received;
    assert!(
        received.iter().all(|index| !held.contains(index)),
        "{received:?}"
    );
    assert_eq!(received.len(), 40 - held.len());
}

#[tokio::test]
async fn a_cut_link_costs_only_the_blocks_that_were_in_flight() {
    let mut scene = Scene::with(80, &[Fate::CutAfter(10), Fate::CutAfter(7)]).await;
    scene.send(options(1, 4)).await.unwrap();
    scene.assert_all_held();
    let book = scene.book.lock().unwrap();
    assert_eq!(book.streams, 3);
    assert!(
        book.received.len() <= 80 + 2 * 4,
        "{} blocks arrived",
        book.received.len()
    );
}

#[tokio::test]
async fn a_service_that_goes_away_for_a_moment_is_waited_for() {
    let fates = [
        Fate::UnavailableAfter(0),
        Fate::UnavailableAfter(3),
        Fate::EndAfter(5),
    ];
    let mut scene = Scene::with(30, &fates).await;
    scene.send(options(1, 4)).await.unwrap();
    scene.assert_all_held();
}

#[tokio::test]
async fn failures_with_progress_between_them_are_borne_without_end() {
    let mut scene = Scene::with(30, &[Fate::UnavailableAfter(2); 12]).await;
    scene.send(options(1, 2)).await.unwrap();
    scene.assert_all_held();
    assert_eq!(scene.book.lock().unwrap().streams, 13);
}

#[tokio::test]
async fn failures_without_progress_are_given_back_after_the_last_try() {
    let mut scene = Scene::with(30, &[]).await;
    scene.book.lock().unwrap().holds_back = 2;
    scene.book.lock().unwrap().fates = [Fate::UnavailableAfter(0); 9].into();
    let error = scene.send(options(1, 2)).await.unwrap_err();
    assert!(
        matches!(error, ClientError::GaveUp { tries: 3, .. }),
        "{error:?}"
    );
    assert_eq!(error.code(), Some(Code::Unavailable));
    assert_eq!(scene.book.lock().unwrap().streams, 4);
}

#[tokio::test]
async fn a_refused_block_ends_the_sending_and_is_named() {
    let mut scene = Scene::with(30, &[Fate::Refuse(7)]).await;
    let error = scene.send(options(1, 4)).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::BlockRefused(refused) if refused.index == 7),
        "{error:?}"
    );
    assert_eq!(error.code(), Some(Code::AlreadyExists));
    assert_eq!(error.reason(), Some("BLOCK_CONTENT_CONFLICT"));
    let book = scene.book.lock().unwrap();
    assert_eq!(book.streams, 1);
    assert!(book.blocks.contains_key(&6));
}

#[tokio::test]
async fn a_block_without_room_is_sent_again_and_the_others_go_on() {
    let mut scene = Scene::with(30, &[Fate::NoRoom(7), Fate::NoRoom(7)]).await;
    scene.send(options(1, 4)).await.unwrap();
    scene.assert_all_held();
    let book = scene.book.lock().unwrap();
    assert_eq!(book.streams, 3);
    assert_eq!(book.received.len(), 30, "no other is sent twice");
    let waits = scene.progress.iter().filter(|step| step.waits_for_room);
    assert_eq!(waits.count(), 2);
}

#[tokio::test]
async fn a_disk_that_stays_full_is_not_waited_for_without_end() {
    let mut scene = Scene::with(1, &[Fate::NoRoom(0); 9]).await;
    let error = scene.send(options(1, 4)).await.unwrap_err();
    assert!(
        matches!(error, ClientError::GaveUp { tries: 3, .. }),
        "{error:?}"
    );
    assert_eq!(error.reason(), Some("STORE_FULL"));
}

#[tokio::test]
async fn a_transfer_that_others_complete_meanwhile_is_complete() {
    let mut scene = Scene::with(30, &[Fate::CompletedElsewhere]).await;
    let transfer = scene.send(options(1, 4)).await.unwrap();
    assert_eq!(transfer.state, TransferState::Verifying);
}

#[tokio::test]
async fn blocks_that_another_transfer_of_the_image_made_needless_do_not_fail_the_sending() {
    let mut scene = Scene::with(30, &[Fate::StoredElsewhere]).await;
    let transfer = scene.send(options(1, 4)).await.unwrap();
    assert_eq!(transfer.state, TransferState::Stored);
}

#[tokio::test]
async fn a_stream_that_is_refused_for_good_is_not_tried_again() {
    let mut scene = Scene::with(30, &[Fate::Forbidden]).await;
    let error = scene.send(options(1, 4)).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::FailedPrecondition));
    assert_eq!(scene.book.lock().unwrap().streams, 1);
}

#[tokio::test]
async fn another_image_is_not_sent() {
    let mut scene = Scene::with(30, &[]).await;
    let opened_for = scene.manifest.image_id();
    scene.image = image_of(31).0;
    let error = scene.send(options(1, 4)).await.unwrap_err();
    assert!(matches!(error, ClientError::WrongImage { expected, .. } if expected == opened_for));
    assert_eq!(scene.book.lock().unwrap().streams, 0);
}

#[tokio::test]
async fn a_stored_image_needs_no_block() {
    let mut scene = Scene::with(30, &[]).await;
    scene.book.lock().unwrap().state = State::Stored;
    let transfer = scene.send(options(1, 4)).await.unwrap();
    assert_eq!(transfer.state, TransferState::Stored);
    assert_eq!(scene.book.lock().unwrap().streams, 0);
}

#[tokio::test]
async fn transfers_are_opened_read_listed_and_cancelled() {
    let scene = Scene::with(3, &[]).await;
    let user = UserClient::new(&scene.link, USER);
    let open = |validate_only| OpenTransfer {
        request_id: RequestId::fresh(),
        manifest: scene.manifest.clone(),
        devices: vec![Eui64::from_bits(1), Eui64::from_bits(2)],
        signed_request: Bytes::new(),
        originator_counter: None,
        validate_only,
    };
    let opened = user.open_transfer(open(false)).await.unwrap();
    assert_eq!((opened.name, opened.device_count), (Some(name()), 2));
    assert_eq!(opened.manifest, scene.manifest);
    assert_eq!(opened.missing, [0..=2]);
    assert_eq!(user.open_transfer(open(true)).await.unwrap().name, None);

    assert_eq!(user.transfer(name()).await.unwrap().block_count, 3);
    let unknown = TransferName {
        number: 43,
        ..name()
    };
    assert_eq!(
        user.transfer(unknown).await.unwrap_err().code(),
        Some(Code::NotFound)
    );
    let page = user
        .transfers(&PageRequest {
            size: 5,
            token: None,
        })
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
    let cancelled = user
        .cancel_transfer(name(), RequestId::fresh(), false)
        .await
        .unwrap();
    assert_eq!(cancelled.state, TransferState::Cancelled);
}
