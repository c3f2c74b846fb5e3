//! The Zigbee OTA Upgrade Image: header, Manufacturer Image, signature.

mod header;
mod image;
mod signature;

pub use header::{HardwareVersions, OtaHeader};
pub use image::{OtaImage, wrap};
pub use signature::{InvalidSignerKey, RejectSignature, SignerKey};

/// Why bytes are no OTA Upgrade Image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectOta {
    #[error(
        "the file begins with {found:08X} where an OTA Upgrade Image has the identifier 0BEEF11E"
    )]
    Identifier { found: u32 },
    #[error("the OTA header needs {needed_bytes} bytes and there are {actual_bytes}")]
    TooShort {
        needed_bytes: usize,
        actual_bytes: usize,
    },
    #[error("the OTA header has version {found:04X}; only 0100 is known")]
    HeaderVersion { found: u16 },
    #[error("the OTA header has field control {found:04X}; only its bits 0, 1 and 2 are known")]
    FieldControl { found: u16 },
    #[error(
        "the OTA header says it has {declared_bytes} bytes, \
         but with its field control it must have {expected_bytes}"
    )]
    HeaderLength {
        declared_bytes: u16,
        expected_bytes: u16,
    },
    #[error("the OTA header says the image has {declared_bytes} bytes and it has {actual_bytes}")]
    TotalLength {
        declared_bytes: u32,
        actual_bytes: usize,
    },
    #[error("there is no Manufacturer Image between the OTA header and the end or the signature")]
    NoManufacturerImage,
}
