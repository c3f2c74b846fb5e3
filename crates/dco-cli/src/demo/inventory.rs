//! Who has which Devices in the demonstration.

use dco_block::{Eui64, FirmwareVersion, Manifest};
use dco_client::{DeviceEntry, ProductEntry, ProductStatus};

use crate::image::ANY_HARDWARE;

/// Enough for the allowance of 500, and for two days more.
pub(super) const FIRST_USER_DEVICES: u32 = 600;
pub(super) const SECOND_USER_DEVICES: u32 = 300;

/// Where simulated Devices begin.
const DEVICES: u64 = 0x00DB_1234_0000_0000;

/// The inventory: the Devices of both Users, each half of them behind either gateway.
pub(super) fn entries(
    users: [Eui64; 2],
    gateways: [Eui64; 2],
    manifest: &Manifest,
) -> Vec<DeviceEntry> {
    let first = std::iter::repeat_n(users[0], FIRST_USER_DEVICES as usize);
    let second = std::iter::repeat_n(users[1], SECOND_USER_DEVICES as usize);
    let hardware = manifest
        .header()
        .hardware_versions
        .map_or(0x0100, |range| range.min);
    let firmware = older_than(manifest.firmware_version());
    (1_u64..)
        .zip(first.chain(second))
        .map(|(number, user)| DeviceEntry {
            device: Eui64::from_bits(DEVICES + number),
            user,
            gateway: gateways[usize::from(number % 2 == 0)],
            manufacturer: "Demonstration Meters".to_owned(),
            model: "DM-1".to_owned(),
            hardware_version: hardware,
            firmware_version: firmware,
        })
        .collect()
}

/// The entry of the Central Products List that lets Devices like this one go to the image.
pub(super) fn product(manifest: &Manifest, device: &DeviceEntry) -> ProductEntry {
    ProductEntry {
        manufacturer: device.manufacturer.clone(),
        model: device.model.clone(),
        hardware_versions: manifest.header().hardware_versions.unwrap_or(ANY_HARDWARE),
        firmware_version: manifest.firmware_version(),
        manufacturer_image_hash: manifest.manufacturer_image_hash(),
        status: ProductStatus::Active,
        upgrade_from: vec![device.firmware_version],
        status_us: None,
    }
}

/// The Devices of one User, in the order of the inventory.
pub(super) fn devices_of(entries: &[DeviceEntry], user: Eui64) -> Vec<Eui64> {
    entries
        .iter()
        .filter(|entry| entry.user == user)
        .map(|entry| entry.device)
        .collect()
}

fn older_than(version: FirmwareVersion) -> FirmwareVersion {
    FirmwareVersion::new(version.get().checked_sub(1).unwrap_or(1))
}
