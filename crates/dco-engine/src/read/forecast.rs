//! When will it be released? A fluid model of the release rules, in counts and not per Device.
//!
//! On each service day the Users with work share what may be released by weight, and what one cannot use goes to
//! the others (weighted max-min). Inside a User the earliest due goes first. The model leaves out what nobody can
//! foresee: failures, gateways that go away, and batches not sent yet.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_schedule::{HourWindow, Micros, ServiceDate, ServiceDay, Share};

use crate::engine::Engine;
use crate::state::batches::Batch;
use crate::view::Prediction;

/// Days looked ahead before the model gives up and names the last one.
const DAYS_MAX: usize = 400;

/// A batch about to be accepted, as far as a prediction needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewBatch {
    pub(crate) user: Eui64,
    pub(crate) count: u64,
    pub(crate) large: bool,
    pub(crate) day: ServiceDay,
    /// Nothing of it is released on its day before this.
    pub(crate) opens_us: Micros,
    /// The hours of its schedule.
    pub(crate) window: Option<HourWindow>,
    pub(crate) due_us: Micros,
    pub(crate) execute_us: Option<Micros>,
}

/// What waits: now, and on service days to come.
#[derive(Debug, Default)]
struct Demand {
    now: BTreeMap<Eui64, u64>,
    later: BTreeMap<ServiceDate, BTreeMap<Eui64, u64>>,
}

impl Engine {
    /// For a batch that is about to be accepted.
    pub(crate) fn predict_new(&self, new: &NewBatch) -> Prediction {
        let NewBatch {
            user, count, day, ..
        } = *new;
        if !new.large {
            let release_us = self.now_us.max(day.start_us);
            return self.with_completion(release_us).not_before(new.execute_us);
        }
        let mut demand = self.demand();
        demand.add(
            user,
            count,
            (day.start_us > self.now_us).then_some(day.date),
        );
        let before = self.open_before(user, new.due_us, u32::MAX);
        let release_us = self.flow(demand, user, before + count);
        self.with_completion(self.in_window(new.window, release_us.max(new.opens_us)))
            .not_before(new.execute_us)
    }

    /// For the last activation of a batch; `None` once nothing of it waits or is under way.
    pub(crate) fn predict(&self, batch: &Batch) -> Option<Prediction> {
        if batch.counts.open() == 0 {
            return None;
        }
        if waiting(batch) == 0 {
            let prediction = Prediction {
                release_us: self.last_release(batch),
                ..self.with_completion(self.now_us)
            };
            return Some(prediction.not_before(batch.execute_us));
        }
        let up_to_here = self.open_before(batch.user, batch.due_us, batch.first) + waiting(batch);
        let prediction = self.with_completion(self.predict_release(batch, up_to_here));
        Some(prediction.not_before(batch.execute_us))
    }

    /// For the activation of a batch that is the `place`th of its User.
    pub(crate) fn predict_release(&self, batch: &Batch, place: u64) -> Micros {
        if batch.large {
            let release_us = self.flow(self.demand(), batch.user, place);
            self.in_window(batch.window, release_us.max(batch.trt_start_us))
        } else {
            self.now_us.max(batch.day_start_us)
        }
    }

    /// The model knows no hours: what would leave outside those of its schedule leaves when they next begin.
    fn in_window(&self, window: Option<HourWindow>, at_us: Micros) -> Micros {
        let opens_us = window.and_then(|window| self.days.opens_at(window, at_us));
        opens_us.unwrap_or(at_us)
    }

    /// Activations of the same User that go before this one, those parked for earlier included.
    pub(crate) fn ahead_with_parked(&self, batch: &Batch, activation: u32) -> u64 {
        let before = self.open_before(batch.user, batch.due_us, batch.first);
        before + u64::from(activation - batch.first).min(waiting(batch).saturating_sub(1))
    }

    fn last_release(&self, batch: &Batch) -> Micros {
        let released = batch
            .activations()
            .filter_map(|it| self.batches.activation(it).released_us);
        released.max().unwrap_or(self.now_us)
    }

    fn with_completion(&self, release_us: Micros) -> Prediction {
        let (count, sum_us) = self.delivered;
        let takes_us = match Micros::try_from(count) {
            Ok(count) if count > 0 => sum_us / count,
            _ => self.terms.attempt.expected_us,
        };
        Prediction {
            release_us,
            completion_us: release_us.saturating_add(takes_us),
        }
    }

    /// What waits in a User's large batches that are due before this one, or as early and accepted before.
    fn open_before(&self, user: Eui64, due_us: Micros, first: u32) -> u64 {
        let mine = self.batches.open_of(user);
        mine.take_while(|it| it.due_us <= due_us)
            .filter(|it| it.large && (it.due_us, it.first) < (due_us, first))
            .map(waiting)
            .sum()
    }

    fn demand(&self) -> Demand {
        let mut demand = Demand::default();
        for (user, batches) in self.batches.open() {
            for batch in batches.filter(|batch| batch.large) {
                let parked = u64::from(batch.counts.parked);
                demand.add(user, parked, Some(batch.service_date));
                demand.add(user, waiting(batch) - parked, None);
            }
        }
        demand
    }

    /// When the `place`th unit of a User leaves.
    fn flow(&self, mut demand: Demand, user: Eui64, mut place: u64) -> Micros {
        let mut day = self.days.day_at(self.now_us);
        let mut start_us = self.now_us;
        let mut capacity = u64::from(self.days.remaining());
        for _ in 0..DAYS_MAX {
            demand.begin(day.date);
            let share = Share::of(&demand.now, &self.weights(&demand, day));
            let served = share.served(capacity);
            let mine = served.get(&user).copied().unwrap_or(0);
            if place <= mine {
                let released = share.released_when(user, place).min(capacity);
                return between(start_us, day.end_us, released, capacity);
            }
            place -= mine;
            demand.take(&served);
            day = self.days.calendar.day(day.date.next());
            start_us = day.start_us;
            capacity = u64::from(self.schedules.book.plan().capacity(day.date));
        }
        day.end_us
    }

    /// Today's shares are known; on days to come a User's share is what it then has.
    fn weights(&self, demand: &Demand, day: ServiceDay) -> BTreeMap<Eui64, u64> {
        let today = self
            .days
            .today
            .as_ref()
            .filter(|today| today.day.date == day.date);
        let known = |user: &Eui64| {
            today
                .and_then(|today| today.weights.get(user))
                .map(|weight| u64::from(*weight))
        };
        demand
            .now
            .iter()
            .map(|(user, count)| (*user, known(user).unwrap_or(*count).max(1)))
            .collect()
    }
}

impl Prediction {
    /// Devices wait for the execution time, if there is one.
    fn not_before(self, execute_us: Option<Micros>) -> Self {
        let completion_us = self.completion_us;
        Self {
            completion_us: completion_us.max(execute_us.unwrap_or(completion_us)),
            ..self
        }
    }
}

impl Demand {
    fn add(&mut self, user: Eui64, count: u64, date: Option<ServiceDate>) {
        let users = match date {
            None => &mut self.now,
            Some(date) => self.later.entry(date).or_default(),
        };
        if count > 0 {
            *users.entry(user).or_default() += count;
        }
    }

    /// What was served waits no more.
    fn take(&mut self, served: &BTreeMap<Eui64, u64>) {
        self.now.retain(|user, left| {
            *left -= served.get(user).copied().unwrap_or(0).min(*left);
            *left > 0
        });
    }

    /// What was parked for this day, or for one before it, waits from now on.
    fn begin(&mut self, date: ServiceDate) {
        while let Some(entry) = self
            .later
            .first_entry()
            .filter(|entry| *entry.key() <= date)
        {
            for (user, count) in entry.remove() {
                *self.now.entry(user).or_default() += count;
            }
        }
    }
}

/// Parked, queued or waiting for a retry.
fn waiting(batch: &Batch) -> u64 {
    u64::from(batch.counts.parked + batch.counts.queued + batch.counts.retry_wait)
}

/// The moment at which `released` of `capacity` have left, spread evenly over the span.
fn between(start_us: Micros, end_us: Micros, released: u64, capacity: u64) -> Micros {
    let span = (i128::from(end_us) - i128::from(start_us)).max(0);
    let part = span * i128::from(released) / i128::from(capacity.max(1));
    start_us.saturating_add(Micros::try_from(part).unwrap_or(0))
}

#[cfg(test)]
mod tests;
