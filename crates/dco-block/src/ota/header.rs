use bytes::{Buf, BufMut};

use super::RejectOta;
use crate::FirmwareVersion;
use crate::limits::{OTA_HEADER_BYTES_MAX, OTA_HEADER_BYTES_MIN};

/// A Zigbee OTA header (Zigbee document 095264), version 0100.
///
/// Every octet of a header that [`OtaHeader::parse`] accepts is in one of these fields, so
/// [`OtaHeader::encode`] gives the same octets again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtaHeader {
    pub manufacturer_code: u16,
    pub image_type: u16,
    /// The version of the firmware in the image.
    pub file_version: FirmwareVersion,
    pub stack_version: u16,
    /// Text of the manufacturer's choice, padded with zero octets.
    pub header_string: [u8; 32],
    /// The length of the whole image: this header and everything after it.
    pub total_image_bytes: u32,
    pub security_credential_version: Option<u8>,
    /// The only device the file is for, as its EUI-64 in little-endian order.
    pub upgrade_file_destination: Option<[u8; 8]>,
    pub hardware_versions: Option<HardwareVersions>,
}

/// The hardware versions that an image is for, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardwareVersions {
    pub min: u16,
    pub max: u16,
}

impl OtaHeader {
    /// Reads the header at the start of `bytes` and says how long it is; what follows is ignored.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), RejectOta> {
        let field_control = check_start(bytes)?;
        let header_bytes = usize::from(header_bytes(field_control));
        need(bytes, header_bytes)?;
        let mut rest = &bytes[AFTER_FIELD_CONTROL..header_bytes];
        let header = Self {
            manufacturer_code: rest.get_u16_le(),
            image_type: rest.get_u16_le(),
            file_version: FirmwareVersion::new(rest.get_u32_le()),
            stack_version: rest.get_u16_le(),
            header_string: take(&mut rest),
            total_image_bytes: rest.get_u32_le(),
            security_credential_version: has(field_control, CREDENTIAL).then(|| rest.get_u8()),
            upgrade_file_destination: has(field_control, DESTINATION).then(|| take(&mut rest)),
            hardware_versions: has(field_control, HARDWARE).then(|| HardwareVersions {
                min: rest.get_u16_le(),
                max: rest.get_u16_le(),
            }),
        };
        Ok((header, header_bytes))
    }

    /// Writes the header as an image begins with it.
    pub fn encode(&self) -> Vec<u8> {
        let field_control = self.field_control();
        let mut out = Vec::with_capacity(OTA_HEADER_BYTES_MAX as usize);
        out.put_u32_le(IDENTIFIER);
        out.put_u16_le(HEADER_VERSION);
        out.put_u16_le(header_bytes(field_control));
        out.put_u16_le(field_control);
        out.put_u16_le(self.manufacturer_code);
        out.put_u16_le(self.image_type);
        out.put_u32_le(self.file_version.get());
        out.put_u16_le(self.stack_version);
        out.put_slice(&self.header_string);
        out.put_u32_le(self.total_image_bytes);
        if let Some(version) = self.security_credential_version {
            out.put_u8(version);
        }
        if let Some(destination) = self.upgrade_file_destination {
            out.put_slice(&destination);
        }
        if let Some(HardwareVersions { min, max }) = self.hardware_versions {
            out.put_u16_le(min);
            out.put_u16_le(max);
        }
        out
    }

    fn field_control(&self) -> u16 {
        let bit = |present: bool, bit: u16| if present { bit } else { 0 };
        bit(self.security_credential_version.is_some(), CREDENTIAL)
            | bit(self.upgrade_file_destination.is_some(), DESTINATION)
            | bit(self.hardware_versions.is_some(), HARDWARE)
    }
}

const IDENTIFIER: u32 = 0x0BEE_F11E;
const HEADER_VERSION: u16 = 0x0100;
const AFTER_FIELD_CONTROL: usize = 10;

// Bits of the field control: which optional fields follow, in this order.
const CREDENTIAL: u16 = 1;
const DESTINATION: u16 = 1 << 1;
const HARDWARE: u16 = 1 << 2;

/// Checks everything that does not depend on optional fields being there; gives the field control.
fn check_start(bytes: &[u8]) -> Result<u16, RejectOta> {
    // The identifier comes first, so that a short file of another kind is told what it is not.
    need(bytes, size_of_val(&IDENTIFIER))?;
    let mut rest = bytes;
    let found = rest.get_u32_le();
    if found != IDENTIFIER {
        return Err(RejectOta::Identifier { found });
    }
    need(bytes, OTA_HEADER_BYTES_MIN as usize)?;
    let found = rest.get_u16_le();
    if found != HEADER_VERSION {
        return Err(RejectOta::HeaderVersion { found });
    }
    let declared_bytes = rest.get_u16_le();
    let field_control = rest.get_u16_le();
    if field_control & !(CREDENTIAL | DESTINATION | HARDWARE) != 0 {
        return Err(RejectOta::FieldControl {
            found: field_control,
        });
    }
    let expected_bytes = header_bytes(field_control);
    if declared_bytes != expected_bytes {
        return Err(RejectOta::HeaderLength {
            declared_bytes,
            expected_bytes,
        });
    }
    Ok(field_control)
}

const fn header_bytes(field_control: u16) -> u16 {
    const WITHOUT_OPTIONAL: u16 = 56;
    const _: () = assert!(WITHOUT_OPTIONAL as u32 == OTA_HEADER_BYTES_MIN);
    WITHOUT_OPTIONAL
        + if has(field_control, CREDENTIAL) { 1 } else { 0 }
        + if has(field_control, DESTINATION) {
            8
        } else {
            0
        }
        + if has(field_control, HARDWARE) { 4 } else { 0 }
}

const _: () =
    assert!(header_bytes(CREDENTIAL | DESTINATION | HARDWARE) as u32 == OTA_HEADER_BYTES_MAX);

const fn has(field_control: u16, bit: u16) -> bool {
    field_control & bit != 0
}

fn need(bytes: &[u8], needed_bytes: usize) -> Result<(), RejectOta> {
    let actual_bytes = bytes.len();
    if actual_bytes < needed_bytes {
        return Err(RejectOta::TooShort {
            needed_bytes,
            actual_bytes,
        });
    }
    Ok(())
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut octets = [0; N];
    rest.copy_to_slice(&mut octets);
    octets
}

#[cfg(test)]
mod tests;
