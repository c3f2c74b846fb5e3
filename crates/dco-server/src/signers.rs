//! Whose signature an image must bear: the keys of each User's signers, read again while the service runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dco_block::{Eui64, OtaImage, RejectSignature, SignerKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use tokio::sync::watch;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::{Config, ConfigError, Signing};
use crate::reload::Source;
use crate::tls::{TlsError, pem_words};

/// The keys of all Users' signers.
type Keys = Arc<BTreeMap<Eui64, Vec<SignerKey>>>;

/// What is asked of an image's signature.
#[derive(Debug, Clone)]
pub(crate) struct Signers {
    /// Nothing when signatures are not looked at.
    keys: Option<watch::Receiver<Keys>>,
}

impl Signers {
    /// Signatures are not looked at.
    #[cfg(test)]
    pub(crate) fn unasked() -> Self {
        Self { keys: None }
    }

    /// Whether a signer of this User has signed the image.
    pub(crate) fn check(&self, user: Eui64, image: &OtaImage) -> Result<(), RejectSignature> {
        let Some(keys) = &self.keys else {
            return Ok(());
        };
        let keys = Arc::clone(&keys.borrow());
        image.verify_signature(keys.get(&user).map_or(&[], Vec::as_slice))
    }
}

/// Why what there is now cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignersError {
    #[error(transparent)]
    Files(#[from] TlsError),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Looks again and again at who signs for whom, and at their files.
pub(crate) struct Reloader {
    /// Nothing when the configuration came from no file.
    config: Option<PathBuf>,
    files: BTreeMap<Eui64, Vec<PathBuf>>,
    publish: watch::Sender<Keys>,
}

/// Reads the files for the first time. The reloader that comes with it publishes what changes later.
///
/// # Errors
/// When a file cannot be read or holds something else than certificates or public keys that can verify an image.
pub(crate) async fn load(
    signing: Signing,
    config: Option<PathBuf>,
) -> Result<(Signers, Reloader), TlsError> {
    let keys = Arc::new(read_all(&signing.signers).await?);
    let (publish, keys) = watch::channel(keys);
    let signers = Signers {
        keys: signing.required.then_some(keys),
    };
    let reloader = Reloader {
        config,
        files: signing.signers,
        publish,
    };
    Ok((signers, reloader))
}

impl Source for Reloader {
    type Error = SignersError;
    const WHAT: &'static str = "signers";

    async fn look(&mut self) -> Result<bool, SignersError> {
        if let Some(config) = &self.config {
            let (config, _text) = Config::load_again(config).await?;
            self.files = config.signing.signers;
        }
        let keys = read_all(&self.files).await?;
        Ok(self.publish.send_if_modified(|known| {
            let is_new = **known != keys;
            if is_new {
                *known = Arc::new(keys);
            }
            is_new
        }))
    }

    async fn unwanted(&self) {
        self.publish.closed().await;
    }
}

async fn read_all(
    files: &BTreeMap<Eui64, Vec<PathBuf>>,
) -> Result<BTreeMap<Eui64, Vec<SignerKey>>, TlsError> {
    let mut all = BTreeMap::new();
    for (user, files) in files {
        let mut keys = Vec::new();
        for file in files {
            let pem = crate::tls::read(file).await?;
            keys.append(&mut keys_in(&pem, file)?);
        }
        all.insert(*user, keys);
    }
    Ok(all)
}

/// The keys of all certificates and all public keys of a PEM text.
fn keys_in(pem: &[u8], file: &Path) -> Result<Vec<SignerKey>, TlsError> {
    let failed = |why: String| TlsError::Pem {
        file: file.display().to_string(),
        expected: "certificate or public key that can verify images",
        why,
    };
    let mut keys = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| failed(pem_words(&error)))?;
        keys.push(key_of(&certificate).map_err(failed)?);
    }
    for key in SubjectPublicKeyInfoDer::pem_slice_iter(pem) {
        let key = key.map_err(|error| failed(pem_words(&error)))?;
        let key = SignerKey::from_public_key_der(&key);
        keys.push(key.map_err(|error| failed(error.to_string()))?);
    }
    if keys.is_empty() {
        return Err(failed("it has none".to_owned()));
    }
    Ok(keys)
}

/// The key of a certificate that is for signatures. An SMKI certificate is for these or for key agreement, never for both.
fn key_of(certificate: &[u8]) -> Result<SignerKey, String> {
    let parsed = X509Certificate::from_der(certificate);
    let (_, certificate) = parsed.map_err(|error| error.to_string())?;
    let usage = certificate.key_usage().map_err(|error| error.to_string())?;
    if usage.is_some_and(|usage| !usage.value.digital_signature()) {
        return Err("its certificate is not for signatures (keyUsage)".to_owned());
    }
    let key = SignerKey::from_public_key_der(certificate.public_key().raw);
    key.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
