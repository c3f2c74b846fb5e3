use bytes::Bytes;

use crate::{ImageId, Manifest, ManufacturerImageHash, OtaImage, RejectManifest, RejectOta};

/// Why bytes are not the image that was declared, or no image that can be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectImage {
    #[error("the image was declared with {expected_bytes} bytes and has {actual_bytes}")]
    LengthMismatch {
        expected_bytes: u32,
        actual_bytes: usize,
    },
    #[error("the image was declared with SHA-256 {expected} and has {computed}")]
    DigestMismatch {
        expected: ImageId,
        computed: ImageId,
    },
    #[error("the image does not begin with the OTA header that was declared")]
    HeaderMismatch,
    #[error(
        "the Manufacturer Image was declared with SHA-256 {expected} and has {computed}; \
         it is the image without its OTA header and its signature"
    )]
    ManufacturerImageHashMismatch {
        expected: ManufacturerImageHash,
        computed: ManufacturerImageHash,
    },
    #[error(transparent)]
    Ota(#[from] RejectOta),
    #[error(transparent)]
    Manifest(#[from] RejectManifest),
}

/// Says whether `image` is exactly what the manifest declares: its length, its SHA-256, its header
/// and the SHA-256 of its Manufacturer Image, looked at in this order.
pub fn verify_image(image: &Bytes, manifest: &Manifest) -> Result<OtaImage, RejectImage> {
    let (expected_bytes, actual_bytes) = (manifest.image_bytes(), image.len());
    if actual_bytes != expected_bytes as usize {
        return Err(RejectImage::LengthMismatch {
            expected_bytes,
            actual_bytes,
        });
    }
    let (expected, computed) = (manifest.image_id(), ImageId::of(image));
    if computed != expected {
        return Err(RejectImage::DigestMismatch { expected, computed });
    }
    if !image.starts_with(manifest.ota_header()) {
        return Err(RejectImage::HeaderMismatch);
    }
    let ota = OtaImage::parse(image)?;
    let (expected, computed) = (
        manifest.manufacturer_image_hash(),
        ota.manufacturer_image_hash(),
    );
    if computed != expected {
        return Err(RejectImage::ManufacturerImageHashMismatch { expected, computed });
    }
    Ok(ota)
}

#[cfg(test)]
mod tests;
