//! P-256 keys. The only place of this program where random numbers come in.

use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};

use super::PkiError;

/// A private key.
pub(super) struct Key(SecretKey);

/// Signs Manufacturer Images: ECDSA P-256 with SHA-256.
pub(crate) struct ImageSigner(SigningKey);

impl Key {
    /// A key that nobody has.
    pub(super) fn random() -> Result<Self, PkiError> {
        SecretKey::try_generate()
            .map(Self)
            .map_err(|fault| PkiError::Random {
                problem: fault.to_string(),
            })
    }

    /// A key that was made before: PKCS#8.
    pub(super) fn from_pem(pem: &str) -> Result<Self, PkiError> {
        SecretKey::from_pkcs8_pem(pem).map(Self).map_err(unusable)
    }

    pub(super) fn signing_key(&self) -> SigningKey {
        SigningKey::from(&self.0)
    }

    /// PKCS#8.
    pub(super) fn to_pem(&self) -> Result<String, PkiError> {
        self.0
            .to_pkcs8_pem(LineEnding::LF)
            .map(|pem| pem.to_string())
            .map_err(unusable)
    }

    /// SubjectPublicKeyInfo.
    pub(super) fn public_pem(&self) -> Result<String, PkiError> {
        let public = self.0.public_key();
        public.to_public_key_pem(LineEnding::LF).map_err(unusable)
    }
}

impl ImageSigner {
    /// A signer with the PKCS#8 key of a PEM text.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, PkiError> {
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(unusable)
    }

    /// The signature as an OTA Upgrade Image carries it: r and s, 32 octets each. The same image has the same signature (RFC 6979).
    pub(crate) fn sign(&self, manufacturer_image: &[u8]) -> [u8; 64] {
        let signature: Signature = self.0.sign(manufacturer_image);
        signature.to_bytes().into()
    }

    /// The same by the SHA-256 of the image, for who has hashed it already.
    pub(crate) fn sign_digest(&self, digest: [u8; 32]) -> [u8; 64] {
        let signature: Signature = self
            .0
            .sign_prehash(&digest)
            .expect("a digest of SHA-256 is as long as P-256 needs it");
        signature.to_bytes().into()
    }
}

fn unusable(fault: impl ToString) -> PkiError {
    PkiError::Key {
        problem: fault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn an_image_and_its_digest_have_the_same_signature() {
        let pem = Key::random().unwrap().to_pem().unwrap();
        let signer = ImageSigner::from_pem(&pem).unwrap();
        let digest = Sha256::digest(b"image").into();
        assert_eq!(signer.sign(b"image"), signer.sign_digest(digest));
    }
}
