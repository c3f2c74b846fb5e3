//! How does an S1SP gateway behave?
//!
//! A simulated one, with simulated [`Meter`]s behind it: it dials in to the DCO as a real gateway
//! does, takes offers, reads each image once, gives it to meters block by block, has it activated
//! and tells how that ended. What is simulated is only what lies behind the gateway. The images are
//! real, each meter computes the SHA-256 over the bytes that it was given, and what goes wrong goes
//! wrong inside a meter or on its link, at [`Rates`] that can be chosen and in the same way in each
//! run with the same seed.
//!
//! It promises: one attempt is never started twice, however often it is offered; an attempt in hand
//! goes on over broken links, and with a file over restarts of the program; an outcome is said until
//! the DCO has noted it; a block that is not the one on offer reaches no meter.
//!
//! ```no_run
//! # async fn example(endpoint: dco_client::Endpoint, identity: dco_client::Identity)
//! # -> Result<(), dco_gateway::GatewayError> {
//! use dco_block::FirmwareVersion;
//! use dco_gateway::{Behaviour, Fleet, Gateway, GatewayConfig, Keeping, Latency};
//! use tokio_util::sync::CancellationToken;
//!
//! let gateway = Gateway::new(GatewayConfig {
//!     endpoint,
//!     identity,
//!     concurrency: 200,
//!     behaviour: Behaviour::faultless(),
//!     latency: Latency::NONE,
//!     fleet: Fleet::of_any(1, FirmwareVersion::new(1)),
//!     keeping: Keeping::InMemory,
//! })?;
//! let monitor = gateway.monitor();
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(gateway.run(stop.clone()));
//! monitor.wait_until(|shown| shown.stats.successes() == 500).await;
//! stop.cancel();
//! # drop(running);
//! # Ok(())
//! # }
//! ```
//!
//! Deliberately absent: any protocol spoken to real meters; a clock (time passes with tokio's
//! timers, so a test can stop it); deciding whether an attempt is worth trying again, which is the
//! DCO's part.

mod attempt;
mod backoff;
mod behaviour;
mod clock;
mod dco;
mod desk;
mod driver;
mod fleet;
mod gateway;
mod images;
mod memory;
mod memory_file;
mod meter;
#[cfg(test)]
mod samples;
mod stats;

pub use behaviour::{Behaviour, Fault, Latency, Plan, Rates, RatesOverThousand};
pub use fleet::Fleet;
pub use gateway::{CONCURRENCY, Gateway, GatewayConfig, GatewayError, Keeping};
pub use memory_file::MemoryFileError;
pub use meter::{
    Defect, Meter, RefuseActivate, RefuseBlock, RefuseInitiate, RefuseVerify, Running,
};
pub use stats::{Monitor, Shown, Stats};
