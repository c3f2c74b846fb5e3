//! Gateways come, go and come back; the service stops and starts.

use dco_engine::{
    ActivationState, ActivationView, AttemptRef, Event, HOUR_US, Hello, Hold, Offer, Outcome,
    Report, Session, Stage, ToGateway,
};

use crate::sample::{ANN, DAY_US, LARGE, NORTH, SOUTH, capacity, device, devices, manifest, start};
use crate::world::{World, ended, hello};

/// Ann's Device 0 has an attempt on offer in the north; Devices 1 to 4 wait for the next ones.
fn on_offer() -> (World, Session, Offer) {
    let mut world = World::at(start("2026-06-01"), capacity(12_000));
    let image = manifest(2, LARGE);
    world.register(&devices(0..10), ANN, NORTH);
    world.store(ANN, &image, &devices(0..10));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    let session = world.connect(NORTH);
    let offer = world.offer();
    (world, session, offer)
}

fn view(world: &mut World) -> ActivationView {
    world.activation(ANN, 1, device(0))
}

fn in_hand(attempts: &[AttemptRef]) -> Hello {
    Hello {
        attempts: attempts.to_vec(),
        ..hello("first")
    }
}

fn with_outcome(memory_id: &str, attempt: AttemptRef, outcome: Outcome) -> Hello {
    Hello {
        outcomes: vec![(attempt, ended(outcome))],
        ..hello(memory_id)
    }
}

/// What one stream was told since the last look, in short.
fn told(world: &mut World, stream: Session) -> Vec<String> {
    let told = std::mem::take(&mut world.told);
    let to_it = told.into_iter().filter(|(session, _)| *session == stream);
    let short = to_it.map(|(_, message)| match message {
        ToGateway::Welcome { .. } => "welcome".to_owned(),
        ToGateway::Offer(offer) => format!("offer {}", offer.attempt.attempt),
        ToGateway::Noted(attempt) => format!("noted {}", attempt.attempt),
        ToGateway::Cancel(attempt) => format!("cancel {}", attempt.attempt),
        ToGateway::Withdrawn(attempt) => format!("withdrawn {}", attempt.attempt),
    });
    short.collect()
}

#[test]
fn an_attempt_in_hand_goes_on() {
    let (mut world, session, offer) = on_offer();
    world.report(session, offer.attempt, Report::Progress { blocks_done: 2 });
    world.disconnect(NORTH);
    assert_eq!(
        view(&mut world).state,
        ActivationState::Released(Stage::Unknown)
    );
    let holds = world.explain(ANN, 1, device(0)).holds;
    assert_eq!(holds[0], Hold::GatewayNotConnected { gateway: NORTH });
    world.pass(HOUR_US - 1);
    let session = world.hello(NORTH, in_hand(&[offer.attempt]));
    assert_eq!(told(&mut world, session), ["welcome"]);
    let stage = Stage::Transferring { blocks_done: 2 };
    assert_eq!(view(&mut world).state, ActivationState::Released(stage));
    world.end(session, offer.attempt, Outcome::Success);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
}

#[test]
fn an_outcome_that_was_not_noted_is_taken() {
    let (mut world, _, offer) = on_offer();
    world.disconnect(NORTH);
    let told_again = with_outcome("first", offer.attempt, Outcome::Success);
    let session = world.hello(NORTH, told_again.clone());
    assert_eq!(told(&mut world, session), ["welcome", "noted 1"]);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
    let records = world.journal.len();
    let session = world.hello(NORTH, told_again);
    assert_eq!(told(&mut world, session), ["welcome", "noted 1"]);
    assert_eq!(world.journal.len(), records);
}

#[test]
fn what_a_gateway_with_its_memory_does_not_have_is_offered_again() {
    let (mut world, _, offer) = on_offer();
    world.disconnect(NORTH);
    let session = world.hello(NORTH, hello("first"));
    let again = world.offer();
    assert_eq!(
        (again.attempt, again.answer_by_us),
        (offer.attempt, offer.answer_by_us)
    );
    assert_eq!(world.released_today(), 1, "no charge");
    assert_eq!(view(&mut world).attempt, 1);
    world.end(session, again.attempt, Outcome::Success);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
}

#[test]
fn what_is_offered_again_has_all_its_time_to_show_progress() {
    let (mut world, _, _) = on_offer();
    world.pass(HOUR_US);
    world.disconnect(NORTH);
    world.pass(HOUR_US - 1);
    world.hello(NORTH, hello("first"));
    world.pass(2 * HOUR_US - 1);
    assert_eq!(
        (view(&mut world).attempt, view(&mut world).outcome),
        (1, None)
    );
    world.pass(1);
    assert_eq!(view(&mut world).outcome, Some(Outcome::NoProgress));
}

#[test]
fn a_gateway_without_its_memory_leaves_the_fate_unknown() {
    let (mut world, _, offer) = on_offer();
    world.disconnect(NORTH);
    let session = world.hello(NORTH, hello("second"));
    assert_eq!(told(&mut world, session), ["welcome", "withdrawn 1"]);
    assert_eq!(view(&mut world).outcome, Some(Outcome::Unknown));
    assert_eq!(world.released_today(), 1, "it stays charged");
    world.pass(HOUR_US + 60_000_000);
    let second = world.offer();
    assert_eq!(
        (second.attempt.attempt, second.read_version_first),
        (2, true)
    );
    assert_eq!(world.released_today(), 2);
    world.end(session, offer.attempt, Outcome::Success);
    assert_eq!(
        view(&mut world).attempt,
        2,
        "the older one's report changes nothing"
    );
}

#[test]
fn a_new_memory_may_still_know_an_outcome() {
    let (mut world, _, offer) = on_offer();
    world.disconnect(NORTH);
    let known = with_outcome("second", offer.attempt, Outcome::Success);
    world.hello(NORTH, known);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
}

#[test]
fn a_journal_that_ends_while_a_memory_is_lost_offers_nothing_twice() {
    let (mut world, _, _) = on_offer();
    world.disconnect(NORTH);
    world.syncs = false;
    let before = world.journal.len();
    world.hello(NORTH, hello("second"));
    let after = world.journal.len();
    assert_eq!(after - before, 2, "the attempt's end and the memory");
    for cut in before..=after {
        let mut cut_off = World::at(world.now_us, world.terms.clone());
        cut_off.journal = world.journal[..cut].to_vec();
        cut_off.durable = cut;
        cut_off.blocks = world.blocks.clone();
        cut_off.crash();
        cut_off.hello(NORTH, hello("second"));
        cut_off.pass(2 * HOUR_US);
        let offers = cut_off.offers();
        assert_eq!(offers.len(), 1, "{cut}");
        assert_eq!(
            (offers[0].attempt.attempt, offers[0].read_version_first),
            (2, true)
        );
    }
}

#[test]
fn a_gateway_that_stays_away_leaves_the_fate_unknown() {
    let (mut world, _, offer) = on_offer();
    world.disconnect(NORTH);
    world.pass(HOUR_US - 1);
    assert_eq!(view(&mut world).outcome, None);
    world.pass(1);
    assert_eq!(view(&mut world).outcome, Some(Outcome::Unknown));
    world.pass(DAY_US);
    assert_eq!(
        world.offered.len(),
        1,
        "nothing goes to a gateway that is away"
    );
    let session = world.hello(NORTH, in_hand(&[offer.attempt]));
    let told = told(&mut world, session);
    assert_eq!(told[..2], ["welcome", "withdrawn 1"]);
    world.pass(HOUR_US);
    assert_eq!(world.offered.last().map(|it| it.1.attempt.attempt), Some(2));
}

#[test]
fn coming_back_in_time_stops_the_clock() {
    let (mut world, _, offer) = on_offer();
    for _ in 0..3 {
        world.disconnect(NORTH);
        world.pass(HOUR_US - 1);
        world.hello(NORTH, in_hand(&[offer.attempt]));
    }
    world.pass(2);
    assert_eq!(view(&mut world).outcome, None);
}

#[test]
fn the_newest_hello_fences_older_streams() {
    let (mut world, older, offer) = on_offer();
    let newer = world.hello(NORTH, in_hand(&[offer.attempt]));
    assert_eq!(world.closed, [older]);
    let before = view(&mut world);
    world.told.clear();
    world.end(older, offer.attempt, Outcome::Success);
    assert!(world.told.is_empty(), "nobody listens there");
    world.handle(Event::GatewayGone { session: older });
    assert_eq!(view(&mut world), before);
    world.end(newer, offer.attempt, Outcome::Success);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
}

#[test]
fn a_second_hello_on_one_stream_does_not_close_it() {
    let (mut world, session, offer) = on_offer();
    let gateway = NORTH;
    let hello = in_hand(&[offer.attempt]);
    world.handle(Event::GatewayHello {
        gateway,
        session,
        hello: hello.clone(),
    });
    assert!(world.closed.is_empty());
    let gateway = SOUTH;
    world.handle(Event::GatewayHello {
        gateway,
        session,
        hello,
    });
    assert_eq!(world.engine.stats().gateways_connected, 1);
    assert_eq!(
        view(&mut world).state,
        ActivationState::Released(Stage::Unknown)
    );
}

#[test]
fn nothing_is_offered_before_reconciliation() {
    let (mut world, _, offer) = on_offer();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(1..5))
        .expect("admitted");
    world.disconnect(NORTH);
    world.pass(HOUR_US / 2);
    let session = world.hello(
        NORTH,
        with_outcome("first", offer.attempt, Outcome::Success),
    );
    let told = told(&mut world, session);
    assert_eq!(told[..3], ["welcome", "noted 1", "offer 1"]);
}

#[test]
fn after_a_restart_the_same_attempt_goes_on() {
    let (mut world, _, offer) = on_offer();
    world.crash();
    assert_eq!(
        view(&mut world).state,
        ActivationState::Released(Stage::Unknown)
    );
    let session = world.hello(NORTH, in_hand(&[offer.attempt]));
    assert_eq!(told(&mut world, session), ["welcome"]);
    world.end(session, offer.attempt, Outcome::Success);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
    assert_eq!(world.released_today(), 1);
}

#[test]
fn after_a_restart_an_offer_that_never_left_is_made() {
    let (mut world, _, offer) = on_offer();
    world.crash();
    world.hello(NORTH, hello("first"));
    assert_eq!(world.offer().attempt, offer.attempt);
    assert_eq!(world.released_today(), 1);
    let (mut world, _, _) = on_offer();
    world.crash();
    world.hello(NORTH, hello("second"));
    assert_eq!(view(&mut world).outcome, Some(Outcome::Unknown));
}

#[test]
fn after_a_restart_gateways_have_the_same_time_to_come_back() {
    let (mut world, _, _) = on_offer();
    world.now_us += DAY_US / 2;
    world.crash();
    world.pass(HOUR_US - 1);
    assert_eq!(
        view(&mut world).state,
        ActivationState::Released(Stage::Unknown)
    );
    world.pass(1);
    assert_eq!(view(&mut world).outcome, Some(Outcome::Unknown));
}

#[test]
fn an_outcome_that_was_not_durable_comes_again() {
    let (mut world, session, offer) = on_offer();
    world.told.clear();
    world.syncs = false;
    world.end(session, offer.attempt, Outcome::Success);
    assert!(world.told.is_empty(), "not noted before it is durable");
    world.syncs = true;
    world.crash();
    assert_eq!(view(&mut world).attempt, 1);
    let session = world.hello(
        NORTH,
        with_outcome("first", offer.attempt, Outcome::Success),
    );
    assert_eq!(told(&mut world, session), ["welcome", "noted 1"]);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
}

#[test]
fn gateways_are_listed_with_what_they_do() {
    let (mut world, _, _) = on_offer();
    world.connect(SOUTH);
    world.disconnect(SOUTH);
    let Ok(dco_engine::Reply::Gateways(rows)) = world.ask(dco_engine::Request::ListGateways) else {
        panic!("no gateways");
    };
    let row = |gateway| {
        rows.iter()
            .find(|row| row.gateway == gateway)
            .expect("it is listed")
    };
    assert!(row(NORTH).connected && row(NORTH).attempt_count == 1);
    assert!(!row(SOUTH).connected && row(SOUTH).changed_us == world.now_us);
    assert_eq!(row(NORTH).concurrency, 1_000);
}

/// An offer that was lost on its way is not made again of what nobody wants there any more.
mod what_never_got_to_its_gateway {
    use dco_block::Eui64;

    use super::*;
    use crate::sample::BOB;

    #[test]
    fn is_over_once_its_batch_is_cancelled() {
        for crashes in [false, true] {
            let (mut world, _, _) = on_offer();
            world.disconnect(NORTH);
            world.cancel_batch(ANN, 1);
            if crashes {
                world.crash();
            }
            let session = world.hello(NORTH, hello("first"));
            assert_eq!(told(&mut world, session), ["welcome"]);
            let ended = view(&mut world);
            assert_eq!(ended.state, ActivationState::Cancelled);
            assert_eq!(ended.outcome, Some(Outcome::Cancelled));
            assert!(!ended.may_have_image, "nothing was sent");
            assert_eq!(world.batch(ANN, 1).may_have_image_count, 0);
            assert_eq!(world.released_today(), 0, "its unit came back");
        }
    }

    #[test]
    fn in_hand_it_goes_on_all_the_same() {
        let (mut world, _, offer) = on_offer();
        world.disconnect(NORTH);
        world.cancel_batch(ANN, 1);
        let session = world.hello(NORTH, in_hand(&[offer.attempt]));
        assert_eq!(told(&mut world, session), ["welcome"]);
        assert!(view(&mut world).may_have_image);
        world.end(session, offer.attempt, Outcome::Success);
        assert_eq!(view(&mut world).state, ActivationState::Succeeded);
    }

    /// Its Device is registered anew while its gateway is away and has not got the offer; then the gateway comes back.
    fn registered_meanwhile(crashes: bool, (user, gateway): (Eui64, Eui64)) -> (World, Offer) {
        let (mut world, _, offer) = on_offer();
        world.disconnect(NORTH);
        world.register(&[device(0)], user, gateway);
        if crashes {
            world.crash();
        }
        let north = world.hello(NORTH, hello("first"));
        assert_eq!(told(&mut world, north), ["welcome"]);
        (world, offer)
    }

    #[test]
    fn is_over_once_its_device_is_another_users() {
        for crashes in [false, true] {
            let (mut world, _) = registered_meanwhile(crashes, (BOB, NORTH));
            let ended = view(&mut world);
            assert_eq!(ended.state, ActivationState::Cancelled);
            assert!(!ended.may_have_image, "nothing was sent");
            assert_eq!(world.released_today(), 0, "its unit came back");
        }
    }

    #[test]
    fn leaves_again_through_the_gateway_that_its_device_is_behind_now() {
        for crashes in [false, true] {
            let (mut world, first) = registered_meanwhile(crashes, (ANN, SOUTH));
            let south = world.connect(SOUTH);
            world.pass(HOUR_US);
            assert_eq!(told(&mut world, south), ["welcome", "offer 2"]);
            let again = world.offered.last().expect("it is offered");
            assert_eq!(again.1.attempt.activation, first.attempt.activation);
            assert_eq!(world.released_today(), 1, "never charged twice");
        }
    }
}
