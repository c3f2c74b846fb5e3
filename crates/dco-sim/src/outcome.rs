//! What a run comes to.

use std::fmt;

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Steps in which things go wrong. After them nothing does, and everything must come to its end.
    pub faulty_steps: u32,
    /// Steps after them at most.
    pub steps_to_end: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            faulty_steps: 1_500,
            steps_to_end: 50_000,
        }
    }
}

/// The result of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// A number over all that happened: the same seed gives the same one.
    pub trace_hash: u64,
    /// How much happened.
    pub figures: Figures,
    /// The promise that was broken, if one was.
    pub failure: Option<Failure>,
}

/// How much happened in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Steps of the world.
    pub steps: u64,
    /// Simulated whole days.
    pub days: u64,
    /// Starts of the service, the first included.
    pub starts: u64,
    /// Records that became durable.
    pub records: u64,
    /// Answers that left the service.
    pub answers: u64,
    /// Blocks acknowledged, repeats included.
    pub blocks_acknowledged: u64,
    /// Attempts that gateways began.
    pub attempts_started: u64,
    /// Devices that began to run another image.
    pub activated: u64,
    /// Agreements on a schedule or a change of one.
    pub agreed: u64,
    /// Changes of one that two officers imposed.
    pub imposed: u64,
    /// Releases ahead of their service day.
    pub lent: u64,
    /// Releases through the security lane.
    pub through_security_lane: u64,
    /// Units by which Users were displaced by them.
    pub repaid: u64,
    /// Pauses, by officers and by rules.
    pub paused: u64,
    /// Of these, by a rule.
    pub stopped: u64,
    /// Openings of a gateway's circuit breaker.
    pub breakers_opened: u64,
    /// Restores from a backup.
    pub restored: u64,
    /// Capacities set while the service ran.
    pub capacities_set: u64,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub promise: &'static str,
    /// What was seen.
    pub what: String,
    /// The last that happened before, oldest first.
    pub last: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, figures, .. } = self;
        let Some(failure) = &self.failure else {
            return write!(f, "seed {seed}: all promises kept; {figures:?}");
        };
        for line in &failure.last {
            writeln!(f, "  {line}")?;
        }
        writeln!(
            f,
            "seed {seed} breaks a promise after step {}: {}",
            figures.steps, failure.promise
        )?;
        writeln!(f, "  {}", failure.what)?;
        write!(f, "  again: dco sim --seed {seed}")
    }
}
