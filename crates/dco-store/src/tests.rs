//! Tests of both logs through what the crate offers, most of them with the power going.

mod ahead;
mod blocks;
mod blocks_model;
mod checking;
mod compaction;
mod contract;
mod damage;
mod everything;
mod footers;
mod golden;
mod held_disk;
mod history;
mod journal;
mod odd_disk;
mod opening;
mod past;
mod pinned;
mod power_cut;
mod quarantine;
mod reading;
mod record_format;
mod room;
mod snapshot_cuts;
mod snapshots;
mod support;
