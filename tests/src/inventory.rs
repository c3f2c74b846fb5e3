//! Devices.

use dco_block::{Eui64, FirmwareVersion};
use dco_client::DeviceEntry;

/// A Device's name.
pub type Device = Eui64;

/// The first EUI-64 of the test Devices.
const FIRST: u64 = 0x00DB_1234_0000_0000;

/// So many Devices from a number on. Who uses other numbers has other Devices.
pub fn devices(from: u32, count: u32) -> Vec<Device> {
    (from..from + count)
        .map(|number| Eui64::from_bits(FIRST + u64::from(number)))
        .collect()
}

/// Their entries for the inventory: of this User, behind this gateway.
pub(crate) fn entries(devices: &[Device], user: Eui64, gateway: Eui64) -> Vec<DeviceEntry> {
    let entry = |device: &Device| DeviceEntry {
        device: *device,
        user,
        gateway,
        manufacturer: "Maker".to_owned(),
        model: "E470".to_owned(),
        hardware_version: 0x0100,
        firmware_version: FirmwareVersion::new(1),
    };
    devices.iter().map(entry).collect()
}
