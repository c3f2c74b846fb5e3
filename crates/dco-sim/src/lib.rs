//! Does it keep its promises when everything fails?
//!
//! A loop, a seed, and checkers. The real engine runs on the real store; the disk below and the world
//! around are simulated, and the seed decides everything in them: Users that send images and batches, lose
//! answers, ask again, change their minds and make mistakes; Users and officers that agree schedules, amend, impose and end
//! them, set capacities and pause releases; a network that delays, loses, repeats and reorders;
//! gateways whose streams break and whose memory is lost; Devices that fail or stay silent; a clock that drifts and jumps; a
//! service that stops after any step, a power cut inside any commit, syncs that fail, a disk that is full. Each fault's rate is drawn from
//! the seed, and many are left out, so that runs differ in kind.
//!
//! ```
//! let outcome = dco_sim::run(7, &dco_sim::Options::default());
//! assert_eq!(outcome.failure, None, "{outcome}");
//! ```
//!
//! First things go wrong, and checkers look at all that happens (safety). Then nothing goes wrong
//! any more, and everything must come to its end (liveness). Each checker is one file in `checkers`, one promise, and
//! a small model of its own: it is shown what somebody outside could see (requests, answers, durable records,
//! what gateways and Devices do) and never the engine's state.
//!
//! The same seed gives the same run to the last byte; [`run_twice`] proves it. A failure names its seed and
//! how to run it again. A seed that found a fault stays in `seeds.txt`, which every test run goes through.
//!
//! Deliberately absent: threads, clocks, files and sockets, so the store's writer threads and the server's
//! wire are not run here. The store is driven through the commits that those threads call.

mod agenda;
mod call;
mod campaign;
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

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use campaign::{
    Campaign, CampaignDay, CampaignFailed, CampaignPlan, CampaignUser, run_campaign,
};
pub use dice::Dice;
pub use outcome::{Failure, Figures, Options, Outcome};
use world::World;

/// Runs the world of one seed. A panic of anything in it is a broken promise like others.
pub fn run(seed: u64, options: &Options) -> Outcome {
    let mut world = World::new(seed);
    let ended = catch_unwind(AssertUnwindSafe(|| world.run(options)));
    if let Err(panic) = ended {
        world.fail("nothing panics", words_of(panic.as_ref()));
    }
    world.outcome()
}

/// Runs a seed twice. Two runs that differ are a broken promise too: then no seed can be run again.
pub fn run_twice(seed: u64, options: &Options) -> Outcome {
    let first = run(seed, options);
    let second = run(seed, options);
    if first == second {
        return first;
    }
    let what = format!(
        "{:016x} after {} steps, then {:016x} after {}",
        first.trace_hash, first.figures.steps, second.trace_hash, second.figures.steps
    );
    Outcome {
        failure: Some(Failure {
            promise: "the same seed gives the same run",
            what,
            last: Vec::new(),
        }),
        ..first
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().cloned();
    words
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests;
