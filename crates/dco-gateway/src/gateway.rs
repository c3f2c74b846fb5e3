//! The gateway: what it is made of, how it is started and how it ends.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use dco_client::{ClientError, Endpoint, GatewayLink, Identity, Link, RequestId};
use tokio_util::sync::CancellationToken;

use crate::attempt::Tools;
use crate::backoff::Backoff;
use crate::behaviour::{Behaviour, Latency};
use crate::clock::DcoClock;
use crate::dco::Dco;
use crate::desk::Desk;
use crate::driver::Driver;
use crate::fleet::Fleet;
use crate::images::Images;
use crate::memory::Memory;
use crate::memory_file::{MemoryFile, MemoryFileError};
use crate::stats::{BlockCounts, Monitor, Stats};

/// How many attempts at one time a gateway may say it takes.
pub const CONCURRENCY: RangeInclusive<u32> = 1..=10_000;

/// What a gateway is made of.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where the DCO is.
    pub endpoint: Endpoint,
    /// Which gateway this is: its certificate says so.
    pub identity: Identity,
    /// Attempts in hand at one time, within [`CONCURRENCY`].
    pub concurrency: u32,
    /// What goes wrong.
    pub behaviour: Behaviour,
    /// How long things take.
    pub latency: Latency,
    /// The meters it reaches.
    pub fleet: Fleet,
    /// Where it keeps what it has in hand.
    pub keeping: Keeping,
}

/// Where a gateway keeps what it has in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Nowhere: each start is a loss of memory, and the DCO is told so.
    InMemory,
    /// In this file; its folder must exist.
    InFile(PathBuf),
}

/// A simulated S1SP gateway, ready to run.
#[derive(Debug)]
pub struct Gateway {
    config: GatewayConfig,
    desk: Desk,
    file: Option<MemoryFile>,
    counts: Arc<BlockCounts>,
}

/// Why a gateway cannot work, or does not work on.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error(
        "a gateway takes {} to {} attempts at one time, not {concurrency}",
        CONCURRENCY.start(), CONCURRENCY.end()
    )]
    Concurrency { concurrency: u32 },
    #[error(transparent)]
    Memory(#[from] MemoryFileError),
    /// The identity or the address cannot be used.
    #[error(transparent)]
    Link(ClientError),
    /// Trying again would not help.
    #[error("the DCO does not take this gateway: {0}")]
    Refused(ClientError),
    #[error("another program has connected as this gateway; each needs a certificate of its own")]
    Replaced,
}

impl Gateway {
    /// Opens the memory and prepares the meters. Nothing is connected yet.
    pub fn new(config: GatewayConfig) -> Result<Self, GatewayError> {
        let concurrency = config.concurrency;
        if !CONCURRENCY.contains(&concurrency) {
            return Err(GatewayError::Concurrency { concurrency });
        }
        let fresh_id = RequestId::fresh().to_string();
        let (file, memory) = match &config.keeping {
            Keeping::InMemory => (None, Memory::new(fresh_id, concurrency)),
            Keeping::InFile(path) => {
                let (file, memory) = MemoryFile::open(path, concurrency, fresh_id)?;
                (Some(file), memory)
            }
        };
        for (&device, &running) in memory.running() {
            config.fleet.restore(device, running);
        }
        Ok(Self {
            config,
            desk: Desk::new(memory),
            file,
            counts: Arc::default(),
        })
    }

    /// Looks at this gateway while it runs.
    pub fn monitor(&self) -> Monitor {
        Monitor {
            shown: self.desk.watch(),
            blocks: Arc::clone(&self.counts),
        }
    }

    /// Connects, again and again where the link breaks, and takes images to meters until it is
    /// told to stop. Then attempts in hand are left as they are: with a file they go on at the
    /// next start. Gives the counts of the whole run.
    ///
    /// Must be called within a tokio runtime with time and network enabled.
    pub async fn run(self, stop: CancellationToken) -> Result<Stats, GatewayError> {
        let link = Link::connect_lazy(&self.config.endpoint, &self.config.identity)
            .map_err(GatewayError::Link)?;
        self.run_over(Arc::new(GatewayLink::new(&link)), stop).await
    }

    pub(crate) async fn run_over(
        self,
        dco: Arc<dyn Dco>,
        stop: CancellationToken,
    ) -> Result<Stats, GatewayError> {
        let monitor = self.monitor();
        let Self {
            config,
            desk,
            file,
            counts,
        } = self;
        let backoff = Backoff::new(config.latency.reconnect_min, config.latency.reconnect_max);
        let tools = Tools {
            fleet: config.fleet,
            images: Images::new(Arc::clone(&dco), Arc::clone(&counts), backoff),
            behaviour: config.behaviour,
            latency: config.latency,
            counts,
            clock: DcoClock::default(),
        };
        Driver::new(desk, file, dco, tools, backoff)
            .run(stop)
            .await?;
        Ok(monitor.stats())
    }
}

#[cfg(test)]
mod tests;
