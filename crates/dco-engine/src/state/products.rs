//! The Central Products List: which image may go to which Device Model, and from which version.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::{FirmwareVersion, HardwareVersions, ManufacturerImageHash};
use dco_schedule::Micros;

use crate::record::{self, Model, TrustSet};
use crate::view::{Distrust, ProductEntry, ProductStatus, ProductView};

/// What entries are grouped by: an import says all there is to say of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) model: Model,
    pub(crate) firmware_version: FirmwareVersion,
}

/// What one entry says beyond its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) hardware_versions: HardwareVersions,
    pub(crate) hash: ManufacturerImageHash,
    pub(crate) status: ProductStatus,
    pub(crate) since_us: Micros,
    pub(crate) upgrade_from: Vec<FirmwareVersion>,
}

/// An image, as far as the list knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Firmware {
    pub(crate) hash: ManufacturerImageHash,
    pub(crate) version: FirmwareVersion,
}

/// A Device, as far as the list asks about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) model: &'a Model,
    pub(crate) hardware_version: u16,
    pub(crate) running: FirmwareVersion,
}

/// The list, and which of its checks are made.
#[derive(Debug, Default)]
pub(crate) struct Products {
    pub(crate) entries: BTreeMap<Name, Vec<Product>>,
    pub(crate) by_hash: BTreeMap<ManufacturerImageHash, BTreeSet<Name>>,
    pub(crate) checks: TrustSet,
}

impl Product {
    fn is_for(&self, hardware_version: u16) -> bool {
        let HardwareVersions { min, max } = self.hardware_versions;
        (min..=max).contains(&hardware_version)
    }

    fn distrust(&self) -> Option<Distrust> {
        (self.status != ProductStatus::Active).then_some(Distrust::NotActive {
            status: self.status,
            since_us: self.since_us,
        })
    }
}

impl Products {
    /// Entries, counted.
    pub(crate) fn len(&self) -> usize {
        self.entries.values().map(Vec::len).sum()
    }

    /// Entries that an import of these names would leave as they are, counted.
    pub(crate) fn len_without(&self, names: &BTreeSet<Name>) -> usize {
        let kept = self
            .entries
            .iter()
            .filter(|(name, _)| !names.contains(name));
        kept.map(|(_, group)| group.len()).sum()
    }

    /// In the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &Product)> {
        let groups = self.entries.iter();
        groups.flat_map(|(name, group)| group.iter().map(move |product| (name, product)))
    }

    /// Why the list does not allow an image for any Device.
    pub(crate) fn distrust(&self, firmware: Firmware) -> Option<Distrust> {
        if !self.checks.products_list {
            return None;
        }
        let faults = self.of(firmware).map(|(_, product)| product.distrust());
        faults
            .reduce(|one, other| one.and(other))
            .unwrap_or(Some(Distrust::NotListed))
    }

    /// Why the list does not allow an image for a Device.
    pub(crate) fn distrust_for(
        &self,
        firmware: Firmware,
        device: Candidate<'_>,
    ) -> Option<Distrust> {
        if !self.checks.products_list {
            return None;
        }
        let mut listed = self.of(firmware);
        let entry = listed.find(|(name, product)| {
            name.model == *device.model && product.is_for(device.hardware_version)
        });
        let Some((_, product)) = entry else {
            return self.distrust(firmware).or(Some(Distrust::NotForDevice));
        };
        product
            .distrust()
            .or_else(|| self.pathway_closed(product, firmware.version, device.running))
    }

    /// A Device that runs the version already goes nowhere.
    fn pathway_closed(
        &self,
        product: &Product,
        to: FirmwareVersion,
        running: FirmwareVersion,
    ) -> Option<Distrust> {
        let allowed = &product.upgrade_from;
        let is_open = !self.checks.upgrade_pathway
            || allowed.is_empty()
            || running == to
            || allowed.contains(&running);
        (!is_open).then(|| Distrust::PathwayClosed {
            running,
            allowed: allowed.clone(),
        })
    }

    fn of(&self, firmware: Firmware) -> impl Iterator<Item = (&Name, &Product)> {
        let names = self.by_hash.get(&firmware.hash).into_iter().flatten();
        let names = names.filter(move |name| name.firmware_version == firmware.version);
        let groups = names.filter_map(|name| Some((name, self.entries.get(name)?)));
        let all = groups.flat_map(|(name, group)| group.iter().map(move |product| (name, product)));
        all.filter(move |(_, product)| product.hash == firmware.hash)
    }

    /// The Manufacturer Image Hashes of which something else may be said once these entries are in their place.
    pub(crate) fn touched(&self, entries: &[(Name, Product)]) -> BTreeSet<ManufacturerImageHash> {
        let before = entries
            .iter()
            .filter_map(|(name, _)| self.entries.get(name));
        let before = before.flatten();
        let all = before.chain(entries.iter().map(|(_, product)| product));
        all.map(|product| product.hash).collect()
    }

    /// Puts entries in the place of all that was said under their names.
    pub(crate) fn replace(&mut self, entries: impl IntoIterator<Item = (Name, Product)>) {
        let mut groups: BTreeMap<Name, Vec<Product>> = BTreeMap::new();
        for (name, product) in entries {
            groups.entry(name).or_default().push(product);
        }
        for (name, mut group) in groups {
            group.sort_unstable_by_key(|product| product.hardware_versions.min);
            let before = self.take(&name);
            for product in &mut group {
                let same = before.iter().find(|it| it.is_as(product));
                product.since_us = same.map_or(product.since_us, |same| same.since_us);
                let names = self.by_hash.entry(product.hash).or_default();
                names.insert(name.clone());
            }
            self.entries.insert(name, group);
        }
    }

    fn take(&mut self, name: &Name) -> Vec<Product> {
        let group = self.entries.remove(name).unwrap_or_default();
        for product in &group {
            if let Some(names) = self.by_hash.get_mut(&product.hash) {
                names.remove(name);
                if names.is_empty() {
                    self.by_hash.remove(&product.hash);
                }
            }
        }
        group
    }
}

impl Product {
    /// Whether another entry stands as this one, for the same.
    fn is_as(&self, other: &Self) -> bool {
        self.hardware_versions == other.hardware_versions
            && self.hash == other.hash
            && self.status == other.status
    }
}

/// The record's form of an entry.
pub(crate) fn to_record(entry: &ProductEntry) -> record::Product {
    let HardwareVersions { min, max } = entry.hardware_versions;
    record::Product {
        model: Some(Model {
            manufacturer: entry.manufacturer.clone(),
            model: entry.model.clone(),
        }),
        hardware_min: min.into(),
        hardware_max: max.into(),
        firmware_version: entry.firmware_version.get(),
        manufacturer_image_hash: bytes::Bytes::copy_from_slice(
            entry.manufacturer_image_hash.as_bytes(),
        ),
        status: entry.status.number(),
        upgrade_from: entry.upgrade_from.iter().map(|it| it.get()).collect(),
        since_us: 0,
    }
}

/// The entry of a record, as it came to be at a moment; `None` when it is none.
pub(crate) fn of_record(record: &record::Product, at_us: Micros) -> Option<(Name, Product)> {
    let name = Name {
        model: record.model.clone()?,
        firmware_version: FirmwareVersion::new(record.firmware_version),
    };
    let hardware_versions = HardwareVersions {
        min: u16::try_from(record.hardware_min).ok()?,
        max: u16::try_from(record.hardware_max).ok()?,
    };
    let hash = ManufacturerImageHash::try_from(record.manufacturer_image_hash.as_ref()).ok()?;
    let upgrade_from = record.upgrade_from.iter().copied();
    let product = Product {
        hardware_versions,
        hash,
        status: ProductStatus::from_number(record.status)?,
        since_us: at_us,
        upgrade_from: upgrade_from.map(FirmwareVersion::new).collect(),
    };
    (hardware_versions.min <= hardware_versions.max).then_some((name, product))
}

/// An entry as it is read.
pub(crate) fn view((name, product): (&Name, &Product)) -> ProductView {
    ProductView {
        entry: ProductEntry {
            manufacturer: name.model.manufacturer.clone(),
            model: name.model.model.clone(),
            hardware_versions: product.hardware_versions,
            firmware_version: name.firmware_version,
            manufacturer_image_hash: product.hash,
            status: product.status,
            upgrade_from: product.upgrade_from.clone(),
        },
        since_us: product.since_us,
    }
}

impl From<&ProductEntry> for Name {
    fn from(entry: &ProductEntry) -> Self {
        Self {
            model: Model {
                manufacturer: entry.manufacturer.clone(),
                model: entry.model.clone(),
            },
            firmware_version: entry.firmware_version,
        }
    }
}
