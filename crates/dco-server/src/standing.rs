//! May a peer stay that was let in? Asked again whenever what it was let in by changes.

use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::sync::watch;

use crate::peer::Peer;
use crate::permit::Register;
use crate::tls::Credentials;

/// What a peer was let in by.
pub(crate) struct Standing {
    pub(crate) peer: Peer,
    /// Its certificate, and what leads from it to an authority.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) register: Register,
    pub(crate) credentials: watch::Receiver<Credentials>,
}

impl Standing {
    /// Resolves when the peer must go, with the reason: calls that are open rest on a right that it has no more.
    pub(crate) async fn lost(mut self) -> &'static str {
        let roles = self.register.roles(self.peer);
        loop {
            tokio::select! {
                Ok(()) = self.credentials.changed() => {}
                Some(()) = self.register.changed() => {}
                // Nothing changes any more: the service is stopping.
                else => return std::future::pending().await,
            }
            if !self.is_trusted() {
                return "its certificate is not trusted any more";
            }
            if self.register.roles(self.peer) != roles {
                return "its registration has changed";
            }
        }
    }

    fn is_trusted(&self) -> bool {
        let Some((own, rest)) = self.chain.split_first() else {
            return false;
        };
        let verifier = &self.credentials.borrow().verifier;
        let verified = verifier.verify_client_cert(own, rest, UnixTime::now());
        verified.is_ok()
    }
}
