//! What the rules say. Each file decides about one thing, makes records of what it decided, and changes nothing
//! besides.

mod attempts;
mod batches;
mod breakers;
mod capacity;
mod cover;
mod crowded;
pub(crate) mod devices;
mod gateways;
mod images;
mod log;
pub(crate) mod pauses;
pub(crate) mod products;
mod release;
mod schedules;
mod stops;
mod thresholds;
mod time;
pub(crate) mod transfers;
mod warnings;
