//! Who sees what of whom.

use dco_proto::v1 as pb;
use dco_tests::refused;
use tonic::Code;

use super::Table;

#[tokio::test]
async fn a_user_never_reads_another_s_name() {
    let table = Table::new().await;
    table.agree("user1", (1, 2), 4_000).await;
    table.agree("user2", (1, 2), 4_000).await;
    let other = table.scene.site.eui64("user2").to_string();
    let range = ["--first", &table.day(1)];
    let reads: [&[&str]; 5] = [
        &["schedule", "list"],
        &["schedule", "show", "schedules/1"],
        &["capacity", "show", range[0], range[1]],
        &["notices"],
        &["limits"],
    ];
    for args in reads {
        let answer = table.done("user1", args).await;
        assert!(!answer.to_string().contains(&other), "{args:?}: {answer}");
    }
    let capacity = table.done("user1", reads[2]).await;
    let day = &capacity["days"][0];
    assert_eq!(
        (&day["own_agreed"], &day["others_agreed"]),
        (&4_000.into(), &4_000.into())
    );

    // Plans name others, so they are not for Users.
    for args in [
        ["schedule", "replan"].to_vec(),
        ["schedule", "fit", "schedules/1"].to_vec(),
        ["schedule", "simulate"].to_vec(),
        ["actions", "list"].to_vec(),
        ["notices", "--of", "service-desk"].to_vec(),
        ["notices", "--user", &other].to_vec(),
        ["schedule", "list", "--user", &other].to_vec(),
    ] {
        table.refused("user1", &args, "CALLER_NOT_PERMITTED").await;
    }
    table.scene.no_faults();
}

#[tokio::test]
async fn another_s_schedule_and_one_that_is_not_there_are_answered_alike_to_the_byte() {
    let table = Table::new().await;
    table.request("user2", 9, (1, 2)).await;
    let mut wire = table.scene.wire("user1").await;
    let other = table.scene.site.eui64("user2");
    let mut answers = Vec::new();
    for number in [1, 2] {
        let name = format!("users/{other}/schedules/{number}");
        let head = Some(pb::ScheduleActHead {
            name: name.clone(),
            ..Default::default()
        });
        let read = wire.schedules.get_schedule(pb::GetScheduleRequest { name });
        answers.push(read.await.map(drop));
        let accept = pb::AcceptScheduleRequest { head: head.clone() };
        answers.push(wire.schedules.accept_schedule(accept).await.map(drop));
        let end = pb::EndScheduleRequest {
            head,
            end_date: "soon".to_owned(),
        };
        answers.push(wire.schedules.end_schedule(end).await.map(drop));
    }
    let bytes: Vec<_> = answers
        .into_iter()
        .map(|answer| {
            let status = answer.clone().unwrap_err();
            refused(answer, Code::PermissionDenied, "CALLER_NOT_PERMITTED");
            (status.message().to_owned(), status.details().to_vec())
        })
        .collect();
    assert!(bytes.windows(2).all(|pair| pair[0] == pair[1]));
    let own = pb::GetScheduleRequest {
        name: table.name("user1", 1),
    };
    let absent = wire.schedules.get_schedule(own).await;
    refused(absent, Code::NotFound, "RESOURCE_NOT_FOUND");
    table.scene.no_faults();
}

#[tokio::test]
async fn each_role_acts_only_as_itself() {
    let table = Table::new().await;
    table.request("user1", 9, (1, 2)).await;
    let name = table.name("user1", 1);
    let quota = table.quota((1, 1), 9);
    let offer = [
        "schedule", "offer", &name, "--quota", &quota, "--reason", "x",
    ];
    let accept = ["schedule", "accept", &name, "--reason", "x"];
    let set = [
        "capacity",
        "set",
        "--on",
        &table.day(1),
        "--capacity",
        "5",
        "--reason",
        "x",
        "--ticket",
        "x",
    ];
    let approve = ["actions", "approve", "1", "--reason", "x", "--ticket", "x"];
    let moves = [
        "schedule",
        "amend",
        "schedules/1",
        "--quota",
        &quota,
        "--over-agreed",
        "--reason",
        "x",
    ];
    let imposes = [&moves[..], &["--impose"]].concat();
    for (party, args) in [
        ("user1", &moves[..]),
        ("user1", &imposes),
        ("user1", &offer),
        ("auditor1", &offer),
        ("operator1", &offer),
        ("auditor1", &accept),
        ("gateway1", &accept),
        ("operator1", &set),
        ("user1", &set),
        ("operator1", &approve),
        ("auditor1", &approve),
    ] {
        table.refused(party, args, "CALLER_NOT_PERMITTED").await;
    }
    let untold = [
        "schedule", "offer", &name, "--quota", &quota, "--reason", "x",
    ];
    let untold = table
        .scene
        .dco("desk1", &untold)
        .await
        .expect_code(1)
        .json();
    assert_eq!(
        untold["error"]["details"]["reason"], "TEXT_INVALID",
        "no ticket"
    );
    table.scene.no_faults();
}

#[tokio::test]
async fn capacity_is_exported_for_spreadsheets_and_calendars() {
    let table = Table::new().await;
    table.agree("user1", (1, 2), 100).await;
    let path = |name: &str| table.scene.site.path(name);
    for (format, lines) in [("csv", 57), ("ics", 3 + 56 * 9 + 1)] {
        let out = path(format).display().to_string();
        let args = ["capacity", "export", "--format", format, "--out", &out];
        let answer = table.done("user1", &args).await;
        assert_eq!(answer["day_count"], 56);
        let text = dco_tests::read_text(&path(format));
        assert_eq!(text.lines().count(), lines, "{text}");
    }
    let out = path("what-if.svg").display().to_string();
    let user = table.scene.site.eui64("user2");
    let request = format!("{user},30000,{}..{}", table.day(1), table.day(60));
    let args = ["schedule", "simulate", "--request", &request, "--svg", &out];
    let simulated = table.done("desk1", &args).await;
    let users = simulated["users"].as_array().unwrap();
    assert_eq!(users.len(), 2);
    assert!(
        users.iter().all(|it| it["finish_date"].is_string()),
        "{simulated}"
    );
    assert!(dco_tests::read_text(&path("what-if.svg")).starts_with("<svg"));
    table.scene.no_faults();
}

#[tokio::test]
async fn notices_are_followed_as_they_come() {
    let table = Table::new().await;
    let mut watch = super::follow(&table.scene, "desk1");
    table.request("user1", 9, (1, 2)).await;
    let line = watch.says(|line| line.contains("\"REQUEST\"")).await;
    assert!(line.contains(&table.name("user1", 1)), "{line}");
    let request = [
        "schedule",
        "withdraw",
        "schedules/1",
        "--reason",
        "not needed",
    ];
    table.done("user1", &request).await;
    watch.says(|line| line.contains("\"WITHDRAW\"")).await;
    let ended = watch.stop().await.expect_code(0);
    assert_eq!(ended.json()["position"], 2);
    table.scene.no_faults();
}
