//! Certificates and keys: TLS 1.3 only, a client certificate from the configured authority required,
//! and all of it renewed while the service runs.

mod lists;
mod profile;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use tokio::sync::watch;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::TlsFiles;
use crate::expiry::Ends;
use crate::reload::Source;
use lists::{Parts, next_update, revocations};
use profile::OfProfile;
pub(crate) use profile::OffProfile;

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
    /// A revocation list would keep peers out that are good, or let peers in that are not.
    #[error("the revocation list of {issuer} in {file} is not taken over: {why}")]
    Revocations {
        /// The file.
        file: String,
        /// Whose list it is.
        issuer: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// All clients would refuse the service's certificate.
    #[error(
        "{file} holds a certificate that is good from {from} to {until}, and not now; put a renewed one there, with its key"
    )]
    NotGoodNow {
        /// The file.
        file: String,
        /// From when on it is good.
        from: String,
        /// Until when.
        until: String,
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
    issuers: Vec<Vec<u8>>,
}

/// Reads the files for the first time. The reloader that comes with it publishes what changes later.
pub(crate) async fn load(
    files: TlsFiles,
) -> Result<(watch::Receiver<Credentials>, Reloader), TlsError> {
    let pems = Pems::read(&files).await?;
    let (publish, credentials) = watch::channel(pems.credentials(&files, None)?);
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
        let credentials = pems.credentials(&self.files, Some(&self.pems))?;
        self.publish.send_replace(credentials);
        self.pems = pems;
        Ok(true)
    }

    async fn unwanted(&self) {
        self.publish.closed().await;
    }
}

impl Pems {
    async fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            ca: read(&files.ca).await?,
            certificate: read(&files.certificate).await?,
            key: read(&files.key).await?,
            crls: read_each(&files.crls).await?,
            issuers: read_each(&files.issuers).await?,
        })
    }

    fn parts<'a>(&self, files: &'a TlsFiles) -> Result<Parts<'a>, TlsError> {
        let mut lists = Vec::new();
        for (octets, file) in self.crls.iter().zip(&files.crls) {
            let read = revocations(octets, file)?;
            lists.extend(read.into_iter().map(|list| (file.as_path(), list)));
        }
        let mut issuers = Vec::new();
        for (pem, file) in self.issuers.iter().zip(&files.issuers) {
            issuers.append(&mut certificates(pem, file)?);
        }
        Ok(Parts {
            chain: certificates(&self.certificate, &files.certificate)?,
            authorities: certificates(&self.ca, &files.ca)?,
            issuers,
            lists,
        })
    }

    /// `before` is what is in force; nothing at the start, when any files are better than none.
    fn credentials(
        &self,
        files: &TlsFiles,
        before: Option<&Self>,
    ) -> Result<Credentials, TlsError> {
        let parts = self.parts(files)?;
        parts.lists_are_signed()?;
        if let Some(before) = before {
            let before_parts = before.parts(files)?;
            parts.lists_are_of_now(&before_parts, wall_seconds())?;
            parts.lists_succeed(&before_parts)?;
            // The one in force may have ended too, and must not keep a newer list out.
            if self.certificate != before.certificate {
                good_now(&parts.chain, &files.certificate)?;
            }
        }
        let Parts {
            chain,
            authorities,
            issuers: _,
            lists,
        } = parts;
        let crls: Vec<_> = lists.into_iter().map(|(_, list)| list).collect();
        let ends = Ends {
            certificate: earliest(chain.iter().take(1), &files.certificate)?,
            authorities: earliest(authorities.iter(), &files.ca)?,
            revocations: crls.iter().filter_map(next_update).min(),
        };
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| pem_error(&files.key, "private key", pem_words(&error)))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier: Arc<dyn ClientCertVerifier> = Arc::new(OfProfile {
            verifier: verifier(authorities, crls, &provider)?,
            eui64_from: files.eui64_from,
        });
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

/// A certificate that cannot be read is nobody's issuer; whether it may stand there is for others to say.
fn parsed<'a>(
    certificates: impl Iterator<Item = &'a CertificateDer<'static>>,
) -> Vec<X509Certificate<'a>> {
    let read = certificates.filter_map(|it| X509Certificate::from_der(it).ok());
    read.map(|(_, certificate)| certificate).collect()
}

/// The clock that clients go by, whatever the service's own shows, in seconds since 1970.
fn wall_seconds() -> i64 {
    i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX)
}

fn good_now(chain: &[CertificateDer<'static>], file: &Path) -> Result<(), TlsError> {
    let now = wall_seconds();
    let own = parsed(chain.iter().take(1));
    let untimely = own.iter().map(|it| it.validity()).find(|it| {
        let good = it.not_before.timestamp()..=it.not_after.timestamp();
        !good.contains(&now)
    });
    match untimely {
        Some(validity) => Err(TlsError::NotGoodNow {
            file: file.display().to_string(),
            from: validity.not_before.to_string(),
            until: validity.not_after.to_string(),
        }),
        None => Ok(()),
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

fn certificates(pem: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let expected = "certificate";
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem_error(file, expected, pem_words(&error)))?;
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

async fn read_each(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, TlsError> {
    let mut all = Vec::new();
    for file in files {
        all.push(read(file).await?);
    }
    Ok(all)
}

fn pem_error(file: &Path, expected: &'static str, why: impl ToString) -> TlsError {
    TlsError::Pem {
        file: file.display().to_string(),
        expected,
        why: why.to_string(),
    }
}

/// What is wrong with a PEM text, without what stands in it: a key that was put on one line is all marker.
pub(crate) fn pem_words(fault: &pem::Error) -> String {
    match fault {
        pem::Error::MissingSectionEnd { .. } => {
            "a section has no end, or no line of its own for -----BEGIN and -----END; is it whole?"
                .to_owned()
        }
        pem::Error::IllegalSectionStart { .. } => {
            "a line with -----BEGIN does not end with -----".to_owned()
        }
        other => other.to_string(),
    }
}

fn unusable(why: impl ToString) -> TlsError {
    TlsError::Unusable {
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests;
