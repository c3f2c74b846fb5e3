//! Anomaly detection: what goes over a threshold, or comes again, is refused, and told once.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_engine::record::{Change, Counted, Record};
use dco_engine::{
    Engine, HOUR_US, NoticeParty, NoticeSubject, OpenTransfer, Refusal, Request, SubmitBatch,
    Terms, Threshold, ThresholdTerms,
};
use dco_schedule::{Act, Asker};
use proptest::prelude::*;
use prost::Message;

use crate::sample::{ANN, BOB, DAY_US, NORTH, SMALL, capacity, device, devices, manifest};
use crate::world::schedules::{IDA, asking, first_of, officer, schedule_of};
use crate::world::{World, batch_of, transfer_of};

/// Far less than from any counter to the last of all.
const LEAP_MAX: u64 = 1 << 56;

/// Small thresholds over six hours.
fn ready() -> World {
    only(ThresholdTerms {
        period_us: 6 * HOUR_US,
        transfers: Threshold {
            per_user_max: 4,
            total_max: 6,
        },
        activations: Threshold {
            per_user_max: 10,
            total_max: 15,
        },
        originator_counter_leap_max: LEAP_MAX,
        ..ThresholdTerms::default()
    })
}

/// Nothing but these is bounded. Ann has Devices 0 to 49, Bob 50 to 99, each the same small image.
fn only(thresholds: ThresholdTerms) -> World {
    let mut world = World::new(Terms {
        thresholds,
        ..capacity(100)
    });
    world.register(&devices(0..50), ANN, NORTH);
    world.register(&devices(50..100), BOB, NORTH);
    world.store(ANN, &manifest(2, SMALL), &devices(0..50));
    world.store(BOB, &manifest(2, SMALL), &devices(50..100));
    world
}

fn breaches(world: &mut World, party: NoticeParty) -> usize {
    let notices = world.notices_after(party, 0).into_iter();
    let breaches =
        notices.filter(|it| matches!(it.subject, NoticeSubject::ThresholdBreached { .. }));
    breaches.count()
}

#[test]
fn a_batch_over_the_threshold_of_its_user_is_refused_and_told_once_in_a_period() {
    let mut world = ready();
    let image = manifest(2, SMALL);
    world.submit(ANN, &image, &devices(0..8)).expect("within");
    // It is 11:00 UTC.
    let resets_us = world.now_us + HOUR_US;
    for (at, count) in [(8..11, 3), (8..12, 4)] {
        let refused = world.submit(ANN, &image, &devices(at)).unwrap_err();
        let expected = Refusal::ThresholdExceeded {
            counted: Counted::Activations,
            limit: 10,
            used: Some(8),
            requested: count,
            resets_us,
            resets_in_us: HOUR_US,
        };
        assert_eq!(refused, expected);
    }
    world
        .submit(ANN, &image, &devices(8..10))
        .expect("up to it");
    for party in [
        NoticeParty::User(ANN),
        NoticeParty::Desk,
        NoticeParty::Operators,
    ] {
        assert_eq!(breaches(&mut world, party), 1);
    }
    assert_eq!(breaches(&mut world, NoticeParty::User(BOB)), 0);
    assert_eq!(world.engine.stats().thresholds_breached, 1);
    world.until(resets_us);
    world
        .submit(ANN, &image, &devices(10..20))
        .expect("a new period");
    world.submit(ANN, &image, &[device(20)]).unwrap_err();
    assert_eq!(world.engine.stats().thresholds_breached, 2);
}

#[test]
fn the_threshold_over_all_users_tells_no_user_what_others_send() {
    let mut world = ready();
    let image = manifest(2, SMALL);
    world.submit(ANN, &image, &devices(0..8)).expect("within");
    let refused = world.submit(BOB, &image, &devices(50..58)).unwrap_err();
    assert!(
        matches!(
            refused,
            Refusal::ThresholdExceeded {
                limit: 15,
                used: None,
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(breaches(&mut world, NoticeParty::User(BOB)), 0);
    assert_eq!(breaches(&mut world, NoticeParty::Desk), 1);
    world
        .submit(BOB, &image, &devices(50..57))
        .expect("up to it");
}

#[test]
fn transfers_are_counted_as_well() {
    let mut world = ready();
    // One was opened to store the image.
    for version in 10..13 {
        world
            .open(ANN, &manifest(version, SMALL), &[device(0)])
            .expect("within");
    }
    let refused = world.open(ANN, &manifest(13, SMALL), &[device(0)]);
    assert!(
        matches!(
            refused,
            Err(Refusal::ThresholdExceeded {
                counted: Counted::Transfers,
                limit: 4,
                used: Some(4),
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn who_only_validates_is_told_and_nobody_else_is() {
    let mut world = ready();
    let image = manifest(2, SMALL);
    let records = world.journal.len();
    let asked = SubmitBatch {
        validate_only: true,
        ..world.batch_of(ANN, &image, &devices(0..11))
    };
    let refused = world.submit_this(&asked);
    assert!(matches!(refused, Err(Refusal::ThresholdExceeded { .. })));
    assert_eq!(world.journal.len(), records);
}

fn opening(world: &mut World, version: u32, counter: u64) -> OpenTransfer {
    OpenTransfer {
        originator_counter: Some(counter),
        ..world.opening(ANN, &manifest(version, SMALL), &[device(0)])
    }
}

#[test]
fn the_counter_of_a_user_rises_from_request_to_request_of_either_kind() {
    for crash in [false, true] {
        let mut world = ready();
        let image = manifest(2, SMALL);
        let first = opening(&mut world, 10, 1_000);
        let opened = world.ask(Request::OpenTransfer(first.clone()));
        let opened = transfer_of(opened.expect("the first may be any"));
        if crash {
            world.crash();
        }
        let again = world.ask(Request::OpenTransfer(first));
        assert_eq!(
            transfer_of(again.expect("the same request")).number,
            opened.number
        );
        for given in [0, 999, 1_000] {
            let replayed = Refusal::OriginatorCounterReplayed { given, last: 1_000 };
            let asked = opening(&mut world, 11, given);
            let refused = world.ask(Request::OpenTransfer(asked)).unwrap_err();
            assert_eq!(refused, replayed);
            let asked = SubmitBatch {
                originator_counter: Some(given),
                ..world.batch_of(ANN, &image, &[device(0)])
            };
            assert_eq!(world.submit_this(&asked).unwrap_err(), replayed);
        }
        let asked = SubmitBatch {
            originator_counter: Some(1_000 + LEAP_MAX),
            ..world.batch_of(ANN, &image, &[device(0)])
        };
        let batch = batch_of(world.ask(Request::SubmitBatch(asked)).expect("it rises"));
        assert_eq!(batch.number, Some(1));
        world
            .submit(ANN, &image, &[device(1)])
            .expect("a request may have none");
        let of_bob = SubmitBatch {
            originator_counter: Some(3),
            ..world.batch_of(BOB, &image, &[device(50)])
        };
        world.submit_this(&of_bob).expect("each User has its own");
    }
}

#[test]
fn a_counter_far_above_the_last_is_a_slip_and_keeps_out_none_that_follows() {
    let mut world = ready();
    let image = manifest(2, SMALL);
    let now_ns = u64::try_from(world.now_us).expect("after 1970") * 1_000;
    for given in [u64::MAX, now_ns + LEAP_MAX + 2_000_000_000] {
        let asked = opening(&mut world, 10, given);
        let refused = world.ask(Request::OpenTransfer(asked)).unwrap_err();
        let Refusal::OriginatorCounterLeaps { last: None, .. } = refused else {
            panic!("{refused:?}");
        };
    }
    // The first may count in any unit of time, down to nanoseconds.
    let of_bob = SubmitBatch {
        originator_counter: Some(now_ns),
        ..world.batch_of(BOB, &image, &[device(50)])
    };
    world.submit_this(&of_bob).expect("nanoseconds since 1970");
    let asked = opening(&mut world, 10, 1_000);
    world.ask(Request::OpenTransfer(asked)).expect("the first");
    world.crash();
    let records = world.journal.len();
    for given in [u64::MAX, 1_001 + LEAP_MAX] {
        let leaps = Refusal::OriginatorCounterLeaps {
            given,
            last: Some(1_000),
            highest: 1_000 + LEAP_MAX,
        };
        let said = leaps.to_string();
        assert!(said.contains("after 1000, the last one"), "{said}");
        let asked = opening(&mut world, 11, given);
        let refused = world.ask(Request::OpenTransfer(asked)).unwrap_err();
        assert_eq!(refused, leaps);
        let asked = SubmitBatch {
            originator_counter: Some(given),
            ..world.batch_of(ANN, &image, &[device(0)])
        };
        assert_eq!(world.submit_this(&asked), Err(leaps));
    }
    assert_eq!(world.journal.len(), records, "nothing was taken");
    let asked = SubmitBatch {
        originator_counter: Some(1_001),
        ..world.batch_of(ANN, &image, &[device(0)])
    };
    world.submit_this(&asked).expect("the next in line");
}

#[test]
fn what_is_refused_for_another_reason_may_come_again_with_its_counter() {
    let mut world = ready();
    let asked = SubmitBatch {
        originator_counter: Some(5),
        ..world.batch_of(ANN, &manifest(2, SMALL), &[device(60)])
    };
    assert_eq!(world.submit_this(&asked), Err(Refusal::NotPermitted));
    let asked = SubmitBatch {
        devices: devices(0..1),
        id: world.fresh_id(),
        ..asked
    };
    world.submit_this(&asked).expect("it did nothing before");
}

#[test]
fn the_same_request_with_another_counter_is_another_request() {
    let mut world = ready();
    let asked = opening(&mut world, 10, 7);
    world
        .ask(Request::OpenTransfer(asked.clone()))
        .expect("opened");
    for originator_counter in [None, Some(8)] {
        let other = OpenTransfer {
            originator_counter,
            ..asked.clone()
        };
        let refused = world.ask(Request::OpenTransfer(other)).unwrap_err();
        assert_eq!(refused, Refusal::RequestIdReused);
    }
}

fn request_bytes_of(per_user_max: u32, total_max: u32) -> World {
    only(ThresholdTerms {
        request_bytes: Threshold {
            per_user_max,
            total_max,
        },
        ..ThresholdTerms::default()
    })
}

/// One Device and as large a signed request as there may be.
const LOUD: u32 = 65_536 + 1_032;

fn loud(world: &mut World, user: Eui64, at: u64) -> SubmitBatch {
    SubmitBatch {
        signed_request: vec![7; 65_536].into(),
        ..world.batch_of(user, &manifest(2, SMALL), &[device(at)])
    }
}

/// What is counted of a User.
fn used(world: &mut World, user: Eui64, counted: Counted) -> u32 {
    let counts = world.limits(user).counts.into_iter();
    let mut counts = counts.filter(|it| it.counted == counted);
    counts.next().expect("it is counted").used
}

#[test]
fn what_requests_leave_behind_is_bounded_and_cancelling_gives_none_of_it_back() {
    // Storing the image left 1,424 octets of each User.
    let limit = 1_424 + 3 * LOUD;
    let mut world = request_bytes_of(limit, limit + 1_424 + LOUD);
    for number in 1..=3 {
        let asked = loud(&mut world, ANN, 0);
        world.submit_this(&asked).expect("within");
        world.cancel_batch(ANN, number);
    }
    for is_replayed in [false, true] {
        let asked = loud(&mut world, ANN, 0);
        // It is 11:00 UTC.
        let resets_in_us = 13 * HOUR_US;
        let expected = Refusal::ThresholdExceeded {
            counted: Counted::RequestBytes,
            limit,
            used: Some(limit),
            requested: LOUD,
            resets_us: world.now_us + resets_in_us,
            resets_in_us,
        };
        assert_eq!(world.submit_this(&asked), Err(expected));
        assert_eq!(used(&mut world, ANN, Counted::RequestBytes), limit);
        assert_eq!(breaches(&mut world, NoticeParty::Desk), 1);
        if !is_replayed {
            world.crash();
        }
    }
    let records = world.journal.len();
    for _ in 0..100 {
        let asked = loud(&mut world, ANN, 0);
        world.submit_this(&asked).unwrap_err();
    }
    assert_eq!(
        world.journal.len(),
        records,
        "told once and left behind nothing"
    );
    let honest = loud(&mut world, BOB, 50);
    world.submit_this(&honest).expect("others go on");
    world.pass(13 * HOUR_US);
    let asked = loud(&mut world, ANN, 0);
    world.submit_this(&asked).expect("a new period");
    assert_eq!(used(&mut world, ANN, Counted::RequestBytes), LOUD);
}

#[test]
fn what_all_leave_behind_is_bounded_and_tells_no_user_what_others_send() {
    let mut world = request_bytes_of(u32::MAX, 2 * 1_424 + 2 * LOUD);
    for at in 0..2 {
        let asked = loud(&mut world, ANN, at);
        world.submit_this(&asked).expect("within");
    }
    let asked = loud(&mut world, BOB, 50);
    let refused = world.submit_this(&asked).unwrap_err();
    let Refusal::ThresholdExceeded {
        counted: Counted::RequestBytes,
        used: None,
        ..
    } = refused
    else {
        panic!("{refused:?}");
    };
}

#[test]
fn a_transfer_counts_every_device_that_it_names() {
    let mut world = request_bytes_of(u32::MAX, u32::MAX);
    let before = used(&mut world, ANN, Counted::RequestBytes);
    let asked = OpenTransfer {
        signed_request: vec![7; 100].into(),
        // Most of them are not Ann's.
        ..world.opening(ANN, &manifest(9, SMALL), &devices(45..1_045))
    };
    world.ask(Request::OpenTransfer(asked)).expect("opened");
    for is_replayed in [false, true] {
        let after = used(&mut world, ANN, Counted::RequestBytes);
        assert_eq!(after - before, 1_024 + 100 + 8 * 1_000);
        if !is_replayed {
            world.crash();
        }
    }
}

#[test]
fn records_from_before_there_were_periods_count_for_nothing() {
    let mut world = request_bytes_of(u32::MAX, u32::MAX);
    let asked = loud(&mut world, ANN, 0);
    world.submit_this(&asked).expect("within");
    let mut engine = Engine::new(world.terms.clone());
    for (seq, record) in (1..).zip(&world.journal) {
        let mut record = Record::decode(record.as_slice()).expect("a record");
        match record.change.as_mut().expect("it says something") {
            Change::TransferOpened(it) => it.period_start_us = None,
            Change::BatchAccepted(it) => it.period_start_us = None,
            _ => {}
        }
        let record = record.encode_to_vec();
        engine.replay(seq, &record).expect("it is as it was");
    }
    assert_eq!(engine.stats().period[2].used, 0);
    assert_eq!(
        world.engine.stats().period[2].used,
        2 * 1_424 + u64::from(LOUD)
    );
}

#[test]
fn a_user_makes_so_many_steps_of_schedules_and_officers_as_many_as_it_takes() {
    let mut world = only(ThresholdTerms {
        schedule_steps: Threshold {
            per_user_max: 4,
            total_max: 6,
        },
        ..ThresholdTerms::default()
    });
    let asks =
        |world: &mut World, user| world.act(Asker::User, first_of(user), Act::Request(asking(5)));
    for _ in 0..4 {
        let asked = schedule_of(asks(&mut world, ANN).expect("within"));
        world
            .act(Asker::User, asked.id, Act::Withdraw)
            .expect("what answers is not counted");
    }
    let told = world.notices_after(NoticeParty::Desk, 0).len();
    for is_replayed in [false, true] {
        let refused = asks(&mut world, ANN).unwrap_err();
        let Refusal::ThresholdExceeded {
            counted: Counted::ScheduleSteps,
            limit: 4,
            used: Some(4),
            requested: 1,
            ..
        } = refused
        else {
            panic!("{refused:?}");
        };
        assert_eq!(world.notices_after(NoticeParty::Desk, 0).len(), told + 1);
        if !is_replayed {
            world.crash();
        }
    }
    let of_bob = schedule_of(asks(&mut world, BOB).expect("others go on"));
    for _ in 0..10 {
        let refused = world.act(officer(IDA), of_bob.id, Act::Withdraw);
        assert!(refused.is_err(), "nothing to withdraw is another matter");
    }
    let decline = Act::Decline;
    world
        .act(officer(IDA), of_bob.id, decline)
        .expect("an officer may");
    let sixth = schedule_of(asks(&mut world, BOB).expect("the sixth of all Users"));
    let refused = asks(&mut world, BOB).unwrap_err();
    assert!(
        matches!(refused, Refusal::ThresholdExceeded { used: None, .. }),
        "{refused:?}"
    );
    world
        .act(Asker::User, sixth.id, Act::Withdraw)
        .expect("whatever others have used up");
    world.pass(13 * HOUR_US);
    asks(&mut world, ANN).expect("a new period");
}

#[test]
fn the_desk_is_told_of_so_many_batches_of_one_user_and_of_those_of_others_all_the_same() {
    let mut world = only(ThresholdTerms {
        warnings: Threshold {
            per_user_max: 2,
            ..Threshold::NONE
        },
        ..ThresholdTerms::default()
    });
    for at in 0..5 {
        world
            .submit(ANN, &manifest(2, SMALL), &[device(at)])
            .expect("admitted");
    }
    world
        .submit(BOB, &manifest(2, SMALL), &[device(50)])
        .expect("admitted");
    world.pass(4 * DAY_US);
    let near = |world: &mut World, party, of: Eui64| {
        let notices = world.notices_after(party, 0).into_iter();
        let near = notices
            .filter(|it| matches!(it.subject, NoticeSubject::TrtNear { user, .. } if user == of));
        near.count()
    };
    for is_replayed in [false, true] {
        assert_eq!(near(&mut world, NoticeParty::User(ANN), ANN), 5);
        assert_eq!(near(&mut world, NoticeParty::Desk, ANN), 2);
        assert_eq!(near(&mut world, NoticeParty::Desk, BOB), 1);
        for party in [
            NoticeParty::User(ANN),
            NoticeParty::Desk,
            NoticeParty::Operators,
        ] {
            assert_eq!(
                breaches(&mut world, party),
                1,
                "that there are more is told once"
            );
        }
        if !is_replayed {
            world.crash();
        }
    }
}

/// What a User sends, after how many hours, and whether the power goes before.
fn story() -> impl Strategy<Value = Vec<(bool, u64, i64, bool)>> {
    let step = (
        any::<bool>(),
        1_u64..6,
        0_i64..3,
        proptest::bool::weighted(0.1),
    );
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Against counts kept by hand: what is accepted never goes over, and what is refused would have.
    #[test]
    fn no_count_goes_over_its_threshold_and_nothing_less_is_refused(story in story()) {
        let mut world = ready();
        let image = manifest(2, SMALL);
        let mut counts: BTreeMap<(i64, Option<Eui64>), u64> = BTreeMap::new();
        let mut next = BTreeMap::from([(ANN, 0), (BOB, 50)]);
        for (is_ann, count, hours, crash) in story {
            world.pass(hours * HOUR_US);
            if crash {
                world.crash();
            }
            let user = if is_ann { ANN } else { BOB };
            let first = next[&user];
            if first + count > if is_ann { 50 } else { 100 } {
                continue;
            }
            let period = world.now_us.div_euclid(6 * HOUR_US);
            let of = |scope| counts.get(&(period, scope)).copied().unwrap_or(0);
            let fits = of(Some(user)) + count <= 10 && of(None) + count <= 15;
            let answer = world.submit(user, &image, &devices(first..first + count));
            prop_assert_eq!(answer.is_ok(), fits, "{:?}", answer);
            if fits {
                next.insert(user, first + count);
                *counts.entry((period, Some(user))).or_default() += count;
                *counts.entry((period, None)).or_default() += count;
            }
        }
    }
}
