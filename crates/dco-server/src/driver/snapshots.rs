//! Snapshots of the journal, so that a start need not replay all of it.

use std::sync::Arc;

use dco_engine::Terms;
use dco_engine::record::Record;
use dco_schedule::Micros;
use dco_store::{Journal, Second, Snapshots};
use prost::Message;

use super::replayed::Replayed;
use crate::clock::Clock;
use crate::metrics::Metrics;

/// Starts the thread that makes them. Segments of the journal all of whose records are older than `kept_us`, and in two
/// snapshots, go.
pub(super) fn start(
    journal: &Journal,
    terms: Terms,
    clock: Clock,
    kept_us: Micros,
    metrics: Arc<Metrics>,
) -> Snapshots {
    let make = move || -> Box<dyn Second> { Box::new(Replayed::new(terms.clone())) };
    let expired = move |record: &[u8]| is_over(record, clock.now_us().saturating_sub(kept_us));
    Snapshots::start(journal, make, expired, move |outcome| match outcome {
        Ok(made) => {
            metrics.snapshot_made(made.seq);
            tracing::info!(
                record = made.seq,
                bytes = made.bytes,
                records = made.records,
                removed = made.removed.len(),
                "a snapshot of the journal was made"
            );
        }
        Err(error) => {
            metrics.snapshot_failed();
            tracing::warn!(%error, "no snapshot of the journal could be made; starts take longer");
        }
    })
}

/// Whether a record is older than `before_us`, and with it all that stand before it. What cannot be read is kept.
fn is_over(record: &[u8], before_us: Micros) -> bool {
    Record::decode(record).is_ok_and(|record| record.at_us < before_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_goes_by_the_time_of_its_records_and_stays_when_that_is_not_known() {
        let record = Record {
            at_us: 100,
            change: None,
        };
        let bytes = record.encode_to_vec();
        assert!(is_over(&bytes, 101));
        assert!(!is_over(&bytes, 100));
        assert!(!is_over(b"\xFF", 101));
    }
}
