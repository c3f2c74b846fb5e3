//! Looks through all blocks that are held, over and over and slowly, for bytes that have changed on disk: so that a
//! damaged image is known before somebody needs it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dco_store::{BlockReader, Scrubbed, StoreError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, pause};
use crate::driver::Found;
use crate::metrics::Metrics;

/// From the end of one pass to the beginning of the next: where little is held, passes are short.
const REST: Duration = Duration::from_secs(1);

/// What it looks at and whom it tells.
#[derive(Debug)]
pub(crate) struct Scrub {
    pub(crate) reader: BlockReader,
    pub(crate) found: Found,
    pub(crate) metrics: Arc<Metrics>,
    /// 0 for not at all.
    pub(crate) bytes_per_second: u64,
}

/// A block by its owner and index.
type Key = (u64, u32);

impl Scrub {
    /// Goes on until `stop`, or until the store has closed.
    pub(crate) async fn run(self, stop: CancellationToken) {
        if self.bytes_per_second == 0 {
            return;
        }
        tokio::select! {
            () = self.look() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn look(&self) {
        let mut after = None;
        let mut damaged = BTreeSet::new();
        loop {
            let reader = self.reader.clone();
            // Apart, because reading may wait for the disk.
            let looked = tokio::task::spawn_blocking(move || reader.scrub(after)).await;
            match looked {
                Ok(Some(scrubbed)) => {
                    if matches!(scrubbed.result, Err(StoreError::Closed)) {
                        return;
                    }
                    after = Some((scrubbed.owner, scrubbed.index));
                    self.note(&scrubbed, &mut damaged);
                    sleep(pause(scrubbed.bytes.into(), self.bytes_per_second)).await;
                }
                Ok(None) => {
                    after = None;
                    self.metrics.scrub_passed(Clock::wall().now_us());
                    sleep(REST).await;
                }
                // A bug, which has had its word on standard error; the next block may be another matter.
                Err(_) => sleep(REST).await,
            }
        }
    }

    /// Damage is told and logged once, and again only when the block was whole in between.
    fn note(&self, scrubbed: &Scrubbed, damaged: &mut BTreeSet<Key>) {
        let (owner, index) = (scrubbed.owner, scrubbed.index);
        self.metrics.scrubbed(scrubbed.bytes);
        match &scrubbed.result {
            Ok(()) => {
                damaged.remove(&(owner, index));
            }
            Err(StoreError::Damaged { file, offset, what }) => {
                if damaged.insert((owner, index)) {
                    self.metrics.scrub_found_damage();
                    tracing::error!(
                        owner,
                        block.index = index,
                        file,
                        offset,
                        what,
                        "the scrub has found a damaged block; its image is to be sent again"
                    );
                    self.found.is_damaged(owner, index);
                }
            }
            Err(error) => {
                self.metrics.store_error();
                tracing::error!(owner, block.index = index, %error, "a block cannot be looked at");
            }
        }
    }
}
