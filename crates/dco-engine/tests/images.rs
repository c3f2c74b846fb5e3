//! Images: kept once for all who have them, as long as anybody needs them, and no longer.

use std::collections::BTreeSet;
use std::sync::Arc;

use dco_block::{Eui64, Manifest};
use dco_engine::{
    BlockSource, HOUR_US, Outcome, Refusal, Reply, Request, RetentionTerms, Terms, TransferState,
    Verdict,
};

use dco_schedule::{Act, Asker, Calendar, Covers, Micros, ScheduleId};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, date, device, devices, in_blocks_of, manifest,
};
use crate::schedules::all_agreeable;
use crate::world::schedules::{IDA, deal, officer};
use crate::world::{World, succeed};

const KEPT_DAYS: i64 = 30;

/// Ann has Devices 0 to 9, Bob 10 to 19; images are kept for thirty days without use.
fn ready() -> World {
    let terms = Terms {
        retention: RetentionTerms {
            stored_us: KEPT_DAYS * DAY_US,
            rejected_us: 5 * HOUR_US,
            cancelled_us: 2 * HOUR_US,
            expired_us: 3 * HOUR_US,
        },
        ..all_agreeable()
    };
    let mut world = World::new(terms);
    world.register(&devices(0..10), ANN, NORTH);
    world.register(&devices(10..20), BOB, NORTH);
    world
}

fn source(world: &mut World, user: Eui64, number: u64) -> Result<BlockSource, Refusal> {
    match world.ask(Request::AttachTransfer { user, number })? {
        Reply::Blocks(source) => Ok(source),
        other => panic!("{other:?}"),
    }
}

fn owners_held(world: &World) -> BTreeSet<u64> {
    world.blocks.iter().map(|(owner, _)| *owner).collect()
}

/// A transfer with all its blocks, that is not looked at yet.
fn complete(world: &mut World, user: Eui64, image: &Arc<Manifest>, devices: &[Eui64]) -> u64 {
    let opened = world.open(user, image, devices).expect("opened");
    assert_eq!(
        opened.state,
        TransferState::Receiving,
        "as if it were alone"
    );
    let owner = world.owner(user, opened.number.expect("open"));
    (0..image.block_count()).for_each(|index| world.block(owner, index));
    owner
}

// Retention.

#[test]
fn blocks_of_what_ended_without_an_image_are_kept_for_their_time() {
    for (end, kept_us) in [
        (TransferState::Rejected, 5 * HOUR_US),
        (TransferState::Cancelled, 2 * HOUR_US),
        (TransferState::Expired, 3 * HOUR_US),
    ] {
        for crash in [false, true] {
            let mut world = ready();
            let image = manifest(2, LARGE);
            world.open(ANN, &image, &devices(0..3)).expect("opened");
            let owner = world.owner(ANN, 1);
            world.block(owner, 0);
            match end {
                TransferState::Rejected => {
                    (1..3).for_each(|index| world.block(owner, index));
                    let (reason, message) = ("IMAGE_DIGEST_MISMATCH".to_owned(), String::new());
                    world.verified(owner, Verdict::Bad { reason, message });
                }
                TransferState::Cancelled => drop(world.cancel_transfer(ANN, 1).expect("done")),
                _ => world.pass(7 * DAY_US),
            }
            assert_eq!(world.transfer(ANN, 1).state, end);
            assert_eq!(world.stopped, [owner], "no more of them is taken");
            world.pass(kept_us - 1);
            if crash {
                world.crash();
            }
            assert_eq!(owners_held(&world), [owner].into(), "{end}");
            world.pass(1);
            assert!(owners_held(&world).is_empty(), "{end}");
            assert!(!world.engine.wants_blocks_of(owner));
        }
    }
}

#[test]
fn their_time_passes_while_the_service_is_down() {
    let mut world = ready();
    world
        .open(ANN, &manifest(2, LARGE), &devices(0..3))
        .expect("opened");
    let owner = world.owner(ANN, 1);
    world.block(owner, 0);
    world.cancel_transfer(ANN, 1).expect("cancelled");
    world.now_us += 2 * HOUR_US;
    world.crash();
    assert!(owners_held(&world).is_empty());
}

#[test]
fn an_image_that_nobody_uses_is_retired() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.pass(KEPT_DAYS * DAY_US - 1);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
    world.changed.clear();
    world.pass(1);
    let view = world.transfer(ANN, 1);
    assert_eq!((view.state, view.blocks_held), (TransferState::Retired, 0));
    assert_eq!(view.response.expect("it stays").reason, "");
    assert_eq!(
        (world.freed.as_slice(), world.changed.len()),
        (&[owner][..], 1)
    );
    let retired = Refusal::ImageRetired { transfer: 1 };
    assert_eq!(world.submit(ANN, &image, &devices(0..3)), Err(retired));
    let (user, number) = (ANN, 1);
    let state = TransferState::Retired;
    assert_eq!(
        world
            .ask(Request::AttachTransfer { user, number })
            .map(drop),
        Err(Refusal::TransferNotReceiving { state })
    );
    world.crash();
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Retired);
    world.store(ANN, &image, &devices(0..3));
    assert_eq!(world.transfer(ANN, 2).state, TransferState::Stored);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Retired);
    world
        .submit(ANN, &image, &devices(0..3))
        .expect("it is stored again");
}

#[test]
fn blocks_are_freed_only_when_the_retirement_is_durable() {
    let mut world = ready();
    world.store(ANN, &manifest(2, LARGE), &devices(0..3));
    world.syncs = false;
    world.pass(KEPT_DAYS * DAY_US);
    assert!(world.freed.is_empty());
    world.sync();
    world.pump();
    assert_eq!(world.freed.len(), 1);
}

#[test]
fn whatever_is_done_with_an_image_its_time_starts_anew() {
    let (days, half) = (KEPT_DAYS * DAY_US, 15 * DAY_US);
    let image = manifest(2, LARGE);
    let more_devices = |world: &mut World| {
        world
            .open(ANN, &manifest(2, LARGE), &[device(5)])
            .expect("known");
    };
    let sent_for = |world: &mut World| {
        let batch = world.submit(ANN, &manifest(2, LARGE), &[device(0)]);
        world.cancel_batch(ANN, batch.expect("admitted").number.expect("it is in"));
    };
    for (what, crash) in [
        (more_devices as fn(&mut World), false),
        (more_devices, true),
        (sent_for, false),
        (sent_for, true),
    ] {
        let mut world = ready();
        world.store(ANN, &image, &devices(0..3));
        world.pass(half);
        what(&mut world);
        if crash {
            world.crash();
        }
        world.pass(days - 1);
        assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
        world.pass(1);
        assert_eq!(world.transfer(ANN, 1).state, TransferState::Retired);
    }
}

#[test]
fn an_image_with_an_activation_that_has_not_ended_is_kept() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.store(ANN, &image, &devices(0..3));
    world.submit(ANN, &image, &devices(0..2)).expect("admitted");
    world.pass(3 * KEPT_DAYS * DAY_US);
    world.crash();
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
    let session = world.connect(NORTH);
    world.pass(HOUR_US);
    let offers = world.offers();
    world.end(session, offers[0].attempt, Outcome::Success);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
    assert!(world.freed.is_empty());
    world.end(session, offers[1].attempt, Outcome::Success);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Retired);
    assert_eq!(world.freed.len(), 1, "with the last one's end");
}

/// In a world that keeps images for two days, Ann's is stored on the first of June and agreed for until the tenth.
fn agreed_for(covers: Covers) -> (World, ScheduleId<Eui64>) {
    let mut world = ready();
    let mut terms = world.terms.clone();
    terms.retention.stored_us = 2 * DAY_US;
    world.restart_with(terms);
    world.store(ANN, &manifest(2, LARGE), &devices(0..3));
    let deal = deal(&[("2026-06-02", 5), ("2026-06-10", 5)]);
    let id = world.offered_for(ANN, covers, deal);
    world.act(Asker::User, id, Act::Accept).expect("it fits");
    (world, id)
}

fn this_image() -> Covers {
    let hash = manifest(2, LARGE).manufacturer_image_hash();
    Covers::Image(*hash.as_bytes())
}

fn end_us(day: &str) -> Micros {
    Calendar::london().day(date(day)).end_us
}

#[test]
fn an_image_is_kept_to_the_end_of_the_last_day_agreed_for_it() {
    for crash in [false, true] {
        let (mut world, _) = agreed_for(this_image());
        world.until(end_us("2026-06-10") - 1);
        if crash {
            world.crash();
        }
        assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
        world.pass(1);
        assert_eq!(world.transfer(ANN, 1).state, TransferState::Retired);
    }
}

#[test]
fn a_schedule_that_does_not_name_the_image_does_not_keep_it() {
    for covers in [Covers::Portfolio, Covers::Image([7; 32])] {
        let (mut world, _) = agreed_for(covers);
        world.pass(2 * DAY_US - 1);
        assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
        world.pass(1);
        assert_eq!(world.transfer(ANN, 1).state, TransferState::Retired);
    }
}

#[test]
fn what_becomes_of_a_schedule_changes_until_when_its_image_is_kept() {
    let amend = |day| Act::Amend {
        deal: deal(&[("2026-06-02", 5), (day, 5)]),
        answer_by_us: end_us("2026-06-07"),
        cause: None,
    };
    let end = |day| Act::End { from: date(day) };
    for (act, kept_until) in [
        (amend("2026-06-20"), "2026-06-20"),
        (amend("2026-06-07"), "2026-06-07"),
        (end("2026-06-09"), "2026-06-05"),
    ] {
        let (mut world, id) = agreed_for(this_image());
        world.until(end_us("2026-06-05") - 1);
        world.act(Asker::User, id, act.clone()).expect("it may");
        if matches!(act, Act::Amend { .. }) {
            world.act(officer(IDA), id, Act::Accept).expect("it fits");
        }
        world.until(end_us(kept_until) - 1);
        world.crash();
        let is_over = end_us(kept_until) == end_us("2026-06-05");
        let state = world.transfer(ANN, 1).state;
        assert_eq!(state == TransferState::Retired, is_over, "{act:?}");
        world.pass(1);
        let state = world.transfer(ANN, 1).state;
        assert_eq!(state, TransferState::Retired, "{act:?}");
    }
}

#[test]
fn a_retired_image_takes_no_bytes_of_its_users_limit() {
    let mut world = ready();
    world.terms.limits.stored_bytes_per_user_max = u64::from(LARGE);
    world.crash();
    world.store(ANN, &manifest(2, LARGE), &devices(0..3));
    let other = manifest(3, LARGE);
    assert!(world.open(ANN, &other, &devices(0..3)).is_err());
    world.pass(KEPT_DAYS * DAY_US);
    world.open(ANN, &other, &devices(0..3)).expect("room again");
}

// One copy.

#[test]
fn the_second_users_blocks_give_way_to_the_copy() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let of_ann = world.store(ANN, &image, &devices(0..3));
    let of_bob = complete(&mut world, BOB, &image, &devices(10..12));
    assert_eq!(owners_held(&world), [of_ann, of_bob].into());
    world.verified(of_bob, Verdict::Good);
    assert_eq!(world.transfer(BOB, 1).state, TransferState::Stored);
    assert_eq!(owners_held(&world), [of_ann].into());
    assert_eq!(source(&mut world, BOB, 1).expect("there").owner, of_ann);
    world.crash();
    assert_eq!(source(&mut world, BOB, 1).expect("there").owner, of_ann);
    assert_eq!(world.blocks.len(), 3);
}

#[test]
fn nothing_that_a_user_is_told_shows_whether_another_has_the_image() {
    let told = |with_ann: bool, cut: u32| {
        let mut world = ready();
        let image = manifest(2, LARGE);
        if with_ann {
            world.store(ANN, &image, &devices(0..3));
        }
        let cut = in_blocks_of(&image, cut);
        let owner = complete(&mut world, BOB, &cut, &devices(10..12));
        let verifying = world.transfer(BOB, 1);
        world.verified(owner, Verdict::Good);
        let stored = world.transfer(BOB, 1);
        let source = source(&mut world, BOB, 1).expect("blocks may be sent again");
        assert_eq!(source.manifest, cut);
        let more = world.open(BOB, &cut, &[device(15)]);
        world.submit(BOB, &cut, &devices(10..12)).expect("admitted");
        world.connect(NORTH);
        world.pass(HOUR_US);
        let offered = world.offers().into_iter().map(|offer| offer.manifest);
        let offered: Vec<_> = offered.collect();
        assert_eq!(offered.len(), 2);
        (verifying, stored, more, offered)
    };
    for cut in [256 * 1024, 64 * 1024, 1024 * 1024] {
        assert_eq!(told(true, cut), told(false, cut));
    }
}

#[test]
fn the_copy_lives_as_long_as_any_user_has_the_image() {
    for crash in [false, true] {
        let mut world = ready();
        let image = manifest(2, LARGE);
        let of_ann = world.store(ANN, &image, &devices(0..3));
        world.pass(10 * DAY_US);
        world.store(BOB, &in_blocks_of(&image, 64 * 1024), &devices(10..12));
        world.pass(20 * DAY_US);
        assert_eq!(world.transfer(ANN, 1).state, TransferState::Retired);
        if crash {
            world.crash();
        }
        let source = source(&mut world, BOB, 1).expect("Bob has it");
        assert_eq!((source.owner, source.kept), (of_ann, Some(image.clone())));
        assert_eq!(owners_held(&world), [of_ann].into());
        world.submit(BOB, &image, &devices(10..12)).expect("stored");
        world.habit = Some(succeed);
        world.connect(NORTH);
        world.pass(30 * DAY_US);
        assert_eq!(world.transfer(BOB, 1).state, TransferState::Retired);
        assert!(owners_held(&world).is_empty());
    }
}

#[test]
fn two_users_may_be_verified_side_by_side() {
    for (first, second) in [(0, 1), (1, 0)] {
        for cut_after in 0..3 {
            let mut world = ready();
            let image = manifest(2, LARGE);
            let owners = [
                complete(&mut world, ANN, &image, &devices(0..3)),
                complete(&mut world, BOB, &image, &devices(10..12)),
            ];
            for (nth, owner) in [owners[first], owners[second]].into_iter().enumerate() {
                if nth == cut_after {
                    world.crash();
                }
                world.verified(owner, Verdict::Good);
            }
            if cut_after == 2 {
                world.crash();
            }
            assert_eq!(owners_held(&world), [owners[first]].into());
            for user in [ANN, BOB] {
                assert_eq!(world.transfer(user, 1).state, TransferState::Stored);
                let source = source(&mut world, user, 1).expect("there");
                assert_eq!(source.owner, owners[first]);
            }
        }
    }
}

#[test]
fn one_users_end_does_not_touch_the_others_blocks() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(BOB, &image, &devices(10..12)).expect("opened");
    let of_bob = world.owner(BOB, 1);
    world.block(of_bob, 0);
    let of_ann = world.store(ANN, &image, &devices(0..3));
    assert_eq!(world.transfer(BOB, 1).state, TransferState::Receiving);
    world.cancel_transfer(BOB, 1).expect("cancelled");
    world.pass(2 * HOUR_US);
    assert_eq!(owners_held(&world), [of_ann].into());
    world.pass(KEPT_DAYS * DAY_US);
    let alone = world.store(BOB, &image, &devices(10..12));
    assert_eq!(owners_held(&world), [alone].into());
}
