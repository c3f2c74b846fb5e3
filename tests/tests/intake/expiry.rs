//! A transfer that is not complete within its time.

use dco_client::{Code, Micros, RetryPolicy, TransferState};
use dco_tests::{Image, Scene, open_transfer, within};

/// 1 June 2026, 12:00 UTC.
const NOON_US: Micros = 1_780_315_200_000_000;
const HOUR_US: Micros = 3_600_000_000;
/// An hour takes three seconds.
const TIMES_AS_FAST: u32 = 1_200;

#[tokio::test]
async fn an_incomplete_transfer_expires_after_its_user_was_warned() {
    let scene = Scene::start_inside(NOON_US, TIMES_AS_FAST, |settings| {
        settings
            .with("transfer.expire_after_hours", 2)
            .with("transfer.warn_before_hours", 1)
    })
    .await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user
        .open_transfer(open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();
    let (created_us, expire_us) = (opened.create_us.unwrap(), opened.expire_us.unwrap());
    assert_eq!(expire_us, created_us + 2 * HOUR_US);

    let mut watch = user.watch_transfer(name, RetryPolicy::default());
    let mut seen = Vec::new();
    while let Some(transfer) = within("the next change", watch.next()).await.unwrap() {
        seen.push((transfer.state, transfer.warn_us.is_some()));
    }
    assert_eq!(
        seen,
        [
            (TransferState::Receiving, false),
            (TransferState::Receiving, true),
            (TransferState::Expired, true),
        ]
    );
    let expired = user.transfer(name).await.unwrap();
    let warned_us = expired.warn_us.unwrap();
    assert!(
        (created_us + HOUR_US..expire_us).contains(&warned_us),
        "{expired:?}"
    );
    let response = expired
        .response
        .expect("an expired transfer has its 11.1 Response");
    assert_eq!(response.response_code, "");
    assert_eq!(response.reason, "TRANSFER_EXPIRED");

    let late = user
        .cancel_transfer(name, dco_client::RequestId::fresh(), false)
        .await;
    assert_eq!(late.unwrap_err().code(), Some(Code::FailedPrecondition));
}
