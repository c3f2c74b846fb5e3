//! Tests of both logs through what the crate offers, most of them with the power going.

mod blocks;
mod blocks_model;
mod checking;
mod contract;
mod damage;
mod golden;
mod history;
mod journal;
mod power_cut;
mod reading;
mod record_format;
mod snapshot_cuts;
mod snapshots;
mod support;
