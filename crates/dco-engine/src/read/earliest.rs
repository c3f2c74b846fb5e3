//! Before what moment can something not leave?

use dco_dispatch::{Bucket, Pace};
use dco_schedule::{HourWindow, Micros, ServiceDay};

use crate::engine::Engine;
use crate::state::batches::{Batch, Phase};
use crate::view::Hold;

/// Days looked ahead for one that lets something go.
const DAYS_MAX: usize = 400;

impl Engine {
    /// Before this moment a waiting activation that is held so cannot leave; `None` when an event must come first.
    pub(super) fn earliest(
        &self,
        activation: u32,
        batch: &Batch,
        holds: &[Hold],
    ) -> Option<Micros> {
        let from_us = self.until_all(holds)?.max(self.rated_us(activation, batch));
        if !batch.large {
            return Some(from_us);
        }
        let on_its_day_us = self.leaves_from(batch.window, from_us);
        if !self.may_run_ahead(activation) {
            return on_its_day_us;
        }
        // Capacity that nobody else wants could be lent to it as soon as its gateway takes it; its day it waits for at the latest.
        let gateway = self.hold_of_gateway(activation, batch.large);
        let ahead_us = self.leaves_from(batch.window, self.until_all(gateway.as_slice())?);
        ahead_us.into_iter().chain(on_its_day_us).min()
    }

    /// Whether it is parked, and in line for what others leave.
    fn may_run_ahead(&self, activation: u32) -> bool {
        let is_parked = self.batches.activation(activation).phase == Phase::Parked;
        is_parked && self.ahead.slots.contains_key(&activation)
    }

    /// When the rate of its gateway lets it go after those that are before it in its line there.
    fn rated_us(&self, activation: u32, batch: &Batch) -> Micros {
        let item = self.batches.activation(activation);
        let known = self.inventory.known(item.device);
        let (Phase::Queued(Some(slot)), Some(rate), Some(known)) =
            (item.phase, self.terms.gateway_rate, known)
        else {
            return self.now_us;
        };
        let ahead = match self.slot_in_lane(activation, batch) {
            Some(slot) => self.security.queue.ahead_in_lane(slot),
            None if batch.large => self.large.ahead_in_lane(slot),
            None => self.small.ahead_in_lane(slot),
        };
        self.gateways
            .ready_after(known.gateway, (rate, ahead), self.now_us)
    }

    /// The latest of the moments at which holds end that are known to; `None` when an event must end one.
    fn until_all(&self, holds: &[Hold]) -> Option<Micros> {
        let mut latest_us = self.now_us;
        for hold in holds {
            latest_us = latest_us.max(ends_at(hold, self.now_us)?);
        }
        Some(latest_us)
    }

    /// The first moment from then on at which a service day has capacity and pace for a large image, in the hours of its window; `None`
    /// when none of the days looked at has.
    pub(super) fn leaves_from(
        &self,
        window: Option<HourWindow>,
        from_us: Micros,
    ) -> Option<Micros> {
        let mut day = self.days.day_at(from_us);
        for _ in 0..DAYS_MAX {
            if let Some(at_us) = self.leaves_on(&day, window, from_us) {
                return Some(at_us);
            }
            day = self.days.calendar.day(day.date.next());
        }
        None
    }

    fn leaves_on(
        &self,
        day: &ServiceDay,
        window: Option<HourWindow>,
        from_us: Micros,
    ) -> Option<Micros> {
        let hours = window.map(|window| self.days.window_on(window, day));
        let (opens_us, closes_us) = hours.unwrap_or((day.start_us, day.end_us));
        let from_us = from_us.max(opens_us);
        let today = self.days.today.as_ref();
        let leaves_us = match today.filter(|today| today.day.date == day.date) {
            Some(today) => today.bucket.ready_at(from_us, self.days.remaining()),
            None => self.unused(day)?.ready_at(from_us, 1),
        };
        (leaves_us < closes_us).then_some(leaves_us)
    }

    /// The bucket of a day to come, which lets its first unit go as soon as the day has weight; `None` for a day without capacity.
    fn unused(&self, day: &ServiceDay) -> Option<Bucket> {
        let plan = self.schedules.book.plan();
        if plan.capacity(day.date) == 0 {
            return None;
        }
        let hours = self.days.calendar.hours(day);
        let pace = Pace::new(plan.profile(day.date).over(&hours), day.end_us).ok()?;
        Some(Bucket::new(pace, self.days.burst))
    }
}

/// When a hold ends; now where it keeps nothing from leaving, `None` when an event must end it.
const fn ends_at(hold: &Hold, now_us: Micros) -> Option<Micros> {
    match hold {
        Hold::ServiceDayNotStarted { until_us }
        | Hold::SystemDailyCapacityUsed { until_us }
        | Hold::OutsideWindow { until_us }
        | Hold::Paced { until_us }
        | Hold::RetryBackoff { until_us }
        | Hold::GatewayRateReached { until_us, .. }
        | Hold::ExecutionTimeNotReached { until_us }
        | Hold::AttemptUnderWay { until_us } => Some(*until_us),
        Hold::GatewayFailing { until_us, .. } => *until_us,
        Hold::BehindOthers { .. } | Hold::SecurityLaneUsed { .. } => Some(now_us),
        Hold::GatewayNotConnected { .. }
        | Hold::GatewayBusy { .. }
        | Hold::DispatchPaused { .. }
        | Hold::ImageQuarantined { .. }
        | Hold::Canary(_)
        | Hold::NotAllowed(_) => None,
    }
}
