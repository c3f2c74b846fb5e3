//! What covers a batch on its day, and what follows of it: how much, in which hours, what goes first.

use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_schedule::{
    BatchAsked, BatchRefusal, HourWindow, ScheduleId, ServiceDate, ServiceDay, Source,
};

use crate::engine::Engine;
use crate::event::SubmitBatch;
use crate::refusal::Refusal;
use crate::state::canaries::Group;

/// What covers a batch on its day.
#[derive(Default)]
pub(super) struct Cover {
    /// What may be sent under it.
    pub(super) limit: u32,
    /// The hours in which it is released.
    pub(super) window: Option<HourWindow>,
    /// How many Devices must succeed before the rest is released.
    pub(super) canary: u32,
    /// Whether it may be released before its day.
    pub(super) run_ahead: bool,
    /// Whether it may go through the security lane.
    pub(super) security: bool,
}

impl Engine {
    /// Exactly one source covers the whole batch: an agreed schedule of that day, or else the allowance.
    pub(super) fn source_of(
        &self,
        asked: &SubmitBatch,
        day: &ServiceDay,
        large: bool,
    ) -> Result<Option<Source>, Refusal> {
        let batch = BatchAsked {
            user: asked.user,
            image: *asked.manufacturer_image_hash.as_bytes(),
            large,
            date: day.date,
            count: u32::try_from(asked.devices.len()).unwrap_or(u32::MAX),
        };
        let covered = self.schedules.book.admit(&batch, &self.at());
        covered.map_err(|refused| match refused {
            BatchRefusal::ExceedsAgreed(exceeds) => Refusal::ExceedsAgreed(exceeds),
            BatchRefusal::OverAllowance(over) => Refusal::AllowanceUsed {
                limit: over.limit,
                used: over.used,
                requested: over.requested,
                service_date: day.date,
                resets_us: day.end_us,
                resets_in_us: day.end_us.saturating_sub(self.now_us),
            },
        })
    }

    /// What may be sent for a day under what covers a batch, and the hours in which it is released.
    pub(super) fn cover(&self, user: Eui64, date: ServiceDate, source: Option<Source>) -> Cover {
        match source {
            None => Cover::default(),
            Some(Source::Allowance) => Cover {
                limit: self.days.ledger.terms().allowance_per_day,
                ..Cover::default()
            },
            Some(Source::Schedule(number)) => {
                let schedule = self.schedules.book.get(ScheduleId { user, number });
                let agreement = schedule.and_then(|it| it.state().agreement());
                agreement.map_or_else(Cover::default, |agreement| {
                    let deal = &agreement.deal;
                    Cover {
                        limit: deal.quota.on(date),
                        window: deal.terms.window,
                        canary: deal.terms.canary.map_or(0, NonZeroU32::get),
                        run_ahead: deal.terms.run_ahead,
                        security: deal.terms.security,
                    }
                })
            }
        }
    }

    /// A batch has no more canaries than Devices, and none besides those of the schedule that covers it: what its first Devices have
    /// shown holds for all that is sent under that.
    pub(super) fn refuse_canary(
        &self,
        asked: &SubmitBatch,
        source: Option<Source>,
    ) -> Result<(), Refusal> {
        let Some(canary) = asked.canary.map(NonZeroU32::get) else {
            return Ok(());
        };
        let devices = u32::try_from(asked.devices.len()).unwrap_or(u32::MAX);
        if canary > devices {
            return Err(Refusal::CanaryTooLarge { canary, devices });
        }
        let Some(number) = source.and_then(Source::schedule) else {
            return Ok(());
        };
        let user = asked.user;
        let id = ScheduleId { user, number };
        let schedule = self.schedules.book.get(id);
        let agreement = schedule.and_then(|it| it.state().agreement());
        let agreed = agreement.and_then(|it| it.deal.terms.canary);
        let begun = Group::Schedule(id, asked.manufacturer_image_hash);
        let begun = self.canaries.groups.get(&begun);
        if agreed.is_some() || begun.is_some_and(|begun| !begun.passed) {
            return Err(Refusal::CanaryOfSchedule { schedule: number });
        }
        Ok(())
    }
}
