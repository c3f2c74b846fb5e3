//! The security lane: whose turn it is in it, and what went through it on the open service day.

use dco_block::Eui64;

use super::Why;
use super::queues::Queue;
use crate::state::security::{Displacement, LaneShare, SecurityLane};

/// What waits in it follows from the rest of the snapshot.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Security {
    #[prost(message, optional, tag = "1")]
    queue: Option<Queue>,
    /// Users that have had units through it, or would have had some of them.
    #[prost(fixed64, repeated, tag = "2")]
    users: Vec<u64>,
    #[prost(uint32, repeated, tag = "3")]
    received: Vec<u32>,
    #[prost(uint64, repeated, tag = "4")]
    due_parts: Vec<u64>,
}

impl Security {
    /// `None` for a lane that was never used: what an older program wrote says as much.
    pub(super) fn of(lane: &SecurityLane) -> Option<Self> {
        let SecurityLane {
            queue,
            slots: _,
            displaced: Displacement { users },
        } = lane;
        let queue = Queue::of(queue);
        let mut columns = Self {
            queue: (queue != Queue::default()).then_some(queue),
            ..Self::default()
        };
        for (user, share) in users {
            let LaneShare {
                received,
                due_parts,
            } = *share;
            columns.users.push(user.bits());
            columns.received.push(received);
            columns.due_parts.push(due_parts);
        }
        (columns != Self::default()).then_some(columns)
    }

    pub(super) fn load(self) -> Result<(Queue, Displacement), Why> {
        let len = self.users.len();
        if [self.received.len(), self.due_parts.len()] != [len; 2] {
            return Err("the security lane has columns of different lengths");
        }
        let counts = self.received.into_iter().zip(self.due_parts);
        let shares = counts.map(|(received, due_parts)| LaneShare {
            received,
            due_parts,
        });
        let users = self.users.into_iter().map(Eui64::from_bits);
        let displaced = Displacement {
            users: users.zip(shares).collect(),
        };
        if displaced.users.len() != len {
            return Err("the security lane names a User twice");
        }
        Ok((self.queue.unwrap_or_default(), displaced))
    }
}
