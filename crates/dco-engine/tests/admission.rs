//! SRV 11.3: what is admitted, what is refused, and what that costs.

use bytes::Bytes;
use dco_block::limits;
use dco_engine::{
    ActivationName, BatchView, HOUR_US, InvalidDevices, Outcome, Page, Refusal, Reply, Request,
    SECOND_US, SubmitBatch, TransferState,
};
use dco_schedule::{Calendar, Micros};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, capacity, date, device, devices, manifest,
    manifest_signed, noon, start,
};
use crate::world::{World, batch_of, succeed};

/// Ann has Devices 0 to 1,999 and a large image stored for them, Bob has 2,000 to 2,999 and none.
fn ready() -> World {
    ready_at(noon("2026-06-01"))
}

fn ready_at(now_us: Micros) -> World {
    let mut world = World::at(now_us, capacity(2_400));
    world.register(&devices(0..2_000), ANN, NORTH);
    world.register(&devices(2_000..3_000), BOB, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..2_000));
    world
}

fn over(world: &World, used: u32, requested: u32) -> Refusal {
    let day = Calendar::london().day_at(world.now_us);
    Refusal::AllowanceUsed {
        limit: 500,
        used,
        requested,
        service_date: day.date,
        resets_us: day.end_us,
        resets_in_us: day.end_us - world.now_us,
    }
}

#[test]
fn the_allowance_is_exact_in_any_split() {
    for split in [vec![500], vec![1; 500], vec![250, 249, 1], vec![499, 1]] {
        let mut world = ready();
        let image = manifest(2, LARGE);
        let mut next = 0;
        for count in split {
            let batch = world.submit(ANN, &image, &devices(next..next + count));
            batch.expect("within the allowance");
            next += count;
        }
        let refused = world.submit(ANN, &image, &[device(500)]);
        assert_eq!(refused, Err(over(&world, 500, 1)));
        assert_eq!(world.days(None)[0].sent_without_schedule, 500);
    }
}

#[test]
fn a_batch_is_admitted_whole_or_not_at_all() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    assert_eq!(
        world.submit(ANN, &image, &devices(0..501)),
        Err(over(&world, 0, 501))
    );
    world.submit(ANN, &image, &devices(0..400)).expect("within");
    let records = world.journal.len();
    assert_eq!(
        world.submit(ANN, &image, &devices(400..501)),
        Err(over(&world, 400, 101))
    );
    assert_eq!(world.journal.len(), records);
    world
        .submit(ANN, &image, &devices(400..500))
        .expect("within");
}

#[test]
fn an_image_of_exactly_750_000_bytes_is_not_large() {
    let mut world = ready();
    let small = manifest(3, SMALL);
    world.store(ANN, &small, &devices(0..2_000));
    let batch = world
        .submit(ANN, &small, &devices(0..1_500))
        .expect("no limit");
    assert!(!batch.large);
    assert_eq!(world.days(None)[0].sent_without_schedule, 0);
    let batch = world.submit(ANN, &manifest(2, LARGE), &devices(1_500..2_000));
    assert!(batch.expect("the allowance is untouched").large);
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.pass(SECOND_US);
    assert_eq!(
        world.batch(ANN, 1).counts.succeeded,
        1_500,
        "none of them charged"
    );
    assert!(world.released_today() < 10);
}

#[test]
fn each_user_has_its_own_allowance() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.store(BOB, &image, &devices(2_000..3_000));
    world.submit(ANN, &image, &devices(0..500)).expect("within");
    world
        .submit(BOB, &image, &devices(2_000..2_500))
        .expect("within");
    assert_eq!(world.days(Some(BOB))[0].sent_without_schedule, 500);
    assert_eq!(world.days(None)[0].sent_without_schedule, 1_000);
}

#[test]
fn the_next_service_day_has_a_new_allowance() {
    // 23, 25 and 24 hours.
    for day in ["2026-03-29", "2026-10-25", "2026-06-02"] {
        let mut world = ready_at(start(day));
        let image = manifest(2, LARGE);
        let length_us = start_of_next(day) - start(day);
        world.submit(ANN, &image, &devices(0..500)).expect("within");
        world.until(start(day) + length_us - 1);
        assert_eq!(
            world.submit(ANN, &image, &[device(500)]),
            Err(over(&world, 500, 1))
        );
        world.pass(1);
        world
            .submit(ANN, &image, &devices(500..1_000))
            .expect("a new day");
    }
}

fn start_of_next(day: &str) -> Micros {
    Calendar::london().day(date(day)).end_us
}

#[test]
fn validating_changes_nothing_and_says_the_same() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let asked = SubmitBatch {
        validate_only: true,
        signed_request: Bytes::from_static(b"signed"),
        ..world.batch_of(ANN, &image, &devices(0..500))
    };
    let records = world.journal.len();
    let preview = world.submit_this(&asked).expect("it would be admitted");
    assert_eq!((preview.number, world.journal.len()), (None, records));
    let asked = SubmitBatch {
        validate_only: false,
        ..asked
    };
    let batch = world.submit_this(&asked).expect("admitted");
    let number = None;
    assert_eq!(BatchView { number, ..batch }, preview);
    let asked = SubmitBatch {
        validate_only: true,
        ..world.batch_of(ANN, &image, &[device(600)])
    };
    assert_eq!(world.submit_this(&asked), Err(over(&world, 500, 1)));
}

#[test]
fn lists_are_checked_first() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    assert_eq!(world.submit(ANN, &image, &[]), Err(Refusal::BatchEmpty));
    let twice = [device(1), device(2), device(2)];
    let duplicate = Refusal::DeviceDuplicate { device: device(2) };
    assert_eq!(world.submit(ANN, &image, &twice), Err(duplicate));
    let (given, limit) = (50_001, limits::DEVICES_MAX);
    let too_many = Refusal::TooManyDevices { given, limit };
    assert_eq!(
        world.submit(ANN, &image, &devices(0..50_001)),
        Err(too_many)
    );
    let asked = SubmitBatch {
        signed_request: Bytes::from(vec![0; 65_537]),
        ..world.batch_of(ANN, &image, &[device(0)])
    };
    let refused = world.submit_this(&asked);
    assert!(matches!(
        refused,
        Err(Refusal::SignedRequestTooLarge { .. })
    ));
}

#[test]
fn unknown_and_foreign_devices_are_not_told_apart() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let unknown = world.submit(ANN, &image, &[device(0), device(9_999)]);
    let foreign = world.submit(ANN, &image, &[device(0), device(2_000)]);
    assert_eq!(
        (unknown, foreign),
        (Err(Refusal::NotPermitted), Err(Refusal::NotPermitted))
    );
}

#[test]
fn the_image_must_be_stored_for_every_device() {
    let mut world = ready();
    let absent = Refusal::NotFound { kind: "image" };
    let image = manifest(3, LARGE);
    assert_eq!(world.submit(ANN, &image, &[device(0)]), Err(absent.clone()));
    world.open(ANN, &image, &devices(0..10)).expect("opened");
    let incomplete = Refusal::ImageIncomplete { transfer: 2 };
    assert_eq!(world.submit(ANN, &image, &[device(0)]), Err(incomplete));
    let owner = world.owner(ANN, 2);
    (0..3).for_each(|index| world.block(owner, index));
    let not_verified = |state| Refusal::ImageNotVerified { transfer: 2, state };
    let refused = world.submit(ANN, &image, &[device(0)]);
    assert_eq!(refused, Err(not_verified(TransferState::Verifying)));
    world.verified(owner, dco_engine::Verdict::Good);
    let refused = world.submit(ANN, &image, &[device(9), device(11), device(10)]);
    let (first, count) = (device(11), 2);
    assert_eq!(
        refused,
        Err(Refusal::ImageNotStoredForDevice { first, count })
    );
    world
        .submit(ANN, &image, &[device(9)])
        .expect("stored for it");
    let of_bob = world.submit(BOB, &image, &[device(2_000)]);
    assert_eq!(of_bob, Err(absent), "another User's image is not there");
}

#[test]
fn an_image_that_ended_otherwise_is_named_so() {
    let mut world = ready();
    let image = manifest(3, LARGE);
    world.open(ANN, &image, &devices(0..10)).expect("opened");
    world.cancel_transfer(ANN, 2).expect("cancelled");
    let refused = world.submit(ANN, &image, &[device(0)]);
    let (transfer, state) = (2, TransferState::Cancelled);
    assert_eq!(refused, Err(Refusal::ImageNotVerified { transfer, state }));
}

#[test]
fn one_activation_at_a_time_for_a_device() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..5)).expect("admitted");
    let (first, count) = (device(4), 1);
    let busy = Refusal::DeviceBusy { first, count };
    assert_eq!(world.submit(ANN, &image, &devices(4..9)), Err(busy));
    world.cancel_batch(ANN, 1);
    world
        .submit(ANN, &image, &devices(4..9))
        .expect("free again");
    let session = world.connect(NORTH);
    world.pass(HOUR_US);
    for offer in world.offers() {
        world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
    }
    assert_eq!(world.batch(ANN, 2).counts.failed, 5);
    world
        .submit(ANN, &image, &devices(4..9))
        .expect("free again");
}

#[test]
fn a_batch_for_a_later_day_is_parked_until_it_starts() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let asked = (ANN, &*image);
    let batch = world.submit_for(asked, &devices(0..500), date("2026-06-03"));
    let batch = batch.expect("parked");
    assert_eq!((batch.counts.parked, batch.counts.queued), (500, 0));
    assert_eq!(batch.trt_start_us, start("2026-06-03"));
    assert_eq!(batch.due_us, start("2026-06-03") + 120 * HOUR_US);
    world
        .submit(ANN, &image, &devices(500..1_000))
        .expect("today's allowance is untouched");
    let refused = world.submit_for(asked, &[device(1_000)], date("2026-06-03"));
    assert!(
        matches!(refused, Err(Refusal::AllowanceUsed { used: 500, service_date, .. })
        if service_date == date("2026-06-03"))
    );
    world.until(start("2026-06-03") - 1);
    assert_eq!(world.batch(ANN, 1).counts.parked, 500);
    world.changed.clear();
    world.pass(1);
    assert_eq!(world.batch(ANN, 1).counts.queued, 500);
    let topic = dco_engine::Topic::Batch {
        user: ANN,
        number: 1,
    };
    assert!(world.changed.contains(&topic), "whoever watches is told");
}

#[test]
fn service_dates_have_bounds() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let (earliest, latest) = (date("2026-06-01"), date("2026-09-01"));
    for (text, inside) in [
        ("2026-05-31", false),
        ("2026-06-01", true),
        ("2026-09-01", true),
        ("2026-09-02", false),
    ] {
        let asked = SubmitBatch {
            validate_only: true,
            service_date: Some(date(text)),
            ..world.batch_of(ANN, &image, &[device(0)])
        };
        let date = date(text);
        let invalid = Refusal::ServiceDateInvalid {
            date,
            earliest,
            latest,
        };
        let refused = world.submit_this(&asked).err();
        assert_eq!(refused, (!inside).then_some(invalid), "{text}");
    }
}

#[test]
fn only_cancelling_before_the_first_release_gives_allowance_back() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..500)).expect("within");
    world.connect(NORTH);
    world.pass(HOUR_US);
    let released = world.released_today();
    assert!(released > 10);
    let cancelled = world.cancel_batch(ANN, 1);
    assert_eq!(
        (cancelled.counts.released, cancelled.counts.cancelled),
        (released, 500 - released)
    );
    let sent = world.days(None)[0].sent_without_schedule;
    assert_eq!(sent, released);
    let room = u64::from(500 - released);
    let asked = devices(1_000..1_000 + room + 1);
    assert_eq!(
        world.submit(ANN, &image, &asked),
        Err(over(&world, released, 501 - released))
    );
    world
        .submit(ANN, &image, &devices(1_000..1_000 + room))
        .expect("exactly");
}

#[test]
fn a_release_is_never_given_back_even_if_nothing_was_sent() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &[device(0)]).expect("within");
    let session = world.connect(NORTH);
    world.pass(HOUR_US);
    let offer = world.offer();
    let message = String::new();
    world.report(
        session,
        offer.attempt,
        dco_engine::Report::Declined { message },
    );
    assert_eq!(world.cancel_batch(ANN, 1).counts.cancelled, 1);
    assert_eq!(world.days(None)[0].sent_without_schedule, 1);
}

#[test]
fn a_release_is_not_given_back_while_it_waits_for_the_next() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &[device(0)]).expect("within");
    let session = world.connect(NORTH);
    let attempt = world.offer().attempt;
    let message = String::new();
    world.report(session, attempt, dco_engine::Report::Declined { message });
    world.disconnect(NORTH);
    world.pass(HOUR_US);
    let batch = world.batch(ANN, 1);
    assert_eq!(batch.counts.queued, 1);
    world.cancel_batch(ANN, 1);
    assert_eq!(world.days(None)[0].sent_without_schedule, 1);
}

#[test]
fn one_manufacturer_image_in_two_images() {
    let mut world = ready();
    let [first, second] = [1, 2].map(|signature| manifest_signed(signature, LARGE));
    assert_eq!(
        first.manufacturer_image_hash(),
        second.manufacturer_image_hash()
    );
    world.store(ANN, &first, &devices(0..4));
    world.store(ANN, &second, &devices(2..8));
    for (number, expected) in [(0, &first), (2, &second), (5, &second)] {
        let batch = world
            .submit(ANN, &first, &[device(number)])
            .expect("stored");
        assert_eq!(batch.image_id, expected.image_id(), "{number}");
    }
    let (first_of_them, count) = (device(6), 1);
    let refused = world.submit(ANN, &first, &[device(1), device(6)]);
    let not_stored = Refusal::ImageNotStoredForDevice {
        first: first_of_them,
        count,
    };
    assert_eq!(refused, Err(not_stored), "a batch is of one image");
}

#[test]
fn nothing_is_given_back_once_the_day_is_over() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..300)).expect("within");
    world.next_day();
    world.cancel_batch(ANN, 1);
    let days = world.days(None);
    assert_eq!(
        (days[0].sent_without_schedule, days[1].sent_without_schedule),
        (300, 0)
    );
}

#[test]
fn a_parked_batch_gives_back_its_own_day() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let asked = (ANN, &*image);
    let day = date("2026-06-04");
    world
        .submit_for(asked, &devices(0..500), day)
        .expect("parked");
    world.cancel_batch(ANN, 1);
    world
        .submit_for(asked, &devices(0..500), day)
        .expect("given back");
    world.until(noon("2026-06-04"));
    world.cancel_batch(ANN, 2);
    world
        .submit(ANN, &image, &devices(0..500))
        .expect("on the day itself too");
}

#[test]
fn the_same_request_has_the_same_answer_for_ever() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let asked = SubmitBatch {
        signed_request: Bytes::from_static(b"signed"),
        ..world.batch_of(ANN, &image, &devices(0..20))
    };
    let first = world.submit_this(&asked).expect("admitted");
    let parked = SubmitBatch {
        service_date: Some(date("2026-06-03")),
        ..world.batch_of(ANN, &image, &devices(20..40))
    };
    let second = world.submit_this(&parked).expect("parked");
    world.habit = Some(succeed);
    world.connect(NORTH);
    for _ in 0..4 {
        world.pass(DAY_US);
        assert_eq!(world.submit_this(&asked), Ok(first.clone()));
        assert_eq!(world.submit_this(&parked), Ok(second.clone()));
        world.crash();
        world.connect(NORTH);
    }
    assert_eq!(world.batch(ANN, 2).counts.succeeded, 20);
    let other = SubmitBatch {
        devices: devices(0..21),
        ..asked.clone()
    };
    assert_eq!(world.submit_this(&other), Err(Refusal::RequestIdReused));
    let mut cancel = world.cancelling(ANN, 1);
    cancel.id = asked.id;
    let reused = world.ask(Request::CancelBatch(cancel)).map(batch_of);
    assert_eq!(reused, Err(Refusal::RequestIdReused));
    let of_bob = SubmitBatch {
        user: BOB,
        devices: vec![device(2_000)],
        ..asked
    };
    let absent = Refusal::NotFound { kind: "image" };
    assert_eq!(
        world.submit_this(&of_bob),
        Err(absent),
        "ids are each User's own"
    );
}

#[test]
fn one_id_is_not_for_two_kinds_of_cancelling() {
    let mut world = ready();
    let image = manifest(3, LARGE);
    world
        .submit(ANN, &manifest(2, LARGE), &[device(0)])
        .expect("admitted");
    world.open(ANN, &image, &[device(0)]).expect("opened");
    let asked = world.cancelling(ANN, 2);
    world
        .ask(Request::CancelTransfer(asked))
        .expect("cancelled");
    let asked = dco_engine::Cancel { number: 1, ..asked };
    let reused = world.ask(Request::CancelBatch(asked)).map(batch_of);
    assert_eq!(reused, Err(Refusal::RequestIdReused));
}

#[test]
fn cancelling_what_is_cancelled_or_over_leaves_no_record() {
    let mut world = ready();
    world.connect(NORTH);
    for (number, device_number) in [(1, 0), (2, 1)] {
        world
            .submit(ANN, &manifest(2, LARGE), &[device(device_number)])
            .expect("admitted");
        let (session, offer) = world.offered.last().cloned().expect("offered");
        if number == 1 {
            world.end(session, offer.attempt, Outcome::Success);
        } else {
            world.cancel_batch(ANN, number);
        }
        let (at, before) = (world.journal.len(), world.batch(ANN, number));
        let asked = world.cancelling(ANN, number);
        for _ in 0..2 {
            let again = world.ask(Request::CancelBatch(asked));
            assert_eq!(again.map(|it| batch_of(it).counts), Ok(before.counts));
        }
        assert_eq!(world.journal.len(), at, "batch {number}");
    }
}

#[test]
fn names_are_each_users_own() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..3))
        .expect("admitted");
    let absent = |reply: Result<Reply, Refusal>| matches!(reply, Err(Refusal::NotFound { .. }));
    let (user, number) = (BOB, 1);
    assert!(absent(world.ask(Request::GetBatch { user, number })));
    let asked = world.cancelling(BOB, 1);
    assert!(absent(world.ask(Request::CancelBatch(asked))));
    let (batch, device) = (1, device(0));
    let name = ActivationName {
        user,
        batch,
        device,
    };
    assert!(absent(world.ask(Request::GetActivation(name))));
    assert!(absent(world.ask(Request::ExplainActivation(name))));
    let (skip, limit) = (0, 10);
    assert!(absent(world.ask(Request::ListActivations {
        user,
        number,
        skip,
        limit
    })));
    let before = None;
    let page = Page {
        user,
        before,
        limit,
    };
    let rows = world.ask(Request::ListBatches(page));
    assert!(matches!(rows, Ok(Reply::Batches(rows)) if rows.is_empty()));
}

#[test]
fn activations_and_changes_are_read_in_parts() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..5))
        .expect("admitted");
    let (user, number, limit) = (ANN, 1, 2);
    let mut seen = Vec::new();
    for skip in [0, 2, 4, 6] {
        let part = Request::ListActivations {
            user,
            number,
            skip,
            limit,
        };
        let Ok(Reply::Activations { activations, total }) = world.ask(part) else {
            panic!("no activations");
        };
        assert_eq!(total, 5);
        seen.extend(activations.into_iter().map(|it| it.device));
    }
    assert_eq!(seen, devices(0..5));
    let mut changes = |position, limit| {
        let asked = Request::ReadChanges {
            user,
            number,
            position,
            limit,
        };
        match world.ask(asked) {
            Ok(Reply::Changes(changes)) => changes,
            other => panic!("{other:?}"),
        }
    };
    let first = changes(0, 3);
    assert_eq!(
        (first.position, first.activations.len(), first.complete),
        (3, 3, false)
    );
    let rest = changes(first.position, 100);
    assert_eq!(
        (rest.position, rest.activations.len(), rest.complete),
        (5, 2, true)
    );
    let end = changes(rest.position, 100);
    assert_eq!((end.position, end.activations.len()), (5, 0));
}

#[test]
fn imports_are_whole_and_known_again() {
    let mut world = ready();
    let mut asked = dco_engine::ImportDevices {
        by: ANN,
        id: world.fresh_id(),
        validate_only: true,
        why: dco_engine::SaidWhy::default(),
        devices: vec![crate::sample::entry(device(7_000), BOB, NORTH)],
    };
    let records = world.journal.len();
    let import = |world: &mut World, asked: &dco_engine::ImportDevices| {
        let reply = world.ask(Request::ImportDevices(asked.clone()));
        reply.map(|reply| match reply {
            Reply::Imported(count) => count,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(import(&mut world, &asked), Ok(1));
    assert_eq!(world.journal.len(), records);
    asked.validate_only = false;
    assert_eq!(import(&mut world, &asked), Ok(1));
    assert_eq!(import(&mut world, &asked), Ok(1));
    assert_eq!(world.journal.len(), records + 1);
    asked.devices.push(asked.devices[0].clone());
    assert_eq!(import(&mut world, &asked), Err(Refusal::RequestIdReused));
    asked.id = world.fresh_id();
    let duplicate = Refusal::DeviceDuplicate {
        device: device(7_000),
    };
    assert_eq!(import(&mut world, &asked), Err(duplicate));
    asked.devices.clear();
    assert_eq!(import(&mut world, &asked), Err(Refusal::BatchEmpty));
    assert!(InvalidDevices::default().is_empty());
}
