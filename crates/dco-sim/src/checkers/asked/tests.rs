use std::sync::Arc;

use bytes::Bytes;
use dco_block::Eui64;
use dco_engine::record::{BatchAccepted, Change, RequestKey};
use dco_engine::{ActivationName, AttemptRef, Offer, Request, RequestId, SubmitBatch, ToGateway};

use super::Asked;
use crate::checkers::history::{breaks, broken, keeps, kept};
use crate::estate::Estate;
use crate::happened::Happened;

fn estate() -> Estate {
    Estate::draw(&mut crate::dice::Dice::new(0))
}

/// The first User has asked for the first image on these Devices.
fn asked(estate: &Estate, devices: &[Eui64]) -> Asked {
    let mut checker = Asked::default();
    let wish = Request::SubmitBatch(SubmitBatch {
        user: estate.users[0],
        id: RequestId([1; 16]),
        validate_only: false,
        manufacturer_image_hash: estate.images[0].manifest.manufacturer_image_hash(),
        devices: devices.to_vec(),
        execute_us: None,
        canary: None,
        service_date: None,
        signed_request: Bytes::new(),
        originator_counter: None,
    });
    kept(&mut checker, &Happened::Asked(&wish));
    checker
}

fn accepted(estate: &Estate, id: u8, devices: &[Eui64]) -> Change {
    Change::BatchAccepted(BatchAccepted {
        user: estate.users[0].bits(),
        number: 1,
        request: Some(RequestKey {
            id: Bytes::copy_from_slice(&[id; 16]),
            digest: Bytes::new(),
        }),
        devices: devices.iter().map(|it| it.bits()).collect(),
        ..BatchAccepted::default()
    })
}

fn offer(estate: &Estate, device: Eui64, image: usize) -> ToGateway {
    ToGateway::Offer(Offer {
        attempt: AttemptRef {
            activation: ActivationName {
                user: estate.users[0],
                batch: 1,
                device,
            },
            attempt: 1,
        },
        manifest: Arc::clone(&estate.images[image].manifest),
        answer_by_us: 0,
        read_version_first: false,
        execute_us: None,
    })
}

#[test]
fn only_what_was_asked_is_accepted() {
    let estate = estate();
    let own = [estate.devices[0].device];
    keeps(&mut asked(&estate, &own), accepted(&estate, 1, &own));
    breaks(&mut asked(&estate, &own), accepted(&estate, 3, &own));
    let other = [estate.devices[1].device];
    breaks(&mut asked(&estate, &own), accepted(&estate, 1, &other));
}

#[test]
fn only_the_batchs_image_goes_to_only_its_devices() {
    let estate = estate();
    let entry = &estate.devices[0];
    let mut checker = asked(&estate, &[entry.device]);
    keeps(&mut checker, accepted(&estate, 1, &[entry.device]));
    let gateway = entry.gateway;
    let of_batch = offer(&estate, entry.device, 0);
    let message = &of_batch;
    kept(&mut checker, &Happened::Told { gateway, message });
    let other_device = offer(&estate, estate.devices[1].device, 0);
    let other_image = offer(&estate, entry.device, 1);
    for message in [&other_device, &other_image] {
        broken(&mut checker, &Happened::Told { gateway, message });
    }
}

#[test]
fn a_device_that_runs_what_nobody_asked_for_is_seen() {
    let estate = estate();
    let [one, other] = [estate.devices[0].device, estate.devices[1].device];
    let activated = |device, image: usize| Happened::Activated {
        device,
        hash: estate.images[image].manifest.manufacturer_image_hash(),
    };
    let mut checker = asked(&estate, &[one]);
    keeps(&mut checker, accepted(&estate, 1, &[one]));
    kept(&mut checker, &activated(one, 0));
    broken(&mut checker, &activated(one, 1));
    broken(&mut checker, &activated(other, 0));
}
