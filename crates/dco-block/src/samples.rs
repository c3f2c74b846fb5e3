//! Images and manifests that the tests share.

use bytes::Bytes;
use proptest::prelude::*;

use crate::{FirmwareVersion, HardwareVersions, Manifest, OtaHeader, limits, wrap};

/// A header as signed images have it: hardware versions and no other optional field.
pub(crate) fn header() -> OtaHeader {
    OtaHeader {
        manufacturer_code: 0x109C,
        image_type: 0x0021,
        file_version: FirmwareVersion::new(0x0102_000A),
        stack_version: 2,
        header_string: *b"A single phase electricity meter",
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: Some(HardwareVersions { min: 1, max: 4 }),
    }
}

/// What [`image`] has besides its Manufacturer Image: 60 octets of header, 66 of signature.
pub(crate) const AROUND_BYTES: u32 = 60 + limits::SIGNATURE_PART_BYTES;

/// A signed image of exactly `image_bytes`.
pub(crate) fn image(image_bytes: u32) -> Bytes {
    let firmware: Vec<u8> = (0..image_bytes - AROUND_BYTES)
        .map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    wrap(header(), &firmware, &[0x51; 64])
}

/// The manifest of [`image`].
pub(crate) fn manifest(image_bytes: u32, block_bytes: u32) -> Manifest {
    Manifest::of_image(&image(image_bytes), block_bytes).unwrap()
}

/// Any header, with any of its optional fields.
pub(crate) fn any_header() -> impl Strategy<Value = OtaHeader> {
    let fixed = any::<(u16, u16, u32, u16, [u8; 32], u32)>();
    let optional = any::<(Option<u8>, Option<[u8; 8]>, Option<(u16, u16)>)>();
    (fixed, optional).prop_map(|(fixed, optional)| OtaHeader {
        manufacturer_code: fixed.0,
        image_type: fixed.1,
        file_version: FirmwareVersion::new(fixed.2),
        stack_version: fixed.3,
        header_string: fixed.4,
        total_image_bytes: fixed.5,
        security_credential_version: optional.0,
        upgrade_file_destination: optional.1,
        hardware_versions: optional.2.map(|(min, max)| HardwareVersions { min, max }),
    })
}
