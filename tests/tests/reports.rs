//! Reports of a real run: what everybody may see of it, in every form, and what is refused.

use dco_client::{OutcomeRow, ReportQuery, SuccessGroup};
use dco_proto::v1 as pb;
use dco_tests::{Image, Scene, read_text, refused, settled, submit_batch};
use prost::Message;
use tonic::Code;

use crate::activation::quick;

/// Three Devices of user1, of which one never answers, and two of user2, of which one's gateway does not reach it: all have ended.
async fn after_a_run() -> Scene {
    let scene = Scene::start(quick).await;
    let image = Image::large(2);
    let mine = scene.install(0, 3, "user1", "gateway1").await;
    let other = scene.install(10, 2, "user2", "gateway1").await;
    let silent = format!("{}=no-answer", mine[2]);
    let away = format!("{}=not-reachable", other[1]);
    let args = [
        "--no-answer-ms",
        "20",
        "--always",
        &silent,
        "--always",
        &away,
    ];
    let gateway = scene.gateway("gateway1", &args).await;
    for (name, devices) in [("user1", mine), ("user2", other)] {
        let user = scene.user(name).await;
        scene.store(&user, &image, &devices).await;
        let asked = submit_batch(&image, &devices);
        let batch = user.submit_batch(asked).await.unwrap();
        settled(&user, batch.name.unwrap()).await;
    }
    gateway.stop().await;
    scene
}

fn everything() -> ReportQuery {
    ReportQuery::default()
}

#[tokio::test]
async fn the_figures_are_those_of_the_run() {
    let mut scene = after_a_run().await;
    let (user1, user2) = (scene.site.eui64("user1"), scene.site.eui64("user2"));
    let desk = scene.reports("desk1").await;
    let capacity = desk.capacity_days(&everything()).await.unwrap();
    let sum = |of: fn(&dco_client::DayCounts) -> u64| -> u64 {
        capacity.days.iter().map(|day| of(&day.all)).sum()
    };
    // Four attempts of user1, all charged; of user2 one, and two that were given back.
    assert_eq!(sum(|it| it.sent), 5);
    assert_eq!(sum(|it| it.released), 5);
    assert_eq!(sum(|it| it.refunded.unwrap()), 2);
    assert_eq!(sum(|it| it.retries.unwrap()), 2);
    let fairness = desk.fairness(&everything()).await.unwrap();
    let received = |user| {
        let rows = fairness.days.iter().flat_map(|day| &day.users);
        let rows = rows.filter(move |row| row.user == Some(user));
        rows.map(|row| row.received.unwrap()).sum::<u32>()
    };
    assert_eq!((received(user1), received(user2)), (4, 3));

    let by = |row: &OutcomeRow| (row.succeeded, row.failed, row.attempt_count);
    let rows = desk
        .outcomes(&everything(), &[SuccessGroup::Gateway])
        .await
        .unwrap();
    assert_eq!(rows.iter().map(by).collect::<Vec<_>>(), [(3, 2, 7)]);
    assert_eq!(rows[0].gateway, Some(scene.site.eui64("gateway1")));
    let outcomes = [("success", 3), ("noAnswer", 1), ("deviceNotReachable", 1)];
    assert_eq!(
        rows[0].outcomes,
        outcomes.map(|(name, count)| (name.to_owned(), count))
    );
    assert_eq!(rows[0].ended_within_trt, 5, "TRT is a figure apart");
    let rows = desk
        .outcomes(&everything(), &[SuccessGroup::Model])
        .await
        .unwrap();
    assert_eq!(rows.iter().map(by).collect::<Vec<_>>(), [(3, 2, 7)]);
    assert!(rows[0].model.is_some() && rows[0].user.is_none());

    // What was counted comes back from the journal.
    let trt = desk.trt(None).await.unwrap();
    scene.kill_service().await;
    scene.start_service().await;
    let desk = scene.reports("desk1").await;
    assert_eq!(
        desk.capacity_days(&everything()).await.unwrap().days[0],
        capacity.days[0]
    );
    assert_eq!(
        desk.fairness(&everything()).await.unwrap().days[0],
        fairness.days[0]
    );
    assert_eq!(desk.trt(None).await.unwrap(), trt);
    scene.no_faults();
}

#[tokio::test]
async fn a_user_sees_itself_and_of_others_what_cannot_be_told_apart() {
    let scene = after_a_run().await;
    let (user1, user2) = (scene.site.eui64("user1"), scene.site.eui64("user2"));
    let reports = scene.reports("user1").await;
    let capacity = reports.capacity_days(&everything()).await.unwrap();
    for day in &capacity.days {
        let users: Vec<_> = day.users.iter().map(|it| it.user).collect();
        assert_eq!(users, [Some(user1)]);
        assert_eq!(
            day.others.unwrap().released + day.users[0].released,
            day.all.released
        );
    }
    let fairness = reports.fairness(&everything()).await.unwrap();
    for row in fairness.days.iter().flat_map(|day| &day.users) {
        let own = row.user == Some(user1);
        assert!(own || (row.user, row.received, row.entitled_milliunits) == (None, None, None));
    }
    // The name of another User is in no byte of any answer.
    let mut wire = scene.wire("user1").await;
    let answers = [
        wire.reports
            .get_capacity_report(pb::GetCapacityReportRequest::default())
            .await
            .unwrap()
            .into_inner()
            .encode_to_vec(),
        wire.reports
            .get_fairness_report(pb::GetFairnessReportRequest::default())
            .await
            .unwrap()
            .into_inner()
            .encode_to_vec(),
        wire.reports
            .get_success_report(pb::GetSuccessReportRequest::default())
            .await
            .unwrap()
            .into_inner()
            .encode_to_vec(),
        wire.reports
            .get_trt_report(pb::GetTrtReportRequest::default())
            .await
            .unwrap()
            .into_inner()
            .encode_to_vec(),
    ];
    let (own, other) = (user1.to_string(), user2.to_string());
    for answer in &answers {
        let has = |name: &str| {
            answer
                .windows(name.len())
                .any(|part| part == name.as_bytes())
        };
        assert!(has(&own) && !has(&other));
    }
    // The Service Desk may look at it as that User does: the same to the byte.
    let mut desk = scene.wire("desk1").await;
    let parent = format!("users/{user1}");
    let asked = pb::GetFairnessReportRequest {
        parent: parent.clone(),
        ..Default::default()
    };
    let as_user = desk.reports.get_fairness_report(asked).await.unwrap();
    assert_eq!(as_user.into_inner().encode_to_vec(), answers[1]);
    scene.no_faults();
}

#[tokio::test]
async fn what_is_nobodys_business_and_what_makes_no_sense_is_refused() {
    let scene = Scene::start(|settings| settings).await;
    let mut wire = scene.wire("user1").await;
    let other = format!("users/{}", scene.site.eui64("user2"));
    let nobody = "users/90-B3-D5-1F-30-77-00-00".to_owned();
    let mut denied = Vec::new();
    for parent in [other, nobody] {
        let fairness = pb::GetFairnessReportRequest {
            parent: parent.clone(),
            ..Default::default()
        };
        let capacity = pb::GetCapacityReportRequest {
            parent,
            ..Default::default()
        };
        let answer = wire.reports.get_fairness_report(fairness).await;
        denied.push(answer.as_ref().unwrap_err().details().to_vec());
        refused(answer, Code::PermissionDenied, "CALLER_NOT_PERMITTED");
        let answer = wire.reports.get_capacity_report(capacity).await;
        refused(answer, Code::PermissionDenied, "CALLER_NOT_PERMITTED");
    }
    assert_eq!(denied[0], denied[1], "whether it is there is not told");
    for (first, last, field) in [
        ("2026-06-02", "2026-06-01", "last_service_date"),
        ("soon", "", "first_service_date"),
        ("", "2026-02-30", "last_service_date"),
    ] {
        let asked = pb::GetFairnessReportRequest {
            first_service_date: first.to_owned(),
            last_service_date: last.to_owned(),
            ..Default::default()
        };
        let answer = wire.reports.get_fairness_report(asked).await;
        refused(answer, Code::InvalidArgument, "SERVICE_DATE_INVALID").field(field);
    }
    let asked = pb::GetSuccessReportRequest {
        group_by: vec![2, 77],
        ..Default::default()
    };
    let answer = wire.reports.get_success_report(asked).await;
    refused(answer, Code::InvalidArgument, "GROUP_INVALID").field("group_by");
    let mut gateway = scene.wire("gateway1").await;
    let answer = gateway
        .reports
        .get_fairness_report(pb::GetFairnessReportRequest::default())
        .await;
    refused(answer, Code::PermissionDenied, "CALLER_NOT_PERMITTED");
    scene.no_faults();
}

#[tokio::test]
async fn a_position_that_was_never_told_is_refused() {
    let scene = Scene::start(|settings| settings).await;
    let mut wire = scene.wire("user1").await;
    let asked = pb::ListNoticesRequest {
        position: 99_999,
        ..Default::default()
    };
    let answer = wire.notices.list_notices(asked).await;
    let refused = refused(answer, Code::OutOfRange, "POSITION_BEYOND_END").field("position");
    assert_eq!(refused.metadata("lastPosition"), "0");
    scene.no_faults();
}

#[tokio::test]
async fn the_program_shows_each_report_in_each_form() {
    let scene = after_a_run().await;
    for (kind, head) in [
        ("capacity", "service_date,user,open,capacity,"),
        ("fairness", "service_date,open,contended,"),
        ("success", "user,manufacturer_image_hash,"),
        ("trt", "user,month,activation_count,"),
    ] {
        let ended = scene.dco("desk1", &["report", kind]).await.expect_code(0);
        let json = ended.json();
        let rows = json.get("days").or_else(|| json.get("rows"));
        assert!(
            rows.is_some_and(|rows| !rows.as_array().unwrap().is_empty()),
            "{json}"
        );
        let chart = scene.site.path(&format!("{kind}.svg"));
        let path = chart.to_str().unwrap().to_owned();
        let link = ["report", kind, "--csv", "--chart", &path];
        let ended = scene.dco("desk1", &link).await.expect_code(0);
        // With JSON on standard output, what is for people goes to standard error.
        let first = ended.err.iter().position(|line| line.starts_with(head));
        let first = first.unwrap_or_else(|| panic!("{:?}", ended.err));
        assert!(ended.err.len() > first + 1, "{:?}", ended.err);
        assert!(read_text(&chart).ends_with("</svg>\n"));
    }
    let wrong = [
        "report",
        "trt",
        "--first",
        "2026-06-02",
        "--last",
        "2026-06-01",
    ];
    let ended = scene.dco("desk1", &wrong).await.expect_code(2);
    assert!(
        ended.error().contains("--last 2026-06-01 is before"),
        "{ended:?}"
    );
    let by = ["report", "success", "--by", "gateway", "--by", "model"];
    let ended = scene.dco("operator1", &by).await.expect_code(0);
    assert_eq!(ended.json()["rows"][0]["outcomes"]["noAnswer"], 1);
    scene.no_faults();
}
