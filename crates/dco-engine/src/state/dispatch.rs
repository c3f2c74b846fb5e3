//! Whether anything may be released at all, and how attempts are numbered.

use dco_block::Eui64;
use dco_schedule::Micros;

/// Attempts of one epoch have numbers between its thousand and the next.
pub(crate) const EPOCH_ATTEMPTS: u16 = 1_000;
/// The last epoch whose attempts have numbers.
pub(crate) const EPOCH_MAX: u16 = u16::MAX / EPOCH_ATTEMPTS - 1;

/// Nothing is released until somebody resumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) since_us: Micros,
    /// Who paused; `None` when the data come from a backup.
    pub(crate) by: Option<Eui64>,
    pub(crate) ticket: String,
    pub(crate) reason: String,
}

/// What is true of all releases.
#[derive(Debug, Default)]
pub(crate) struct Dispatch {
    pub(crate) pause: Option<Pause>,
    /// How often the data have come from a backup, or more: each time attempts get higher numbers.
    pub(crate) epoch: u16,
}

impl Dispatch {
    /// Whether the data have not come from a backup since an attempt of this number was released.
    pub(crate) fn is_of_this_life(&self, attempt: u16) -> bool {
        attempt > self.epoch * EPOCH_ATTEMPTS
    }

    /// The number of the attempt that follows another one, 0 when there was none.
    pub(crate) fn next_attempt(&self, attempt: u16) -> u16 {
        let first = self.epoch * EPOCH_ATTEMPTS + 1;
        attempt.saturating_add(1).max(first)
    }
}
