//! What was counted of Users' requests.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;

use super::Why;
use crate::record::Counted;
use crate::state::counts as state;

/// The period's counts, and the Users' own counters.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Counts {
    #[prost(int64, tag = "1")]
    period_start_us: i64,
    #[prost(message, repeated, tag = "2")]
    used: Vec<Count>,
    /// Those whose threshold would have been gone over, with nothing in `used`.
    #[prost(message, repeated, tag = "3")]
    breached: Vec<Count>,
    #[prost(uint64, tag = "4")]
    breaches: u64,
    #[prost(fixed64, repeated, tag = "5")]
    originators: Vec<u64>,
    /// Parallel to `originators`.
    #[prost(uint64, repeated, tag = "6")]
    originator_counters: Vec<u64>,
}

/// One count.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
struct Count {
    #[prost(enumeration = "Counted", tag = "1")]
    counted: i32,
    /// Absent for that over all Users.
    #[prost(fixed64, optional, tag = "2")]
    user: Option<u64>,
    #[prost(uint32, tag = "3")]
    used: u32,
}

impl Count {
    fn of((counted, scope): (Counted, state::Scope), used: u32) -> Self {
        Self {
            counted: counted.into(),
            user: scope.map(Eui64::bits),
            used,
        }
    }

    fn name(self) -> Result<(Counted, state::Scope), Why> {
        match self.counted() {
            Counted::Unspecified => Err("what a count counts is not known"),
            counted => Ok((counted, self.user.map(Eui64::from_bits))),
        }
    }
}

impl Counts {
    pub(super) fn of(counts: &state::Counts) -> Self {
        let state::Counts {
            period_start_us,
            used,
            breached,
            breaches,
            originators,
        } = counts;
        Self {
            period_start_us: *period_start_us,
            used: used
                .iter()
                .map(|(name, used)| Count::of(*name, *used))
                .collect(),
            breached: breached.iter().map(|name| Count::of(*name, 0)).collect(),
            breaches: *breaches,
            originators: originators.keys().map(|user| user.bits()).collect(),
            originator_counters: originators.values().copied().collect(),
        }
    }

    pub(super) fn load(self) -> Result<state::Counts, Why> {
        if self.originators.len() != self.originator_counters.len() {
            return Err("originator counters have columns of different lengths");
        }
        let used = self.used.iter().map(|it| Ok((it.name()?, it.used)));
        let used: BTreeMap<_, _> = used.collect::<Result<_, Why>>()?;
        let breached = self.breached.iter().map(|it| it.name());
        let breached: BTreeSet<_> = breached.collect::<Result<_, Why>>()?;
        let users = self.originators.iter().copied().map(Eui64::from_bits);
        let originators: BTreeMap<_, _> = users.zip(self.originator_counters).collect();
        let lens = [used.len(), breached.len(), originators.len()];
        if lens != [self.used.len(), self.breached.len(), self.originators.len()] {
            return Err("a count is told twice");
        }
        Ok(state::Counts {
            period_start_us: self.period_start_us,
            used,
            breached,
            breaches: self.breaches,
            originators,
        })
    }
}
