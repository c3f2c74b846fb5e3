use std::fmt::{self, Debug, Display, Formatter};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::hex;

/// Why a value is no SHA-256 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDigest {
    #[error("a SHA-256 digest has 32 octets and this has {actual}")]
    Octets { actual: usize },
    #[error("a SHA-256 digest is written with 64 hex digits and this has {actual} characters")]
    Length { actual: usize },
    #[error("character {position} of the SHA-256 digest is no hex digit")]
    Character {
        /// Counted from 1.
        position: usize,
    },
}

macro_rules! digest_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes a digest that was computed elsewhere.
            pub const fn new(octets: [u8; 32]) -> Self {
                Self(octets)
            }

            /// Computes the digest of `bytes`.
            pub fn of(bytes: &[u8]) -> Self {
                Self(Sha256::digest(bytes).into())
            }

            /// The 32 octets of the digest.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = InvalidDigest;

            fn try_from(octets: &[u8]) -> Result<Self, InvalidDigest> {
                let actual = octets.len();
                octets.try_into().map(Self).map_err(|_| InvalidDigest::Octets { actual })
            }
        }

        impl FromStr for $name {
            type Err = InvalidDigest;

            fn from_str(text: &str) -> Result<Self, InvalidDigest> {
                octets_of(text).map(Self)
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }

        impl Debug for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

digest_type! {
    /// The SHA-256 of a whole image as sent. Written with 64 hex digits in lower case.
    ImageId
}

digest_type! {
    /// The SHA-256 of the Manufacturer Image alone, by which SRV 11.3 names an image (its
    /// FirmwareHash). Written with 64 hex digits in lower case.
    ManufacturerImageHash
}

fn octets_of(text: &str) -> Result<[u8; 32], InvalidDigest> {
    let mut octets = [0; 32];
    if text.len() != 2 * octets.len() {
        return Err(InvalidDigest::Length {
            actual: text.chars().count(),
        });
    }
    hex::fill(text.as_bytes(), &mut octets)
        .map_err(|at| InvalidDigest::Character { position: at + 1 })?;
    Ok(octets)
}

#[cfg(test)]
mod tests;
