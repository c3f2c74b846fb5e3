//! What happens to bytes that nobody meant?
//!
//! One module for each target: `run` takes the bytes that libFuzzer thought of and panics if anything is wrong. The binaries in
//! `fuzz_targets/` only hand them on, so that the same bodies run on a stable compiler over all that is kept in `corpus/`
//! (`cargo test --lib`): what was found once is found again by every build.
//!
//! To keep what was found: put the input into `corpus/TARGET/` under a name that says what it is. To add a target: a module with
//! `run`, a line in [`TARGETS`], a file in `fuzz_targets/` with its `[[bin]]`, and seeds in [`seeds`].

pub mod certificate;
pub mod config;
pub mod engine;
pub mod fair_queue;
pub mod held;
pub mod inventory;
pub mod ledger;
pub mod messages;
pub mod ota_header;
pub mod products;
pub mod raw_block;
pub mod records;
mod samples;
pub mod seeds;
pub mod snapshot;
pub mod split_join;
pub mod store;
mod world;

/// The body of a target.
pub type Run = fn(&[u8]);

/// Every target by its name, which is that of its binary and of its folder in `corpus/`.
pub const TARGETS: &[(&str, Run)] = &[
    ("certificate", certificate::run),
    ("config", config::run),
    ("engine", engine::run),
    ("fair_queue", fair_queue::run),
    ("held", held::run),
    ("inventory", inventory::run),
    ("ledger", ledger::run),
    ("messages", messages::run),
    ("ota_header", ota_header::run),
    ("products", products::run),
    ("raw_block", raw_block::run),
    ("records", records::run),
    ("snapshot", snapshot::run),
    ("split_join", split_join::run),
    ("store", store::run),
];

#[cfg(test)]
mod tests;
