//! Pausing and resuming releases, and what a restore from a backup ends with.

use dco_schedule::Micros;
use prost::Message;

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::{ChangePause, Scope};
use crate::record::{Change, ClockJumped, PauseChanged, Record, Restored};
use crate::refusal::Refusal;
use crate::state::dispatch::{EPOCH_MAX, Pause, scopes_of};
use crate::state::requests::{self, Asked, Made};
use crate::terms::MINUTE_US;
use crate::view::{Hold, PauseView};

/// Why a restore cannot begin this epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "epoch {asked} cannot follow epoch {current}: it must be from {} to {EPOCH_MAX}, and higher than that of \
     every life of the service since the backup was made",
    current + 1
)]
pub struct RestoreError {
    /// What was asked for.
    pub asked: u16,
    /// The backup's own.
    pub current: u16,
}

impl Engine {
    pub(crate) fn pause(&mut self, asked: ChangePause) -> Result<Reply, Refusal> {
        let (digest, scope) = (asked.digest(), asked.scope);
        match self.requests.find(asked.by, asked.id, &digest)? {
            None => {}
            Some(Made::Paused) => return Ok(self.pause_now(scope)),
            Some(_) => return Err(Refusal::RequestIdReused),
        }
        self.must_exist(scope)?;
        if let Some((scope, pause)) = self.dispatch.pause(scope) {
            return Err(Refusal::DispatchPaused {
                scope,
                since_us: pause.since_us,
                ticket: pause.ticket.clone(),
            });
        }
        if !asked.validate_only {
            self.record(Change::Paused(changed(asked, &digest)));
        }
        Ok(self.pause_now(scope))
    }

    pub(crate) fn resume(&mut self, asked: ChangePause) -> Result<Reply, Refusal> {
        let (digest, scope) = (asked.digest(), asked.scope);
        match self.requests.find(asked.by, asked.id, &digest)? {
            None => {}
            Some(Made::Resumed) => return Ok(self.pause_now(scope)),
            Some(_) => return Err(Refusal::RequestIdReused),
        }
        if !self.dispatch.is_paused(scope) {
            return Err(Refusal::DispatchNotPaused { scope });
        }
        if !asked.validate_only {
            self.record(Change::Resumed(changed(asked, &digest)));
            // What failed meanwhile, under a pause for another reason.
            self.stop_what_fails();
        }
        Ok(self.pause_now(scope))
    }

    /// A clock that is wrong begins service days too early, and what is released on them is charged to them.
    pub(crate) fn pause_for_clock(&mut self, ahead_us: Micros) {
        if self.dispatch.is_paused(Scope::All) {
            // Whoever paused them for something else may resume them without a look at the clock.
            self.record(Change::ClockJumped(ClockJumped { ahead_us }));
            return;
        }
        let minutes = ahead_us / MINUTE_US;
        self.record(Change::Paused(PauseChanged {
            reason: format!(
                "the clock jumped ahead by {minutes} minutes; see that it is right, then resume"
            ),
            ..PauseChanged::of(Scope::All)
        }));
    }

    /// Of Users, images and gateways none need be known: what is coming can be kept out.
    fn must_exist(&self, scope: Scope) -> Result<(), Refusal> {
        match scope {
            Scope::Schedule(id) if self.schedules.book.get(id).is_none() => {
                Err(Refusal::NotFound { kind: "schedule" })
            }
            Scope::Batch { user, number } if self.batches.find(user, number).is_none() => {
                Err(Refusal::NotFound { kind: "batch" })
            }
            _ => Ok(()),
        }
    }

    fn pause_now(&self, scope: Scope) -> Reply {
        Reply::Pause(self.dispatch.pause(scope).map(view))
    }

    pub(crate) fn list_pauses(&self) -> Reply {
        let pauses = self.dispatch.pauses.iter();
        Reply::Pauses(pauses.map(|(scope, pause)| view((*scope, pause))).collect())
    }

    /// What pauses hold an activation: of all releases first.
    pub(crate) fn holds_of_pauses(&self, activation: u32) -> Vec<Hold> {
        if self.dispatch.pauses.is_empty() {
            return Vec::new();
        }
        let item = self.batches.activation(activation);
        let batch = self.batches.get(item.batch);
        let known = self.inventory.known(item.device);
        let gateway = known.map(|known| Scope::Gateway(known.gateway));
        let scopes = [Scope::All, Scope::User(batch.user)].into_iter();
        let scopes = scopes.chain(scopes_of(batch)).chain(gateway);
        let held = scopes.filter_map(|scope| self.dispatch.pause(scope));
        held.map(|(scope, pause)| Hold::DispatchPaused {
            scope,
            since_us: pause.since_us,
            ticket: pause.ticket.clone(),
            reason: match (scope, pause.by) {
                (Scope::All, None) => pause.reason.clone(),
                _ => String::new(),
            },
        })
        .collect()
    }

    /// How high the numbers of attempts begin: 0 until data come from a backup.
    pub fn epoch(&self) -> u16 {
        self.dispatch.epoch
    }

    /// The record that whoever restores a backup appends to its journal, after all of that has been replayed. From it
    /// on releases are paused, attempts that were under way are unknown, every later attempt has a number above
    /// `epoch` thousand, and a Device is asked what it runs before it is sent anything.
    ///
    /// # Errors
    /// When the epoch is not higher than the backup's own, or too high for attempts to have numbers.
    pub fn restored_record(&self, epoch: u16, now_us: Micros) -> Result<Vec<u8>, RestoreError> {
        let current = self.dispatch.epoch;
        if epoch <= current || epoch > EPOCH_MAX {
            let asked = epoch;
            return Err(RestoreError { asked, current });
        }
        let record = Record {
            at_us: now_us.max(self.recorded_us),
            change: Some(Change::Restored(Restored {
                epoch: epoch.into(),
            })),
        };
        Ok(record.encode_to_vec())
    }
}

fn view((scope, pause): (Scope, &Pause)) -> PauseView {
    PauseView {
        scope,
        since_us: pause.since_us,
        by: pause.by,
        ticket: pause.ticket.clone(),
        reason: pause.reason.clone(),
        stop: pause.stop,
    }
}

fn changed(asked: ChangePause, digest: &[u8; 32]) -> PauseChanged {
    PauseChanged {
        by: asked.by.bits(),
        request: requests::key(asked.id, digest),
        ticket: asked.ticket,
        reason: asked.reason,
        ..PauseChanged::of(asked.scope)
    }
}
