//! What records of images change.

use std::collections::BTreeSet;

use dco_block::{Eui64, ImageId, ManufacturerImageHash};
use dco_schedule::{Covers, Micros, ScheduleId};

use super::Why;
use crate::engine::Engine;
use crate::record::{ImageQuarantined, ImageRetired};
use crate::state::batches::Batch;
use crate::state::images::{Damage, Image};
use crate::state::timers::Deadline;

impl Engine {
    pub(super) fn apply_image_retired(
        &mut self,
        at_us: Micros,
        record: &ImageRetired,
    ) -> Result<(), Why> {
        let user = Eui64::from_bits(record.user);
        let image_id = image_id(&record.image_id)?;
        if self.is_image_needed(user, image_id) {
            return Err("an activation of its image has not ended");
        }
        let agreed_until_us = self
            .transfers
            .image(user, image_id)
            .and_then(|image| self.agreed_until_us(user, image));
        if agreed_until_us > Some(at_us) {
            return Err("a schedule for its image has days to come");
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

    /// Looks at every image when it may retire. Called once what that depends on is known.
    pub(crate) fn watch_all_images(&mut self) {
        let names: Vec<_> = self.transfers.images.names().collect();
        for (user, image_id) in names {
            self.watch_image(user, image_id);
        }
    }

    fn retirement(&self, user: Eui64, image_id: ImageId) -> Option<(Micros, Deadline)> {
        let image = self.transfers.image(user, image_id)?;
        let owner = image.owner;
        Some((self.idle_us(user, image), Deadline::RetireImage { owner }))
    }

    /// From when on nothing but an activation can need an image.
    pub(crate) fn idle_us(&self, user: Eui64, image: &Image) -> Micros {
        let kept_us = image.used_us.saturating_add(self.terms.retention.stored_us);
        let agreed_us = self.agreed_until_us(user, image);
        agreed_us.map_or(kept_us, |agreed_us| agreed_us.max(kept_us))
    }

    /// The end of the last service day for which a schedule for this image is agreed.
    fn agreed_until_us(&self, user: Eui64, image: &Image) -> Option<Micros> {
        let hash = image.manifest.manufacturer_image_hash();
        let last = self.schedules.book.last_day_of(user, hash.as_bytes())?;
        Some(self.days.calendar.day(last).end_us)
    }

    /// The images of its User that a schedule names: what is agreed can put their retirement off.
    pub(super) fn images_under(&self, id: ScheduleId<Eui64>) -> BTreeSet<ImageId> {
        let schedule = self.schedules.book.get(id);
        let Some(Covers::Image(hash)) = schedule.map(|it| it.request().covers) else {
            return BTreeSet::new();
        };
        let owners = self
            .transfers
            .of_hash(id.user, ManufacturerImageHash::new(hash));
        let transfers = owners.iter().filter_map(|owner| self.transfers.get(*owner));
        transfers.map(|it| it.manifest.image_id()).collect()
    }
}

/// An image id as a record has it.
pub(super) fn image_id(octets: &[u8]) -> Result<ImageId, Why> {
    let octets: [u8; 32] = octets
        .try_into()
        .map_err(|_| "its image id is not 32 octets")?;
    Ok(ImageId::new(octets))
}
