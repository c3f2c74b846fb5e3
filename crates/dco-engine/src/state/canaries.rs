//! Canaries: the first Devices of a batch, or of an image under a schedule, which must succeed before the rest is released.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::{ScheduleId, Source};

use super::batches::Batch;
use crate::event::Scope;
use crate::view::CanaryView;

/// What goes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// The work for one image under one schedule.
    Schedule(ScheduleId<Eui64>, ManufacturerImageHash),
    /// One batch that has canaries of its own.
    Batch { user: Eui64, number: u64 },
}

impl Group {
    /// Whose it is.
    pub(crate) const fn user(self) -> Eui64 {
        match self {
            Self::Schedule(id, _) => id.user,
            Self::Batch { user, .. } => user,
        }
    }

    /// What is paused when one of its canaries is given up.
    pub(crate) const fn scope(self) -> Scope {
        match self {
            Self::Schedule(id, _) => Scope::Schedule(id),
            Self::Batch { user, number } => Scope::Batch { user, number },
        }
    }
}

/// All groups that have canaries.
#[derive(Debug, Default)]
pub(crate) struct Canaries {
    pub(crate) groups: BTreeMap<Group, Canary>,
}

/// One group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Canary {
    /// How many must succeed.
    pub(crate) wanted: u32,
    /// Activations before this were sent when there were no canaries in the group, and are none of it.
    pub(crate) from: u32,
    /// The activations that go first.
    pub(crate) first: BTreeSet<u32>,
    /// How many of them have succeeded.
    pub(crate) succeeded: u32,
    /// How many were given up.
    pub(crate) failed: u32,
    /// Nothing is held any more: they have succeeded, or an officer says so.
    pub(crate) passed: bool,
}

impl Canaries {
    pub(crate) fn of(&self, batch: &Batch) -> Option<&Canary> {
        if self.groups.is_empty() {
            return None;
        }
        self.groups.get(&group_of(batch)?)
    }

    /// Whether an activation of this batch waits for the canaries of its group.
    pub(crate) fn hold(&self, batch: &Batch, activation: u32) -> bool {
        self.of(batch)
            .is_some_and(|canary| canary.holds(activation))
    }

    pub(crate) fn view(&self, batch: &Batch) -> Option<CanaryView> {
        self.of(batch).map(|canary| CanaryView {
            wanted: canary.wanted,
            succeeded: canary.succeeded,
            failed: canary.failed,
            passed: canary.passed,
        })
    }
}

impl Canary {
    pub(crate) fn holds(&self, activation: u32) -> bool {
        !self.passed && activation >= self.from && !self.first.contains(&activation)
    }

    /// How many more are to go first.
    pub(crate) fn missing(&self) -> usize {
        let wanted = usize::try_from(self.wanted).unwrap_or(usize::MAX);
        if self.passed {
            return 0;
        }
        wanted.saturating_sub(self.first.len())
    }
}

/// The group of a batch; none where it has no canaries of its own and no schedule covers it.
pub(crate) fn group_of(batch: &Batch) -> Option<Group> {
    let user = batch.user;
    if batch.canary > 0 {
        let number = batch.number;
        return Some(Group::Batch { user, number });
    }
    let number = batch.source.and_then(Source::schedule)?;
    let schedule = ScheduleId { user, number };
    Some(Group::Schedule(schedule, batch.manufacturer_image_hash))
}
