use std::time::Duration;

use dco_block::Eui64;
use dco_client::{ClientError, Code, RetryPolicy, TransferState, TransferWatch, UserClient};
use dco_proto::v1 as pb;
use pb::transfer::State;
use tonic::Status;

use crate::images::image_of;
use crate::peer::Peer;
use crate::transfers::{NAME, serve_transfer};

const RETRY: RetryPolicy = RetryPolicy {
    tries_max: 3,
    first_delay: Duration::from_millis(1),
    delay_max: Duration::from_millis(1),
};

/// A watch over streams that bring these states; the text of an `Err` ends a stream with UNAVAILABLE.
async fn watch(streams: &[&[Result<State, &str>]]) -> (Peer, TransferWatch) {
    let (_, manifest) = image_of(3);
    let (peer, link, book) = serve_transfer(&manifest).await;
    {
        let mut book = book.lock().unwrap();
        for stream in streams {
            let items = stream.iter().map(|item| match item {
                Ok(state) => Ok(pb::Transfer {
                    state: (*state).into(),
                    ..book.transfer()
                }),
                Err("gone") => Err(Status::not_found("gone")),
                Err(text) => Err(Status::unavailable(*text)),
            });
            let items = items.collect();
            book.watches.push_back(items);
        }
    }
    let user = UserClient::new(&link, Eui64::from_bits(0x90B3_D51F_3001_0000));
    (peer, user.watch_transfer(NAME.parse().unwrap(), RETRY))
}

async fn states(watch: &mut TransferWatch) -> Result<Vec<TransferState>, ClientError> {
    let mut states = Vec::new();
    while let Some(transfer) = watch.next().await? {
        states.push(transfer.state);
    }
    Ok(states)
}

#[tokio::test]
async fn a_transfer_is_followed_over_broken_streams_and_nothing_is_told_twice() {
    let (_peer, mut watch) = watch(&[
        &[Ok(State::Receiving), Err("draining")],
        &[Ok(State::Receiving), Ok(State::Verifying)],
        &[Ok(State::Verifying), Ok(State::Stored)],
    ])
    .await;
    let expected = [
        TransferState::Receiving,
        TransferState::Verifying,
        TransferState::Stored,
    ];
    assert_eq!(states(&mut watch).await.unwrap(), expected);
    assert!(watch.next().await.unwrap().is_none());
}

#[tokio::test]
async fn the_devices_that_were_not_accepted_stay_known_while_they_are_not_repeated() {
    let (_, manifest) = image_of(3);
    let (_peer, link, book) = serve_transfer(&manifest).await;
    let device = "00-DB-12-34-56-78-90-A0".to_owned();
    {
        let mut book = book.lock().unwrap();
        let told = |state: State, lists| pb::Transfer {
            state: state.into(),
            invalid_devices: lists,
            ..book.transfer()
        };
        let lists = pb::InvalidDevices {
            invalid: vec![device.clone()],
            ..Default::default()
        };
        let items = vec![
            Ok(told(State::Receiving, Some(lists.clone()))),
            Ok(told(State::Verifying, None)),
            Ok(told(State::Stored, Some(lists))),
        ];
        book.watches.push_back(items);
    }
    let user = UserClient::new(&link, Eui64::from_bits(0x90B3_D51F_3001_0000));
    let mut watch = user.watch_transfer(NAME.parse().unwrap(), RETRY);
    for _ in 0..3 {
        let transfer = watch.next().await.unwrap().unwrap();
        assert_eq!(transfer.invalid_devices.invalid[0].to_string(), device);
    }
}

#[tokio::test]
async fn whoever_waits_gets_the_last_state() {
    for last in [
        State::Stored,
        State::Rejected,
        State::Cancelled,
        State::Expired,
    ] {
        let (_peer, watch) = watch(&[&[Ok(State::Verifying), Ok(last)]]).await;
        assert_eq!(
            watch.settled().await.unwrap().state.to_string(),
            last.as_str_name()
        );
    }
}

#[tokio::test]
async fn a_server_that_only_repeats_itself_is_given_up() {
    let same: &[Result<State, &str>] = &[Ok(State::Receiving)];
    let (_peer, mut watch) = watch(&[same; 9]).await;
    let error = states(&mut watch).await.unwrap_err();
    assert!(
        matches!(error, ClientError::GaveUp { tries: 3, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refusal_is_given_back_at_once() {
    let (_peer, mut watch) = watch(&[&[Err("gone")]]).await;
    assert_eq!(watch.next().await.unwrap_err().code(), Some(Code::NotFound));
}
