//! A CA and what it issues.

use std::sync::Arc;

use dco_client::Identity;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A CA, a server that it knows as `localhost`, and clients.
pub(crate) struct Parties {
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Parties {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        // Two CAs under one name would look like one whose signatures are wrong.
        let name = format!("CA {:02X?}", &key.public_key_raw()[..8]);
        params.distinguished_name.push(DnType::CommonName, name);
        let ca_pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { ca_pem, issuer }
    }

    /// A client whose certificate this CA issued and who trusts this CA's servers.
    pub(crate) fn client(&self) -> Identity {
        let (certificate_pem, key_pem) = self.issue(Vec::new());
        Identity {
            ca_pem: self.ca_pem.clone().into_bytes(),
            certificate_pem: certificate_pem.into_bytes(),
            key_pem: key_pem.into_bytes(),
        }
    }

    /// A certificate with certificatePolicies that is marked critical, which TLS here cannot check, and its key.
    pub(crate) fn critical_policies(&self) -> (Vec<u8>, Vec<u8>) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // anyPolicy.
        let policies = vec![0x30, 8, 0x30, 6, 6, 4, 0x55, 0x1D, 0x20, 0];
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 32], policies);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        (certificate.into_bytes(), key.into_bytes())
    }

    /// A server known as `localhost` that asks its clients for certificates of this CA.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.server_of(b"h2")
    }

    /// As [`Parties::server`], with this protocol above TLS.
    pub(crate) fn server_of(&self, protocol: &[u8]) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(vec!["localhost".to_owned()]);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap())
            .unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }

    fn issue(&self, names: Vec<String>) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}
