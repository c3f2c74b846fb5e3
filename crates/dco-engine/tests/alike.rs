//! One image declared more than once: what may differ, and what becomes of the rest.

use std::sync::Arc;

use dco_block::{FirmwareVersion, HardwareVersions, Manifest, ManufacturerImageHash, OtaHeader};
use dco_engine::record::{Change, Record, TransferEnd};
use dco_engine::{Engine, OpenTransfer, Refusal, Request, TransferState, Verdict};
use prost::Message;

use crate::sample::{
    ANN, BOB, LARGE, NORTH, capacity, device, devices, in_blocks_of, manifest, manifest_for,
    manifest_with,
};
use crate::world::{World, transfer_of};

/// Ann has Devices 0 to 9, Bob 10 to 19.
fn ready() -> World {
    let mut world = World::new(capacity(100));
    world.register(&devices(0..10), ANN, NORTH);
    world.register(&devices(10..20), BOB, NORTH);
    world
}

#[test]
fn stored_in_another_cut_it_takes_no_block_and_is_stored() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let other_cut = in_blocks_of(&image, 64 * 1024);
    world.open(ANN, &other_cut, &[device(1)]).expect("opened");
    let streaming = world.owner(ANN, 1);
    world.block(streaming, 0);
    world.store(ANN, &image, &[device(0)]);
    assert_eq!(world.transfer(ANN, 1).state, TransferState::Stored);
    assert_eq!(world.freed, [streaming]);
    let attached = world.ask(Request::AttachTransfer {
        user: ANN,
        number: 1,
    });
    let stored = TransferState::Stored;
    assert!(
        matches!(attached, Err(Refusal::TransferNotReceiving { state }) if state == stored),
        "{attached:?}"
    );
    let image = [device(0), device(1)];
    let hash = other_cut.manufacturer_image_hash();
    let batch = world.submit(ANN, &other_cut, &image).expect("for both");
    assert_eq!(batch.manufacturer_image_hash, hash);
}

/// Everything that a manifest of the same image id can say otherwise, each right in itself.
fn others(image: &Manifest) -> [(&'static str, Arc<Manifest>); 4] {
    let made_up = ManufacturerImageHash::new([0xAA; 32]);
    let with_header = |header: OtaHeader, image_bytes| {
        manifest_with(image, |parts| {
            parts.image_bytes = image_bytes;
            parts.firmware_version = header.file_version;
            parts.ota_header = OtaHeader {
                total_image_bytes: image_bytes,
                ..header
            }
            .encode()
            .into();
        })
    };
    let newer = FirmwareVersion::new(77);
    let range = HardwareVersions { min: 0, max: 9 };
    [
        ("image_bytes", with_header(*image.header(), LARGE + 1)),
        (
            "manufacturer_image_hash",
            manifest_with(image, |parts| parts.manufacturer_image_hash = made_up),
        ),
        (
            "firmware_version",
            with_header(
                OtaHeader {
                    file_version: newer,
                    ..*image.header()
                },
                LARGE,
            ),
        ),
        (
            "ota_header",
            with_header(
                OtaHeader {
                    hardware_versions: Some(range),
                    ..*image.header()
                },
                LARGE,
            ),
        ),
    ]
}

#[test]
fn what_is_stored_cannot_be_declared_otherwise() {
    let mut world = ready();
    let image = manifest_for((3, 3), LARGE);
    world.store(ANN, &image, &[device(0)]);
    for (field, other) in others(&image) {
        let asked = world.opening(ANN, &other, &[device(1)]);
        for validate_only in [true, false] {
            let asked = OpenTransfer {
                validate_only,
                ..asked.clone()
            };
            let refused = world.ask(Request::OpenTransfer(asked)).map(transfer_of);
            assert_eq!(refused, Err(Refusal::ManifestDiffers { field }));
        }
        let of_bob = world.open(BOB, &other, &[device(10)]);
        assert!(of_bob.is_ok(), "what others have stored does not count");
    }
    let other_cut = in_blocks_of(&image, 64 * 1024);
    world.open(ANN, &other_cut, &[device(1)]).expect("the same");
    world
        .submit(ANN, &image, &[device(0), device(1)])
        .expect("for both");
}

#[test]
fn what_was_declared_otherwise_before_is_rejected_with_the_first_stored() {
    let image = manifest_for((3, 3), LARGE);
    for (_, other) in others(&image) {
        let mut world = ready();
        world.open(ANN, &other, &[device(1)]).expect("opened");
        let owner = world.owner(ANN, 1);
        world.block(owner, 0);
        world.store(ANN, &image, &[device(0)]);
        declared_otherwise_and_rejected(&mut world, &other);
        world.pass(world.terms.retention.rejected_us);
        assert_eq!(world.freed, [owner]);
        world.crash();
        declared_otherwise_and_rejected(&mut world, &other);
    }
}

fn declared_otherwise_and_rejected(world: &mut World, other: &Manifest) {
    let rejected = world.transfer(ANN, 1);
    assert_eq!(rejected.state, TransferState::Rejected);
    let response = rejected.response.expect("it has ended");
    assert_eq!(response.reason, "IMAGE_DIGEST_MISMATCH");
    let refused = world.submit(ANN, other, &[device(1)]);
    assert!(refused.is_err(), "{refused:?}");
}

#[test]
fn a_journal_that_ends_before_a_rejection_makes_it_at_the_start() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let [_, (_, other), ..] = others(&image);
    world.open(ANN, &other, &[device(1)]).expect("opened");
    world.open(ANN, &image, &[device(0)]).expect("opened");
    let owner = world.owner(ANN, 2);
    (0..3).for_each(|index| world.block(owner, index));
    world.syncs = false;
    world.verified(owner, Verdict::Good);
    world.durable += 1;
    assert_eq!(world.durable + 1, world.journal.len());
    world.syncs = true;
    world.crash();
    assert_eq!(world.transfer(ANN, 2).state, TransferState::Stored);
    declared_otherwise_and_rejected(&mut world, &other);
}

#[test]
fn a_read_back_is_good_for_its_own_manifest_only() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let [_, (_, other), ..] = others(&image);
    world.open(ANN, &other, &[device(1)]).expect("opened");
    let owner = world.owner(ANN, 1);
    (0..3).for_each(|index| world.block(owner, index));
    world.store(ANN, &image, &[device(0)]);
    world.verified(owner, Verdict::Good);
    declared_otherwise_and_rejected(&mut world, &other);
}

#[test]
fn a_journal_that_stores_what_was_declared_otherwise_is_refused() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let [_, (_, other), ..] = others(&image);
    world.open(ANN, &other, &[device(1)]).expect("opened");
    world.store(ANN, &image, &[device(0)]);
    let last = world.journal.pop().expect("the rejection");
    let mut last = Record::decode(last.as_slice()).expect("its own");
    let Some(Change::TransferEnded(ended)) = &mut last.change else {
        panic!("{last:?}");
    };
    ended.set_end(TransferEnd::Stored);
    world.journal.push(last.encode_to_vec());
    let mut engine = Engine::new(world.terms.clone());
    let mut replayed = (1..)
        .zip(&world.journal)
        .map(|(seq, it)| engine.replay(seq, it));
    let refused = replayed.find_map(Result::err).expect("refused");
    assert!(refused.why.contains("manifest"), "{refused}");
}
