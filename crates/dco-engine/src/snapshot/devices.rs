//! The Devices that the inventory or an activation names. Others name them by their places in this list.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::{Eui64, FirmwareVersion};

use super::Why;
use crate::record::Model;
use crate::state::batches::Batches;
use crate::state::inventory::{Inventory, Known};

/// In order of their EUI-64s.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Devices {
    #[prost(fixed64, repeated, tag = "1")]
    devices: Vec<u64>,
    /// Places of those that are not in the inventory: only activations name them.
    #[prost(uint32, repeated, tag = "2")]
    absent: Vec<u32>,
    /// Users and gateways, in order of their EUI-64s.
    #[prost(fixed64, repeated, tag = "3")]
    parties: Vec<u64>,
    /// Device Models, in the order in which they first came.
    #[prost(message, repeated, tag = "4")]
    models: Vec<Model>,
    /// For each Device in the inventory its User, a place in `parties`.
    #[prost(uint32, repeated, tag = "5")]
    users: Vec<u32>,
    /// Its gateway, likewise.
    #[prost(uint32, repeated, tag = "6")]
    gateways: Vec<u32>,
    /// Its Device Model, a place in `models`.
    #[prost(uint32, repeated, tag = "7")]
    models_of: Vec<u32>,
    #[prost(uint32, repeated, tag = "8")]
    hardware_versions: Vec<u32>,
    #[prost(fixed32, repeated, tag = "9")]
    firmware_versions: Vec<u32>,
}

/// Where each Device stands in the list.
pub(super) struct DeviceTable(Vec<u64>);

impl DeviceTable {
    /// The list of this state, and what the inventory knows of the Devices in it.
    pub(super) fn of(inventory: &Inventory, batches: &Batches) -> (Self, Devices) {
        let Inventory { devices, models } = inventory;
        let known = devices.keys().map(|device| device.bits());
        let mut table = Self(known.collect());
        let named = batches.activations.iter().map(|it| it.device.bits());
        let mut absent: Vec<u64> = named
            .filter(|it| table.0.binary_search(it).is_err())
            .collect();
        table.0.append(&mut absent.clone());
        table.0.sort_unstable();
        table.0.dedup();
        absent.sort_unstable();
        absent.dedup();
        let absent = absent.into_iter().map(|it| table.place_of(it)).collect();
        let columns = Devices {
            devices: table.0.clone(),
            absent,
            ..Devices::default()
        };
        (table, columns.with_known(devices, models))
    }

    /// The place of a Device that is in the list.
    pub(super) fn place(&self, device: Eui64) -> u32 {
        self.place_of(device.bits())
    }

    fn place_of(&self, device: u64) -> u32 {
        place_in(&self.0, device)
    }
}

fn place_in(sorted: &[u64], bits: u64) -> u32 {
    let place = sorted.binary_search(&bits).ok();
    place
        .and_then(|place| u32::try_from(place).ok())
        .expect("whatever is looked up was put into the list")
}

/// What the list says of each of its Devices.
pub(super) struct KnownDevices {
    pub(super) devices: Vec<Eui64>,
    /// Where what waits for it waits.
    pub(super) gateways: Vec<Eui64>,
}

impl Devices {
    fn with_known(self, devices: &BTreeMap<Eui64, Known>, models: &BTreeMap<Model, u32>) -> Self {
        let parties = devices
            .values()
            .flat_map(|known| [known.user, known.gateway]);
        let parties: BTreeSet<u64> = parties.map(Eui64::bits).collect();
        let mut columns = Self {
            parties: parties.into_iter().collect(),
            models: vec![Model::default(); models.len()],
            ..self
        };
        for (model, place) in models {
            let place = usize::try_from(*place).expect("a machine counts 32 bits at the least");
            columns.models[place].clone_from(model);
        }
        for known in devices.values() {
            let Known {
                user,
                gateway,
                model,
                hardware_version,
                firmware_version,
            } = *known;
            let user = place_in(&columns.parties, user.bits());
            columns.users.push(user);
            let gateway = place_in(&columns.parties, gateway.bits());
            columns.gateways.push(gateway);
            columns.models_of.push(model);
            columns.hardware_versions.push(hardware_version.into());
            columns.firmware_versions.push(firmware_version.get());
        }
        columns
    }

    pub(super) fn load(self) -> Result<(Inventory, KnownDevices), Why> {
        let known_len = self.users.len();
        let lens = [
            self.gateways.len(),
            self.models_of.len(),
            self.hardware_versions.len(),
            self.firmware_versions.len(),
        ];
        let len = self.devices.len();
        if lens != [known_len; 4] || known_len + self.absent.len() != len {
            return Err("its Devices have columns of different lengths");
        }
        if u32::try_from(len).is_err() || !self.devices.is_sorted_by(|one, next| one < next) {
            return Err("its Devices are not in order");
        }
        let models = self.load_models()?;
        let mut listed = KnownDevices {
            devices: self.devices.iter().copied().map(Eui64::from_bits).collect(),
            gateways: Vec::with_capacity(len),
        };
        let mut absent = self.absent.iter().copied().peekable();
        let mut known = Vec::with_capacity(known_len);
        for (place, device) in (0..).zip(&listed.devices) {
            if absent.next_if_eq(&place).is_some() {
                listed.gateways.push(Eui64::from_bits(0));
                continue;
            }
            // A place that `absent` names out of order is taken for known, and there are too many of those.
            let it = self.known_at(known.len());
            let it = it.ok_or("a Device is not known as the inventory knows them")?;
            listed.gateways.push(it.gateway);
            known.push((*device, it));
        }
        let devices = known.into_iter().collect();
        Ok((Inventory { devices, models }, listed))
    }

    fn load_models(&self) -> Result<BTreeMap<Model, u32>, Why> {
        let models: BTreeMap<_, _> = self.models.iter().cloned().zip(0..).collect();
        if models.len() == self.models.len() {
            Ok(models)
        } else {
            Err("a Device Model is named twice")
        }
    }

    fn known_at(&self, at: usize) -> Option<Known> {
        let party = |place: u32| self.parties.get(usize::try_from(place).ok()?).copied();
        // Where no Device Model was ever named, all are the first.
        let model = self.models_of.get(at).copied()?;
        let models = u32::try_from(self.models.len()).ok()?.max(1);
        Some(Known {
            user: Eui64::from_bits(party(*self.users.get(at)?)?),
            gateway: Eui64::from_bits(party(*self.gateways.get(at)?)?),
            model: Some(model).filter(|model| *model < models)?,
            hardware_version: u16::try_from(*self.hardware_versions.get(at)?).ok()?,
            firmware_version: FirmwareVersion::new(*self.firmware_versions.get(at)?),
        })
    }
}
