//! Future-dated activation: delivered ahead, activated at its time, and called back before it.

use dco_engine::{
    ActivationState, ActivationView, BatchView, HOUR_US, Hold, Offer, Outcome, Refusal, Report,
    Session, Stage, SubmitBatch, ToGateway,
};
use dco_schedule::Micros;

use crate::sample::{
    ANN, DAY_US, LARGE, NORTH, SMALL, capacity, date, device, devices, manifest, start,
};
use crate::world::{World, hello};

/// Ann's image is stored for ten Devices in the north, which is connected.
fn ready() -> (World, Session) {
    let mut world = World::at(start("2026-06-01"), capacity(12_000));
    world.register(&devices(0..10), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..10));
    let session = world.connect(NORTH);
    (world, session)
}

fn submit_at(world: &mut World, count: u64, execute_us: Micros) -> Result<BatchView, Refusal> {
    let asked = SubmitBatch {
        execute_us: Some(execute_us),
        ..world.batch_of(ANN, &manifest(2, LARGE), &devices(0..count))
    };
    world.submit_this(&asked)
}

/// One of them is at its Device, which waits for ten days.
pub(crate) fn scheduled() -> (World, Session, Offer, Micros) {
    let (mut world, session) = ready();
    let execute_us = world.now_us + 10 * DAY_US;
    submit_at(&mut world, 1, execute_us).expect("admitted");
    let offer = world.offer();
    for report in [Report::Accepted, Report::Delivered, Report::Scheduled] {
        world.report(session, offer.attempt, report);
    }
    (world, session, offer, execute_us)
}

fn view(world: &mut World) -> ActivationView {
    world.activation(ANN, 1, device(0))
}

fn called_back(world: &mut World) -> Vec<u16> {
    let told = std::mem::take(&mut world.told);
    let called = told.into_iter().filter_map(|(_, message)| match message {
        ToGateway::Cancel(attempt) => Some(attempt.attempt),
        _ => None,
    });
    called.collect()
}

#[test]
fn an_execution_time_is_one_to_come_and_not_too_far() {
    let (mut world, _) = ready();
    let now_us = world.now_us;
    let latest_us = start("2026-09-02");
    for execute_us in [now_us, now_us - 1, latest_us + 1, Micros::MAX, Micros::MIN] {
        let refused = Refusal::ExecutionTimeInvalid {
            execute_us,
            earliest_us: now_us,
            latest_us,
        };
        assert_eq!(submit_at(&mut world, 1, execute_us), Err(refused));
    }
    let before_its_day = SubmitBatch {
        execute_us: Some(now_us + 1),
        service_date: Some(date("2026-06-03")),
        ..world.batch_of(ANN, &manifest(2, LARGE), &[device(0)])
    };
    let refused = world.submit_this(&before_its_day);
    assert!(matches!(refused, Err(Refusal::ExecutionTimeInvalid { .. })));
    assert!(submit_at(&mut world, 1, latest_us).is_ok());
}

#[test]
fn the_same_request_at_another_time_is_another_request() {
    let (mut world, _) = ready();
    let asked = SubmitBatch {
        execute_us: Some(world.now_us + DAY_US),
        ..world.batch_of(ANN, &manifest(2, LARGE), &[device(0)])
    };
    let first = world.submit_this(&asked).expect("admitted");
    assert_eq!(first.execute_us, asked.execute_us);
    assert_eq!(world.submit_this(&asked), Ok(first));
    let other = SubmitBatch {
        execute_us: None,
        ..asked
    };
    assert_eq!(world.submit_this(&other), Err(Refusal::RequestIdReused));
}

#[test]
fn it_is_delivered_ahead_and_its_timers_wait_for_its_time() {
    let (mut world, session, offer, execute_us) = scheduled();
    assert_eq!(offer.execute_us, Some(execute_us));
    assert_eq!(offer.answer_by_us, execute_us + 24 * HOUR_US);
    let batch = world.batch(ANN, 1);
    assert_eq!(
        batch.due_us,
        execute_us + 24 * HOUR_US,
        "its User's own time"
    );
    let predicted = batch.predicted.expect("it is open");
    assert!(predicted.completion_us >= execute_us && predicted.release_us < execute_us);
    world.until(execute_us);
    let state = ActivationState::Released(Stage::Scheduled);
    assert_eq!(view(&mut world).state, state);
    world.end(session, offer.attempt, Outcome::Success);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
}

#[test]
fn after_its_time_silence_ends_it() {
    let (mut world, _, _, execute_us) = scheduled();
    world.until(execute_us + 2 * HOUR_US - 1);
    assert!(matches!(
        view(&mut world).state,
        ActivationState::Released(_)
    ));
    world.pass(1);
    assert_eq!(view(&mut world).outcome, Some(Outcome::NoProgress));
}

#[test]
fn what_waits_for_its_time_takes_no_place_and_says_why_it_waits() {
    let (mut world, _) = ready();
    let one_place = dco_engine::Hello {
        concurrency: 1,
        ..hello("first")
    };
    let session = world.hello(NORTH, one_place);
    let execute_us = world.now_us + 10 * DAY_US;
    submit_at(&mut world, 3, execute_us).expect("admitted");
    for number in 0..3 {
        world.pass(HOUR_US);
        let offer = world.offer();
        assert_eq!(offer.attempt.activation.device, device(number));
        world.report(session, offer.attempt, Report::Scheduled);
    }
    let holds = world.explain(ANN, 1, device(0)).holds;
    let until_us = execute_us;
    assert_eq!(holds[0], Hold::ExecutionTimeNotReached { until_us });
    world.store(ANN, &manifest(3, SMALL), &devices(5..6));
    world
        .submit(ANN, &manifest(3, SMALL), &[device(5)])
        .expect("admitted");
    assert_eq!(world.offers().len(), 1, "of the other kind too");
}

#[test]
fn a_device_with_its_time_needs_no_gateway_until_then() {
    let (mut world, _, offer, _) = scheduled();
    world.disconnect(NORTH);
    world.pass(3 * DAY_US);
    world.crash();
    world.pass(3 * DAY_US);
    assert_eq!(view(&mut world).attempt, 1);
    assert!(matches!(
        view(&mut world).state,
        ActivationState::Released(_)
    ));
    let known = dco_engine::Hello {
        attempts: vec![offer.attempt],
        ..hello("first")
    };
    let session = world.hello(NORTH, known);
    let state = ActivationState::Released(Stage::Scheduled);
    assert_eq!(view(&mut world).state, state, "it was on record");
    world.end(session, offer.attempt, Outcome::Success);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
}

#[test]
fn cancelling_calls_back_what_waits_for_its_time_and_says_who_may_have_the_image() {
    let (mut world, session, offer, _) = scheduled();
    let cancelled = world.cancel_batch(ANN, 1);
    assert_eq!(
        (cancelled.counts.released, cancelled.may_have_image_count),
        (1, 1)
    );
    assert_eq!(called_back(&mut world), [1]);
    world.end(session, offer.attempt, Outcome::Cancelled);
    let ended = view(&mut world);
    assert_eq!(
        (ended.state, ended.outcome, ended.may_have_image),
        (ActivationState::Cancelled, Some(Outcome::Cancelled), true)
    );
    let batch = world.batch(ANN, 1);
    assert_eq!((batch.counts.open(), batch.may_have_image_count), (0, 1));
    world.pass(20 * DAY_US);
    assert_eq!(world.offered.len(), 1, "it is over");
}

#[test]
fn a_call_back_that_comes_too_late_changes_nothing() {
    let (mut world, session, offer, execute_us) = scheduled();
    world.until(execute_us);
    world.cancel_batch(ANN, 1);
    world.end(session, offer.attempt, Outcome::Success);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
    assert_eq!(world.batch(ANN, 1).may_have_image_count, 0);
}

#[test]
fn a_gateway_that_was_away_is_told_when_it_comes() {
    for knows in [true, false] {
        let (mut world, _) = ready();
        let execute_us = world.now_us + 10 * DAY_US;
        submit_at(&mut world, 1, execute_us).expect("admitted");
        let offer = world.offer();
        world.disconnect(NORTH);
        world.cancel_batch(ANN, 1);
        assert!(called_back(&mut world).is_empty());
        world.crash();
        let comes = dco_engine::Hello {
            attempts: if knows {
                vec![offer.attempt]
            } else {
                Vec::new()
            },
            ..hello("first")
        };
        world.hello(NORTH, comes);
        if knows {
            assert_eq!(called_back(&mut world), [1]);
            world.pass(20 * DAY_US);
            assert_eq!(
                view(&mut world).state,
                ActivationState::Failed,
                "it settles"
            );
        } else {
            let ended = view(&mut world);
            assert_eq!(ended.state, ActivationState::Cancelled);
            assert!(!ended.may_have_image, "it never got there");
        }
    }
}

#[test]
fn only_what_is_certain_not_to_have_been_sent_has_no_image() {
    let (mut world, session) = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..3))
        .expect("admitted");
    world.pass(HOUR_US);
    let offers = world.offers();
    let declined = Report::Declined {
        message: String::new(),
    };
    world.report(session, offers[0].attempt, declined);
    world.end(session, offers[1].attempt, Outcome::FileTransferFailure);
    let cancelled = world.cancel_batch(ANN, 1);
    assert_eq!(cancelled.counts.cancelled, 2);
    assert_eq!(
        cancelled.may_have_image_count, 2,
        "one failed, one under way"
    );
    for (number, may_have_image) in [(0, false), (1, true), (2, true)] {
        let view = world.activation(ANN, 1, device(number));
        assert_eq!(view.may_have_image, may_have_image);
    }
}
