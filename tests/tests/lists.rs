//! Lists in parts, from the newest to the oldest.

use dco_client::PageRequest;
use dco_proto::v1 as pb;
use dco_tests::{Image, Scene, open_transfer, refused, submit_batch};
use tonic::Code;

#[tokio::test]
async fn a_list_comes_in_parts_newest_first_and_each_thing_once() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 5, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    for version in 2..7 {
        user.open_transfer(open_transfer(&Image::small(version), &devices))
            .await
            .unwrap();
    }
    let (mut wanted, mut sizes, mut numbers) = (
        PageRequest {
            size: 2,
            token: None,
        },
        vec![],
        vec![],
    );
    loop {
        let page = user.transfers(&wanted).await.unwrap();
        sizes.push(page.items.len());
        numbers.extend(
            page.items
                .iter()
                .map(|transfer| transfer.name.unwrap().number),
        );
        match page.next {
            None => break,
            token => wanted.token = token,
        }
    }
    assert_eq!((sizes, numbers), (vec![2, 2, 1], vec![5, 4, 3, 2, 1]));
    scene.no_faults();
}

#[tokio::test]
async fn activations_come_in_the_order_of_their_batch() {
    let scene = Scene::start(|settings| settings).await;
    let mut devices = scene.install(0, 7, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::small(2);
    scene.store(&user, &image, &devices).await;
    devices.reverse();
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let mut wanted = PageRequest {
        size: 3,
        token: None,
    };
    let mut seen = Vec::new();
    loop {
        let page = user
            .activations(batch.name.unwrap(), &wanted)
            .await
            .unwrap();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.iter().map(|activation| activation.device));
        match page.next {
            None => break,
            token => wanted.token = token,
        }
    }
    assert_eq!(seen, devices);
    scene.no_faults();
}

#[tokio::test]
async fn a_token_of_another_list_and_a_negative_size_are_refused() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    for version in [2, 3] {
        user.open_transfer(open_transfer(&Image::small(version), &devices))
            .await
            .unwrap();
    }
    let page = user
        .transfers(&PageRequest {
            size: 1,
            token: None,
        })
        .await
        .unwrap();
    let mut wire = scene.wire("user1").await;
    let parent = format!("users/{}", user.user());
    let mixed_up = pb::ListBatchesRequest {
        parent: parent.clone(),
        page_token: page.next.unwrap(),
        page_size: 1,
    };
    let answer = wire.batches.list_batches(mixed_up).await;
    refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID").field("page_token");
    let negative = pb::ListTransfersRequest {
        parent,
        page_size: -1,
        ..pb::ListTransfersRequest::default()
    };
    let answer = wire.transfers.list_transfers(negative).await;
    refused(answer, Code::InvalidArgument, "PAGE_SIZE_INVALID").field("page_size");
    scene.no_faults();
}
