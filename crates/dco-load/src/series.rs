//! Images that differ from each other in a few octets near their end, so that each is hashed and signed at the price of its last blocks.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dco_block::{
    FirmwareVersion, HardwareVersions, ImageId, Manifest, ManifestParts, ManufacturerImageHash,
    OtaHeader, RawBlock, RejectImage, split, wrap,
};
use dco_client::{CutImage, RequestId};
use sha2::{Digest, Sha256};

use crate::target::Signer;

/// The octets 00 40 and the signature.
const SIGNATURE_PART_BYTES: usize = 66;
/// A salt of this run and the number of the image.
const MARK_BYTES: usize = 16;
/// What differs may begin in one block and end in the next.
const LAST_BLOCKS: usize = 2;

/// A source of images of one length, no two alike, in this run or another.
#[derive(Debug)]
pub(crate) struct Series {
    signer: Signer,
    manifest: Manifest,
    first_blocks: Vec<RawBlock>,
    /// The octets after the first blocks.
    rest: Vec<u8>,
    /// Of the image before the rest.
    image: Sha256,
    /// Of the Manufacturer Image before the rest.
    manufacturer_image: Sha256,
    /// Octets of the header that are in the rest.
    header_in_rest: usize,
    salt: [u8; 8],
    next: AtomicU64,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) manifest: Manifest,
    pub(crate) cut: CutImage,
}

impl Series {
    /// Images of about `image_bytes`, in blocks of `block_bytes`.
    pub(crate) fn new(
        image_bytes: u32,
        block_bytes: u32,
        signer: Signer,
    ) -> Result<Self, RejectImage> {
        let header = header();
        let around = header.encode().len() + SIGNATURE_PART_BYTES;
        let firmware = usize::try_from(image_bytes).unwrap_or(usize::MAX);
        let firmware = firmware.saturating_sub(around).max(MARK_BYTES);
        let image = wrap(header, &octets(firmware), &[0; 64]);
        let manifest = Manifest::of_image(&image, block_bytes)?;
        let header_bytes = manifest.ota_header().len();
        let mut first_blocks: Vec<_> = split(&image, block_bytes).collect();
        first_blocks.truncate(first_blocks.len().saturating_sub(LAST_BLOCKS));
        let first_bytes = first_blocks.iter().map(|it| it.data.len()).sum();
        Ok(Self {
            signer,
            first_blocks,
            rest: image[first_bytes..].to_vec(),
            image: Sha256::new_with_prefix(&image[..first_bytes]),
            manufacturer_image: Sha256::new_with_prefix(
                &image[header_bytes.min(first_bytes)..first_bytes],
            ),
            header_in_rest: header_bytes.saturating_sub(first_bytes),
            manifest,
            salt: salt(),
            next: AtomicU64::new(0),
        })
    }

    /// Octets of each image.
    pub(crate) fn image_bytes(&self) -> u64 {
        self.manifest.image_bytes().into()
    }

    /// The next image.
    pub(crate) fn next(&self) -> Made {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut rest = self.rest.clone();
        let signature_at = rest.len() - SIGNATURE_PART_BYTES;
        let mark_at = signature_at - MARK_BYTES;
        rest[mark_at..mark_at + 8].copy_from_slice(&self.salt);
        rest[mark_at + 8..signature_at].copy_from_slice(&number.to_le_bytes());
        let mut manufacturer_image = self.manufacturer_image.clone();
        manufacturer_image.update(&rest[self.header_in_rest..signature_at]);
        let hash: [u8; 32] = manufacturer_image.finalize().into();
        rest[signature_at + 2..].copy_from_slice(&self.signer.sign(hash));
        let mut image = self.image.clone();
        image.update(&rest);
        self.made(ImageId::new(image.finalize().into()), hash, rest.into())
    }

    fn made(&self, image_id: ImageId, hash: [u8; 32], rest: Bytes) -> Made {
        let manifest = Manifest::new(ManifestParts {
            image_id,
            manufacturer_image_hash: ManufacturerImageHash::new(hash),
            ..self.manifest.parts()
        })
        .expect("it differs from a valid manifest only in its digests");
        let first = u32::try_from(self.first_blocks.len()).expect("an image has few blocks");
        let last = split(&rest, self.manifest.block_bytes());
        let last = (first..)
            .zip(last)
            .map(|(index, it)| RawBlock::new(index, it.data));
        let blocks = self.first_blocks.iter().cloned().chain(last).collect();
        Made {
            cut: CutImage::new(&manifest, blocks),
            manifest,
        }
    }
}

/// Octets that do not repeat soon.
fn octets(count: usize) -> Vec<u8> {
    let numbers = (0..count).map(|at| u32::try_from(at).unwrap_or(u32::MAX));
    numbers
        .map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect()
}

/// Another in each run, so that no service has had these images before.
fn salt() -> [u8; 8] {
    let digest = Sha256::digest(RequestId::fresh().to_string());
    let mut salt = [0; 8];
    salt.copy_from_slice(&digest[..8]);
    salt
}

fn header() -> OtaHeader {
    OtaHeader {
        manufacturer_code: 0x10AD,
        image_type: 1,
        file_version: FirmwareVersion::new(0x0102_0000),
        stack_version: 2,
        header_string: [b' '; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: Some(HardwareVersions {
            min: 0,
            max: u16::MAX,
        }),
    }
}

#[cfg(test)]
mod tests {
    use dco_block::verify_image;

    use super::*;

    fn signature(digest: [u8; 32]) -> [u8; 64] {
        let mut signature = [1; 64];
        signature[..32].copy_from_slice(&digest);
        signature
    }

    #[test]
    fn every_image_is_the_one_that_its_manifest_says_whatever_its_length() {
        for image_bytes in [
            1, 200, 1_023, 1_024, 1_100, 2_050, 2_140, 3_000, 10_000, 10_240,
        ] {
            let series = Series::new(image_bytes, 1_024, Signer::new(signature)).unwrap();
            let mut ids = Vec::new();
            for _ in 0..3 {
                let made = series.next();
                let parts: Vec<_> = made.cut.blocks().iter().map(|it| it.data.clone()).collect();
                let image = Bytes::from(parts.concat());
                let ota = verify_image(&image, &made.manifest).unwrap();
                let digest = *made.manifest.manufacturer_image_hash().as_bytes();
                assert!(image.ends_with(&signature(digest)), "{image_bytes}");
                assert!(ota.manufacturer_image().len() >= MARK_BYTES);
                for block in made.cut.blocks() {
                    assert!(
                        block.clone().verify(&made.manifest).is_ok(),
                        "{image_bytes}"
                    );
                }
                ids.push(made.manifest.image_id());
            }
            ids.dedup();
            assert_eq!(ids.len(), 3, "no two are alike");
        }
    }

    #[test]
    fn another_run_makes_other_images() {
        let first = || {
            Series::new(5_000, 1_024, Signer::new(signature))
                .unwrap()
                .next()
        };
        assert_ne!(first().manifest.image_id(), first().manifest.image_id());
    }
}
