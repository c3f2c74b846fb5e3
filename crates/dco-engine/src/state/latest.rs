//! Of which activation a Device was last heard: what comes late of an older one is history.

use std::fmt;

use super::places::{NONE, place_of};
use crate::read::as_usize;

/// The newest activation of which a reading or a success has come, by the Device's number.
#[derive(Default)]
pub(crate) struct Latest(Vec<u32>);

impl Latest {
    /// For so many Devices.
    pub(crate) fn of(count: usize) -> Self {
        Self(vec![NONE; count])
    }

    /// Something has come of this activation.
    pub(crate) fn heard(&mut self, device: u32, activation: u32) {
        let latest = place_of(&mut self.0, device);
        *latest = match *latest {
            NONE => activation,
            before => before.max(activation),
        };
    }

    /// Whether nothing has come of a newer one.
    pub(crate) fn is_latest(&self, device: u32, activation: u32) -> bool {
        let latest = self.0.get(as_usize(device));
        latest.is_none_or(|latest| *latest == NONE || *latest <= activation)
    }
}

/// Devices that were never heard of are not in it, whether there is a place for them or not.
impl fmt::Debug for Latest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heard = (0_u32..).zip(&self.0).filter(|(_, it)| **it != NONE);
        f.debug_map().entries(heard).finish()
    }
}
