//! Canaries: the first Devices under a schedule, which must succeed with an image before the rest is released.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::{ScheduleId, Source};

use super::batches::Batch;
use crate::view::CanaryView;

/// What goes together: the work for one image under one schedule.
pub(crate) type Group = (ScheduleId<Eui64>, ManufacturerImageHash);

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

/// The group of a batch; none where no schedule covers it.
pub(crate) fn group_of(batch: &Batch) -> Option<Group> {
    let number = batch.source.and_then(Source::schedule)?;
    let user = batch.user;
    Some((ScheduleId { user, number }, batch.manufacturer_image_hash))
}
