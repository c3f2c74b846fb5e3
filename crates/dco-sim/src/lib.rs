//! Does it keep its promises when everything fails?

mod agenda;
mod call;
mod checkers;
mod dice;
mod estate;
mod faults;
mod gateway;
mod happened;
mod meter;
mod outcome;
mod service;
mod trace;
mod user;
mod watch;
mod world;

pub use outcome::{Failure, Figures, Options, Outcome};

use world::World;

/// Runs the world of one seed.
pub fn run(seed: u64, options: &Options) -> Outcome {
    let mut world = World::new(seed);
    world.run(options);
    world.outcome()
}

#[cfg(test)]
mod tests;
