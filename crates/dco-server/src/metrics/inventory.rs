//! Every metric: its name, its unit, what it means.

use metrics::Unit;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// One metric, as the inventory lists it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
    pub(super) meaning: &'static str,
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

pub(super) const REQUESTS: Metric = counter(
    "dco_requests_total",
    Unit::Count,
    "Calls that have ended, by method and gRPC code",
);
pub(super) const OPEN_CALLS: Metric = gauge("dco_open_calls", Unit::Count, "Calls that have not ended");
pub(super) const BLOCKS_ACKNOWLEDGED: Metric = counter(
    "dco_blocks_acknowledged_total",
    Unit::Count,
    "Blocks that were acknowledged: durable, new or sent again",
);
pub(super) const BLOCK_BYTES: Metric = counter(
    "dco_block_bytes_total",
    Unit::Bytes,
    "Bytes of the blocks that were acknowledged",
);
pub(super) const BLOCKS_REFUSED: Metric = counter(
    "dco_blocks_refused_total",
    Unit::Count,
    "Blocks that were refused, by reason",
);
pub(super) const BYTES_IN_FLIGHT: Metric = gauge(
    "dco_bytes_in_flight",
    Unit::Bytes,
    "Bytes of blocks that are not yet durable",
);
pub(super) const STORE_ERRORS: Metric = counter(
    "dco_store_errors_total",
    Unit::Count,
    "Blocks that the disk did not take or give",
);
pub(super) const CERTIFICATE_EXPIRY: Metric = gauge(
    "dco_certificate_expiry_timestamp_seconds",
    Unit::Seconds,
    "When the service's own certificate expires, since 1970",
);
pub(super) const TRANSFERS_RECEIVING: Metric = gauge(
    "dco_transfers_receiving",
    Unit::Count,
    "Transfers that miss blocks",
);
pub(super) const TRANSFERS_VERIFYING: Metric = gauge(
    "dco_transfers_verifying",
    Unit::Count,
    "Transfers whose image is being read back",
);
pub(super) const IMAGES_STORED: Metric = gauge("dco_images_stored", Unit::Count, "Images verified and kept");
pub(super) const ACTIVATIONS_PARKED: Metric = gauge(
    "dco_activations_parked",
    Unit::Count,
    "Activations sent for a later service day",
);
pub(super) const ACTIVATIONS_QUEUED: Metric = gauge(
    "dco_activations_queued",
    Unit::Count,
    "Activations waiting for release, by size of their image",
);
pub(super) const ATTEMPTS_UNDER_WAY: Metric = gauge(
    "dco_attempts_under_way",
    Unit::Count,
    "Attempts released and not ended",
);
pub(super) const RELEASED_TODAY: Metric = gauge(
    "dco_released_today",
    Unit::Count,
    "Releases of large images charged to the open service day",
);
pub(super) const CAPACITY_TODAY: Metric = gauge(
    "dco_capacity_today",
    Unit::Count,
    "Large images that may be released on the open service day",
);
pub(super) const GATEWAYS_CONNECTED: Metric = gauge(
    "dco_gateways_connected",
    Unit::Count,
    "Gateways that have said hello and not gone",
);
pub(super) const DEVICES: Metric = gauge("dco_devices", Unit::Count, "Devices in the inventory");
pub(super) const ACTIVATIONS_SUCCEEDED: Metric = counter(
    "dco_activations_succeeded_total",
    Unit::Count,
    "Activations that succeeded, since the beginning of the journal",
);
pub(super) const ACTIVATIONS_FAILED: Metric = counter(
    "dco_activations_failed_total",
    Unit::Count,
    "Activations that were given up, since the beginning of the journal",
);
pub(super) const JOURNAL_RECORDS: Metric = counter(
    "dco_journal_records_total",
    Unit::Count,
    "Records made, since the beginning of the journal",
);

pub(super) const START_SECONDS: Metric = gauge(
    "dco_start_seconds",
    Unit::Seconds,
    "What the last start took, from opening the data folder to the first call",
);
pub(super) const START_RECORDS: Metric = gauge(
    "dco_start_records",
    Unit::Count,
    "Records that the last start replayed, beside the snapshot it began at",
);
pub(super) const SNAPSHOTS_REFUSED: Metric = gauge(
    "dco_start_snapshots_refused",
    Unit::Count,
    "Snapshots that the last start could not use",
);
pub(super) const SNAPSHOTS_MADE: Metric = counter(
    "dco_snapshots_made_total",
    Unit::Count,
    "Snapshots of the journal that were made",
);
pub(super) const SNAPSHOTS_FAILED: Metric = counter(
    "dco_snapshots_failed_total",
    Unit::Count,
    "Snapshots of the journal that could not be made",
);
pub(super) const SNAPSHOT_RECORD: Metric = gauge(
    "dco_snapshot_record",
    Unit::Count,
    "The last record in the newest snapshot",
);
pub(super) const DISK_ROOM: Metric = gauge(
    "dco_disk_room_bytes",
    Unit::Bytes,
    "Bytes left on the disk of the data folder",
);
pub(super) const BACKUPS: Metric = counter(
    "dco_backups_total",
    Unit::Count,
    "Backups that were asked for and have ended, by how they ended",
);
pub(super) const BACKUP_TIME: Metric = gauge(
    "dco_backup_timestamp_seconds",
    Unit::Seconds,
    "When the last complete backup was begun, since 1970",
);

pub(super) const INVENTORY: &[Metric] = &[
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
    START_SECONDS,
    START_RECORDS,
    SNAPSHOTS_REFUSED,
    SNAPSHOTS_MADE,
    SNAPSHOTS_FAILED,
    SNAPSHOT_RECORD,
    DISK_ROOM,
    BACKUPS,
    BACKUP_TIME,
];
