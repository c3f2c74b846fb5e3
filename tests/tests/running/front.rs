//! Who is let in, and what is told at the door: TLS, health, reflection.

use std::process::Command;

use dco_client::Code;
use dco_tests::{Metrics, Scene, channel, refused, within, write};
use tokio_stream::StreamExt;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServiceResponse};

/// The five services, without the package.
const SERVICES: [&str; 7] = [
    "ActivateFirmware",
    "DeliverySchedules",
    "Gateway",
    "Notices",
    "Operations",
    "Reports",
    "UpdateFirmware",
];

#[tokio::test]
async fn health_is_told_for_the_whole_and_for_each_service() {
    let scene = Scene::start(|settings| settings).await;
    let identity = scene.site.identity("auditor1");
    let channel = channel(scene.line.address(), &identity, Some(&identity))
        .await
        .unwrap();
    let mut health = HealthClient::new(channel);
    let names = SERVICES.map(|name| format!("dco.v1.{name}"));
    for service in std::iter::once(String::new()).chain(names) {
        let answer = health
            .check(HealthCheckRequest {
                service: service.clone(),
            })
            .await
            .unwrap();
        assert_eq!(
            answer.into_inner().status(),
            ServingStatus::Serving,
            "{service:?}"
        );
    }
    let absent = HealthCheckRequest {
        service: "dco.v1.Nobody".to_owned(),
    };
    assert_eq!(
        health.check(absent).await.unwrap_err().code(),
        Code::NotFound
    );
    scene.no_faults();
}

#[tokio::test]
async fn reflection_names_every_service_to_those_who_are_registered() {
    let scene = Scene::start(|settings| settings).await;
    let identity = scene.site.identity("operator1");
    let channel = channel(scene.line.address(), &identity, Some(&identity))
        .await
        .unwrap();
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(channel);
    let answers = reflection
        .server_reflection_info(tokio_stream::iter([ask]))
        .await
        .unwrap();
    let answer = within("the list", answers.into_inner().next())
        .await
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("no list of services: {answer:?}")
    };
    let names: Vec<_> = list
        .service
        .iter()
        .map(|ServiceResponse { name }| name.as_str())
        .collect();
    for service in SERVICES {
        assert!(
            names.contains(&format!("dco.v1.{service}").as_str()),
            "{names:?}"
        );
    }
    scene.no_faults();
}

#[tokio::test]
async fn a_call_that_does_not_exist_is_refused_with_details() {
    let scene = Scene::start(|settings| settings).await;
    let identity = scene.site.identity("user1");
    let channel = channel(scene.line.address(), &identity, Some(&identity))
        .await
        .unwrap();
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = tonic::codegen::http::uri::PathAndQuery::from_static("/dco.v1.Gateway/Explode");
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let answer = grpc.unary(tonic::Request::new(()), path, codec).await;
    refused(answer.map(drop), Code::Unimplemented, "METHOD_UNKNOWN");
    scene.no_faults();
}

#[tokio::test]
#[ignore = "needs the program openssl; .ci/run installs it"]
async fn tls_1_3_is_spoken_and_tls_1_2_is_not() {
    let scene = Scene::start(|settings| settings).await;
    let address = scene.service().grpc().to_string();
    let user = scene.site.party("user1");
    let openssl = |version: &str| {
        let mut command = Command::new("openssl");
        command.args([
            "s_client", "-connect", &address, version, "-alpn", "h2", "-brief",
        ]);
        command.arg("-cert").arg(user.with_extension("pem"));
        command.arg("-key").arg(user.with_extension("key"));
        command.arg("-CAfile").arg(user.with_file_name("ca.pem"));
        command.stdin(std::process::Stdio::null());
        command
    };
    let spoken = openssl("-tls1_3").output().unwrap();
    let said = String::from_utf8_lossy(&spoken.stderr);
    assert!(
        said.contains("CONNECTION ESTABLISHED") && said.contains("TLSv1.3"),
        "{said}"
    );
    let refused = openssl("-tls1_2").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && !said.contains("CONNECTION ESTABLISHED"),
        "{said}"
    );
    scene.no_faults();
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_over_while_the_service_runs() {
    let scene = Scene::start(|settings| settings.with("tls.reload_seconds", 1)).await;
    let user = scene.user("user1").await;
    let expiry = "dco_certificate_expiry_timestamp_seconds";
    let before = Metrics::of(scene.service()).await.value(expiry);

    // Another authority's certificates: whoever trusted the old one only is not served any more.
    let renewed = scene.site.path("renewed");
    dco_tests::dco([std::ffi::OsStr::new("pki"), renewed.as_os_str()])
        .await
        .expect_code(0);
    for file in [
        "ca.pem",
        "ca.crl",
        "issuing.crl",
        "server.pem",
        "server.key",
    ] {
        write(
            &scene.site.path("pki").join(file),
            dco_tests::read(&renewed.join(file)),
        );
    }
    let identity = dco_client::Identity {
        ca_pem: dco_tests::read(&renewed.join("ca.pem")),
        certificate_pem: dco_tests::read(&renewed.join("user1.pem")),
        key_pem: dco_tests::read(&renewed.join("user1.key")),
    };
    let connected = async {
        loop {
            let link = dco_client::Link::connect(&scene.endpoint(), &identity).await;
            let Ok(link) = link else { continue };
            let client = dco_client::UserClient::new(&link, scene.site.eui64("user1"));
            if client.transfers(&Default::default()).await.is_ok() {
                return;
            }
        }
    };
    within("the new certificate to be taken over", connected).await;
    assert!(Metrics::of(scene.service()).await.value(expiry) >= before);
    // Who was connected by a certificate of the old authority is hung up on, and comes in no more.
    let hung_up = async { while user.transfers(&Default::default()).await.is_ok() {} };
    within("the old certificate to count no more", hung_up).await;
    scene.no_faults();
}
