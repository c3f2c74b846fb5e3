//! Whose certificate is this?

use dco_block::Eui64;
use x509_cert::Certificate;
use x509_cert::der::asn1::BitString;

use super::PkiError;
use super::certificate::UNIQUE_IDENTIFIER;

/// The EUI-64 in a certificate's subject, so that nobody need write down who they are.
pub(crate) fn eui64_of(certificate_pem: &[u8]) -> Result<Eui64, PkiError> {
    let chain = Certificate::load_pem_chain(certificate_pem).map_err(refused)?;
    // The party's own comes first.
    let own = chain
        .first()
        .ok_or_else(|| refused("there is no certificate"))?;
    let subject = own.tbs_certificate().subject();
    let value = subject
        .iter()
        .find(|attribute| attribute.oid == UNIQUE_IDENTIFIER)
        .ok_or_else(|| refused("its subject has no x500UniqueIdentifier"))?;
    let identifier: BitString = value.value.decode_as().map_err(refused)?;
    let octets: [u8; 8] = identifier
        .as_bytes()
        .and_then(|octets| octets.try_into().ok())
        .ok_or_else(|| refused(format!("the identifier has {} bits", identifier.bit_len())))?;
    Ok(from_octets(octets))
}

#[expect(
    clippy::big_endian_bytes,
    reason = "an EUI-64 goes most significant octet first"
)]
fn from_octets(octets: [u8; 8]) -> Eui64 {
    Eui64::from_bits(u64::from_be_bytes(octets))
}

fn refused(problem: impl ToString) -> PkiError {
    PkiError::NoEui64 {
        problem: problem.to_string(),
    }
}
