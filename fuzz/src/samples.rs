//! Names, images, terms and journals that targets begin with.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, Manifest, OtaHeader, limits, wrap};
use dco_engine::{DeviceEntry, HOUR_US, RetentionTerms, ScheduleTerms, Terms};
use dco_schedule::{Calendar, Micros, Reserve, ServiceDate};

pub(crate) const OPERATOR: Eui64 = Eui64::from_bits(0x90B3_D51F_3000_0001);
pub(crate) const OFFICERS: [Eui64; 2] = [
    Eui64::from_bits(0x90B3_D51F_3000_0002),
    Eui64::from_bits(0x90B3_D51F_3000_0003),
];
pub(crate) const USERS: [Eui64; 2] = [
    Eui64::from_bits(0x90B3_D51F_3001_0000),
    Eui64::from_bits(0x90B3_D51F_3002_0000),
];
pub(crate) const GATEWAYS: [Eui64; 2] = [
    Eui64::from_bits(0x90B3_D51F_3000_1000),
    Eui64::from_bits(0x90B3_D51F_3000_2000),
];

/// Two large images, of three and four blocks, and one that is not large.
pub(crate) static IMAGES: LazyLock<[Arc<Manifest>; 3]> = LazyLock::new(|| {
    let large = limits::LARGE_IMAGE_BYTES_OVER;
    [(1, large + 1), (2, large + 262_144), (3, 100_000)].map(|(version, image_bytes)| {
        let image = image(version, image_bytes);
        Arc::new(Manifest::of_image(&image, 256 * 1024).expect("it is within limits"))
    })
});

pub(crate) fn device(number: u8) -> Eui64 {
    Eui64::from_bits(0x00DB_0000_0000_0000 + u64::from(number))
}

/// The first four Devices are of the first User, the next four of the second; every other one is behind
/// the second gateway.
pub(crate) fn entry(number: u8) -> DeviceEntry {
    DeviceEntry {
        device: device(number),
        user: USERS[usize::from(number / 4) % 2],
        gateway: GATEWAYS[usize::from(number % 2)],
        manufacturer: "Acme".to_owned(),
        model: "E470".to_owned(),
        hardware_version: 3,
        firmware_version: FirmwareVersion::new(0),
    }
}

pub(crate) fn header(version: u32) -> OtaHeader {
    OtaHeader {
        manufacturer_code: 0x1234,
        image_type: 1,
        file_version: FirmwareVersion::new(version),
        stack_version: 2,
        header_string: [b' '; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    }
}

fn image(version: u32, image_bytes: u32) -> Bytes {
    let image_bytes = usize::try_from(image_bytes).expect("small");
    let around = wrap(header(version), &[], &[7; 64]).len();
    wrap(header(version), &vec![0xA5; image_bytes - around], &[7; 64])
}

/// A capacity and an allowance that are soon used up, and nothing kept for long.
pub(crate) fn terms() -> Terms {
    Terms {
        capacity_per_day: 4,
        allowance_per_day: 6,
        retention: RetentionTerms {
            stored_us: 6 * 24 * HOUR_US,
            rejected_us: HOUR_US,
            cancelled_us: 3 * HOUR_US,
            expired_us: 0,
        },
        schedules: ScheduleTerms {
            reserve: Reserve {
                allowance: 0,
                security: 0,
                retry_permille: 0,
            },
            ..ScheduleTerms::default()
        },
        ..Terms::default()
    }
}

/// Noon of the Friday before the clocks go forward.
pub(crate) fn noon_us() -> Micros {
    let date: ServiceDate = "2026-03-27".parse().expect("a date");
    Calendar::london().day(date).start_us + 12 * HOUR_US
}

/// A journal in which every kind of record stands, made by an engine with [`golden_terms`].
pub(crate) const GOLDEN_RECORDS: &[u8] =
    include_bytes!("../../crates/dco-engine/tests/golden/records-3.bin");

/// The snapshot of an engine that replayed it.
pub(crate) const GOLDEN_SNAPSHOT: &[u8] =
    include_bytes!("../../crates/dco-engine/tests/golden/snapshot-2.bin");

pub(crate) fn golden_terms() -> Terms {
    Terms {
        capacity_per_day: 100,
        ..Terms::default()
    }
}

/// Records with their lengths before them, 4 octets, little-endian; what is too short for its length ends it.
pub(crate) fn split_records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((record, rest)) = rest.split_at_checked(length) else {
            break;
        };
        records.push(record);
        bytes = rest;
    }
    records
}
