//! What can be seen of the service: metrics, logs, reports.

use std::collections::BTreeMap;

use dco_tests::{Image, MARKER, Metrics, Scene, get, read_text, settled, submit_batch};

use crate::activation::quick;

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

/// What must be in no log, in whatever form octets are written: keys, and the bytes of images.
fn secrets(scene: &Scene, image: &Image) -> Vec<String> {
    let mut secrets = vec![MARKER.to_owned(), "PRIVATE KEY".to_owned()];
    for key in ["server", "log", "user1", "gateway1", "signer"] {
        let pem = read_text(&scene.site.path("pki").join(format!("{key}.key")));
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        secrets.extend(lines.map(str::to_owned));
    }
    let block = &image.bytes[1_000..1_016];
    secrets.push(block.iter().map(|octet| format!("{octet:02x}")).collect());
    let list = format!("{block:?}");
    secrets.push(list.trim_matches(['[', ']']).to_owned());
    secrets.push(block.escape_ascii().to_string());
    secrets
}

#[tokio::test]
async fn a_debug_log_of_a_whole_run_has_no_key_and_no_payload() {
    let mut scene = Scene::start_logging("debug,h2=debug", quick).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let gateway = scene.gateway("gateway1", &[]).await;
    let mut asked = submit_batch(&image, &devices);
    asked.signed_request = MARKER.into();
    let batch = user.submit_batch(asked).await.unwrap();
    settled(&user, batch.name.unwrap()).await;
    let export = scene.site.path("log.jsonl").display().to_string();
    scene
        .dco("auditor1", &["log", "export", &export])
        .await
        .expect_code(0);
    gateway.stop().await;
    scene.service().terminate();
    let log = scene.service_ended().await.expect_code(0).err.concat();
    assert!(log.contains("\"level\":\"DEBUG\""), "there is a debug log");
    for secret in secrets(&scene, &image) {
        assert!(!log.contains(&secret), "{secret} was logged");
    }
}
