//! Which Devices there are: whose they are, which gateway reaches them, what they run.

use std::collections::BTreeMap;

use dco_block::{Eui64, FirmwareVersion};

use crate::event::DeviceEntry;
use crate::read::as_usize;
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
    /// Every Device that was imported, or that an activation names, has a number, which is its place in what follows.
    numbers: BTreeMap<Eui64, u32>,
    devices: Vec<Eui64>,
    /// What is known of each: a number, or [`ABSENT`].
    kinds_of: Vec<u32>,
    /// Devices of which something is known.
    len: usize,
    /// What is known of Devices, each once: many are alike.
    kinds: Kinds,
    models: BTreeMap<Model, u32>,
    /// By their numbers.
    model_names: Vec<Model>,
}

/// Of a Device that only an activation names.
pub(crate) const ABSENT: u32 = u32::MAX;

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
    /// The number of a Device, if it was ever named.
    pub(crate) fn number(&self, device: Eui64) -> Option<u32> {
        self.numbers.get(&device).copied()
    }

    /// The Device of a number.
    ///
    /// # Panics
    /// If it is no Device's number.
    pub(crate) fn device(&self, number: u32) -> Eui64 {
        self.devices[as_usize(number)]
    }

    pub(crate) fn get(&self, device: Eui64) -> Option<&Known> {
        self.known(self.number(device)?)
    }

    /// What is known of the Device of a number.
    pub(crate) fn known(&self, number: u32) -> Option<&Known> {
        self.kinds.get(self.kind_of(number))
    }

    /// The Device, if it is registered to this User.
    pub(crate) fn of_user(&self, device: Eui64, user: Eui64) -> Option<&Known> {
        self.get(device).filter(|known| known.user == user)
    }

    /// The Device Model of a number.
    pub(crate) fn model(&self, number: u32) -> Option<&Model> {
        self.model_names.get(usize::try_from(number).ok()?)
    }

    /// The number of what is known of the Device of a number, or [`ABSENT`].
    pub(crate) fn kind_of(&self, number: u32) -> u32 {
        self.kinds_of[as_usize(number)]
    }

    /// What is known of Devices, by number.
    pub(crate) fn kind(&self, number: u32) -> Option<&Known> {
        self.kinds.get(number)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What a gateway has read from a Device.
    pub(crate) fn runs(&mut self, number: u32, firmware_version: FirmwareVersion) {
        let kind = &mut self.kinds_of[as_usize(number)];
        let Some(known) = self.kinds.get(*kind).copied() else {
            return;
        };
        if known.firmware_version != firmware_version {
            *kind = self.kinds.number(Known {
                firmware_version,
                ..known
            });
        }
    }

    /// The number of a Device that something names, a new one if nothing has named it.
    pub(crate) fn named(&mut self, device: Eui64) -> u32 {
        let next = u32::try_from(self.devices.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(device).or_insert(next);
        if number == next {
            self.devices.push(device);
            self.kinds_of.push(ABSENT);
        }
        number
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
            let number = self.named(Eui64::from_bits(device.device));
            let before = std::mem::replace(&mut self.kinds_of[as_usize(number)], kind);
            self.len += usize::from(before == ABSENT);
        }
    }

    /// All Devices, by number, and the number of what is known of each; all that is known, by number; and the Device Models in
    /// the order in which they first came.
    pub(crate) fn kept(&self) -> (&[Eui64], &[u32], &[Known], &[Model]) {
        let Self {
            numbers: _,
            devices,
            kinds_of,
            len: _,
            kinds: Kinds { known, numbers: _ },
            models: _,
            model_names,
        } = self;
        (devices, kinds_of, known, model_names)
    }

    /// The inventory that kept these, with its Devices numbered as they are listed; `None` when a Device, a model or what is known
    /// of Devices is there twice, or a number is too high.
    pub(crate) fn resume(
        listed: &[(Eui64, u32)],
        known: Vec<Known>,
        models: Vec<Model>,
    ) -> Option<Self> {
        let (kinds_len, models_len) = (known.len(), models.len());
        let inventory = Self {
            numbers: listed.iter().map(|(device, _)| *device).zip(0..).collect(),
            devices: listed.iter().map(|(device, _)| *device).collect(),
            kinds_of: listed.iter().map(|(_, kind)| *kind).collect(),
            len: listed.iter().filter(|(_, kind)| *kind != ABSENT).count(),
            kinds: Kinds {
                numbers: known.iter().copied().zip(0..).collect(),
                known,
            },
            models: models.iter().cloned().zip(0..).collect(),
            model_names: models,
        };
        let once = inventory.kinds.numbers.len() == kinds_len
            && inventory.numbers.len() == inventory.devices.len();
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
