//! Names, Devices, images and moments that tests use.

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{
    Eui64, FirmwareVersion, HardwareVersions, Manifest, ManifestParts, OtaHeader, limits, wrap,
};
use dco_engine::{DeviceEntry, HOUR_US, Terms};
use dco_schedule::{Calendar, Micros, ServiceDate};

pub(crate) const OPERATOR: Eui64 = Eui64::from_bits(0x90B3_D51F_3000_0001);
/// A User.
pub(crate) const ANN: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);
/// Another User.
pub(crate) const BOB: Eui64 = Eui64::from_bits(0x90B3_D51F_3002_0000);
pub(crate) const NORTH: Eui64 = Eui64::from_bits(0x90B3_D51F_3000_1000);
pub(crate) const SOUTH: Eui64 = Eui64::from_bits(0x90B3_D51F_3000_2000);

pub(crate) const DAY_US: Micros = 24 * HOUR_US;
/// The shortest large image.
pub(crate) const LARGE: u32 = limits::LARGE_IMAGE_BYTES_OVER + 1;
/// The longest image that is not large.
pub(crate) const SMALL: u32 = limits::LARGE_IMAGE_BYTES_OVER;

pub(crate) fn device(number: u64) -> Eui64 {
    Eui64::from_bits(0x00DB_0000_0000_0000 + number)
}

pub(crate) fn devices(numbers: std::ops::Range<u64>) -> Vec<Eui64> {
    numbers.map(device).collect()
}

pub(crate) fn entry(device: Eui64, user: Eui64, gateway: Eui64) -> DeviceEntry {
    DeviceEntry {
        device,
        user,
        gateway,
        manufacturer: "Acme".to_owned(),
        model: "E470".to_owned(),
        hardware_version: 3,
        firmware_version: FirmwareVersion::new(1),
    }
}

/// An OTA header of this firmware version, for every hardware.
pub(crate) fn header(version: u32) -> OtaHeader {
    OtaHeader {
        manufacturer_code: 0x1234,
        image_type: 1,
        file_version: FirmwareVersion::new(version),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    }
}

/// A whole image of exactly this length, signature included; another version has other bytes.
pub(crate) fn image(header: OtaHeader, signature: u8, image_bytes: u32) -> Bytes {
    let around = wrap(header, &[], &[0; 64]).len();
    let inside = usize::try_from(image_bytes).expect("small") - around;
    let [fill, ..] = header.file_version.get().to_le_bytes();
    let bytes = wrap(header, &vec![fill; inside], &[signature; 64]);
    assert_eq!(
        bytes.len(),
        usize::try_from(image_bytes).expect("small"),
        "the length is exact"
    );
    bytes
}

/// The manifest of an image of this version and length, in blocks of 256 KiB.
pub(crate) fn manifest(version: u32, image_bytes: u32) -> Arc<Manifest> {
    manifest_of(header(version), 7, image_bytes)
}

/// Likewise, for some hardware versions only.
pub(crate) fn manifest_for(hardware: (u16, u16), image_bytes: u32) -> Arc<Manifest> {
    let (min, max) = hardware;
    let header = OtaHeader {
        hardware_versions: Some(HardwareVersions { min, max }),
        ..header(1)
    };
    manifest_of(header, 7, image_bytes)
}

/// The same Manufacturer Image with one signature or another.
pub(crate) fn manifest_signed(signature: u8, image_bytes: u32) -> Arc<Manifest> {
    manifest_of(header(9), signature, image_bytes)
}

/// The same image in blocks of another size.
pub(crate) fn in_blocks_of(manifest: &Manifest, block_bytes: u32) -> Arc<Manifest> {
    manifest_with(manifest, |parts| parts.block_bytes = block_bytes)
}

/// A manifest that is right in itself, and with the same image id as another one.
pub(crate) fn manifest_with(
    manifest: &Manifest,
    change: impl Fn(&mut ManifestParts),
) -> Arc<Manifest> {
    let mut parts = manifest.parts();
    change(&mut parts);
    Arc::new(Manifest::new(parts).expect("right in itself"))
}

fn manifest_of(header: OtaHeader, signature: u8, image_bytes: u32) -> Arc<Manifest> {
    let image = image(header, signature, image_bytes);
    Arc::new(Manifest::of_image(&image, 256 * 1024).expect("the image is right"))
}

/// The scheme's terms with another capacity.
pub(crate) fn capacity(capacity_per_day: u32) -> Terms {
    Terms {
        capacity_per_day,
        ..Terms::default()
    }
}

pub(crate) fn date(text: &str) -> ServiceDate {
    text.parse().expect("a date")
}

/// The first instant of a service day.
pub(crate) fn start(text: &str) -> Micros {
    Calendar::london().day(date(text)).start_us
}

/// Twelve hours after a service day's start.
pub(crate) fn noon(text: &str) -> Micros {
    start(text) + 12 * HOUR_US
}
