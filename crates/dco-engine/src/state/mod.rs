//! What records change. Nothing in here decides anything.

pub(crate) mod activations;
pub(crate) mod ahead;
pub(crate) mod batches;
pub(crate) mod busy;
pub(crate) mod canaries;
pub(crate) mod changes;
pub(crate) mod checkpoints;
pub(crate) mod counts;
pub(crate) mod days;
pub(crate) mod dispatch;
pub(crate) mod gateways;
pub(crate) mod images;
pub(crate) mod inventory;
pub(crate) mod lanes;
pub(crate) mod latest;
pub(crate) mod lines;
pub(crate) mod notices;
pub(crate) mod products;
pub(crate) mod requests;
pub(crate) mod schedules;
pub(crate) mod security;
pub(crate) mod tallies;
pub(crate) mod timers;
pub(crate) mod transfers;
pub(crate) mod trials;
pub(crate) mod usage;
