//! Which Devices there are: whose they are, which gateway reaches them, what they run.

use std::collections::BTreeMap;

use dco_block::{Eui64, FirmwareVersion};

use crate::event::DeviceEntry;
use crate::record::{Device, DevicesImported, Model};

/// A Device as the inventory knows it. Its Device Model is an index: there are few models and many Devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Known {
    pub(crate) user: Eui64,
    pub(crate) gateway: Eui64,
    pub(crate) model: u32,
    pub(crate) hardware_version: u16,
    pub(crate) firmware_version: FirmwareVersion,
}

#[derive(Debug, Default)]
pub(crate) struct Inventory {
    devices: BTreeMap<Eui64, u32>,
    /// What is known of Devices, each once: many are alike.
    kinds: Kinds,
    models: BTreeMap<Model, u32>,
    /// By their numbers.
    model_names: Vec<Model>,
}

/// Numbers for what is known of Devices.
#[derive(Debug, Default)]
struct Kinds {
    known: Vec<Known>,
    numbers: BTreeMap<Known, u32>,
}

impl Kinds {
    fn number(&mut self, known: Known) -> u32 {
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(known).or_insert(next);
        if number == next {
            self.known.push(known);
        }
        number
    }

    fn get(&self, number: u32) -> Option<&Known> {
        self.known.get(usize::try_from(number).ok()?)
    }
}

impl Inventory {
    pub(crate) fn get(&self, device: Eui64) -> Option<&Known> {
        self.kinds.get(*self.devices.get(&device)?)
    }

    /// The Device, if it is registered to this User.
    pub(crate) fn of_user(&self, device: Eui64, user: Eui64) -> Option<&Known> {
        self.get(device).filter(|known| known.user == user)
    }

    /// The Device Model of a number.
    pub(crate) fn model(&self, number: u32) -> Option<&Model> {
        self.model_names.get(usize::try_from(number).ok()?)
    }

    /// The number of what is known of a Device.
    pub(crate) fn kind_of(&self, device: Eui64) -> Option<u32> {
        self.devices.get(&device).copied()
    }

    /// What is known of Devices, by number.
    pub(crate) fn kind(&self, number: u32) -> Option<&Known> {
        self.kinds.get(number)
    }

    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    /// What a gateway has read from a Device.
    pub(crate) fn runs(&mut self, device: Eui64, version: FirmwareVersion) {
        let Some(kind) = self.devices.get_mut(&device) else {
            return;
        };
        if let Some(known) = self.kinds.get(*kind).copied() {
            *kind = self.kinds.number(Known {
                firmware_version: version,
                ..known
            });
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
            let kind = self.kinds.number(known);
            self.devices.insert(Eui64::from_bits(device.device), kind);
        }
    }

    /// All Devices in order, each with the number of what is known of it; all that is known, by number; and the
    /// Device Models in the order in which they first came.
    pub(crate) fn kept(&self) -> (&BTreeMap<Eui64, u32>, &[Known], &[Model]) {
        let Self {
            devices,
            kinds: Kinds { known, numbers: _ },
            models: _,
            model_names,
        } = self;
        (devices, known, model_names)
    }

    /// The inventory that kept these; `None` when a model or what is known of Devices is there twice, or a number is
    /// too high.
    pub(crate) fn resume(
        devices: BTreeMap<Eui64, u32>,
        known: Vec<Known>,
        models: Vec<Model>,
    ) -> Option<Self> {
        let (kinds_len, models_len) = (known.len(), models.len());
        let inventory = Self {
            kinds: Kinds {
                numbers: known.iter().copied().zip(0..).collect(),
                known,
            },
            models: models.iter().cloned().zip(0..).collect(),
            model_names: models,
            devices,
        };
        let once = inventory.kinds.numbers.len() == kinds_len;
        let models_once = inventory.models.len() == models_len;
        // Where no Device Model was ever named, all are the first.
        let models_len = u32::try_from(models_len).ok()?.max(1);
        let named = inventory.kinds.known.iter();
        let all_named = named.map(|known| known.model).all(|it| it < models_len);
        (once && models_once && all_named).then_some(inventory)
    }

    fn intern(&mut self, model: &Model) -> u32 {
        let next = u32::try_from(self.models.len()).unwrap_or(u32::MAX);
        let number = *self.models.entry(model.clone()).or_insert(next);
        if number == next {
            self.model_names.push(model.clone());
        }
        number
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
