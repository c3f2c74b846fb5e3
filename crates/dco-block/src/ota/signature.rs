use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;

use super::OtaImage;

/// The public key of somebody who signs images: a point on P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerKey(VerifyingKey);

/// The octets are no public key that can verify an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no P-256 public key ({why}); images are signed with ECDSA on P-256")]
pub struct InvalidSignerKey {
    why: String,
}

/// Why an image is not taken for its signer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectSignature {
    #[error(
        "the image is not signed: it does not end with the octets 00 40 and a signature of 64 octets; \
         have it signed and send it with a new transfer"
    )]
    Missing,
    #[error(
        "the image's signature was made by none of the {signer_count} keys registered for this User, \
         or the Manufacturer Image is not what was signed"
    )]
    Invalid { signer_count: usize },
}

impl SignerKey {
    /// Reads a SubjectPublicKeyInfo in DER form, as a certificate has it.
    ///
    /// # Errors
    /// When it is none, or of another algorithm or curve.
    pub fn from_public_key_der(der: &[u8]) -> Result<Self, InvalidSignerKey> {
        let key = VerifyingKey::from_public_key_der(der);
        key.map(Self).map_err(|error| InvalidSignerKey {
            why: error.to_string(),
        })
    }
}

impl OtaImage {
    /// Says whether one of these signers has signed the Manufacturer Image: the Authorising Remote Party Signature, ECDSA
    /// on P-256 with SHA-256, raw r then s, over the Manufacturer Image alone (as in the DCC's sample of SRV 11.1).
    pub fn verify_signature(&self, signers: &[SignerKey]) -> Result<(), RejectSignature> {
        let octets = self.signature().ok_or(RejectSignature::Missing)?;
        let signer_count = signers.len();
        let invalid = RejectSignature::Invalid { signer_count };
        // r or s may be out of range: then nobody has made it.
        let signature = Signature::from_slice(octets).map_err(|_| invalid)?;
        let digest = self.manufacturer_image_hash();
        let is_of = |signer: &SignerKey| signer.0.verify_prehash(digest.as_bytes(), &signature);
        let found = signers.iter().any(|signer| is_of(signer).is_ok());
        found.then_some(()).ok_or(invalid)
    }
}

#[cfg(test)]
mod tests;
