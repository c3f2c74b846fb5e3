//! Requests that changed something.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_schedule::ScheduleId;

use super::Why;
use crate::state::batches::Batches;
use crate::state::requests::{self as state, Made};
use crate::state::schedules::Schedules;
use crate::state::transfers::Transfers;

/// By User and id.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Requests {
    #[prost(fixed64, repeated, tag = "1")]
    users: Vec<u64>,
    /// 16 octets each.
    #[prost(bytes = "vec", tag = "2")]
    ids: Vec<u8>,
    /// 32 octets each.
    #[prost(bytes = "vec", tag = "3")]
    digests: Vec<u8>,
    #[prost(enumeration = "Kind", repeated, tag = "4")]
    kinds: Vec<i32>,
    /// An owner, a batch's index or a count of Devices.
    #[prost(uint64, repeated, tag = "5")]
    made: Vec<u64>,
    /// Whose schedule, for each request that made one or a step of one.
    #[prost(fixed64, repeated, tag = "40")]
    schedules_of: Vec<u64>,
}

/// What a request made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum Kind {
    Unspecified = 0,
    Transfer = 1,
    Batch = 2,
    CancelledBatch = 3,
    Imported = 4,
    Schedule = 40,
    Action = 41,
    Capacity = 42,
}

impl Requests {
    pub(super) fn of(requests: &state::Requests) -> Self {
        let state::Requests { done } = requests;
        let mut columns = Self::default();
        for ((user, id), (digest, made)) in done {
            columns.users.push(user.bits());
            columns.ids.extend_from_slice(id);
            columns.digests.extend_from_slice(digest);
            let (kind, made) = match *made {
                Made::Transfer(owner) => (Kind::Transfer, owner),
                Made::Batch(batch) => (Kind::Batch, batch.into()),
                Made::CancelledBatch(batch) => (Kind::CancelledBatch, batch.into()),
                Made::Imported(count) => (Kind::Imported, count.into()),
                Made::Schedule(id) => {
                    columns.schedules_of.push(id.user.bits());
                    (Kind::Schedule, id.number.into())
                }
                Made::Action(action) => (Kind::Action, action),
                Made::Capacity => (Kind::Capacity, 0),
            };
            columns.kinds.push(kind.into());
            columns.made.push(made);
        }
        columns
    }

    pub(super) fn load(
        self,
        transfers: &Transfers,
        batches: &Batches,
        schedules: &Schedules,
    ) -> Result<state::Requests, Why> {
        let (ids, odd_ids) = self.ids.as_chunks::<16>();
        let (digests, odd_digests) = self.digests.as_chunks::<32>();
        let len = self.users.len();
        let lens = [ids.len(), digests.len(), self.kinds.len(), self.made.len()];
        if lens != [len; 4] || !odd_ids.is_empty() || !odd_digests.is_empty() {
            return Err("its requests have columns of different lengths");
        }
        let users = self.users.iter().copied().map(Eui64::from_bits);
        let keys: Vec<_> = users.zip(ids.iter().copied()).collect();
        if !keys.is_sorted_by(|one, next| one < next) {
            return Err("its requests are not in order");
        }
        let mut schedules_of = self.schedules_of.iter().copied().map(Eui64::from_bits);
        let made = self.kinds.iter().zip(&self.made);
        let made = made.map(|(kind, number)| {
            made_about_schedules(*kind, *number, &mut schedules_of, schedules)
                .or_else(|| made_of(*kind, *number, transfers, batches))
        });
        let made = made
            .collect::<Option<Vec<_>>>()
            .ok_or("a request made what is not there")?;
        let done: BTreeMap<_, _> = keys
            .into_iter()
            .zip(digests.iter().copied().zip(made))
            .collect();
        Ok(state::Requests { done })
    }
}

fn made_about_schedules(
    kind: i32,
    number: u64,
    schedules_of: &mut impl Iterator<Item = Eui64>,
    schedules: &Schedules,
) -> Option<Made> {
    match Kind::try_from(kind).ok()? {
        Kind::Schedule => {
            let user = schedules_of.next()?;
            let number = u32::try_from(number).ok()?;
            let id = ScheduleId { user, number };
            schedules.book.get(id).map(|_| Made::Schedule(id))
        }
        Kind::Action => (1..=schedules.last_action())
            .contains(&number)
            .then_some(Made::Action(number)),
        Kind::Capacity => Some(Made::Capacity),
        _ => None,
    }
}

fn made_of(kind: i32, number: u64, transfers: &Transfers, batches: &Batches) -> Option<Made> {
    let small = u32::try_from(number);
    let batch = small.ok().filter(|batch| *batch < batches.next_batch());
    match Kind::try_from(kind).ok()? {
        Kind::Unspecified => None,
        Kind::Transfer => transfers.get(number).map(|_| Made::Transfer(number)),
        Kind::Batch => batch.map(Made::Batch),
        Kind::CancelledBatch => batch.map(Made::CancelledBatch),
        Kind::Imported => small.ok().map(Made::Imported),
        Kind::Schedule | Kind::Action | Kind::Capacity => None,
    }
}
