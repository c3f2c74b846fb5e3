//! Who gets in, and what they are told who do not.

use dco_block::Eui64;
use dco_proto::v1 as pb;
use pb::update_firmware_client::UpdateFirmwareClient;
use tonic::transport::Channel;
use tonic::{Code, Status};
use x509_cert::ext::pkix::KeyUsages;

use crate::pki::{Authority, PartyKey};
use crate::world::{
    DEVICE, GATEWAY, OPERATOR, OTHER_USER, STRANGER, USER, World, connect, get, image,
    open_request, reason,
};

async fn get_transfer(update: &mut UpdateFirmwareClient<Channel>, name: &str) -> Status {
    let name = name.to_owned();
    update
        .get_transfer(pb::GetTransferRequest { name })
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_certificate_of_another_authority_gets_no_connection() {
    let world = World::new().await;
    let impostor = Authority::new("authority").issue(Some(USER));
    let identity = world.forged(&impostor);
    // With TLS 1.3 the client learns of it when it first uses the connection.
    let refused = match connect(world.bound().grpc, identity).await {
        Err(_) => true,
        Ok(channel) => {
            let mut update = UpdateFirmwareClient::new(channel);
            let status = get_transfer(&mut update, "users/x").await;
            status.get_ref_is_transport()
        }
    };
    assert!(refused);
}

#[tokio::test]
async fn a_certificate_that_is_not_for_signatures_on_p256_gets_no_connection() {
    let world = World::new().await;
    let agreement = Some(KeyUsages::KeyAgreement);
    let signature = Some(KeyUsages::DigitalSignature);
    let refused = [
        (PartyKey::p256(), agreement),
        (PartyKey::rsa(), signature),
        (PartyKey::rsa(), None),
    ];
    for (key, usage) in refused {
        let identity = world.issued(USER, &key, usage);
        let answered = match connect(world.bound().grpc, identity).await {
            Err(_) => false,
            Ok(channel) => {
                let mut update = UpdateFirmwareClient::new(channel);
                let status = get_transfer(&mut update, "users/x").await;
                !status.get_ref_is_transport()
            }
        };
        assert!(!answered, "{usage:?}");
    }
    let count = "dco_connections_refused_total{why=\"profile\"} 3";
    let metrics = world.get("/metrics").await;
    assert!(metrics.contains(count), "{metrics}");
    for usage in [signature, None] {
        let identity = world.issued(USER, &PartyKey::p256(), usage);
        let channel = connect(world.bound().grpc, identity).await.unwrap();
        let mut update = UpdateFirmwareClient::new(channel);
        let status = get_transfer(&mut update, &format!("users/{USER}/transfers/1")).await;
        assert_eq!(reason(&status), "RESOURCE_NOT_FOUND");
    }
}

trait TransportStatus {
    fn get_ref_is_transport(&self) -> bool;
}

impl TransportStatus for Status {
    /// It never came to the service: nothing of the service is in it.
    fn get_ref_is_transport(&self) -> bool {
        self.details().is_empty()
    }
}

#[tokio::test]
async fn who_is_not_registered_is_told_so_whatever_is_asked() {
    let world = World::new().await;
    let nobody = connect(world.bound().grpc, world.identity(None))
        .await
        .unwrap();
    let stranger = world.channel(STRANGER).await;
    for channel in [nobody, stranger] {
        let mut update = UpdateFirmwareClient::new(channel);
        for name in [
            format!("users/{STRANGER}/transfers/1"),
            "nonsense".to_owned(),
        ] {
            let status = get_transfer(&mut update, &name).await;
            assert_eq!(reason(&status), "CALLER_NOT_PERMITTED");
        }
    }
}

#[tokio::test]
async fn what_is_somebody_elses_looks_the_same_whether_it_exists_or_not() {
    let world = World::new().await;
    world.import(&[DEVICE]).await;
    let (manifest, _) = image(1, 10_000);
    let mut update = world.update(USER).await;
    update
        .open_transfer(open_request(1, &manifest))
        .await
        .unwrap();

    let mut other = world.update(OTHER_USER).await;
    let same = |status: Status| {
        (
            status.code(),
            status.message().to_owned(),
            status.details().to_vec(),
        )
    };
    let exists = get_transfer(&mut other, &format!("users/{USER}/transfers/1")).await;
    assert_eq!(exists.code(), Code::PermissionDenied);
    let exists = same(exists);
    for name in [
        format!("users/{USER}/transfers/77"),
        format!("users/{USER}/transfers/x"),
        format!("users/{STRANGER}/transfers/1"),
    ] {
        assert_eq!(same(get_transfer(&mut other, &name).await), exists);
    }
    // One's own that is not there is another matter.
    let own = get_transfer(&mut other, &format!("users/{OTHER_USER}/transfers/1")).await;
    assert_eq!(reason(&own), "RESOURCE_NOT_FOUND");
}

fn trt_of(parent: String) -> pb::GetTrtReportRequest {
    pb::GetTrtReportRequest {
        parent,
        ..Default::default()
    }
}

#[tokio::test]
async fn each_call_needs_its_role() {
    let world = World::new().await;
    let denied = |status: Status| assert_eq!(reason(&status), "CALLER_NOT_PERMITTED");
    let (manifest, _) = image(1, 10_000);
    for wrong in [GATEWAY, OPERATOR] {
        let request = pb::OpenTransferRequest {
            parent: format!("users/{wrong}"),
            ..open_request(1, &manifest)
        };
        denied(
            world
                .update(wrong)
                .await
                .open_transfer(request)
                .await
                .unwrap_err(),
        );
    }
    for wrong in [USER, OPERATOR] {
        let mut gateway = pb::gateway_client::GatewayClient::new(world.channel(wrong).await);
        denied(gateway.connect(tokio_stream::empty()).await.unwrap_err());
        denied(
            gateway
                .read_blocks(pb::ReadBlocksRequest::default())
                .await
                .unwrap_err(),
        );
    }
    for wrong in [USER, GATEWAY] {
        let mut operations = world.operations(wrong).await;
        denied(
            operations
                .list_gateways(pb::ListGatewaysRequest::default())
                .await
                .unwrap_err(),
        );
        denied(
            operations
                .import_devices(tokio_stream::empty())
                .await
                .unwrap_err(),
        );
    }
    let request = pb::GetTrtReportRequest::default();
    denied(
        world
            .reports(GATEWAY)
            .await
            .get_trt_report(request)
            .await
            .unwrap_err(),
    );
    let parent = format!("users/{OTHER_USER}");
    let request = trt_of(parent);
    denied(
        world
            .reports(USER)
            .await
            .get_trt_report(request.clone())
            .await
            .unwrap_err(),
    );
    assert!(
        world
            .reports(OPERATOR)
            .await
            .get_trt_report(request)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_the_transport_refuses_has_a_reason_too() {
    let world = World::new().await;
    let mut update = world.update(USER).await;
    let (manifest, _) = image(1, 10_000);
    let request = pb::OpenTransferRequest {
        signed_request: vec![0; 5 * 1024 * 1024].into(),
        ..open_request(1, &manifest)
    };
    let status = update.open_transfer(request).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::OutOfRange, "MESSAGE_TOO_LARGE")
    );

    let mut raw = tonic::client::Grpc::new(world.channel(USER).await);
    raw.ready().await.unwrap();
    let path = tonic::codegen::http::uri::PathAndQuery::from_static("/dco.v1.Nothing/AtAll");
    let codec = tonic_prost::ProstCodec::<pb::ListGatewaysRequest, pb::Transfer>::default();
    let request = tonic::Request::new(pb::ListGatewaysRequest::default());
    let status = raw.unary(request, path, codec).await.unwrap_err();
    assert_eq!(reason(&status), "METHOD_UNKNOWN");
    let metrics = world.get("/metrics").await;
    for line in [
        "dco_requests_total{method=\"/dco.v1.UpdateFirmware/OpenTransfer\",code=\"OUT_OF_RANGE\"} 1",
        "dco_requests_total{method=\"other\",code=\"UNIMPLEMENTED\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn health_and_readiness_say_when_the_service_stops() {
    let mut world = World::new().await;
    let channel = world.channel(USER).await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let check = |service: &str| tonic_health::pb::HealthCheckRequest {
        service: service.to_owned(),
    };
    for service in [
        "",
        "dco.v1.UpdateFirmware",
        "dco.v1.Gateway",
        "dco.v1.Reports",
    ] {
        let answer = health.check(check(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), tonic_health::ServingStatus::Serving.into());
    }
    assert!(world.get("/ready").await.starts_with("HTTP/1.1 200"));
    assert!(world.get("/nothing").await.starts_with("HTTP/1.1 404"));

    // A change of health is told before the door closes, and who only waits is sent away.
    let mut changes = health.watch(check("")).await.unwrap().into_inner();
    changes.message().await.unwrap().unwrap();
    let http = world.bound().http;
    let ended = world.begin_stop();
    let last = changes.message().await.unwrap().unwrap();
    assert_eq!(
        last.status(),
        tonic_health::ServingStatus::NotServing.into()
    );
    assert!(get(http, "/ready").await.starts_with("HTTP/1.1 503"));
    drop((changes, health, channel));
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn reflection_tells_registered_callers_what_can_be_called() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let world = World::new().await;
    let ask = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(world.channel(USER).await);
    let asked = tokio_stream::iter([ask.clone()]);
    let mut answers = reflection
        .server_reflection_info(asked)
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        panic!("services were asked for");
    };
    assert!(
        list.service
            .iter()
            .any(|service| service.name == "dco.v1.UpdateFirmware")
    );

    let mut stranger = ServerReflectionClient::new(world.channel(STRANGER).await);
    let status = stranger
        .server_reflection_info(tokio_stream::iter([ask]))
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "CALLER_NOT_PERMITTED");
}

#[tokio::test]
async fn a_second_service_on_the_same_folder_does_not_start() {
    let world = World::new().await;
    let second = dco_server::serve(
        world.config(),
        dco_server::Clock::wall(),
        std::future::pending(),
        |_| unreachable!("the folder is taken"),
    );
    let error = second.await.unwrap_err();
    assert!(
        error.to_string().contains("in use by another process"),
        "{error}"
    );
}

#[tokio::test]
async fn names_are_read_in_any_case() {
    let world = World::new().await;
    let mut update = world.update(USER).await;
    let name = format!(
        "users/{}/transfers/1",
        Eui64::to_string(&USER).to_lowercase()
    );
    assert_eq!(
        reason(&get_transfer(&mut update, &name).await),
        "RESOURCE_NOT_FOUND"
    );
}
