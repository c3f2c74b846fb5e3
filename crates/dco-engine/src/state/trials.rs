//! How the first attempt at each of the last Devices ended with each image: what the stop rule looks at.

use std::collections::{BTreeMap, VecDeque};

use dco_block::ManufacturerImageHash;

use crate::record::StopFigures;

/// Devices that are remembered of an image. A stop rule looks at no more.
pub(crate) const TRIALS_MAX: usize = 1_000;

/// First attempts that came through to Devices, by image, since the image was last resumed.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    /// Whether each failed, the oldest first.
    pub(crate) by_image: BTreeMap<ManufacturerImageHash, VecDeque<bool>>,
}

impl Trials {
    pub(crate) fn add(&mut self, image: ManufacturerImageHash, failed: bool) {
        let trials = self.by_image.entry(image).or_default();
        if trials.len() == TRIALS_MAX {
            trials.pop_front();
        }
        trials.push_back(failed);
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
        let failed = trials.iter().filter(|failed| **failed).count();
        let failed = u32::try_from(failed).ok()?;
        (attempts >= least).then_some(StopFigures { attempts, failed })
    }
}
