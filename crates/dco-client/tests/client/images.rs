//! Images to send.

use bytes::Bytes;
use dco_block::{FirmwareVersion, Manifest, OtaHeader, wrap};

/// An image with `count` blocks of 1 KiB, and what it is.
pub(crate) fn image_of(count: u32) -> (Bytes, Manifest) {
    let header = OtaHeader {
        manufacturer_code: 0x1234,
        image_type: 1,
        file_version: FirmwareVersion::new(0x0102_0304),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let wrapped = wrap(header, &[0], &[0; 64]);
    let other_bytes = wrapped.len() - 1;
    let firmware_bytes = usize::try_from(count).unwrap() * 1024 - other_bytes;
    let firmware: Vec<u8> = (0..=u8::MAX)
        .cycle()
        .step_by(7)
        .take(firmware_bytes)
        .collect();
    let image = wrap(header, &firmware, &[7; 64]);
    let manifest = Manifest::of_image(&image, 1024).unwrap();
    assert_eq!(manifest.block_count(), count);
    (image, manifest)
}
