//! When will it be released, and why is it waiting?

use dco_block::Eui64;
use dco_engine::{
    ActivationState, Event, HOUR_US, Hello, Hold, Outcome, Prediction, ReportKind, ReportRequest,
    Request, Terms, TransferState,
};
use dco_schedule::{Calendar, Micros};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, capacity, date, device, devices, manifest, noon, start,
};
use crate::world::{World, hello, succeed};

fn ready(now_us: Micros, terms: Terms) -> World {
    let mut world = World::at(now_us, terms);
    for (user, range) in [(ANN, 0..1_000), (BOB, 1_000..2_000)] {
        world.register(&devices(range.clone()), user, NORTH);
        world.store(user, &manifest(2, LARGE), &devices(range.clone()));
        world.store(user, &manifest(3, SMALL), &devices(range));
    }
    world
}

fn predicted(world: &mut World, user: Eui64, number: u64) -> Prediction {
    world.batch(user, number).predicted.expect("it is open")
}

#[test]
fn a_prediction_is_what_happens_when_nothing_fails() {
    for (ann, bob, per_day) in [(100, 100, 60), (300, 50, 100), (20, 200, 10), (3, 3, 1)] {
        let mut world = ready(start("2026-06-01"), capacity(per_day));
        let image = manifest(2, LARGE);
        world
            .submit(ANN, &image, &devices(0..ann))
            .expect("admitted");
        world
            .submit(BOB, &image, &devices(1_000..1_000 + bob))
            .expect("admitted");
        let said = [predicted(&mut world, ANN, 1), predicted(&mut world, BOB, 1)];
        world.habit = Some(succeed);
        world.connect(NORTH);
        world.pass(40 * DAY_US);
        for (user, last, said) in [
            (ANN, device(ann - 1), said[0]),
            (BOB, device(999 + bob), said[1]),
        ] {
            let was_us = world
                .activation(user, 1, last)
                .released_us
                .expect("released");
            let off_us = said.release_us.abs_diff(was_us);
            let bound_us = u64::try_from(DAY_US / 10).expect("positive")
                + 2 * 86_400_000_000 / u64::from(per_day);
            assert!(
                off_us <= bound_us,
                "{ann} {bob} {per_day}: {} us off",
                off_us
            );
            assert_eq!(
                said.completion_us - said.release_us,
                HOUR_US,
                "as nothing was seen yet"
            );
        }
    }
}

#[test]
fn predictions_learn_how_long_an_attempt_takes() {
    let mut world = ready(start("2026-06-01"), capacity(12_000));
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..2)).expect("admitted");
    let session = world.connect(NORTH);
    let started_us = world.now_us;
    world.pass(HOUR_US / 2);
    let offers = world.offers();
    let took_us: Micros = offers
        .iter()
        .map(|offer| world.activation(ANN, 1, offer.attempt.activation.device))
        .map(|it| started_us + HOUR_US / 2 - it.released_us.expect("released"))
        .sum();
    for offer in offers {
        world.end(session, offer.attempt, Outcome::Success);
    }
    let batch = world.submit(ANN, &image, &devices(2..3)).expect("admitted");
    let said = batch.predicted.expect("it is open");
    assert_eq!(said.completion_us - said.release_us, took_us / 2);
}

#[test]
fn parked_and_small_batches_are_predicted_too() {
    let mut world = ready(noon("2026-06-01"), capacity(100));
    let image = manifest(2, LARGE);
    let day = date("2026-06-05");
    let parked = world
        .submit_for((ANN, &image), &devices(0..50), day)
        .expect("parked");
    let release_us = parked.predicted.expect("open").release_us;
    // The first of a hundred leaves as the day begins.
    assert_eq!(release_us, start("2026-06-05") + 49 * DAY_US / 100);
    let small = manifest(3, SMALL);
    let now = world
        .submit(ANN, &small, &devices(100..200))
        .expect("admitted");
    assert_eq!(now.predicted.expect("open").release_us, world.now_us);
    let later = world
        .submit_for((ANN, &small), &devices(200..300), day)
        .expect("parked");
    assert_eq!(
        later.predicted.expect("open").release_us,
        start("2026-06-05")
    );
}

#[test]
fn without_capacity_nothing_is_predicted() {
    let mut world = ready(noon("2026-06-01"), capacity(0));
    let batch = world
        .submit(ANN, &manifest(2, LARGE), &devices(0..50))
        .expect("admitted");
    assert_eq!(batch.predicted, None);
    assert_eq!(world.batch(ANN, 1).predicted, None);
}

#[test]
fn each_hold_is_named_with_its_end() {
    let terms = Terms {
        burst: 1,
        ..capacity(2)
    };
    let mut world = ready(noon("2026-06-01"), terms);
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..5)).expect("admitted");
    let last = device(4);
    let holds = world.explain(ANN, 1, last).holds;
    let away = Hold::GatewayNotConnected { gateway: NORTH };
    assert_eq!(holds, [away, Hold::BehindOthers { ahead_count: 4 }]);
    assert_eq!(
        world.explain(ANN, 1, last).earliest_us,
        None,
        "an event must come first"
    );
    let one_at_a_time = Hello {
        concurrency: 1,
        ..hello("first")
    };
    let session = world.hello(NORTH, one_at_a_time);
    let first = world.offer();
    let explained = world.explain(ANN, 1, last);
    let busy = Hold::GatewayBusy {
        gateway: NORTH,
        attempt_count: 1,
    };
    let behind = Hold::BehindOthers { ahead_count: 3 };
    assert!(
        matches!(&explained.holds[..], [Hold::Paced { .. }, hold, other] if (hold, other) == (&busy, &behind))
    );
    world.end(session, first.attempt, Outcome::FileTransferFailure);
    let until_us = world.now_us + HOUR_US / 4;
    let waiting = world.explain(ANN, 1, device(0));
    assert_eq!(waiting.holds, [Hold::RetryBackoff { until_us }]);
    assert!(waiting.predicted_release_us >= Some(until_us));
    // The one unit that is left may go only when the day is half over from here.
    let paced_us = start("2026-06-01") + 18 * HOUR_US;
    assert_eq!(
        (waiting.ahead_count, waiting.earliest_us),
        (None, Some(paced_us))
    );
    world.until(start("2026-06-02") - 1);
    let explained = world.explain(ANN, 1, last);
    let until_us = start("2026-06-02");
    assert_eq!(
        explained.holds[0],
        Hold::SystemDailyCapacityUsed { until_us }
    );
    assert!(explained.predicted_release_us >= Some(until_us));
}

#[test]
fn no_release_is_predicted_before_a_backoff_ends() {
    let mut world = ready(noon("2026-06-01"), capacity(12_000));
    let admitted = world.submit(ANN, &manifest(2, LARGE), &[device(0)]);
    admitted.expect("admitted");
    let session = world.connect(NORTH);
    let attempt = world.offer().attempt;
    world.end(session, attempt, Outcome::HashMismatch);
    let until_us = world.now_us + HOUR_US;
    let explained = world.explain(ANN, 1, device(0));
    assert_eq!(explained.predicted_release_us, Some(until_us));
    for is_replayed in [false, true] {
        let of_batch = predicted(&mut world, ANN, 1);
        assert_eq!(of_batch.release_us, until_us);
        assert!(of_batch.completion_us > until_us);
        if !is_replayed {
            world.crash();
        }
    }
    world.pass(2 * HOUR_US);
    let of_batch = predicted(&mut world, ANN, 1);
    assert_eq!(of_batch.release_us, world.now_us, "the backoff is over");
}

#[test]
fn what_is_parked_under_way_or_ended_says_so() {
    let mut world = ready(noon("2026-06-01"), capacity(1_000));
    let image = manifest(2, LARGE);
    world
        .submit_for((ANN, &image), &devices(0..2), date("2026-06-03"))
        .expect("parked");
    let parked = world.explain(ANN, 1, device(0));
    let until_us = start("2026-06-03");
    assert_eq!(parked.holds, [Hold::ServiceDayNotStarted { until_us }]);
    assert_eq!(
        (parked.earliest_us, parked.due_us),
        (Some(until_us), until_us + 120 * HOUR_US)
    );
    world.submit(ANN, &image, &[device(5)]).expect("admitted");
    let session = world.connect(NORTH);
    let offer = world.offer();
    let under_way = world.explain(ANN, 2, device(5));
    let until_us = offer.answer_by_us;
    assert_eq!(under_way.holds, [Hold::AttemptUnderWay { until_us }]);
    assert_eq!(
        (under_way.earliest_us, under_way.predicted_release_us),
        (None, None)
    );
    world.end(session, offer.attempt, Outcome::Success);
    let done = world.explain(ANN, 2, device(5));
    assert_eq!(done.activation.state, ActivationState::Succeeded);
    assert!(done.holds.is_empty() && done.predicted_release_us.is_none());
}

fn trt_of(user: Option<Eui64>) -> Request {
    Request::Report(ReportRequest::of(ReportKind::Trt, user))
}

#[test]
fn reports_count_what_has_ended_and_when() {
    let mut world = ready(start("2026-06-01"), capacity(2));
    let image = manifest(2, LARGE);
    world
        .submit(ANN, &image, &devices(0..13))
        .expect("admitted");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.pass(10 * DAY_US);
    let Ok(dco_engine::Reply::Trt(rows)) = world.ask(trt_of(None)) else {
        panic!("no report");
    };
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (
            rows[0].activations,
            rows[0].ended_within_trt,
            rows[0].ended_late
        ),
        (13, 11, 2)
    );
    let success = ReportKind::Success(std::collections::BTreeSet::new());
    let asked = Request::Report(ReportRequest::of(success, Some(ANN)));
    let Ok(dco_engine::Reply::SuccessReport(rows)) = world.ask(asked) else {
        panic!("no report");
    };
    assert_eq!(
        (rows[0].succeeded, rows[0].attempts, rows[0].open),
        (13, 13, 0)
    );
    let of_bob = world.ask(trt_of(Some(BOB)));
    assert!(matches!(of_bob, Ok(dco_engine::Reply::Trt(rows)) if rows.is_empty()));
    let limit = 3;
    let before = Some(date("2026-06-05"));
    let Ok(dco_engine::Reply::ServiceDays(days)) =
        world.ask(Request::ListServiceDays { before, limit })
    else {
        panic!("no days");
    };
    let dates: Vec<_> = days.iter().map(|day| day.day.date.to_string()).collect();
    assert_eq!(dates, ["2026-06-04", "2026-06-03", "2026-06-02"]);
}

#[test]
fn no_time_is_too_early_or_too_late() {
    let last = Calendar::london().day(date("9998-12-31"));
    for now_us in [Micros::MIN, -1, 0, last.end_us - 1, last.end_us] {
        let mut world = ready(now_us, capacity(100));
        let admitted = world.submit(ANN, &manifest(2, LARGE), &devices(0..10));
        admitted.expect("admitted");
        world.explain(ANN, 1, device(3));
        let session = world.connect(NORTH);
        world.pass(0);
        for offer in world.offers() {
            world.end(session, offer.attempt, Outcome::NoAnswer);
        }
        world.handle(Event::Tick);
        let wakeup_us = world.engine.next_wakeup();
        assert!(wakeup_us.is_none_or(|at_us| at_us >= now_us));
        world.crash();
    }
}

#[test]
fn at_the_end_of_time_everything_is_due() {
    for now_us in [Micros::MAX - 1, Micros::MAX] {
        let mut world = World::at(now_us, capacity(100));
        world.register(&devices(0..5), ANN, NORTH);
        let image = manifest(2, LARGE);
        world.open(ANN, &image, &devices(0..5)).expect("opened");
        world.connect(NORTH);
        world.disconnect(NORTH);
        world.until(Micros::MAX);
        assert_eq!(world.transfer(ANN, 1).state, TransferState::Expired);
        assert_eq!(world.engine.next_wakeup(), None);
        world.crash();
    }
}

#[test]
fn trt_is_reported_by_user_and_month_with_success_apart() {
    let mut world = ready(start("2026-06-01"), capacity(100));
    let image = manifest(2, LARGE);
    let july = date("2026-07-01");
    world.submit(ANN, &image, &devices(0..3)).expect("admitted");
    world
        .submit_for((ANN, &image), &devices(3..5), july)
        .expect("admitted");
    world.connect(NORTH);
    world.pass(HOUR_US);
    let session = world.offered[0].0;
    for (offer, outcome) in world
        .offers()
        .iter()
        .zip([Outcome::Success, Outcome::HardwareVersionMismatch])
    {
        world.end(session, offer.attempt, outcome);
    }
    let Ok(dco_engine::Reply::Trt(rows)) = world.ask(trt_of(None)) else {
        panic!("no report");
    };
    let row = |it: &dco_engine::TrtRow| {
        let ended = (it.ended_within_trt, it.succeeded, it.failed);
        (it.month.clone(), it.activations, ended, it.open_within_trt)
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    let expected = [
        ("2026-06".to_owned(), 3, (2, 1, 1), 1),
        ("2026-07".to_owned(), 2, (0, 0, 0), 2),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_list_predicts_each_batch_as_it_is_predicted_by_itself() {
    let mut world = ready(noon("2026-06-01"), capacity(7));
    let days = ["2026-06-01", "2026-06-03", "2026-06-02"];
    for (from, day) in (0..).step_by(5).zip(days) {
        for (user, first) in [(ANN, 0), (BOB, 1_000)] {
            let part = devices(first + from..first + from + 5);
            let sent = world.submit_for((user, &manifest(2, LARGE)), &part, date(day));
            sent.expect("admitted");
        }
    }
    world.habit = Some(succeed);
    world.connect(NORTH);
    for _ in 0..5 {
        world.pass(12 * HOUR_US);
        for user in [ANN, BOB] {
            let (before, limit) = (None, 100);
            let page = dco_engine::Page {
                user,
                before,
                limit,
            };
            let Ok(dco_engine::Reply::Batches(rows)) = world.ask(Request::ListBatches(page)) else {
                panic!("no list");
            };
            assert_eq!(rows.len(), 3);
            for row in rows {
                let alone = world.batch(user, row.number.expect("it has one"));
                assert_eq!(row.predicted, alone.predicted);
                assert_eq!(row.predicted.is_some(), alone.counts.open() > 0);
            }
        }
    }
}
