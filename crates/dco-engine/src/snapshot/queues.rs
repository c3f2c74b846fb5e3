//! Whose turn it is in a queue. What waits in it is what is queued, in order of its numbers.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_dispatch::{Entry, FairQueue, Slot, Turn, Turns, UserTurn};
use dco_schedule::HourWindow;

use super::Why;
use super::devices::KnownDevices;
use super::products::Allowed;
use crate::engine;
use crate::read::as_usize;
use crate::state::ahead::Ahead;
use crate::state::batches::{Batch, Batches, Phase};
use crate::state::lanes::Lane;

const GRANTED: u32 = 1;
const IN_ROW: u32 = 2;
const RETURNED: u32 = 4;

/// What places in a line follow from, besides batches.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) devices: &'a KnownDevices,
    /// For each activation, what is known of its Device.
    pub(super) kinds: &'a [u32],
    pub(super) allowed: &'a Allowed,
}

/// [`Turns`].
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Queue {
    #[prost(fixed64, repeated, tag = "1")]
    users: Vec<u64>,
    #[prost(uint32, repeated, tag = "2")]
    weights: Vec<u32>,
    #[prost(uint64, repeated, tag = "3")]
    credits: Vec<u64>,
    #[prost(uint32, repeated, tag = "4")]
    marks: Vec<u32>,
    /// Of those that have one.
    #[prost(uint64, repeated, tag = "5")]
    turns: Vec<u64>,
    #[prost(fixed64, repeated, tag = "6")]
    lanes: Vec<u64>,
    #[prost(uint32, repeated, tag = "7")]
    line_users: Vec<u32>,
    #[prost(uint32, repeated, tag = "8")]
    line_lanes: Vec<u32>,
    #[prost(uint64, tag = "9")]
    next_turn: u64,
    /// [`hours_of`] each lane's window, parallel to `lanes`; none where no lane has one.
    #[prost(uint32, repeated, tag = "40")]
    lane_hours: Vec<u32>,
}

impl Queue {
    pub(super) fn of(queue: &engine::Queue) -> Self {
        let Turns {
            users,
            lanes,
            lines,
            next_turn,
        } = queue.turns();
        let (line_users, line_lanes) = lines.into_iter().unzip();
        let hours: Vec<u32> = lanes.iter().map(|lane| hours_of(lane.window)).collect();
        let any_hours = hours.iter().any(|hours| *hours != 0);
        let mut columns = Self {
            lanes: lanes.iter().map(|lane| lane.gateway.bits()).collect(),
            lane_hours: if any_hours { hours } else { Vec::new() },
            line_users,
            line_lanes,
            next_turn,
            ..Self::default()
        };
        for user in users {
            columns.push(user);
        }
        columns
    }

    fn push(&mut self, user: UserTurn<Eui64>) {
        let UserTurn {
            name,
            weight,
            credit,
            is_granted,
            turn,
        } = user;
        let (place, turn) = match turn {
            None => (0, None),
            Some(Turn::InRow(turn)) => (IN_ROW, Some(turn)),
            Some(Turn::Returned(turn)) => (RETURNED, Some(turn)),
        };
        let granted = if is_granted { GRANTED } else { 0 };
        self.users.push(name.bits());
        self.weights.push(weight);
        self.credits.push(credit);
        self.marks.push(granted | place);
        self.turns.extend(turn);
    }

    /// With all that is queued of these batches; each gets its slot.
    pub(super) fn load(
        self,
        batches: &mut Batches,
        known: Known<'_>,
        is_in: impl Fn(&Batch) -> bool,
    ) -> Result<engine::Queue, Why> {
        let is_queued = |phase: Phase| matches!(phase, Phase::Queued(_));
        let waiting = entries(batches, known, (&is_in, &is_queued));
        let (queue, slots) = self.resume(waiting)?;
        for (activation, slot) in slots {
            batches.change(activation, |item| item.phase = Phase::Queued(Some(slot)));
        }
        Ok(queue)
    }

    /// Likewise with all that is parked and may run ahead.
    pub(super) fn load_ahead(
        self,
        batches: &Batches,
        known: Known<'_>,
        is_in: impl Fn(&Batch) -> bool,
    ) -> Result<Ahead, Why> {
        let is_parked = |phase: Phase| phase == Phase::Parked;
        let (queue, slots) = self.resume(entries(batches, known, (&is_in, &is_parked)))?;
        let slots = slots.into_iter().collect();
        Ok(Ahead { queue, slots })
    }

    /// Likewise with all that is queued and may go through the security lane.
    pub(super) fn load_security(
        self,
        batches: &Batches,
        known: Known<'_>,
        is_in: impl Fn(&Batch) -> bool,
    ) -> Result<(engine::Queue, BTreeMap<u32, Slot>), Why> {
        let is_queued = |phase: Phase| matches!(phase, Phase::Queued(Some(_)));
        let waiting = entries(batches, known, (&is_in, &is_queued));
        let (queue, slots) = self.resume(waiting)?;
        Ok((queue, slots.into_iter().collect()))
    }

    fn resume(
        &self,
        waiting: impl Iterator<Item = Entry<Eui64, Lane, u32>>,
    ) -> Result<(engine::Queue, Vec<(u32, Slot)>), Why> {
        let turns = self.turns()?;
        let mut slots = Vec::new();
        let queue = FairQueue::resume(&turns, waiting, |activation, slot| {
            slots.push((activation, slot));
        });
        let queue = queue.map_err(|invalid| invalid.why())?;
        Ok((queue, slots))
    }

    fn lanes(&self) -> Result<Vec<Lane>, Why> {
        if !self.lane_hours.is_empty() && self.lane_hours.len() != self.lanes.len() {
            return Err("a queue has columns of different lengths");
        }
        let hours = self.lane_hours.iter().copied().chain(std::iter::repeat(0));
        let lanes = self.lanes.iter().zip(hours).map(|(gateway, hours)| {
            Ok(Lane {
                gateway: Eui64::from_bits(*gateway),
                window: window_of_hours(hours)?,
            })
        });
        lanes.collect()
    }

    fn turns(&self) -> Result<Turns<Eui64, Lane>, Why> {
        let len = self.users.len();
        let lens = [self.weights.len(), self.credits.len(), self.marks.len()];
        if lens != [len; 3] || self.line_users.len() != self.line_lanes.len() {
            return Err("a queue has columns of different lengths");
        }
        let mut turns = self.turns.iter().copied();
        let mut users = Vec::with_capacity(len);
        for (at, name) in self.users.iter().enumerate() {
            let marks = self.marks[at];
            let mut next = |turn: fn(u64) -> Turn| turns.next().map(turn);
            let turn = match marks & !GRANTED {
                0 => Ok(None),
                IN_ROW => next(Turn::InRow).map(Some).ok_or("a turn is missing"),
                RETURNED => next(Turn::Returned).map(Some).ok_or("a turn is missing"),
                _ => Err("a turn is neither in the row nor returned"),
            };
            users.push(UserTurn {
                name: Eui64::from_bits(*name),
                weight: self.weights[at],
                credit: self.credits[at],
                is_granted: marks & GRANTED != 0,
                turn: turn?,
            });
        }
        if turns.next().is_some() {
            return Err("a queue has more turns than Users");
        }
        let lines = self.line_users.iter().zip(&self.line_lanes);
        Ok(Turns {
            users,
            lanes: self.lanes()?,
            lines: lines.map(|(user, lane)| (*user, *lane)).collect(),
            next_turn: self.next_turn,
        })
    }
}

/// Only batches that have their place there are gone through: of a million activations that is most of the work.
fn entries(
    batches: &Batches,
    known: Known<'_>,
    (is_in, waits): (&impl Fn(&Batch) -> bool, &impl Fn(Phase) -> bool),
) -> impl Iterator<Item = Entry<Eui64, Lane, u32>> {
    let Known {
        devices,
        kinds,
        allowed,
    } = known;
    let there = batches.iter().filter(move |batch| is_in(batch));
    there.flat_map(move |batch| {
        let waiting = batch.activations().filter(move |activation| {
            let phase = batches.activation(*activation).phase;
            waits(phase) && allowed.has(*activation)
        });
        waiting.map(|activation| Entry {
            user: batch.user,
            lane: Lane {
                gateway: devices.gateway_of(kinds[as_usize(activation)]),
                window: batch.window,
            },
            due_us: batch.due_us,
            order: activation,
            key: activation,
        })
    })
}

/// A window's two hours in one number; 0 for none.
pub(super) fn hours_of(window: Option<HourWindow>) -> u32 {
    window.map_or(0, |window| {
        let (from, to) = window.hours();
        u32::from(from) << 8 | u32::from(to)
    })
}

/// The window of its two hours.
pub(super) fn window_of_hours(hours: u32) -> Result<Option<HourWindow>, Why> {
    if hours == 0 {
        return Ok(None);
    }
    let (from, to) = (u8::try_from(hours >> 8), hours.to_le_bytes()[0]);
    let window = from.ok().and_then(|from| HourWindow::new(from, to).ok());
    window.map(Some).ok_or("hours are no window")
}
