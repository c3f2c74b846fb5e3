//! What the engine stops by itself: an image with which too many Devices fail, a schedule or a batch whose canary is given up.

use dco_block::ManufacturerImageHash;

use crate::engine::Engine;
use crate::event::Scope;
use crate::record::{Change, PauseChanged, StopFigures};
use crate::state::canaries::{Group, group_of};

impl Engine {
    /// After an attempt with this image has ended, and at each start: whether the stop rule pauses it.
    pub(crate) fn stop_if_failing(&mut self, image: ManufacturerImageHash) {
        let scope = Scope::Image(image);
        let Some(rule) = self.terms.stop else { return };
        if self.dispatch.is_paused(scope) {
            return;
        }
        let found = self.trials.figures(image, rule.attempts);
        let Some(found) = found.filter(|it| rule.is_met(*it)) else {
            return;
        };
        let StopFigures { attempts, failed } = found;
        self.record(Change::Paused(PauseChanged {
            reason: format!(
                "the stop rule: of the last {attempts} Devices {failed} failed at the first attempt"
            ),
            stop: Some(found),
            ..PauseChanged::of(scope)
        }));
    }

    /// After an attempt has ended, and at each start: whether a canary was given up, for which its schedule or its batch is
    /// paused. Of a batch that is cancelled or over nothing is left to be held.
    pub(crate) fn stop_for_canary(&mut self, batch: u32) {
        if self.is_left(batch) {
            self.end_stop_of(batch);
            return;
        }
        let batch = self.batches.get(batch);
        let Some(group) = group_of(batch) else {
            return;
        };
        let scope = group.scope();
        let of = match group {
            Group::Schedule(..) => "under the schedule",
            Group::Batch { .. } => "of the batch",
        };
        let Some(canary) = self.canaries.of(batch) else {
            return;
        };
        if canary.failed == 0 || canary.passed || self.dispatch.is_paused(scope) {
            return;
        }
        let found = StopFigures {
            attempts: canary.succeeded + canary.failed,
            failed: canary.failed,
        };
        let wanted = canary.wanted;
        let told = self.told_of_stop(scope);
        self.record(Change::Paused(PauseChanged {
            reason: format!(
                "the canary: {} of the first {wanted} Devices {of} were given up",
                found.failed
            ),
            stop: Some(found),
            ..told
        }));
    }

    /// A rule stops a batch: of one User, Service Desk and operators are told so many of these in a period.
    fn told_of_stop(&mut self, scope: Scope) -> PauseChanged {
        let Scope::Batch { user, .. } = scope else {
            return PauseChanged::of(scope);
        };
        let told = self.tell_the_desk(user);
        PauseChanged {
            period_start_us: told,
            untold: told.is_none(),
            ..PauseChanged::of(scope)
        }
    }

    /// Whether nothing of a batch with canaries of its own will go any more.
    fn is_left(&self, batch: u32) -> bool {
        let batch = self.batches.get(batch);
        batch.canary > 0 && (batch.cancelled || batch.counts.open() == 0)
    }

    /// What a rule has paused of a batch of which nothing will go any more is resumed by itself. An officer's pause is the
    /// officer's to end.
    pub(crate) fn end_stop_of(&mut self, batch: u32) {
        if !self.is_left(batch) {
            return;
        }
        let batch = self.batches.get(batch);
        let (user, number) = (batch.user, batch.number);
        let scope = Scope::Batch { user, number };
        let pause = self.dispatch.pause(scope);
        let Some((_, pause)) = pause.filter(|(_, pause)| pause.stop.is_some()) else {
            return;
        };
        // Who was told that it stopped is told that this is over.
        let untold = pause.untold;
        let why = if batch.cancelled { "cancelled" } else { "over" };
        self.record(Change::Resumed(PauseChanged {
            reason: format!("the batch is {why}: nothing is left to be held"),
            untold,
            ..PauseChanged::of(scope)
        }));
    }

    /// What followed of the last record may have been lost to the end of the journal.
    pub(crate) fn stop_what_fails(&mut self) {
        let images: Vec<_> = self.trials.by_image.keys().copied().collect();
        for image in images {
            self.stop_if_failing(image);
        }
        let with_canaries = (0..self.batches.next_batch())
            .filter(|batch| self.canaries.of(self.batches.get(*batch)).is_some());
        for batch in with_canaries.collect::<Vec<_>>() {
            self.stop_for_canary(batch);
        }
    }
}
