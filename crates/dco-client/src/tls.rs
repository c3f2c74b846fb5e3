//! Who we are and whom we trust.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, version};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A party's certificate and key, and the CA whose servers it trusts; each as the text of a PEM file.
#[derive(Clone)]
pub struct Identity {
    pub ca_pem: Vec<u8>,
    /// The party's own certificate first, then those between it and the CA.
    pub certificate_pem: Vec<u8>,
    pub key_pem: Vec<u8>,
}

/// Why PEM texts are no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentity {
    #[error("the CA file is unusable: {problem}; give the PEM file of the CA's certificate")]
    Ca { problem: String },
    #[error(
        "the certificate file is unusable: {problem}; give the party's certificate as a PEM file"
    )]
    Certificate { problem: String },
    #[error(
        "the key file is unusable: {problem}; give the certificate's private key as a PEM file"
    )]
    Key { problem: String },
    #[error("the certificate and the key do not go together: {problem}")]
    Pair { problem: String },
}

impl Debug for Identity {
    /// Never shows the key.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// TLS 1.3 with client certificate, HTTP/2 only, trusting nothing but the identity's CA.
pub(crate) fn client_config(identity: &Identity) -> Result<ClientConfig, InvalidIdentity> {
    let roots = roots(&identity.ca_pem)?;
    let chain = certificates(&identity.certificate_pem)
        .map_err(|problem| InvalidIdentity::Certificate { problem })?;
    let key =
        PrivateKeyDer::from_pem_slice(&identity.key_pem).map_err(|fault| InvalidIdentity::Key {
            problem: pem_words(&fault),
        })?;

    // Named here, not taken from the process: a program may hold another provider for other things.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .expect("aws-lc-rs has cipher suites for TLS 1.3")
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// The certificate is read only when it is held against its key: what is wrong with it alone is not between the two.
fn unusable(fault: rustls::Error) -> InvalidIdentity {
    let problem = fault.to_string();
    match fault {
        rustls::Error::InvalidCertificate(_) => InvalidIdentity::Certificate { problem },
        _ => InvalidIdentity::Pair { problem },
    }
}

fn roots(ca_pem: &[u8]) -> Result<RootCertStore, InvalidIdentity> {
    let mut roots = RootCertStore::empty();
    let certificates = certificates(ca_pem).map_err(|problem| InvalidIdentity::Ca { problem })?;
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|fault| InvalidIdentity::Ca {
                problem: fault.to_string(),
            })?;
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|fault| pem_words(&fault))?;
    if certificates.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(certificates)
}

/// What is wrong with a PEM text, without what stands in it: a key that was put on one line is all marker.
fn pem_words(fault: &pem::Error) -> String {
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
