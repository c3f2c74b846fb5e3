//! The service as its callers meet it: real connections, real disk.

mod blocks;
mod doors;
mod errands;
mod pki;
mod world;
