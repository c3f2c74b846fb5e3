//! How much does it bear?
//!
//! Measures the store against the limit of the disk it stands on, and a running service over mTLS against the machine's own limits: in
//! one run, the two alternating, because machines and their neighbours change from minute to minute: a ratio says more than a
//! figure. Every block counted was acknowledged, and so was durable; every activation counted is one that the service, asked
//! afterwards, says has succeeded.
//!
//! [`load_intake`], [`load_activations`] and [`load_mixed`] put a [`Target`] under load and end by themselves, by count and by
//! time. [`load_soak`] starts and kills a [`Service`] of its own, and holds it to what it acknowledged.
//!
//! Deliberately absent: rules, and meters. The gateways of a load answer an offer at once, since what is measured is the DCO's
//! part; those of a soak are the simulated ones of `dco-gateway`, with meters that are given every block.

mod activations;
mod answering;
mod counting;
mod estate;
mod figures;
mod intake;
mod journal;
mod latency;
mod limit;
mod limits;
mod line;
mod memory;
mod mixed;
mod pace;
mod series;
mod service;
mod soak;
mod start;
mod stopwatch;
mod store;
mod tally;
mod target;
mod tls_limit;

use tokio::task::JoinError;

pub use activations::{ActivationsLoad, ActivationsPlan, load_activations};
pub use intake::{IntakeLoad, IntakePlan, load_intake};
pub use journal::{JournalFigures, JournalPlan, measure_journal};
pub use latency::{LatencyFigures, Moment};
pub use limits::{LimitRounds, Limits, measure_limits};
pub use memory::{MemoryFigures, MemoryWatch};
pub use mixed::{MixedLoad, load_mixed};
pub use pace::Bounds;
pub use service::Service;
pub use soak::{SoakLoad, SoakPlan, load_soak};
pub use start::{StartFigures, StartPlan, measure_start};
pub use store::{IntakeFigures, StoreFigures, StorePlan, measure_store};
pub use target::{Party, Signer, Target};
pub use tls_limit::TlsFiles;

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store would not.
    #[error("the store failed during the measurement: {0}")]
    Store(#[from] dco_store::StoreError),
    /// The bare disk would not, or a socket.
    #[error("the machine failed during the measurement of its own limit: {0}")]
    Disk(#[from] std::io::Error),
    /// An image of that length is none.
    #[error("no image can be made for the measurement: {0}; give another --image-bytes")]
    Image(#[from] dco_block::RejectImage),
    /// A plan that measures nothing.
    #[error("{what} is zero; give at least 1")]
    Nothing {
        /// Which number of the plan.
        what: &'static str,
    },
    /// A plan that the service would refuse.
    #[error("{given} is too much for {what}; give at most {most}")]
    TooMany {
        /// Which number of the plan.
        what: &'static str,
        /// What it is.
        given: u64,
        /// What it may be.
        most: u64,
    },
    /// The service refused, or could not be reached.
    #[error(transparent)]
    Client(#[from] dco_client::ClientError),
    /// A simulated gateway could not go on.
    #[error(transparent)]
    Gateway(#[from] dco_gateway::GatewayError),
    /// The service did something that it must not do.
    #[error("the service is not as it should be: {0}")]
    Wrong(String),
    /// No such place.
    #[error("`{0}` is no address; give HOST:PORT")]
    Address(String),
    /// Certificates that cannot be used.
    #[error(
        "TLS could not be measured: {0}; give a certificate for localhost, its key and its authority"
    )]
    Tls(String),
    /// The service of our own would not start, or ended by itself.
    #[error(
        "the service could not be started: {0}; run `dco serve` with its configuration to see why"
    )]
    Service(String),
}

impl LoadError {
    pub(crate) fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }
}

/// Told after each step of a measurement: steps done, steps in all.
pub type Progress<'a> = &'a mut dyn FnMut(u32, u32);

/// What a task gave; its panic goes on here.
pub(crate) fn joined<T>(ended: Result<Result<T, LoadError>, JoinError>) -> Result<T, LoadError> {
    match ended {
        Ok(found) => found,
        Err(fault) => match fault.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(fault) => Err(LoadError::wrong(fault.to_string())),
        },
    }
}

/// Refuses a plan that measures nothing.
pub(crate) fn positive<T: Default + PartialEq>(
    what: &'static str,
    number: T,
) -> Result<(), LoadError> {
    if number == T::default() {
        return Err(LoadError::Nothing { what });
    }
    Ok(())
}
