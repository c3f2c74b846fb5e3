//! Releases paused and resumed by officers.

use dco_proto::v1 as pb;

use crate::world::{GATEWAY, OPERATOR, USER, World, reason, request_id};

fn asked(id: u32, ticket: &str) -> pb::PauseRequest {
    pb::PauseRequest {
        request_id: request_id(id),
        ticket: ticket.to_owned(),
        reason: "as agreed".to_owned(),
        ..pb::PauseRequest::default()
    }
}

fn resuming(id: u32, ticket: &str) -> pb::ResumeRequest {
    pb::ResumeRequest {
        request_id: request_id(id),
        ticket: ticket.to_owned(),
        reason: "as agreed".to_owned(),
        ..pb::ResumeRequest::default()
    }
}

#[tokio::test]
async fn an_officer_pauses_and_resumes_and_both_outlive_a_restart() {
    let mut world = World::new().await;
    let mut operations = world.operations(OPERATOR).await;
    let paused = operations
        .pause(asked(1, "INC-1"))
        .await
        .unwrap()
        .into_inner();
    let pause = paused.pause.unwrap();
    assert_eq!(
        (pause.by, pause.ticket),
        (OPERATOR.to_string(), "INC-1".to_owned())
    );
    world.stop().await.unwrap();
    world.start().await;
    let metrics = world.get("/metrics").await;
    assert!(metrics.contains("dco_dispatch_paused 1"), "{metrics}");
    let mut operations = world.operations(OPERATOR).await;
    let status = operations.pause(asked(2, "INC-2")).await.unwrap_err();
    assert_eq!(reason(&status), "DISPATCH_PAUSED");
    let again = operations
        .pause(asked(1, "INC-1"))
        .await
        .unwrap()
        .into_inner();
    assert!(again.pause.is_some(), "the same request is answered");
    let resumed = operations.resume(resuming(3, "INC-1")).await.unwrap();
    assert_eq!(resumed.into_inner().pause, None);
    let status = operations.resume(resuming(4, "INC-1")).await.unwrap_err();
    assert_eq!(reason(&status), "DISPATCH_NOT_PAUSED");
}

#[tokio::test]
async fn nobody_else_may_and_an_officer_says_why() {
    let world = World::new().await;
    for eui64 in [USER, GATEWAY] {
        let mut operations = world.operations(eui64).await;
        for status in [
            operations.pause(asked(1, "INC-1")).await.unwrap_err(),
            operations.resume(resuming(1, "INC-1")).await.unwrap_err(),
        ] {
            assert_eq!(reason(&status), "CALLER_NOT_PERMITTED");
        }
    }
    let mut operations = world.operations(OPERATOR).await;
    let without_reason = pb::PauseRequest {
        reason: "  ".to_owned(),
        ..asked(1, "INC-1")
    };
    let no_scope = pb::PauseRequest {
        scope: Some(pb::PauseScope::default()),
        ..asked(1, "INC-1")
    };
    for (request, expected) in [
        (asked(1, ""), "TEXT_INVALID"),
        (asked(1, &"x".repeat(501)), "TEXT_INVALID"),
        (asked(1, "INC\u{200b}-1"), "TEXT_INVALID"),
        (asked(1, "INC-1\u{1b}"), "TEXT_INVALID"),
        (without_reason, "TEXT_INVALID"),
        (no_scope, "PAUSE_SCOPE_INVALID"),
        (
            pb::PauseRequest {
                request_id: String::new(),
                ..asked(1, "INC-1")
            },
            "REQUEST_ID_INVALID",
        ),
    ] {
        let status = operations.pause(request).await.unwrap_err();
        assert_eq!(reason(&status), expected);
    }
    operations.pause(asked(1, "INC-1")).await.unwrap();
}
