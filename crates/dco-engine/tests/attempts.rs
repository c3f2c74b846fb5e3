//! One attempt after the other, until the activation ends by itself.

use std::collections::BTreeSet;

use dco_block::{FirmwareVersion, ManufacturerImageHash};
use dco_engine::{
    ActivationState, ActivationView, AttemptEnd, AttemptRef, HOUR_US, Offer, Outcome, Refusal,
    Reply, Report, ReportKind, ReportRequest, Request, SECOND_US, Session, Stage, Terms, ToGateway,
};

use crate::sample::{
    ANN, DAY_US, LARGE, NORTH, SMALL, SOUTH, capacity, device, devices, manifest, start,
};
use crate::world::{World, ended};

/// Ann's Device 0 has an attempt on offer in the north.
fn on_offer() -> (World, Session, Offer) {
    on_offer_with(capacity(12_000))
}

fn on_offer_with(terms: Terms) -> (World, Session, Offer) {
    let mut world = World::at(start("2026-06-01"), terms);
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

fn stage(world: &mut World) -> Stage {
    match view(world).state {
        ActivationState::Released(stage) => stage,
        other => panic!("not under way: {other:?}"),
    }
}

fn noted(world: &mut World) -> Vec<AttemptRef> {
    let told = std::mem::take(&mut world.told);
    let noted = told.into_iter().filter_map(|(_, message)| match message {
        ToGateway::Noted(attempt) => Some(attempt),
        _ => None,
    });
    noted.collect()
}

fn withdrawn(world: &mut World) -> Vec<AttemptRef> {
    let told = std::mem::take(&mut world.told);
    let withdrawn = told.into_iter().filter_map(|(_, message)| match message {
        ToGateway::Withdrawn(attempt) => Some(attempt),
        _ => None,
    });
    withdrawn.collect()
}

#[test]
fn an_attempt_goes_from_stage_to_stage() {
    let (mut world, session, offer) = on_offer();
    assert_eq!(
        (offer.attempt.attempt, offer.read_version_first),
        (1, false)
    );
    assert_eq!(offer.answer_by_us, world.now_us + 24 * HOUR_US);
    assert_eq!(stage(&mut world), Stage::Offered);
    let transferring = |blocks_done| Stage::Transferring { blocks_done };
    for (report, expected) in [
        (Report::Accepted, Stage::Accepted),
        (Report::Progress { blocks_done: 1 }, transferring(1)),
        (Report::Accepted, transferring(1)),
        (Report::Progress { blocks_done: 3 }, transferring(3)),
        (Report::Progress { blocks_done: 2 }, transferring(3)),
        (Report::Delivered, Stage::Delivered),
        (Report::Progress { blocks_done: 3 }, Stage::Delivered),
    ] {
        world.report(session, offer.attempt, report);
        assert_eq!(stage(&mut world), expected);
    }
    world.pass(SECOND_US);
    let end = AttemptEnd {
        running_version: Some(FirmwareVersion::new(2)),
        device_image_hash: Some(ManufacturerImageHash::new([9; 32])),
        ..ended(Outcome::Success)
    };
    world.report(session, offer.attempt, Report::Ended(end));
    let view = view(&mut world);
    assert_eq!(
        (view.state, view.outcome),
        (ActivationState::Succeeded, Some(Outcome::Success))
    );
    assert_eq!(view.ended_us, Some(world.now_us));
    assert_eq!(view.running_version, Some(FirmwareVersion::new(2)));
    assert_eq!(
        view.device_image_hash,
        Some(ManufacturerImageHash::new([9; 32]))
    );
    assert_eq!(noted(&mut world), [offer.attempt]);
}

/// How often each outcome is tried before the activation ends.
const CAPS: [(Outcome, u16); 14] = [
    (Outcome::Success, 1),
    (Outcome::AlreadyAtVersion, 1),
    (Outcome::HardwareVersionMismatch, 1),
    (Outcome::NoImageHeld, 3),
    (Outcome::HashMismatch, 3),
    (Outcome::ActivationFailure, 3),
    (Outcome::FirmwareImageDiscarded, 5),
    (Outcome::FileTransferFailure, 5),
    (Outcome::DeviceNotReachable, 5),
    (Outcome::Declined, 5),
    (Outcome::NoAnswer, 4),
    (Outcome::NoProgress, 4),
    (Outcome::AttemptTimeout, 4),
    (Outcome::Unknown, 4),
];

#[test]
fn every_outcome_ends_after_its_class_of_attempts() {
    for (outcome, attempts) in CAPS {
        let (mut world, session, first) = on_offer();
        let mut offers = vec![first];
        while let Some(offer) = offers.pop() {
            world.end(session, offer.attempt, outcome);
            for _ in 0..5 {
                // Before it falls silent for too long.
                if offers.is_empty() {
                    world.pass(HOUR_US);
                    offers = world.offers();
                }
            }
        }
        let view = view(&mut world);
        let expected = if outcome.is_success() {
            ActivationState::Succeeded
        } else {
            ActivationState::Failed
        };
        assert_eq!(
            (view.state, view.attempt),
            (expected, attempts),
            "{outcome}"
        );
        assert_eq!(view.outcome, Some(outcome));
        let released = world.days(None).iter().map(|day| day.released).sum::<u32>();
        assert_eq!(released, u32::from(attempts), "each one charged");
    }
}

#[test]
fn the_wait_before_another_attempt_doubles() {
    let (mut world, session, first) = on_offer();
    let mut attempt = first.attempt;
    for (number, minutes) in [(2, 15), (3, 30), (4, 60), (5, 120)] {
        world.end(session, attempt, Outcome::FileTransferFailure);
        let until_us = world.now_us + minutes * 60 * SECOND_US;
        assert_eq!(
            view(&mut world).state,
            ActivationState::RetryWait { until_us }
        );
        world.until(until_us - 1);
        assert!(world.offers().is_empty());
        world.pass(1 + 8 * SECOND_US);
        attempt = world.offer().attempt;
        assert_eq!(attempt.attempt, number);
    }
}

#[test]
fn after_an_unknown_fate_the_device_is_asked_first() {
    for (outcome, unknown) in [(Outcome::NoAnswer, true), (Outcome::HashMismatch, false)] {
        let (mut world, session, first) = on_offer();
        world.end(session, first.attempt, outcome);
        world.pass(2 * HOUR_US);
        let second = world.offer();
        assert_eq!(second.read_version_first, unknown, "{outcome}");
        world.end(session, second.attempt, Outcome::AlreadyAtVersion);
        assert_eq!(view(&mut world).state, ActivationState::Succeeded);
    }
}

#[test]
fn an_unknown_fate_stays_unknown() {
    let (mut world, session, first) = on_offer();
    world.end(session, first.attempt, Outcome::NoAnswer);
    world.pass(2 * HOUR_US);
    let second = world.offer();
    world.end(session, second.attempt, Outcome::DeviceNotReachable);
    world.pass(HOUR_US);
    assert!(world.offer().read_version_first);
}

#[test]
fn an_older_attempts_report_changes_nothing() {
    let (mut world, session, first) = on_offer();
    world.end(session, first.attempt, Outcome::FileTransferFailure);
    world.pass(HOUR_US);
    let second = world.offer();
    let before = view(&mut world);
    let records = world.journal.len();
    world.report(session, first.attempt, Report::Delivered);
    assert_eq!(withdrawn(&mut world), [first.attempt]);
    world.end(session, first.attempt, Outcome::Success);
    assert_eq!(noted(&mut world), [first.attempt]);
    let never = AttemptRef {
        attempt: 9,
        ..first.attempt
    };
    world.end(session, never, Outcome::Success);
    world.end(Session(9_999), second.attempt, Outcome::Success);
    assert_eq!((view(&mut world), world.journal.len()), (before, records));
    world.end(session, second.attempt, Outcome::Success);
    let ended = view(&mut world);
    world.end(session, second.attempt, Outcome::HashMismatch);
    assert_eq!(view(&mut world), ended);
}

#[test]
fn a_declined_offer_costs_nothing_and_is_made_again() {
    let (mut world, session, first) = on_offer();
    assert_eq!(world.released_today(), 1);
    let message = "no memory".to_owned();
    world.report(session, first.attempt, Report::Declined { message });
    assert_eq!(world.released_today(), 0);
    assert_eq!(noted(&mut world), [first.attempt]);
    assert_eq!(view(&mut world).outcome, Some(Outcome::Declined));
    world.pass(HOUR_US);
    assert_eq!(world.offer().attempt.attempt, 2);
}

#[test]
fn silence_ends_an_attempt() {
    let (mut world, session, first) = on_offer();
    world.pass(HOUR_US);
    world.report(session, first.attempt, Report::Accepted);
    world.pass(2 * HOUR_US - 1);
    assert_eq!(stage(&mut world), Stage::Accepted);
    world.pass(1);
    assert_eq!(view(&mut world).outcome, Some(Outcome::NoProgress));
    assert_eq!(withdrawn(&mut world), [first.attempt]);
}

#[test]
fn signs_of_life_do_not_make_an_attempt_endless() {
    let (mut world, session, first) = on_offer();
    for blocks_done in 1..24 {
        world.pass(HOUR_US);
        world.report(session, first.attempt, Report::Progress { blocks_done });
    }
    world.pass(HOUR_US - 1);
    assert_eq!(stage(&mut world), Stage::Transferring { blocks_done: 23 });
    world.pass(1);
    assert_eq!(view(&mut world).outcome, Some(Outcome::AttemptTimeout));
    assert_eq!(withdrawn(&mut world), [first.attempt]);
}

/// How an attempt ends for the DCO though its Device activates the image in the end.
const GIVEN_UP: [fn(&mut World, Session, AttemptRef); 4] = [
    |world, session, attempt| world.end(session, attempt, Outcome::NoAnswer),
    |world, _, _| world.pass(2 * HOUR_US),
    |world, session, attempt| {
        world.cancel_batch(ANN, 1);
        world.end(session, attempt, Outcome::NoAnswer);
    },
    |world, session, attempt| {
        world.end(session, attempt, Outcome::FileTransferFailure);
        world.cancel_batch(ANN, 1);
    },
];

#[test]
fn a_late_success_corrects_the_reports_and_ends_what_waits() {
    for give_up in GIVEN_UP {
        let (mut world, session, first) = on_offer();
        give_up(&mut world, session, first.attempt);
        assert_ne!(view(&mut world).state, ActivationState::Succeeded);
        world.pass(60 * SECOND_US);
        let end = AttemptEnd {
            running_version: Some(FirmwareVersion::new(2)),
            message: "it came back".to_owned(),
            ..ended(Outcome::Success)
        };
        world.report(session, first.attempt, Report::Ended(end));
        assert_eq!(noted(&mut world).last(), Some(&first.attempt));
        let late = view(&mut world);
        assert_eq!(
            (late.state, late.outcome),
            (ActivationState::Succeeded, Some(Outcome::Success))
        );
        assert_eq!(late.message, "it came back");
        let asked = ReportRequest::of(ReportKind::Success(BTreeSet::new()), None);
        let Ok(Reply::SuccessReport(rows)) = world.ask(Request::Report(asked)) else {
            panic!("no report");
        };
        let counts = (rows[0].succeeded, rows[0].failed, rows[0].cancelled);
        assert_eq!(counts, (1, 0, 0));
        let records = world.journal.len();
        world.end(session, first.attempt, Outcome::Success);
        world.end(session, first.attempt, Outcome::HashMismatch);
        assert_eq!((view(&mut world), world.journal.len()), (late, records));
        world.crash();
        world.connect(NORTH);
        world.pass(DAY_US);
        assert_eq!(world.offered.len(), 1, "nothing more is tried");
        assert_eq!(view(&mut world).state, ActivationState::Succeeded);
    }
}

#[test]
fn a_late_success_in_a_hello_counts_too() {
    let (mut world, _, first) = on_offer();
    world.disconnect(NORTH);
    world.pass(HOUR_US);
    assert_eq!(view(&mut world).outcome, Some(Outcome::Unknown));
    let with_outcome = dco_engine::Hello {
        outcomes: vec![(first.attempt, ended(Outcome::Success))],
        ..crate::world::hello("first")
    };
    world.hello(NORTH, with_outcome);
    assert_eq!(noted(&mut world), [first.attempt]);
    assert_eq!(view(&mut world).state, ActivationState::Succeeded);
}

#[test]
fn only_the_devices_own_gateway_can_say_that_it_succeeded_after_all() {
    let (mut world, session, first) = on_offer();
    world.end(session, first.attempt, Outcome::NoAnswer);
    let south = world.connect(SOUTH);
    let never = AttemptRef {
        attempt: 2,
        ..first.attempt
    };
    let before = view(&mut world);
    world.end(south, first.attempt, Outcome::Success);
    world.end(session, never, Outcome::Success);
    assert_eq!(view(&mut world), before);
}

#[test]
fn every_activation_ends_without_a_person() {
    // A gateway that takes offers and never says anything.
    let (mut world, _, _) = on_offer();
    world.pass(30 * DAY_US);
    assert_eq!(view(&mut world).state, ActivationState::Failed);
    // One that accepts and goes away for good.
    let (mut world, session, first) = on_offer();
    world.report(session, first.attempt, Report::Accepted);
    world.disconnect(NORTH);
    world.pass(HOUR_US);
    assert_eq!(view(&mut world).outcome, Some(Outcome::Unknown));
    assert_eq!(world.engine.stats().attempts_under_way, 0);
}

#[test]
fn a_cancelled_batch_lets_its_attempts_finish_and_makes_no_other() {
    for (outcome, state) in [
        (Outcome::Success, ActivationState::Succeeded),
        (Outcome::FileTransferFailure, ActivationState::Failed),
    ] {
        let (mut world, session, first) = on_offer();
        let cancelled = world.cancel_batch(ANN, 1);
        assert_eq!(cancelled.counts.released, 1);
        world.end(session, first.attempt, outcome);
        world.pass(DAY_US);
        assert_eq!(view(&mut world).state, state);
        assert_eq!(world.offered.len(), 1);
    }
}

#[test]
fn cancelling_ends_the_wait_for_another_attempt() {
    let (mut world, session, first) = on_offer();
    world.end(session, first.attempt, Outcome::FileTransferFailure);
    let cancelled = world.cancel_batch(ANN, 1);
    assert_eq!((cancelled.counts.cancelled, cancelled.predicted), (1, None));
    world.pass(DAY_US);
    assert_eq!(world.offered.len(), 1);
}

#[test]
fn images_are_open_only_to_gateways_with_an_offer() {
    let (mut world, session, first) = on_offer();
    let image_id = first.manifest.image_id();
    let cut = first.manifest.block_bytes();
    let open = |world: &mut World, gateway, block_bytes| {
        world.ask(Request::OpenImage {
            gateway,
            image_id,
            block_bytes,
        })
    };
    let not_on_offer = |reply| matches!(reply, Err(Refusal::ImageNotOnOffer));
    assert!(open(&mut world, NORTH, cut).is_ok());
    assert!(not_on_offer(open(&mut world, NORTH, cut / 2)));
    assert!(not_on_offer(open(&mut world, NORTH, 0)));
    assert!(not_on_offer(open(&mut world, SOUTH, cut)));
    world.end(session, first.attempt, Outcome::Success);
    assert!(not_on_offer(open(&mut world, NORTH, cut)));
}

#[test]
fn what_is_said_of_an_end_is_kept_until_the_next() {
    let (mut world, session, first) = on_offer();
    let end = AttemptEnd {
        message: "the meter's lid is open".to_owned(),
        ..ended(Outcome::FileTransferFailure)
    };
    world.report(session, first.attempt, Report::Ended(end));
    assert_eq!(view(&mut world).message, "the meter's lid is open");
    world.crash();
    assert_eq!(view(&mut world).message, "the meter's lid is open");
    let session = world.connect(NORTH);
    world.pass(HOUR_US);
    let second = world.offer().attempt;
    let message = "busy".to_owned();
    world.report(session, second, Report::Declined { message });
    assert_eq!(view(&mut world).message, "busy");
    world.pass(HOUR_US);
    let third = world.offer().attempt;
    world.end(session, third, Outcome::Success);
    assert_eq!(view(&mut world).message, "");
}

#[test]
fn a_small_image_is_never_charged() {
    let (mut world, _, _) = on_offer();
    let small = manifest(3, SMALL);
    world.store(ANN, &small, &devices(1..2));
    world.submit(ANN, &small, &[device(1)]).expect("admitted");
    let attempt = world.offer().attempt;
    let session = world.offered[1].0;
    let message = String::new();
    world.report(session, attempt, Report::Declined { message });
    assert_eq!(world.released_today(), 1, "only the large one");
}
