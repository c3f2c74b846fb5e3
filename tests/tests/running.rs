//! What those see who run the service: TLS, health, reflection, metrics, logs, start and stop.

use std::collections::BTreeMap;
use std::process::Command;

use dco_client::{Code, RetryPolicy};
use dco_tests::{
    Image, MARKER, Metrics, Scene, channel, get, refused, send, settled, submit_batch, within,
    write,
};
use tokio_stream::StreamExt;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServiceResponse};

use crate::activation::quick;

/// The five services, without the package.
const SERVICES: [&str; 5] = [
    "ActivateFirmware",
    "Gateway",
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
    if openssl("-tls1_3").output().is_err() {
        return; // There is no openssl here; elsewhere this test runs.
    }
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
async fn metrics_count_what_has_happened() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 4, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let gateway = scene.gateway("gateway1", &[]).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices[..3]))
        .await
        .unwrap();
    settled(&user, batch.name.unwrap()).await;

    let metrics = Metrics::of(scene.service()).await;
    let expected = [
        ("dco_devices", 4),
        ("dco_images_stored", 1),
        ("dco_transfers_receiving", 0),
        ("dco_transfers_verifying", 0),
        (
            "dco_blocks_acknowledged_total",
            image.manifest.block_count(),
        ),
        ("dco_block_bytes_total", image.manifest.image_bytes()),
        ("dco_bytes_in_flight", 0),
        ("dco_activations_parked", 0),
        ("dco_activations_queued{size=\"large\"}", 0),
        ("dco_activations_queued{size=\"small\"}", 0),
        ("dco_attempts_under_way", 0),
        ("dco_released_today", 3),
        ("dco_capacity_today", 10_000_000),
        ("dco_gateways_connected", 1),
        ("dco_activations_succeeded_total", 3),
        ("dco_activations_failed_total", 0),
        (
            "dco_requests_total{method=\"/dco.v1.ActivateFirmware/SubmitBatch\",code=\"OK\"}",
            1,
        ),
    ];
    for (series, value) in expected {
        assert!(
            (metrics.value(series) - f64::from(value)).abs() < 0.5,
            "{series}"
        );
    }
    assert!(metrics.value("dco_certificate_expiry_timestamp_seconds") > 1.7e9);
    assert!(metrics.value("dco_journal_records_total") > 0.0);
    let names: Vec<_> = metrics
        .text()
        .lines()
        .filter(|line| line.starts_with("# HELP "))
        .collect();
    assert!(
        names.iter().all(|line| line.starts_with("# HELP dco_")),
        "{names:?}"
    );
    gateway.stop().await;
    scene.no_faults();
}

#[tokio::test]
async fn plain_http_answers_two_questions_and_no_other() {
    let scene = Scene::start(|settings| settings).await;
    let http = scene.service().http();
    let statuses = [
        ("/ready", 200),
        ("/metrics", 200),
        ("/", 404),
        ("/ready/x", 404),
    ];
    for (path, status) in statuses {
        assert_eq!(get(http, path).await.status, status, "{path}");
    }
    assert_eq!(get(http, "/ready").await.body, "ready\n");
}

#[tokio::test]
async fn no_log_has_a_payload_or_a_key() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let mut asked = submit_batch(&image, &devices);
    asked.signed_request = MARKER.into();
    let batch = user.submit_batch(asked.clone()).await.unwrap();
    settled(&user, batch.name.unwrap()).await;
    asked.devices.pop();
    assert!(
        user.submit_batch(asked).await.is_err(),
        "a refusal is logged without the body, too"
    );

    let log = scene.service().log().concat();
    assert!(
        log.contains("\"level\":\"INFO\""),
        "there is a log to look at"
    );
    let octets = format!("{:?}", &MARKER.as_bytes()[..8]);
    let hex: String = MARKER
        .bytes()
        .take(8)
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let list = octets.trim_matches(|c| c == '[' || c == ']');
    for payload in [MARKER, list, &hex, "PRIVATE KEY"] {
        assert!(!log.contains(payload), "{payload} was logged");
    }
    scene.no_faults();
}

#[tokio::test]
async fn a_service_that_is_stopped_tells_its_callers_and_keeps_everything() {
    let mut scene = Scene::start(quick).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let stored = scene.store(&user, &image, &devices).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    // An open watch does not hold the service up, and its caller is told to come back.
    let name = batch.name.unwrap();
    let once = RetryPolicy {
        tries_max: 0,
        ..RetryPolicy::default()
    };
    let mut watch = user.watch_batch(name, 0, once);
    within("what is known already", watch.next()).await.unwrap();
    scene.stop_service().await;
    let told = within("the end of a watch", watch.next())
        .await
        .unwrap_err();
    assert_eq!(
        (told.code(), told.reason()),
        (Some(Code::Unavailable), Some("DRAINING")),
        "{told}"
    );

    scene.start_service().await;
    let user = scene.user("user1").await;
    assert_eq!(user.transfer(stored.name.unwrap()).await.unwrap(), stored);
    assert_eq!(user.batch(name).await.unwrap().counts, batch.counts);
    scene.no_faults();
}

#[tokio::test]
async fn two_services_on_one_folder_are_one_too_many() {
    let scene = Scene::start(|settings| settings).await;
    let config = scene.site.config();
    let args = ["serve", "--config", config.to_str().unwrap(), "--json"];
    let second = dco_tests::dco(args).await;
    assert!(second.code.is_some_and(|code| code != 0), "{second:?}");
    let error = second.error();
    assert!(error.contains("data"), "it names the folder: {error}");
    assert_eq!(get(scene.service().http(), "/ready").await.status, 200);
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
    for file in ["ca.pem", "server.pem", "server.key"] {
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
    // Who was connected stays connected.
    user.transfers(&Default::default()).await.unwrap();
    scene.no_faults();
}

#[tokio::test]
async fn reports_are_of_all_for_staff_and_of_oneself_for_a_user() {
    let scene = Scene::start(quick).await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let image = Image::large(2);
    for (name, from, count) in [("user1", 0, 3), ("user2", 10, 2)] {
        let devices = scene.install(from, count, name, "gateway1").await;
        let user = scene.user(name).await;
        scene.store(&user, &image, &devices).await;
        let batch = user
            .submit_batch(submit_batch(&image, &devices))
            .await
            .unwrap();
        settled(&user, batch.name.unwrap()).await;
    }
    let mut seen = BTreeMap::new();
    for party in ["desk1", "operator1", "auditor1", "user1", "user2"] {
        let reports = scene.reports(party).await;
        let days = reports.capacity(None, None).await.unwrap();
        let released: u32 = days.iter().map(|day| day.released).sum();
        let success = reports.success(None).await.unwrap();
        let succeeded: u64 = success.iter().map(|row| row.succeeded).sum();
        let trt = reports.trt(None).await.unwrap();
        let within_trt: u64 = trt.iter().map(|row| row.ended_within_trt).sum();
        seen.insert(party, (released, succeeded, within_trt));
    }
    for party in ["desk1", "operator1", "auditor1"] {
        assert_eq!(seen[party], (5, 5, 5), "{party}");
    }
    assert_eq!((seen["user1"], seen["user2"]), ((3, 3, 3), (2, 2, 2)));
    let other = scene
        .reports("user1")
        .await
        .success(Some(scene.site.eui64("user2")))
        .await;
    assert_eq!(other.unwrap_err().reason(), Some("CALLER_NOT_PERMITTED"));
    scene.no_faults();
}

#[tokio::test]
async fn an_image_that_is_sent_while_the_service_stops_is_completed_after_its_next_start() {
    let mut scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    let opened = user
        .open_transfer(dco_tests::open_transfer(&image, &devices))
        .await
        .unwrap();
    let name = opened.name.unwrap();
    scene.stop_service().await;
    scene.start_service().await;
    let user = scene.user("user1").await;
    send(&user, name, &image).await;
    let stored = user.watch_transfer(name, RetryPolicy::default()).settled();
    assert_eq!(
        within("the response", stored)
            .await
            .unwrap()
            .state
            .to_string(),
        "STORED"
    );
}
