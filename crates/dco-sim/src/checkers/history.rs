//! Short histories for the checkers' tests: one User, one large image, batches of three Devices.

use bytes::Bytes;
use dco_block::Eui64;
use dco_engine::record::{
    AttemptEnded, BatchAccepted, BatchCancelled, Change, Deal, Quota, Record, Released,
    TransferOpened,
};
use dco_engine::{ActivationCounts, ActivationName, AttemptRef, BatchView, Outcome};
use dco_schedule::ServiceDate;

use super::Checker;
use crate::dice::Dice;
use crate::estate::Estate;
use crate::happened::Happened;

/// The service day on which all of it happens, in days since 1970-01-01.
pub(super) const DATE: i32 = 20_600;
/// The one User.
pub(super) const USER: u64 = 1;
/// The Manufacturer Image Hash of the one image.
pub(super) const HASH: [u8; 32] = [8; 32];

const NOON_US: i64 = 43_200_000_000;
const DAY_US: i64 = 86_400_000_000;

/// The checker has nothing against it.
pub(super) fn kept(checker: &mut dyn Checker, happened: &Happened<'_>) {
    assert_eq!(checker.see(happened), Ok(()));
}

/// The checker says that its promise is broken.
pub(super) fn broken(checker: &mut dyn Checker, happened: &Happened<'_>) {
    assert!(checker.see(happened).is_err(), "{happened:?}");
}

/// The same for a change in the journal.
pub(super) fn keeps(checker: &mut dyn Checker, change: Change) {
    kept(checker, &recorded_as(&record(change)));
}

/// The same for a change in the journal.
pub(super) fn breaks(checker: &mut dyn Checker, change: Change) {
    broken(checker, &recorded_as(&record(change)));
}

/// A change at noon of the one day.
pub(super) fn record(change: Change) -> Record {
    Record {
        at_us: i64::from(ServiceDate::from_days(DATE).days()) * DAY_US + NOON_US,
        change: Some(change),
    }
}

/// A durable record whose number does not matter.
pub(super) fn recorded_as(record: &Record) -> Happened<'_> {
    Happened::Recorded {
        seq: 1,
        bytes: &[],
        record,
    }
}

/// A durable record that says nothing.
pub(super) fn recorded(seq: u64, bytes: &[u8]) -> Happened<'_> {
    const NOTHING: &Record = &Record {
        at_us: 0,
        change: None,
    };
    Happened::Recorded {
        seq,
        bytes,
        record: NOTHING,
    }
}

pub(super) fn transfer() -> Change {
    Change::TransferOpened(TransferOpened {
        user: USER,
        number: 1,
        image_id: Bytes::from_static(&[7; 32]),
        image_bytes: 800_000,
        manufacturer_image_hash: Bytes::from_static(&HASH),
        ..TransferOpened::default()
    })
}

pub(super) fn batch(number: u64) -> Change {
    Change::BatchAccepted(BatchAccepted {
        user: USER,
        number,
        image_id: Bytes::from_static(&[7; 32]),
        devices: vec![10, 11, 12],
        service_date: DATE,
        ..BatchAccepted::default()
    })
}

/// So many units on one day.
pub(super) fn deal(date: i32, units: u32) -> Deal {
    Deal {
        quota: Some(Quota {
            dates: vec![date],
            units: vec![units],
        }),
        ..Deal::default()
    }
}

pub(super) fn batch_of_three() -> [Change; 2] {
    [transfer(), batch(1)]
}

/// An answer about the first batch.
pub(super) fn batch_view(counts: ActivationCounts) -> BatchView {
    let estate = Estate::draw(&mut Dice::new(0));
    let manifest = &estate.images[0].manifest;
    BatchView {
        user: Eui64::from_bits(USER),
        number: Some(1),
        manufacturer_image_hash: manifest.manufacturer_image_hash(),
        image_id: manifest.image_id(),
        large: true,
        service_date: ServiceDate::from_days(0),
        source: None,
        created_us: 0,
        trt_start_us: 0,
        due_us: 0,
        predicted: None,
        execute_us: None,
        may_have_image_count: 0,
        counts,
        canary: None,
        signed_request: Bytes::new(),
    }
}

pub(super) fn batch_cancelled(number: u64, given_back: u32) -> Change {
    Change::BatchCancelled(BatchCancelled {
        user: USER,
        number,
        request: None,
        given_back,
    })
}

pub(super) fn released(activation: u32, attempt: u32, charged_date: Option<i32>) -> Change {
    Change::Released(Released {
        activation,
        attempt,
        charged_date,
        ..Released::default()
    })
}

pub(super) fn ended(activation: u32, attempt: u32, refunded_date: Option<i32>) -> Change {
    Change::AttemptEnded(AttemptEnded {
        activation,
        attempt,
        outcome: Outcome::Declined.number(),
        refunded_date,
        retry_us: Some(0),
        ..AttemptEnded::default()
    })
}

/// An attempt of the first batch.
pub(super) fn attempt(activation: u64, attempt: u16) -> AttemptRef {
    AttemptRef {
        activation: ActivationName {
            user: Eui64::from_bits(USER),
            batch: 1,
            device: Eui64::from_bits(10 + activation),
        },
        attempt,
    }
}
