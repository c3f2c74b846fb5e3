//! Whose turn it is in a queue. What waits in it is what is queued, in order of its numbers.

use dco_block::Eui64;
use dco_dispatch::{Entry, FairQueue, Turn, Turns, UserTurn};

use super::Why;
use super::devices::KnownDevices;
use crate::engine;
use crate::read::as_usize;
use crate::state::batches::{Batch, Batches, Phase};

const GRANTED: u32 = 1;
const IN_ROW: u32 = 2;
const RETURNED: u32 = 4;

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
        let mut columns = Self {
            lanes: lanes.into_iter().map(Eui64::bits).collect(),
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

    /// With all that is queued of these batches; each gets its slot. What is known of their Devices stands in the order
    /// of the activations.
    pub(super) fn load(
        self,
        batches: &mut Batches,
        (known, kinds): (&KnownDevices, &[u32]),
        is_in: impl Fn(&Batch) -> bool,
    ) -> Result<engine::Queue, Why> {
        let turns = self.turns()?;
        let mut slots = Vec::new();
        let queue = FairQueue::resume(
            &turns,
            entries(batches, (known, kinds), is_in),
            |activation, slot| slots.push((activation, slot)),
        );
        for (activation, slot) in slots {
            batches.activation_mut(activation).phase = Phase::Queued(Some(slot));
        }
        queue.map_err(|invalid| invalid.why())
    }

    fn turns(&self) -> Result<Turns<Eui64, Eui64>, Why> {
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
            lanes: self.lanes.iter().copied().map(Eui64::from_bits).collect(),
            lines: lines.map(|(user, lane)| (*user, *lane)).collect(),
            next_turn: self.next_turn,
        })
    }
}

fn entries(
    batches: &Batches,
    (known, kinds): (&KnownDevices, &[u32]),
    is_in: impl Fn(&Batch) -> bool,
) -> impl Iterator<Item = Entry<Eui64, Eui64, u32>> {
    let of_kind = batches.iter().filter(move |batch| is_in(batch));
    of_kind.flat_map(move |batch| {
        let waiting = batch.activations().filter(|activation| {
            let phase = batches.activation(*activation).phase;
            matches!(phase, Phase::Queued(_))
        });
        waiting.map(|activation| Entry {
            user: batch.user,
            lane: known.gateway_of(kinds[as_usize(activation)]),
            due_us: batch.due_us,
            order: activation.into(),
            key: activation,
        })
    })
}
