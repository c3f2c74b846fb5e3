use std::fmt::{self, Debug, Display, Formatter};
use std::str::FromStr;

use crate::hex;

/// The name of a User, a Device or a Gateway.
///
/// Written as eight pairs of hex digits in upper case joined by `-`, the first pair being the
/// highest bits, so that text and number sort alike. Read in either case.
///
/// ```
/// use dco_block::Eui64;
///
/// let device: Eui64 = "90-b3-d5-1f-30-01-00-00".parse()?;
/// assert_eq!(device.bits(), 0x90B3_D51F_3001_0000);
/// assert_eq!(device.to_string(), "90-B3-D5-1F-30-01-00-00");
/// # Ok::<(), dco_block::InvalidEui64>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Eui64(u64);

/// Why a text is no EUI-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEui64 {
    #[error(
        "an EUI-64 has 23 characters and this has {actual}; write it like 90-B3-D5-1F-30-01-00-00"
    )]
    Length { actual: usize },
    #[error(
        "character {position} does not belong in an EUI-64; write it like 90-B3-D5-1F-30-01-00-00"
    )]
    Character {
        /// Counted from 1.
        position: usize,
    },
}

impl Eui64 {
    /// The EUI-64 of these bits, the first octet of the text being the highest.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The number that [`Eui64::from_bits`] takes.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl FromStr for Eui64 {
    type Err = InvalidEui64;

    fn from_str(text: &str) -> Result<Self, InvalidEui64> {
        let ascii: &[u8; TEXT_BYTES] =
            text.as_bytes()
                .try_into()
                .map_err(|_| InvalidEui64::Length {
                    actual: text.chars().count(),
                })?;
        let mut bits = 0;
        for (at, &character) in ascii.iter().enumerate() {
            let refused = InvalidEui64::Character { position: at + 1 };
            if at % 3 != 2 {
                bits = bits << 4 | u64::from(hex::digit(character).ok_or(refused)?);
            } else if character != b'-' {
                return Err(refused);
            }
        }
        Ok(Self(bits))
    }
}

impl Display for Eui64 {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [h, g, f_, e, d, c, b, a] = self.0.to_le_bytes();
        write!(
            f,
            "{a:02X}-{b:02X}-{c:02X}-{d:02X}-{e:02X}-{f_:02X}-{g:02X}-{h:02X}"
        )
    }
}

impl Debug for Eui64 {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Eui64({self})")
    }
}

const TEXT_BYTES: usize = 23;

#[cfg(test)]
mod tests;
