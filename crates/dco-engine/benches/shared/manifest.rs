//! A manifest.

use dco_block::{
    FirmwareVersion, ImageId, Manifest, ManifestParts, ManufacturerImageHash, OtaHeader,
};

const BLOCK_BYTES: u32 = 64 * 1024;
const BLOCKS: u32 = 24;

/// Of an image that nobody needs to make: the engine looks at no block.
pub(crate) fn manifest(image: u64) -> Result<Manifest, dco_block::RejectManifest> {
    let image_bytes = BLOCKS * BLOCK_BYTES;
    let firmware_version = FirmwareVersion::new(2);
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 1,
        file_version: firmware_version,
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: image_bytes,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let mut octets = [0x5A; 32];
    octets[..8].copy_from_slice(&image.to_le_bytes());
    Manifest::new(ManifestParts {
        image_id: ImageId::new(octets),
        image_bytes,
        block_bytes: BLOCK_BYTES,
        manufacturer_image_hash: ManufacturerImageHash::new(octets),
        firmware_version,
        ota_header: header.encode().into(),
    })
}
