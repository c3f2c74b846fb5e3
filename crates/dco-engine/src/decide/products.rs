//! The Central Products List: its import, and what it says to what Users ask for.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::{Eui64, Manifest};

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::ImportProducts;
use crate::read::as_usize;
use crate::record::{Change, ProductsImported, TrustSet};
use crate::refusal::{ProductFault, Refusal};
use crate::state::inventory::Known;
use crate::state::products::{self, Candidate, Firmware, Name};
use crate::state::requests::{self, Asked, Made};
use crate::view::{Distrust, ProductEntry};

/// Entries of the Central Products List, in one import and in all. All of an import are one record.
pub const PRODUCTS_MAX: u32 = 20_000;
/// Versions in one upgrade pathway.
pub const UPGRADE_FROM_MAX: usize = 64;

/// What an entry takes in the record at most: two texts of 30 characters of up to four octets, a digest, versions.
const PRODUCT_RECORD_BYTES_MAX: usize = 2 * (30 * 4 + 2) + 34 + UPGRADE_FROM_MAX * 5 + 64;

// The journal takes records of up to 32 MiB; the request's key takes less than 1 KiB of one.
const _: () = assert!(PRODUCTS_MAX as usize * PRODUCT_RECORD_BYTES_MAX < 32 * 1024 * 1024 - 1024);

/// Devices that a refusal names.
const DEVICES_NAMED_MAX: usize = 8;

impl Engine {
    pub(crate) fn import_products(&mut self, asked: ImportProducts) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        if let Some(Made::Imported(count)) = self.requests.find(asked.by, asked.id, &digest)? {
            return Ok(Reply::Imported(count));
        }
        self.refuse_products(&asked.products)?;
        let count = u32::try_from(asked.products.len()).unwrap_or(u32::MAX);
        if !asked.validate_only {
            self.record(Change::ProductsImported(ProductsImported {
                by: asked.by.bits(),
                request: requests::key(asked.id, &digest),
                products: asked.products.iter().map(products::to_record).collect(),
                ticket: asked.why.ticket,
                reason: asked.why.reason,
            }));
            self.batches_changed();
        }
        Ok(Reply::Imported(count))
    }

    fn refuse_products(&self, entries: &[ProductEntry]) -> Result<(), Refusal> {
        if entries.is_empty() {
            return Err(Refusal::ProductsEmpty);
        }
        let names: BTreeSet<Name> = entries.iter().map(Name::from).collect();
        let given = entries.len() + self.products.len_without(&names);
        if given > as_usize(PRODUCTS_MAX) {
            let limit = PRODUCTS_MAX;
            return Err(Refusal::TooManyProducts { given, limit });
        }
        for (index, entry) in entries.iter().enumerate() {
            let range = entry.hardware_versions;
            let given = entry.upgrade_from.len();
            let why = if range.min > range.max {
                ProductFault::Range
            } else if given > UPGRADE_FROM_MAX {
                let limit = UPGRADE_FROM_MAX;
                ProductFault::TooManyVersions { given, limit }
            } else {
                continue;
            };
            return Err(Refusal::ProductInvalid { index, why });
        }
        refuse_overlaps(entries)
    }

    /// Explanations of what waits may be others now.
    fn batches_changed(&mut self) {
        let open: Vec<(Eui64, u64)> = self
            .batches
            .open()
            .flat_map(|(user, batches)| batches.map(move |batch| (user, batch.number)))
            .collect();
        for (user, number) in open {
            self.out
                .changed(crate::effect::Topic::Batch { user, number });
        }
    }

    /// What the configuration asks to be checked is put on record where it is not what was checked before.
    pub(super) fn set_trust(&mut self) {
        let asked = TrustSet {
            products_list: self.terms.trust.products_list,
            upgrade_pathway: self.terms.trust.upgrade_pathway,
        };
        if asked != self.products.checks {
            self.record(Change::TrustSet(asked));
        }
    }

    /// Why the Central Products List does not allow an image for any Device.
    pub(crate) fn distrust_of_image(&self, manifest: &Manifest) -> Option<Distrust> {
        self.products.distrust(firmware_of(manifest))
    }

    /// Why the Central Products List does not allow an activation.
    pub(crate) fn distrust(&self, activation: u32) -> Option<Distrust> {
        if !self.products.checks.products_list {
            return None;
        }
        let item = self.batches.activation(activation);
        let batch = self.batches.get(item.batch);
        let image = self.transfers.image(batch.user, batch.image_id)?;
        let known = self.inventory.known(item.device)?;
        self.distrust_for(firmware_of(&image.manifest), known)
    }

    fn distrust_for(&self, firmware: Firmware, known: &Known) -> Option<Distrust> {
        let Some(model) = self.inventory.model(known.model) else {
            return Some(Distrust::NotForDevice);
        };
        let device = Candidate {
            model,
            hardware_version: known.hardware_version,
            running: known.firmware_version,
        };
        self.products.distrust_for(firmware, device)
    }

    /// Refuses a batch when the list does not allow the image for all of its Devices.
    pub(super) fn refuse_distrusted(
        &self,
        manifest: &Manifest,
        devices: &[Eui64],
    ) -> Result<(), Refusal> {
        if !self.products.checks.products_list {
            return Ok(());
        }
        let firmware = firmware_of(manifest);
        // Many Devices are alike.
        let mut known_before: BTreeMap<Known, Option<Distrust>> = BTreeMap::new();
        let mut first: Option<Distrust> = None;
        let mut refused = Vec::new();
        for device in devices {
            let Some(known) = self.inventory.get(*device) else {
                continue;
            };
            let found = known_before
                .entry(*known)
                .or_insert_with(|| self.distrust_for(firmware, known));
            let Some(found) = found else { continue };
            let first = first.get_or_insert_with(|| found.clone());
            if first.reason() == found.reason() {
                refused.push(*device);
            }
        }
        let Some(distrust) = first else { return Ok(()) };
        let count = refused.len();
        refused.truncate(DEVICES_NAMED_MAX);
        Err(Refusal::NotAllowed {
            distrust,
            devices: refused,
            count,
        })
    }
}

fn firmware_of(manifest: &Manifest) -> Firmware {
    Firmware {
        hash: manifest.manufacturer_image_hash(),
        version: manifest.firmware_version(),
    }
}

/// Which entry is meant for a Device must be clear.
fn refuse_overlaps(entries: &[ProductEntry]) -> Result<(), Refusal> {
    let mut ordered: Vec<(Name, u16, usize)> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| (Name::from(entry), entry.hardware_versions.min, index))
        .collect();
    ordered.sort_unstable();
    for pair in ordered.windows(2) {
        let [(name, _, one), (next_name, next_min, other)] = pair else {
            continue;
        };
        if name == next_name && entries[*one].hardware_versions.max >= *next_min {
            let (before, index) = (*one.min(other), *one.max(other));
            let why = ProductFault::Twice { before };
            return Err(Refusal::ProductInvalid { index, why });
        }
    }
    Ok(())
}
