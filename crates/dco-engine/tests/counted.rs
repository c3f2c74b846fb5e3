//! The counts behind the metrics, and what is predicted for what is under way.

use dco_engine::{
    CapacityReportDay, HOUR_US, Hold, Outcome, REPORT_DAYS_MAX, Reply, ReportDays, ReportKind,
    ReportRequest, Request, SubmitBatch, Terms, Verdict,
};
use dco_schedule::HourWindow;

use crate::sample::{
    ANN, DAY_US, LARGE, NORTH, SMALL, SOUTH, capacity, date, device, devices, in_blocks_of,
    manifest, noon,
};
use crate::schedules::all_agreeable;
use crate::world::World;
use crate::world::schedules::deal;

/// Ann has Devices 0 to 19 and two images for them.
fn ready() -> World {
    ready_with(capacity(100))
}

fn ready_with(terms: Terms) -> World {
    let mut world = World::new(terms);
    world.register(&devices(0..20), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..20));
    world.store(ANN, &manifest(3, SMALL), &devices(0..20));
    world
}

#[test]
fn each_count_is_of_what_it_says() {
    let mut world = ready();
    let receiving = manifest(4, LARGE);
    world.open(ANN, &receiving, &[device(0)]).expect("opened");
    let verifying = in_blocks_of(&manifest(5, SMALL), 750_000);
    world.open(ANN, &verifying, &[device(0)]).expect("opened");
    let owner = world.owner(ANN, 4);
    world.block(owner, 0);
    world.connect(NORTH);
    world.connect(SOUTH);
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..2))
        .expect("admitted");
    let stats = world.engine.stats();
    let transfers = (stats.transfers_receiving, stats.transfers_verifying);
    assert_eq!(transfers, (1, 1));
    assert_eq!((stats.images_stored, stats.images_quarantined), (2, 0));
    assert_eq!((stats.devices, stats.gateways_connected), (20, 2));
    assert_eq!((stats.attempts_under_way, stats.batches_trt_near), (2, 0));
    world.verified(owner, Verdict::Good);
    let stored = world.store(ANN, &manifest(6, SMALL), &[device(0)]);
    world.damaged(stored, 0);
    world.disconnect(SOUTH);
    let stats = world.engine.stats();
    let transfers = (stats.transfers_receiving, stats.transfers_verifying);
    assert_eq!(transfers, (1, 0));
    assert_eq!((stats.images_stored, stats.images_quarantined), (4, 1));
    assert_eq!(stats.gateways_connected, 1);
}

#[test]
fn a_transfer_that_asks_for_a_block_again_expires_as_any_other() {
    let mut world = ready();
    let image = manifest(4, SMALL);
    world.open(ANN, &image, &[device(0)]).expect("opened");
    let owner = world.owner(ANN, 3);
    (0..image.block_count()).for_each(|index| world.block(owner, index));
    world.verified(owner, Verdict::Damaged { index: 0 });
    assert_eq!(world.transfer(ANN, 3).state.to_string(), "RECEIVING");
    let expire_us = world.transfer(ANN, 3).expire_us;
    world.until(expire_us);
    assert_eq!(world.transfer(ANN, 3).state.to_string(), "EXPIRED");
}

#[test]
fn the_last_of_a_batch_is_predicted_for_the_end_and_the_first_for_the_beginning() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..20))
        .expect("admitted");
    world.connect(NORTH);
    world.pass(HOUR_US);
    let batch = world.batch(ANN, 1).predicted.expect("it waits");
    let waiting = (0..20).map(device).filter(|device| {
        let explained = world.explain(ANN, 1, *device);
        explained.predicted_release_us.is_some()
    });
    let waiting: Vec<_> = waiting.collect();
    assert!(waiting.len() > 2, "{waiting:?}");
    let mut at = |device| world.explain(ANN, 1, device).predicted_release_us;
    let each: Vec<_> = waiting.iter().map(|device| at(*device)).collect();
    assert!(each.is_sorted_by(|one, next| one < next), "{each:?}");
    assert_eq!(each.last(), Some(&Some(batch.release_us)));
}

#[test]
fn once_all_have_left_the_last_release_is_the_one_that_was() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..2))
        .expect("admitted");
    world.connect(NORTH);
    let released_us = world.now_us;
    world.pass(HOUR_US / 60);
    let predicted = world.batch(ANN, 1).predicted.expect("they are under way");
    assert_eq!(predicted.release_us, released_us);
    assert!(predicted.completion_us > world.now_us);
}

#[test]
fn what_is_tried_again_is_not_predicted_for_before() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..1))
        .expect("admitted");
    let session = world.connect(NORTH);
    let attempt = world.offer().attempt;
    world.end(session, attempt, Outcome::FileTransferFailure);
    let explained = world.explain(ANN, 1, device(0));
    let Hold::RetryBackoff { until_us } = explained.holds[0] else {
        panic!("{:?}", explained.holds);
    };
    assert!(until_us > world.now_us);
    assert_eq!(explained.predicted_release_us, Some(until_us));
}

#[test]
fn devices_that_fail_together_are_not_tried_again_together() {
    let mut terms = capacity(100);
    terms.retry.jitter_percent = 50;
    let mut world = ready_with(terms);
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..4))
        .expect("admitted");
    let session = world.connect(NORTH);
    for offer in world.offers() {
        world.end(session, offer.attempt, Outcome::FileTransferFailure);
    }
    let mut waits: Vec<_> = (0..4)
        .map(|at| world.explain(ANN, 1, device(at)).holds[0].clone())
        .map(|hold| match hold {
            Hold::RetryBackoff { until_us } => until_us,
            other => panic!("{other:?}"),
        })
        .collect();
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 4);
}

fn days(world: &mut World) -> ReportDays<CapacityReportDay> {
    let asked = ReportRequest::of(ReportKind::Capacity, None);
    match world.ask(Request::Report(asked)) {
        Ok(Reply::CapacityReport(report)) => report,
        other => panic!("no report: {other:?}"),
    }
}

#[test]
fn a_report_has_the_newest_days_and_says_that_it_has_not_all() {
    let mut world = World::new(capacity(100));
    world.next_day();
    let first = days(&mut world);
    assert_eq!(first.days[0].all.refunded, Some(0));
    let more = REPORT_DAYS_MAX - first.days.len();
    (0..more).for_each(|_| world.next_day());
    let full = days(&mut world);
    assert_eq!((full.days.len(), full.is_cut), (REPORT_DAYS_MAX, false));
    world.next_day();
    let cut = days(&mut world);
    assert_eq!((cut.days.len(), cut.is_cut), (REPORT_DAYS_MAX, true));
    assert_eq!(cut.days[0].day, full.days[1].day, "the oldest is left out");
}

#[test]
fn days_that_the_service_did_not_see_are_in_the_report_with_what_was_sent_for_them() {
    let mut world = ready();
    for (range, day) in [(0..5, "2026-06-02"), (5..12, "2026-06-03")] {
        world
            .submit_for((ANN, &manifest(2, LARGE)), &devices(range), date(day))
            .expect("admitted");
    }
    world.crash();
    world.now_us += 3 * DAY_US;
    world.pass(0);
    let report = days(&mut world);
    let counts = |day: &CapacityReportDay| {
        let lost = day.lost.map(|lost| (lost.without_work, lost.with_work));
        (day.day.date, day.all.sent, day.capacity, lost)
    };
    let found: Vec<_> = report.days.iter().map(counts).collect();
    assert_eq!(
        found[1..],
        [
            (date("2026-06-02"), 5, 100, Some((0, 100))),
            (date("2026-06-03"), 7, 100, Some((0, 100))),
            (date("2026-06-04"), 0, 100, None),
        ]
    );
}

#[test]
fn what_waited_for_its_execution_time_says_nothing_of_how_long_others_take() {
    let mut world = ready();
    let expected = |world: &mut World, number| {
        let predicted = world.batch(ANN, number).predicted.expect("it waits");
        predicted.completion_us - predicted.release_us
    };
    let image = manifest(3, SMALL);
    let dated = SubmitBatch {
        execute_us: Some(world.now_us + 3 * DAY_US),
        ..world.batch_of(ANN, &image, &devices(0..1))
    };
    world.submit_this(&dated).expect("admitted");
    let session = world.connect(NORTH);
    let attempt = world.offer().attempt;
    world.pass(3 * DAY_US + HOUR_US);
    world.end(session, attempt, Outcome::Success);
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 1);
    world.disconnect(NORTH);
    world.submit(ANN, &image, &devices(1..2)).expect("admitted");
    assert!(expected(&mut world, 2) <= 2 * HOUR_US);
}

#[test]
fn the_end_of_what_has_left_is_predicted_from_when_it_left() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..2))
        .expect("admitted");
    world.connect(NORTH);
    let at = |world: &mut World| world.batch(ANN, 1).predicted.expect("under way");
    let first = at(&mut world);
    world.pass(HOUR_US / 4);
    assert_eq!(at(&mut world), first);
    world.until(first.completion_us + HOUR_US / 4);
    assert!(at(&mut world).completion_us >= world.now_us);
}

/// From one to three o'clock; the first attempt fails when the window is about to close.
#[test]
fn what_is_tried_again_is_predicted_for_its_hours() {
    let terms = Terms {
        capacity_per_day: 480,
        ..all_agreeable()
    };
    let mut world = ready_with(terms);
    let mut agreed = deal(&[("2026-06-03", 16), ("2026-06-04", 16)]);
    agreed.terms.window = HourWindow::new(1, 3).ok();
    world.agreed(ANN, agreed);
    world
        .submit_for(
            (ANN, &manifest(2, LARGE)),
            &devices(0..1),
            date("2026-06-03"),
        )
        .expect("agreed");
    let session = world.connect(NORTH);
    let day_us = noon("2026-06-03") - 12 * HOUR_US;
    world.until(day_us + 3 * HOUR_US - HOUR_US / 6);
    let attempt = world.offer().attempt;
    world.end(session, attempt, Outcome::FileTransferFailure);
    let explained = world.explain(ANN, 1, device(0));
    let next_us = day_us + 25 * HOUR_US;
    assert_eq!(explained.predicted_release_us, Some(next_us));
    let batch = world.batch(ANN, 1).predicted.expect("it waits");
    assert_eq!(batch.release_us, next_us);
    world.until(next_us);
    assert_eq!(world.offers().len(), 1);
}
