//! What one User may have in the store.

use dco_block::Eui64;
use dco_engine::{Event, LimitTerms, Refusal, Request, Terms, TransferState, Verdict};
use proptest::prelude::*;

use crate::sample::{ANN, BOB, NORTH, SMALL, capacity, devices, manifest};
use crate::world::{World, transfer_of};

/// Ann has Devices 0 to 9, Bob 10 to 19; each may have two transfers open and four images in bytes.
fn ready() -> World {
    let terms = Terms {
        limits: LimitTerms {
            open_transfers_per_user_max: 2,
            stored_bytes_per_user_max: 4 * u64::from(SMALL),
        },
        ..capacity(100)
    };
    let mut world = World::new(terms);
    world.register(&devices(0..10), ANN, NORTH);
    world.register(&devices(10..20), BOB, NORTH);
    world
}

fn open(world: &mut World, version: u32) -> Result<TransferState, Refusal> {
    let opened = world.open(ANN, &manifest(version, SMALL), &devices(0..3));
    opened.map(|view| view.state)
}

#[test]
fn a_transfer_over_the_limit_waits_for_another_to_end() {
    let mut world = ready();
    open(&mut world, 2).expect("the first");
    open(&mut world, 3).expect("the second");
    let over = Refusal::OpenTransfersLimitReached { limit: 2, used: 2 };
    assert_eq!(open(&mut world, 4), Err(over));
    world
        .open(BOB, &manifest(4, SMALL), &devices(10..12))
        .expect("another User has its own limit");
    world.cancel_transfer(ANN, 1).expect("cancelled");
    assert_eq!(open(&mut world, 4), Ok(TransferState::Receiving));
}

#[test]
fn the_same_request_is_answered_whatever_the_limit_says_now() {
    let mut world = ready();
    let asked = world.opening(ANN, &manifest(2, SMALL), &devices(0..3));
    let first = world.ask(Request::OpenTransfer(asked.clone()));
    let first = transfer_of(first.expect("opened"));
    open(&mut world, 3).expect("the second");
    let again = world.ask(Request::OpenTransfer(asked));
    assert_eq!(transfer_of(again.expect("the same request")), first);
}

#[test]
fn bytes_count_while_they_come_and_once_they_are_stored() {
    let mut world = ready();
    for version in 2..5 {
        world.store(ANN, &manifest(version, SMALL), &devices(0..3));
    }
    open(&mut world, 5).expect("the fourth is just within");
    let over = Refusal::StoredBytesLimitReached {
        limit_bytes: 4 * u64::from(SMALL),
        used_bytes: 4 * u64::from(SMALL),
        requested_bytes: u64::from(SMALL),
    };
    assert_eq!(open(&mut world, 6), Err(over.clone()));
    world.crash();
    assert_eq!(open(&mut world, 6), Err(over), "a start forgets nothing");
    world.cancel_transfer(ANN, 4).expect("cancelled");
    assert_eq!(open(&mut world, 6), Ok(TransferState::Receiving));
}

#[test]
fn what_is_kept_of_a_rejected_transfer_counts_until_it_is_freed() {
    let mut world = ready();
    for version in 2..6 {
        open(&mut world, version).expect("within");
        let owner = world.owner(ANN, u64::from(version) - 1);
        (0..3).for_each(|index| world.block(owner, index));
        let (reason, message) = (String::new(), String::new());
        world.verified(owner, Verdict::Bad { reason, message });
    }
    let over = Refusal::StoredBytesLimitReached {
        limit_bytes: 4 * u64::from(SMALL),
        used_bytes: 4 * u64::from(SMALL),
        requested_bytes: u64::from(SMALL),
    };
    assert_eq!(open(&mut world, 6), Err(over.clone()));
    world.crash();
    let kept_us = world.terms.retention.rejected_us;
    world.pass(kept_us - 1);
    assert_eq!(open(&mut world, 6), Err(over), "a start forgets nothing");
    assert!(world.freed.is_empty());
    world.pass(1);
    assert_eq!(world.freed.len(), 4);
    assert_eq!(open(&mut world, 6), Ok(TransferState::Receiving));
}

#[test]
fn more_devices_for_a_stored_image_take_nothing() {
    let mut world = ready();
    for version in 2..6 {
        world.store(ANN, &manifest(version, SMALL), &devices(0..3));
    }
    let more = world.open(ANN, &manifest(2, SMALL), &devices(3..6));
    assert_eq!(more.expect("known").state, TransferState::Stored);
}

#[test]
fn what_others_have_does_not_count() {
    let (mut alone, mut beside) = (ready(), ready());
    for version in 2..6 {
        beside.store(BOB, &manifest(version, SMALL), &devices(10..12));
    }
    for world in [&mut alone, &mut beside] {
        for version in 2..6 {
            world.store(ANN, &manifest(version, SMALL), &devices(0..3));
        }
    }
    let (alone, beside) = (open(&mut alone, 6), open(&mut beside, 6));
    assert!(alone.is_err());
    assert_eq!(alone, beside);
}

#[test]
fn nothing_new_is_begun_while_the_disk_is_full() {
    let mut world = ready();
    let again_us = world.terms.transfer.room_again_us;
    world.store(ANN, &manifest(2, SMALL), &devices(0..3));
    let asked = world.opening(ANN, &manifest(3, SMALL), &devices(0..3));
    let opened = world.ask(Request::OpenTransfer(asked.clone()));
    let opened = transfer_of(opened.expect("there is room"));
    world.handle(Event::StoreFull);
    world.pass(1);
    let retry_in_us = again_us - 1;
    let full = Refusal::StoreFull { retry_in_us };
    assert_eq!(open(&mut world, 4), Err(full));
    let again = world.ask(Request::OpenTransfer(asked));
    assert_eq!(transfer_of(again.expect("the same request")), opened);
    assert_eq!(
        open(&mut world, 2),
        Ok(TransferState::Stored),
        "it needs no room"
    );
    let owner = world.owner(ANN, 2);
    world.block(owner, 0);
    assert!(open(&mut world, 4).is_ok(), "a block has found room");
    world.cancel_transfer(ANN, 2).expect("cancelled");
    world.handle(Event::StoreFull);
    world.pass(again_us);
    assert!(open(&mut world, 5).is_ok(), "it is worth a try again");
}

/// What may happen to Ann's transfers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Open(u32),
    Finish(usize, bool),
    Cancel(usize),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (2_u32..9).prop_map(Step::Open),
        3 => (0_usize..3, any::<bool>()).prop_map(|(at, good)| Step::Finish(at, good)),
        1 => (0_usize..3).prop_map(Step::Cancel),
        1 => Just(Step::Crash),
    ]
}

/// The limits, counted anew from the transfers as Ann reads them.
fn counted(world: &mut World, user: Eui64, last: u64) -> (u32, u64) {
    let views: Vec<_> = (1..=last).map(|it| world.transfer(user, it)).collect();
    let open = views.iter().filter(|it| {
        matches!(
            it.state,
            TransferState::Receiving | TransferState::Verifying
        )
    });
    let kept = views
        .iter()
        .filter(|it| it.state == TransferState::Rejected);
    let kept = u64::try_from(kept.count()).expect("few");
    let stored = views.iter().filter(|it| it.state == TransferState::Stored);
    let images: std::collections::BTreeSet<_> = stored.map(|it| it.manifest.image_id()).collect();
    let open = u32::try_from(open.count()).expect("few");
    let images = u64::try_from(images.len()).expect("few");
    (open, (u64::from(open) + images + kept) * u64::from(SMALL))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_transfer_is_refused_exactly_when_it_would_be_over(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = ready();
        let mut last = 0;
        let mut receiving: Vec<(u64, u64)> = Vec::new();
        for step in steps {
            match step {
                Step::Open(version) => {
                    let (open_count, bytes) = counted(&mut world, ANN, last);
                    let view = world.open(ANN, &manifest(version, SMALL), &devices(0..3));
                    let limits = world.terms.limits;
                    let over = open_count >= limits.open_transfers_per_user_max
                        || bytes + u64::from(SMALL) > limits.stored_bytes_per_user_max;
                    if let Ok(view) = &view {
                        last += 1;
                        if view.state == TransferState::Receiving {
                            receiving.push((last, world.owner(ANN, last)));
                        }
                    }
                    let known = matches!(&view, Ok(it) if it.state == TransferState::Stored);
                    prop_assert_eq!(view.is_err(), over && !known);
                }
                Step::Finish(at, good) if at < receiving.len() => {
                    let (_, owner) = receiving.remove(at);
                    (0..3).for_each(|index| world.block(owner, index));
                    let bad = Verdict::Bad { reason: "IMAGE_DIGEST_MISMATCH".to_owned(), message: String::new() };
                    world.verified(owner, if good { Verdict::Good } else { bad });
                }
                Step::Cancel(at) if at < receiving.len() => {
                    let (number, _) = receiving.remove(at);
                    // One that a sister has made known is stored already.
                    let _known = world.cancel_transfer(ANN, number);
                }
                Step::Crash => world.crash(),
                Step::Finish(..) | Step::Cancel(..) => {}
            }
        }
    }
}
