//! Capacity that nobody has ready work for is lent to parked work of schedules that run ahead.

use dco_engine::{AttemptEnd, HOUR_US, Outcome, Reply, Report, Request, ScheduleRequest, Scope};
use dco_schedule::DayCapacity;

use crate::sample::{ANN, BOB, LARGE, NORTH, SOUTH, date, device, devices, manifest, noon};
use crate::schedules::all_agreeable;
use crate::world::schedules::deal;
use crate::world::{World, ended, succeed};

/// Ann has agreed 90 units of 2026-06-05 and sent all of it; the day before, of 100 units, has begun. Bob has Devices of his own.
fn ready(run_ahead: bool) -> World {
    let mut world = World::at(noon("2026-06-01"), all_agreeable());
    world.register(&devices(0..150), ANN, NORTH);
    world.register(&devices(200..400), BOB, SOUTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..150));
    world.store(BOB, &manifest(2, LARGE), &devices(200..400));
    let mut agreed = deal(&[("2026-06-05", 90)]);
    agreed.terms.run_ahead = run_ahead;
    world.agreed(ANN, agreed);
    world.until(noon("2026-06-04") - 12 * HOUR_US);
    let day = date("2026-06-05");
    world
        .submit_for((ANN, &manifest(2, LARGE)), &devices(0..90), day)
        .expect("agreed");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.connect(SOUTH);
    world
}

fn day(world: &mut World, day: &str) -> DayCapacity {
    let (first, last) = (Some(date(day)), Some(date(day)));
    let request = ScheduleRequest::GetCapacity {
        user: None,
        first,
        last,
    };
    match world.ask(Request::Schedules(request)) {
        Ok(Reply::Capacity(days)) => days[0],
        other => panic!("no capacity: {other:?}"),
    }
}

#[test]
fn what_nobody_needs_is_lent_and_recorded() {
    let mut world = ready(true);
    world.rest_of_day();
    let today = day(&mut world, "2026-06-04");
    assert_eq!((today.used, today.lent), (90, 90));
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 90);
    world.next_day();
    world.rest_of_day();
    let next = day(&mut world, "2026-06-05");
    assert_eq!((next.used, next.lent), (0, 0), "no unit is charged twice");
}

/// 90 of the 100 units of the day before: nobody else wants them.
#[test]
fn what_may_run_ahead_is_explained_and_predicted_so() {
    let mut world = ready(true);
    let day_us = noon("2026-06-05") - 12 * HOUR_US;
    let said = world.explain(ANN, 1, device(89));
    let predicted_us = said.predicted_release_us.expect("it waits");
    assert_eq!(
        said.earliest_us,
        world.engine.next_wakeup(),
        "the burst is gone"
    );
    assert!(predicted_us < day_us, "before its day");
    let of_batch = world.batch(ANN, 1).predicted.map(|it| it.release_us);
    assert_eq!(of_batch, Some(predicted_us));
    world.rest_of_day();
    let was_us = world.activation(ANN, 1, device(89)).released_us;
    let off_us = was_us.expect("it left").abs_diff(predicted_us);
    assert!(off_us <= 1_000_000, "{off_us} us");

    let mut world = ready(false);
    let said = world.explain(ANN, 1, device(89));
    assert_eq!(said.earliest_us, Some(day_us));
    assert!(said.predicted_release_us >= Some(day_us));
}

#[test]
fn without_run_ahead_nothing_goes_before_its_day() {
    let mut world = ready(false);
    world.rest_of_day();
    assert_eq!(day(&mut world, "2026-06-04").used, 0);
    assert_eq!(world.batch(ANN, 1).counts.parked, 90);
}

#[test]
fn ready_work_of_others_goes_first_and_the_day_is_used_up() {
    let mut world = ready(true);
    world
        .submit(BOB, &manifest(2, LARGE), &devices(200..260))
        .expect("within the allowance");
    world.offered.clear();
    world.rest_of_day();
    let today = day(&mut world, "2026-06-04");
    assert_eq!(world.batch(BOB, 1).counts.succeeded, 60);
    assert_eq!((today.used, today.lent), (100, 40), "never over, none left");
    let first_lent = world.offered.iter().position(|(_, offer)| {
        let device = offer.attempt.activation.device;
        device.bits() < devices(200..201)[0].bits()
    });
    assert!(
        first_lent >= Some(56),
        "all but the burst of ready work before: {first_lent:?}"
    );
    world.next_day();
    world.rest_of_day();
    let next = day(&mut world, "2026-06-05");
    assert_eq!((next.used, next.lent), (50, 0), "the rest goes on its day");
}

#[test]
fn a_restart_and_a_snapshot_go_on_where_they_were() {
    for from_snapshot in [false, true] {
        let mut world = ready(true);
        world.pass(6 * HOUR_US);
        let before = day(&mut world, "2026-06-04").lent;
        assert!(before > 10, "{before}");
        world.start_from = from_snapshot.then_some(world.journal.len());
        world.crash();
        assert_eq!(day(&mut world, "2026-06-04").lent, before);
        world.connect(NORTH);
        world.rest_of_day();
        let today = day(&mut world, "2026-06-04");
        assert_eq!((today.used, today.lent), (90, 90));
    }
}

#[test]
fn what_is_given_back_is_lent_no_more_and_tried_again() {
    let mut world = ready(true);
    world.habit = Some(|_| {
        Some(Report::Ended(AttemptEnd {
            nothing_sent: true,
            ..ended(Outcome::DeviceNotReachable)
        }))
    });
    let before = day(&mut world, "2026-06-04");
    world.pass(HOUR_US);
    let today = day(&mut world, "2026-06-04");
    assert_eq!((today.used, today.lent), (before.used, before.lent));
    assert!(world.batch(ANN, 1).counts.retry_wait > 0);
}

#[test]
fn what_is_paused_cancelled_or_without_a_gateway_does_not_run_ahead() {
    let image = Scope::Image(manifest(2, LARGE).manufacturer_image_hash());
    for scope in [Scope::User(ANN), image, Scope::Gateway(NORTH)] {
        let mut world = ready(true);
        world.pause_of_part(scope).expect("paused");
        world.offered.clear();
        world.pass(3 * HOUR_US);
        assert_eq!(world.offered.len(), 0, "{scope}");
        world.resume_of_part(scope).expect("resumed");
        world.pass(3 * HOUR_US);
        assert!(world.offered.len() > 5, "{scope}");
    }
    let mut world = ready(true);
    world.disconnect(NORTH);
    world.offered.clear();
    world.pass(3 * HOUR_US);
    assert_eq!(world.offered.len(), 0);
    world.register(&[device(0)], ANN, SOUTH);
    world.pass(3 * HOUR_US);
    assert!(world.offered.len() <= 1, "the one that is elsewhere now");
    world.cancel_batch(ANN, 1);
    world.connect(NORTH);
    world.offered.clear();
    world.pass(3 * HOUR_US);
    assert_eq!(world.offered.len(), 0);
}
