//! How the last attempts with each image ended at Devices: what the stop rule looks at.

use std::collections::{BTreeMap, VecDeque};

use dco_block::ManufacturerImageHash;

use crate::record::StopFigures;

/// Attempts that are remembered of an image. A stop rule looks at no more.
pub(crate) const TRIALS_MAX: usize = 1_000;

/// Attempts that ended at Devices, by image, since the image was last resumed.
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

    /// How the last `attempts` ended; `None` while there are fewer.
    pub(crate) fn last(&self, image: ManufacturerImageHash, attempts: u32) -> Option<StopFigures> {
        let wanted = usize::try_from(attempts).ok()?;
        let trials = self.by_image.get(&image)?;
        let from = trials.len().checked_sub(wanted)?;
        let failed = trials.range(from..).filter(|failed| **failed).count();
        Some(StopFigures {
            attempts,
            failed: u32::try_from(failed).ok()?,
        })
    }
}
