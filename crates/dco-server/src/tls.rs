//! Certificates and keys: TLS 1.3 only, a client certificate from the configured authority required,
//! and all of it renewed while the service runs.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::TlsFiles;

/// What a handshake needs, and when it ends to be good.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// For the next handshake.
    pub config: Arc<ServerConfig>,
    /// When the service's own certificate expires, in seconds since 1970.
    pub expires_unix_seconds: i64,
}

/// Why certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no reading a file.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{file} holds no {expected} in PEM form: {why}")]
    Pem {
        /// The file.
        file: String,
        /// What should be in it.
        expected: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The files do not go together.
    #[error("the certificate, its key and the authority cannot be used together: {why}")]
    Unusable {
        /// What is wrong.
        why: String,
    },
}

/// The three files as they were read.
#[derive(PartialEq, Eq)]
struct Pems {
    ca: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Reads the files for the first time. The reloader that comes with it publishes what changes later.
pub(crate) async fn load(
    files: TlsFiles,
) -> Result<(watch::Receiver<Credentials>, Reloader), TlsError> {
    let pems = Pems::read(&files).await?;
    let (publish, credentials) = watch::channel(pems.credentials(&files)?);
    let reloader = Reloader {
        files,
        pems,
        publish,
    };
    Ok((credentials, reloader))
}

/// Looks at the files again and again.
pub(crate) struct Reloader {
    files: TlsFiles,
    pems: Pems,
    publish: watch::Sender<Credentials>,
}

impl Reloader {
    /// Runs until nobody wants credentials any more. What cannot be used is logged and not taken over:
    /// a half-written file must not lock everybody out.
    pub(crate) async fn run(mut self) {
        let mut rounds = tokio::time::interval(self.files.reload_every);
        rounds.tick().await;
        loop {
            tokio::select! {
                _ = rounds.tick() => {}
                () = self.publish.closed() => return,
            }
            match self.look().await {
                Ok(true) => tracing::info!("certificates renewed"),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, "certificates not renewed; the old ones stay")
                }
            }
        }
    }

    async fn look(&mut self) -> Result<bool, TlsError> {
        let pems = Pems::read(&self.files).await?;
        if pems == self.pems {
            return Ok(false);
        }
        self.publish.send_replace(pems.credentials(&self.files)?);
        self.pems = pems;
        Ok(true)
    }
}

impl Pems {
    async fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            ca: read(&files.ca).await?,
            certificate: read(&files.certificate).await?,
            key: read(&files.key).await?,
        })
    }

    fn credentials(&self, files: &TlsFiles) -> Result<Credentials, TlsError> {
        let chain = certificates(&self.certificate, &files.certificate)?;
        let expires_unix_seconds = expiry(&chain, &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| pem_error(&files.key, "private key", error))?;
        let mut roots = RootCertStore::empty();
        for root in certificates(&self.ca, &files.ca)? {
            roots.add(root).map_err(unusable)?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(unusable)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Credentials {
            config: Arc::new(config),
            expires_unix_seconds,
        })
    }
}

fn certificates(pem: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let expected = "certificate";
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem_error(file, expected, error))?;
    if chain.is_empty() {
        return Err(pem_error(file, expected, "it has none"));
    }
    Ok(chain)
}

fn expiry(chain: &[CertificateDer<'_>], file: &Path) -> Result<i64, TlsError> {
    let failed = |why: String| pem_error(file, "certificate", why);
    let own = chain
        .first()
        .ok_or_else(|| failed("it has none".to_owned()))?;
    let (_, own) = X509Certificate::from_der(own).map_err(|error| failed(error.to_string()))?;
    Ok(own.validity().not_after.timestamp())
}

/// Reads a PEM file.
pub(crate) async fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    tokio::fs::read(file)
        .await
        .map_err(|source| TlsError::Read {
            file: file.display().to_string(),
            source,
        })
}

fn pem_error(file: &Path, expected: &'static str, why: impl ToString) -> TlsError {
    TlsError::Pem {
        file: file.display().to_string(),
        expected,
        why: why.to_string(),
    }
}

fn unusable(why: impl ToString) -> TlsError {
    TlsError::Unusable {
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests;
