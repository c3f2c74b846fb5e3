//! What time brings: what it does by itself, and what it makes the engine decide.

use std::collections::BTreeSet;

use dco_block::Eui64;
use dco_schedule::Micros;

/// What time does by itself, the same live and in replay; no record is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    /// The service day of a parked batch starts.
    Unpark { batch: u32 },
    /// A retry may be queued.
    Requeue { activation: u32 },
}

/// What time makes the engine decide; each ends in a record, or in nothing where it is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    /// A transfer will soon expire.
    WarnTransfer { owner: u64 },
    /// A transfer expires.
    ExpireTransfer { owner: u64 },
    /// Blocks of a transfer that ended without an image are not kept any longer.
    FreeBlocks { owner: u64 },
    /// An image has not been used for long; named by the transfer with which it became its User's.
    RetireImage { owner: u64 },
    /// A failed read-back is tried again.
    VerifyAgain { owner: u64 },
    /// The TRT of a batch ends soon.
    WarnTrt { batch: u32 },
    /// An attempt has had no outcome.
    AttemptTimeout { activation: u32 },
    /// An attempt may have stopped.
    NoProgress { activation: u32 },
    /// A proposal lapses, an agreement ends, or an act waits no longer for a second officer.
    SchedulesDue,
    /// A gateway has stayed away.
    GatewayAway { gateway: Eui64 },
}

/// A set of moments, each with what it is for.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    set: BTreeSet<(Micros, T)>,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self {
            set: BTreeSet::new(),
        }
    }
}

impl<T: Ord> FromIterator<(Micros, T)> for Timers<T> {
    fn from_iter<I: IntoIterator<Item = (Micros, T)>>(timers: I) -> Self {
        let set = timers.into_iter().collect();
        Self { set }
    }
}

impl<T: Ord + Copy> Timers<T> {
    pub(crate) fn set(&mut self, at_us: Micros, what: T) {
        self.set.insert((at_us, what));
    }

    pub(crate) fn clear(&mut self, at_us: Micros, what: T) {
        self.set.remove(&(at_us, what));
    }

    pub(crate) fn next_us(&self) -> Option<Micros> {
        self.set.first().map(|(at_us, _)| *at_us)
    }

    /// The earliest one that is due, taken out.
    pub(crate) fn pop_due(&mut self, now_us: Micros) -> Option<(Micros, T)> {
        let due = self.next_us().is_some_and(|at_us| at_us <= now_us);
        due.then(|| self.set.pop_first()).flatten()
    }
}
