//! Release: the day's capacity, its pace, whose turn it is, and what holds nobody else back.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_engine::{
    AttemptEnd, AttemptRef, Event, HOUR_US, Hello, Offer, Outcome, Report, SECOND_US, Session,
    Terms,
};
use dco_schedule::HourProfile;

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, SOUTH, capacity, date, device, devices, manifest, noon,
    start,
};
use crate::world::{World, ended, hello, succeed};

/// Ann has Devices 0 to 999 in the north, Bob 1,000 to 1,999; both have version 2, large, stored for all.
/// Attempts are not given up in these tests.
fn ready(now_us: i64, mut terms: Terms) -> World {
    terms.attempt.no_progress_us = 30 * DAY_US;
    terms.attempt.answer_within_us = 30 * DAY_US;
    let mut world = World::at(now_us, terms);
    for (user, range) in [(ANN, 0..1_000), (BOB, 1_000..2_000)] {
        world.register(&devices(range.clone()), user, NORTH);
        world.store(user, &manifest(2, LARGE), &devices(range.clone()));
        world.store(user, &manifest(3, SMALL), &devices(range));
    }
    world
}

fn fail(_: &Offer) -> Option<Report> {
    Some(Report::Ended(ended(Outcome::FileTransferFailure)))
}

fn send_nothing(_: &Offer) -> Option<Report> {
    Some(Report::Ended(nothing_sent(Outcome::DeviceNotReachable)))
}

fn nothing_sent(outcome: Outcome) -> AttemptEnd {
    AttemptEnd {
        nothing_sent: true,
        ..ended(outcome)
    }
}

fn offered_by_user(world: &mut World) -> BTreeMap<Eui64, usize> {
    let mut by_user = BTreeMap::new();
    for offer in world.offers() {
        *by_user.entry(offer.attempt.activation.user).or_default() += 1;
    }
    by_user
}

#[test]
fn each_day_releases_its_capacity_exactly() {
    // The service days from 2026-03-28 on, the second of 23 hours; from 2026-10-24 on, the second of 25.
    for first in ["2026-03-28", "2026-10-24", "2026-06-01"] {
        let mut world = ready(start(first), capacity(60));
        world.habit = Some(succeed);
        world.connect(NORTH);
        let image = manifest(2, LARGE);
        world
            .submit(ANN, &image, &devices(0..150))
            .expect("admitted");
        world
            .submit(BOB, &image, &devices(1_000..1_150))
            .expect("admitted");
        for _ in 0..6 {
            world.next_day();
        }
        let released: Vec<_> = world.days(None).iter().map(|day| day.released).collect();
        assert_eq!(released, [60, 60, 60, 60, 60, 0, 0], "{first}");
        assert_eq!(world.batch(ANN, 1).counts.succeeded, 150);
        assert_eq!(world.batch(BOB, 1).counts.succeeded, 150);
    }
}

#[test]
fn a_retry_is_charged_again_on_its_own_day() {
    let mut world = ready(start("2026-06-01"), capacity(10));
    world.habit = Some(fail);
    world.connect(NORTH);
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..4))
        .expect("admitted");
    for _ in 0..5 {
        world.next_day();
    }
    let released: Vec<_> = world.days(None).iter().map(|day| day.released).collect();
    assert_eq!(world.batch(ANN, 1).counts.failed, 4);
    assert_eq!(released.iter().sum::<u32>(), 4 * 5, "five attempts each");
    assert!(released.iter().all(|it| *it <= 10), "{released:?}");
    assert_eq!(world.offered.len(), 20);
}

#[test]
fn nothing_sent_gives_the_unit_back_on_the_same_day_only() {
    let mut world = ready(start("2026-06-01"), capacity(10));
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..2))
        .expect("admitted");
    let session = world.connect(NORTH);
    world.pass(12 * HOUR_US);
    let offers = world.offers();
    assert_eq!((offers.len(), world.released_today()), (2, 2));
    let nothing = send_nothing(&offers[0]).expect("a report");
    world.report(session, offers[0].attempt, nothing.clone());
    assert_eq!(world.released_today(), 1);
    world.until(start("2026-06-02") + SECOND_US);
    world.offers();
    let before = world.days(None);
    world.report(session, offers[1].attempt, nothing);
    let after = world.days(None);
    assert_eq!(before[0].released, after[0].released);
    assert_eq!(before[1].released, after[1].released);
}

#[test]
fn an_end_that_means_sending_keeps_its_unit_whatever_the_gateway_says() {
    for (outcome, released) in [
        (Outcome::Success, 1),
        (Outcome::NoImageHeld, 1),
        (Outcome::HashMismatch, 1),
        (Outcome::ActivationFailure, 1),
        (Outcome::FirmwareImageDiscarded, 1),
        (Outcome::AlreadyAtVersion, 0),
        (Outcome::HardwareVersionMismatch, 0),
        (Outcome::FileTransferFailure, 0),
        (Outcome::NoAnswer, 0),
        (Outcome::DeviceNotReachable, 0),
    ] {
        let (mut world, session, attempt) = one_released();
        world.report(session, attempt, Report::Ended(nothing_sent(outcome)));
        assert_eq!(world.released_today(), released, "{outcome}");
    }
}

/// Whether the unit of an attempt of which all this is said, and then that nothing was sent, is used.
fn is_used_after(said: &[Report]) -> bool {
    let (mut world, session, attempt) = one_released();
    for report in said {
        world.report(session, attempt, report.clone());
    }
    let nothing = Report::Ended(nothing_sent(Outcome::FileTransferFailure));
    world.report(session, attempt, nothing);
    world.released_today() == 1
}

#[test]
fn a_gateway_that_spoke_of_sending_cannot_take_it_back() {
    let blocks = |blocks_done| Report::Progress { blocks_done };
    assert!(!is_used_after(&[]));
    assert!(!is_used_after(&[Report::Accepted]));
    assert!(is_used_after(&[blocks(0)]));
    assert!(is_used_after(&[
        Report::Accepted,
        blocks(2),
        Report::Accepted
    ]));
    assert!(is_used_after(&[Report::Delivered]));
}

#[test]
fn what_was_sent_stays_sent_when_it_is_offered_again() {
    let (mut world, session, attempt) = one_released();
    world.report(session, attempt, Report::Progress { blocks_done: 2 });
    world.disconnect(NORTH);
    let session = world.connect(NORTH);
    assert_eq!(world.offer().attempt, attempt, "the same again");
    let message = String::new();
    world.report(session, attempt, Report::Declined { message });
    assert_eq!(world.released_today(), 1);
}

/// At noon one large image is with the north.
fn one_released() -> (World, Session, AttemptRef) {
    let mut world = ready(start("2026-06-01"), capacity(10));
    world
        .submit(ANN, &manifest(2, LARGE), &[device(0)])
        .expect("admitted");
    let session = world.connect(NORTH);
    world.pass(12 * HOUR_US);
    let attempt = world.offer().attempt;
    assert_eq!(world.released_today(), 1);
    (world, session, attempt)
}

#[test]
fn a_full_day_with_refunds_is_still_exact() {
    let mut world = ready(start("2026-06-01"), capacity(20));
    world.habit = Some(send_nothing);
    world.connect(NORTH);
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..100))
        .expect("admitted");
    world.pass(8 * HOUR_US);
    assert_eq!(world.released_today(), 0, "all given back");
    world.habit = Some(succeed);
    world.until(start("2026-06-02") - 1);
    assert_eq!(world.released_today(), 20);
}

#[test]
fn a_capacity_lowered_in_mid_day_stops_the_day() {
    let mut world = ready(start("2026-06-01"), capacity(100));
    world.habit = Some(succeed);
    world.connect(NORTH);
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..500))
        .expect("admitted");
    world.until(noon("2026-06-01"));
    let released = world.released_today();
    assert!((45..=55).contains(&released), "{released}");
    world.restart_with(capacity(30));
    world.connect(NORTH);
    world.until(start("2026-06-02") - 1);
    assert_eq!(world.released_today(), released, "nothing more goes");
    assert_eq!(world.days(None)[0].capacity, 30);
    world.until(start("2026-06-03") - 1);
    assert_eq!(world.released_today(), 30);
    world.restart_with(capacity(80));
    world.connect(NORTH);
    world.pass(1);
    assert!(world.released_today() <= 80);
    world.until(start("2026-06-04") - 1);
    assert_eq!(world.released_today(), 80);
}

#[test]
fn a_capacity_raised_in_mid_day_is_used() {
    let mut world = ready(start("2026-06-01"), capacity(10));
    world.habit = Some(succeed);
    world.connect(NORTH);
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..500))
        .expect("admitted");
    world.until(noon("2026-06-01"));
    world.restart_with(capacity(90));
    world.connect(NORTH);
    world.until(start("2026-06-02") - 1);
    assert_eq!(world.released_today(), 90);
}

#[test]
fn releases_are_spread_over_the_day() {
    let terms = capacity(48);
    let burst = terms.burst;
    let mut world = ready(start("2026-06-01"), terms);
    world.habit = Some(succeed);
    world.connect(NORTH);
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..100))
        .expect("admitted");
    for hour in 1..=24_u32 {
        world.pass(HOUR_US - 1);
        let released = world.released_today();
        assert!(
            released <= 2 * hour + burst && released + 2 >= 2 * hour,
            "{hour}: {released}"
        );
        world.pass(1);
    }
}

#[test]
fn an_hour_without_weight_releases_nothing() {
    let mut weights = [1; 24];
    weights[7..19].fill(0);
    let hour_profile = HourProfile::new(weights).expect("it has some");
    let terms = Terms {
        hour_profile,
        ..capacity(60)
    };
    let mut world = ready(start("2026-06-01"), terms);
    world.habit = Some(succeed);
    world.connect(NORTH);
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..100))
        .expect("admitted");
    world.until(start("2026-06-01") + 7 * HOUR_US);
    let before = world.released_today();
    world.until(start("2026-06-01") + 19 * HOUR_US - 1);
    assert_eq!((before, world.released_today()), (35, 35));
    world.until(start("2026-06-02") - 1);
    assert_eq!(world.released_today(), 60);
}

#[test]
fn inside_a_user_the_earliest_due_goes_first() {
    let mut world = ready(noon("2026-06-01"), capacity(1_000));
    let image = manifest(2, LARGE);
    let tomorrow = date("2026-06-02");
    world
        .submit_for((ANN, &image), &devices(20..30), tomorrow)
        .expect("parked");
    world
        .submit(ANN, &image, &devices(0..10))
        .expect("admitted");
    world.pass(HOUR_US);
    world
        .submit(ANN, &image, &devices(10..20))
        .expect("admitted");
    world.until(start("2026-06-02"));
    world
        .submit(ANN, &image, &devices(30..40))
        .expect("admitted");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.pass(DAY_US);
    let order: Vec<_> = world
        .offers()
        .iter()
        .map(|it| it.attempt.activation.device)
        .collect();
    assert_eq!(order, devices(0..40));
}

#[test]
fn users_share_by_what_they_have_sent() {
    let mut world = ready(start("2026-06-01"), capacity(100));
    let image = manifest(2, LARGE);
    world
        .submit(ANN, &image, &devices(0..400))
        .expect("admitted");
    world
        .submit(BOB, &image, &devices(1_000..1_100))
        .expect("admitted");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.until(start("2026-06-02") - 1);
    let by_user = offered_by_user(&mut world);
    assert_eq!((by_user[&ANN], by_user[&BOB]), (80, 20));
    assert_eq!(world.days(Some(BOB))[0].released, 20);
}

#[test]
fn equal_users_take_turns_and_none_is_left_unused() {
    let mut world = ready(start("2026-06-01"), capacity(100));
    let image = manifest(2, LARGE);
    world
        .submit(ANN, &image, &devices(0..70))
        .expect("admitted");
    world
        .submit(BOB, &image, &devices(1_000..1_070))
        .expect("admitted");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.until(start("2026-06-02") - 1);
    let by_user = offered_by_user(&mut world);
    assert_eq!((by_user[&ANN], by_user[&BOB]), (50, 50));
    world.until(start("2026-06-03") - 1);
    let by_user = offered_by_user(&mut world);
    assert_eq!((by_user[&ANN], by_user[&BOB]), (20, 20), "the rest");
}

/// The Users of a day's releases, with a restart after each `every` hours.
fn turns(every_hours: Option<i64>) -> Vec<Eui64> {
    let mut world = ready(start("2026-06-01"), capacity(300));
    world.habit = Some(succeed);
    for (user, range) in [(ANN, 0..70), (BOB, 1_000..1_330)] {
        world
            .submit(user, &manifest(2, LARGE), &devices(range))
            .expect("admitted");
    }
    world.connect(NORTH);
    for _ in 0..every_hours.map_or(1, |hours| 24 / hours) {
        world.pass(every_hours.unwrap_or(24) * HOUR_US);
        if every_hours.is_some() {
            world.crash();
            world.connect(NORTH);
        }
    }
    let released = world.offered.iter();
    released.map(|(_, it)| it.attempt.activation.user).collect()
}

#[test]
fn a_restart_does_not_change_whose_turn_it_is() {
    let lived = turns(None);
    assert!(lived.len() > 290);
    assert_eq!(turns(Some(24)), lived);
    assert_eq!(turns(Some(1)), lived);
}

#[test]
fn a_capacity_change_does_not_change_the_shares() {
    let mut world = ready(start("2026-06-01"), capacity(100));
    let image = manifest(2, LARGE);
    world
        .submit(ANN, &image, &devices(0..400))
        .expect("admitted");
    world.habit = Some(succeed);
    world.connect(NORTH);
    // All but a few of Ann's have gone when Bob comes: the share is what was sent, not what is left.
    world.until(start("2026-06-01") + 2 * HOUR_US);
    world.restart_with(capacity(4_800));
    world.connect(NORTH);
    world.pass(HOUR_US);
    world
        .submit(BOB, &image, &devices(1_000..1_400))
        .expect("admitted");
    world.restart_with(capacity(4_801));
    world.connect(NORTH);
    world.offers();
    world.pass(SECOND_US * 18 * 100);
    let by_user = offered_by_user(&mut world);
    assert!(by_user[&ANN].abs_diff(by_user[&BOB]) <= 1, "{by_user:?}");
}

#[test]
fn sending_and_cancelling_makes_no_share() {
    let mut world = ready(start("2026-06-01"), capacity(100));
    let image = manifest(2, LARGE);
    for number in 1..=5 {
        world
            .submit(ANN, &image, &devices(0..400))
            .expect("admitted");
        world.cancel_batch(ANN, number);
    }
    world
        .submit(ANN, &image, &devices(0..400))
        .expect("admitted");
    world
        .submit(BOB, &image, &devices(1_000..1_400))
        .expect("admitted");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.until(start("2026-06-02") - 1);
    let by_user = offered_by_user(&mut world);
    assert_eq!((by_user[&ANN], by_user[&BOB]), (50, 50));
}

#[test]
fn yesterdays_share_is_not_todays() {
    let mut world = ready(start("2026-06-01"), capacity(4_800));
    let image = manifest(2, LARGE);
    world.habit = Some(fail);
    world
        .submit(ANN, &image, &devices(0..500))
        .expect("admitted");
    world.connect(NORTH);
    world.until(start("2026-06-02") - HOUR_US);
    assert_eq!(world.batch(ANN, 1).counts.open(), 0);
    world.habit = None;
    world
        .submit(BOB, &image, &devices(1_000..1_100))
        .expect("admitted");
    world.until(start("2026-06-02"));
    // Bob's are all under way over midnight, and come back today.
    assert_eq!(world.batch(BOB, 1).counts.released, 100);
    for (session, offer) in world.offered.clone() {
        world.end(session, offer.attempt, Outcome::FileTransferFailure);
    }
    world.restart_with(capacity(96));
    world
        .submit(ANN, &image, &devices(500..600))
        .expect("admitted");
    world.pass(HOUR_US);
    world.habit = Some(succeed);
    world.offers();
    world.connect(NORTH);
    world.until(start("2026-06-03") - 1);
    let by_user = offered_by_user(&mut world);
    assert!(by_user[&ANN].abs_diff(by_user[&BOB]) <= 2, "{by_user:?}");
}

#[test]
fn what_waits_to_be_tried_again_is_carried_over() {
    let mut terms = capacity(4_800);
    terms.retry.transfer.backoff_us = 6 * HOUR_US;
    let mut world = ready(start("2026-06-01"), terms.clone());
    let image = manifest(2, LARGE);
    world
        .submit(ANN, &image, &devices(0..100))
        .expect("admitted");
    world.until(start("2026-06-02") - 2 * HOUR_US);
    world.habit = Some(fail);
    world.connect(NORTH);
    world.until(start("2026-06-02"));
    assert_eq!(world.batch(ANN, 1).counts.retry_wait, 100);
    terms.capacity_per_day = 96;
    world.restart_with(terms);
    world
        .submit(BOB, &image, &devices(1_000..1_100))
        .expect("admitted");
    world.pass(6 * HOUR_US);
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.offers();
    world.until(start("2026-06-03") - 1);
    let by_user = offered_by_user(&mut world);
    assert!(by_user[&ANN].abs_diff(by_user[&BOB]) <= 2, "{by_user:?}");
}

#[test]
fn what_is_parked_has_no_share_of_today() {
    let mut world = ready(start("2026-06-01"), capacity(100));
    let image = manifest(2, LARGE);
    let tomorrow = date("2026-06-02");
    let parked = world.submit_for((ANN, &image), &devices(500..900), tomorrow);
    parked.expect("parked");
    world
        .submit(ANN, &image, &devices(0..100))
        .expect("admitted");
    world
        .submit(BOB, &image, &devices(1_000..1_100))
        .expect("admitted");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.until(start("2026-06-02") - 1);
    let by_user = offered_by_user(&mut world);
    assert_eq!((by_user[&ANN], by_user[&BOB]), (50, 50));
    world.until(start("2026-06-03") - 1);
    let by_user = offered_by_user(&mut world);
    assert_eq!((by_user[&ANN], by_user[&BOB]), (90, 10), "450 to 50");
}

#[test]
fn small_images_never_wait_behind_large_ones() {
    let mut world = ready(start("2026-06-01"), capacity(1));
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..400))
        .expect("admitted");
    world.connect(NORTH);
    world.pass(HOUR_US);
    assert_eq!(world.offers().len(), 1);
    world
        .submit(ANN, &manifest(3, SMALL), &devices(400..900))
        .expect("admitted");
    assert_eq!(world.offers().len(), 500, "at once");
    assert_eq!(world.released_today(), 1);
}

#[test]
fn a_gateway_that_is_away_or_full_holds_nobody_else_back() {
    let mut world = ready(start("2026-06-01"), capacity(4_800));
    world.register(&devices(0..100), ANN, SOUTH);
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..200))
        .expect("admitted");
    // One of the three is kept for images that are not large.
    let two_at_a_time = Hello {
        concurrency: 3,
        ..hello("first")
    };
    let session = world.hello(NORTH, two_at_a_time);
    world.pass(HOUR_US);
    let offers = world.offers();
    let waiting: Vec<_> = offers
        .iter()
        .map(|it| it.attempt.activation.device)
        .collect();
    assert_eq!(
        waiting,
        devices(100..102),
        "those of the north, two of them"
    );
    world.end(session, offers[0].attempt, Outcome::Success);
    assert_eq!(world.offer().attempt.activation.device, device(102));
    world.habit = Some(succeed);
    world.connect(SOUTH);
    world.pass(HOUR_US);
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 101);
    world.disconnect(NORTH);
    world.connect(NORTH);
    world.pass(HOUR_US);
    assert_eq!(world.batch(ANN, 1).counts.open(), 0);
}

#[test]
fn nothing_is_released_without_anything_to_release() {
    let mut world = World::new(capacity(100));
    world.handle(Event::Tick);
    assert_eq!(world.engine.next_wakeup(), Some(start("2026-06-02")));
    world.pass(3 * DAY_US);
    let released: Vec<_> = world.days(None).iter().map(|day| day.released).collect();
    assert_eq!(released, [0; 4]);
}
