//! The service as its callers meet it: real connections, real disk.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

mod blocks;
mod doors;
mod errands;
mod notices;
mod pki;
mod world;
