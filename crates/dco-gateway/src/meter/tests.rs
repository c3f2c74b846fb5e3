use super::*;
use crate::samples::{NEW, OLD, blocks, device, image, manifest};

fn meter() -> Meter {
    Meter::new(device(1), 1, OLD)
}

/// A meter with this defect that has been given the whole image.
fn loaded(defect: Option<Defect>) -> Meter {
    let mut meter = meter();
    meter.set_defect(defect);
    assert_eq!(meter.initiate(&manifest()), Ok(0));
    for (index, data) in (0..).zip(blocks()) {
        assert_eq!(meter.receive(index, data), Ok(index + 1));
    }
    meter
}

#[test]
fn a_meter_runs_the_image_it_was_given_and_tells_its_hash() {
    let mut meter = loaded(None);
    let hash = manifest().manufacturer_image_hash();
    assert_eq!(meter.verify(), Ok(hash));
    assert_eq!(meter.running().firmware_version, OLD);
    let running = meter.activate(hash).unwrap();
    assert_eq!(running.firmware_version, NEW);
    assert_eq!(running.manufacturer_image_hash, Some(hash));
    assert_eq!(meter.running(), running);
}

#[test]
fn a_repeated_image_finds_the_meter_at_its_version() {
    let mut meter = loaded(None);
    meter.verify().unwrap();
    meter
        .activate(manifest().manufacturer_image_hash())
        .unwrap();
    let refused = meter.initiate(&manifest());
    assert_eq!(
        refused,
        Err(RefuseInitiate::AlreadyAtVersion { running: NEW })
    );
}

#[test]
fn a_broken_transfer_goes_on_at_the_first_missing_block() {
    let mut meter = meter();
    meter.initiate(&manifest()).unwrap();
    for index in 0..4 {
        meter
            .receive(index, blocks()[index as usize].clone())
            .unwrap();
    }
    assert_eq!(meter.initiate(&manifest()), Ok(4));
    assert_eq!(meter.receive(2, blocks()[2].clone()), Ok(4));
    assert_eq!(meter.receive(4, blocks()[4].clone()), Ok(5));
}

#[test]
fn a_verified_image_need_not_be_sent_again() {
    let mut meter = loaded(None);
    meter.verify().unwrap();
    assert_eq!(meter.initiate(&manifest()), Ok(manifest().block_count()));
    assert_eq!(meter.verify(), Ok(manifest().manufacturer_image_hash()));
    assert_eq!(
        meter.receive(0, blocks()[0].clone()),
        Err(RefuseBlock::NotReceiving)
    );
}

#[test]
fn another_image_takes_the_place_of_one_being_received() {
    let mut meter = meter();
    meter.initiate(&manifest()).unwrap();
    meter.receive(0, blocks()[0].clone()).unwrap();
    let other = Manifest::of_image(&image(), 2048).unwrap();
    assert_eq!(meter.initiate(&other), Ok(0));
}

#[test]
fn what_comes_out_of_order_or_with_another_length_is_not_taken() {
    let mut meter = meter();
    let first = || blocks()[0].clone();
    assert_eq!(meter.receive(0, first()), Err(RefuseBlock::NotReceiving));
    assert_eq!(meter.verify(), Err(RefuseVerify::NotReceiving));
    let named = manifest().manufacturer_image_hash();
    assert_eq!(meter.activate(named), Err(RefuseActivate::NoImageHeld));

    meter.initiate(&manifest()).unwrap();
    let out_of_order = RefuseBlock::OutOfOrder {
        index: 1,
        first_missing: 0,
    };
    assert_eq!(meter.receive(1, first()), Err(out_of_order));
    let short = RefuseBlock::LengthInvalid {
        index: 0,
        expected_bytes: 1024,
        actual_bytes: 9,
    };
    assert_eq!(meter.receive(0, first().slice(..9)), Err(short));
    meter.receive(0, first()).unwrap();
    let incomplete = RefuseVerify::Incomplete {
        first_missing: 1,
        block_count: 10,
    };
    assert_eq!(meter.verify(), Err(incomplete));
    assert_eq!(meter.activate(named), Err(RefuseActivate::NoImageHeld));
    assert_eq!(
        meter.initiate(&manifest()),
        Ok(1),
        "an early activation loses nothing"
    );
}

#[test]
fn hardware_outside_the_range_of_the_header_refuses_the_image() {
    for (hardware_version, fits) in [(0, false), (1, true), (4, true), (5, false)] {
        let mut meter = Meter::new(device(1), hardware_version, OLD);
        let refused = RefuseInitiate::HardwareVersionMismatch { hardware_version };
        assert_eq!(
            meter.initiate(&manifest()),
            if fits { Ok(0) } else { Err(refused) }
        );
    }
    let mut meter = meter();
    meter.set_defect(Some(Defect::OtherHardware));
    assert!(meter.initiate(&manifest()).is_err());
}

#[test]
fn a_damaged_header_is_found_when_verifying_and_the_image_is_discarded() {
    let mut meter = loaded(Some(Defect::DamagesHeader));
    assert!(matches!(meter.verify(), Err(RefuseVerify::Discarded(_))));
    assert_eq!(meter.initiate(&manifest()), Ok(0));
}

#[test]
fn a_damaged_manufacturer_image_has_another_hash_and_is_not_activated() {
    let mut meter = loaded(Some(Defect::DamagesImage));
    let computed = meter.verify().unwrap();
    let named = manifest().manufacturer_image_hash();
    assert_ne!(computed, named);
    assert_eq!(
        meter.activate(named),
        Err(RefuseActivate::HashMismatch { named, computed })
    );
    assert_eq!(meter.running().firmware_version, OLD);
    assert_eq!(meter.initiate(&manifest()), Ok(0));
}

#[test]
fn an_image_that_is_not_the_one_named_is_not_activated() {
    let mut meter = loaded(None);
    let computed = meter.verify().unwrap();
    let named = ManufacturerImageHash::new([9; 32]);
    assert_eq!(
        meter.activate(named),
        Err(RefuseActivate::HashMismatch { named, computed })
    );
}

#[test]
fn a_forgotten_image_is_not_held() {
    let mut meter = loaded(Some(Defect::ForgetsImage));
    let hash = meter.verify().unwrap();
    assert_eq!(meter.activate(hash), Err(RefuseActivate::NoImageHeld));
    meter.set_defect(None);
    assert_eq!(meter.initiate(&manifest()), Ok(0));
}

#[test]
fn firmware_that_does_not_start_leaves_the_meter_with_what_it_ran() {
    let mut meter = loaded(Some(Defect::FailsActivation));
    let hash = meter.verify().unwrap();
    let failed = RefuseActivate::ActivationFailure { running: OLD };
    assert_eq!(meter.activate(hash), Err(failed));
    assert_eq!(
        meter.running(),
        Running {
            firmware_version: OLD,
            manufacturer_image_hash: None
        }
    );
}
