//! May a peer stay that was let in? Asked again whenever what it was let in by changes.

use std::pin::pin;

use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::peer::Peer;
use crate::permit::Register;
use crate::tls::{self, Credentials};

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
        let ends = self.chain.first().and_then(|own| tls::ends_at(own).ok());
        let ends_us = ends.unwrap_or(i64::MAX).saturating_mul(1_000_000);
        // The clock that the handshake goes by, whatever the service's own shows.
        let clock = Clock::wall();
        let mut expired = pin!(clock.sleep_until(ends_us));
        loop {
            tokio::select! {
                Ok(()) = self.credentials.changed() => {}
                Some(()) = self.register.changed() => {}
                () = &mut expired => return "its certificate has expired",
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
