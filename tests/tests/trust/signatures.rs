//! The Authorising Remote Party Signature.

use dco_client::RetryPolicy;
use dco_tests::{Image, Settings, open_transfer, send, within};

use super::{Prepared, quick};

fn signed(settings: Settings) -> Settings {
    quick(settings).with("trust.image_signature", true)
}

#[tokio::test]
async fn an_image_is_stored_only_with_the_signature_of_a_registered_signer() {
    let prepared = Prepared::new(signed).await;
    let stored = prepared.send_signed("pki/signer.key").await;
    assert_eq!(stored["state"], "STORED", "{stored}");
    // The key of another party of the same authority.
    let rejected = prepared.send_signed("pki/user1.key").await;
    assert_eq!(rejected["state"], "REJECTED", "{rejected}");
    assert_eq!(rejected["response"]["reason"], "IMAGE_SIGNATURE_INVALID");
    prepared.scene.no_faults();
}

#[tokio::test]
async fn a_signature_that_nobody_made_and_an_image_without_one_are_rejected_with_the_reason() {
    let prepared = Prepared::new(signed).await;
    let user = prepared.scene.user("user1").await;
    for (image, reason) in [
        (Image::large(2), "IMAGE_SIGNATURE_INVALID"),
        (
            Image::small(3).without_signature(),
            "IMAGE_SIGNATURE_MISSING",
        ),
    ] {
        let opened = user.open_transfer(open_transfer(&image, &prepared.devices));
        let name = opened.await.unwrap().name.unwrap();
        send(&user, name, &image).await;
        let settled = user.watch_transfer(name, RetryPolicy::default()).settled();
        let settled = within("the 11.1 Response", settled).await.unwrap();
        let response = settled.response.unwrap();
        assert_eq!(response.reason, reason, "{}", response.message);
    }
    prepared.scene.no_faults();
}

#[tokio::test]
async fn a_signer_of_one_user_signs_for_no_other() {
    let mut prepared = Prepared::new(signed).await;
    let user2 = prepared.scene.site.eui64("user2").to_string();
    let signer = toml::Table::from_iter([
        ("user".to_owned(), user2.into()),
        ("file".to_owned(), "pki/signer.public.pem".into()),
    ]);
    prepared.scene.stop_service().await;
    let signers = toml::Value::Array(vec![signer.into()]);
    prepared
        .scene
        .site
        .set(|settings| settings.with("trust.signer", signers));
    prepared.scene.start_service().await;
    let rejected = prepared.send_signed("pki/signer.key").await;
    assert_eq!(rejected["response"]["reason"], "IMAGE_SIGNATURE_INVALID");
    prepared.scene.no_faults();
}
