//! Batches and their activations.
//!
//! An activation is an index into one long list; a batch has a run of them. The list only grows.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, ImageId, ManufacturerImageHash};
use dco_dispatch::Slot;
use dco_schedule::{HourWindow, Micros, ServiceDate, Source};

use crate::outcome::Outcome;
use crate::view::{ActivationCounts, Prediction};

/// One Device of a batch.
#[derive(Debug)]
pub(crate) struct Activation {
    pub(crate) device: Eui64,
    pub(crate) batch: u32,
    /// The number of the newest attempt; 0 before the first.
    pub(crate) attempt: u16,
    /// How many attempts were made.
    pub(crate) tries: u16,
    pub(crate) phase: Phase,
    /// Of the last attempt that ended.
    pub(crate) outcome: Option<Outcome>,
    /// An attempt ended and nobody knows what it did to the Device.
    pub(crate) fate_unknown: bool,
    pub(crate) released_us: Option<Micros>,
    pub(crate) ended_us: Option<Micros>,
}

/// Where an activation stands, with what that needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Parked,
    /// `None` while it is held back because its image is quarantined, and in the moment between being picked and its
    /// record.
    Queued(Option<Slot>),
    Released,
    RetryWait {
        until_us: Micros,
    },
    Succeeded,
    Failed,
    Cancelled,
}

impl Phase {
    pub(crate) fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// Whether it has not reached its end and no attempt is under way.
    pub(crate) fn waits(self) -> bool {
        matches!(
            self,
            Self::Parked | Self::Queued(_) | Self::RetryWait { .. }
        )
    }
}

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
    pub(crate) service_date: ServiceDate,
    pub(crate) day_start_us: Micros,
    pub(crate) created_us: Micros,
    pub(crate) trt_start_us: Micros,
    pub(crate) due_us: Micros,
    /// What the answer said when it was accepted.
    pub(crate) first_prediction: Prediction,
    pub(crate) signed_request: Bytes,
    pub(crate) cancelled: bool,
    /// Its run in the list of activations.
    pub(crate) first: u32,
    pub(crate) len: u32,
    pub(crate) counts: ActivationCounts,
    /// Its activations in the order in which records, or time by itself, changed them; the feed's position is a place
    /// in it.
    pub(crate) changes: Vec<u32>,
}

impl Batch {
    pub(crate) fn activations(&self) -> std::ops::Range<u32> {
        self.first..self.first + self.len
    }
}

/// All batches and all activations.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    pub(crate) batches: Vec<Batch>,
    pub(crate) activations: Vec<Activation>,
    pub(crate) readings: BTreeMap<u32, Reading>,
    /// What was said of the last end of an activation, where anything was.
    pub(crate) messages: BTreeMap<u32, Box<str>>,
    pub(crate) numbers: BTreeMap<(Eui64, u64), u32>,
    /// Batches with an activation that has not ended, by User and due time.
    pub(crate) open: BTreeMap<Eui64, BTreeSet<(Micros, u32)>>,
    /// The activation that is under way for a Device.
    pub(crate) busy: BTreeMap<Eui64, u32>,
    /// Those under way whose Device is not registered to their User any more.
    pub(crate) lost: BTreeSet<u32>,
    pub(crate) totals: ActivationCounts,
    /// The hours in which batches are released, each kind once.
    pub(crate) windows: BTreeSet<Option<HourWindow>>,
}

impl Batches {
    pub(crate) fn get(&self, batch: u32) -> &Batch {
        &self.batches[at(batch)]
    }

    pub(crate) fn activation(&self, activation: u32) -> &Activation {
        &self.activations[at(activation)]
    }

    /// Whether the list has this activation: asked of numbers that come from the journal.
    pub(crate) fn has_activation(&self, activation: u32) -> bool {
        at(activation) < self.activations.len()
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

    /// The activation that is under way for a Device.
    pub(crate) fn busy(&self, device: Eui64) -> Option<u32> {
        self.busy.get(&device).copied()
    }

    /// Users with work that has not ended, each with its open batches, earliest due first.
    pub(crate) fn open(&self) -> impl Iterator<Item = (Eui64, impl Iterator<Item = &Batch>)> {
        self.open
            .iter()
            .map(|(user, batches)| (*user, batches.iter().map(|(_, index)| self.get(*index))))
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
    pub(crate) fn add(
        &mut self,
        batch: Batch,
        devices: impl IntoIterator<Item = Eui64>,
    ) -> Option<()> {
        let index = self.next_batch();
        let first = batch.first;
        for (device, activation) in devices.into_iter().zip(first..) {
            if self.busy.insert(device, activation).is_some() {
                return None;
            }
            self.activations.push(Activation {
                device,
                batch: index,
                attempt: 0,
                tries: 0,
                phase: Phase::Parked,
                outcome: None,
                fate_unknown: false,
                released_us: None,
                ended_us: None,
            });
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

    pub(crate) fn cancel(&mut self, batch: u32) {
        self.batches[at(batch)].cancelled = true;
    }

    pub(crate) fn set_phase(&mut self, activation: u32, phase: Phase) {
        let item = &mut self.activations[at(activation)];
        let before = std::mem::replace(&mut item.phase, phase);
        let (device, index) = (item.device, item.batch);
        let batch = &mut self.batches[at(index)];
        for counts in [&mut batch.counts, &mut self.totals] {
            *count_of(counts, before) -= 1;
            *count_of(counts, phase) += 1;
        }
        if phase.has_ended() {
            self.lost.remove(&activation);
        }
        if phase.has_ended() && self.busy.get(&device) == Some(&activation) {
            self.busy.remove(&device);
        }
        if batch.counts.open() == 0 {
            let (user, due_us) = (batch.user, batch.due_us);
            self.close(user, due_us, index);
        }
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
    pub(crate) fn activation_mut(&mut self, activation: u32) -> &mut Activation {
        &mut self.activations[at(activation)]
    }

    pub(crate) fn read(&mut self, activation: u32, reading: Reading) {
        if reading != Reading::default() {
            self.readings.insert(activation, reading);
        }
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
        self.batches[at(batch)].changes.push(activation);
    }
}

pub(crate) fn count_of(counts: &mut ActivationCounts, phase: Phase) -> &mut u32 {
    match phase {
        Phase::Parked => &mut counts.parked,
        Phase::Queued(_) => &mut counts.queued,
        Phase::Released => &mut counts.released,
        Phase::RetryWait { .. } => &mut counts.retry_wait,
        Phase::Succeeded => &mut counts.succeeded,
        Phase::Failed => &mut counts.failed,
        Phase::Cancelled => &mut counts.cancelled,
    }
}

/// An index of the list as the machine counts it: 32 bits at the least.
fn at(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
