//! How the first attempt at each of the last Devices ended with each image: what the stop rule looks at.

use std::collections::{BTreeMap, VecDeque};

use dco_block::ManufacturerImageHash;

use crate::record::StopFigures;

/// Devices that are remembered of an image. A stop rule looks at no more.
pub(crate) const TRIALS_MAX: usize = 1_000;

/// The first attempt that came through to a Device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trial {
    /// The Device's number in the inventory; of a count older than these names, [`NO_DEVICE`].
    pub(crate) device: u32,
    /// The attempt's number.
    pub(crate) attempt: u16,
    pub(crate) failed: bool,
}

/// The number of no Device.
pub(crate) const NO_DEVICE: u32 = u32::MAX;

/// First attempts that came through to Devices, by image, since the image was last resumed.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    /// The oldest first, of each Device one.
    pub(crate) by_image: BTreeMap<ManufacturerImageHash, VecDeque<Trial>>,
}

impl Trials {
    /// Another Device was tried; one that is remembered does not count again.
    pub(crate) fn add(&mut self, image: ManufacturerImageHash, trial: Trial) {
        let trials = self.by_image.entry(image).or_default();
        if trials.iter().any(|it| it.device == trial.device) {
            return;
        }
        if trials.len() == TRIALS_MAX {
            trials.pop_front();
        }
        trials.push_back(trial);
    }

    /// The attempt that was counted for this Device has succeeded after all; nothing if another one was counted.
    pub(crate) fn correct(&mut self, image: ManufacturerImageHash, (device, attempt): (u32, u16)) {
        let trials = self.by_image.get_mut(&image).into_iter().flatten();
        for trial in trials.filter(|it| (it.device, it.attempt) == (device, attempt)) {
            trial.failed = false;
        }
    }

    /// Counting begins anew.
    pub(crate) fn forget(&mut self, image: ManufacturerImageHash) {
        self.by_image.remove(&image);
    }

    /// How all that are remembered ended; `None` while they are fewer than `least`. A few are no sample: what fails ends sooner, or
    /// later, than what succeeds.
    pub(crate) fn figures(&self, image: ManufacturerImageHash, least: u32) -> Option<StopFigures> {
        let trials = self.by_image.get(&image)?;
        let attempts = u32::try_from(trials.len()).ok()?;
        let failed = trials.iter().filter(|trial| trial.failed).count();
        let failed = u32::try_from(failed).ok()?;
        (attempts >= least).then_some(StopFigures { attempts, failed })
    }
}
