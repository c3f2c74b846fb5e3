//! The image that a User sends: an OTA Upgrade Image, or any file that is made one.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use dco_block::{
    FirmwareVersion, HardwareVersions, Manifest, ManufacturerImageHash, OtaHeader, limits, wrap,
};

use crate::exit::Failure;
use crate::pki::ImageSigner;
use crate::{files, inventory};

/// How a file that is no OTA Upgrade Image is made one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Wrapping a file that is no OTA Upgrade Image")]
pub(crate) struct Wrapping {
    /// Put an OTA header before the file and a signature of this key after it
    ///
    /// The key is a P-256 key as PKCS#8 PEM, such as the `signer.key` of `dco pki`.
    #[arg(long, value_name = "KEY.pem")]
    pub(crate) wrap: Option<PathBuf>,
    /// The version in the OTA header, eight hex digits
    ///
    /// When not given, the first eight digits of the file's SHA-256, so that another file is another version.
    #[arg(long, value_name = "8HEX", requires = "wrap")]
    pub(crate) firmware_version: Option<FirmwareVersion>,
    /// The hardware versions the image is for, both ends included
    #[arg(long, value_name = "MIN-MAX", default_value = "0000-FFFF", value_parser = hardware)]
    pub(crate) hardware: HardwareVersions,
    /// The manufacturer code in the OTA header, four hex digits
    #[arg(long, value_name = "4HEX", default_value = "0000", value_parser = four_hex)]
    pub(crate) manufacturer_code: u16,
    /// The image type in the OTA header, four hex digits
    #[arg(long, value_name = "4HEX", default_value = "0000", value_parser = four_hex)]
    pub(crate) image_type: u16,
}

/// An image that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) image: Bytes,
    /// Whether this program put header and signature around the file.
    pub(crate) wrapped: bool,
}

/// Reads a file and makes it an image where it is none yet.
pub(crate) fn load(path: &Path, wrapping: &Wrapping) -> Result<Loaded, Failure> {
    let file = files::read(path, u64::from(limits::IMAGE_BYTES_MAX))?;
    if is_ota(&file) {
        return Ok(Loaded {
            image: file,
            wrapped: false,
        });
    }
    let Some(key) = &wrapping.wrap else {
        return Err(Failure::data(format!(
            "{} is no OTA Upgrade Image (it does not begin with the octets 1E F1 EE 0B); \
             to put a header and a signature around it give --wrap KEY.pem",
            path.display()
        )));
    };
    let key_pem = files::read_text(key, KEY_BYTES_MAX)?;
    let firmware_version = wrapping
        .firmware_version
        .unwrap_or_else(|| version_of(&file));
    let header = wrapping.header(firmware_version, path);
    let image = sign_and_wrap(header, &file, &key_pem)
        .map_err(|why| Failure::data(format!("{}: {why}", key.display())))?;
    Ok(Loaded {
        image,
        wrapped: true,
    })
}

/// A version for a file that nobody gave one: it changes with the file.
fn version_of(file: &[u8]) -> FirmwareVersion {
    let digits = ManufacturerImageHash::of(file).to_string();
    digits[..8]
        .parse()
        .expect("a digest is written in hex digits, and any eight of them are a version")
}

/// Signs a Manufacturer Image and puts the OTA header before it.
pub(crate) fn sign_and_wrap(
    header: OtaHeader,
    manufacturer_image: &[u8],
    key_pem: &str,
) -> Result<Bytes, String> {
    let signer = ImageSigner::from_pem(key_pem).map_err(|why| why.to_string())?;
    Ok(wrap(
        header,
        manufacturer_image,
        &signer.sign(manufacturer_image),
    ))
}

/// Cuts an image, or says in one line what is wrong with it.
pub(crate) fn manifest(image: &Bytes, block_bytes: u32, name: &str) -> Result<Manifest, Failure> {
    Manifest::of_image(image, block_bytes)
        .map_err(|why| Failure::data(format!("{name} cannot be sent: {why}")))
}

/// Whether a file says of itself that it is an OTA Upgrade Image.
pub(crate) fn is_ota(file: &[u8]) -> bool {
    file.starts_with(&[0x1E, 0xF1, 0xEE, 0x0B])
}

/// A P-256 key has a few hundred bytes.
const KEY_BYTES_MAX: u64 = 64 * 1024;
/// The version of the Zigbee stack that a smart meter's header names.
const STACK_VERSION: u16 = 2;

impl Wrapping {
    fn header(&self, firmware_version: FirmwareVersion, path: &Path) -> OtaHeader {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        OtaHeader {
            manufacturer_code: self.manufacturer_code,
            image_type: self.image_type,
            ..header(firmware_version, &name, self.hardware)
        }
    }
}

/// The header of a wrapped file: its text is the start of the file's name.
pub(crate) fn header(
    file_version: FirmwareVersion,
    name: &str,
    hardware: HardwareVersions,
) -> OtaHeader {
    let mut header_string = [0; 32];
    for (octet, character) in header_string.iter_mut().zip(name.bytes()) {
        *octet = character;
    }
    OtaHeader {
        manufacturer_code: 0,
        image_type: 0,
        file_version,
        stack_version: STACK_VERSION,
        header_string,
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: Some(hardware),
    }
}

/// Any hardware: the whole range.
pub(crate) const ANY_HARDWARE: HardwareVersions = HardwareVersions {
    min: 0,
    max: u16::MAX,
};

fn hardware(text: &str) -> Result<HardwareVersions, String> {
    let (min, max) = text.split_once('-').ok_or("write a range like 0100-01FF")?;
    let (min, max) = (
        inventory::hardware_version(min)?,
        inventory::hardware_version(max)?,
    );
    if min > max {
        return Err(format!(
            "{min:04X} is above {max:04X}; write the lower one first"
        ));
    }
    Ok(HardwareVersions { min, max })
}

fn four_hex(text: &str) -> Result<u16, String> {
    inventory::hardware_version(text).map_err(|_| "write four hex digits like 1234".to_owned())
}

#[cfg(test)]
mod tests;
