//! End-to-end tests: one binary, so that the service is built and linked once.

mod intake;
mod refusals;
