//! What is counted of the store: starts, snapshots, the block log, the scrub, backups.

use std::time::Duration;

use dco_schedule::Micros;
use dco_store::{BlockStats, Seq, Start};
use metrics::Label;

use super::inventory::{
    BACKUP_TIME, BACKUPS, BLOCKS_DAMAGED, LOG_ALIVE, LOG_COMPACTED, LOG_DEAD, LOG_PUT,
    LOG_SEGMENTS, LOG_SPARE, LOG_WRITTEN, SCRUB_BLOCKS, SCRUB_BYTES, SCRUB_DAMAGED, SCRUB_PASS,
    SNAPSHOT_RECORD, SNAPSHOTS_FAILED, SNAPSHOTS_MADE, SNAPSHOTS_REFUSED, START_RECORDS,
    START_SECONDS,
};
use super::{Metrics, wide};

const SECOND_US: Micros = 1_000_000;

impl Metrics {
    /// The service has found what was on the disk.
    pub(crate) fn started(&self, start: &Start, took: Duration) {
        let seconds = START_SECONDS.gauge(&self.recorder, Vec::new());
        seconds.set(took.as_secs_f64());
        self.set(START_RECORDS, start.records);
        self.set(SNAPSHOTS_REFUSED, wide(start.refused.len()));
        self.set(SNAPSHOT_RECORD, start.snapshot.unwrap_or(0));
        // These are in the text from the beginning, so that their first change is seen.
        self.set(SNAPSHOTS_MADE, 0);
        self.set(SNAPSHOTS_FAILED, 0);
        self.set(SCRUB_DAMAGED, 0);
        self.set(SCRUB_PASS, 0);
    }

    /// There is a newer snapshot, which ends with this record.
    pub(crate) fn snapshot_made(&self, seq: Seq) {
        SNAPSHOTS_MADE
            .counter(&self.recorder, Vec::new())
            .increment(1);
        self.set(SNAPSHOT_RECORD, seq);
    }

    /// A snapshot could not be made.
    pub(crate) fn snapshot_failed(&self) {
        SNAPSHOTS_FAILED
            .counter(&self.recorder, Vec::new())
            .increment(1);
    }

    /// The scrub has looked at a block of so many bytes.
    pub(crate) fn scrubbed(&self, bytes: u32) {
        SCRUB_BLOCKS
            .counter(&self.recorder, Vec::new())
            .increment(1);
        SCRUB_BYTES
            .counter(&self.recorder, Vec::new())
            .increment(bytes.into());
    }

    /// It has found a damaged block.
    pub(crate) fn scrub_found_damage(&self) {
        SCRUB_DAMAGED
            .counter(&self.recorder, Vec::new())
            .increment(1);
    }

    /// It has looked at every block that was held.
    pub(crate) fn scrub_passed(&self, at_us: Micros) {
        self.set(SCRUB_PASS, seconds(at_us));
    }

    /// How the block log stands.
    pub(super) fn set_blocks(&self, blocks: &BlockStats) {
        self.set(LOG_PUT, blocks.put_bytes);
        self.set(LOG_COMPACTED, blocks.compacted_bytes);
        self.set(LOG_WRITTEN, blocks.written_bytes);
        self.set(LOG_SEGMENTS, blocks.segments);
        self.set(LOG_SPARE, blocks.spare);
        self.set(LOG_ALIVE, blocks.alive_bytes);
        self.set(LOG_DEAD, blocks.dead_bytes);
        self.set(BLOCKS_DAMAGED, blocks.damaged_blocks);
    }

    /// A backup has ended; one that is complete was begun at this time.
    pub(crate) fn backup_ended(&self, how: &'static str, complete_us: Option<Micros>) {
        let labels = vec![Label::from_static_parts("outcome", how)];
        BACKUPS.counter(&self.recorder, labels).increment(1);
        if let Some(begun_us) = complete_us {
            self.set(BACKUP_TIME, seconds(begun_us));
        }
    }
}

fn seconds(at_us: Micros) -> u64 {
    u64::try_from(at_us / SECOND_US).unwrap_or(0)
}
