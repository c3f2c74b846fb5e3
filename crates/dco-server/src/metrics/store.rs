//! What is counted of the store: starts, snapshots, backups.

use std::time::Duration;

use dco_schedule::Micros;
use dco_store::{Seq, Start};
use metrics::Label;

use super::inventory::{
    BACKUP_TIME, BACKUPS, SNAPSHOT_RECORD, SNAPSHOTS_FAILED, SNAPSHOTS_MADE, SNAPSHOTS_REFUSED,
    START_RECORDS, START_SECONDS,
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
        // Both are in the text from the beginning, so that their first change is seen.
        SNAPSHOTS_MADE.counter(&self.recorder, Vec::new());
        SNAPSHOTS_FAILED.counter(&self.recorder, Vec::new());
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

    /// A backup has ended; one that is complete was begun at this time.
    pub(crate) fn backup_ended(&self, how: &'static str, complete_us: Option<Micros>) {
        let labels = vec![Label::from_static_parts("outcome", how)];
        BACKUPS.counter(&self.recorder, labels).increment(1);
        if let Some(begun_us) = complete_us {
            let seconds = u64::try_from(begun_us / SECOND_US).unwrap_or(0);
            self.set(BACKUP_TIME, seconds);
        }
    }
}
