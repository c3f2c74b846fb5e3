//! The image of the demonstration.

use bytes::Bytes;
use dco_block::{FirmwareVersion, Manifest, limits};
use sha2::{Digest, Sha256};

use crate::exit::Failure;
use crate::image::{ANY_HARDWARE, header, is_ota, manifest, sign_and_wrap};

/// A file that was given.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

/// An image that is ready to be sent, and one sentence that says where it comes from.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) image: Bytes,
    pub(super) manifest: Manifest,
    pub(super) origin: String,
    /// Whether the development key has signed it.
    pub(super) is_signed_here: bool,
}

/// What a generated Manufacturer Image has: about as much as a meter's firmware.
const GENERATED_BYTES: usize = 1_500_000;
const VERSION: FirmwareVersion = FirmwareVersion::new(0x0102_000A);

/// Takes an OTA Upgrade Image as it is, wraps and signs any other file, and generates one where
/// none is given.
pub(super) fn prepare(file: Option<Source>, key_pem: &str) -> Result<Ready, Failure> {
    let is_signed_here = !file.as_ref().is_some_and(|file| is_ota(&file.bytes));
    let (image, name, origin) = match file {
        None => {
            let image = wrapped("generated for dco demo", &generated(), key_pem)?;
            (
                image,
                "the image",
                "a generated image, wrapped and signed".to_owned(),
            )
        }
        Some(Source { name, bytes }) if is_ota(&bytes) => (
            bytes,
            "the image",
            format!("{name}, an OTA Upgrade Image already"),
        ),
        Some(Source { name, bytes }) => {
            let file_name = name.rsplit('/').next().unwrap_or_default();
            let image = wrapped(file_name, &bytes, key_pem)?;
            (
                image,
                "the image",
                format!("{name}, wrapped and signed with a development key"),
            )
        }
    };
    let manifest = manifest(&image, limits::BLOCK_BYTES_DEFAULT, name)?;
    Ok(Ready {
        image,
        manifest,
        origin,
        is_signed_here,
    })
}

fn wrapped(name: &str, manufacturer_image: &[u8], key_pem: &str) -> Result<Bytes, Failure> {
    sign_and_wrap(
        header(VERSION, name, ANY_HARDWARE),
        manufacturer_image,
        key_pem,
    )
    .map_err(Failure::internal)
}

/// Bytes that cannot be compressed, the same in each run.
fn generated() -> Vec<u8> {
    let digests = (0_u32..).flat_map(|number| Sha256::digest(number.to_le_bytes()));
    digests.take(GENERATED_BYTES).collect()
}
