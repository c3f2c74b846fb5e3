//! Images to send.

use bytes::Bytes;
use dco_block::{
    FirmwareVersion, HardwareVersions, Manifest, ManufacturerImageHash, OtaHeader, wrap,
};

/// A Manufacturer Image of this length makes an image that is large.
pub const LARGE_BYTES: usize = 900_000;
/// A Manufacturer Image of this length makes an image that is not.
pub const SMALL_BYTES: usize = 40_000;
/// Octets that stand in every image's payload, at its start and near its end: they must be found in no log.
pub const MARKER: &str = "PayloadMarkerNeverToBeLogged";

/// The octets 00 40 and the signature.
const SIGNATURE_PART_BYTES: usize = 66;
/// Blocks of 16 KiB: enough of them, also in a small image, for gaps and disorder.
const BLOCK_BYTES: u32 = 16 * 1024;
/// The hardware that every test Device has.
const HARDWARE: HardwareVersions = HardwareVersions {
    min: 0x0100,
    max: 0x01FF,
};

/// An OTA Upgrade Image with its manifest.
#[derive(Clone, Debug)]
pub struct Image {
    /// The whole image.
    pub bytes: Bytes,
    /// What is declared of it.
    pub manifest: Manifest,
}

impl Image {
    /// An image whose Manufacturer Image has so many octets; each version has octets of its own.
    pub fn new(manufacturer_image_bytes: usize, version: u32) -> Self {
        let image = payload(manufacturer_image_bytes, version);
        Self::of(wrap(header(version), &image, &[7; 64]), BLOCK_BYTES)
    }

    /// An image that is large.
    pub fn large(version: u32) -> Self {
        Self::new(LARGE_BYTES, version)
    }

    /// An image that is not.
    pub fn small(version: u32) -> Self {
        Self::new(SMALL_BYTES, version)
    }

    /// The same image without a signature.
    #[must_use]
    pub fn without_signature(self) -> Self {
        let bare = &self.bytes[..self.bytes.len() - SIGNATURE_PART_BYTES];
        let (header, header_bytes) = OtaHeader::parse(bare).expect("it has a header");
        let header = OtaHeader {
            total_image_bytes: u32::try_from(bare.len()).expect("short"),
            ..header
        };
        let bytes = [&header.encode(), &bare[header_bytes..]].concat();
        Self::of(bytes.into(), self.manifest.block_bytes())
    }

    /// The same image in blocks of another length.
    #[must_use]
    pub fn in_blocks_of(self, block_bytes: u32) -> Self {
        Self::of(self.bytes, block_bytes)
    }

    /// What SRV 11.3 names it by.
    pub fn hash(&self) -> ManufacturerImageHash {
        self.manifest.manufacturer_image_hash()
    }

    fn of(bytes: Bytes, block_bytes: u32) -> Self {
        let manifest = Manifest::of_image(&bytes, block_bytes).expect("the image is well formed");
        Self { bytes, manifest }
    }
}

fn header(version: u32) -> OtaHeader {
    OtaHeader {
        manufacturer_code: 0x10D7,
        image_type: 1,
        file_version: FirmwareVersion::new(version),
        stack_version: 2,
        header_string: [b' '; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: Some(HARDWARE),
    }
}

/// Octets without a pattern (xorshift), so that no two blocks are alike, with the marker at both ends.
fn payload(bytes: usize, version: u32) -> Vec<u8> {
    let mut state = u64::from(version) + 0x9E37_79B9_7F4A_7C15;
    let mut payload: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    })
    .take(bytes)
    .collect();
    let marker = MARKER.as_bytes();
    for at in [0, bytes.saturating_sub(2 * marker.len())] {
        if let Some(place) = payload.get_mut(at..at + marker.len()) {
            place.copy_from_slice(marker);
        }
    }
    payload
}
