//! What is a block, and how does an image split into blocks?
//!
//! An *image* is a whole OTA Upgrade Image as a User sends it: Zigbee OTA header, Manufacturer
//! Image, signature. Its [`Manifest`] says what it is and how it is cut. What arrives is a
//! [`RawBlock`]; only [`RawBlock::verify`] makes a [`Block`], so whoever is given a [`Block`] need
//! not check it again. [`Held`] knows which blocks are there and which are missing, and
//! [`verify_image`] says whether all of them together are the image that was declared.
//!
//! ```
//! use bytes::Bytes;
//! use dco_block::{Held, Manifest, OtaHeader, limits, split, verify_image, wrap};
//!
//! # let header = OtaHeader {
//! #     manufacturer_code: 0x1234, image_type: 1, file_version: dco_block::FirmwareVersion::new(7),
//! #     stack_version: 2, header_string: [0; 32], total_image_bytes: 0,
//! #     security_credential_version: None, upgrade_file_destination: None, hardware_versions: None,
//! # };
//! let image = wrap(header, &[0xA5; 100_000], &[0; 64]);
//! let manifest = Manifest::of_image(&image, limits::BLOCK_BYTES_DEFAULT)?;
//! let mut held = Held::new(manifest.block_count());
//! let mut joined = Vec::new();
//! for raw in split(&image, manifest.block_bytes()) {
//!     let block = raw.verify(&manifest)?;
//!     assert!(held.insert(block.index()));
//!     joined.extend_from_slice(block.data());
//! }
//! assert!(held.is_complete());
//! assert_eq!(&verify_image(&Bytes::from(joined), &manifest)?.manufacturer_image()[..], &[0xA5; 100_000]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything here is a pure function of its arguments: bytes of any content and any length are
//! either accepted or refused with a reason, never a panic, and nothing is allocated on the word of
//! a length that has not been checked against [`limits`]. Cutting an image copies nothing.
//!
//! Deliberately absent: files, sockets, clocks, storage and wire formats; certificates (a signature
//! is verified with the public keys that it is given); any knowledge of transfers or Users.

mod block;
mod digest;
mod eui64;
mod firmware_version;
mod held;
mod hex;
mod index_ranges;
pub mod limits;
mod manifest;
mod ota;
mod recut;
#[cfg(test)]
mod samples;
mod verify;

pub use block::{Block, RawBlock, RejectBlock, crc32, split};
pub use digest::{ImageId, InvalidDigest, ManufacturerImageHash};
pub use eui64::{Eui64, InvalidEui64};
pub use firmware_version::{FirmwareVersion, InvalidFirmwareVersion};
pub use held::Held;
pub use index_ranges::IndexRanges;
pub use manifest::{Manifest, ManifestParts, RejectManifest};
pub use ota::{
    HardwareVersions, InvalidSignerKey, OtaHeader, OtaImage, RejectOta, RejectSignature, SignerKey,
    wrap,
};
pub use recut::recut;
pub use verify::{RejectImage, verify_image};
