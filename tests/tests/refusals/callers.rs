//! Who may not, and who is not.

use dco_client::{Code as ClientCode, Identity, Link, RequestId, UserClient};
use dco_proto::v1 as pb;
use dco_tests::{
    Image, Refused, Scene, Wire, channel, dco, refused, wire_open, wire_submit, within,
};
use tonic::{Code, Status};

use super::Prepared;

fn denied(answer: Result<(), Status>) -> Refused {
    refused(answer, Code::PermissionDenied, "CALLER_NOT_PERMITTED")
}

/// The certificates of an authority that the service does not know.
async fn strangers(scene: &Scene) -> Identity {
    let pki = scene.site.path("strangers");
    dco([std::ffi::OsStr::new("pki"), pki.as_os_str()])
        .await
        .expect_code(0);
    let pem = |name: &str| dco_tests::read(&pki.join(name));
    Identity {
        ca_pem: scene.site.identity("user1").ca_pem,
        certificate_pem: pem("user1.pem"),
        key_pem: pem("user1.key"),
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let prepared = Prepared::new().await;
    let identity = strangers(&prepared.scene).await;
    let user = prepared.scene.site.eui64("user1");
    let call = async {
        let link = Link::connect(&prepared.scene.endpoint(), &identity).await?;
        UserClient::new(&link, user)
            .transfers(&Default::default())
            .await
    };
    let error = within("the refusal of a stranger", call).await.unwrap_err();
    // The handshake fails: there is no answer that could tell anything.
    assert_eq!(error.code(), None, "{error}");
    prepared.unchanged().await;
}

#[tokio::test]
async fn a_service_of_another_authority_is_not_spoken_to() {
    let scene = Scene::start(|settings| settings).await;
    strangers(&scene).await;
    let identity = Identity {
        ca_pem: dco_tests::read(&scene.site.path("strangers/ca.pem")),
        ..scene.site.identity("user1")
    };
    let connected = within("the refusal", Link::connect(&scene.endpoint(), &identity)).await;
    assert_eq!(connected.unwrap_err().code(), None::<ClientCode>);
    scene.no_faults();
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_refused() {
    let prepared = Prepared::new().await;
    let trusted = prepared.scene.site.identity("user1");
    let call = async {
        let channel = channel(prepared.scene.line.address(), &trusted, None).await;
        let Ok(channel) = channel else { return };
        let parent = format!("users/{}", prepared.scene.site.eui64("user1"));
        let list = pb::ListTransfersRequest {
            parent,
            ..Default::default()
        };
        let answer = Wire::new(channel).transfers.list_transfers(list).await;
        let status = answer.expect_err("without a certificate nothing is answered");
        assert!(
            status.details().is_empty(),
            "the service has said something: {status:?}"
        );
    };
    within("the refusal", call).await;
    prepared.unchanged().await;
}

#[tokio::test]
async fn a_party_that_is_not_registered_may_do_nothing() {
    let mut scene = Scene::start(|settings| settings).await;
    scene.stop_service().await;
    // The certificate stays good; the registration is gone.
    let text = dco_tests::read_text(&scene.site.config());
    let user = scene.site.eui64("user3").to_string();
    dco_tests::write(
        &scene.site.config(),
        text.replace(&user, "90-B3-D5-1F-30-7F-00-01"),
    );
    scene.start_service().await;
    let mut wire = scene.wire("user3").await;
    let parent = format!("users/{user}");
    let list = pb::ListTransfersRequest {
        parent,
        ..Default::default()
    };
    denied(wire.transfers.list_transfers(list).await.map(drop));
    scene.no_faults();
}

#[tokio::test]
async fn a_role_that_may_not_call_is_refused() {
    let prepared = Prepared::new().await;
    let scene = &prepared.scene;
    let (mut gateway, mut user) = (scene.wire("gateway1").await, scene.wire("user1").await);
    let (mut operator, mut auditor) = (scene.wire("operator1").await, scene.wire("auditor1").await);
    let small = Image::small(4);
    let own_name = scene.site.eui64("gateway1");

    // A gateway sends no images and no batches, in nobody's name.
    let open = wire_open(own_name, &small, &prepared.own);
    denied(gateway.transfers.open_transfer(open).await.map(drop));
    let open = prepared.open(&prepared.own);
    denied(
        gateway
            .transfers
            .open_transfer(open.clone())
            .await
            .map(drop),
    );
    denied(
        gateway
            .batches
            .submit_batch(prepared.submit(&prepared.own))
            .await
            .map(drop),
    );
    // Staff read everything and send nothing.
    denied(operator.transfers.open_transfer(open).await.map(drop));
    denied(
        auditor
            .batches
            .submit_batch(prepared.submit(&prepared.own))
            .await
            .map(drop),
    );
    // A User is no operator and no gateway.
    let import = pb::ImportDevicesRequest {
        request_id: RequestId::fresh().to_string(),
        ..Default::default()
    };
    let answer = user
        .operations
        .import_devices(tokio_stream::iter([import.clone()]))
        .await;
    denied(answer.map(drop));
    let answer = auditor
        .operations
        .import_devices(tokio_stream::iter([import]))
        .await;
    denied(answer.map(drop));
    denied(
        user.operations
            .list_gateways(pb::ListGatewaysRequest::default())
            .await
            .map(drop),
    );
    let hello = pb::connect_request::Kind::Hello(pb::Hello {
        memory_id: "m".to_owned(),
        concurrency: 1,
        ..Default::default()
    });
    let connect = pb::ConnectRequest { kind: Some(hello) };
    let answer = user.gateway.connect(tokio_stream::iter([connect])).await;
    denied(answer.map(drop));
    let read = pb::ReadBlocksRequest {
        image_id: prepared.submit(&[]).manufacturer_image_hash,
        first_index: 0,
        block_bytes: 16 * 1024,
    };
    denied(user.gateway.read_blocks(read).await.map(drop));
    // A gateway sees no reports.
    let report = pb::GetSuccessReportRequest::default();
    denied(gateway.reports.get_success_report(report).await.map(drop));
    prepared.unchanged().await;
}

#[tokio::test]
async fn what_is_another_users_and_what_is_not_there_are_the_same_refusal_to_the_byte() {
    let prepared = Prepared::new().await;
    let mut wire = prepared.scene.wire("user2").await;
    let (first, third) = (
        prepared.scene.site.eui64("user1"),
        prepared.scene.site.eui64("user3"),
    );
    // user1 has transfer 1 and no transfer 9; user3 has nothing; nobody is called 00-..-01.
    let mut answers = Vec::new();
    for (owner, number) in [
        (first.to_string(), "1"),
        (first.to_string(), "9"),
        (first.to_string(), "not a number"),
        (third.to_string(), "1"),
        ("00-00-00-00-00-00-00-01".to_owned(), "1"),
    ] {
        let name = format!("users/{owner}/transfers/{number}");
        let get = pb::GetTransferRequest { name: name.clone() };
        answers.push(denied(wire.transfers.get_transfer(get).await.map(drop)).octets());
        let watch = pb::WatchTransferRequest { name: name.clone() };
        answers.push(denied(wire.transfers.watch_transfer(watch).await.map(drop)).octets());
        let cancel = pb::CancelTransferRequest {
            name,
            request_id: RequestId::fresh().to_string(),
            validate_only: false,
        };
        answers.push(denied(wire.transfers.cancel_transfer(cancel).await.map(drop)).octets());
        let name = format!("users/{owner}/batches/{number}");
        let get = pb::GetBatchRequest { name };
        answers.push(denied(wire.batches.get_batch(get).await.map(drop)).octets());
    }
    let parent = format!("users/{first}");
    let list = pb::ListTransfersRequest {
        parent: parent.clone(),
        ..Default::default()
    };
    answers.push(denied(wire.transfers.list_transfers(list).await.map(drop)).octets());
    let list = pb::ListBatchesRequest {
        parent,
        ..Default::default()
    };
    answers.push(denied(wire.batches.list_batches(list).await.map(drop)).octets());
    let submit = wire_submit(first, &prepared.image, &prepared.own);
    answers.push(denied(wire.batches.submit_batch(submit).await.map(drop)).octets());
    assert!(
        answers.iter().all(|octets| octets == &answers[0]),
        "{answers:#?}"
    );
    prepared.unchanged().await;
}
