//! What a gateway has done so far, in numbers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dco_block::Eui64;
use dco_client::AttemptResult;
use tokio::sync::watch;

use crate::meter::Running;

/// Counts since the gateway started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Streams opened with the DCO.
    pub connections: u64,
    /// Offers, repeated ones included.
    pub offers: u64,
    /// Offers of an attempt that was known already; none of them started anything.
    pub repeated_offers: u64,
    /// Offers declined because as many were in hand as the gateway takes at one time.
    pub declined: u64,
    /// Attempts started.
    pub started: u64,
    /// Attempts that the DCO gave up or replaced with a newer one while they were in hand.
    pub stopped: u64,
    /// Attempts that ended, by how they ended.
    pub ended: BTreeMap<AttemptResult, u64>,
    /// Outcomes that the DCO has noted.
    pub noted: u64,
    /// Blocks that meters have taken.
    pub blocks_delivered: u64,
    /// Blocks read from the DCO and found right.
    pub blocks_read: u64,
    /// Blocks read from the DCO that had been read before, or were not right.
    pub blocks_reread: u64,
}

impl Stats {
    /// Attempts that ended in this way.
    pub fn count(&self, result: AttemptResult) -> u64 {
        self.ended.get(&result).copied().unwrap_or(0)
    }

    /// Attempts whose Device runs the image now.
    pub fn successes(&self) -> u64 {
        self.count(AttemptResult::Success) + self.count(AttemptResult::AlreadyAtVersion)
    }

    /// Attempts that ended in any other way.
    pub fn failures(&self) -> u64 {
        self.ended.values().sum::<u64>() - self.successes()
    }
}

/// What can be watched of a gateway.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Counts; those of blocks stand still here, ask [`Monitor::stats`] for them.
    pub stats: Stats,
    /// What each Device that ended an attempt runs, as it told its gateway.
    pub devices: BTreeMap<Eui64, Running>,
    /// Whether the DCO has taken the last hello and the stream still stands.
    pub connected: bool,
    /// Attempts in hand.
    pub in_hand: u32,
}

/// Looks at a gateway while it runs and after; clones look at the same one.
#[derive(Clone, Debug)]
pub struct Monitor {
    pub(crate) shown: watch::Receiver<Shown>,
    pub(crate) blocks: Arc<BlockCounts>,
}

/// Counted where blocks pass, by many tasks at once.
#[derive(Debug, Default)]
pub(crate) struct BlockCounts {
    pub(crate) delivered: Count,
    pub(crate) read: Count,
    pub(crate) reread: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Monitor {
    /// The counts of this moment.
    pub fn stats(&self) -> Stats {
        Stats {
            blocks_delivered: self.blocks.delivered.get(),
            blocks_read: self.blocks.read.get(),
            blocks_reread: self.blocks.reread.get(),
            ..self.shown.borrow().stats.clone()
        }
    }

    /// What each Device that ended an attempt runs, in the order of their names.
    pub fn devices(&self) -> BTreeMap<Eui64, Running> {
        self.shown.borrow().devices.clone()
    }

    /// Waits until what is shown is as wanted. Says whether it came to that: not, if the gateway
    /// ended before.
    pub async fn wait_until(&self, wanted: impl FnMut(&Shown) -> bool) -> bool {
        self.shown.clone().wait_for(wanted).await.is_ok()
    }
}

impl Count {
    pub(crate) fn add(&self, more: u64) {
        // Only a number to be shown: nothing is ordered by it.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
