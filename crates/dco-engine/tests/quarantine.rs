//! What is kept of an image is damaged: nobody is given any of it until it is whole again.

use std::collections::BTreeSet;

use dco_block::{Eui64, Manifest};
use dco_engine::{
    HOUR_US, Hold, Refusal, Reply, Request, ToGateway, Topic, TransferState, Verdict,
};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, capacity, date, device, devices, in_blocks_of, manifest,
};
use crate::world::{World, succeed};

/// Ann has Devices 0 to 9, Bob 10 to 19.
fn ready() -> World {
    let mut world = World::new(capacity(100));
    world.register(&devices(0..10), ANN, NORTH);
    world.register(&devices(10..20), BOB, NORTH);
    world
}

fn states(world: &mut World, user: Eui64, last: u64) -> Vec<TransferState> {
    (1..=last)
        .map(|it| world.transfer(user, it).state)
        .collect()
}

fn owners_held(world: &World) -> BTreeSet<u64> {
    world.blocks.iter().map(|(owner, _)| *owner).collect()
}

fn open_image(world: &mut World, image: &Manifest) -> Result<Reply, Refusal> {
    world.ask(Request::OpenImage {
        gateway: NORTH,
        image_id: image.image_id(),
        block_bytes: image.block_bytes(),
    })
}

#[test]
fn nothing_of_a_damaged_image_is_released_until_it_is_sent_again() {
    for crash in [false, true] {
        let mut world = ready();
        let image = manifest(2, LARGE);
        let owner = world.store(ANN, &image, &devices(0..6));
        world.submit(ANN, &image, &devices(0..2)).expect("admitted");
        let later = date("2026-06-02");
        world
            .submit_for((ANN, &image), &[device(2)], later)
            .expect("parked");
        world.damaged(owner, 1);
        world.damaged(owner, 2);
        if crash {
            world.crash();
        }
        assert_eq!(states(&mut world, ANN, 1), [TransferState::Quarantined]);
        world.habit = Some(succeed);
        world.connect(NORTH);
        world.pass(2 * DAY_US);
        assert!(world.offered.is_empty());
        let refused = Refusal::ImageQuarantined { transfer: 1 };
        assert_eq!(world.submit(ANN, &image, &[device(3)]), Err(refused));
        let again = world.store(ANN, &image, &[device(0)]);
        world.pass(HOUR_US);
        assert_eq!(world.offered.len(), 3, "the parked one too");
        assert_eq!(states(&mut world, ANN, 2), [TransferState::Stored; 2]);
        assert_eq!(owners_held(&world), [again].into());
        assert!(world.freed.contains(&owner));
        assert_eq!(world.engine.stats().images_quarantined, 0);
    }
}

#[test]
fn it_is_noted_once() {
    let mut world = ready();
    let owner = world.store(ANN, &manifest(2, LARGE), &devices(0..3));
    let before = world.journal.len();
    for index in [1, 1, 0, 99] {
        world.damaged(owner, index);
    }
    world.crash();
    world.damaged(owner, 2);
    assert_eq!(world.journal.len(), before + 1);
    world.damaged(77, 0);
    assert_eq!(world.journal.len(), before + 1, "blocks of nobody");
}

#[test]
fn an_explanation_says_what_would_free_it() {
    let mut world = ready();
    let image = manifest(2, SMALL);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.submit(ANN, &image, &devices(0..2)).expect("admitted");
    world.pass(HOUR_US);
    let since_us = world.now_us;
    world.changed.clear();
    world.damaged(owner, 0);
    let topic = Topic::Transfer {
        user: ANN,
        number: 1,
    };
    assert!(world.changed.contains(&topic), "whoever watches is told");
    world.pass(HOUR_US);
    let explained = world.explain(ANN, 1, device(0));
    assert_eq!(explained.holds[0], Hold::ImageQuarantined { since_us });
    assert_eq!(explained.earliest_us, None);
    assert_eq!(explained.predicted_release_us, None);
    assert_eq!(world.batch(ANN, 1).predicted, None);
    world.store(ANN, &image, &[device(0)]);
    let explained = world.explain(ANN, 1, device(0));
    assert!(matches!(
        explained.holds[0],
        Hold::GatewayNotConnected { .. }
    ));
    assert!(world.batch(ANN, 1).predicted.is_some());
}

#[test]
fn any_user_that_has_it_makes_it_whole_for_all() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.store(BOB, &image, &devices(10..12));
    for user in [ANN, BOB] {
        let first = if user == ANN { device(0) } else { device(10) };
        world.submit(user, &image, &[first]).expect("admitted");
    }
    world.damaged(owner, 0);
    world.changed.clear();
    assert_eq!(states(&mut world, BOB, 1), [TransferState::Quarantined]);
    let cut = in_blocks_of(&image, 64 * 1024);
    let opened = world.open(BOB, &cut, &[device(11)]).expect("opened");
    assert_eq!(
        opened.state,
        TransferState::Receiving,
        "blocks are asked for"
    );
    let of_bob = world.owner(BOB, 2);
    (0..cut.block_count()).for_each(|index| world.block(of_bob, index));
    world.verified(of_bob, Verdict::Good);
    assert_eq!(states(&mut world, ANN, 1), [TransferState::Stored]);
    assert_eq!(owners_held(&world), [of_bob].into());
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.pass(HOUR_US);
    assert_eq!(world.offered.len(), 2);
    for (_, offer) in &world.offered {
        assert_eq!(
            offer.manifest, image,
            "each in the cut in which its User sent it"
        );
    }
}

#[test]
fn who_sends_it_again_beside_another_need_not_go_on() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.store(BOB, &image, &devices(10..12));
    world.damaged(owner, 0);
    world.open(ANN, &image, &[device(4)]).expect("opened");
    let of_ann = world.owner(ANN, 2);
    world.block(of_ann, 0);
    world.store(BOB, &image, &[device(11)]);
    assert_eq!(states(&mut world, ANN, 2), [TransferState::Stored; 2]);
    let records = world.journal.len();
    world.crash();
    assert_eq!(world.journal.len(), records, "a start decides nothing new");
}

#[test]
fn an_image_that_was_sent_again_may_be_wrong_and_changes_nothing() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.damaged(owner, 0);
    world.open(ANN, &image, &[device(0)]).expect("opened");
    let again = world.owner(ANN, 2);
    (0..3).for_each(|index| world.block(again, index));
    let (reason, message) = ("IMAGE_DIGEST_MISMATCH".to_owned(), String::new());
    world.verified(again, Verdict::Bad { reason, message });
    let states = states(&mut world, ANN, 2);
    assert_eq!(
        states,
        [TransferState::Quarantined, TransferState::Rejected]
    );
    assert!(world.engine.wants_blocks_of(owner), "they are looked at");
}

#[test]
fn a_gateway_is_refused_what_it_was_offered_before_and_never_offered_it_again() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    world.connect(NORTH);
    world.pass(HOUR_US);
    let offer = world.offer();
    open_image(&mut world, &image).expect("it is on offer");
    world.damaged(owner, 1);
    let damaged = Err(Refusal::ImageDamaged { index: 1 });
    assert_eq!(
        open_image(&mut world, &image).map(drop),
        damaged.map(drop::<Reply>)
    );
    // It never got the offer, so nothing was sent, and nothing is charged.
    world.disconnect(NORTH);
    world.connect(NORTH);
    assert!(world.offers().is_empty());
    assert_eq!(world.released_today(), 0);
    world.pass(DAY_US);
    assert_eq!(world.offered.len(), 1);
    world.store(ANN, &image, &[device(0)]);
    world.pass(HOUR_US);
    assert_eq!(world.offer().attempt.attempt, offer.attempt.attempt + 1);
}

#[test]
fn an_attempt_with_the_image_in_hand_goes_on() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    let session = world.connect(NORTH);
    world.pass(HOUR_US);
    let attempt = world.offer().attempt;
    world.damaged(owner, 1);
    assert!(
        !world
            .told
            .iter()
            .any(|(_, it)| matches!(it, ToGateway::Withdrawn(_)))
    );
    world.end(session, attempt, dco_engine::Outcome::Success);
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 1);
}

#[test]
fn a_retry_waits_until_the_image_is_whole() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    let session = world.connect(NORTH);
    world.pass(HOUR_US);
    let attempt = world.offer().attempt;
    world.damaged(owner, 1);
    world.end(session, attempt, dco_engine::Outcome::FileTransferFailure);
    world.pass(DAY_US);
    world.crash();
    world.connect(NORTH);
    world.pass(DAY_US);
    assert_eq!(world.batch(ANN, 1).counts.queued, 1);
    let cancelled = world.cancel_batch(ANN, 1);
    assert_eq!(cancelled.counts.cancelled, 1);
    world.store(ANN, &image, &[device(0)]);
    world.pass(DAY_US);
    assert_eq!(
        world.offered.len(),
        1,
        "what was cancelled does not come back"
    );
}

#[test]
fn a_block_damaged_on_its_way_is_asked_for_again() {
    for held in [2, 3] {
        for crash in [false, true] {
            let mut world = ready();
            let image = manifest(2, LARGE);
            world.open(ANN, &image, &devices(0..3)).expect("opened");
            let owner = world.owner(ANN, 1);
            (0..held).for_each(|index| world.block(owner, index));
            world.changed.clear();
            world.damaged(owner, 1);
            assert_eq!(world.changed.len(), 1);
            if crash {
                world.crash();
            }
            let view = world.transfer(ANN, 1);
            assert_eq!(view.state, TransferState::Receiving);
            let rest = if held == 2 { vec![1..=2] } else { vec![1..=1] };
            assert_eq!(view.missing, rest);
            (1..3).for_each(|index| world.block(owner, index));
            assert_eq!(world.transfer(ANN, 1).state, TransferState::Verifying);
            assert_eq!(world.verifications.last(), Some(&owner));
            world.verified(owner, Verdict::Good);
            assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
        }
    }
}

#[test]
fn a_read_back_that_meets_damage_rejects_nothing() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owner = world.owner(ANN, 1);
    (0..3).for_each(|index| world.block(owner, index));
    world.verified(owner, Verdict::Damaged { index: 2 });
    let view = world.transfer(ANN, 1);
    assert_eq!(
        (view.state, view.missing),
        (TransferState::Receiving, vec![2..=2])
    );
    world.pass(7 * DAY_US);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Expired);
}

#[test]
fn a_quarantined_image_needs_no_bytes_to_be_sent_again() {
    let mut world = ready();
    world.terms.limits.stored_bytes_per_user_max = u64::from(LARGE);
    world.crash();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    world.damaged(owner, 0);
    world.store(ANN, &image, &[device(0)]);
    assert_eq!(states(&mut world, ANN, 1), [TransferState::Stored]);
}
