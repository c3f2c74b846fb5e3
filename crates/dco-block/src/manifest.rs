use bytes::Bytes;

use crate::limits::{
    BLOCK_BYTES_MAX, BLOCK_BYTES_MIN, IMAGE_BYTES_MAX, IMAGE_BYTES_MIN, LARGE_IMAGE_BYTES_OVER,
};
use crate::{
    FirmwareVersion, ImageId, ManufacturerImageHash, OtaHeader, OtaImage, RejectImage, RejectOta,
};

/// What is declared of an image, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestParts {
    /// The SHA-256 of the whole image.
    pub image_id: ImageId,
    /// The length of the whole image, header and signature included.
    pub image_bytes: u32,
    /// The length of every block but the last.
    pub block_bytes: u32,
    /// The SHA-256 of the Manufacturer Image alone.
    pub manufacturer_image_hash: ManufacturerImageHash,
    /// The version that a Device runs after activation.
    pub firmware_version: FirmwareVersion,
    /// The Zigbee OTA header, octet for octet as the image begins.
    pub ota_header: Bytes,
}

/// What an image is and how it is cut into blocks.
///
/// Its sizes are within [`limits`](crate::limits) and its header agrees with them. Whether bytes
/// that arrive are this image is said by [`verify_image`](crate::verify_image).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    parts: ManifestParts,
    header: OtaHeader,
}

/// Why a manifest was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectManifest {
    #[error(
        "the block size is {actual} bytes; choose one from {BLOCK_BYTES_MIN} to {BLOCK_BYTES_MAX}"
    )]
    BlockBytes { actual: u32 },
    #[error("an image has {IMAGE_BYTES_MIN} to {IMAGE_BYTES_MAX} bytes and this has {actual}")]
    ImageBytes { actual: u64 },
    #[error(transparent)]
    Ota(#[from] RejectOta),
    #[error(
        "the OTA header ends after {header_bytes} bytes and {given_bytes} were given; \
         send the header alone"
    )]
    HeaderTrailing {
        header_bytes: usize,
        given_bytes: usize,
    },
    #[error(
        "the OTA header says the image has {header_bytes} bytes and the manifest says {image_bytes}"
    )]
    TotalMismatch { header_bytes: u32, image_bytes: u32 },
    #[error(
        "the OTA header says firmware version {header} and the manifest says {declared}; \
         they must be the same"
    )]
    FirmwareVersionMismatch {
        header: FirmwareVersion,
        declared: FirmwareVersion,
    },
    #[error("the image ends with its OTA header; it holds no Manufacturer Image")]
    NoManufacturerImage,
}

impl Manifest {
    /// Checks what is declared: sizes within the limits, a header that can be read and that agrees
    /// with the declared length and firmware version.
    pub fn new(mut parts: ManifestParts) -> Result<Self, RejectManifest> {
        check_block_bytes(parts.block_bytes)?;
        check_image_bytes(u64::from(parts.image_bytes))?;
        let (header, header_bytes) = OtaHeader::parse(&parts.ota_header)?;
        check_header(&header, header_bytes, &parts)?;
        // A slice would keep the whole message or image it was cut from in memory.
        parts.ota_header = Bytes::copy_from_slice(&parts.ota_header);
        Ok(Self { parts, header })
    }

    /// The manifest of an image that is at hand, cut into blocks of `block_bytes`.
    pub fn of_image(image: &Bytes, block_bytes: u32) -> Result<Self, RejectImage> {
        check_block_bytes(block_bytes)?;
        let image_bytes = check_image_bytes(image.len() as u64)?;
        let ota = OtaImage::parse(image)?;
        let manifest = Self::new(ManifestParts {
            image_id: ota.image_id(),
            image_bytes,
            block_bytes,
            manufacturer_image_hash: ota.manufacturer_image_hash(),
            firmware_version: ota.header().file_version,
            ota_header: ota.header_bytes(),
        })?;
        Ok(manifest)
    }

    /// The SHA-256 of the whole image.
    pub fn image_id(&self) -> ImageId {
        self.parts.image_id
    }

    /// The length of the whole image.
    pub fn image_bytes(&self) -> u32 {
        self.parts.image_bytes
    }

    /// The length of every block but the last.
    pub fn block_bytes(&self) -> u32 {
        self.parts.block_bytes
    }

    /// The SHA-256 of the Manufacturer Image alone, by which SRV 11.3 names the image.
    pub fn manufacturer_image_hash(&self) -> ManufacturerImageHash {
        self.parts.manufacturer_image_hash
    }

    /// The version that a Device runs after activation.
    pub fn firmware_version(&self) -> FirmwareVersion {
        self.parts.firmware_version
    }

    /// The Zigbee OTA header as the image begins.
    pub fn ota_header(&self) -> &Bytes {
        &self.parts.ota_header
    }

    /// The Zigbee OTA header, read.
    pub fn header(&self) -> &OtaHeader {
        &self.header
    }

    /// What was declared, to be written down; [`Manifest::new`] takes it back.
    pub fn parts(&self) -> ManifestParts {
        self.parts.clone()
    }

    /// How many blocks the image has, at least 1.
    pub fn block_count(&self) -> u32 {
        self.image_bytes().div_ceil(self.block_bytes())
    }

    /// The length of the block at `index`; none if the image has no such block.
    pub fn block_len(&self, index: u32) -> Option<u32> {
        let last = self.block_count() - 1;
        match index {
            _ if index < last => Some(self.block_bytes()),
            _ if index == last => Some(self.image_bytes() - last * self.block_bytes()),
            _ => None,
        }
    }

    /// Whether the image counts against capacity and allowance: strictly more than 750,000 bytes
    /// as sent.
    pub fn is_large(&self) -> bool {
        self.image_bytes() > LARGE_IMAGE_BYTES_OVER
    }
}

fn check_block_bytes(actual: u32) -> Result<(), RejectManifest> {
    if (BLOCK_BYTES_MIN..=BLOCK_BYTES_MAX).contains(&actual) {
        Ok(())
    } else {
        Err(RejectManifest::BlockBytes { actual })
    }
}

fn check_image_bytes(actual: u64) -> Result<u32, RejectManifest> {
    u32::try_from(actual)
        .ok()
        .filter(|bytes| (IMAGE_BYTES_MIN..=IMAGE_BYTES_MAX).contains(bytes))
        .ok_or(RejectManifest::ImageBytes { actual })
}

fn check_header(
    header: &OtaHeader,
    header_bytes: usize,
    declared: &ManifestParts,
) -> Result<(), RejectManifest> {
    let given_bytes = declared.ota_header.len();
    if header_bytes != given_bytes {
        return Err(RejectManifest::HeaderTrailing {
            header_bytes,
            given_bytes,
        });
    }
    if header.total_image_bytes != declared.image_bytes {
        return Err(RejectManifest::TotalMismatch {
            header_bytes: header.total_image_bytes,
            image_bytes: declared.image_bytes,
        });
    }
    if header.file_version != declared.firmware_version {
        return Err(RejectManifest::FirmwareVersionMismatch {
            header: header.file_version,
            declared: declared.firmware_version,
        });
    }
    if declared.image_bytes as usize <= header_bytes {
        return Err(RejectManifest::NoManufacturerImage);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
