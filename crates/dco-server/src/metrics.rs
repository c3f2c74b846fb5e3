//! What the service counts, and the text in which it says so.
//!
//! Counters start at zero with the process; what is counted since the beginning of the journal says so.

mod inventory;
mod store;

use std::sync::Arc;

use dco_block::Eui64;
use dco_engine::EngineStats;
use dco_store::BlockStats;
use metrics::{Counter, Gauge, Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tonic::Code;

use crate::convert::notices::counted_name;
use crate::expiry::Ends;
use crate::status::code_name;
use inventory::{
    ACTIVATIONS_FAILED, ACTIVATIONS_HELD, ACTIVATIONS_PARKED, ACTIVATIONS_QUEUED,
    ACTIVATIONS_SUCCEEDED, ATTEMPTS_UNDER_WAY, AUTHORITY_EXPIRY, BATCHES_TRT_NEAR, BLOCK_BYTES,
    BLOCKS_ACKNOWLEDGED, BLOCKS_REFUSED, BYTES_IN_FLIGHT, CAPACITY_TODAY, CERTIFICATE_EXPIRY,
    CONNECTIONS_REFUSED, DEVICES, DISK_ROOM, DISPATCH_PAUSED, GATEWAYS_CONNECTED, GATEWAYS_FAILING,
    IMAGES_QUARANTINED, IMAGES_STORED, INVENTORY, JOURNAL_RECORDS, Kind, Metric, OPEN_CALLS,
    PAUSES, PEER_CERTIFICATE_EXPIRY, PERIOD_COUNT, PERIOD_LIMIT, PRODUCTS, RELEASED_TODAY,
    RELOAD_REFUSED, RELOADS, REQUESTS, REVOCATIONS_DUE, SECURITY_LIMIT_TODAY, SECURITY_QUEUED,
    SECURITY_RELEASED_TODAY, STOPPED, STORE_ERRORS, THRESHOLDS_BREACHED, TRANSFERS_RECEIVING,
    TRANSFERS_VERIFYING,
};

/// What is asked for when the metrics are read.
#[derive(Debug, Default)]
pub(crate) struct Moment {
    /// Nothing when the engine has ended.
    pub engine: Option<EngineStats>,
    pub bytes_in_flight: usize,
    pub ends: Ends,
    pub blocks: BlockStats,
    /// Nothing when the disk does not say.
    pub room_bytes: Option<u64>,
}

/// The metrics of one running service. It has a recorder of its own, so that two services in one
/// process do not count into each other.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    text: PrometheusHandle,
    open_calls: Gauge,
    blocks_acknowledged: Counter,
    block_bytes: Counter,
    store_errors: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Arc<Self> {
        let recorder = PrometheusBuilder::new().build_recorder();
        for metric in INVENTORY {
            metric.describe(&recorder);
        }
        Arc::new(Self {
            text: recorder.handle(),
            open_calls: OPEN_CALLS.gauge(&recorder, Vec::new()),
            blocks_acknowledged: BLOCKS_ACKNOWLEDGED.counter(&recorder, Vec::new()),
            block_bytes: BLOCK_BYTES.counter(&recorder, Vec::new()),
            store_errors: STORE_ERRORS.counter(&recorder, Vec::new()),
            recorder,
        })
    }

    pub(crate) fn call_started(&self) {
        self.open_calls.increment(1);
    }

    pub(crate) fn call_ended(&self, method: &Arc<str>, code: Code) {
        self.open_calls.decrement(1);
        let labels = vec![
            Label::new("method", Arc::clone(method)),
            Label::from_static_parts("code", code_name(code)),
        ];
        REQUESTS.counter(&self.recorder, labels).increment(1);
    }

    pub(crate) fn block_acknowledged(&self, bytes: usize) {
        self.blocks_acknowledged.increment(1);
        self.block_bytes.increment(wide(bytes));
    }

    pub(crate) fn block_refused(&self, reason: &'static str) {
        let labels = vec![Label::from_static_parts("reason", reason)];
        BLOCKS_REFUSED.counter(&self.recorder, labels).increment(1);
    }

    /// A connection was closed before any call.
    pub(crate) fn connection_refused(&self, why: &'static str) {
        let labels = vec![Label::from_static_parts("why", why)];
        CONNECTIONS_REFUSED
            .counter(&self.recorder, labels)
            .increment(1);
    }

    /// A registered party has shown a certificate that is good until then, in seconds since 1970.
    pub(crate) fn peer_certificate(&self, party: Eui64, ends: i64) {
        let labels = vec![Label::new("party", party.to_string())];
        PEER_CERTIFICATE_EXPIRY
            .gauge(&self.recorder, labels)
            .set(in_float(ends.try_into().unwrap_or(0)));
    }

    /// Files of this kind are looked at from now on: their series are there before anything goes wrong.
    pub(crate) fn reload_begins(&self, what: &'static str) {
        let labels = vec![Label::from_static_parts("what", what)];
        RELOAD_REFUSED.gauge(&self.recorder, labels).set(0.0);
    }

    /// Files were looked at: whether anything was new; nothing when they cannot be used.
    pub(crate) fn reloaded(&self, what: &'static str, renewed: Option<bool>) {
        let what = Label::from_static_parts("what", what);
        let refused = RELOAD_REFUSED.gauge(&self.recorder, vec![what.clone()]);
        refused.set(if renewed.is_some() { 0.0 } else { 1.0 });
        let outcome = match renewed {
            Some(true) => "renewed",
            Some(false) => return,
            None => "refused",
        };
        let labels = vec![what, Label::from_static_parts("outcome", outcome)];
        RELOADS.counter(&self.recorder, labels).increment(1);
    }

    pub(crate) fn store_error(&self) {
        self.store_errors.increment(1);
    }

    /// All metrics in Prometheus' text format, those of one moment among them.
    pub(crate) fn text(&self, moment: &Moment) -> String {
        self.set(BYTES_IN_FLIGHT, wide(moment.bytes_in_flight));
        let seconds = |end| u64::try_from(end).unwrap_or(0);
        self.set(CERTIFICATE_EXPIRY, seconds(moment.ends.certificate));
        self.set(AUTHORITY_EXPIRY, seconds(moment.ends.authorities));
        let due = moment.ends.revocations.unwrap_or(0);
        self.set(REVOCATIONS_DUE, seconds(due));
        if let Some(stats) = &moment.engine {
            self.set_engine(stats);
        }
        self.set_blocks(&moment.blocks);
        if let Some(room_bytes) = moment.room_bytes {
            self.set(DISK_ROOM, room_bytes);
        }
        // Publishes the descriptions.
        self.text.run_upkeep();
        self.text.render()
    }

    fn set_engine(&self, stats: &EngineStats) {
        self.set(TRANSFERS_RECEIVING, stats.transfers_receiving);
        self.set(TRANSFERS_VERIFYING, stats.transfers_verifying);
        self.set(IMAGES_STORED, stats.images_stored);
        self.set(ACTIVATIONS_PARKED, stats.activations_parked);
        self.set_sized(ACTIVATIONS_QUEUED, "large", stats.activations_queued_large);
        self.set_sized(ACTIVATIONS_QUEUED, "small", stats.activations_queued_small);
        self.set(ATTEMPTS_UNDER_WAY, stats.attempts_under_way);
        self.set(RELEASED_TODAY, stats.released_today);
        self.set(CAPACITY_TODAY, stats.capacity_today);
        self.set(SECURITY_RELEASED_TODAY, stats.security_released_today);
        self.set(SECURITY_LIMIT_TODAY, stats.security_limit_today);
        self.set(SECURITY_QUEUED, stats.activations_queued_security);
        self.set(IMAGES_QUARANTINED, stats.images_quarantined);
        self.set(ACTIVATIONS_HELD, stats.activations_held);
        self.set(BATCHES_TRT_NEAR, stats.batches_trt_near);
        self.set(PRODUCTS, stats.products);
        self.set(THRESHOLDS_BREACHED, stats.thresholds_breached);
        for count in &stats.period {
            let labels = vec![Label::from_static_parts(
                "counted",
                counted_name(count.counted),
            )];
            PERIOD_COUNT.set(&self.recorder, labels.clone(), count.used);
            PERIOD_LIMIT.set(&self.recorder, labels, count.limit);
        }
        self.set(DISPATCH_PAUSED, stats.dispatch_paused);
        self.set(PAUSES, stats.pauses);
        self.set(STOPPED, stats.stopped);
        self.set(GATEWAYS_FAILING, stats.gateways_failing);
        self.set(GATEWAYS_CONNECTED, stats.gateways_connected);
        self.set(DEVICES, stats.devices);
        self.set(ACTIVATIONS_SUCCEEDED, stats.activations_succeeded);
        self.set(ACTIVATIONS_FAILED, stats.activations_failed);
        self.set(JOURNAL_RECORDS, stats.records);
    }

    fn set(&self, metric: Metric, value: u64) {
        metric.set(&self.recorder, Vec::new(), value);
    }

    fn set_sized(&self, metric: Metric, size: &'static str, value: u64) {
        let labels = vec![Label::from_static_parts("size", size)];
        metric.set(&self.recorder, labels, value);
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metric {
    fn describe(self, recorder: &PrometheusRecorder) {
        let name = KeyName::from_const_str(self.name);
        match self.kind {
            Kind::Counter => recorder.describe_counter(name, Some(self.unit), self.meaning.into()),
            Kind::Gauge => recorder.describe_gauge(name, Some(self.unit), self.meaning.into()),
        }
    }

    fn counter(self, recorder: &PrometheusRecorder, labels: Vec<Label>) -> Counter {
        recorder.register_counter(&self.key(labels), &METADATA)
    }

    fn gauge(self, recorder: &PrometheusRecorder, labels: Vec<Label>) -> Gauge {
        recorder.register_gauge(&self.key(labels), &METADATA)
    }

    fn set(self, recorder: &PrometheusRecorder, labels: Vec<Label>, value: u64) {
        match self.kind {
            Kind::Counter => self.counter(recorder, labels).absolute(value),
            Kind::Gauge => self.gauge(recorder, labels).set(in_float(value)),
        }
    }

    fn key(self, labels: Vec<Label>) -> Key {
        Key::from_parts(self.name, labels)
    }
}

const METADATA: Metadata<'static> = Metadata::new("dco", Level::INFO, None);

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the text format has floating point numbers only; exact up to 2^53"
)]
fn in_float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dco_store::Start;

    use super::*;

    #[test]
    fn every_metric_of_the_inventory_is_in_the_text_once_it_was_set() {
        let metrics = Metrics::new();
        metrics.call_started();
        metrics.call_ended(&"/dco.v1.Gateway/Connect".into(), Code::Aborted);
        metrics.block_acknowledged(65_536);
        metrics.block_refused("BLOCK_OUT_OF_RANGE");
        metrics.store_error();
        metrics.connection_refused("peer");
        metrics.peer_certificate(Eui64::from_bits(0x90B3_D51F_3001_0000), 2_000);
        metrics.reload_begins("certificates");
        metrics.reloaded("certificates", None);
        metrics.reloaded("certificates", Some(true));
        metrics.started(&Start::default(), Duration::from_millis(250));
        metrics.scrubbed(8);
        metrics.scrub_found_damage();
        metrics.scrub_passed(6_000_000);
        metrics.snapshot_made(70);
        metrics.snapshot_failed();
        metrics.backup_ended("done", Some(5_000_000));
        let text = metrics.text(&Moment {
            engine: Some(EngineStats::default()),
            bytes_in_flight: 7,
            ends: Ends {
                certificate: 1_000,
                authorities: 2_000,
                revocations: Some(3_000),
            },
            room_bytes: Some(9),
            blocks: BlockStats {
                damaged_blocks: 3,
                ..BlockStats::default()
            },
        });
        for metric in INVENTORY {
            let help = format!("# HELP {} {}", metric.name, metric.meaning);
            assert!(text.contains(&help), "{help} is not in\n{text}");
            assert!(metric.name.starts_with("dco_"));
            assert_eq!(
                metric.kind == Kind::Counter,
                metric.name.ends_with("_total")
            );
        }
        for line in [
            "dco_requests_total{method=\"/dco.v1.Gateway/Connect\",code=\"ABORTED\"} 1",
            "dco_open_calls 0",
            "dco_block_bytes_total 65536",
            "dco_blocks_refused_total{reason=\"BLOCK_OUT_OF_RANGE\"} 1",
            "dco_bytes_in_flight 7",
            "dco_disk_room_bytes 9",
            "dco_start_seconds 0.25",
            "dco_snapshot_record 70",
            "dco_scrub_bytes_total 8",
            "dco_scrub_pass_timestamp_seconds 6",
            "dco_blocks_damaged 3",
            "dco_backup_timestamp_seconds 5",
            "dco_certificate_expiry_timestamp_seconds 1000",
            "dco_peer_certificate_expiry_timestamp_seconds{party=\"90-B3-D5-1F-30-01-00-00\"} 2000",
            "dco_reload_refused{what=\"certificates\"} 0",
            "dco_reloads_total{what=\"certificates\",outcome=\"refused\"} 1",
            "dco_activations_queued{size=\"large\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
