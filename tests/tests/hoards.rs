//! A User that makes the service keep more and more, inside all other limits: it is refused in time, and an honest one goes on.

use bytes::Bytes;
use dco_block::Eui64;
use dco_client::{Code, RequestId};
use dco_proto::v1 as pb;
use dco_tests::{Image, Metrics, Refused, Scene, refused, submit_batch, wire_submit};

const MEBIBYTE: u64 = 1024 * 1024;
/// The service itself, built for tests, the honest User's images, and what an allocator keeps.
const OWN_BYTES_MAX: u64 = 96 * MEBIBYTE;
const HOARD_BYTES_MAX: u32 = 8 * 1024 * 1024;
/// Of the largest requests so many would take twenty times as much, which is more than the memory that is allowed.
const CALLS: usize = 2_600;
/// The longest that can be configured, so that no period ends in a test.
const PERIOD_MINUTES: u32 = 5_256_000;

fn is_over(told: Refused, counted: &str) {
    assert_eq!(told.metadata("counted"), counted);
    let quota = told.details().quota_failure().expect("a quota");
    assert!(quota.violations[0].subject.starts_with("users/"), "its own");
}

#[tokio::test]
async fn signed_requests_of_cancelled_batches_fill_neither_memory_nor_disk() {
    let scene = Scene::start(|settings| {
        settings
            .with("thresholds.period_minutes", PERIOD_MINUTES)
            .with("thresholds.request_bytes_per_user_max", HOARD_BYTES_MAX)
    })
    .await;
    let image = Image::small(2);
    let own = scene.install(0, 1, "user2", "gateway1").await;
    let others = scene.install(10, 2, "user1", "gateway1").await;
    let honest = scene.user("user1").await;
    for (user, devices) in [("user2", &own), ("user1", &others)] {
        let client = scene.user(user).await;
        scene.store(&client, &image, devices).await;
    }
    let user = scene.site.eui64("user2");
    let mut wire = scene.wire("user2").await;
    let signed = Bytes::from(vec![7; 65_536]);
    let mut accepted = 0;
    let mut told = None;
    for _ in 0..CALLS {
        let asked = pb::SubmitBatchRequest {
            signed_request: signed.clone(),
            ..wire_submit(user, &image, &own)
        };
        match wire.batches.submit_batch(asked).await {
            Ok(batch) => {
                accepted += 1;
                let cancel = pb::CancelBatchRequest {
                    name: batch.into_inner().name,
                    request_id: RequestId::fresh().to_string(),
                    validate_only: false,
                };
                wire.batches.cancel_batch(cancel).await.expect("cancelled");
            }
            Err(status) => told = Some(status),
        }
    }
    let told = refused(
        Err::<(), _>(told.expect("refused in time")),
        Code::ResourceExhausted,
        "ANOMALY_THRESHOLD_EXCEEDED",
    );
    assert_eq!(told.metadata("requested"), "66568");
    is_over(told, "REQUEST_BYTES");
    assert!((100..130).contains(&accepted), "{accepted}");
    honest
        .submit_batch(submit_batch(&image, &others))
        .await
        .expect("an honest User goes on");
    // Once for good, and up to seven times as much while a snapshot is made, as SECURITY.md says.
    let most = OWN_BYTES_MAX + 8 * u64::from(HOARD_BYTES_MAX);
    let memory = scene.service().memory_bytes_max();
    assert!(memory < most, "{} MiB", memory / MEBIBYTE);

    let shown = scene.dco("user2", &["limits"]).await.expect_code(0).json();
    let counts = shown["counts"].as_array().expect("counts");
    let bytes = counts.iter().find(|it| it["counted"] == "REQUEST_BYTES");
    assert_eq!(bytes.expect("it is counted")["limit"], HOARD_BYTES_MAX);
    let metrics = Metrics::of(scene.service()).await;
    let series = "dco_period_count{counted=\"REQUEST_BYTES\"}";
    assert!(metrics.reaches(series, 100 * 66_568), "{}", metrics.text());
    assert!(metrics.reaches("dco_thresholds_breached_total", 1));
    scene.no_faults();
}

#[tokio::test]
async fn schedules_asked_for_and_withdrawn_flood_nobody() {
    let scene = Scene::start(|settings| {
        settings
            .with("thresholds.period_minutes", PERIOD_MINUTES)
            .with("thresholds.schedule_steps_per_user_max", 20)
    })
    .await;
    let user = scene.site.eui64("user2");
    let limits = scene.dco("user2", &["limits"]).await.expect_code(0).json();
    let today = limits["service_date"]
        .as_str()
        .expect("limits are of a day");
    let mut wire = scene.wire("user2").await;
    let mut told = None;
    for _ in 0..100 {
        let asked = match wire.schedules.request_schedule(asking(user, today)).await {
            Ok(asked) => asked.into_inner(),
            Err(status) => {
                told = Some(status);
                continue;
            }
        };
        let Some(pb::act_on_schedule_response::Result::Schedule(schedule)) = asked.result else {
            panic!("{asked:?}");
        };
        let withdraw = pb::WithdrawScheduleRequest {
            head: Some(pb::ScheduleActHead {
                name: schedule.name,
                etag: schedule.etag,
                request_id: RequestId::fresh().to_string(),
                reason: "after all not".to_owned(),
                ..pb::ScheduleActHead::default()
            }),
        };
        wire.schedules
            .withdraw_schedule(withdraw)
            .await
            .expect("the twentieth at the latest");
    }
    let told = refused(
        Err::<(), _>(told.expect("refused in time")),
        Code::ResourceExhausted,
        "ANOMALY_THRESHOLD_EXCEEDED",
    );
    is_over(told, "SCHEDULE_STEPS");
    let notices = scene.dco("desk1", &["notices"]).await.expect_code(0).json();
    let notices = notices["notices"].as_array().expect("notices");
    assert_eq!(notices.len(), 41, "each step, and that there were too many");
    let mut honest = scene.wire("user1").await;
    let asked = asking(scene.site.eui64("user1"), today);
    honest
        .schedules
        .request_schedule(asked)
        .await
        .expect("an honest User goes on");
    scene.no_faults();
}

fn asking(user: Eui64, today: &str) -> pb::RequestScheduleRequest {
    pb::RequestScheduleRequest {
        parent: format!("users/{user}"),
        request_id: RequestId::fresh().to_string(),
        reason: "ours".to_owned(),
        request: Some(pb::ScheduleRequest {
            device_count: 9,
            earliest_date: today.to_owned(),
            latest_date: today.to_owned(),
            ..pb::ScheduleRequest::default()
        }),
        ..pb::RequestScheduleRequest::default()
    }
}
