//! End-to-end tests: one binary, so that the service is built and linked once.

mod activation;
mod cli;
mod intake;
mod kills;
mod real;
mod refusals;
mod running;
