//! The rules of the engine, one file for each part, told as short scripts.

mod audit;
mod dump;
mod sample;
mod world;

mod admission;
mod ahead;
mod alike;
mod anything;
mod attempts;
mod breakers;
mod canaries;
mod durability;
mod feed;
mod forecast;
mod gateways;
mod golden;
mod images;
mod limits;
mod moves;
mod pauses;
mod places;
mod plan;
mod products;
mod quarantine;
mod quotas;
mod release;
mod replay;
mod schedules;
mod snapshots;
mod stops;
mod thresholds;
mod transfers;
