//! The rules of the engine, one file for each part, told as short scripts.

mod audit;
mod dump;
mod sample;
mod world;

mod admission;
mod alike;
mod anything;
mod attempts;
mod durability;
mod feed;
mod forecast;
mod gateways;
mod golden;
mod moves;
mod places;
mod plan;
mod quotas;
mod release;
mod replay;
mod schedules;
mod snapshots;
mod transfers;
