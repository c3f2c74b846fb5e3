//! Certificates and keys: TLS 1.3 only, a client certificate from the configured authority required,
//! and all of it renewed while the service runs.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio::sync::watch;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use crate::config::TlsFiles;
use crate::expiry::Ends;
use crate::reload::Source;

/// What a handshake needs, and when it ends to be good.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// For the next handshake.
    pub config: Arc<ServerConfig>,
    /// The same that the handshake asks, for peers that are connected.
    pub verifier: Arc<dyn ClientCertVerifier>,
    /// When it ends to be good.
    pub ends: Ends,
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

/// The files as they were read.
#[derive(PartialEq, Eq)]
struct Pems {
    ca: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
    crls: Vec<Vec<u8>>,
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

impl Source for Reloader {
    type Error = TlsError;
    const WHAT: &'static str = "certificates";

    async fn look(&mut self) -> Result<bool, TlsError> {
        let pems = Pems::read(&self.files).await?;
        if pems == self.pems {
            return Ok(false);
        }
        self.publish.send_replace(pems.credentials(&self.files)?);
        self.pems = pems;
        Ok(true)
    }

    async fn unwanted(&self) {
        self.publish.closed().await;
    }
}

impl Pems {
    async fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let mut crls = Vec::new();
        for file in &files.crls {
            crls.push(read(file).await?);
        }
        Ok(Self {
            ca: read(&files.ca).await?,
            certificate: read(&files.certificate).await?,
            key: read(&files.key).await?,
            crls,
        })
    }

    fn credentials(&self, files: &TlsFiles) -> Result<Credentials, TlsError> {
        let chain = certificates(&self.certificate, &files.certificate)?;
        let authorities = certificates(&self.ca, &files.ca)?;
        let mut crls = Vec::new();
        for (octets, file) in self.crls.iter().zip(&files.crls) {
            crls.append(&mut revocations(octets, file)?);
        }
        let ends = Ends {
            certificate: earliest(chain.iter().take(1), &files.certificate)?,
            authorities: earliest(authorities.iter(), &files.ca)?,
            revocations: crls.iter().filter_map(next_update).min(),
        };
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| pem_error(&files.key, "private key", error))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = verifier(authorities, crls, &provider)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable)?
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Credentials {
            config: Arc::new(config),
            verifier,
            ends,
        })
    }
}

/// With revocation lists every certificate of a chain must be on good terms with one: it is refused if a list names it, and if its
/// issuer has none. A list that is older than it should be still says what it says; the expiry is warned of.
fn verifier(
    authorities: Vec<CertificateDer<'static>>,
    crls: Vec<CertificateRevocationListDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(unusable)?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    builder.with_crls(crls).build().map_err(unusable)
}

/// One list in DER, or any number of them in PEM.
fn revocations(
    octets: &[u8],
    file: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let expected = "certificate revocation list";
    if CertificateRevocationList::from_der(octets).is_ok() {
        return Ok(vec![CertificateRevocationListDer::from(octets.to_vec())]);
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(octets)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem_error(file, expected, error))?;
    let bad = lists
        .iter()
        .find_map(|list| CertificateRevocationList::from_der(list).err());
    match bad {
        Some(error) => Err(pem_error(file, expected, error)),
        None if lists.is_empty() => Err(pem_error(file, expected, "it has none")),
        None => Ok(lists),
    }
}

fn next_update(list: &CertificateRevocationListDer<'_>) -> Option<i64> {
    let (_, list) = CertificateRevocationList::from_der(list).ok()?;
    Some(list.next_update()?.timestamp())
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

/// When a certificate expires, in seconds since 1970.
pub(crate) fn ends_at(certificate: &CertificateDer<'_>) -> Result<i64, String> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    Ok(certificate.validity().not_after.timestamp())
}

/// When the first of some certificates expires.
fn earliest<'a>(
    chain: impl Iterator<Item = &'a CertificateDer<'static>>,
    file: &Path,
) -> Result<i64, TlsError> {
    let failed = |why: String| pem_error(file, "certificate", why);
    let mut ends = Vec::new();
    for certificate in chain {
        ends.push(ends_at(certificate).map_err(failed)?);
    }
    let earliest = ends.into_iter().min();
    earliest.ok_or_else(|| failed("it has none".to_owned()))
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
