//! Whether anything may be released at all, and how attempts are numbered.

use std::collections::BTreeMap;

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::{Micros, ScheduleId, Source};

use super::batches::Batch;
use crate::event::Scope;
use crate::record::StopFigures;

/// Attempts of one epoch have numbers between its thousand and the next.
pub(crate) const EPOCH_ATTEMPTS: u16 = 1_000;
/// The last epoch whose attempts have numbers.
pub(crate) const EPOCH_MAX: u16 = u16::MAX / EPOCH_ATTEMPTS - 1;

/// Nothing of its scope is released until somebody resumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) since_us: Micros,
    /// Who paused; `None` when the data come from a backup, or a rule did.
    pub(crate) by: Option<Eui64>,
    pub(crate) ticket: String,
    pub(crate) reason: String,
    /// What the rule found that paused.
    pub(crate) stop: Option<StopFigures>,
    /// Only its User was told.
    pub(crate) untold: bool,
}

/// What is true of all releases.
#[derive(Debug, Default)]
pub(crate) struct Dispatch {
    pub(crate) pauses: BTreeMap<Scope, Pause>,
    /// How often the data have come from a backup, or more: each time attempts get higher numbers.
    pub(crate) epoch: u16,
}

impl Dispatch {
    pub(crate) fn is_paused(&self, scope: Scope) -> bool {
        // Nearly always there are none, and every release asks.
        !self.pauses.is_empty() && self.pauses.contains_key(&scope)
    }

    /// Whether nothing of this User, or nothing at this gateway, is to leave: a pause of either, or of all releases.
    pub(crate) fn stops(&self, user: Eui64, gateway: Eui64) -> bool {
        let scopes = [Scope::All, Scope::User(user), Scope::Gateway(gateway)];
        scopes.into_iter().any(|scope| self.is_paused(scope))
    }

    /// Whether work of this batch is kept out of the lines: a pause of its image or of its schedule.
    pub(crate) fn holds(&self, batch: &Batch) -> bool {
        !self.pauses.is_empty() && scopes_of(batch).any(|scope| self.pauses.contains_key(&scope))
    }

    /// Whether nothing of this batch is to leave, through whatever gateway, until somebody resumes.
    pub(crate) fn stops_all_of(&self, batch: &Batch) -> bool {
        let shared = [Scope::All, Scope::User(batch.user)];
        shared.into_iter().any(|scope| self.is_paused(scope)) || self.holds(batch)
    }

    /// The same of a batch that is not there yet.
    pub(crate) fn stops_new(
        &self,
        user: Eui64,
        image: ManufacturerImageHash,
        schedule: Option<u32>,
    ) -> bool {
        let schedule = schedule.map(|number| Scope::Schedule(ScheduleId { user, number }));
        let scopes = [Scope::All, Scope::User(user), Scope::Image(image)];
        let mut scopes = scopes.into_iter().chain(schedule);
        scopes.any(|scope| self.is_paused(scope))
    }

    pub(crate) fn pause(&self, scope: Scope) -> Option<(Scope, &Pause)> {
        self.pauses.get(&scope).map(|pause| (scope, pause))
    }

    /// Whether the data have not come from a backup since an attempt of this number was released.
    pub(crate) fn is_of_this_life(&self, attempt: u16) -> bool {
        attempt > self.epoch * EPOCH_ATTEMPTS
    }

    /// The number of the attempt that follows another one, 0 when there was none.
    pub(crate) fn next_attempt(&self, attempt: u16) -> u16 {
        let first = self.epoch * EPOCH_ATTEMPTS + 1;
        attempt.saturating_add(1).max(first)
    }
}

/// What can be paused of a batch besides its User and the gateways of its Devices.
pub(crate) fn scopes_of(batch: &Batch) -> impl Iterator<Item = Scope> {
    let (user, number) = (batch.user, batch.number);
    let schedule = batch.source.and_then(Source::schedule);
    let schedule = schedule.map(|number| Scope::Schedule(ScheduleId { user, number }));
    let own = [
        Scope::Image(batch.manufacturer_image_hash),
        Scope::Batch { user, number },
    ];
    own.into_iter().chain(schedule)
}
