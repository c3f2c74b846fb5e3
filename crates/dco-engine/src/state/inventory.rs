//! Which Devices there are: whose they are, which gateway reaches them, what they run.

use std::collections::BTreeMap;

use dco_block::{Eui64, FirmwareVersion};

use crate::event::DeviceEntry;
use crate::record::{Device, DevicesImported, Model};

/// A Device as the inventory knows it. Its Device Model is an index: there are few models and many Devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) user: Eui64,
    pub(crate) gateway: Eui64,
    pub(crate) model: u32,
    pub(crate) hardware_version: u16,
    pub(crate) firmware_version: FirmwareVersion,
}

#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) devices: BTreeMap<Eui64, Known>,
    pub(crate) models: BTreeMap<Model, u32>,
}

impl Inventory {
    pub(crate) fn get(&self, device: Eui64) -> Option<&Known> {
        self.devices.get(&device)
    }

    /// The Device, if it is registered to this User.
    pub(crate) fn of_user(&self, device: Eui64, user: Eui64) -> Option<&Known> {
        self.get(device).filter(|known| known.user == user)
    }

    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    /// What a gateway has read from a Device.
    pub(crate) fn runs(&mut self, device: Eui64, version: FirmwareVersion) {
        if let Some(known) = self.devices.get_mut(&device) {
            known.firmware_version = version;
        }
    }

    pub(crate) fn apply(&mut self, record: &DevicesImported) {
        let models: Vec<u32> = record
            .models
            .iter()
            .map(|model| self.intern(model))
            .collect();
        for device in &record.devices {
            let known = Known {
                user: Eui64::from_bits(device.user),
                gateway: Eui64::from_bits(device.gateway),
                model: index(&models, device.model),
                hardware_version: u16::try_from(device.hardware_version).unwrap_or(u16::MAX),
                firmware_version: FirmwareVersion::new(device.firmware_version),
            };
            self.devices.insert(Eui64::from_bits(device.device), known);
        }
    }

    fn intern(&mut self, model: &Model) -> u32 {
        let next = u32::try_from(self.models.len()).unwrap_or(u32::MAX);
        *self.models.entry(model.clone()).or_insert(next)
    }
}

fn index(models: &[u32], model: u32) -> u32 {
    let at = usize::try_from(model).unwrap_or(usize::MAX);
    models.get(at).copied().unwrap_or(0)
}

/// The record's form of some Devices: each Device Model named once.
pub(crate) fn to_record(entries: &[DeviceEntry]) -> (Vec<Model>, Vec<Device>) {
    let mut models: BTreeMap<Model, u32> = BTreeMap::new();
    let mut named = Vec::new();
    let devices = entries
        .iter()
        .map(|entry| {
            let model = Model {
                manufacturer: entry.manufacturer.clone(),
                model: entry.model.clone(),
            };
            let next = u32::try_from(models.len()).unwrap_or(u32::MAX);
            let at = *models.entry(model.clone()).or_insert_with(|| {
                named.push(model);
                next
            });
            Device {
                device: entry.device.bits(),
                user: entry.user.bits(),
                gateway: entry.gateway.bits(),
                model: at,
                hardware_version: u32::from(entry.hardware_version),
                firmware_version: entry.firmware_version.get(),
            }
        })
        .collect();
    (named, devices)
}
