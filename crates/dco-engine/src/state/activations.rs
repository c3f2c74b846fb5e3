//! Activations, one after the other, in as little memory as they need.

use std::fmt;

use dco_dispatch::Slot;
use dco_schedule::Micros;

use crate::outcome::Outcome;
use crate::read::as_usize;

/// One Device of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activation {
    /// Its Device's number in the inventory.
    pub(crate) device: u32,
    pub(crate) batch: u32,
    /// The number of the newest attempt; 0 before the first.
    pub(crate) attempt: u16,
    /// How many attempts were made.
    pub(crate) tries: u16,
    pub(crate) phase: Phase,
    /// Of the last attempt that ended.
    pub(crate) outcome: Option<Outcome>,
    /// An attempt ended and nobody knows what it did to the Device.
    pub(crate) fate_unknown: bool,
    /// An attempt ended of which nobody is certain that it sent nothing.
    pub(crate) maybe_sent: bool,
    pub(crate) released_us: Option<Micros>,
}

/// Where an activation stands, with what that needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Parked,
    /// `None` while it is held back because its image is quarantined, and in the moment between being picked and its
    /// record.
    Queued(Option<Slot>),
    Released,
    RetryWait {
        until_us: Micros,
    },
    Succeeded {
        ended_us: Micros,
    },
    Failed {
        ended_us: Micros,
    },
    Cancelled {
        ended_us: Micros,
    },
}

impl Phase {
    pub(crate) fn has_ended(self) -> bool {
        self.ended_us().is_some()
    }

    /// Since when it has been at its end.
    pub(crate) fn ended_us(self) -> Option<Micros> {
        match self {
            Self::Succeeded { ended_us }
            | Self::Failed { ended_us }
            | Self::Cancelled { ended_us } => Some(ended_us),
            Self::Parked | Self::Queued(_) | Self::Released | Self::RetryWait { .. } => None,
        }
    }

    /// Whether it has not reached its end and no attempt is under way.
    pub(crate) fn waits(self) -> bool {
        matches!(
            self,
            Self::Parked | Self::Queued(_) | Self::RetryWait { .. }
        )
    }
}

impl Activation {
    /// One of a new batch.
    pub(crate) fn new(device: u32, batch: u32) -> Self {
        Self {
            device,
            batch,
            attempt: 0,
            tries: 0,
            phase: Phase::Parked,
            outcome: None,
            fate_unknown: false,
            maybe_sent: false,
            released_us: None,
        }
    }
}

/// The list of all activations, by their numbers. It only grows.
#[derive(Debug, Default)]
pub(crate) struct Activations(Vec<Row>);

/// An activation as it is kept. There are millions, so it has 32 octets: what only some phases have shares its place.
#[derive(Clone, Copy)]
struct Row {
    device: u32,
    batch: u32,
    attempt: u16,
    tries: u16,
    stands: Stands,
    outcome: Option<Outcome>,
    fate_unknown: bool,
    maybe_sent: bool,
    /// [`NEVER`] before the first release.
    released_us: Micros,
    /// When it goes on or ended, or the bits of its slot.
    detail: [u8; 8],
}

const _: () = assert!(size_of::<Row>() == 32);

/// No time that a clock tells.
const NEVER: Micros = Micros::MIN;

/// A [`Phase`] without what it needs.
#[derive(Debug, Clone, Copy)]
enum Stands {
    Parked,
    HeldBack,
    Queued,
    Released,
    RetryWait,
    Succeeded,
    Failed,
    Cancelled,
}

impl Activations {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, activation: u32) -> Activation {
        self.0[as_usize(activation)].read()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Activation> {
        self.0.iter().map(|row| row.read())
    }

    /// Makes room for so many more, and not for many beyond.
    pub(crate) fn reserve(&mut self, count: usize) {
        if self.0.capacity() - self.0.len() < count {
            self.0.reserve_exact(count.max(self.0.len() / 32));
        }
    }

    pub(crate) fn push(&mut self, activation: Activation) {
        self.0.push(Row::of(activation));
    }

    pub(crate) fn set(&mut self, activation: u32, to: Activation) {
        self.0[as_usize(activation)] = Row::of(to);
    }
}

impl Row {
    fn of(activation: Activation) -> Self {
        let Activation {
            device,
            batch,
            attempt,
            tries,
            phase,
            outcome,
            fate_unknown,
            maybe_sent,
            released_us,
        } = activation;
        let (stands, detail) = match phase {
            Phase::Parked => (Stands::Parked, [0; 8]),
            Phase::Queued(None) => (Stands::HeldBack, [0; 8]),
            Phase::Queued(Some(slot)) => (Stands::Queued, slot.bits().to_le_bytes()),
            Phase::Released => (Stands::Released, [0; 8]),
            Phase::RetryWait { until_us } => (Stands::RetryWait, until_us.to_le_bytes()),
            Phase::Succeeded { ended_us } => (Stands::Succeeded, ended_us.to_le_bytes()),
            Phase::Failed { ended_us } => (Stands::Failed, ended_us.to_le_bytes()),
            Phase::Cancelled { ended_us } => (Stands::Cancelled, ended_us.to_le_bytes()),
        };
        Self {
            device,
            batch,
            attempt,
            tries,
            stands,
            outcome,
            fate_unknown,
            maybe_sent,
            released_us: released_us.unwrap_or(NEVER),
            detail,
        }
    }

    fn read(self) -> Activation {
        let at_us = Micros::from_le_bytes(self.detail);
        let slot = || Slot::from_bits(u64::from_le_bytes(self.detail));
        let phase = match self.stands {
            Stands::Parked => Phase::Parked,
            Stands::HeldBack => Phase::Queued(None),
            Stands::Queued => Phase::Queued(Some(slot())),
            Stands::Released => Phase::Released,
            Stands::RetryWait => Phase::RetryWait { until_us: at_us },
            Stands::Succeeded => Phase::Succeeded { ended_us: at_us },
            Stands::Failed => Phase::Failed { ended_us: at_us },
            Stands::Cancelled => Phase::Cancelled { ended_us: at_us },
        };
        Activation {
            device: self.device,
            batch: self.batch,
            attempt: self.attempt,
            tries: self.tries,
            phase,
            outcome: self.outcome,
            fate_unknown: self.fate_unknown,
            maybe_sent: self.maybe_sent,
            released_us: Some(self.released_us).filter(|it| *it != NEVER),
        }
    }
}

/// As what it says.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
