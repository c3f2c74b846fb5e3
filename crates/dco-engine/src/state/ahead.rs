//! What waits for a later service day and may run ahead of it.

use std::collections::BTreeMap;

use dco_dispatch::Slot;

use crate::engine::Queue;

/// Parked activations of schedules with `run_ahead`. Users share alike: what they have sent for today has no weight here.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    pub(crate) queue: Queue,
    pub(crate) slots: BTreeMap<u32, Slot>,
}
