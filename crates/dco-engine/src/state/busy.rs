//! What is under way for which Device.

use std::fmt;

use super::places::{NONE, place_of};
use crate::read::as_usize;

/// The activation that is under way for each Device, by the Device's number.
#[derive(Default)]
pub(crate) struct Busy(Vec<u32>);

impl Busy {
    /// For so many Devices.
    pub(crate) fn of(count: usize) -> Self {
        Self(vec![NONE; count])
    }

    pub(crate) fn get(&self, device: u32) -> Option<u32> {
        let activation = self.0.get(as_usize(device)).copied();
        activation.filter(|it| *it != NONE)
    }

    /// `None` if another is under way for it.
    pub(crate) fn begin(&mut self, device: u32, activation: u32) -> Option<()> {
        let before = std::mem::replace(place_of(&mut self.0, device), activation);
        (before == NONE).then_some(())
    }

    /// It is under way no more, if it was.
    pub(crate) fn end(&mut self, device: u32, activation: u32) {
        if let Some(busy) = self.0.get_mut(as_usize(device))
            && *busy == activation
        {
            *busy = NONE;
        }
    }
}

/// Devices for which nothing is under way are not in it, whether there is a place for them or not.
impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let busy = (0_u32..).zip(&self.0).filter(|(_, it)| **it != NONE);
        f.debug_map().entries(busy).finish()
    }
}
