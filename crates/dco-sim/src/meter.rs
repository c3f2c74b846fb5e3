//! A Device, and what becomes of an attempt on it.

use dco_block::{FirmwareVersion, ManufacturerImageHash};
use dco_engine::{AttemptEnd, Offer, Outcome};

use crate::dice::Dice;
use crate::estate::FIRST_VERSION;

/// A Device, by what it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    pub(crate) version: FirmwareVersion,
    pub(crate) hash: Option<ManufacturerImageHash>,
}

/// How an attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// To its end, which is this.
    To(Outcome),
    /// Nobody ever says anything of it again.
    Silence,
}

/// How an attempt may fail.
const FAILURES: [Outcome; 8] = [
    Outcome::NoImageHeld,
    Outcome::HashMismatch,
    Outcome::ActivationFailure,
    Outcome::FirmwareImageDiscarded,
    Outcome::HardwareVersionMismatch,
    Outcome::FileTransferFailure,
    Outcome::NoAnswer,
    Outcome::DeviceNotReachable,
];

impl Meter {
    /// A Device as it was installed.
    pub(crate) fn new() -> Self {
        Self {
            version: FIRST_VERSION,
            hash: None,
        }
    }

    /// Whether it runs the image on offer.
    pub(crate) fn runs(&self, offer: &Offer) -> bool {
        self.version == offer.manifest.firmware_version()
    }

    /// It runs the image on offer from now on.
    pub(crate) fn activate(&mut self, offer: &Offer) {
        self.version = offer.manifest.firmware_version();
        self.hash = Some(offer.manifest.manufacturer_image_hash());
    }

    /// How its gateway tells the end of an attempt.
    pub(crate) fn end(&self, outcome: Outcome, nothing_sent: bool) -> AttemptEnd {
        let answers = !matches!(outcome, Outcome::NoAnswer | Outcome::DeviceNotReachable);
        AttemptEnd {
            outcome,
            nothing_sent,
            running_version: answers.then_some(self.version),
            device_image_hash: self.hash.filter(|_| answers),
            message: String::new(),
        }
    }
}

/// What a roll makes of an attempt on a Device that does not run the image yet.
pub(crate) fn course(fails_per_mille: u32, dice: &mut Dice) -> Course {
    if !dice.chance(fails_per_mille) {
        return Course::To(Outcome::Success);
    }
    if dice.chance(200) {
        return Course::Silence;
    }
    Course::To(FAILURES[dice.index(FAILURES.len())])
}
