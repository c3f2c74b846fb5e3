//! The service that is put under load, and as whom.

use std::fmt::{self, Debug, Formatter};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dco_block::Eui64;
use dco_client::{Endpoint, Identity, Link, OperationsClient, UserClient};

use crate::LoadError;

/// A party of the service: its name and what it proves that with.
#[derive(Clone, Debug)]
pub struct Party {
    /// As the service has registered it.
    pub eui64: Eui64,
    /// Its certificate and key, and the authority of the service.
    pub identity: Identity,
}

/// Where the service is, and who speaks to it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// At least one. Senders are dealt out to them in turn.
    pub users: Vec<Party>,
    /// As many as are to be connected; at least one where activations are wanted.
    pub gateways: Vec<Party>,
    /// Who imports the Devices.
    pub operator: Party,
    /// Signs the images for all these Users.
    pub signer: Signer,
    /// The service's process, where it is on this machine and known: then its memory is told.
    pub process: Option<u32>,
}

/// Signs Manufacturer Images by their SHA-256: r and s of ECDSA P-256, 32 octets each.
#[derive(Clone)]
pub struct Signer(Arc<dyn Fn([u8; 32]) -> [u8; 64] + Send + Sync>);

impl Signer {
    /// A signer that asks `sign` for the signature over a digest.
    pub fn new(sign: impl Fn([u8; 32]) -> [u8; 64] + Send + Sync + 'static) -> Self {
        Self(Arc::new(sign))
    }

    pub(crate) fn sign(&self, digest: [u8; 32]) -> [u8; 64] {
        (self.0)(digest)
    }
}

impl Debug for Signer {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Target {
    /// Whether every address that `host:port` stands for is on this machine.
    ///
    /// # Errors
    /// When it stands for none.
    pub async fn is_loopback(address: &str) -> Result<bool, LoadError> {
        let found = tokio::net::lookup_host(address).await;
        let found: Vec<SocketAddr> = found.map_or_else(|_| Vec::new(), Iterator::collect);
        if found.is_empty() {
            return Err(LoadError::Address(address.to_owned()));
        }
        Ok(found.iter().map(SocketAddr::ip).all(is_local))
    }

    pub(crate) async fn user(&self, number: usize) -> Result<UserClient, LoadError> {
        let party = &self.users[number % self.users.len()];
        let link = Link::connect(&self.endpoint, &party.identity).await?;
        Ok(UserClient::new(&link, party.eui64))
    }

    pub(crate) async fn operator(&self) -> Result<OperationsClient, LoadError> {
        let link = Link::connect(&self.endpoint, &self.operator.identity).await?;
        Ok(OperationsClient::new(&link))
    }
}

fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_machine_is_loopback() {
        for (address, local) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("192.0.2.1:1", false),
            ("[2001:db8::1]:1", false),
        ] {
            assert_eq!(
                Target::is_loopback(address).await.unwrap(),
                local,
                "{address}"
            );
        }
        let error = Target::is_loopback("no port").await.unwrap_err();
        assert!(error.to_string().contains("no port"), "{error}");
    }
}
