//! Every metric of the service: its name, its unit, what it means.
//!
//! Counters start at zero with the process; what is counted since the beginning of the journal says so.

use std::sync::Arc;

use dco_engine::EngineStats;
use metrics::{Counter, Gauge, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tonic::Code;

use crate::status::code_name;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// One metric, as the inventory lists it.
#[derive(Debug, Clone, Copy)]
struct Metric {
    name: &'static str,
    kind: Kind,
    unit: Unit,
    meaning: &'static str,
}

const fn counter(name: &'static str, unit: Unit, meaning: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        unit,
        meaning,
    }
}

const fn gauge(name: &'static str, unit: Unit, meaning: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        unit,
        meaning,
    }
}

const REQUESTS: Metric = counter(
    "dco_requests_total",
    Unit::Count,
    "Calls that have ended, by method and gRPC code",
);
const OPEN_CALLS: Metric = gauge("dco_open_calls", Unit::Count, "Calls that have not ended");
const BLOCKS_ACKNOWLEDGED: Metric = counter(
    "dco_blocks_acknowledged_total",
    Unit::Count,
    "Blocks that were acknowledged: durable, new or sent again",
);
const BLOCK_BYTES: Metric = counter(
    "dco_block_bytes_total",
    Unit::Bytes,
    "Bytes of the blocks that were acknowledged",
);
const BLOCKS_REFUSED: Metric = counter(
    "dco_blocks_refused_total",
    Unit::Count,
    "Blocks that were refused, by reason",
);
const BYTES_IN_FLIGHT: Metric = gauge(
    "dco_bytes_in_flight",
    Unit::Bytes,
    "Bytes of blocks that are not yet durable",
);
const STORE_ERRORS: Metric = counter(
    "dco_store_errors_total",
    Unit::Count,
    "Blocks that the disk did not take or give",
);
const CERTIFICATE_EXPIRY: Metric = gauge(
    "dco_certificate_expiry_timestamp_seconds",
    Unit::Seconds,
    "When the service's own certificate expires, since 1970",
);
const TRANSFERS_RECEIVING: Metric = gauge(
    "dco_transfers_receiving",
    Unit::Count,
    "Transfers that miss blocks",
);
const TRANSFERS_VERIFYING: Metric = gauge(
    "dco_transfers_verifying",
    Unit::Count,
    "Transfers whose image is being read back",
);
const IMAGES_STORED: Metric = gauge("dco_images_stored", Unit::Count, "Images verified and kept");
const ACTIVATIONS_PARKED: Metric = gauge(
    "dco_activations_parked",
    Unit::Count,
    "Activations sent for a later service day",
);
const ACTIVATIONS_QUEUED: Metric = gauge(
    "dco_activations_queued",
    Unit::Count,
    "Activations waiting for release, by size of their image",
);
const ATTEMPTS_UNDER_WAY: Metric = gauge(
    "dco_attempts_under_way",
    Unit::Count,
    "Attempts released and not ended",
);
const RELEASED_TODAY: Metric = gauge(
    "dco_released_today",
    Unit::Count,
    "Releases of large images charged to the open service day",
);
const CAPACITY_TODAY: Metric = gauge(
    "dco_capacity_today",
    Unit::Count,
    "Large images that may be released on the open service day",
);
const IMAGES_QUARANTINED: Metric = gauge(
    "dco_images_quarantined",
    Unit::Count,
    "Images of which what is kept is damaged, waiting to be sent again",
);
const DISPATCH_PAUSED: Metric = gauge(
    "dco_dispatch_paused",
    Unit::Count,
    "1 while all releases are paused",
);
const GATEWAYS_CONNECTED: Metric = gauge(
    "dco_gateways_connected",
    Unit::Count,
    "Gateways that have said hello and not gone",
);
const DEVICES: Metric = gauge("dco_devices", Unit::Count, "Devices in the inventory");
const ACTIVATIONS_SUCCEEDED: Metric = counter(
    "dco_activations_succeeded_total",
    Unit::Count,
    "Activations that succeeded, since the beginning of the journal",
);
const ACTIVATIONS_FAILED: Metric = counter(
    "dco_activations_failed_total",
    Unit::Count,
    "Activations that were given up, since the beginning of the journal",
);
const JOURNAL_RECORDS: Metric = counter(
    "dco_journal_records_total",
    Unit::Count,
    "Records made, since the beginning of the journal",
);

const INVENTORY: &[Metric] = &[
    REQUESTS,
    OPEN_CALLS,
    BLOCKS_ACKNOWLEDGED,
    BLOCK_BYTES,
    BLOCKS_REFUSED,
    BYTES_IN_FLIGHT,
    STORE_ERRORS,
    CERTIFICATE_EXPIRY,
    TRANSFERS_RECEIVING,
    TRANSFERS_VERIFYING,
    IMAGES_STORED,
    ACTIVATIONS_PARKED,
    ACTIVATIONS_QUEUED,
    ATTEMPTS_UNDER_WAY,
    RELEASED_TODAY,
    CAPACITY_TODAY,
    GATEWAYS_CONNECTED,
    DEVICES,
    ACTIVATIONS_SUCCEEDED,
    ACTIVATIONS_FAILED,
    JOURNAL_RECORDS,
];

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

    pub(crate) fn store_error(&self) {
        self.store_errors.increment(1);
    }

    /// All metrics in Prometheus' text format, those of the engine as of now.
    pub(crate) fn text(
        &self,
        engine: Option<EngineStats>,
        bytes_in_flight: usize,
        expires_unix_seconds: i64,
    ) -> String {
        self.set(BYTES_IN_FLIGHT, wide(bytes_in_flight));
        let expires = u64::try_from(expires_unix_seconds).unwrap_or(0);
        self.set(CERTIFICATE_EXPIRY, expires);
        if let Some(stats) = engine {
            self.set_engine(&stats);
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
        self.set(IMAGES_QUARANTINED, stats.images_quarantined);
        self.set(DISPATCH_PAUSED, stats.dispatch_paused);
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
    use super::*;

    #[test]
    fn every_metric_of_the_inventory_is_in_the_text_once_it_was_set() {
        let metrics = Metrics::new();
        metrics.call_started();
        metrics.call_ended(&"/dco.v1.Gateway/Connect".into(), Code::Aborted);
        metrics.block_acknowledged(65_536);
        metrics.block_refused("BLOCK_OUT_OF_RANGE");
        metrics.store_error();
        let text = metrics.text(Some(EngineStats::default()), 7, 1_000);
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
            "dco_certificate_expiry_timestamp_seconds 1000",
            "dco_activations_queued{size=\"large\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
