//! How much does it bear?
//!
//! Measures the store against the limit of the disk it stands on, in one process and one run, the two alternating,
//! because machines and their neighbours change from minute to minute: a ratio says more than a figure. Every block
//! counted was acknowledged, and so was durable.
//!
//! Absent so far: load over the network, against a running service.

mod counting;
mod figures;
mod journal;
mod limit;
mod memory;
mod start;
mod stopwatch;
mod store;

pub use journal::{JournalFigures, JournalPlan, measure_journal};
pub use start::{StartFigures, StartPlan, measure_start};
pub use store::{IntakeFigures, StoreFigures, StorePlan, measure_store};

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store would not.
    #[error("the store failed during the measurement: {0}")]
    Store(#[from] dco_store::StoreError),
    /// The bare disk would not.
    #[error("the disk failed during the measurement of its own limit: {0}")]
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
}

/// Told after each step of a measurement: steps done, steps in all.
pub type Progress<'a> = &'a mut dyn FnMut(u32, u32);
