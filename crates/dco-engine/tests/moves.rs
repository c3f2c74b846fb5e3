//! Devices that change hands, or gateways, while work for them is under way.

use dco_engine::{ActivationState, ActivationView, HOUR_US, Outcome, Refusal, Terms, Topic};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, SOUTH, capacity, date, device, devices, manifest, start,
};
use crate::world::World;

/// Ann has Devices 0 to 9 in the north, Bob 10 to 19; each has a large image for all twenty, should they be theirs.
fn ready(mut terms: Terms) -> World {
    terms.attempt.no_progress_us = 30 * DAY_US;
    terms.attempt.answer_within_us = 30 * DAY_US;
    let mut world = World::at(start("2026-06-01"), terms);
    for user in [BOB, ANN] {
        world.register(&devices(0..20), user, NORTH);
        world.store(user, &manifest(2, LARGE), &devices(0..20));
        world.store(user, &manifest(3, SMALL), &devices(0..20));
    }
    world.register(&devices(10..20), BOB, NORTH);
    world
}

fn cancelled_because_lost(view: &ActivationView) -> bool {
    view.state == ActivationState::Cancelled
        && view.message == "the Device is not registered to this User any more"
        && view.ended_us.is_some()
}

#[test]
fn what_waits_for_a_device_that_changes_hands_is_cancelled_there_and_then() {
    for day in ["2026-06-01", "2026-06-20"] {
        let mut world = ready(capacity(100));
        let image = manifest(2, LARGE);
        world
            .submit_for((ANN, &image), &devices(0..2), date(day))
            .expect("admitted");
        let busy = Refusal::DeviceBusy {
            first: device(0),
            count: 1,
        };
        assert_eq!(world.submit(ANN, &image, &[device(0)]), Err(busy));
        world.changed.clear();
        world.register(&[device(0)], BOB, NORTH);
        let view = world.activation(ANN, 1, device(0));
        assert!(cancelled_because_lost(&view), "{view:?}");
        assert_eq!(world.batch(ANN, 1).counts.cancelled, 1);
        let topic = Topic::Batch {
            user: ANN,
            number: 1,
        };
        assert!(world.changed.contains(&topic), "the old User is told");
        world
            .submit(BOB, &image, &[device(0)])
            .expect("it is free for its new User");
        world.connect(NORTH);
        world.until(start("2026-06-21"));
        let users = world.offered.iter().map(|(_, offer)| {
            let it = offer.attempt.activation;
            (it.user, it.device)
        });
        let mut users: Vec<_> = users.collect();
        users.sort_unstable();
        assert_eq!(users, [(ANN, device(1)), (BOB, device(0))]);
    }
}

#[test]
fn what_is_under_way_is_finished_and_not_tried_again() {
    let mut world = ready(capacity(100));
    let image = manifest(3, SMALL);
    world.submit(ANN, &image, &devices(0..2)).expect("admitted");
    let north = world.connect(NORTH);
    let offers = world.offers();
    world.register(&devices(0..2), BOB, NORTH);
    assert_eq!(world.batch(ANN, 1).counts.released, 2, "still under way");
    assert!(world.submit(BOB, &image, &[device(0)]).is_err(), "busy");
    world.end(north, offers[0].attempt, Outcome::FileTransferFailure);
    let view = world.activation(ANN, 1, device(0));
    assert!(cancelled_because_lost(&view), "{view:?}");
    assert_eq!(view.outcome, Some(Outcome::FileTransferFailure));
    world.end(north, offers[1].attempt, Outcome::Success);
    let view = world.activation(ANN, 1, device(1));
    assert_eq!(view.state, ActivationState::Succeeded);
    world
        .submit(BOB, &image, &devices(0..2))
        .expect("both are free");
}

#[test]
fn what_waits_to_be_tried_again_is_cancelled_too() {
    let mut world = ready(capacity(100));
    world
        .submit(ANN, &manifest(3, SMALL), &[device(0)])
        .expect("admitted");
    let north = world.connect(NORTH);
    let attempt = world.offer().attempt;
    world.end(north, attempt, Outcome::FileTransferFailure);
    assert_eq!(world.batch(ANN, 1).counts.retry_wait, 1);
    world.register(&[device(0)], BOB, NORTH);
    assert!(cancelled_because_lost(&world.activation(ANN, 1, device(0))));
    world.pass(DAY_US);
    assert_eq!(world.offered.len(), 1);
}

#[test]
fn a_device_that_comes_back_needs_a_new_batch() {
    let mut world = ready(capacity(100));
    let image = manifest(3, SMALL);
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    world.register(&[device(0)], BOB, NORTH);
    world.register(&[device(0)], ANN, NORTH);
    world.connect(NORTH);
    assert!(world.offered.is_empty());
    world.submit(ANN, &image, &[device(0)]).expect("a new one");
    assert_eq!(world.offered.len(), 1);
}

#[test]
fn losing_a_device_gives_no_allowance_back() {
    let mut world = ready(capacity(100));
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..2))
        .expect("admitted");
    world.register(&[device(0)], BOB, NORTH);
    assert_eq!(world.days(Some(ANN))[0].sent_without_schedule, 2);
    world.cancel_batch(ANN, 1);
    assert_eq!(world.days(Some(ANN))[0].sent_without_schedule, 1);
}

#[test]
fn a_journal_that_ends_after_the_import_is_mended_at_the_start() {
    for day in ["2026-06-01", "2026-06-20"] {
        let mut world = ready(capacity(100));
        world
            .submit_for((ANN, &manifest(2, LARGE)), &devices(0..2), date(day))
            .expect("admitted");
        world.syncs = false;
        let before = world.journal.len();
        world.send_import(&devices(0..2), BOB, NORTH);
        world.durable = before + 1;
        assert_eq!(world.journal.len(), before + 3);
        world.syncs = true;
        world.crash();
        for lost in devices(0..2) {
            assert!(cancelled_because_lost(&world.activation(ANN, 1, lost)));
        }
        world.connect(NORTH);
        world.until(start("2026-06-21"));
        assert!(world.offered.is_empty());
    }
}

#[test]
fn a_device_behind_another_gateway_goes_there() {
    for (moved_from, in_line) in [(SOUTH, false), (SOUTH, true)] {
        let mut world = ready(capacity(100));
        world.register(&devices(0..2), ANN, moved_from);
        let image = manifest(2, LARGE);
        let day = if in_line { "2026-06-01" } else { "2026-06-02" };
        world
            .submit_for((ANN, &image), &devices(0..2), date(day))
            .expect("admitted");
        let north = world.connect(NORTH);
        world.pass(HOUR_US);
        assert!(world.offered.is_empty(), "the south is away");
        world.register(&[device(1)], ANN, NORTH);
        world.until(start("2026-06-02") + HOUR_US);
        let (session, offer) = &world.offered[0];
        assert_eq!(
            (*session, offer.attempt.activation.device),
            (north, device(1))
        );
        assert_eq!(world.offered.len(), 1);
        assert_eq!(world.explain(ANN, 1, device(0)).ahead_count, Some(0));
    }
}

#[test]
fn a_device_that_moves_while_under_way_is_finished_where_it_is() {
    let mut world = ready(capacity(100));
    world
        .submit(ANN, &manifest(2, LARGE), &[device(0)])
        .expect("admitted");
    let north = world.connect(NORTH);
    let south = world.connect(SOUTH);
    world.pass(HOUR_US);
    let attempt = world.offer().attempt;
    world.register(&[device(0)], ANN, SOUTH);
    world.end(south, attempt, Outcome::Success);
    assert_eq!(
        world.batch(ANN, 1).counts.released,
        1,
        "not the south's to tell"
    );
    world.end(north, attempt, Outcome::FileTransferFailure);
    world.pass(HOUR_US);
    assert_eq!(
        world.offered.last().map(|(session, _)| *session),
        Some(south)
    );
}
