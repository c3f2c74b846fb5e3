//! The Central Products List under any steps: imports of any entries, checks made or not, and a plain account of what
//! that allows.

use std::collections::BTreeMap;

use dco_block::{FirmwareVersion, HardwareVersions};
use dco_engine::record::{Change, Device, Model, Product, Record, TransferEnd, TrustSet};
use dco_engine::{ImportProducts, Outcome, ProductEntry, ProductStatus, RequestId, TrustTerms};
use proptest::prelude::*;
use prost::Message;

use super::steps::IMAGES;
use crate::sample::{ANN, NORTH, OPERATOR, device, entry};
use crate::world::World;

const STATUSES: [ProductStatus; 4] = [
    ProductStatus::Active,
    ProductStatus::Cancelled,
    ProductStatus::Expired,
    ProductStatus::Withdrawn,
];

/// An import of an entry for one of the images: mostly one that allows it.
pub(crate) fn import_products() -> impl Strategy<Value = ImportProducts> {
    let status = prop_oneof![4 => Just(0), 1 => 1_usize..4];
    let other_model = proptest::bool::weighted(0.1);
    let pathway = prop_oneof![3 => Just(vec![]), 1 => Just(vec![1]), 1 => Just(vec![9])];
    let hardware = prop_oneof![4 => Just((0, u16::MAX)), 1 => Just((0, 2))];
    let parts = (
        0_usize..3,
        status,
        other_model,
        pathway,
        hardware,
        any::<u8>(),
    );
    parts.prop_map(|(image, status, other_model, pathway, (min, max), id)| {
        let listed = entry(device(0), ANN, NORTH);
        let image = &IMAGES[image];
        ImportProducts {
            by: OPERATOR,
            id: RequestId([id; 16]),
            validate_only: id > 240,
            why: dco_engine::SaidWhy::default(),
            products: vec![ProductEntry {
                manufacturer: listed.manufacturer,
                model: if other_model {
                    "other".to_owned()
                } else {
                    listed.model
                },
                hardware_versions: HardwareVersions { min, max },
                firmware_version: image.firmware_version(),
                manufacturer_image_hash: image.manufacturer_image_hash(),
                status: STATUSES[status],
                upgrade_from: pathway.into_iter().map(FirmwareVersion::new).collect(),
            }],
        }
    })
}

/// Which checks are made from the next start on.
pub(crate) fn trust() -> impl Strategy<Value = TrustTerms> {
    (proptest::bool::weighted(0.7), any::<bool>()).prop_map(|(products_list, upgrade_pathway)| {
        TrustTerms {
            products_list,
            upgrade_pathway,
        }
    })
}

/// The list, the inventory and what was sent, as an auditor reads them from the journal.
#[derive(Default)]
struct Books {
    checks: TrustSet,
    products: Vec<Product>,
    models: BTreeMap<u64, Model>,
    devices: BTreeMap<u64, Device>,
    /// Manufacturer Image Hash and firmware version, by image id.
    images: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    /// Image id, by transfer.
    transfers: BTreeMap<u64, Vec<u8>>,
    /// Device and image id.
    activations: Vec<(u64, Vec<u8>)>,
    /// The newest activation of which a Device was heard.
    heard: BTreeMap<u64, u32>,
}

/// Nothing is stored, admitted or released that the list did not allow at that moment.
pub(crate) fn only_what_is_allowed_goes(world: &World) {
    let mut books = Books::default();
    for (seq, record) in (1..).zip(&world.journal) {
        let record = Record::decode(record.as_slice()).expect("it is the engine's own");
        books.enter(seq, record.change.expect("it says something"));
    }
}

impl Books {
    fn enter(&mut self, seq: u64, change: Change) {
        match change {
            Change::TrustSet(it) => self.checks = it,
            Change::ProductsImported(it) => self.import(it.products),
            Change::DevicesImported(it) => {
                for device in it.devices {
                    let model = &it.models[usize::try_from(device.model).expect("small")];
                    self.models.insert(device.device, model.clone());
                    self.devices.insert(device.device, device);
                }
            }
            Change::TransferOpened(it) => {
                let image = (it.manufacturer_image_hash.to_vec(), it.firmware_version);
                self.transfers.insert(seq, it.image_id.to_vec());
                self.images.entry(it.image_id.to_vec()).or_insert(image);
            }
            Change::TransferEnded(it) if it.end() == TransferEnd::Stored => {
                let image = self.transfers[&it.owner].clone();
                let listed = self.entries_of(&image).any(|it| it.status == 1);
                assert!(
                    listed || !self.checks.products_list,
                    "stored and not Active"
                );
            }
            Change::BatchAccepted(it) => {
                for device in it.devices {
                    self.activations.push((device, it.image_id.to_vec()));
                    self.must_be_allowed(self.activations.len() - 1, "admitted");
                }
            }
            Change::Released(it) => {
                let activation = usize::try_from(it.activation).expect("small");
                self.must_be_allowed(activation, "released");
            }
            Change::AttemptEnded(it) => {
                let is_success = Outcome::from_number(it.outcome).is_some_and(Outcome::is_success);
                self.hear(
                    it.activation,
                    (it.running_version, &it.device_image_hash, is_success),
                );
            }
            Change::LateSuccess(it) => {
                self.hear(
                    it.activation,
                    (it.running_version, &it.device_image_hash, true),
                );
            }
            _ => {}
        }
    }

    /// A reading counts unless a newer activation of the Device was heard of.
    fn hear(&mut self, activation: u32, (version, hash, is_success): (Option<u32>, &[u8], bool)) {
        let (device, _) = &self.activations[usize::try_from(activation).expect("small")];
        let device = *device;
        let heard = self.heard.entry(device).or_insert(0);
        if activation < *heard {
            return;
        }
        if is_success || version.is_some() || hash.len() == 32 {
            *heard = activation;
        }
        if let (Some(version), Some(device)) = (version, self.devices.get_mut(&device)) {
            device.firmware_version = version;
        }
    }

    fn import(&mut self, products: Vec<Product>) {
        let name = |it: &Product| (it.model.clone(), it.firmware_version);
        let names: Vec<_> = products.iter().map(name).collect();
        self.products.retain(|it| !names.contains(&name(it)));
        self.products.extend(products);
    }

    fn entries_of(&self, image: &[u8]) -> impl Iterator<Item = &Product> {
        let (hash, version) = &self.images[image];
        let entries = self.products.iter();
        entries.filter(move |it| {
            it.manufacturer_image_hash == hash.as_slice() && it.firmware_version == *version
        })
    }

    fn must_be_allowed(&self, activation: usize, what: &str) {
        if !self.checks.products_list {
            return;
        }
        let (device, image) = &self.activations[activation];
        let (known, model) = (&self.devices[device], &self.models[device]);
        let hardware = known.hardware_version;
        let version = known.firmware_version;
        let allowing = self.entries_of(image).find(|it| {
            it.status == 1
                && it.model.as_ref() == Some(model)
                && (it.hardware_min..=it.hardware_max).contains(&hardware)
                && (!self.checks.upgrade_pathway
                    || it.upgrade_from.is_empty()
                    || it.firmware_version == version
                    || it.upgrade_from.contains(&version))
        });
        assert!(
            allowing.is_some(),
            "{what} though the list does not allow it"
        );
    }
}
