//! SRV 11.1, from opening to its Response.

use bytes::Bytes;
use dco_block::{Eui64, limits};
use dco_engine::{
    BlockSource, DeviceEntry, HOUR_US, OpenTransfer, Page, Refusal, Reply, Request, Topic,
    TransferState, TransferView, Verdict,
};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, capacity, device, devices, entry, manifest, manifest_for,
};
use crate::world::{World, transfer_of};

/// Ann has Devices 0 to 9, Bob 10 to 19.
fn ready() -> World {
    let mut world = World::new(capacity(100));
    world.register(&devices(0..10), ANN, NORTH);
    world.register(&devices(10..20), BOB, NORTH);
    world
}

fn reason(view: &TransferView) -> &str {
    &view.response.as_ref().expect("it has ended").reason
}

#[test]
fn blocks_come_in_any_order_and_the_image_is_read_back() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let opened = world.open(ANN, &image, &devices(0..3)).expect("opened");
    assert_eq!(
        (opened.number, opened.state),
        (Some(1), TransferState::Receiving)
    );
    assert_eq!((opened.missing, opened.device_count), (vec![0..=2], 3));
    let owner = world.owner(ANN, 1);
    world.block(owner, 1);
    let view = world.transfer(ANN, 1);
    assert_eq!((view.blocks_held, view.missing), (1, vec![0..=0, 2..=2]));
    world.block(owner, 2);
    world.block(owner, 2);
    world.block(owner, 7);
    assert_eq!(world.transfer(ANN, 1).missing, [0..=0]);
    assert!(world.verifications.is_empty());
    world.block(owner, 0);
    assert_eq!(world.verifications, [owner]);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Verifying);
    world.verified(owner, Verdict::Good);
    let view = world.transfer(ANN, 1);
    assert_eq!((view.state, reason(&view)), (TransferState::Stored, ""));
    assert_eq!(view.response.expect("given").at_us, world.now_us);
    assert!(world.freed.is_empty());
}

#[test]
fn a_bad_image_is_rejected_and_its_blocks_are_freed_after_their_time() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owner = world.owner(ANN, 1);
    (0..3).for_each(|index| world.block(owner, index));
    let verdict = Verdict::Bad {
        reason: "IMAGE_DIGEST_MISMATCH".to_owned(),
        message: "no".to_owned(),
    };
    world.verified(owner, verdict);
    let view = world.transfer(ANN, 1);
    assert_eq!(view.state, TransferState::Rejected);
    assert_eq!(reason(&view), "IMAGE_DIGEST_MISMATCH");
    assert!(world.freed.is_empty(), "somebody may want to look at it");
    world.pass(world.terms.retention.rejected_us);
    assert_eq!(world.freed, [owner]);
    assert!(!world.engine.wants_blocks_of(owner));
    world.verified(owner, Verdict::Good);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Rejected);
    let again = world.open(ANN, &image, &devices(0..3)).expect("opened");
    assert_eq!(again.state, TransferState::Receiving);
}

#[test]
fn an_unread_image_is_read_again() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owner = world.owner(ANN, 1);
    (0..3).for_each(|index| world.block(owner, index));
    for reads in 1..4 {
        assert_eq!(world.verifications.len(), reads);
        world.verified(owner, Verdict::Unread);
        world.pass(world.terms.transfer.verify_again_us - 1);
        assert_eq!(world.verifications.len(), reads);
        world.pass(1);
    }
    world.verified(owner, Verdict::Good);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
    world.pass(DAY_US);
    assert_eq!(world.verifications.len(), 4);
}

#[test]
fn cancelling_ends_receiving_and_nothing_else() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owner = world.owner(ANN, 1);
    world.block(owner, 0);
    let asked = world.cancelling(ANN, 1);
    let cancelled = world.ask(Request::CancelTransfer(asked)).map(transfer_of);
    let cancelled = cancelled.expect("cancelled");
    assert_eq!(cancelled.state, TransferState::Cancelled);
    assert_eq!(reason(&cancelled), "TRANSFER_CANCELLED");
    assert_eq!(world.freed, [owner]);
    world.block(owner, 1);
    assert_eq!(world.freed, [owner, owner], "it was on its way");
    let same = world.ask(Request::CancelTransfer(asked)).map(transfer_of);
    assert_eq!(same.expect("the same request"), cancelled);
    let not_receiving = Refusal::TransferNotReceiving {
        state: TransferState::Cancelled,
    };
    assert_eq!(world.cancel_transfer(ANN, 1), Err(not_receiving));
    let refused = world.ask(Request::AttachTransfer {
        user: ANN,
        number: 1,
    });
    assert!(matches!(refused, Err(Refusal::TransferNotReceiving { .. })));
    let absent = Refusal::NotFound { kind: "transfer" };
    assert_eq!(world.cancel_transfer(BOB, 1), Err(absent));
}

#[test]
fn it_expires_after_exactly_seven_days_and_warns_before() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owner = world.owner(ANN, 1);
    world.block(owner, 0);
    let opened_us = world.now_us;
    world.until(opened_us + 6 * DAY_US - 1);
    assert_eq!(world.transfer(ANN, 1).warned_us, None);
    world.changed.clear();
    world.until(opened_us + 6 * DAY_US);
    assert_eq!(world.transfer(ANN, 1).warned_us, Some(world.now_us));
    assert!(world.changed.contains(&Topic::Transfer {
        user: ANN,
        number: 1
    }));
    world.until(opened_us + 7 * DAY_US - 1);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Receiving);
    world.until(opened_us + 7 * DAY_US);
    let view = world.transfer(ANN, 1);
    assert_eq!(
        (view.state, view.expire_us),
        (TransferState::Expired, world.now_us)
    );
    assert_eq!(
        (reason(&view), world.freed.as_slice()),
        ("TRANSFER_EXPIRED", &[owner][..])
    );
}

#[test]
fn only_receiving_expires() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owner = world.owner(ANN, 1);
    (0..3).for_each(|index| world.block(owner, index));
    world.pass(30 * DAY_US);
    let view = world.transfer(ANN, 1);
    assert_eq!(
        (view.state, view.warned_us),
        (TransferState::Verifying, None)
    );
}

#[test]
fn a_complete_transfer_does_not_expire_while_the_service_is_down() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owner = world.owner(ANN, 1);
    (0..3).for_each(|index| world.block(owner, index));
    world.now_us += 8 * DAY_US;
    world.verifications.clear();
    world.crash();
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Verifying);
    assert_eq!(world.verifications, [owner]);
}

#[test]
fn an_incomplete_one_does() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owner = world.owner(ANN, 1);
    world.block(owner, 0);
    world.now_us += 8 * DAY_US;
    world.crash();
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Expired);
    assert_eq!(world.freed, [owner]);
    assert!(world.blocks.is_empty());
}

#[test]
fn a_stored_image_needs_no_block_for_more_devices() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &devices(0..3));
    let more = world.open(ANN, &image, &devices(3..6)).expect("opened");
    assert_eq!((more.state, more.blocks_held), (TransferState::Stored, 3));
    assert_eq!(reason(&more), "");
    assert_eq!(
        world.owner(ANN, 2),
        owner,
        "the blocks are those of the first"
    );
    assert_eq!(world.freed.len(), 1, "the second has no blocks to keep");
    assert!(world.engine.wants_blocks_of(owner));
    world
        .submit(ANN, &image, &devices(0..6))
        .expect("for all of them");
    let of_bob = world.open(BOB, &image, &devices(10..12)).expect("opened");
    assert_eq!(
        of_bob.state,
        TransferState::Receiving,
        "another User's image"
    );
}

#[test]
fn transfers_of_one_image_side_by_side_end_together() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(3..6)).expect("opened");
    let waiting = world.owner(ANN, 1);
    world.block(waiting, 0);
    let owner = world.store(ANN, &image, &devices(0..3));
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
    assert_eq!(world.owner(ANN, 1), owner);
    assert_eq!(world.freed, [waiting]);
    world
        .submit(ANN, &image, &devices(0..6))
        .expect("for all of them");
}

#[test]
fn two_complete_transfers_of_one_image_keep_one_set_of_blocks() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.open(ANN, &image, &devices(3..6)).expect("opened");
    world.open(ANN, &image, &devices(0..3)).expect("opened");
    let owners = [world.owner(ANN, 1), world.owner(ANN, 2)];
    for owner in owners {
        (0..3).for_each(|index| world.block(owner, index));
    }
    world.verified(owners[1], Verdict::Good);
    world.verified(owners[0], Verdict::Good);
    assert_eq!(world.freed, [owners[0]]);
    assert_eq!(world.owner(ANN, 1), owners[1]);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
}

#[test]
fn a_cut_between_opening_and_storing_again_is_mended_at_the_start() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.store(ANN, &image, &devices(0..3));
    let asked = world.opening(ANN, &image, &devices(3..6));
    world.syncs = false;
    world.send(Request::OpenTransfer(asked.clone()));
    world.durable += 1;
    assert_eq!(world.durable + 1, world.journal.len());
    world.syncs = true;
    world.crash();
    let same = world.ask(Request::OpenTransfer(asked)).map(transfer_of);
    assert_eq!(same.expect("the same request").state, TransferState::Stored);
}

#[test]
fn invalid_devices_do_not_sink_a_transfer() {
    let mut world = ready();
    let other = DeviceEntry {
        hardware_version: 9,
        ..entry(device(5), ANN, NORTH)
    };
    world.import(vec![other]);
    let image = manifest_for((2, 4), LARGE);
    let asked = [device(99), device(0), device(5), device(10)];
    let view = world.open(ANN, &image, &asked).expect("opened in part");
    assert_eq!(view.device_count, 1);
    assert_eq!(view.invalid.invalid, [device(99), device(10)]);
    assert_eq!(view.invalid.not_applicable_firmware, [device(5)]);
    assert_eq!(view.invalid.count(), 3);
}

#[test]
fn a_transfer_for_no_valid_device_is_refused() {
    let mut world = ready();
    let image = manifest_for((4, 9), LARGE);
    let unknown = world.open(ANN, &image, &[device(99)]);
    let foreign = world.open(ANN, &image, &[device(10)]);
    assert_eq!(unknown, Err(Refusal::NotPermitted));
    assert_eq!(foreign, unknown, "the two are not told apart");
    let (first, count) = (device(0), 2);
    let unfit = world.open(ANN, &image, &[device(0), device(10), device(1)]);
    assert_eq!(unfit, Err(Refusal::FirmwareNotApplicable { first, count }));
}

#[test]
fn lists_of_devices_have_limits() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    assert_eq!(world.open(ANN, &image, &[]), Err(Refusal::BatchEmpty));
    let twice = [device(1), device(2), device(1)];
    let duplicate = Refusal::DeviceDuplicate { device: device(1) };
    assert_eq!(world.open(ANN, &image, &twice), Err(duplicate));
    let limit = limits::DEVICES_MAX;
    let many = devices(0..u64::from(limit) + 1);
    let given = many.len();
    let too_many = Refusal::TooManyDevices { given, limit };
    assert_eq!(world.open(ANN, &image, &many), Err(too_many));
    let most = devices(0..u64::from(limit));
    let view = world.open(ANN, &image, &most).expect("opened in part");
    assert_eq!(view.invalid.count() + view.device_count, most.len());
}

#[test]
fn a_signed_request_is_kept_up_to_its_limit() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let asked = OpenTransfer {
        signed_request: Bytes::from(vec![1; 65_536]),
        ..world.opening(ANN, &image, &[device(0)])
    };
    let opened = world.ask(Request::OpenTransfer(asked.clone()));
    let opened = transfer_of(opened.expect("opened"));
    assert_eq!(opened.signed_request, asked.signed_request);
    world.crash();
    assert_eq!(world.transfer(ANN, 1).signed_request, asked.signed_request);
    let asked = OpenTransfer {
        signed_request: Bytes::from(vec![1; 65_537]),
        ..world.opening(ANN, &image, &[device(0)])
    };
    let refused = world.ask(Request::OpenTransfer(asked)).map(transfer_of);
    let (given_bytes, limit_bytes) = (65_537, 65_536);
    let too_large = Refusal::SignedRequestTooLarge {
        given_bytes,
        limit_bytes,
    };
    assert_eq!(refused, Err(too_large));
}

#[test]
fn validating_changes_nothing() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.store(ANN, &image, &[device(0)]);
    let before = world.journal.len();
    for (manifest, state) in [
        (manifest(3, LARGE), TransferState::Receiving),
        (image, TransferState::Stored),
    ] {
        let asked = OpenTransfer {
            validate_only: true,
            ..world.opening(ANN, &manifest, &[device(0), device(99)])
        };
        let view = world.ask(Request::OpenTransfer(asked)).map(transfer_of);
        let view = view.expect("it would open");
        assert_eq!((view.number, view.state), (None, state));
        assert_eq!((view.device_count, view.invalid.count()), (1, 1));
    }
    assert_eq!(world.journal.len(), before);
    world
        .open(ANN, &manifest(3, LARGE), &[device(0)])
        .expect("opened");
    let before = world.journal.len();
    let mut asked = world.cancelling(ANN, 2);
    asked.validate_only = true;
    world
        .ask(Request::CancelTransfer(asked))
        .expect("it would be cancelled");
    assert_eq!(world.journal.len(), before);
    assert_eq!(world.transfer(ANN, 2).state, TransferState::Receiving);
}

#[test]
fn the_same_request_is_answered_and_another_body_is_refused() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let asked = world.opening(ANN, &image, &devices(0..3));
    let first = world
        .ask(Request::OpenTransfer(asked.clone()))
        .map(transfer_of);
    world.pass(HOUR_US);
    let records = world.journal.len();
    let again = world
        .ask(Request::OpenTransfer(asked.clone()))
        .map(transfer_of);
    assert_eq!(again, first);
    let other = OpenTransfer {
        devices: devices(0..4),
        ..asked.clone()
    };
    let reused = world.ask(Request::OpenTransfer(other)).map(transfer_of);
    assert_eq!(reused, Err(Refusal::RequestIdReused));
    assert_eq!(world.journal.len(), records);
    let of_bob = OpenTransfer {
        user: BOB,
        devices: devices(10..12),
        ..asked
    };
    world
        .ask(Request::OpenTransfer(of_bob))
        .expect("ids are each User's own");
}

#[test]
fn lists_are_a_users_own_newest_first() {
    let mut world = ready();
    for version in 2..6 {
        let image = manifest(version, 2_000);
        world.open(ANN, &image, &[device(0)]).expect("opened");
    }
    let numbers = |world: &mut World, user: Eui64, before, limit| {
        let page = Page {
            user,
            before,
            limit,
        };
        match world.ask(Request::ListTransfers(page)) {
            Ok(Reply::Transfers(rows)) => {
                let numbers = rows.into_iter().map(|row| row.number.expect("open"));
                numbers.collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(numbers(&mut world, ANN, None, 3), [4, 3, 2]);
    assert_eq!(numbers(&mut world, ANN, Some(2), 3), [1]);
    assert!(numbers(&mut world, ANN, Some(0), 3).is_empty());
    assert!(numbers(&mut world, BOB, None, 3).is_empty());
}

#[test]
fn blocks_may_be_sent_to_what_is_stored_and_are_known() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let owner = world.store(ANN, &image, &[device(0)]);
    let attached = world.ask(Request::AttachTransfer {
        user: ANN,
        number: 1,
    });
    let Ok(Reply::Blocks(BlockSource {
        owner: of,
        manifest,
        kept: Some(kept),
    })) = attached
    else {
        panic!("{attached:?}");
    };
    assert_eq!((of, manifest, kept), (owner, image.clone(), image));
    world.block(owner, 0);
    assert!(world.freed.is_empty());
}
