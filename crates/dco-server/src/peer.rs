//! Who is at the other end? What its certificate says, and nothing else.

use dco_block::Eui64;
use rustls_pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::asn1::{BitStringRef, ObjectIdentifier};
use x509_cert::der::{Decode, oid::db::rfc4519};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{GeneralName, HardwareModuleName, OtherName};

use crate::config::Eui64From;

/// x500UniqueIdentifier, in which SMKI organisation certificates carry the party's EUI-64.
const X500_UNIQUE_IDENTIFIER: ObjectIdentifier = rfc4519::X_500_UNIQUE_IDENTIFIER;
/// hardwareModuleName (RFC 4108), in which SMKI Device certificates carry an EUI-64.
const HARDWARE_MODULE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.4");
/// An EUI-64 as a URI: sixteen hex digits follow (RFC 9039).
const URN: &str = "urn:dev:mac:";

/// The other end of a connection. Its certificate has been verified; whether it is registered is
/// asked with each call, because registration may not have what a certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Absent when the certificate names no party, or more than one.
    pub eui64: Option<Eui64>,
}

impl Peer {
    /// Reads the peer of a verified certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>, from: Eui64From) -> Self {
        let eui64 = match from {
            Eui64From::Subject => eui64_of(certificate),
            Eui64From::San => eui64_in_san(certificate),
        };
        Self { eui64 }
    }
}

/// The party that a certificate in DER names: the subject's only x500UniqueIdentifier, if it is a BIT STRING of exactly
/// 64 bits. What is not DER to the letter (X.690 clause 10) names nobody. Whether the certificate is good is not looked at.
pub fn eui64_of(certificate: &[u8]) -> Option<Eui64> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let attributes = certificate.tbs_certificate().subject().iter();
    let mut identifiers = attributes.filter(|it| it.oid == X500_UNIQUE_IDENTIFIER);
    let identifier = identifiers.next()?;
    // Two identifiers would let one part of a system read the one and another the other.
    if identifiers.next().is_some() {
        return None;
    }
    let bits: BitStringRef<'_> = identifier.value.decode_as().ok()?;
    // Nothing if bits are unused: then they are not 64.
    let octets = bits.as_bytes()?.try_into().ok()?;
    Some(Eui64::from_bits(bits_of(octets)))
}

/// The party that a certificate in DER names in its subjectAltName: the only hardwareModuleName, whose serial number has eight octets, or
/// else the only `urn:dev:mac:` URI. What is not DER to the letter names nobody. Whether the certificate is good is not looked at.
pub fn eui64_in_san(certificate: &[u8]) -> Option<Eui64> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let (_critical, SubjectAltName(names)) =
        certificate.tbs_certificate().get_extension().ok()??;
    let mut named = names.iter().filter_map(named_by);
    let eui64 = named.next()?;
    // Two names would let one part of a system read the one and another the other.
    if named.next().is_some() { None } else { eui64 }
}

/// Outer nothing: it is a name of something else. Inner nothing: it should name a party and does not.
fn named_by(name: &GeneralName) -> Option<Option<Eui64>> {
    match name {
        GeneralName::OtherName(other) if other.type_id == HARDWARE_MODULE_NAME => {
            Some(serial_number(other))
        }
        GeneralName::UniformResourceIdentifier(uri) => {
            let (scheme, digits) = uri.as_str().split_at_checked(URN.len())?;
            scheme.eq_ignore_ascii_case(URN).then(|| hex_digits(digits))
        }
        _ => None,
    }
}

fn serial_number(name: &OtherName) -> Option<Eui64> {
    let module = HardwareModuleName::from_other_name(name).ok()??;
    let octets = module.hw_serial_num.as_bytes().try_into().ok()?;
    Some(Eui64::from_bits(bits_of(octets)))
}

fn hex_digits(text: &str) -> Option<Eui64> {
    let is_written_so = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bits = u64::from_str_radix(text, 16).ok();
    bits.filter(|_| is_written_so).map(Eui64::from_bits)
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
