//! Parts of the releases paused by officers, and images that the stop rule pauses.

use std::collections::BTreeSet;

use dco_block::Eui64;
use dco_engine::record::StopFigures;
use dco_engine::{
    HOUR_US, Hold, NoticeParty, NoticeSubject, Outcome, Refusal, Reply, Report, Request, Scope,
    StopTerms, Terms,
};
use dco_schedule::ScheduleId;

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, OPERATOR, SMALL, SOUTH, capacity, date, device, devices,
    manifest,
};
use crate::schedules::all_agreeable;
use crate::world::schedules::deal;
use crate::world::{World, ended, hello, succeed};

/// Ann has Devices 0 to 39 and Bob 40 to 79, each half of them behind each gateway, with a large and a small image.
fn ready(terms: Terms) -> World {
    let mut world = World::new(terms);
    for (user, from) in [(ANN, 0), (BOB, 40)] {
        world.register(&devices(from..from + 20), user, NORTH);
        world.register(&devices(from + 20..from + 40), user, SOUTH);
        for image in [manifest(2, LARGE), manifest(3, SMALL)] {
            world.store(user, &image, &devices(from..from + 40));
        }
    }
    world
}

fn stopping(attempts: u32, failed_percent: u32) -> Terms {
    Terms {
        stop: Some(StopTerms {
            attempts,
            failed_percent,
        }),
        ..capacity(1_000)
    }
}

/// For whom what was offered since the last look: Users and gateways, large or not.
fn offered(world: &mut World) -> BTreeSet<(Eui64, bool, bool)> {
    let offers = world.offers().into_iter();
    let all = offers.map(|offer| {
        let device = offer.attempt.activation.device;
        let number = device.bits() & 0xFFFF;
        let is_north = number % 40 < 20;
        (
            offer.attempt.activation.user,
            is_north,
            offer.manifest.is_large(),
        )
    });
    all.collect()
}

#[test]
fn a_pause_of_a_part_holds_that_part_and_nothing_else() {
    type Is = fn(&(Eui64, bool, bool)) -> bool;
    let large = manifest(2, LARGE).manufacturer_image_hash();
    let cases: [(Scope, Is); 3] = [
        (Scope::User(ANN), |it| it.0 == ANN),
        (Scope::Gateway(NORTH), |it| it.1),
        (Scope::Image(large), |it| it.2),
    ];
    for (scope, is_part) in cases {
        let mut world = ready(capacity(1_000));
        world.habit = Some(succeed);
        world.pause_of_part(scope).expect("paused");
        for (user, from) in [(ANN, 0), (BOB, 40)] {
            let of = |at: u64| {
                [
                    devices(from + at..from + at + 5),
                    devices(from + at + 20..from + at + 25),
                ]
            };
            let (large, small) = (of(0).concat(), of(5).concat());
            world
                .submit(user, &manifest(2, LARGE), &large)
                .expect("a pause refuses nobody");
            world
                .submit(user, &manifest(3, SMALL), &small)
                .expect("a pause refuses nobody");
        }
        world.connect(NORTH);
        world.connect(SOUTH);
        world.pass(DAY_US / 2);
        let went = offered(&mut world);
        assert_eq!(went.len(), 4, "{scope}: all others go: {went:?}");
        assert!(!went.iter().any(is_part), "{scope}: {went:?}");
        world.crash();
        world.connect(NORTH);
        world.connect(SOUTH);
        world.offers();
        world.pass(HOUR_US);
        assert_eq!(
            offered(&mut world).len(),
            0,
            "{scope}: a restart frees nothing"
        );
        assert_eq!(world.engine.stats().pauses, 1);
        world.resume_of_part(scope).expect("resumed");
        world.pass(DAY_US);
        let went = offered(&mut world);
        assert_eq!(went.len(), 4, "{scope}: {went:?}");
        assert!(went.iter().all(is_part), "{scope}: {went:?}");
        assert_eq!(world.engine.stats().pauses, 0);
    }
}

#[test]
fn a_pause_of_a_schedule_holds_what_was_sent_under_it() {
    let mut world = ready(all_agreeable());
    world.habit = Some(succeed);
    let id = world.agreed(ANN, deal(&[("2026-06-04", 60)]));
    let day = date("2026-06-04");
    world
        .submit_for((ANN, &manifest(2, LARGE)), &devices(0..4), day)
        .expect("agreed");
    world
        .submit_for((BOB, &manifest(2, LARGE)), &devices(40..44), day)
        .expect("within the allowance");
    world.pause_of_part(Scope::Schedule(id)).expect("paused");
    world.pass(4 * DAY_US);
    world.connect(NORTH);
    world.pass(DAY_US / 4);
    let users: BTreeSet<_> = offered(&mut world).into_iter().map(|it| it.0).collect();
    assert_eq!(users, BTreeSet::from([BOB]));
    let explained = world.explain(ANN, 1, device(0));
    assert!(matches!(
        explained.holds[0],
        Hold::DispatchPaused { scope: Scope::Schedule(of), .. } if of == id
    ));
    assert_eq!(explained.earliest_us, None);
    world.resume_of_part(Scope::Schedule(id)).expect("resumed");
    world.pass(DAY_US / 4);
    let users: BTreeSet<_> = offered(&mut world).into_iter().map(|it| it.0).collect();
    assert_eq!(users, BTreeSet::from([ANN]));
    let unknown = Scope::Schedule(ScheduleId { number: 9, ..id });
    let refused = world.pause_of_part(unknown);
    assert_eq!(refused, Err(Refusal::NotFound { kind: "schedule" }));
}

#[test]
fn each_part_is_paused_once_and_all_in_force_are_listed() {
    let mut world = ready(capacity(100));
    let scopes = [Scope::User(ANN), Scope::User(BOB), Scope::Gateway(NORTH)];
    for scope in scopes {
        let pause = world
            .pause_of_part(scope)
            .expect("paused")
            .expect("in force");
        assert_eq!((pause.scope, pause.by), (scope, Some(OPERATOR)));
        let refused = world.pause_of_part(scope).expect_err("it is paused");
        let already = Refusal::DispatchPaused {
            scope,
            since_us: world.now_us,
            ticket: "INC-1".to_owned(),
        };
        assert_eq!(refused, already);
        assert!(
            refused.to_string().contains("paused already, ticket INC-1"),
            "{refused}"
        );
    }
    let Ok(Reply::Pauses(pauses)) = world.ask(Request::ListPauses) else {
        panic!("no list of pauses");
    };
    let listed: Vec<_> = pauses.iter().map(|pause| pause.scope).collect();
    assert_eq!(listed, scopes);
    assert_eq!(
        world.resume("INC-1"),
        Err(Refusal::DispatchNotPaused { scope: Scope::All })
    );
    let notices = world.notices_after(NoticeParty::User(ANN), 0);
    assert_eq!(notices.len(), 1, "Ann hears of her own: {notices:?}");
    assert_eq!(world.notices_after(NoticeParty::Desk, 0).len(), 3);
}

/// Ends the first attempts on offer so, one after the other.
fn end_each(world: &mut World, outcomes: &[Outcome]) {
    for outcome in outcomes {
        let (session, offer) = world.offered.remove(0);
        world.report(session, offer.attempt, Report::Ended(ended(*outcome)));
    }
}

/// The northern gateway connects, with twenty places.
fn connect(world: &mut World) {
    let mut few = hello("first");
    few.concurrency = 20;
    world.hello(NORTH, few);
}

/// Many attempts with the small image are under way, of both Users.
fn under_way(terms: Terms) -> World {
    let mut world = ready(terms);
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..20))
        .expect("admitted");
    world
        .submit(BOB, &manifest(3, SMALL), &devices(40..60))
        .expect("admitted");
    connect(&mut world);
    assert_eq!(
        world.offered.len(),
        15,
        "a quarter of the places is for large images"
    );
    world
}

#[test]
fn an_image_is_stopped_when_too_many_of_its_last_attempts_failed_and_not_before() {
    let mut world = under_way(stopping(10, 30));
    let hash = manifest(3, SMALL).manufacturer_image_hash();
    let fails = [Outcome::HashMismatch, Outcome::NoAnswer];
    end_each(&mut world, &fails);
    end_each(&mut world, &[Outcome::Success; 7]);
    assert_eq!(world.engine.stats().stopped, 0, "nine attempts are too few");
    let others_first = world.offered.len();
    assert_eq!(others_first, 15, "what ended made place for others");
    end_each(&mut world, &[Outcome::ActivationFailure]);
    assert_eq!(world.engine.stats().stopped, 1, "three of ten failed");
    assert_eq!(world.offered.len(), 14, "nothing of it follows");
    end_each(&mut world, &[Outcome::Success; 14]);
    world.pass(2 * DAY_US);
    world.crash();
    connect(&mut world);
    world.pass(HOUR_US);
    assert!(
        world.offered.is_empty(),
        "of no User, and no second attempt"
    );
    let figures = StopFigures {
        attempts: 10,
        failed: 3,
    };
    let told = |world: &mut World, party| {
        let notices = world.notices_after(party, 0).into_iter();
        let stops = notices.filter_map(|it| match it.subject {
            NoticeSubject::PauseChanged {
                scope,
                paused: true,
                stop,
                ..
            } => Some((scope, stop)),
            _ => None,
        });
        stops.collect::<Vec<_>>()
    };
    for party in [NoticeParty::Desk, NoticeParty::Operators] {
        assert_eq!(
            told(&mut world, party),
            [(Scope::Image(hash), Some(figures))]
        );
    }
    for user in [ANN, BOB] {
        // What the others' Devices did is not theirs to know.
        assert_eq!(
            told(&mut world, NoticeParty::User(user)),
            [(Scope::Image(hash), None)]
        );
    }
    let pause = world.resume_of_part(Scope::Image(hash));
    assert_eq!(pause, Ok(None));
    assert_eq!(world.offered.len(), 15, "it goes on");
    end_each(&mut world, &[Outcome::HashMismatch; 9]);
    assert_eq!(world.engine.stats().stopped, 0, "counting has begun anew");
    // Devices that failed before do not count again.
    end_each(&mut world, &[Outcome::HashMismatch; 4]);
    assert_eq!(world.engine.stats().stopped, 1);
}

#[test]
fn a_device_that_fails_again_and_again_counts_once() {
    let mut world = ready(stopping(2, 50));
    world
        .submit(ANN, &manifest(3, SMALL), &devices(0..1))
        .expect("admitted");
    world.habit = Some(|_| Some(Report::Ended(ended(Outcome::ActivationFailure))));
    world.connect(NORTH);
    world.pass(2 * DAY_US);
    let ended = world.batch(ANN, 1).counts;
    assert_eq!((ended.failed, world.offered.len()), (1, 3));
    assert_eq!(world.engine.stats().stopped, 0);
}

#[test]
fn what_its_gateway_did_stops_no_image() {
    let mut world = under_way(stopping(5, 1));
    let gateways = [
        Outcome::Declined,
        Outcome::DeviceNotReachable,
        Outcome::NoProgress,
        Outcome::AttemptTimeout,
        Outcome::Unknown,
    ];
    end_each(&mut world, &gateways);
    end_each(&mut world, &gateways);
    assert_eq!(world.engine.stats().stopped, 0);
    end_each(&mut world, &[Outcome::FileTransferFailure; 5]);
    assert_eq!(world.engine.stats().stopped, 1);
}

#[test]
fn a_stop_that_was_lost_with_the_end_of_the_journal_comes_at_the_start() {
    let mut world = under_way(stopping(3, 50));
    end_each(&mut world, &[Outcome::HashMismatch; 3]);
    assert_eq!(world.engine.stats().stopped, 1);
    world.durable = world.journal.len() - 1;
    world.crash();
    assert_eq!(world.engine.stats().stopped, 1);
}

#[test]
fn off_until_it_is_configured_and_then_by_what_was_counted_before() {
    let mut world = under_way(capacity(1_000));
    end_each(&mut world, &[Outcome::HashMismatch; 12]);
    assert_eq!(world.engine.stats().stopped, 0);
    world.restart_with(stopping(12, 100));
    assert_eq!(world.engine.stats().stopped, 1);
}

/// A world in which Ann's Device 0 is the only one, with one attempt of the small image on offer at a time.
fn one_device(terms: Terms) -> (World, dco_engine::Session) {
    let mut world = ready(terms);
    world
        .submit(ANN, &manifest(3, SMALL), &[device(0)])
        .expect("admitted");
    let session = world.connect(NORTH);
    (world, session)
}

/// Ends what is on offer so, and waits for what follows.
fn end_one(world: &mut World, outcome: Outcome) -> dco_engine::AttemptRef {
    let (session, offer) = world.offered.pop().expect("on offer");
    world.report(session, offer.attempt, Report::Ended(ended(outcome)));
    world.pass(HOUR_US);
    offer.attempt
}

#[test]
fn what_a_gateway_does_in_between_and_another_batch_count_no_device_twice() {
    let (mut world, _) = one_device(stopping(2, 50));
    end_one(&mut world, Outcome::HashMismatch);
    end_one(&mut world, Outcome::Declined);
    end_one(&mut world, Outcome::HashMismatch);
    assert_eq!(world.engine.stats().stopped, 0, "one Device was tried");
    world.cancel_batch(ANN, 1);
    world.offered.clear();
    world.pass(2 * DAY_US);
    world
        .submit(ANN, &manifest(3, SMALL), &[device(0)])
        .expect("nothing is under way for it");
    end_one(&mut world, Outcome::HashMismatch);
    assert_eq!(world.engine.stats().stopped, 0, "it still is one Device");
    world.start_from = Some(world.journal.len());
    world.crash();
    world.connect(NORTH);
    world
        .submit(ANN, &manifest(3, SMALL), &[device(1)])
        .expect("admitted");
    end_at(&mut world, device(1), Outcome::HashMismatch);
    assert_eq!(world.engine.stats().stopped, 1, "two were tried");
}

/// Ends the attempt on offer to this Device so.
fn end_at(world: &mut World, device: Eui64, outcome: Outcome) {
    let of = |(_, offer): &(_, dco_engine::Offer)| offer.attempt.activation.device == device;
    let at = world.offered.iter().position(of).expect("on offer");
    let (session, offer) = world.offered.remove(at);
    world.report(session, offer.attempt, Report::Ended(ended(outcome)));
}

#[test]
fn a_late_success_puts_right_what_was_counted_as_a_failure() {
    for restarts in [false, true] {
        let (mut world, mut session) = one_device(stopping(2, 100));
        let (_, first) = world.offered.pop().expect("on offer");
        world.end(session, first.attempt, Outcome::NoAnswer);
        if restarts {
            world.start_from = Some(world.journal.len());
            world.crash();
            session = world.connect(NORTH);
        }
        world.end(session, first.attempt, Outcome::Success);
        assert_eq!(world.batch(ANN, 1).counts.succeeded, 1);
        world
            .submit(ANN, &manifest(3, SMALL), &devices(1..3))
            .expect("admitted");
        end_at(&mut world, device(1), Outcome::HashMismatch);
        assert_eq!(world.engine.stats().stopped, 0, "one of two failed");
        end_at(&mut world, device(2), Outcome::HashMismatch);
        assert_eq!(world.engine.stats().stopped, 0, "two of three failed");
    }
}
