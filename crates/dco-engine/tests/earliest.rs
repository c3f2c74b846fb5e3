//! The earliest release that an explanation names is not before anything that is known to keep it.

use std::num::NonZeroU32;

use dco_engine::{
    BreakerTerms, Explanation, HOUR_US, Hold, Outcome, Rate, SECOND_US, Scope, Terms,
};
use dco_schedule::{HourProfile, Span};

use crate::quotas::in_the_evening;
use crate::sample::{ANN, LARGE, NORTH, capacity, date, device, devices, manifest, noon, start};
use crate::schedules::all_agreeable;
use crate::world::schedules::deal;
use crate::world::{World, succeed};

/// Ann's Devices 0 to 9 have an image; it is noon of 2026-06-01.
fn ready(terms: Terms) -> World {
    let mut world = World::new(terms);
    world.register(&devices(0..10), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..10));
    world.connect(NORTH);
    world
}

fn send(world: &mut World, numbers: std::ops::Range<u64>, day: &str) {
    let image = manifest(2, LARGE);
    world
        .submit_for((ANN, &image), &devices(numbers), date(day))
        .expect("admitted");
}

/// What is said of Ann's first batch: nothing is expected before the earliest release.
fn said_of(world: &mut World, number: u64) -> Explanation {
    let said = world.explain(ANN, 1, device(number));
    if let Some(earliest_us) = said.earliest_us {
        assert!(said.predicted_release_us >= Some(earliest_us), "{said:?}");
    }
    said
}

#[test]
fn days_without_capacity_are_skipped() {
    let mut world = ready(capacity(2));
    world.habit = Some(succeed);
    send(&mut world, 0..4, "2026-06-01");
    for day in ["2026-06-02", "2026-06-03"] {
        world.set_capacity(Span::On(date(day)), 0).expect("it may");
    }
    world.rest_of_day();
    let said = said_of(&mut world, 3);
    let until_us = start("2026-06-04");
    let used = Hold::SystemDailyCapacityUsed { until_us };
    assert_eq!((said.earliest_us, &said.holds[0]), (Some(until_us), &used));
    world.until(noon("2026-06-03"));
    assert_eq!(said_of(&mut world, 3).earliest_us, Some(until_us));
    world.until(until_us);
    assert_eq!(world.batch(ANN, 1).counts.queued, 1, "and then one leaves");
}

#[test]
fn where_no_day_to_come_has_capacity_nothing_is_promised() {
    let mut world = ready(capacity(2));
    let from = Span::From(date("2026-06-01"));
    world.set_capacity(from, 0).expect("it may");
    send(&mut world, 0..4, "2026-06-01");
    let said = said_of(&mut world, 3);
    assert_eq!((said.earliest_us, said.predicted_release_us), (None, None));
}

#[test]
fn what_is_parked_waits_for_the_hours_of_its_schedule() {
    let mut world = ready(all_agreeable());
    world.agreed(ANN, in_the_evening());
    send(&mut world, 0..8, "2026-06-02");
    let opens_us = start("2026-06-02") + 20 * HOUR_US;
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(opens_us));
    world
        .set_capacity(Span::On(date("2026-06-02")), 0)
        .expect("it may");
    let next_us = start("2026-06-03") + 20 * HOUR_US;
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(next_us));
}

#[test]
fn hours_of_a_schedule_without_weight_let_nothing_go() {
    let mut world = ready(all_agreeable());
    world.agreed(ANN, in_the_evening());
    send(&mut world, 0..8, "2026-06-02");
    let mut weights = [1; 24];
    weights[20] = 0;
    let mut profile = world.setting(Span::From(date("2026-06-02")), 0);
    profile.capacity = None;
    profile.profile = HourProfile::new(weights).ok();
    world.set_this(&profile).expect("it may");
    let hour_us = start("2026-06-02") + 21 * HOUR_US;
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(hour_us), "parked");
    world.until(start("2026-06-02") + 20 * HOUR_US);
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(hour_us), "in line");
}

#[test]
fn another_attempt_waits_for_capacity_too() {
    let mut world = ready(capacity(1));
    send(&mut world, 0..1, "2026-06-01");
    let (session, offer) = world.offered[0].clone();
    world.end(session, offer.attempt, Outcome::FileTransferFailure);
    let next_us = start("2026-06-02");
    let said = said_of(&mut world, 0);
    assert!(matches!(said.holds[0], Hold::RetryBackoff { until_us } if until_us < next_us));
    assert_eq!(said.earliest_us, Some(next_us));
}

#[test]
fn what_may_run_ahead_waits_for_what_could_be_lent_to_it() {
    let ahead = |terms| {
        let mut world = ready(terms);
        let mut agreed = deal(&[("2026-06-03", 8)]);
        agreed.terms.run_ahead = true;
        world.agreed(ANN, agreed);
        world
            .set_capacity(Span::On(date("2026-06-01")), 0)
            .expect("it may");
        send(&mut world, 0..8, "2026-06-03");
        world
    };
    let mut world = ahead(all_agreeable());
    let (next_us, day_us) = (start("2026-06-02"), start("2026-06-03"));
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(next_us));
    world.disconnect(NORTH);
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(day_us));
    world.pause_of_part(Scope::Gateway(NORTH)).expect("paused");
    assert_eq!(said_of(&mut world, 0).earliest_us, None);

    let one = NonZeroU32::MIN;
    let mut world = ahead(Terms {
        gateway_rate: Rate::new(one, 20 * HOUR_US, one),
        ..all_agreeable()
    });
    let rate_us = noon("2026-06-01") + 20 * HOUR_US;
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(rate_us));
}

#[test]
fn while_a_failing_gateway_is_tried_nobody_knows() {
    let mut world = ready(Terms {
        breaker: Some(BreakerTerms {
            failures: 1,
            probe_after_us: 600 * SECOND_US,
        }),
        ..capacity(100_000)
    });
    send(&mut world, 0..1, "2026-06-01");
    let (session, offer) = world.offered[0].clone();
    world.end(session, offer.attempt, Outcome::NoProgress);
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(1..3)).expect("admitted");
    world.pass(600 * SECOND_US);
    assert_eq!(world.offered.len(), 2, "one tries it");
    let said = world.explain(ANN, 2, device(2));
    let failing = Hold::GatewayFailing {
        gateway: NORTH,
        until_us: None,
    };
    assert_eq!((said.earliest_us, &said.holds[0]), (None, &failing));
    assert_eq!(said.predicted_release_us, None);
}

#[test]
fn of_a_gateway_that_is_away_nothing_is_expected() {
    let mut world = ready(capacity(100_000));
    world.disconnect(NORTH);
    send(&mut world, 0..1, "2026-06-01");
    let said = said_of(&mut world, 0);
    assert_eq!((said.earliest_us, said.predicted_release_us), (None, None));
    world.connect(NORTH);
    assert_eq!(world.offered.len(), 1);
}

#[test]
fn who_is_behind_others_at_a_gateway_waits_for_its_rate_as_often() {
    let few = NonZeroU32::new(2).expect("two");
    let mut world = ready(Terms {
        gateway_rate: Rate::new(NonZeroU32::MIN, HOUR_US, few),
        ..capacity(100_000)
    });
    world.habit = Some(succeed);
    send(&mut world, 0..8, "2026-06-01");
    for number in 0..8 {
        let hours = i64::try_from(number).expect("few") + 1;
        let said = said_of(&mut world, number);
        let earliest_us = noon("2026-06-01") + hours * HOUR_US;
        assert_eq!(said.earliest_us, Some(earliest_us), "Device {number}");
        assert_eq!(said.predicted_release_us, Some(earliest_us));
    }
    world.until(noon("2026-06-01") + 8 * HOUR_US - 1);
    assert_eq!(world.batch(ANN, 1).counts.queued, 1);
    world.pass(1);
    assert_eq!(world.batch(ANN, 1).counts.queued, 0);
}
