//! The meters that a gateway reaches. They outlive it: several gateways, one after the other, can
//! be given the same fleet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dco_block::{Eui64, FirmwareVersion};

use crate::meter::{Meter, Running};

/// A handle to simulated meters; clones share them.
#[derive(Clone, Debug)]
pub struct Fleet {
    meters: Arc<Mutex<BTreeMap<Eui64, MeterHandle>>>,
    default: Option<(u16, FirmwareVersion)>,
}

/// A meter talks with one attempt at a time; the next waits until that is over.
pub(crate) type MeterHandle = Arc<tokio::sync::Mutex<Meter>>;

impl Fleet {
    /// Every Device that is asked for exists, with this hardware and this firmware from the start.
    pub fn of_any(hardware_version: u16, firmware_version: FirmwareVersion) -> Self {
        Self {
            default: Some((hardware_version, firmware_version)),
            ..Self::of_none()
        }
    }

    /// Only the Devices that are installed exist.
    pub fn of_none() -> Self {
        Self {
            meters: Arc::default(),
            default: None,
        }
    }

    /// Puts a meter in its place; one of the same name that was there is gone.
    pub fn install(&self, meter: Meter) {
        self.with(|meters| meters.insert(meter.device(), handle(meter)));
    }

    /// The meter of this name, if there is one.
    pub(crate) fn meter(&self, device: Eui64) -> Option<MeterHandle> {
        self.with(|meters| {
            if let Some(meter) = meters.get(&device) {
                return Some(Arc::clone(meter));
            }
            let (hardware_version, firmware_version) = self.default?;
            let meter = handle(Meter::new(device, hardware_version, firmware_version));
            meters.insert(device, Arc::clone(&meter));
            Some(meter)
        })
    }

    /// Brings a meter that is still as it was installed to what it was known to run before this
    /// program started.
    pub(crate) fn restore(&self, device: Eui64, running: Running) {
        let Some(meter) = self.meter(device) else {
            return;
        };
        // A meter that is being talked to is in use already, so it needs no restoring.
        if let Ok(mut meter) = meter.try_lock()
            && meter.running().manufacturer_image_hash.is_none()
        {
            meter.set_running(running);
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<Eui64, MeterHandle>) -> T) -> T {
        // A map of handles is whole between any two of its operations.
        act(&mut self.meters.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn handle(meter: Meter) -> MeterHandle {
    Arc::new(tokio::sync::Mutex::new(meter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: Eui64 = Eui64::from_bits(7);

    fn version(number: u32) -> FirmwareVersion {
        FirmwareVersion::new(number)
    }

    fn running(fleet: &Fleet) -> FirmwareVersion {
        let meter = fleet.meter(DEVICE).unwrap();
        let meter = meter.try_lock().unwrap();
        meter.running().firmware_version
    }

    #[test]
    fn a_fleet_of_any_has_every_device_and_one_of_none_only_the_installed() {
        assert_eq!(running(&Fleet::of_any(1, version(5))), version(5));
        let fleet = Fleet::of_none();
        assert!(fleet.meter(DEVICE).is_none());
        fleet.install(Meter::new(DEVICE, 1, version(6)));
        assert_eq!(running(&fleet), version(6));
    }

    #[test]
    fn a_meter_is_restored_only_while_it_is_as_installed() {
        let fleet = Fleet::of_any(1, version(1));
        let hash = Some(dco_block::ManufacturerImageHash::new([3; 32]));
        let earlier = Running {
            firmware_version: version(2),
            manufacturer_image_hash: hash,
        };
        fleet.restore(DEVICE, earlier);
        assert_eq!(running(&fleet), version(2));
        fleet.restore(
            DEVICE,
            Running {
                firmware_version: version(1),
                ..earlier
            },
        );
        assert_eq!(running(&fleet), version(2));
    }
}
