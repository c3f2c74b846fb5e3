//! Activations, in columns.

use std::collections::BTreeMap;

use dco_block::{FirmwareVersion, ManufacturerImageHash};

use super::devices::{DeviceTable, KnownDevices};
use super::{Why, batches};
use crate::outcome::Outcome;
use crate::read::as_usize;
use crate::state::batches::{Activation, Batches, Phase, Reading, count_of};

/// The low bits of a state are its phase.
const PHASE: u32 = 7;
const FATE_UNKNOWN: u32 = 8;
const HAS_RELEASED: u32 = 16;
const HAS_ENDED: u32 = 32;
const STATE_MAX: u32 = 63;

/// In the order of their numbers: each batch's after those of the batches before it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Activations {
    /// Places in the list of Devices.
    #[prost(uint32, repeated, tag = "1")]
    devices: Vec<u32>,
    /// Phase and flags.
    #[prost(uint32, repeated, tag = "2")]
    states: Vec<u32>,
    #[prost(uint32, repeated, tag = "3")]
    attempts: Vec<u32>,
    /// [`Outcome::number`], 0 for none.
    #[prost(uint32, repeated, tag = "4")]
    outcomes: Vec<u32>,
    /// Of those that have one.
    #[prost(sfixed64, repeated, tag = "5")]
    released_us: Vec<i64>,
    /// Of those that have one.
    #[prost(sfixed64, repeated, tag = "6")]
    ended_us: Vec<i64>,
    /// Of those that wait for a retry.
    #[prost(sfixed64, repeated, tag = "7")]
    retry_us: Vec<i64>,
    #[prost(message, optional, tag = "8")]
    readings: Option<Readings>,
    /// Of which something was said.
    #[prost(uint32, repeated, tag = "9")]
    messages_of: Vec<u32>,
    #[prost(string, repeated, tag = "10")]
    messages: Vec<String>,
    /// How many attempts were made, whatever their numbers.
    #[prost(uint32, repeated, tag = "11")]
    tries: Vec<u32>,
}

/// What was read from Devices.
#[derive(Clone, PartialEq, prost::Message)]
struct Readings {
    #[prost(uint32, repeated, tag = "1")]
    activations: Vec<u32>,
    /// 1 with a version, 2 with a hash, 3 with both.
    #[prost(uint32, repeated, tag = "2")]
    kinds: Vec<u32>,
    /// Of those that have one.
    #[prost(fixed32, repeated, tag = "3")]
    versions: Vec<u32>,
    /// Of those that have one, a place in `hashes`.
    #[prost(uint32, repeated, tag = "4")]
    hashes_of: Vec<u32>,
    /// 32 octets each: all hashes, in the order in which they are first named.
    #[prost(bytes = "vec", tag = "5")]
    hashes: Vec<u8>,
}

impl Activations {
    pub(super) fn of(batches: &Batches, table: &DeviceTable) -> Self {
        let mut columns = Self {
            readings: Some(Readings::of(&batches.readings)),
            messages_of: batches.messages.keys().copied().collect(),
            messages: batches.messages.values().map(ToString::to_string).collect(),
            ..Self::default()
        };
        for activation in &batches.activations {
            columns.push(activation, table);
        }
        columns
    }

    fn push(&mut self, activation: &Activation, table: &DeviceTable) {
        let Activation {
            device,
            batch: _,
            attempt,
            tries,
            phase,
            outcome,
            fate_unknown,
            released_us,
            ended_us,
        } = activation;
        let flag = |is_set: bool, flag| if is_set { flag } else { 0 };
        let flags = flag(*fate_unknown, FATE_UNKNOWN)
            | flag(released_us.is_some(), HAS_RELEASED)
            | flag(ended_us.is_some(), HAS_ENDED);
        let phase = match *phase {
            Phase::Parked => 1,
            Phase::Queued(_) => 2,
            Phase::Released => 3,
            Phase::RetryWait { until_us } => {
                self.retry_us.push(until_us);
                4
            }
            Phase::Succeeded => 5,
            Phase::Failed => 6,
            Phase::Cancelled => 7,
        };
        self.devices.push(table.place(*device));
        self.states.push(phase | flags);
        self.attempts.push((*attempt).into());
        self.tries.push((*tries).into());
        self.outcomes.push(outcome.map_or(0, Outcome::number));
        self.released_us.extend(released_us);
        self.ended_us.extend(ended_us);
    }

    /// The place of an activation's Device in the list.
    pub(super) fn device_of(&self, activation: u32) -> usize {
        let place = self.devices.get(as_usize(activation)).copied();
        place.map_or(usize::MAX, as_usize)
    }

    /// Fills the batches with them. What is queued gets its slot later.
    pub(super) fn load(&self, batches: &mut Batches, known: &mut KnownDevices) -> Result<(), Why> {
        let len = self.devices.len();
        let lens = [
            self.states.len(),
            self.attempts.len(),
            self.tries.len(),
            self.outcomes.len(),
        ];
        let wanted = batches.batches.iter().map(|batch| as_usize(batch.len));
        if lens != [len; 4] || wanted.sum::<usize>() != len {
            return Err("its activations have columns of different lengths");
        }
        let mut reader = Reader::new(self);
        let mut busy = vec![u32::MAX; known.devices.len()];
        batches.activations.reserve_exact(len);
        for (index, batch) in (0..).zip(&mut batches.batches) {
            for activation in batch.activations() {
                let at = as_usize(activation);
                let item = reader.next(at, index, known)?;
                *count_of(&mut batch.counts, item.phase) += 1;
                *count_of(&mut batches.totals, item.phase) += 1;
                let ended = matches!(
                    item.phase,
                    Phase::Succeeded | Phase::Failed | Phase::Cancelled
                );
                let before = (!ended)
                    .then(|| std::mem::replace(&mut busy[as_usize(self.devices[at])], activation));
                if before.is_some_and(|before| before != u32::MAX) {
                    return Err("two activations of one Device are under way");
                }
                batches.activations.push(item);
            }
        }
        reader.must_be_done()?;
        let busy = known.devices.iter().copied().zip(busy);
        batches.busy = busy.filter(|(_, it)| *it != u32::MAX).collect();
        batches.open = batches::open(&batches.batches);
        batches.readings = match &self.readings {
            Some(readings) => readings.load(len)?,
            None => BTreeMap::new(),
        };
        batches.messages = self.load_messages(len)?;
        Ok(())
    }

    fn load_messages(&self, len: usize) -> Result<BTreeMap<u32, Box<str>>, Why> {
        must_be_numbers(&self.messages_of, len)?;
        let said = self.messages.iter().all(|message| !message.is_empty());
        if self.messages_of.len() != self.messages.len() || !said {
            return Err("messages are said of nothing, or say nothing");
        }
        let messages = self.messages.iter().map(|it| it.as_str().into());
        Ok(self.messages_of.iter().copied().zip(messages).collect())
    }
}

/// Ascending, and each of an activation.
fn must_be_numbers(numbers: &[u32], len: usize) -> Result<(), Why> {
    let ascending = numbers.is_sorted_by(|one, next| one < next);
    if ascending && numbers.last().is_none_or(|last| as_usize(*last) < len) {
        Ok(())
    } else {
        Err("something is told of activations that are not there, or not in order")
    }
}

/// Reads one activation after the other.
struct Reader<'a> {
    columns: &'a Activations,
    released_us: std::slice::Iter<'a, i64>,
    ended_us: std::slice::Iter<'a, i64>,
    retry_us: std::slice::Iter<'a, i64>,
}

impl<'a> Reader<'a> {
    fn new(columns: &'a Activations) -> Self {
        Self {
            columns,
            released_us: columns.released_us.iter(),
            ended_us: columns.ended_us.iter(),
            retry_us: columns.retry_us.iter(),
        }
    }

    fn next(&mut self, at: usize, batch: u32, known: &KnownDevices) -> Result<Activation, Why> {
        let place = as_usize(self.columns.devices[at]);
        let device = known.devices.get(place);
        let device = *device.ok_or("an activation's Device is not listed")?;
        let state = self.columns.states[at];
        let phase = self.phase(state)?;
        let attempt = u16::try_from(self.columns.attempts[at]);
        // One that waits must be able to have another attempt.
        let attempt = attempt.ok().filter(|it| *it < u16::MAX || !phase.waits());
        let attempt = attempt.ok_or("an activation has had too many attempts")?;
        let tries = u16::try_from(self.columns.tries[at]).ok();
        let tries = tries.filter(|tries| *tries <= attempt);
        let outcome = self.columns.outcomes[at];
        let known_outcome = Outcome::from_number(outcome);
        if known_outcome.is_none() && outcome != 0 {
            return Err("an activation's outcome is not known");
        }
        Ok(Activation {
            device,
            batch,
            attempt,
            tries: tries.ok_or("an activation was tried more often than it has attempts")?,
            phase,
            outcome: known_outcome,
            fate_unknown: state & FATE_UNKNOWN != 0,
            released_us: taken_if(state & HAS_RELEASED != 0, &mut self.released_us)?,
            ended_us: taken_if(state & HAS_ENDED != 0, &mut self.ended_us)?,
        })
    }

    fn phase(&mut self, state: u32) -> Result<Phase, Why> {
        if state > STATE_MAX {
            return Err("an activation's state is not known");
        }
        Ok(match state & PHASE {
            1 => Phase::Parked,
            2 => Phase::Queued(None),
            3 => Phase::Released,
            4 => {
                let until_us = taken_if(true, &mut self.retry_us)?;
                let until_us = until_us.ok_or("an activation has no time for its retry")?;
                Phase::RetryWait { until_us }
            }
            5 => Phase::Succeeded,
            6 => Phase::Failed,
            7 => Phase::Cancelled,
            _ => return Err("an activation is in no phase"),
        })
    }

    fn must_be_done(&self) -> Result<(), Why> {
        let left = [&self.released_us, &self.ended_us, &self.retry_us].map(ExactSizeIterator::len);
        if left == [0; 3] {
            Ok(())
        } else {
            Err("there are more times than activations that have one")
        }
    }
}

fn taken_if(has: bool, times: &mut std::slice::Iter<'_, i64>) -> Result<Option<i64>, Why> {
    if !has {
        return Ok(None);
    }
    match times.next() {
        Some(at_us) => Ok(Some(*at_us)),
        None => Err("an activation's times are missing"),
    }
}

impl Readings {
    fn of(readings: &BTreeMap<u32, Reading>) -> Self {
        let mut columns = Self::default();
        let mut places = BTreeMap::new();
        for (activation, reading) in readings {
            let Reading {
                running_version,
                device_image_hash,
            } = reading;
            let version_kind = u32::from(running_version.is_some());
            let hash_kind = 2 * u32::from(device_image_hash.is_some());
            columns.activations.push(*activation);
            columns.kinds.push(version_kind | hash_kind);
            let version = running_version.map(FirmwareVersion::get);
            columns.versions.extend(version);
            let Some(hash) = device_image_hash else {
                continue;
            };
            let next = u32::try_from(places.len()).unwrap_or(u32::MAX);
            let place = *places.entry(*hash).or_insert_with(|| {
                columns.hashes.extend_from_slice(hash.as_bytes());
                next
            });
            columns.hashes_of.push(place);
        }
        columns
    }

    fn load(&self, len: usize) -> Result<BTreeMap<u32, Reading>, Why> {
        must_be_numbers(&self.activations, len)?;
        let (hashes, odd) = self.hashes.as_chunks::<32>();
        if self.kinds.len() != self.activations.len() || !odd.is_empty() {
            return Err("its readings have columns of different lengths");
        }
        let (mut versions, mut hashes_of) = (self.versions.iter(), self.hashes_of.iter());
        let mut next = |kind: u32| {
            let mut reading = Reading::default();
            if kind & 1 != 0 {
                reading.running_version = Some(FirmwareVersion::new(*versions.next()?));
            }
            if kind & 2 != 0 {
                let hash = hashes.get(as_usize(*hashes_of.next()?))?;
                reading.device_image_hash = Some(ManufacturerImageHash::new(*hash));
            }
            Some(reading).filter(|_| (1..=3).contains(&kind))
        };
        let readings = self.kinds.iter().map(|kind| next(*kind));
        let readings = readings
            .collect::<Option<Vec<_>>>()
            .ok_or("a reading is of no kind, or its parts are missing")?;
        if versions.len() + hashes_of.len() > 0 {
            return Err("there are more versions or hashes than readings that have one");
        }
        Ok(self.activations.iter().copied().zip(readings).collect())
    }
}
