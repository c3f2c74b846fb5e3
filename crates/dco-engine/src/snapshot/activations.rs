//! Activations, in columns.

use std::collections::BTreeMap;
use std::slice::Iter;

use dco_block::{FirmwareVersion, ManufacturerImageHash};

use super::columns::{numbers, u32s};
use super::devices::KnownDevices;
use super::{Why, batches};
use crate::outcome::Outcome;
use crate::read::as_usize;
use crate::state::activations::Activation;
use crate::state::batches::{Batches, Phase, Reading, count_of};
use crate::state::busy::Busy;
use crate::state::latest::Latest;

/// The low bits of a state are its phase.
const PHASE: u32 = 7;
const FATE_UNKNOWN: u32 = 8;
const HAS_RELEASED: u32 = 16;
const HAS_ENDED: u32 = 32;
/// Every attempt that ended is certain to have sent nothing.
const NOTHING_SENT: u32 = 64;
const STATE_MAX: u32 = 127;

/// In the order of their numbers: each batch's after those of the batches before it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Activations {
    /// Places in the list of Devices, four octets each.
    #[prost(bytes = "vec", tag = "1")]
    devices: Vec<u8>,
    /// Where it stands: places in the columns that follow, four octets each.
    #[prost(bytes = "vec", tag = "2")]
    kinds: Vec<u8>,
    /// Phase and flags. How activations stand, each once, in the order in which it is first named.
    #[prost(uint32, repeated, tag = "3")]
    states: Vec<u32>,
    #[prost(uint32, repeated, tag = "4")]
    attempts: Vec<u32>,
    /// [`Outcome::number`], 0 for none.
    #[prost(uint32, repeated, tag = "5")]
    outcomes: Vec<u32>,
    /// Of those that have one, eight octets each.
    #[prost(bytes = "vec", tag = "6")]
    released_us: Vec<u8>,
    /// Of those that have one, eight octets each.
    #[prost(bytes = "vec", tag = "7")]
    ended_us: Vec<u8>,
    /// Of those that wait for a retry, eight octets each.
    #[prost(bytes = "vec", tag = "8")]
    retry_us: Vec<u8>,
    #[prost(message, optional, tag = "9")]
    readings: Option<Readings>,
    /// Of which something was said.
    #[prost(uint32, repeated, tag = "10")]
    messages_of: Vec<u32>,
    #[prost(string, repeated, tag = "11")]
    messages: Vec<String>,
    /// How many attempts were made, whatever their numbers; one of the columns of how activations stand.
    #[prost(uint32, repeated, tag = "12")]
    tries: Vec<u32>,
}

/// What was read from Devices.
#[derive(Clone, PartialEq, prost::Message)]
struct Readings {
    /// Four octets each.
    #[prost(bytes = "vec", tag = "1")]
    activations: Vec<u8>,
    /// 1 with a version, 2 with a hash, 3 with both.
    #[prost(bytes = "vec", tag = "2")]
    kinds: Vec<u8>,
    /// Of those that have one, four octets each.
    #[prost(bytes = "vec", tag = "3")]
    versions: Vec<u8>,
    /// Of those that have one, a place in `hashes`, four octets each.
    #[prost(bytes = "vec", tag = "4")]
    hashes_of: Vec<u8>,
    /// 32 octets each: all hashes, in the order in which they are first named.
    #[prost(bytes = "vec", tag = "5")]
    hashes: Vec<u8>,
}

impl Activations {
    pub(super) fn of(batches: &Batches) -> Self {
        let mut columns = Self {
            readings: Some(Readings::of(&batches.readings)),
            messages_of: batches.messages.keys().copied().collect(),
            messages: batches.messages.values().map(ToString::to_string).collect(),
            ..Self::default()
        };
        let mut places = BTreeMap::new();
        for activation in batches.activations.iter() {
            columns.push(activation, &mut places);
        }
        columns
    }

    fn push(&mut self, activation: Activation, places: &mut BTreeMap<[u32; 4], u32>) {
        let Activation {
            device,
            batch: _,
            attempt,
            tries,
            phase,
            outcome,
            fate_unknown,
            maybe_sent,
            released_us,
        } = activation;
        let ended_us = phase.ended_us();
        let flag = |is_set: bool, flag| if is_set { flag } else { 0 };
        let state = number_of(phase)
            | flag(fate_unknown, FATE_UNKNOWN)
            | flag(outcome.is_some() && !maybe_sent, NOTHING_SENT)
            | flag(released_us.is_some(), HAS_RELEASED)
            | flag(ended_us.is_some(), HAS_ENDED);
        let outcome = outcome.map_or(0, Outcome::number);
        let kind = [state, attempt.into(), tries.into(), outcome];
        let next = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let place = *places.entry(kind).or_insert(next);
        if place == next {
            self.states.push(state);
            self.attempts.push(attempt.into());
            self.tries.push(tries.into());
            self.outcomes.push(outcome);
        }
        self.devices.extend(device.to_le_bytes());
        self.kinds.extend(place.to_le_bytes());
        let times = |time: Option<i64>| time.map(i64::to_le_bytes).into_iter().flatten();
        self.released_us.extend(times(released_us));
        self.ended_us.extend(times(ended_us));
        if let Phase::RetryWait { until_us } = phase {
            self.retry_us.extend(until_us.to_le_bytes());
        }
    }

    /// Fills the batches with them. What is queued gets its slot later. Answers for each what is known of its Device.
    pub(super) fn load(self, batches: &mut Batches, known: &KnownDevices) -> Result<Vec<u32>, Why> {
        let len = numbers::<4>(&self.devices)?.len();
        let wanted = batches.batches.iter().map(|batch| as_usize(batch.len));
        if self.kinds.len() != self.devices.len() || wanted.sum::<usize>() != len {
            return Err("its activations have columns of different lengths");
        }
        batches.readings = match &self.readings {
            Some(readings) => readings.load(len)?,
            None => BTreeMap::new(),
        };
        let kinds = self.fill(batches, known)?;
        batches.open = batches::open(&batches.batches);
        batches.messages = self.load_messages(len)?;
        Ok(kinds)
    }

    fn fill(&self, batches: &mut Batches, known: &KnownDevices) -> Result<Vec<u32>, Why> {
        let mut reader = Reader::new(self)?;
        let mut places = u32s(&self.devices)?;
        let mut kinds = Vec::with_capacity(places.len());
        let mut busy = Busy::of(known.devices.len());
        let mut latest = Latest::of(known.devices.len());
        let mut read = batches.readings.keys().peekable();
        batches.activations.reserve(places.len());
        for (index, batch) in (0..).zip(&mut batches.batches) {
            for activation in batch.activations() {
                let device = places.next().ok_or("a Device is missing")?;
                let listed = known.devices.get(as_usize(device));
                let (_, kind) = *listed.ok_or("an activation's Device is not listed")?;
                kinds.push(kind);
                let item = reader.next(index, device)?;
                *count_of(&mut batch.counts, item.phase) += 1;
                *count_of(&mut batches.totals, item.phase) += 1;
                if let Phase::RetryWait { until_us } = item.phase {
                    batches.retries.insert((index, until_us, activation));
                }
                let has_ended = item.phase.has_ended();
                let was_read = read.next_if_eq(&&activation).is_some();
                if was_read || matches!(item.phase, Phase::Succeeded { .. }) {
                    latest.heard(device, activation);
                }
                batches.activations.push(item);
                if has_ended {
                    continue;
                }
                busy.begin(device, activation)
                    .ok_or("two activations of one Device are under way")?;
                if !known.is_of(kind, batch.user) {
                    batches.lost.insert(activation);
                }
            }
        }
        (batches.busy, batches.latest) = (busy, latest);
        reader.must_be_done()?;
        Ok(kinds)
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

fn number_of(phase: Phase) -> u32 {
    match phase {
        Phase::Parked => 1,
        Phase::Queued(_) => 2,
        Phase::Released => 3,
        Phase::RetryWait { .. } => 4,
        Phase::Succeeded { .. } => 5,
        Phase::Failed { .. } => 6,
        Phase::Cancelled { .. } => 7,
    }
}

fn phase_of(number: u32) -> Option<Phase> {
    Some(match number {
        1 => Phase::Parked,
        2 => Phase::Queued(None),
        3 => Phase::Released,
        4 => Phase::RetryWait { until_us: 0 },
        5 => Phase::Succeeded { ended_us: 0 },
        6 => Phase::Failed { ended_us: 0 },
        7 => Phase::Cancelled { ended_us: 0 },
        _ => return None,
    })
}

/// How an activation stands, without its times.
struct Kind {
    phase: Phase,
    attempt: u16,
    tries: u16,
    outcome: Option<Outcome>,
    state: u32,
}

impl Kind {
    fn load(state: u32, [attempt, tries]: [u32; 2], outcome: u32) -> Option<Self> {
        let phase = phase_of(state & PHASE)?;
        // One that waits must be able to have another attempt.
        let attempts_max = if phase.waits() {
            u16::MAX - 1
        } else {
            u16::MAX
        };
        let attempt = u16::try_from(attempt).ok()?;
        let tries = u16::try_from(tries).ok()?;
        let known_outcome = Outcome::from_number(outcome);
        let is_right = state <= STATE_MAX
            && attempt <= attempts_max
            && tries <= attempt
            && phase.has_ended() == (state & HAS_ENDED != 0)
            && known_outcome.is_some() == (outcome != 0);
        is_right.then_some(Self {
            phase,
            attempt,
            tries,
            outcome: known_outcome,
            state,
        })
    }
}

/// Reads one activation after the other.
struct Reader<'a> {
    kinds: Vec<Kind>,
    kinds_of: Iter<'a, [u8; 4]>,
    released_us: Iter<'a, [u8; 8]>,
    ended_us: Iter<'a, [u8; 8]>,
    retry_us: Iter<'a, [u8; 8]>,
}

impl<'a> Reader<'a> {
    fn new(columns: &'a Activations) -> Result<Self, Why> {
        let lens = [
            columns.attempts.len(),
            columns.tries.len(),
            columns.outcomes.len(),
        ];
        if lens != [columns.states.len(); 3] {
            return Err("the kinds of its activations have columns of different lengths");
        }
        let counts = columns.attempts.iter().zip(&columns.tries);
        let counts = counts.map(|(attempt, tries)| [*attempt, *tries]);
        let kinds = columns.states.iter().zip(counts.zip(&columns.outcomes));
        let kinds = kinds.map(|(state, (counts, outcome))| Kind::load(*state, counts, *outcome));
        let kinds: Option<Vec<_>> = kinds.collect();
        Ok(Self {
            kinds: kinds.ok_or("an activation stands where none can")?,
            kinds_of: numbers(&columns.kinds)?.iter(),
            released_us: numbers(&columns.released_us)?.iter(),
            ended_us: numbers(&columns.ended_us)?.iter(),
            retry_us: numbers(&columns.retry_us)?.iter(),
        })
    }

    fn next(&mut self, batch: u32, device: u32) -> Result<Activation, Why> {
        let kind = self.kinds_of.next().copied().map(u32::from_le_bytes);
        let kind = kind.and_then(|kind| self.kinds.get(as_usize(kind)));
        let kind = kind.ok_or("an activation is of no kind")?;
        let mut phase = kind.phase;
        if let Phase::RetryWait { until_us } = &mut phase {
            *until_us = taken(&mut self.retry_us)?;
        }
        let has = |flag| kind.state & flag != 0;
        let released_us = has(HAS_RELEASED).then(|| taken(&mut self.released_us));
        if let Phase::Succeeded { ended_us }
        | Phase::Failed { ended_us }
        | Phase::Cancelled { ended_us } = &mut phase
        {
            *ended_us = taken(&mut self.ended_us)?;
        }
        Ok(Activation {
            device,
            batch,
            attempt: kind.attempt,
            tries: kind.tries,
            phase,
            outcome: kind.outcome,
            fate_unknown: has(FATE_UNKNOWN),
            maybe_sent: kind.outcome.is_some() && !has(NOTHING_SENT),
            released_us: released_us.transpose()?,
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

fn taken(times: &mut Iter<'_, [u8; 8]>) -> Result<i64, Why> {
    let next = times.next().copied().map(i64::from_le_bytes);
    next.ok_or("an activation's times are missing")
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
            let version_kind = u8::from(running_version.is_some());
            let hash_kind = 2 * u8::from(device_image_hash.is_some());
            columns.activations.extend(activation.to_le_bytes());
            columns.kinds.push(version_kind | hash_kind);
            let version = running_version.map(|it| it.get().to_le_bytes());
            columns.versions.extend(version.into_iter().flatten());
            let Some(hash) = device_image_hash else {
                continue;
            };
            let next = u32::try_from(places.len()).unwrap_or(u32::MAX);
            let place = *places.entry(*hash).or_insert_with(|| {
                columns.hashes.extend_from_slice(hash.as_bytes());
                next
            });
            columns.hashes_of.extend(place.to_le_bytes());
        }
        columns
    }

    fn load(&self, len: usize) -> Result<BTreeMap<u32, Reading>, Why> {
        let activations: Vec<u32> = u32s(&self.activations)?.collect();
        must_be_numbers(&activations, len)?;
        let hashes = numbers::<32>(&self.hashes)?;
        if self.kinds.len() != activations.len() {
            return Err("its readings have columns of different lengths");
        }
        let (mut versions, mut hashes_of) = (u32s(&self.versions)?, u32s(&self.hashes_of)?);
        let mut next = |kind: u8| {
            let mut reading = Reading::default();
            if kind & 1 != 0 {
                reading.running_version = Some(FirmwareVersion::new(versions.next()?));
            }
            if kind & 2 != 0 {
                let hash = hashes.get(as_usize(hashes_of.next()?))?;
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
        Ok(activations.into_iter().zip(readings).collect())
    }
}
