//! The rules of the engine, one file for each part, told as short scripts.

mod sample;
mod world;

mod admission;
mod attempts;
mod durability;
mod forecast;
mod gateways;
mod release;
mod transfers;
