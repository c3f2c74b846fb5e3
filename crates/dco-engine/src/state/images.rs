//! Images that Users have, and the one copy of each that is kept for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dco_block::{Eui64, ImageId, Manifest};
use dco_schedule::Micros;

/// A stored image as one User has it.
#[derive(Debug)]
pub(crate) struct Image {
    /// The transfer with which it became this User's.
    pub(crate) owner: u64,
    /// In the cut in which this User sent it.
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) devices: BTreeSet<Eui64>,
    /// When it was stored, given more Devices, or sent for in a batch, whichever was last.
    pub(crate) used_us: Micros,
}

impl Image {
    /// The first part of a manifest of the same image id that is not as it was verified; the cut may be another.
    pub(crate) fn differs_in(&self, manifest: &Manifest) -> Option<&'static str> {
        let (stored, given) = (self.manifest.parts(), manifest.parts());
        let parts = [
            ("image_bytes", stored.image_bytes == given.image_bytes),
            (
                "manufacturer_image_hash",
                stored.manufacturer_image_hash == given.manufacturer_image_hash,
            ),
            (
                "firmware_version",
                stored.firmware_version == given.firmware_version,
            ),
            ("ota_header", stored.ota_header == given.ota_header),
        ];
        let differing = parts.into_iter().find(|(_, is_same)| !is_same);
        differing.map(|(name, _)| name)
    }
}

/// The bytes of an image, kept once, whoever has it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Whose blocks in the block log.
    pub(crate) owner: u64,
    /// In the cut of those.
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) users: BTreeSet<Eui64>,
    /// It is quarantined until somebody who has it has sent it again.
    pub(crate) damage: Option<Damage>,
}

/// What was found wrong with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) since_us: Micros,
    /// The block that is not what was written.
    pub(crate) index: u32,
}

/// What a verified transfer made of its image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its User did not have the image before.
    pub(crate) is_new: bool,
    /// The copy was damaged, and these blocks have taken its place.
    pub(crate) is_healed: bool,
}

/// A transfer that was verified: what becomes an image.
#[derive(Debug)]
pub(crate) struct Verified<'a> {
    pub(crate) owner: u64,
    pub(crate) user: Eui64,
    pub(crate) manifest: &'a Arc<Manifest>,
    pub(crate) devices: &'a [Eui64],
}

/// All images stored.
#[derive(Debug, Default)]
pub(crate) struct Images {
    of_users: BTreeMap<(Eui64, ImageId), Image>,
    kept: BTreeMap<ImageId, Kept>,
    /// Copies that are damaged: nearly always none, which is asked for each activation that enters a line.
    quarantined: usize,
}

impl Images {
    pub(crate) fn get(&self, user: Eui64, image_id: ImageId) -> Option<&Image> {
        self.of_users.get(&(user, image_id))
    }

    /// The copy that is kept for all who have the image.
    pub(crate) fn kept(&self, image_id: ImageId) -> Option<&Kept> {
        self.kept.get(&image_id)
    }

    /// Each User's images, counted.
    pub(crate) fn len(&self) -> usize {
        self.of_users.len()
    }

    /// Copies that are damaged, counted.
    pub(crate) fn quarantined(&self) -> usize {
        self.quarantined
    }

    /// What is wrong with the copy of an image, if anything is known to be.
    pub(crate) fn damage(&self, image_id: ImageId) -> Option<Damage> {
        match self.quarantined {
            0 => None,
            _ => self.kept(image_id)?.damage,
        }
    }

    /// A User has the image, for more Devices than before.
    pub(crate) fn store(&mut self, it: &Verified<'_>, at_us: Micros) -> Stored {
        let image_id = it.manifest.image_id();
        let kept = self.kept.entry(image_id).or_insert_with(|| Kept {
            owner: it.owner,
            manifest: Arc::clone(it.manifest),
            users: BTreeSet::new(),
            damage: None,
        });
        let is_healed = kept.damage.take().is_some();
        if is_healed {
            self.quarantined -= 1;
            kept.owner = it.owner;
            kept.manifest = Arc::clone(it.manifest);
        }
        let is_new = kept.users.insert(it.user);
        let image = self
            .of_users
            .entry((it.user, image_id))
            .or_insert_with(|| Image {
                owner: it.owner,
                manifest: Arc::clone(it.manifest),
                devices: BTreeSet::new(),
                used_us: at_us,
            });
        // Built at once, which is quicker than one after the other.
        image
            .devices
            .append(&mut it.devices.iter().copied().collect());
        image.used_us = image.used_us.max(at_us);
        Stored { is_new, is_healed }
    }

    /// A User's image was sent for.
    pub(crate) fn used(&mut self, user: Eui64, image_id: ImageId, at_us: Micros) {
        if let Some(image) = self.of_users.get_mut(&(user, image_id)) {
            image.used_us = image.used_us.max(at_us);
        }
    }

    /// Which User has which image.
    pub(crate) fn names(&self) -> impl Iterator<Item = (Eui64, ImageId)> {
        self.of_users.keys().copied()
    }

    /// Every image of every User.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Image> {
        self.of_users.values()
    }

    /// The one copy of each image.
    pub(crate) fn copies(&self) -> impl Iterator<Item = &Kept> {
        self.kept.values()
    }

    /// From a snapshot: with which transfer an image became its User's, and when it was last used. `None` when the
    /// User does not have the image.
    pub(crate) fn resume(
        &mut self,
        user: Eui64,
        owner: u64,
        (manifest, used_us): (Arc<Manifest>, Micros),
    ) -> Option<()> {
        let image = self.of_users.get_mut(&(user, manifest.image_id()))?;
        *image = Image {
            owner,
            manifest,
            devices: std::mem::take(&mut image.devices),
            used_us,
        };
        Some(())
    }

    /// From a snapshot: whose blocks the copy of an image is, and what is wrong with it. `None` when there is no such
    /// copy.
    pub(crate) fn resume_copy(
        &mut self,
        owner: u64,
        (manifest, damage): (Arc<Manifest>, Option<Damage>),
    ) -> Option<()> {
        let kept = self.kept.get_mut(&manifest.image_id())?;
        let before = std::mem::replace(&mut kept.damage, damage);
        (kept.owner, kept.manifest) = (owner, manifest);
        self.quarantined += usize::from(damage.is_some());
        self.quarantined -= usize::from(before.is_some());
        Some(())
    }

    /// A User does not have the image any more; its bytes are kept as long as another one has it.
    pub(crate) fn retire(&mut self, user: Eui64, image_id: ImageId) -> Option<Image> {
        let image = self.of_users.remove(&(user, image_id))?;
        if let Some(kept) = self.kept.get_mut(&image_id) {
            kept.users.remove(&user);
            if kept.users.is_empty() {
                self.quarantined -= usize::from(kept.damage.is_some());
                self.kept.remove(&image_id);
            }
        }
        Some(image)
    }

    /// The copy is damaged: nobody is to be given any of it. `None` when there is none, or it was known.
    pub(crate) fn quarantine(&mut self, image_id: ImageId, damage: Damage) -> Option<()> {
        let kept = self.kept.get_mut(&image_id)?;
        if kept.damage.is_some() {
            return None;
        }
        kept.damage = Some(damage);
        self.quarantined += 1;
        Some(())
    }
}
