//! Tests of both logs through what the crate offers, most of them with the power going.

mod blocks;
mod blocks_model;
mod contract;
mod damage;
mod footers;
mod journal;
mod odd_disk;
mod power_cut;
mod reading;
mod room;
mod support;
