//! Who is at the other end? What its certificate says, and nothing else.

use dco_block::Eui64;
use rustls_pki_types::CertificateDer;
use x509_parser::der_parser::{Oid, oid};
use x509_parser::prelude::{FromDer, X509Certificate};

/// x500UniqueIdentifier, in which SMKI organisation certificates carry the party's EUI-64.
const X500_UNIQUE_IDENTIFIER: Oid<'static> = oid!(2.5.4.45);

/// The other end of a connection. Its certificate has been verified; whether it is registered is
/// asked with each call, because registration may not have what a certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Absent when the certificate names no party, or more than one.
    pub eui64: Option<Eui64>,
}

impl Peer {
    /// Reads the peer of a verified certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        Self {
            eui64: eui64_of(certificate),
        }
    }
}

/// The party that a certificate in DER names: the subject's only x500UniqueIdentifier, if it is a BIT STRING of exactly
/// 64 bits. Whether the certificate is good is not looked at.
pub fn eui64_of(certificate: &[u8]) -> Option<Eui64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let mut identifiers = certificate.subject().iter_by_oid(&X500_UNIQUE_IDENTIFIER);
    let identifier = identifiers.next()?;
    // Two identifiers would let one part of a system read the one and another the other.
    if identifiers.next().is_some() {
        return None;
    }
    let bits = identifier.attr_value().as_bitstring().ok()?;
    let octets: [u8; 8] = bits.data.as_ref().try_into().ok()?;
    (bits.unused_bits == 0).then(|| Eui64::from_bits(bits_of(octets)))
}

#[expect(
    clippy::big_endian_bytes,
    reason = "the first octet of the BIT STRING is the first pair of the EUI-64"
)]
fn bits_of(octets: [u8; 8]) -> u64 {
    u64::from_be_bytes(octets)
}

#[cfg(test)]
mod tests;
