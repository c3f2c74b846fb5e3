//! Batches and their activations.
//!
//! An activation is an index into one long list; a batch has a run of them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, ImageId, ManufacturerImageHash};
use dco_schedule::{HourWindow, Micros, ServiceDate, Source};

pub(crate) use super::activations::Phase;
use super::activations::{Activation, Activations};
use super::busy::Busy;
use super::changes::Changes;
use super::latest::Latest;
use crate::read::as_usize;
use crate::view::{ActivationCounts, Prediction};

/// What a gateway read from a Device at the end of an attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) running_version: Option<FirmwareVersion>,
    pub(crate) device_image_hash: Option<ManufacturerImageHash>,
}

/// Devices sent together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) user: Eui64,
    pub(crate) number: u64,
    pub(crate) image_id: ImageId,
    pub(crate) manufacturer_image_hash: ManufacturerImageHash,
    pub(crate) large: bool,
    /// What covers it, and gets back what is cancelled in time; `None` for one that uses up nothing.
    pub(crate) source: Option<Source>,
    /// The local hours in which it is released; any if absent.
    pub(crate) window: Option<HourWindow>,
    /// Whether it may be released before its service day.
    pub(crate) run_ahead: bool,
    /// How many of its Devices must succeed before the rest of it is released; 0 where none of its own need to.
    pub(crate) canary: u32,
    /// Whether it may go through the security lane.
    pub(crate) security: bool,
    pub(crate) service_date: ServiceDate,
    pub(crate) day_start_us: Micros,
    pub(crate) created_us: Micros,
    pub(crate) trt_start_us: Micros,
    pub(crate) due_us: Micros,
    /// When Devices are to activate it; at once if absent.
    pub(crate) execute_us: Option<Micros>,
    /// What the answer said when it was accepted.
    pub(crate) first_prediction: Option<Prediction>,
    pub(crate) signed_request: Bytes,
    pub(crate) cancelled: bool,
    /// Its User was warned that its TRT ends soon.
    pub(crate) trt_warned: bool,
    /// Its run in the list of activations.
    pub(crate) first: u32,
    pub(crate) len: u32,
    pub(crate) counts: ActivationCounts,
    pub(crate) changes: Changes,
}

impl Batch {
    /// When to warn of the end of its TRT: so long before, and not in the first half of the time that there is.
    pub(crate) fn warn_us(&self, warn_before_us: Micros) -> Micros {
        let half_us = self.due_us.saturating_sub(self.trt_start_us) / 2;
        self.due_us.saturating_sub(warn_before_us.min(half_us))
    }

    pub(crate) fn activations(&self) -> std::ops::Range<u32> {
        self.first..self.first + self.len
    }
}

/// All batches and all activations.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    pub(crate) batches: Vec<Batch>,
    pub(crate) activations: Activations,
    pub(crate) readings: BTreeMap<u32, Reading>,
    /// What was said of the last end of an activation, where anything was.
    pub(crate) messages: BTreeMap<u32, Box<str>>,
    pub(crate) numbers: BTreeMap<(Eui64, u64), u32>,
    /// Batches with an activation that has not ended, by User and due time.
    pub(crate) open: BTreeMap<Eui64, BTreeSet<(Micros, u32)>>,
    pub(crate) busy: Busy,
    /// Follows from readings and phases: no snapshot keeps it.
    pub(crate) latest: Latest,
    /// Those that wait for another attempt, each under its batch and the moment from which it may have that. Follows from phases: no
    /// snapshot keeps it.
    pub(crate) retries: BTreeSet<(u32, Micros, u32)>,
    /// Those under way whose Device is not registered to their User any more.
    pub(crate) lost: BTreeSet<u32>,
    pub(crate) totals: ActivationCounts,
    /// The hours in which batches are released, each kind once.
    pub(crate) windows: BTreeSet<Option<HourWindow>>,
}

impl Batches {
    pub(crate) fn get(&self, batch: u32) -> &Batch {
        &self.batches[as_usize(batch)]
    }

    pub(crate) fn activation(&self, activation: u32) -> Activation {
        self.activations.get(activation)
    }

    /// Whether the list has this activation: asked of numbers that come from the journal.
    pub(crate) fn has_activation(&self, activation: u32) -> bool {
        as_usize(activation) < self.activations.len()
    }

    pub(crate) fn batch_of(&self, activation: u32) -> &Batch {
        self.get(self.activation(activation).batch)
    }

    pub(crate) fn reading(&self, activation: u32) -> Reading {
        self.readings.get(&activation).copied().unwrap_or_default()
    }

    pub(crate) fn message(&self, activation: u32) -> &str {
        self.messages.get(&activation).map_or("", AsRef::as_ref)
    }

    pub(crate) fn find(&self, user: Eui64, number: u64) -> Option<(u32, &Batch)> {
        let index = *self.numbers.get(&(user, number))?;
        Some((index, self.get(index)))
    }

    /// A User's batches with a number below `before`, newest first.
    pub(crate) fn newest_first(
        &self,
        user: Eui64,
        before: Option<u64>,
    ) -> impl Iterator<Item = (u32, &Batch)> {
        let end = before.unwrap_or(u64::MAX);
        let range = self.numbers.range((user, 0)..(user, end)).rev();
        range.map(|(_, index)| (*index, self.get(*index)))
    }

    pub(crate) fn next_number(&self, user: Eui64) -> u64 {
        self.newest_first(user, None)
            .next()
            .map_or(1, |(_, newest)| newest.number + 1)
    }

    /// How many activations there are; the next batch's run starts here.
    pub(crate) fn next_activation(&self) -> u32 {
        u32::try_from(self.activations.len()).unwrap_or(u32::MAX)
    }

    /// How many batches there are; the next one's index.
    pub(crate) fn next_batch(&self) -> u32 {
        u32::try_from(self.batches.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter()
    }

    /// The activation that is under way for the Device of this number.
    pub(crate) fn busy(&self, device: u32) -> Option<u32> {
        self.busy.get(device)
    }

    /// Users with work that has not ended, each with its open batches, earliest due first.
    pub(crate) fn open(&self) -> impl Iterator<Item = (Eui64, impl Iterator<Item = &Batch>)> {
        self.open
            .iter()
            .map(|(user, batches)| (*user, batches.iter().map(|(_, index)| self.get(*index))))
    }

    /// Open batches whose Users were warned of the end of the TRT.
    pub(crate) fn trt_near(&self) -> usize {
        let open = self.open.values().flatten();
        open.filter(|(_, index)| self.get(*index).trt_warned)
            .count()
    }

    /// One User's open batches, earliest due first.
    pub(crate) fn open_of(&self, user: Eui64) -> impl Iterator<Item = &Batch> {
        let open = self.open.get(&user).into_iter().flatten();
        open.map(|(_, index)| self.get(*index))
    }

    /// The hours in which batches are released, each kind once.
    pub(crate) fn windows(&self) -> Vec<Option<HourWindow>> {
        self.windows.iter().copied().collect()
    }

    pub(crate) fn totals(&self) -> &ActivationCounts {
        &self.totals
    }

    /// A new batch; its activations are parked or about to be queued. `None` when one is under way for a Device.
    pub(crate) fn add(&mut self, batch: Batch, devices: &[u32]) -> Option<()> {
        let index = self.next_batch();
        self.activations.reserve(devices.len());
        for (device, activation) in devices.iter().zip(batch.first..) {
            self.busy.begin(*device, activation)?;
            self.activations.push(Activation::new(*device, index));
        }
        self.totals.parked += batch.len;
        self.windows.insert(batch.window);
        self.numbers.insert((batch.user, batch.number), index);
        self.open
            .entry(batch.user)
            .or_default()
            .insert((batch.due_us, index));
        self.batches.push(batch);
        Some(())
    }

    /// Its User was warned of the end of its TRT.
    pub(crate) fn warned(&mut self, batch: u32) {
        self.batches[as_usize(batch)].trt_warned = true;
    }

    pub(crate) fn cancel(&mut self, batch: u32) {
        self.batches[as_usize(batch)].cancelled = true;
    }

    pub(crate) fn set_phase(&mut self, activation: u32, phase: Phase) {
        let item = self.activation(activation);
        let (device, before, index) = (item.device, item.phase, item.batch);
        self.activations
            .set(activation, Activation { phase, ..item });
        if let Phase::RetryWait { until_us } = before {
            self.retries.remove(&(index, until_us, activation));
        }
        if let Phase::RetryWait { until_us } = phase {
            self.retries.insert((index, until_us, activation));
        }
        let batch = &mut self.batches[as_usize(index)];
        for counts in [&mut batch.counts, &mut self.totals] {
            *count_of(counts, before) -= 1;
            *count_of(counts, phase) += 1;
        }
        if matches!(phase, Phase::Succeeded { .. }) {
            self.latest.heard(device, activation);
        }
        if phase.has_ended() {
            self.lost.remove(&activation);
            self.busy.end(device, activation);
        }
        if batch.counts.open() == 0 {
            let (user, due_us) = (batch.user, batch.due_us);
            self.close(user, due_us, index);
        }
    }

    /// When the last of a batch that waits for another attempt may have it.
    pub(crate) fn last_retry_us(&self, batch: &Batch) -> Option<Micros> {
        let index = self.activation(batch.first).batch;
        let of_batch = (index, Micros::MIN, 0)..=(index, Micros::MAX, u32::MAX);
        let last = self.retries.range(of_batch).next_back();
        last.map(|(_, until_us, _)| *until_us)
    }

    fn close(&mut self, user: Eui64, due_us: Micros, index: u32) {
        let Some(open) = self.open.get_mut(&user) else {
            return;
        };
        open.remove(&(due_us, index));
        if open.is_empty() {
            self.open.remove(&user);
        }
    }

    /// The facts of an activation that do not decide where it stands.
    pub(crate) fn change(&mut self, activation: u32, change: impl FnOnce(&mut Activation)) {
        let mut item = self.activation(activation);
        change(&mut item);
        self.activations.set(activation, item);
    }

    /// What was read for this activation, if anything; whether nothing was heard yet of a newer one of its Device.
    pub(crate) fn read(&mut self, activation: u32, reading: Reading) -> bool {
        let device = self.activation(activation).device;
        if reading != Reading::default() {
            self.readings.insert(activation, reading);
            self.latest.heard(device, activation);
        }
        self.latest.is_latest(device, activation)
    }

    /// What is said of its newest end takes the place of what was said before.
    pub(crate) fn say(&mut self, activation: u32, message: &str) {
        if message.is_empty() {
            self.messages.remove(&activation);
        } else {
            self.messages.insert(activation, message.into());
        }
    }

    /// A record, or time by itself, has changed this activation: whoever follows the batch is to see it.
    pub(crate) fn note_change(&mut self, activation: u32) {
        let batch = self.activation(activation).batch;
        self.batches[as_usize(batch)].changes.push(activation);
    }

    /// The same of several activations of a batch.
    pub(crate) fn note_changes(&mut self, batch: u32, activations: &[u32]) {
        self.batches[as_usize(batch)].changes.extend(activations);
    }
}

pub(crate) fn count_of(counts: &mut ActivationCounts, phase: Phase) -> &mut u32 {
    match phase {
        Phase::Parked => &mut counts.parked,
        Phase::Queued(_) => &mut counts.queued,
        Phase::Released => &mut counts.released,
        Phase::RetryWait { .. } => &mut counts.retry_wait,
        Phase::Succeeded { .. } => &mut counts.succeeded,
        Phase::Failed { .. } => &mut counts.failed,
        Phase::Cancelled { .. } => &mut counts.cancelled,
    }
}
