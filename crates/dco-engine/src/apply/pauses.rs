//! What records of pauses and of a restore change.

use dco_block::Eui64;
use dco_schedule::Micros;

use super::Why;
use crate::engine::Engine;
use crate::event::Scope;
use crate::outcome::Outcome;
use crate::record::{PauseChanged, Restored};
use crate::state::batches::{Batch, Phase};
use crate::state::dispatch::{EPOCH_MAX, Pause, scopes_of};
use crate::state::requests::Made;

const NOT_KNOWN: Why = "what it pauses is not known";

impl Engine {
    pub(super) fn apply_paused(&mut self, at_us: Micros, record: &PauseChanged) -> Result<(), Why> {
        let scope = record.of_what().ok_or(NOT_KNOWN)?;
        if self.dispatch.is_paused(scope) {
            return Err("releases are paused already");
        }
        let by = (record.by != 0).then(|| Eui64::from_bits(record.by));
        let pause = Pause {
            since_us: at_us,
            by,
            ticket: record.ticket.clone(),
            reason: record.reason.clone(),
            stop: record.stop,
            untold: record.untold,
        };
        self.dispatch.pauses.insert(scope, pause);
        match (scope, record.stop) {
            (Scope::User(user), _) => self.tallies.pause(user, true),
            (Scope::Schedule(_) | Scope::Batch { .. }, Some(found)) => {
                self.believe_canaries(scope, found);
            }
            _ => {}
        }
        for activation in self.kept_out_by(scope) {
            self.hold_back(activation);
        }
        self.note_pause(at_us, (scope, true), record);
        let by = Eui64::from_bits(record.by);
        self.requests
            .remember(by, record.request.as_ref(), Made::Paused)
    }

    pub(super) fn apply_resumed(
        &mut self,
        at_us: Micros,
        record: &PauseChanged,
    ) -> Result<(), Why> {
        let scope = record.of_what().ok_or(NOT_KNOWN)?;
        let pause = self.dispatch.pauses.remove(&scope);
        let pause = pause.ok_or("releases are not paused")?;
        match scope {
            Scope::User(user) => {
                self.tallies.pause(user, false);
                self.large.wake_user(user);
                self.security.queue.wake_user(user);
                self.ahead.queue.wake_user(user);
                self.small.wake_user(user);
            }
            Scope::Gateway(gateway) => self.wake_gateway(gateway),
            // Whoever resumes answers for what a rule has found, and for nothing else.
            Scope::Image(hash) if pause.stop.is_some() => self.trials.forget(hash),
            Scope::Schedule(_) | Scope::Batch { .. } if pause.stop.is_some() => {
                self.waive_canaries(scope);
            }
            Scope::Image(_) | Scope::Schedule(_) | Scope::Batch { .. } | Scope::All => {}
        }
        for activation in self.kept_out_by(scope) {
            self.look_again(activation);
        }
        self.note_pause(at_us, (scope, false), record);
        let by = Eui64::from_bits(record.by);
        self.requests
            .remember(by, record.request.as_ref(), Made::Resumed)
    }

    /// What a pause keeps out of the lines. One of a User or of a gateway stops them where they end.
    fn kept_out_by(&self, scope: Scope) -> Vec<u32> {
        let open = match scope {
            Scope::All | Scope::User(_) | Scope::Gateway(_) => return Vec::new(),
            Scope::Image(_) | Scope::Schedule(_) | Scope::Batch { .. } => self.batches.open(),
        };
        let batches = open.flat_map(|(_, batches)| batches);
        let paused = batches.filter(|batch| scopes_of(batch).any(|it| it == scope));
        paused.flat_map(Batch::activations).collect()
    }

    /// What happened after the backup was made is not known: any Device may have got its image, from an attempt that
    /// the backup knows or from one that it does not.
    pub(super) fn apply_restored(&mut self, at_us: Micros, record: &Restored) -> Result<(), Why> {
        let epoch = u16::try_from(record.epoch).ok();
        let epoch = epoch.filter(|it| (self.dispatch.epoch + 1..=EPOCH_MAX).contains(it));
        self.dispatch.epoch = epoch.ok_or("its epoch does not follow the one before")?;
        let pause = Pause {
            since_us: at_us,
            by: None,
            ticket: String::new(),
            reason: "the data were restored from a backup".to_owned(),
            stop: None,
            untold: false,
        };
        self.dispatch.pauses.insert(Scope::All, pause);
        let open = self.batches.open().flat_map(|(_, batches)| batches);
        let open: Vec<u32> = open.flat_map(Batch::activations).collect();
        for activation in open {
            self.forget_fate(activation, at_us);
        }
        Ok(())
    }

    /// What its User has cancelled is not tried again, as after any other attempt that ends unknown.
    fn forget_fate(&mut self, activation: u32, at_us: Micros) {
        let item = self.batches.activation(activation);
        let (phase, is_last) = (item.phase, item.attempt == u16::MAX);
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
            // No number is left for another attempt after the last one.
            if cancelled || is_last {
                self.set_end(activation, Phase::Failed { ended_us: at_us });
            } else {
                self.carry_over(user, attempt.and_then(|attempt| attempt.charged));
                self.enqueue_one(activation);
            }
            self.batches.note_change(activation);
        }
    }
}
