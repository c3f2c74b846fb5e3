use std::fmt::{self, Debug, Display, Formatter};
use std::str::FromStr;

use crate::hex;

/// The version of a firmware: the four octets of the OTA header's file version, which a Device
/// reports back. Written as eight hex digits in upper case, read in either case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FirmwareVersion(u32);

/// The text is not eight hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a firmware version is eight hex digits, like 0102000A")]
pub struct InvalidFirmwareVersion;

impl FirmwareVersion {
    /// The version with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number as it stands in the OTA header.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for FirmwareVersion {
    type Err = InvalidFirmwareVersion;

    fn from_str(text: &str) -> Result<Self, InvalidFirmwareVersion> {
        let ascii: &[u8; 8] = text
            .as_bytes()
            .try_into()
            .map_err(|_| InvalidFirmwareVersion)?;
        let number = ascii.iter().try_fold(0, |number, &character| {
            hex::digit(character).map(|digit| number << 4 | u32::from(digit))
        });
        number.map(Self).ok_or(InvalidFirmwareVersion)
    }
}

impl Display for FirmwareVersion {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl Debug for FirmwareVersion {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "FirmwareVersion({self})")
    }
}

#[cfg(test)]
mod tests;
