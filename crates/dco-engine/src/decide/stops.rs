//! What the engine stops by itself: an image with which too many attempts fail.

use dco_block::ManufacturerImageHash;

use crate::engine::Engine;
use crate::event::Scope;
use crate::record::{Change, PauseChanged, StopFigures};

impl Engine {
    /// After an attempt with this image has ended, and at each start: whether the stop rule pauses it.
    pub(crate) fn stop_if_failing(&mut self, image: ManufacturerImageHash) {
        let scope = Scope::Image(image);
        let Some(rule) = self.terms.stop else { return };
        if self.dispatch.is_paused(scope) {
            return;
        }
        let found = self.trials.last(image, rule.attempts);
        let Some(found) = found.filter(|it| rule.is_met(*it)) else {
            return;
        };
        let StopFigures { attempts, failed } = found;
        self.record(Change::Paused(PauseChanged {
            reason: format!(
                "the stop rule: of the last {attempts} attempts that ended at Devices {failed} failed"
            ),
            stop: Some(found),
            ..PauseChanged::of(scope)
        }));
    }

    /// What followed of the last record may have been lost to the end of the journal.
    pub(crate) fn stop_what_fails(&mut self) {
        let images: Vec<_> = self.trials.by_image.keys().copied().collect();
        for image in images {
            self.stop_if_failing(image);
        }
    }
}
