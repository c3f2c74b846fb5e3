//! What records of pauses and of a restore change.

use dco_block::Eui64;
use dco_schedule::Micros;

use super::Why;
use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::record::{PauseChanged, PauseScope, Restored};
use crate::state::batches::{Batch, Phase};
use crate::state::dispatch::{EPOCH_MAX, Pause};
use crate::state::requests::Made;

impl Engine {
    pub(super) fn apply_paused(&mut self, at_us: Micros, record: &PauseChanged) -> Result<(), Why> {
        must_be_of_all(record)?;
        if self.dispatch.pause.is_some() {
            return Err("releases are paused already");
        }
        let by = Eui64::from_bits(record.by);
        self.dispatch.pause = Some(Pause {
            since_us: at_us,
            by: Some(by),
            ticket: record.ticket.clone(),
            reason: record.reason.clone(),
        });
        self.requests
            .remember(by, record.request.as_ref(), Made::Paused)
    }

    pub(super) fn apply_resumed(&mut self, record: &PauseChanged) -> Result<(), Why> {
        must_be_of_all(record)?;
        self.dispatch
            .pause
            .take()
            .ok_or("releases are not paused")?;
        let by = Eui64::from_bits(record.by);
        self.requests
            .remember(by, record.request.as_ref(), Made::Resumed)
    }

    /// What happened after the backup was made is not known: any Device may have got its image, from an attempt that
    /// the backup knows or from one that it does not.
    pub(super) fn apply_restored(&mut self, at_us: Micros, record: &Restored) -> Result<(), Why> {
        let epoch = u16::try_from(record.epoch).ok();
        let epoch = epoch.filter(|it| (self.dispatch.epoch + 1..=EPOCH_MAX).contains(it));
        self.dispatch.epoch = epoch.ok_or("its epoch does not follow the one before")?;
        self.dispatch.pause = Some(Pause {
            since_us: at_us,
            by: None,
            ticket: String::new(),
            reason: "the data were restored from a backup".to_owned(),
        });
        let open = self.batches.open().flat_map(|(_, batches)| batches);
        let open: Vec<u32> = open.flat_map(Batch::activations).collect();
        for activation in open {
            self.forget_fate(activation, at_us);
        }
        Ok(())
    }

    /// What its User has cancelled is not tried again, as after any other attempt that ends unknown.
    fn forget_fate(&mut self, activation: u32, at_us: Micros) {
        let phase = self.batches.activation(activation).phase;
        if !phase.waits() && phase != Phase::Released {
            return;
        }
        self.batches
            .change(activation, |item| item.fate_unknown = true);
        if phase == Phase::Released {
            self.batches
                .change(activation, |item| item.outcome = Some(Outcome::Unknown));
            let batch = self.batches.batch_of(activation);
            let (user, cancelled) = (batch.user, batch.cancelled);
            let attempt = self.end_timers_of(activation);
            if cancelled {
                self.set_end(activation, Phase::Failed { ended_us: at_us });
            } else {
                self.carry_over(user, attempt.and_then(|attempt| attempt.charged));
                self.enqueue(activation);
            }
            self.batches.note_change(activation);
        }
    }
}

fn must_be_of_all(record: &PauseChanged) -> Result<(), Why> {
    match record.scope() {
        PauseScope::All => Ok(()),
        PauseScope::Unspecified => Err("what it pauses is not known"),
    }
}
