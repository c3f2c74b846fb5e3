//! What records of images change.

use dco_block::{Eui64, ImageId};
use dco_schedule::Micros;

use super::Why;
use crate::engine::Engine;
use crate::record::{ImageQuarantined, ImageRetired};
use crate::state::batches::Batch;
use crate::state::images::Damage;
use crate::state::timers::Deadline;

impl Engine {
    pub(super) fn apply_image_retired(&mut self, record: &ImageRetired) -> Result<(), Why> {
        let user = Eui64::from_bits(record.user);
        let image_id = image_id(&record.image_id)?;
        if self.is_image_needed(user, image_id) {
            return Err("an activation of its image has not ended");
        }
        self.unwatch_image(user, image_id);
        self.transfers
            .retired(user, image_id)
            .ok_or("its User does not have the image")
    }

    pub(super) fn apply_image_quarantined(
        &mut self,
        at_us: Micros,
        record: &ImageQuarantined,
    ) -> Result<(), Why> {
        let image_id = image_id(&record.image_id)?;
        let damage = Damage {
            since_us: at_us,
            index: record.index,
        };
        self.transfers
            .quarantine(image_id, damage)
            .ok_or("its image is not stored, or was quarantined before")?;
        for activation in self.open_with(image_id) {
            self.hold_back(activation);
        }
        Ok(())
    }

    /// What was held back for an image that is whole again is back in its line.
    pub(super) fn image_healed(&mut self, image_id: ImageId) {
        for activation in self.open_with(image_id) {
            self.let_go_on(activation);
        }
    }

    /// The activations of all open batches for an image.
    fn open_with(&self, image_id: ImageId) -> Vec<u32> {
        let users = self.transfers.kept(image_id).map(|kept| &kept.users);
        let batches = users
            .into_iter()
            .flatten()
            .flat_map(|user| self.batches.open_of(*user));
        batches
            .filter(|batch| batch.image_id == image_id)
            .flat_map(Batch::activations)
            .collect()
    }

    /// From the moment at which nothing may need the image, it is looked at whether that is so.
    pub(crate) fn watch_image(&mut self, user: Eui64, image_id: ImageId) {
        if let Some((idle_us, deadline)) = self.retirement(user, image_id) {
            self.deadlines.set(idle_us, deadline);
        }
    }

    /// Before it changes when an image was used: there is one moment for each image, which a snapshot knows as well.
    pub(super) fn unwatch_image(&mut self, user: Eui64, image_id: ImageId) {
        if let Some((idle_us, deadline)) = self.retirement(user, image_id) {
            self.deadlines.clear(idle_us, deadline);
        }
    }

    fn retirement(&self, user: Eui64, image_id: ImageId) -> Option<(Micros, Deadline)> {
        let image = self.transfers.image(user, image_id)?;
        let idle_us = image.used_us.saturating_add(self.terms.retention.stored_us);
        let owner = image.owner;
        Some((idle_us, Deadline::RetireImage { owner }))
    }
}

/// An image id as a record has it.
pub(super) fn image_id(octets: &[u8]) -> Result<ImageId, Why> {
    let octets: [u8; 32] = octets
        .try_into()
        .map_err(|_| "its image id is not 32 octets")?;
    Ok(ImageId::new(octets))
}
