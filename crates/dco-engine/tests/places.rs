//! Places at a gateway: neither kind of image waits for all of the other to end.

use dco_engine::{HOUR_US, Hello, Hold, Outcome, SECOND_US, Session, Terms};

use crate::sample::{ANN, LARGE, NORTH, SMALL, capacity, device, devices, manifest, start};
use crate::world::{World, hello};

/// Ann has 300 Devices in the north, 0 to 149 for a large image and the others for a small one.
fn ready(terms: Terms) -> World {
    let mut world = World::at(start("2026-06-01"), terms);
    world.register(&devices(0..300), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..150));
    world.store(ANN, &manifest(3, SMALL), &devices(150..300));
    world
}

fn send_large(world: &mut World) {
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..150))
        .expect("admitted");
}

fn send_small(world: &mut World) {
    world
        .submit(ANN, &manifest(3, SMALL), &devices(150..300))
        .expect("admitted");
}

fn connect(world: &mut World, concurrency: u32) -> Session {
    let hello = Hello {
        concurrency,
        ..hello("first")
    };
    world.hello(NORTH, hello)
}

/// Large and small attempts among what has been offered since last asked.
fn offered(world: &mut World) -> (usize, usize) {
    let offers = world.offers();
    let large = offers.iter().filter(|it| it.manifest.is_large()).count();
    (large, offers.len() - large)
}

/// Of so many places: how many one kind takes at most, and how many are kept for the other.
const PLACES: [(u32, usize, usize); 8] = [
    (0, 0, 0),
    (1, 1, 0),
    (2, 1, 1),
    (3, 2, 1),
    (7, 6, 1),
    (8, 6, 2),
    (16, 12, 4),
    (103, 78, 25),
];

#[test]
fn small_images_do_not_wait_for_large_ones_to_end() {
    for (places, at_most, kept) in PLACES {
        let mut world = ready(capacity(1_000_000));
        send_large(&mut world);
        connect(&mut world, places);
        world.pass(HOUR_US);
        assert_eq!(offered(&mut world), (at_most, 0), "of {places}");
        send_small(&mut world);
        assert_eq!(offered(&mut world), (0, kept), "of {places}");
    }
}

#[test]
fn large_images_do_not_wait_for_small_ones_to_end() {
    for (places, at_most, kept) in PLACES {
        let mut world = ready(capacity(1_000_000));
        send_small(&mut world);
        connect(&mut world, places);
        world.pass(HOUR_US);
        assert_eq!(offered(&mut world), (0, at_most), "of {places}");
        send_large(&mut world);
        world.pass(60 * SECOND_US);
        assert_eq!(offered(&mut world), (kept, 0), "of {places}");
    }
}

#[test]
fn a_place_for_either_goes_to_the_small() {
    let mut world = ready(capacity(1_000_000));
    send_large(&mut world);
    let session = connect(&mut world, 8);
    world.pass(HOUR_US);
    let large = world.offers();
    assert_eq!(large.len(), 6);
    send_small(&mut world);
    assert_eq!(offered(&mut world), (0, 2));
    for (ended, offer) in large.iter().enumerate() {
        world.end(session, offer.attempt, Outcome::Success);
        world.pass(60 * SECOND_US);
        let expected = if ended < 4 { (0, 1) } else { (1, 0) };
        assert_eq!(offered(&mut world), expected, "after {ended} more");
    }
}

#[test]
fn places_are_the_same_after_a_restart() {
    let mut world = ready(capacity(1_000_000));
    send_large(&mut world);
    connect(&mut world, 8);
    world.pass(HOUR_US);
    world.offers();
    world.crash();
    connect(&mut world, 8);
    world.pass(60 * SECOND_US);
    assert_eq!(offered(&mut world), (6, 0), "the same again, and no more");
    send_small(&mut world);
    assert_eq!(offered(&mut world), (0, 2));
}

#[test]
fn the_engines_own_bound_on_a_gateway_holds_too() {
    let mut terms = capacity(1_000_000);
    terms.attempt.per_gateway_max = 4;
    let mut world = ready(terms);
    send_large(&mut world);
    send_small(&mut world);
    connect(&mut world, 1_000);
    world.pass(HOUR_US);
    assert_eq!(offered(&mut world), (1, 3), "small ones first");
}

#[test]
fn a_gateway_is_busy_for_the_kind_that_has_no_place() {
    let mut world = ready(capacity(1_000_000));
    send_large(&mut world);
    connect(&mut world, 8);
    world.pass(HOUR_US);
    let holds = world.explain(ANN, 1, device(149)).holds;
    let busy = Hold::GatewayBusy {
        gateway: NORTH,
        attempt_count: 6,
    };
    assert!(holds.contains(&busy), "{holds:?}");
}
