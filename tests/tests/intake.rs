//! SRV 11.1: blocks in any order over one or many connections, until the 11.1 Response.

mod again;
pub(crate) mod blocks;
mod broken;
mod expiry;
