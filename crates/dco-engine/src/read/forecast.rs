//! When will it be released? In counts and not per Device, by the model that tries things out for the Service Desk too
//! ([`dco_schedule::Outlook`]): it follows the release, with its hour profile, windows, shares and the bucket in use. Neither knows what nobody
//! can foresee: failures, gateways that go away, canaries and when they will have succeeded, and batches not sent yet.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_schedule::{
    HourWindow, Micros, Pacing, ScheduleId, ServiceDate, ServiceDay, Source, Unreleased, Waiting,
};

use crate::engine::Engine;
use crate::state::batches::{Batch, Batches};
use crate::view::Prediction;

/// Days looked ahead before the model gives up.
const DAYS_MAX: usize = 400;

/// A batch about to be accepted, as far as a prediction needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewBatch {
    pub(crate) user: Eui64,
    pub(crate) count: u32,
    pub(crate) large: bool,
    pub(crate) day: ServiceDay,
    /// The hours of its schedule.
    pub(crate) window: Option<HourWindow>,
    /// Whether it may be released before its day.
    pub(crate) run_ahead: bool,
    pub(crate) due_us: Micros,
    pub(crate) execute_us: Option<Micros>,
    /// Something that it belongs to is paused.
    pub(crate) is_stopped: bool,
}

/// What a prediction is about: the first activation of a batch, and so many of those that wait, one or more.
type Part = (u32, u32);

/// What waits, each User's in the order in which it goes, and where in it the parts stand that are asked for.
#[derive(Debug, Default)]
struct Work {
    waiting: Vec<Waiting<Eui64>>,
    parts: BTreeMap<Part, usize>,
    /// What is asked for ends with the newest line.
    is_cut: bool,
}

impl Engine {
    /// For a batch that is about to be accepted; `None` where it could not leave before somebody resumes, or gives capacity.
    pub(crate) fn predict_new(&self, new: &NewBatch) -> Option<Prediction> {
        if new.is_stopped {
            return None;
        }
        let release_us = if new.large {
            self.release_of_new(new)?
        } else {
            self.now_us.max(new.day.start_us)
        };
        let predicted = self.with_completion(release_us);
        Some(predicted.not_before(new.execute_us))
    }

    /// For the last activation of a batch; `None` once nothing of it waits or is under way, and while what waits of it cannot leave before
    /// somebody resumes or sends its image again.
    pub(crate) fn predict(&self, batch: &Batch) -> Option<Prediction> {
        self.predict_all(&[batch]).pop().flatten()
    }

    /// The same for several batches, in their order: the days are gone through once for all of them.
    pub(crate) fn predict_all(&self, batches: &[&Batch]) -> Vec<Option<Prediction>> {
        let large = batches
            .iter()
            .filter(|it| it.large && waiting(it) > 0 && !self.is_stopped(it));
        let parts = large.map(|batch| (batch.first, waiting(batch))).collect();
        let releases = self.releases(&parts);
        let predictions = batches.iter().map(|batch| {
            let prediction = match waiting(batch) {
                _ if batch.counts.open() == 0 => return None,
                1.. if self.is_stopped(batch) => return None,
                0 => {
                    let left = self.with_completion(self.last_release(batch));
                    Prediction {
                        completion_us: left.completion_us.max(self.now_us),
                        ..left
                    }
                }
                count => {
                    let release_us = if batch.large {
                        *releases.get(&(batch.first, count))?
                    } else {
                        self.now_us.max(batch.day_start_us)
                    };
                    let retry_us = self.batches.last_retry_us(batch);
                    let retry_us = retry_us.filter(|it| *it > release_us);
                    let retry_us = retry_us.map(|it| self.leaves_again(batch, it));
                    self.with_completion(retry_us.unwrap_or(release_us))
                }
            };
            Some(prediction.not_before(batch.execute_us))
        });
        predictions.collect()
    }

    /// When what is tried again at a moment leaves: in its hours, and where the day still has some.
    fn leaves_again(&self, batch: &Batch, retry_us: Micros) -> Micros {
        let leaves_us = self.leaves_from(batch.window, retry_us);
        leaves_us.filter(|_| batch.large).unwrap_or(retry_us)
    }

    fn is_stopped(&self, batch: &Batch) -> bool {
        self.dispatch.stops_all_of(batch) || self.transfers.damage(batch.image_id).is_some()
    }

    /// For one activation that waits: those of its batch that wait and were sent before it leave before it.
    pub(crate) fn predict_release(&self, batch: &Batch, activation: u32) -> Option<Micros> {
        if !batch.large {
            return Some(self.now_us.max(batch.day_start_us));
        }
        let earlier = batch.activations().take_while(|it| *it <= activation);
        let up_to = earlier.filter(|it| self.batches.activation(*it).phase.waits());
        let part = (
            batch.first,
            u32::try_from(up_to.count()).unwrap_or(u32::MAX),
        );
        let releases = self.releases(&BTreeSet::from([part]));
        releases.get(&part).copied()
    }

    /// When the last of each part leaves, of those that do.
    fn releases(&self, parts: &BTreeSet<Part>) -> BTreeMap<Part, Micros> {
        if parts.is_empty() {
            return BTreeMap::new();
        }
        let mut work = Work::default();
        for batch in self.batches.open().flat_map(|(_, batches)| batches) {
            work.add(batch, parts);
        }
        let places: Vec<usize> = work.parts.values().copied().collect();
        let releases = self.released_us(work.waiting, &places);
        let parts = work.parts.into_keys().zip(releases);
        parts
            .filter_map(|(part, release_us)| Some((part, release_us?)))
            .collect()
    }

    /// When the last of a batch leaves that is not accepted yet: it goes behind all of its User's that are due as early.
    fn release_of_new(&self, new: &NewBatch) -> Option<Micros> {
        let none = BTreeSet::new();
        let mut work = Work::default();
        let mut place = None;
        for (user, batches) in self.batches.open() {
            for batch in batches {
                if user == new.user && batch.due_us > new.due_us && place.is_none() {
                    place = Some(work.add_new(new));
                }
                work.add(batch, &none);
            }
            if user == new.user && place.is_none() {
                place = Some(work.add_new(new));
            }
        }
        let place = place.unwrap_or_else(|| work.add_new(new));
        self.released_us(work.waiting, &[place])[0]
    }

    /// When the last of the work at each of these places leaves. The days pass until all of it has left, or the model gives up.
    fn released_us(&self, waiting: Vec<Waiting<Eui64>>, places: &[usize]) -> Vec<Option<Micros>> {
        let pacing = self.pacing();
        let mut outlook = self.schedules.book.outlook(waiting, &pacing, self.at());
        for _ in 0..DAYS_MAX {
            if places
                .iter()
                .all(|place| outlook.released_us(*place).is_some())
            {
                break;
            }
            outlook.next_day();
        }
        let released_us = |place: &usize| outlook.released_us(*place);
        places.iter().map(released_us).collect()
    }

    /// How releases are paced today, and how Users share them.
    pub(super) fn pacing(&self) -> Pacing<Eui64> {
        let day = self.days.day_at(self.now_us);
        let today = self.days.today.as_ref();
        let today = today.filter(|today| today.day.date == day.date);
        let weights = today.into_iter().flat_map(|today| &today.weights);
        let weights = weights.map(|(user, weight)| (*user, u64::from(*weight)));
        Pacing {
            today: today.map(|today| today.bucket.clone()),
            burst: self.days.burst,
            weights: weights.collect(),
        }
    }

    /// What is sent and not released, or waits to be tried again: each User's in the order in which it goes.
    pub(super) fn waiting(&self) -> Vec<Waiting<Eui64>> {
        let mut work = Work::default();
        for batch in self.batches.open().flat_map(|(_, batches)| batches) {
            work.add(batch, &BTreeSet::new());
        }
        work.waiting
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
}

impl Unreleased<Eui64> for Batches {
    fn unreleased(&self, id: ScheduleId<Eui64>, date: ServiceDate) -> u32 {
        let under = |batch: &&Batch| {
            let schedule = batch.source.and_then(Source::schedule);
            batch.service_date == date && schedule == Some(id.number)
        };
        let batches = self.open_of(id.user).filter(under);
        batches.map(waiting).fold(0, u32::saturating_add)
    }
}

impl Prediction {
    /// As records keep it: two zeros stand for none.
    pub(crate) fn kept(predicted: Option<Self>) -> (Micros, Micros) {
        predicted.map_or((0, 0), |it| (it.release_us, it.completion_us))
    }

    /// What was kept so.
    pub(crate) fn of_kept((release_us, completion_us): (Micros, Micros)) -> Option<Self> {
        let predicted = Self {
            release_us,
            completion_us,
        };
        Some(predicted).filter(|_| (release_us, completion_us) != (0, 0))
    }

    /// Devices wait for the execution time, if there is one.
    fn not_before(self, execute_us: Option<Micros>) -> Self {
        let completion_us = self.completion_us;
        Self {
            completion_us: completion_us.max(execute_us.unwrap_or(completion_us)),
            ..self
        }
    }
}

impl Work {
    /// What waits of a batch of large images, with a cut after each part that is asked for.
    fn add(&mut self, batch: &Batch, parts: &BTreeSet<Part>) {
        if !batch.large {
            return;
        }
        let mut done = 0;
        for part in parts.range((batch.first, 0)..=(batch.first, waiting(batch))) {
            self.join(of_batch(batch, part.1 - done));
            self.parts.insert(*part, self.waiting.len() - 1);
            self.is_cut = true;
            done = part.1;
        }
        self.join(of_batch(batch, waiting(batch) - done));
    }

    /// What leaves alike, one after the other, is one line up to where a part ends that is asked for.
    fn join(&mut self, more: Waiting<Eui64>) {
        if more.units == 0 {
            return;
        }
        let last = self.waiting.last_mut().filter(|_| !self.is_cut);
        let units = more.units;
        match last.filter(|last| Waiting { units, ..**last } == more) {
            Some(last) => last.units = last.units.saturating_add(units),
            None => self.waiting.push(more),
        }
        self.is_cut = false;
    }

    fn add_new(&mut self, new: &NewBatch) -> usize {
        self.waiting.push(Waiting {
            user: new.user,
            date: new.day.date,
            units: new.count,
            window: new.window,
            run_ahead: new.run_ahead,
        });
        self.is_cut = true;
        self.waiting.len() - 1
    }
}

const fn of_batch(batch: &Batch, units: u32) -> Waiting<Eui64> {
    Waiting {
        user: batch.user,
        date: batch.service_date,
        units,
        window: batch.window,
        run_ahead: batch.run_ahead,
    }
}

/// Parked, queued or waiting for a retry.
const fn waiting(batch: &Batch) -> u32 {
    batch.counts.parked + batch.counts.queued + batch.counts.retry_wait
}
