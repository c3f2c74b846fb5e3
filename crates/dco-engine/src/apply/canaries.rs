//! What sending, ends and officers change about canaries.

use crate::engine::Engine;
use crate::event::Scope;
use crate::read::as_usize;
use crate::record::StopFigures;
use crate::state::batches::{Batch, Phase};
use crate::state::canaries::{Canary, Group, group_of};

impl Engine {
    /// A batch was sent of which, or under a schedule of which, so many Devices must succeed first. Those of its activations that its group
    /// still wants are its canaries.
    pub(super) fn send_canaries(&mut self, batch: u32, wanted: u32) {
        let sent = self.batches.get(batch);
        let Some(group) = group_of(sent) else {
            return;
        };
        let from = sent.first;
        let new = || Canary {
            wanted,
            from,
            ..Canary::default()
        };
        if wanted > 0 {
            self.canaries.groups.entry(group).or_insert_with(new);
        }
        self.make_way(group, batch);
        // Also without one of its own: a group that was begun still wants some.
        self.choose_canaries(group);
    }

    /// Canaries that are parked for a later day than a batch leave their places to it: it would wait for that day, and its TRT would run.
    fn make_way(&mut self, group: Group, batch: u32) {
        let sent = self.batches.get(batch);
        let (day_us, room) = (sent.day_start_us, as_usize(sent.len));
        let canary = self.canaries.groups.get_mut(&group);
        let Some(canary) = canary.filter(|it| !it.passed) else {
            return;
        };
        let batches = &self.batches;
        let parked = |it: &u32| batches.activation(*it).phase == Phase::Parked;
        let day_of = |it: u32| (batches.batch_of(it).day_start_us, it);
        let first = canary.first.iter().copied().filter(parked).map(day_of);
        let mut later: Vec<_> = first.filter(|(day, _)| *day > day_us).collect();
        later.sort_unstable();
        let leaving: Vec<u32> = later.iter().rev().take(room).map(|(_, it)| *it).collect();
        for activation in &leaving {
            canary.first.remove(activation);
        }
        for activation in leaving {
            self.hold_back(activation);
        }
    }

    /// Nothing that waits of a cancelled batch is a canary any more. Others take the places in [`Self::replace_canaries`], all at once:
    /// to look for them at each of its ends would take as long as both batches are large.
    pub(super) fn spare_canaries(&mut self, batch: u32) {
        let cancelled = self.batches.get(batch);
        let group = group_of(cancelled);
        let canary = group.and_then(|it| self.canaries.groups.get_mut(&it));
        let Some(canary) = canary.filter(|it| !it.passed) else {
            return;
        };
        let batches = &self.batches;
        for activation in cancelled.activations() {
            if batches.activation(activation).phase.waits() {
                canary.first.remove(&activation);
            }
        }
    }

    pub(super) fn replace_canaries(&mut self, batch: u32) {
        if let Some(group) = group_of(self.batches.get(batch)) {
            self.choose_canaries(group);
        }
    }

    /// For the earliest day first, and then in the order in which they were sent.
    fn choose_canaries(&mut self, group: Group) {
        let Some(canary) = self.canaries.groups.get(&group) else {
            return;
        };
        let missing = canary.missing();
        if missing == 0 {
            return;
        }
        let sent = self.open_in(group);
        let waits = |it: &u32| self.batches.activation(*it).phase.waits() && canary.holds(*it);
        let chosen: Vec<u32> = sent.into_iter().filter(waits).take(missing).collect();
        if let Some(canary) = self.canaries.groups.get_mut(&group) {
            canary.first.extend(&chosen);
        }
        for activation in chosen {
            self.look_again(activation);
        }
    }

    /// All activations of the group's open batches, by the days they were sent for, and in the order in which they were sent. Of what
    /// its User has cancelled nothing goes first, or waits.
    fn open_in(&self, group: Group) -> Vec<u32> {
        let open = self.batches.open_of(group.user());
        let batches = open.filter(|batch| !batch.cancelled && group_of(batch) == Some(group));
        let mut batches: Vec<&Batch> = batches.collect();
        batches.sort_unstable_by_key(|batch| (batch.day_start_us, batch.first));
        batches.into_iter().flat_map(Batch::activations).collect()
    }

    /// An activation has reached its end: of a canary the group takes notice.
    pub(super) fn note_canary(&mut self, activation: u32, (before, phase): (Phase, Phase)) {
        if self.canaries.groups.is_empty() {
            return;
        }
        let batch = self.batches.batch_of(activation);
        let cancelled = batch.cancelled;
        let Some(group) = group_of(batch) else {
            return;
        };
        let Some(canary) = self.canaries.groups.get_mut(&group) else {
            return;
        };
        if !canary.first.contains(&activation) || canary.passed {
            return;
        }
        match phase {
            Phase::Succeeded { .. } => {
                // Late, after it had been given up.
                if matches!(before, Phase::Failed { .. }) {
                    canary.failed = canary.failed.saturating_sub(1);
                }
                canary.succeeded += 1;
                if canary.succeeded >= canary.wanted {
                    self.pass_canaries(group);
                }
            }
            // Its User wants nothing more tried, so how it ends says nothing of the image.
            Phase::Failed { .. } if !cancelled => canary.failed += 1,
            // Another takes its place.
            _ => {
                canary.first.remove(&activation);
                self.choose_canaries(group);
            }
        }
    }

    fn pass_canaries(&mut self, group: Group) {
        if let Some(canary) = self.canaries.groups.get_mut(&group) {
            canary.passed = true;
        }
        for activation in self.open_in(group) {
            self.look_again(activation);
        }
    }

    /// A rule has paused a schedule or a batch for so many canaries given up. Where none of its groups counts as many, the record is of
    /// a program that counted those of cancelled batches too: what it found holds, so that whoever resumes answers for it.
    pub(super) fn believe_canaries(&mut self, scope: Scope, found: StopFigures) {
        let of_scope = |group: &Group| group.scope() == scope;
        let counts = |canary: &Canary, failed: u32| {
            failed == found.failed && canary.succeeded.saturating_add(failed) == found.attempts
        };
        let mut groups = self.canaries.groups.iter();
        if groups.any(|(group, canary)| of_scope(group) && counts(canary, canary.failed)) {
            return;
        }
        for (group, canary) in &mut self.canaries.groups {
            if of_scope(group) && !canary.passed && counts(canary, found.failed) {
                canary.failed = found.failed;
            }
        }
    }

    /// An officer resumes a schedule or a batch: groups of it whose canaries were given up go on without.
    pub(super) fn waive_canaries(&mut self, scope: Scope) {
        let groups = self.canaries.groups.iter();
        let failed = groups.filter(|(group, canary)| group.scope() == scope && canary.failed > 0);
        let failed: Vec<Group> = failed.map(|(group, _)| *group).collect();
        for group in failed {
            self.pass_canaries(group);
        }
    }
}
