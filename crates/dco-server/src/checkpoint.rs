//! The key with which the service signs how far its decision log has come.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dco_engine::{SignedCheckpoint, checkpoint_text, export_text};
use dco_schedule::{Micros, ServiceDate};
use dco_store::Head;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{DecodePrivateKey, EncodePublicKey};

use crate::tls::{TlsError, read};

/// Signs. It is no TLS key: who can take over a connection cannot write history.
#[derive(Clone)]
pub(crate) struct LogKey(Arc<Pair>);

struct Pair {
    key: SigningKey,
    public_der: Bytes,
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogKey(..)")
    }
}

impl LogKey {
    /// Reads a P-256 private key, PKCS#8 in PEM form.
    ///
    /// # Errors
    /// When the file cannot be read or has no such key.
    pub(crate) async fn load(file: &Path) -> Result<Self, TlsError> {
        let pem = read(file).await?;
        let failed = |why: String| TlsError::Pem {
            file: file.display().to_string(),
            expected: "P-256 private key (PKCS#8)",
            why,
        };
        let text = str::from_utf8(&pem).map_err(|error| failed(error.to_string()))?;
        let key = SigningKey::from_pkcs8_pem(text).map_err(|error| failed(error.to_string()))?;
        let public = key.verifying_key().to_public_key_der();
        let public = public.map_err(|error| failed(error.to_string()))?;
        let public_der = Bytes::copy_from_slice(public.as_bytes());
        Ok(Self(Arc::new(Pair { key, public_der })))
    }

    /// Signs for a service day that is over.
    pub(crate) fn checkpoint(&self, date: ServiceDate, head: Head) -> SignedCheckpoint {
        SignedCheckpoint {
            date,
            seq: head.seq,
            chain: head.chain,
            signature: self.sign(&checkpoint_text(date, head.seq, &head.chain)),
            public_key: self.public_key(),
        }
    }

    /// Signs for the end of an export.
    pub(crate) fn export(&self, at_us: Micros, head: Head) -> Bytes {
        self.sign(&export_text(at_us, head.seq, &head.chain))
    }

    /// SubjectPublicKeyInfo, DER.
    pub(crate) fn public_key(&self) -> Bytes {
        self.0.public_der.clone()
    }

    fn sign(&self, text: &str) -> Bytes {
        let signature: Signature = self.0.key.sign(text.as_bytes());
        Bytes::copy_from_slice(signature.to_der().as_bytes())
    }
}
