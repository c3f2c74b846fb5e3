//! How fast attempts are released to one gateway.

use std::num::NonZeroU32;

use dco_engine::{Event, HOUR_US, Hold, Rate, Terms};
use dco_schedule::Micros;

use crate::sample::{ANN, LARGE, NORTH, SMALL, SOUTH, capacity, device, devices, manifest};
use crate::world::{World, succeed};

const MINUTE_US: Micros = HOUR_US / 60;

fn rate(per_hour: u32, burst: u32) -> Option<Rate> {
    let many = |count| NonZeroU32::new(count).expect("more than none");
    Rate::new(many(per_hour), HOUR_US, many(burst))
}

/// Ann has sent a small image to Devices 0 to 39 in the north and 50 to 89 in the south.
fn ready(gateway_rate: Option<Rate>) -> World {
    let mut world = World::new(Terms {
        gateway_rate,
        ..capacity(1_000)
    });
    world.register(&devices(0..40), ANN, NORTH);
    world.register(&devices(50..90), ANN, SOUTH);
    let image = manifest(3, SMALL);
    for of in [0..40, 50..90] {
        world.store(ANN, &image, &devices(of.clone()));
        world.submit(ANN, &image, &devices(of)).expect("admitted");
    }
    world.habit = Some(succeed);
    world
}

fn released(world: &mut World) -> (u32, u32) {
    let mut gone = |batch| 40 - world.batch(ANN, batch).counts.queued;
    (gone(1), gone(2))
}

#[test]
fn after_a_start_one_leaves_each_interval_and_a_rest_gives_the_burst_back() {
    let mut world = ready(rate(60, 5));
    world.connect(NORTH);
    assert_eq!(
        released(&mut world).0,
        0,
        "the burst may have been used before"
    );
    for minute in 1..=4 {
        world.pass(MINUTE_US);
        assert_eq!(released(&mut world).0, minute);
    }
    world.disconnect(NORTH);
    world.pass(HOUR_US);
    world.connect(NORTH);
    assert_eq!(released(&mut world).0, 9, "five at once");
    world.pass(MINUTE_US - 1);
    assert_eq!(released(&mut world).0, 9);
    world.pass(1);
    assert_eq!(released(&mut world).0, 10);
}

#[test]
fn a_limited_gateway_holds_up_no_other() {
    let mut world = ready(rate(60, 1));
    world.connect(NORTH);
    world.pass(10 * MINUTE_US);
    assert_eq!(released(&mut world), (10, 0));
    world.connect(SOUTH);
    world.pass(10 * MINUTE_US);
    let (north, south) = released(&mut world);
    assert_eq!(north, 20);
    assert!((10..=11).contains(&south), "{south}");
}

#[test]
fn it_is_asked_of_large_images_too_and_what_waits_says_so() {
    let mut world = World::new(Terms {
        gateway_rate: rate(6, 1),
        ..capacity(12_000)
    });
    world.register(&devices(0..9), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..9));
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..9))
        .expect("within the allowance");
    world.connect(NORTH);
    world.pass(10 * MINUTE_US);
    assert_eq!(world.offered.len(), 1);
    let until_us = world.now_us + 10 * MINUTE_US;
    let held = world.explain(ANN, 1, device(8));
    let gateway = NORTH;
    let expected = Hold::GatewayRateReached { gateway, until_us };
    assert!(held.holds.contains(&expected), "{:?}", held.holds);
    let after_seven_us = until_us + 70 * MINUTE_US;
    assert_eq!(held.earliest_us, Some(after_seven_us));
    let next = world.explain(ANN, 1, device(1));
    assert_eq!(next.earliest_us, Some(until_us));
    assert_eq!(world.engine.next_wakeup(), Some(until_us), "nobody polls");
    world.until(until_us);
    assert_eq!(world.offered.len(), 2);
}

#[test]
fn another_rate_holds_at_once_and_a_restart_never_lets_too_many_go() {
    let mut world = ready(rate(1, 1));
    world.connect(NORTH);
    world.pass(30 * MINUTE_US);
    assert_eq!(released(&mut world).0, 0);
    world.handle(Event::GatewayRateSet(rate(60, 5)));
    world.pass(3 * MINUTE_US);
    assert_eq!(released(&mut world).0, 3);
    // The same again changes nothing.
    world.handle(Event::GatewayRateSet(rate(60, 5)));
    world.pass(MINUTE_US);
    assert_eq!(released(&mut world).0, 4);
    world.terms.gateway_rate = rate(60, 5);
    for _ in 0..3 {
        world.crash();
        world.connect(NORTH);
        world.pass(MINUTE_US / 2);
    }
    assert_eq!(released(&mut world).0, 4, "no start gives a burst");
    world.handle(Event::GatewayRateSet(None));
    assert_eq!(released(&mut world).0, 40);
}
