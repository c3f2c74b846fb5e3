//! Tests of both logs through what the crate offers, most of them with the power going.

mod blocks;
mod blocks_model;
mod compaction;
mod contract;
mod damage;
mod everything;
mod footers;
mod journal;
mod odd_disk;
mod pinned;
mod power_cut;
mod quarantine;
mod reading;
mod room;
mod support;
