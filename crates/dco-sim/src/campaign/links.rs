//! Gateways and Devices: how an attempt goes.

use dco_engine::{AttemptEnd, HOUR_US, Offer, Outcome, SECOND_US};
use dco_schedule::Micros;

use crate::dice::Dice;

/// How attempts fail. What could not be reached was sent nothing.
const FAILURES: [Outcome; 3] = [
    Outcome::FileTransferFailure,
    Outcome::NoAnswer,
    Outcome::DeviceNotReachable,
];

/// How long an attempt takes, and its end.
pub(super) fn course(offer: &Offer, fails_per_mille: u32, dice: &mut Dice) -> (Micros, AttemptEnd) {
    let wait_us = dice.between(600 * SECOND_US..=3 * HOUR_US / 2);
    let outcome = if dice.chance(fails_per_mille) {
        FAILURES[dice.index(FAILURES.len())]
    } else {
        Outcome::Success
    };
    let runs = outcome.is_success();
    let end = AttemptEnd {
        outcome,
        nothing_sent: outcome == Outcome::DeviceNotReachable,
        running_version: runs.then(|| offer.manifest.firmware_version()),
        device_image_hash: runs.then(|| offer.manifest.manufacturer_image_hash()),
        message: String::new(),
    };
    (wait_us, end)
}
