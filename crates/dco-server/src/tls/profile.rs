//! Which certificates are taken of peers, besides that an authority stands behind them.
//!
//! TLS takes any kind of key, and a certificate that is for key agreement. SMKI gives a party one certificate for signatures and
//! one for key agreement, never for both, and each on P-256: only the first authenticates.

use std::io;
use std::sync::Arc;

use dco_block::Eui64;
use p256::ecdsa::VerifyingKey;
use p256::pkcs8::DecodePublicKey;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::Eui64From;
use crate::peer::Peer;

/// A peer's certificate that is good, and not of the kind that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct OffProfile {
    /// Whom it names.
    pub(crate) party: Option<Eui64>,
    /// What it lacks.
    pub(crate) why: Lacks,
}

/// What a certificate lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lacks {
    /// The other certificate of its party, mostly.
    #[error(
        "its keyUsage has no digitalSignature; its party has to show the certificate that is for signatures, not the one for key agreement"
    )]
    DigitalSignature,
    #[error(
        "its key is not on P-256, as every key of SMKI is; its party has to show one that is (with tls.eui64_from = \"san\" other keys are taken)"
    )]
    P256,
}

impl OffProfile {
    /// The reason for which a handshake failed, if it was this one.
    pub(crate) fn behind(error: &io::Error) -> Option<Self> {
        match error.get_ref()?.downcast_ref()? {
            Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => {
                why.downcast_ref().copied()
            }
            _ => None,
        }
    }
}

/// Asks the verifier within, and holds the certificate to the profile.
#[derive(Debug)]
pub(super) struct OfProfile {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    pub(super) eui64_from: Eui64From,
}

impl OfProfile {
    /// Without a keyUsage a key is for everything (RFC 5280, 4.2.1.3).
    fn lacks(&self, certificate: &[u8]) -> Result<Option<Lacks>, Error> {
        let bad = || Error::InvalidCertificate(CertificateError::BadEncoding);
        let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| bad())?;
        let usage = certificate.key_usage().map_err(|_| bad())?;
        if usage.is_some_and(|usage| !usage.value.digital_signature()) {
            return Ok(Some(Lacks::DigitalSignature));
        }
        // Who names its parties otherwise has a PKI of its own.
        let is_smki = self.eui64_from == Eui64From::Subject;
        let key = VerifyingKey::from_public_key_der(certificate.public_key().raw);
        Ok((is_smki && key.is_err()).then_some(Lacks::P256))
    }
}

impl ClientCertVerifier for OfProfile {
    fn offer_client_auth(&self) -> bool {
        self.verifier.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // First, so that only what an authority has issued is looked at, and counted, as off the profile.
        let verified = self.verifier.verify_client_cert(own, between, now)?;
        let Some(why) = self.lacks(own)? else {
            return Ok(verified);
        };
        let party = Peer::of(own, self.eui64_from).eui64;
        let off = OtherError(Arc::new(OffProfile { party, why }));
        Err(Error::InvalidCertificate(CertificateError::Other(off)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
