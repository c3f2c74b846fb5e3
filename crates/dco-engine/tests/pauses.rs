//! Releases paused and resumed, and what a restore from a backup ends with.

use dco_engine::{
    ChangePause, Decision, Event, HOUR_US, Hold, Notice, NoticeParty, NoticeSubject, Outcome, Page,
    PauseView, Refusal, Reply, Report, Request, RestoreError, Scope, ToGateway,
};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, OPERATOR, SMALL, capacity, date, device, devices, manifest,
};
use crate::world::{World, hello, pause_of, succeed};

/// Ann has Devices 0 to 9 and an image for them.
fn ready() -> World {
    let mut world = World::new(capacity(100));
    world.register(&devices(0..10), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..10));
    world.store(ANN, &manifest(3, SMALL), &devices(0..10));
    world
}

#[test]
fn off_is_off_at_once_and_on_is_on_at_once() {
    let mut world = ready();
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.pause("INC-1").expect("paused");
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..3))
        .expect("a pause refuses nobody");
    world
        .submit(ANN, &manifest(3, SMALL), &devices(3..6))
        .expect("a pause refuses nobody");
    world.pass(DAY_US);
    world.crash();
    world.connect(NORTH);
    world.pass(DAY_US);
    assert!(world.offered.is_empty());
    assert_eq!(world.engine.stats().dispatch_paused, 1);
    assert_eq!(world.resume("INC-1"), Ok(None));
    assert_eq!(world.offered.len(), 6, "three are within the burst");
}

#[test]
fn an_attempt_under_way_is_finished() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..1))
        .expect("admitted");
    let session = world.connect(NORTH);
    let attempt = world.offer().attempt;
    world.pause("INC-1").expect("paused");
    world.end(session, attempt, Outcome::Success);
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 1);
}

#[test]
fn the_same_request_is_answered_and_a_second_pause_is_refused() {
    let mut world = ready();
    let since_us = world.now_us;
    let asked = world.pausing("INC-1");
    let paused = PauseView {
        scope: Scope::All,
        stop: None,
        since_us,
        by: Some(OPERATOR),
        ticket: "INC-1".to_owned(),
        reason: asked.reason.clone(),
    };
    for _ in 0..2 {
        let answer = world.ask(Request::Pause(asked.clone())).map(pause_of);
        assert_eq!(answer, Ok(Some(paused.clone())));
        world.crash();
    }
    let already = Refusal::DispatchPaused {
        scope: Scope::All,
        since_us,
        ticket: "INC-1".to_owned(),
    };
    assert_eq!(world.pause("INC-2"), Err(already));
    let other = ChangePause {
        ticket: "INC-3".to_owned(),
        ..asked.clone()
    };
    let reused = world.ask(Request::Pause(other)).map(pause_of);
    assert_eq!(reused, Err(Refusal::RequestIdReused));
    let as_resume = world.ask(Request::Resume(asked)).map(pause_of);
    assert_eq!(as_resume, Err(Refusal::RequestIdReused));
    let resuming = world.pausing("INC-1");
    for _ in 0..2 {
        let answer = world.ask(Request::Resume(resuming.clone())).map(pause_of);
        assert_eq!(answer, Ok(None));
        world.crash();
    }
    assert_eq!(
        world.resume("INC-1"),
        Err(Refusal::DispatchNotPaused { scope: Scope::All })
    );
}

#[test]
fn validating_changes_nothing() {
    let mut world = ready();
    let before = world.journal.len();
    let validate_only = true;
    let asked = world.pausing("INC-1");
    let pause = Request::Pause(ChangePause {
        validate_only,
        ..asked
    });
    assert_eq!(world.ask(pause).map(pause_of), Ok(None));
    assert_eq!(world.journal.len(), before);
    world.pause("INC-1").expect("paused");
    let asked = world.pausing("INC-1");
    let resume = Request::Resume(ChangePause {
        validate_only,
        ..asked
    });
    assert!(world.ask(resume).map(pause_of).expect("it would").is_some());
    assert_eq!(world.journal.len(), before + 1);
}

#[test]
fn an_explanation_says_since_when_and_where_it_is_written_down() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &[device(0)])
        .expect("admitted");
    world
        .submit_for((ANN, &manifest(2, LARGE)), &[device(1)], date("2026-06-03"))
        .expect("parked");
    world.pass(HOUR_US);
    let since_us = world.now_us;
    world.pause("INC-7").expect("paused");
    let ticket = "INC-7".to_owned();
    let scope = Scope::All;
    let paused = Hold::DispatchPaused {
        scope,
        since_us,
        ticket,
        reason: String::new(),
    };
    for (batch, device) in [(1, device(0)), (2, device(1))] {
        let explained = world.explain(ANN, batch, device);
        assert_eq!(explained.holds[0], paused);
        assert_eq!(
            (explained.earliest_us, explained.predicted_release_us),
            (None, None)
        );
    }
    world.resume("INC-7").expect("resumed");
    assert!(!world.explain(ANN, 1, device(0)).holds.contains(&paused));
}

#[test]
fn nobody_can_say_when_a_batch_that_is_paused_leaves() {
    let mut world = ready();
    for (image, range) in [(manifest(2, LARGE), 0..3), (manifest(3, SMALL), 3..6)] {
        world
            .submit(ANN, &image, &devices(range))
            .expect("a batch for each");
    }
    let predicted = |world: &mut World| {
        let page = Page {
            user: ANN,
            before: None,
            limit: 10,
        };
        let Ok(Reply::Batches(rows)) = world.ask(Request::ListBatches(page)) else {
            panic!("not a list of batches");
        };
        assert_eq!(rows[1].predicted, world.batch(ANN, 1).predicted);
        let known = rows.iter().map(|row| row.predicted.is_some());
        known.collect::<Vec<_>>()
    };
    assert_eq!(predicted(&mut world), [true, true]);
    let image = Scope::Image(manifest(2, LARGE).manufacturer_image_hash());
    let batch = Scope::Batch {
        user: ANN,
        number: 2,
    };
    let scopes = [
        (Scope::All, [false, false]),
        (Scope::User(ANN), [false, false]),
        (Scope::User(BOB), [true, true]),
        (image, [true, false]),
        (batch, [false, true]),
        (Scope::Gateway(NORTH), [true, true]),
    ];
    for (scope, expected) in scopes {
        world.pause_of_part(scope).expect("paused");
        assert_eq!(predicted(&mut world), expected, "{scope:?}");
        world.resume_of_part(scope).expect("resumed");
    }
}

/// Appends what a restore ends with, and starts on it.
fn restore(world: &mut World, epoch: u16) {
    let record = world.engine.restored_record(epoch, world.now_us);
    world.journal.push(record.expect("a higher epoch"));
    world.durable = world.journal.len();
    world.crash();
}

#[test]
fn after_a_restore_nothing_goes_before_somebody_resumes() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..4))
        .expect("admitted");
    restore(&mut world, 1);
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.pass(DAY_US);
    assert!(world.offered.is_empty());
    world.resume("INC-9").expect("resumed");
    assert_eq!(world.offered.len(), 4);
    for (_, offer) in &world.offered {
        assert_eq!(offer.attempt.attempt, 1_001);
        assert!(offer.read_version_first, "it may have been done since");
    }
}

#[test]
fn attempts_of_the_backup_are_unknown_and_their_reports_change_nothing() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..2))
        .expect("admitted");
    world
        .submit_for((ANN, &manifest(2, LARGE)), &[device(5)], date("2026-06-03"))
        .expect("parked");
    world.connect(NORTH);
    let before: Vec<_> = world.offers().into_iter().map(|it| it.attempt).collect();
    assert_eq!(before.len(), 2);
    restore(&mut world, 1);
    assert_eq!(world.engine.stats().attempts_under_way, 0);
    assert_eq!(world.batch(ANN, 1).counts.queued, 2);
    let mut known = hello("first");
    known.attempts = vec![before[0]];
    known.outcomes = vec![(before[1], crate::world::ended(Outcome::Success))];
    let session = world.hello(NORTH, known);
    let told: Vec<_> = std::mem::take(&mut world.told);
    let withdrawn = told
        .iter()
        .any(|(_, it)| matches!(it, ToGateway::Withdrawn(of) if *of == before[0]));
    let noted = told
        .iter()
        .any(|(_, it)| matches!(it, ToGateway::Noted(of) if *of == before[1]));
    assert!(withdrawn && noted, "{told:?}");
    world.report(
        session,
        before[0],
        Report::Ended(crate::world::ended(Outcome::Success)),
    );
    let told: Vec<_> = std::mem::take(&mut world.told);
    assert!(matches!(told.as_slice(), [(_, ToGateway::Noted(of))] if *of == before[0]));
    assert_eq!(world.batch(ANN, 1).counts.queued, 2, "nothing has changed");
    world.resume("INC-9").expect("resumed");
    let mut offers = world.offers();
    assert_eq!(offers.len(), 2);
    world.pass(2 * DAY_US);
    let later = world.offers().into_iter();
    offers.extend(later.filter(|it| it.attempt.activation.batch == 2));
    assert!(offers.len() > 2, "the parked one too");
    assert_eq!(offers[2].attempt.attempt, 1_001);
    assert!(offers.iter().all(|it| it.attempt.attempt > 1_000));
    assert!(offers.iter().all(|it| it.read_version_first));
}

#[test]
fn what_was_cancelled_while_an_attempt_was_under_way_is_not_tried_again_after_a_restore() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &[device(0)])
        .expect("admitted");
    world.connect(NORTH);
    world.offer();
    world.cancel_batch(ANN, 1);
    restore(&mut world, 1);
    assert_eq!(world.batch(ANN, 1).counts.failed, 1);
    world.resume("INC-9").expect("resumed");
    world.connect(NORTH);
    world.pass(DAY_US);
    assert!(world.offers().is_empty());
}

#[test]
fn each_restore_counts_higher_and_tries_are_counted_through() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &[device(0)])
        .expect("admitted");
    let tries_max = world.terms.retry.transfer.attempts_max;
    let mut numbers = Vec::new();
    for epoch in [0, 2, 64] {
        if epoch > 0 {
            restore(&mut world, epoch);
            world.resume("INC-9").expect("resumed");
        }
        assert_eq!(world.engine.epoch(), epoch);
        world.pass(HOUR_US);
        let session = world.connect(NORTH);
        let attempt = world.offer().attempt;
        numbers.push(attempt.attempt);
        world.end(session, attempt, Outcome::FileTransferFailure);
    }
    assert_eq!(numbers, [1, 2_001, 64_001]);
    for _ in 3..tries_max {
        assert_eq!(world.batch(ANN, 1).counts.retry_wait, 1);
        world.disconnect(NORTH);
        world.pass(DAY_US);
        let session = world.connect(NORTH);
        let attempt = world.offer().attempt;
        world.end(session, attempt, Outcome::FileTransferFailure);
    }
    assert_eq!(world.batch(ANN, 1).counts.failed, 1);
}

#[test]
fn an_epoch_that_is_not_higher_is_refused() {
    let mut world = ready();
    restore(&mut world, 3);
    for asked in [0, 2, 3, 65] {
        let refused = world.engine.restored_record(asked, world.now_us);
        let error = RestoreError { asked, current: 3 };
        assert_eq!(refused, Err(error));
        assert!(error.to_string().contains("from 4 to 64"), "{error}");
    }
}

#[test]
fn a_jump_of_the_clock_pauses_all_releases_until_somebody_resumes_them() {
    let mut world = ready();
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.pass(DAY_US);
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..2))
        .expect("admitted");
    assert_eq!(world.offered.len(), 2);

    let ahead_us = HOUR_US * 3 / 2;
    world.now_us += ahead_us;
    world.handle(Event::ClockJumped { ahead_us });
    world
        .submit(ANN, &manifest(3, SMALL), &devices(2..4))
        .expect("a pause refuses nobody");
    world.pass(DAY_US);
    world.crash();
    world.connect(NORTH);
    world.pass(DAY_US);
    assert_eq!(world.offered.len(), 2, "nothing leaves any more");
    let held = world.explain(ANN, 2, device(2)).holds.remove(0);
    assert!(
        matches!(&held, Hold::DispatchPaused { reason, .. } if reason.contains("90 minutes")),
        "{held:?}"
    );
    // Another jump is the same pause, and on record by itself.
    let records = world.journal.len();
    world.handle(Event::ClockJumped {
        ahead_us: 2 * ahead_us,
    });
    let jumped = Decision::read(&world.journal[records]).expect("its own");
    assert_eq!(
        (jumped.what, jumped.text.as_str()),
        ("clock jumped ahead", "by 180 minutes")
    );
    world.crash();
    world.connect(NORTH);
    let Ok(Reply::Pauses(pauses)) = world.ask(Request::ListPauses) else {
        panic!("a list of pauses");
    };
    assert_eq!(pauses.len(), 1);
    assert_eq!((pauses[0].scope, pauses[0].by), (Scope::All, None));
    assert!(pauses[0].reason.contains("90 minutes"), "{pauses:?}");
    for party in [NoticeParty::Desk, NoticeParty::Operators] {
        let told = world.notices_after(party, 0);
        let is_pause = |it: &Notice| {
            matches!(
                it.subject,
                NoticeSubject::PauseChanged {
                    scope: Scope::All,
                    paused: true,
                    ..
                }
            )
        };
        assert_eq!(
            told.iter().filter(|it| is_pause(it)).count(),
            1,
            "{party:?}"
        );
    }

    assert_eq!(world.resume("INC-1"), Ok(None));
    assert_eq!(world.offered.len(), 4);
}

#[test]
fn what_is_paused_is_not_offered_again_at_a_hello_and_costs_nothing() {
    for scope in [
        Scope::All,
        Scope::User(ANN),
        Scope::Gateway(NORTH),
        Scope::Image(manifest(2, LARGE).manufacturer_image_hash()),
    ] {
        for crashes in [false, true] {
            let mut world = ready();
            world
                .submit(ANN, &manifest(2, LARGE), &[device(0)])
                .expect("admitted");
            world.connect(NORTH);
            let first = world.offer();
            world.disconnect(NORTH);
            world.pause_of_part(scope).expect("paused");
            if crashes {
                world.crash();
            }
            world.connect(NORTH);
            world.pass(HOUR_US);
            assert!(world.offers().is_empty(), "{scope}: off is off at once");
            assert_eq!(world.released_today(), 0, "{scope}: its unit came back");
            world.resume_of_part(scope).expect("resumed");
            world.pass(HOUR_US);
            let again = world.offer();
            let same = again.attempt.activation == first.attempt.activation;
            assert!(same && again.attempt.attempt > first.attempt.attempt);
            assert_eq!(world.released_today(), 1, "{scope}: never charged twice");
        }
    }
}
