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
pub(super) const OPEN_CALLS: Metric =
    gauge("dco_open_calls", Unit::Count, "Calls that have not ended");
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
pub(super) const PEER_CERTIFICATE_EXPIRY: Metric = gauge(
    "dco_peer_certificate_expiry_timestamp_seconds",
    Unit::Seconds,
    "When the certificate expires that a registered party showed last, since 1970, by party",
);
pub(super) const AUTHORITY_EXPIRY: Metric = gauge(
    "dco_authority_expiry_timestamp_seconds",
    Unit::Seconds,
    "When the first authority of peers' certificates expires, since 1970",
);
pub(super) const REVOCATIONS_DUE: Metric = gauge(
    "dco_revocation_list_due_timestamp_seconds",
    Unit::Seconds,
    "When the first revocation list should be replaced by its next, since 1970; 0 without one",
);
pub(super) const RELOADS: Metric = counter(
    "dco_reloads_total",
    Unit::Count,
    "Changed files that were taken over or refused while the service ran, by what they are and outcome",
);
pub(super) const RELOAD_REFUSED: Metric = gauge(
    "dco_reload_refused",
    Unit::Count,
    "1 while the files as they are now cannot be used and the old ones stay in force, by what they are",
);
pub(super) const CONNECTIONS_REFUSED: Metric = counter(
    "dco_connections_refused_total",
    Unit::Count,
    "Connections that were closed, by why: rate or address (too many of one address), displaced (others needed its place before its handshake was over), handshake (it failed), profile (a certificate for something else), peer (too many of one peer), full (too many of all)",
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
pub(super) const IMAGES_STORED: Metric =
    gauge("dco_images_stored", Unit::Count, "Images verified and kept");
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
pub(super) const SECURITY_RELEASED_TODAY: Metric = gauge(
    "dco_security_released_today",
    Unit::Count,
    "Those of the releases charged to the open service day that left through the security lane",
);
pub(super) const SECURITY_LIMIT_TODAY: Metric = gauge(
    "dco_security_limit_today",
    Unit::Count,
    "Large images that may be released through the security lane on the open service day",
);
pub(super) const SECURITY_QUEUED: Metric = gauge(
    "dco_security_queued",
    Unit::Count,
    "Activations waiting for release that may go through the security lane",
);
pub(super) const IMAGES_QUARANTINED: Metric = gauge(
    "dco_images_quarantined",
    Unit::Count,
    "Images of which what is kept is damaged, waiting to be sent again",
);
pub(super) const ACTIVATIONS_HELD: Metric = gauge(
    "dco_activations_held",
    Unit::Count,
    "Activations in the queue that may not be released: their image is damaged, it or their schedule is paused, or the Central Products List does not allow it",
);
pub(super) const BATCHES_TRT_NEAR: Metric = gauge(
    "dco_batches_trt_near",
    Unit::Count,
    "Batches of which some has not ended, and whose TRT ends soon or has ended",
);
pub(super) const PRODUCTS: Metric = gauge(
    "dco_products",
    Unit::Count,
    "Entries of the Central Products List",
);
pub(super) const THRESHOLDS_BREACHED: Metric = counter(
    "dco_thresholds_breached_total",
    Unit::Count,
    "Counts of a period that a refused request would have taken over their threshold, since the beginning of the journal",
);
pub(super) const PERIOD_COUNT: Metric = gauge(
    "dco_period_count",
    Unit::Count,
    "Counted over all Users in the period of thresholds, by what is counted",
);
pub(super) const PERIOD_LIMIT: Metric = gauge(
    "dco_period_limit",
    Unit::Count,
    "The threshold of that count over all Users",
);
pub(super) const DISPATCH_PAUSED: Metric = gauge(
    "dco_dispatch_paused",
    Unit::Count,
    "1 while all releases are paused",
);
pub(super) const PAUSES: Metric = gauge(
    "dco_pauses",
    Unit::Count,
    "Pauses in force of one User, image, gateway or delivery schedule",
);
pub(super) const STOPPED: Metric = gauge(
    "dco_stopped",
    Unit::Count,
    "Those of dco_pauses that a rule made and no officer has resumed: attempts with an image failed",
);
pub(super) const GATEWAYS_FAILING: Metric = gauge(
    "dco_gateways_failing",
    Unit::Count,
    "Gateways whose circuit breaker is open: attempts through them failed in a row",
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
pub(super) const LOG_PUT: Metric = counter(
    "dco_block_log_put_bytes_total",
    Unit::Bytes,
    "Bytes of blocks that were put into the block log",
);
pub(super) const LOG_COMPACTED: Metric = counter(
    "dco_block_log_compacted_bytes_total",
    Unit::Bytes,
    "Bytes of blocks that were copied so that the room of freed ones comes back",
);
pub(super) const LOG_WRITTEN: Metric = counter(
    "dco_block_log_written_bytes_total",
    Unit::Bytes,
    "Bytes that the block log has written for both, headers and lists included",
);
pub(super) const LOG_SEGMENTS: Metric = gauge(
    "dco_block_log_segments",
    Unit::Count,
    "Segments of the block log in use",
);
pub(super) const LOG_SPARE: Metric = gauge(
    "dco_block_log_spare_segments",
    Unit::Count,
    "Files of the block log that wait to be used again",
);
pub(super) const LOG_ALIVE: Metric = gauge(
    "dco_block_log_alive_bytes",
    Unit::Bytes,
    "Bytes of blocks that are needed",
);
pub(super) const LOG_DEAD: Metric = gauge(
    "dco_block_log_dead_bytes",
    Unit::Bytes,
    "Bytes of freed blocks in segments in use",
);
pub(super) const BLOCKS_DAMAGED: Metric = gauge(
    "dco_blocks_damaged",
    Unit::Count,
    "Blocks found damaged, and neither sent again nor freed since",
);
pub(super) const SCRUB_BYTES: Metric = counter(
    "dco_scrub_bytes_total",
    Unit::Bytes,
    "Bytes of stored blocks that were looked through for damage",
);
pub(super) const SCRUB_BLOCKS: Metric = counter(
    "dco_scrub_blocks_total",
    Unit::Count,
    "Stored blocks that were looked through for damage",
);
pub(super) const SCRUB_DAMAGED: Metric = counter(
    "dco_scrub_damaged_total",
    Unit::Count,
    "Blocks that the scrub found damaged, each once",
);
pub(super) const SCRUB_PASS: Metric = gauge(
    "dco_scrub_pass_timestamp_seconds",
    Unit::Seconds,
    "When the scrub last had looked at every stored block, since 1970; 0 before the first time",
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
    PEER_CERTIFICATE_EXPIRY,
    AUTHORITY_EXPIRY,
    REVOCATIONS_DUE,
    CONNECTIONS_REFUSED,
    RELOADS,
    RELOAD_REFUSED,
    TRANSFERS_RECEIVING,
    TRANSFERS_VERIFYING,
    IMAGES_STORED,
    ACTIVATIONS_PARKED,
    ACTIVATIONS_QUEUED,
    ATTEMPTS_UNDER_WAY,
    RELEASED_TODAY,
    CAPACITY_TODAY,
    SECURITY_RELEASED_TODAY,
    SECURITY_LIMIT_TODAY,
    SECURITY_QUEUED,
    IMAGES_QUARANTINED,
    ACTIVATIONS_HELD,
    BATCHES_TRT_NEAR,
    PRODUCTS,
    THRESHOLDS_BREACHED,
    PERIOD_COUNT,
    PERIOD_LIMIT,
    DISPATCH_PAUSED,
    PAUSES,
    STOPPED,
    GATEWAYS_FAILING,
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
    LOG_PUT,
    LOG_COMPACTED,
    LOG_WRITTEN,
    LOG_SEGMENTS,
    LOG_SPARE,
    LOG_ALIVE,
    LOG_DEAD,
    BLOCKS_DAMAGED,
    SCRUB_BYTES,
    SCRUB_BLOCKS,
    SCRUB_DAMAGED,
    SCRUB_PASS,
];
