//! Warnings before a limit or a time is reached: once each, to who can do something about it.

use dco_engine::record::Near;
use dco_engine::{HOUR_US, LimitTerms, NoticeParty, NoticeSubject, Terms};
use dco_schedule::Span;

use crate::sample::{
    ANN, DAY_US, LARGE, NORTH, SMALL, capacity, date, device, devices, manifest, noon, start,
};
use crate::schedules::all_agreeable;
use crate::world::{World, succeed};

fn told(world: &mut World, party: NoticeParty) -> Vec<NoticeSubject> {
    let notices = world.notices_after(party, 0);
    let warnings = notices.into_iter().map(|it| it.subject).filter(|it| {
        matches!(
            it,
            NoticeSubject::TrtNear { .. } | NoticeSubject::LimitNear { .. }
        )
    });
    warnings.collect()
}

fn sent(count: u64) -> (World, i64) {
    let mut world = World::at(start("2026-06-01"), capacity(100));
    world.register(&devices(0..count), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..count));
    let batch = world.submit(ANN, &manifest(2, LARGE), &devices(0..count));
    (world, batch.expect("admitted").due_us)
}

#[test]
fn user_and_desk_are_warned_once_before_a_trt_ends() {
    let (mut world, due_us) = sent(3);
    world.until(due_us - 24 * HOUR_US - 1);
    assert!(told(&mut world, NoticeParty::User(ANN)).is_empty());
    world.pass(1);
    let expected = [NoticeSubject::TrtNear {
        user: ANN,
        batch: 1,
        due_us,
        open: 3,
    }];
    for _ in 0..2 {
        assert_eq!(told(&mut world, NoticeParty::User(ANN)), expected);
        assert_eq!(told(&mut world, NoticeParty::Desk), expected);
        assert!(told(&mut world, NoticeParty::Operators).is_empty());
        assert_eq!(world.engine.stats().batches_trt_near, 1);
        world.crash();
        world.pass(2 * DAY_US);
    }
}

#[test]
fn what_has_ended_in_time_warns_nobody_and_a_start_forgets_no_warning() {
    let (mut world, _) = sent(3);
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.pass(6 * DAY_US);
    assert!(told(&mut world, NoticeParty::User(ANN)).is_empty());
    let (mut world, due_us) = sent(3);
    world.start_from = Some(world.journal.len());
    world.crash();
    world.until(due_us);
    assert_eq!(told(&mut world, NoticeParty::User(ANN)).len(), 1);
}

#[test]
fn a_short_trt_warns_at_its_half() {
    let terms = Terms {
        trt_us: 10 * HOUR_US,
        ..capacity(100)
    };
    let mut world = World::at(start("2026-06-01"), terms);
    world.register(&[device(0)], ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &[device(0)]);
    world
        .submit(ANN, &manifest(2, LARGE), &[device(0)])
        .expect("admitted");
    world.pass(5 * HOUR_US - 1);
    assert!(told(&mut world, NoticeParty::Desk).is_empty());
    world.pass(1);
    assert_eq!(told(&mut world, NoticeParty::Desk).len(), 1);
}

#[test]
fn a_user_is_warned_at_four_fifths_of_its_transfers_and_bytes() {
    let bytes = u64::from(manifest(10, SMALL).image_bytes());
    let terms = Terms {
        limits: LimitTerms {
            open_transfers_per_user_max: 5,
            stored_bytes_per_user_max: 4 * bytes,
        },
        ..capacity(100)
    };
    let mut world = World::new(terms);
    world.register(&[device(0)], ANN, NORTH);
    for seed in 10..13 {
        world
            .open(ANN, &manifest(seed, SMALL), &[device(0)])
            .expect("opened");
        assert!(told(&mut world, NoticeParty::User(ANN)).is_empty());
    }
    world
        .open(ANN, &manifest(13, SMALL), &[device(0)])
        .expect("opened");
    let near = |near, limit, used| NoticeSubject::LimitNear {
        near,
        date: None,
        limit,
        used,
    };
    let expected = [
        near(Near::OpenTransfers, 5, 4),
        near(Near::StoredBytes, 4 * bytes, 4 * bytes),
    ];
    assert_eq!(told(&mut world, NoticeParty::User(ANN)), expected);
    assert!(told(&mut world, NoticeParty::Desk).is_empty());
    world.crash();
    assert_eq!(told(&mut world, NoticeParty::User(ANN)), expected);
}

#[test]
fn desk_and_operators_are_warned_once_a_day_of_its_capacity() {
    let mut world = World::at(start("2026-06-01"), capacity(10));
    world.register(&devices(0..40), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..40));
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..10))
        .expect("admitted");
    let session = world.connect(NORTH);
    world.pass(20 * HOUR_US);
    let near = |world: &mut World| {
        let told = told(world, NoticeParty::Operators);
        told.iter()
            .map(|it| match it {
                NoticeSubject::LimitNear {
                    near: Near::Capacity,
                    limit,
                    used,
                    ..
                } => (*limit, *used),
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(near(&mut world), [(10, 8)]);
    // What is given back and charged again is not told again.
    let last = world.offers().pop().expect("offered").attempt;
    let message = String::new();
    world.report(session, last, dco_engine::Report::Declined { message });
    world.rest_of_day();
    assert_eq!(near(&mut world), [(10, 8)]);
    assert_eq!(told(&mut world, NoticeParty::Desk).len(), 1);
}

/// Of 10 units today 8 are used, and the last record is the warning of it.
fn just_warned() -> World {
    let mut world = World::at(start("2026-06-01"), capacity(10));
    world.register(&devices(0..8), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..8));
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..8))
        .expect("admitted");
    world.connect(NORTH);
    while told(&mut world, NoticeParty::Operators).is_empty() {
        world.pass(HOUR_US / 4);
    }
    world
}

#[test]
fn a_warning_of_capacity_that_was_lost_with_the_end_of_the_journal_comes_at_the_start() {
    let mut world = just_warned();
    let told_before = told(&mut world, NoticeParty::Operators);
    world.durable = world.journal.len() - 1;
    world.crash();
    for _ in 0..2 {
        assert_eq!(told(&mut world, NoticeParty::Operators), told_before);
        world.crash();
    }
}

#[test]
fn a_drop_of_capacity_warns_of_what_is_used_by_then() {
    let mut world = World::at(noon("2026-06-01"), all_agreeable());
    world.register(&devices(0..100), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..100));
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..50))
        .expect("within the allowance");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.rest_of_day();
    assert_eq!(world.released_today(), 50);
    assert!(told(&mut world, NoticeParty::Operators).is_empty());
    let today = date("2026-06-01");
    world.set_capacity(Span::On(today), 60).expect("it may");
    let expected = [NoticeSubject::LimitNear {
        near: Near::Capacity,
        date: Some(today),
        limit: 60,
        used: 50,
    }];
    assert_eq!(told(&mut world, NoticeParty::Operators), expected);
    world.crash();
    assert_eq!(told(&mut world, NoticeParty::Operators), expected);
}
