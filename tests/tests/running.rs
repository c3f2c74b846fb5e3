//! What those see who run the service.

mod drain;
mod front;
mod reloads;
mod seen;
mod start_stop;
mod strange;
