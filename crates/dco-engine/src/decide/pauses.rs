//! Pausing and resuming releases, and what a restore from a backup ends with.

use dco_schedule::Micros;
use prost::Message;

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::ChangePause;
use crate::record::{Change, PauseChanged, PauseScope, Record, Restored};
use crate::refusal::Refusal;
use crate::state::dispatch::EPOCH_MAX;
use crate::state::requests::{self, Asked, Made};
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
        let digest = asked.digest();
        match self.requests.find(asked.by, asked.id, &digest)? {
            None => {}
            Some(Made::Paused) => return Ok(self.pause_now()),
            Some(_) => return Err(Refusal::RequestIdReused),
        }
        if let Some(pause) = &self.dispatch.pause {
            return Err(Refusal::DispatchPaused {
                since_us: pause.since_us,
                ticket: pause.ticket.clone(),
            });
        }
        if !asked.validate_only {
            self.record(Change::Paused(changed(asked, &digest)));
        }
        Ok(self.pause_now())
    }

    pub(crate) fn resume(&mut self, asked: ChangePause) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        match self.requests.find(asked.by, asked.id, &digest)? {
            None => {}
            Some(Made::Resumed) => return Ok(self.pause_now()),
            Some(_) => return Err(Refusal::RequestIdReused),
        }
        if self.dispatch.pause.is_none() {
            return Err(Refusal::DispatchNotPaused);
        }
        if !asked.validate_only {
            self.record(Change::Resumed(changed(asked, &digest)));
        }
        Ok(self.pause_now())
    }

    fn pause_now(&self) -> Reply {
        Reply::Pause(self.dispatch.pause.as_ref().map(|pause| PauseView {
            since_us: pause.since_us,
            by: pause.by,
            ticket: pause.ticket.clone(),
            reason: pause.reason.clone(),
        }))
    }

    pub(crate) fn hold_of_pause(&self) -> Option<Hold> {
        let pause = self.dispatch.pause.as_ref()?;
        Some(Hold::DispatchPaused {
            since_us: pause.since_us,
            ticket: pause.ticket.clone(),
        })
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

fn changed(asked: ChangePause, digest: &[u8; 32]) -> PauseChanged {
    PauseChanged {
        by: asked.by.bits(),
        request: requests::key(asked.id, digest),
        scope: PauseScope::All.into(),
        ticket: asked.ticket,
        reason: asked.reason,
    }
}
