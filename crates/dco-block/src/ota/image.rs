use bytes::Bytes;

use super::{OtaHeader, RejectOta};
use crate::limits::{SIGNATURE_BYTES, SIGNATURE_PART_BYTES};
use crate::{ImageId, ManufacturerImageHash};

/// A whole OTA Upgrade Image with its parts found.
///
/// The last 66 octets are its signature part if they begin with the octets 00 40; otherwise the
/// image is not signed. Parsing finds the signature and does not check it:
/// [`OtaImage::verify_signature`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtaImage {
    bytes: Bytes,
    header: OtaHeader,
    header_bytes: usize,
    /// Where the Manufacturer Image ends.
    end: usize,
}

impl OtaImage {
    /// Finds the parts of an image. Refuses one whose length is not what its header says, and one
    /// without a Manufacturer Image. Nothing is copied.
    pub fn parse(bytes: &Bytes) -> Result<Self, RejectOta> {
        let (header, header_bytes) = OtaHeader::parse(bytes)?;
        let (declared_bytes, actual_bytes) = (header.total_image_bytes, bytes.len());
        if declared_bytes as usize != actual_bytes {
            return Err(RejectOta::TotalLength {
                declared_bytes,
                actual_bytes,
            });
        }
        let body = &bytes[header_bytes..];
        let end = actual_bytes - signature_part_bytes(body);
        if end == header_bytes {
            return Err(RejectOta::NoManufacturerImage);
        }
        Ok(Self {
            bytes: bytes.clone(),
            header,
            header_bytes,
            end,
        })
    }

    /// The header, read.
    pub fn header(&self) -> &OtaHeader {
        &self.header
    }

    /// The header as the image begins with it: a slice of the image.
    pub fn header_bytes(&self) -> Bytes {
        self.bytes.slice(..self.header_bytes)
    }

    /// What the Device runs: a slice of the image, never empty.
    pub fn manufacturer_image(&self) -> Bytes {
        self.bytes.slice(self.header_bytes..self.end)
    }

    /// The signature, r then s, if the image is signed.
    pub fn signature(&self) -> Option<&[u8; SIGNATURE_BYTES as usize]> {
        self.bytes[self.end..].last_chunk()
    }

    /// Computes the SHA-256 of the Manufacturer Image alone.
    pub fn manufacturer_image_hash(&self) -> ManufacturerImageHash {
        ManufacturerImageHash::of(&self.bytes[self.header_bytes..self.end])
    }

    /// Computes the SHA-256 of the whole image.
    pub fn image_id(&self) -> ImageId {
        ImageId::of(&self.bytes)
    }
}

/// Puts a signed image together: header, Manufacturer Image, the octets 00 40, signature.
///
/// The header's total length is filled in. One that does not fit into it is written as `u32::MAX`;
/// such an image is far over every limit and [`OtaImage::parse`] refuses it.
pub fn wrap(
    header: OtaHeader,
    manufacturer_image: &[u8],
    signature: &[u8; SIGNATURE_BYTES as usize],
) -> Bytes {
    let total = header.encode().len() + manufacturer_image.len() + SIGNATURE_PART_BYTES as usize;
    let total_image_bytes = u32::try_from(total).unwrap_or(u32::MAX);
    let mut image = Vec::with_capacity(total);
    image.extend_from_slice(
        &OtaHeader {
            total_image_bytes,
            ..header
        }
        .encode(),
    );
    image.extend_from_slice(manufacturer_image);
    image.extend_from_slice(&SIGNATURE_MARKER);
    image.extend_from_slice(signature);
    image.into()
}

const SIGNATURE_MARKER: [u8; 2] = [0x00, 0x40];

fn signature_part_bytes(body: &[u8]) -> usize {
    const PART: usize = SIGNATURE_PART_BYTES as usize;
    match body.last_chunk::<PART>() {
        Some(part) if part.starts_with(&SIGNATURE_MARKER) => PART,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
