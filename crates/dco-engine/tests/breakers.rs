//! A gateway through which attempts fail is left alone, and its capacity goes to the others.

use dco_engine::{
    ActivationState, BreakerTerms, GatewayView, HOUR_US, Hold, Outcome, Reply, Report, Request,
    SECOND_US, Terms,
};
use dco_schedule::Micros;

use crate::sample::{ANN, BOB, NORTH, SMALL, SOUTH, capacity, device, devices, manifest};
use crate::world::{World, ended, hello};

const WAIT_US: Micros = 600 * SECOND_US;

fn breaking() -> Terms {
    Terms {
        breaker: Some(BreakerTerms {
            failures: 3,
            probe_after_us: WAIT_US,
        }),
        ..capacity(1_000)
    }
}

/// Ann's Devices 0 to 29 are behind the northern gateway, Bob's 40 to 49 behind the southern; four at a time.
fn ready(terms: Terms) -> World {
    let mut world = World::new(terms);
    world.register(&devices(0..30), ANN, NORTH);
    world.register(&devices(40..50), BOB, SOUTH);
    let image = manifest(3, SMALL);
    for (user, of) in [(ANN, 0..30), (BOB, 40..50)] {
        world.store(user, &image, &devices(of.clone()));
        world.submit(user, &image, &devices(of)).expect("admitted");
    }
    connect(&mut world);
    world
}

fn connect(world: &mut World) {
    let mut few = hello("first");
    few.concurrency = 4;
    world.hello(NORTH, few);
}

/// Ends the first attempt on offer so.
fn end(world: &mut World, outcome: Outcome) {
    let (session, offer) = world.offered.remove(0);
    world.report(session, offer.attempt, Report::Ended(ended(outcome)));
}

fn north(world: &mut World) -> GatewayView {
    let Ok(Reply::Gateways(gateways)) = world.ask(Request::ListGateways) else {
        panic!("no gateways");
    };
    let north = gateways.into_iter().find(|it| it.gateway == NORTH);
    north.expect("it has been seen")
}

#[test]
fn it_opens_after_failures_in_a_row_and_only_what_the_gateway_did_counts() {
    let mut world = ready(breaking());
    assert_eq!(world.offered.len(), 3, "a quarter is kept for large images");
    end(&mut world, Outcome::Declined);
    end(&mut world, Outcome::Unknown);
    end(&mut world, Outcome::HashMismatch);
    assert_eq!(
        north(&mut world).failures,
        0,
        "the gateway has done its part"
    );
    assert_eq!(world.offered.len(), 3);
    for outcome in [Outcome::Declined, Outcome::DeviceNotReachable] {
        end(&mut world, outcome);
        assert_eq!(north(&mut world).probe_us, None);
    }
    end(&mut world, Outcome::NoProgress);
    assert_eq!(north(&mut world).probe_us, Some(world.now_us + WAIT_US));
    assert_eq!(world.engine.stats().gateways_failing, 1);
    let left = world.offered.len();
    world.pass(WAIT_US - 1);
    assert_eq!(world.offered.len(), left, "nothing goes there");
    let hold = world.explain(ANN, 1, device(29)).holds;
    let until_us = north(&mut world).probe_us;
    assert!(until_us.is_some(), "it is open");
    let gateway = NORTH;
    assert_eq!(hold[0], Hold::GatewayFailing { gateway, until_us });
}

fn opened() -> World {
    let mut world = ready(breaking());
    for _ in 0..3 {
        end(&mut world, Outcome::Declined);
    }
    // What took their places was on its way before the third one failed.
    while !world.offered.is_empty() {
        end(&mut world, Outcome::Declined);
    }
    assert_eq!(north(&mut world).attempt_count, 0);
    world
}

#[test]
fn one_attempt_tries_it_and_if_that_fails_it_waits_again() {
    let mut world = opened();
    for _ in 0..3 {
        let probe_us = north(&mut world).probe_us.expect("open");
        world.until(probe_us);
        assert_eq!(world.offered.len(), 1, "one tries it");
        world.pass(SECOND_US);
        assert_eq!(world.offered.len(), 1, "and only one");
        end(&mut world, Outcome::Declined);
        assert_eq!(north(&mut world).probe_us, Some(world.now_us + WAIT_US));
    }
}

#[test]
fn it_closes_when_an_attempt_comes_through() {
    let mut world = opened();
    world.pass(WAIT_US);
    end(&mut world, Outcome::HashMismatch);
    assert_eq!(north(&mut world).probe_us, None);
    assert_eq!(world.offered.len(), 3, "all its places are used again");
    assert_eq!(world.engine.stats().gateways_failing, 0);
}

#[test]
fn the_others_go_on_and_get_its_share() {
    let mut world = opened();
    world.connect(SOUTH);
    assert_eq!(world.batch(BOB, 1).counts.released, 10);
    assert_eq!(world.batch(ANN, 1).counts.released, 0);
}

#[test]
fn it_stays_open_over_a_restart_and_closes_when_there_is_no_rule() {
    let mut world = opened();
    let open = north(&mut world);
    world.crash();
    connect(&mut world);
    assert_eq!(north(&mut world).probe_us, open.probe_us);
    assert!(world.offered.is_empty());
    world.restart_with(capacity(1_000));
    connect(&mut world);
    assert_eq!(north(&mut world).probe_us, None);
    world.pass(HOUR_US);
    assert!(!world.offered.is_empty());
}

/// Three attempts are on their way when the fourth opens the breaker: one that its gateway has in hand goes on, those that it never got go
/// back into line, and only the one that tries it is offered again.
#[test]
fn at_a_hello_it_is_offered_nothing_again_but_what_tries_it() {
    let mut world = ready(breaking());
    for _ in 0..3 {
        end(&mut world, Outcome::Declined);
    }
    let waiting: Vec<_> = world
        .offered
        .drain(..)
        .map(|(_, offer)| offer.attempt)
        .collect();
    assert_eq!(waiting.len(), 2, "they left before it opened");
    assert_eq!(north(&mut world).attempt_count, 2);
    let mut again = hello("first");
    again.concurrency = 4;
    again.attempts = vec![waiting[0]];
    world.disconnect(NORTH);
    world.hello(NORTH, again);
    assert!(world.offered.is_empty(), "nothing is offered again");
    let view = north(&mut world);
    assert_eq!(
        (view.attempt_count, view.failures),
        (1, 3),
        "one is in hand"
    );
    assert!(view.probe_us.is_some());
    world.pass(1);
    let counts = world.batch(ANN, 1).counts;
    assert_eq!(counts.released, 1);
    assert_eq!(counts.queued, 26, "it is in line again at once");
    // The one that tries it is under way there: never got, it is offered again.
    let mut empty = hello("first");
    empty.concurrency = 4;
    world.disconnect(NORTH);
    world.hello(NORTH, empty.clone());
    assert_eq!(north(&mut world).attempt_count, 0);
    world.pass(WAIT_US);
    assert_eq!(world.offered.len(), 1, "one tries it");
    let tries = world.offered.remove(0).1.attempt;
    world.disconnect(NORTH);
    world.hello(NORTH, empty);
    let again: Vec<_> = world
        .offered
        .iter()
        .map(|(_, offer)| offer.attempt)
        .collect();
    assert_eq!(again, [tries], "the same attempt");
}

#[test]
fn nobody_knows_when_what_waits_behind_it_leaves() {
    let mut world = opened();
    let waits = (0..30).map(device);
    let waits: Vec<_> = waits
        .filter(|it| world.activation(ANN, 1, *it).state == ActivationState::Queued)
        .collect();
    assert!(!waits.is_empty());
    for device in waits {
        let explained = world.explain(ANN, 1, device);
        assert_eq!(explained.predicted_release_us, None, "{explained:?}");
    }
}
