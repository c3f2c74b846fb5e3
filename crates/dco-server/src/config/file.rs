//! The configuration as it is written, key by key. `dco.example.toml` says what each key means.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a file says. A key that is not here is refused by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    pub data_dir: PathBuf,
    pub listen: String,
    pub http_listen: String,
    #[serde(default = "default_service_desk_url")]
    pub service_desk_url: String,
    #[serde(default = "default_drain_seconds")]
    pub drain_seconds: u32,
    pub tls: TlsSection,
    #[serde(default)]
    pub connections: ConnectionsSection,
    #[serde(default)]
    pub capacity: CapacitySection,
    #[serde(default)]
    pub schedules: SchedulesSection,
    #[serde(default)]
    pub notices: NoticesSection,
    #[serde(default)]
    pub activation: ActivationSection,
    #[serde(default)]
    pub limits: LimitsSection,
    #[serde(default)]
    pub retention: RetentionSection,
    #[serde(default)]
    pub transfer: TransferSection,
    #[serde(default)]
    pub attempt: AttemptSection,
    #[serde(default)]
    pub gateway: GatewaySection,
    #[serde(default)]
    pub retry: RetrySection,
    #[serde(default)]
    pub stop: StopSection,
    #[serde(default)]
    pub breaker: BreakerSection,
    #[serde(default)]
    pub trust: TrustSection,
    #[serde(default)]
    pub thresholds: ThresholdsSection,
    #[serde(default)]
    pub intake: IntakeSection,
    #[serde(default)]
    pub store: StoreSection,
    #[serde(default)]
    pub scrub: ScrubSection,
    #[serde(default)]
    pub log: LogSection,
    #[serde(default)]
    pub party: Vec<PartySection>,
}

/// `[log]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    pub checkpoint_key: Option<PathBuf>,
}

/// `[tls]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    #[serde(default)]
    pub crls: Vec<PathBuf>,
    #[serde(default)]
    pub issuers: Vec<PathBuf>,
    #[serde(default)]
    pub eui64_from: Eui64From,
    #[serde(default = "default_reload_seconds")]
    pub reload_seconds: u32,
    #[serde(default = "default_warn_before_days")]
    pub warn_before_days: u32,
}

/// `[connections]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionsSection {
    pub max: u32,
    pub handshakes_max: u32,
    pub handshake_seconds: u32,
    pub handshakes_per_address_max: u32,
    pub handshakes_per_address_second_max: u32,
    pub per_peer_max: u32,
    pub calls_max: u32,
    pub calls_per_peer_max: u32,
    pub call_seconds: u32,
    pub idle_seconds: u32,
    pub unread_seconds: u32,
    pub headers_bytes_max: u32,
    pub resets_pending_max: u32,
    pub error_resets_max: u32,
}

/// `[capacity]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CapacitySection {
    pub per_day: u32,
    pub allowance_per_day: u32,
    pub burst: u32,
    pub hour_profile: Vec<u16>,
}

/// `[schedules]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulesSection {
    pub reserve_allowance: u32,
    pub reserve_security: u32,
    pub reserve_retry_permille: u32,
    pub answer_hours_min: u32,
    pub approve_within_hours: u32,
    pub moves_max: u32,
    pub open_per_user_max: u32,
    pub in_flight_max: u32,
    pub days_ahead_max: u16,
    pub small_uses_allowance: bool,
}

/// `[activation]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActivationSection {
    pub trt_hours: u32,
    pub trt_warn_before_hours: u32,
    pub clock_jump_minutes_max: u32,
    pub days_ahead_max: u16,
}

/// `[limits]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    pub open_transfers_per_user_max: u32,
    pub stored_bytes_per_user_max: u64,
}

/// `[notices]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoticesSection {
    pub kept_days: u32,
    pub kept_per_party_max: u32,
}

/// `[retention]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSection {
    pub stored_days: u32,
    pub rejected_hours: u32,
    pub cancelled_hours: u32,
    pub expired_hours: u32,
    pub journal_days: u32,
}

/// `[transfer]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferSection {
    pub expire_after_hours: u32,
    pub warn_before_hours: u32,
    pub verify_again_seconds: u32,
    pub room_again_seconds: u32,
}

/// `[attempt]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttemptSection {
    pub answer_within_minutes: u32,
    pub no_progress_minutes: u32,
    pub hello_within_minutes: u32,
    pub expected_minutes: u32,
    pub per_gateway_max: u32,
}

/// `[gateway]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySection {
    pub releases_per_hour_max: u32,
    pub burst: u32,
}

/// `[retry]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySection {
    pub jitter_percent: u8,
    pub transfer: RetryRuleSection,
    pub activation: RetryRuleSection,
    pub unknown: RetryRuleSection,
}

/// `[retry.transfer]` and its sisters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryRuleSection {
    pub attempts_max: u16,
    pub backoff_minutes: u32,
}

/// `[stop]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StopSection {
    pub attempts: u32,
    pub failed_percent: u32,
}

/// `[breaker]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSection {
    pub failures: u32,
    pub probe_after_minutes: u32,
}

/// `[trust]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrustSection {
    pub image_signature: bool,
    pub products_list: bool,
    pub upgrade_pathway: bool,
    pub signer: Vec<SignerSection>,
}

/// `[[trust.signer]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerSection {
    pub user: String,
    pub file: PathBuf,
}

/// `[thresholds]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThresholdsSection {
    pub period_minutes: u32,
    pub transfers_per_user_max: u32,
    pub transfers_total_max: u32,
    pub activations_per_user_max: u32,
    pub activations_total_max: u32,
    pub request_bytes_per_user_max: u32,
    pub request_bytes_total_max: u32,
    pub schedule_steps_per_user_max: u32,
    pub schedule_steps_total_max: u32,
    pub warnings_per_user_max: u32,
    pub originator_counter_leap_max: u64,
}

/// `[intake]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntakeSection {
    pub bytes_in_flight_max: u32,
    pub bytes_in_flight_per_user_max: u32,
    pub streams_max: u32,
    pub streams_per_user_max: u32,
    pub stream_idle_seconds: u32,
}

/// `[store]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    pub block_segment_bytes: u64,
    pub journal_segment_bytes: u64,
    pub reserve_bytes: u64,
    pub commit_bytes_max: u32,
}

/// `[scrub]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScrubSection {
    pub bytes_per_second: u64,
}

/// `[[party]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartySection {
    pub name: String,
    pub eui64: String,
    pub roles: Vec<Role>,
}

/// Where a certificate names its party.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eui64From {
    /// The subject's x500UniqueIdentifier, as in SMKI organisation certificates.
    #[default]
    Subject,
    /// The subjectAltName: a hardwareModuleName of eight octets, as in SMKI Device certificates, or a `urn:dev:mac:` URI (RFC 9039).
    San,
}

/// What a registered party may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends images and batches.
    User,
    /// Agrees schedules, reads everything.
    ServiceDesk,
    /// Runs the service, reads everything.
    Operator,
    /// Reads everything, changes nothing.
    Auditor,
    /// Takes images to Devices.
    Gateway,
}

fn default_service_desk_url() -> String {
    "mailto:servicedesk@example.org".to_owned()
}

fn default_drain_seconds() -> u32 {
    10
}

fn default_reload_seconds() -> u32 {
    60
}

fn default_warn_before_days() -> u32 {
    30
}

impl Default for StopSection {
    fn default() -> Self {
        Self {
            attempts: 200,
            failed_percent: 20,
        }
    }
}

impl Default for BreakerSection {
    fn default() -> Self {
        Self {
            failures: 20,
            probe_after_minutes: 10,
        }
    }
}

impl Default for ConnectionsSection {
    fn default() -> Self {
        Self {
            max: 256,
            handshakes_max: 256,
            handshake_seconds: 10,
            handshakes_per_address_max: 32,
            handshakes_per_address_second_max: 100,
            per_peer_max: 32,
            calls_max: 128,
            calls_per_peer_max: 256,
            call_seconds: 300,
            idle_seconds: 600,
            unread_seconds: 60,
            headers_bytes_max: 16 * 1024,
            resets_pending_max: 20,
            error_resets_max: 1_024,
        }
    }
}

impl Default for CapacitySection {
    fn default() -> Self {
        Self {
            per_day: 12_000,
            allowance_per_day: 500,
            burst: 4,
            hour_profile: vec![1; 24],
        }
    }
}

impl Default for SchedulesSection {
    fn default() -> Self {
        Self {
            reserve_allowance: 2_500,
            reserve_security: 300,
            reserve_retry_permille: 20,
            answer_hours_min: 24,
            approve_within_hours: 72,
            moves_max: 2,
            open_per_user_max: 32,
            in_flight_max: 60_000,
            days_ahead_max: 366,
            small_uses_allowance: false,
        }
    }
}

impl Default for NoticesSection {
    fn default() -> Self {
        Self {
            kept_days: 400,
            kept_per_party_max: 100_000,
        }
    }
}

impl Default for ActivationSection {
    fn default() -> Self {
        Self {
            trt_hours: 120,
            trt_warn_before_hours: 24,
            clock_jump_minutes_max: 60,
            days_ahead_max: 92,
        }
    }
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            open_transfers_per_user_max: 100,
            stored_bytes_per_user_max: 64 * 1024 * 1024 * 1024,
        }
    }
}

impl Default for RetentionSection {
    fn default() -> Self {
        Self {
            stored_days: 400,
            rejected_hours: 24,
            cancelled_hours: 0,
            expired_hours: 0,
            journal_days: 2_557,
        }
    }
}

impl Default for TransferSection {
    fn default() -> Self {
        Self {
            expire_after_hours: 168,
            warn_before_hours: 24,
            verify_again_seconds: 60,
            room_again_seconds: 10,
        }
    }
}

impl Default for AttemptSection {
    fn default() -> Self {
        Self {
            answer_within_minutes: 1_440,
            no_progress_minutes: 120,
            hello_within_minutes: 60,
            expected_minutes: 60,
            per_gateway_max: 1_000,
        }
    }
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            releases_per_hour_max: 0,
            burst: 10,
        }
    }
}

impl Default for RetrySection {
    fn default() -> Self {
        let rule = |attempts_max, backoff_minutes| RetryRuleSection {
            attempts_max,
            backoff_minutes,
        };
        Self {
            transfer: rule(5, 15),
            activation: rule(3, 60),
            unknown: rule(4, 60),
            jitter_percent: 10,
        }
    }
}

impl Default for TrustSection {
    fn default() -> Self {
        Self {
            image_signature: true,
            products_list: true,
            upgrade_pathway: true,
            signer: Vec::new(),
        }
    }
}

impl Default for ThresholdsSection {
    fn default() -> Self {
        Self {
            period_minutes: 1_440,
            transfers_per_user_max: 1_000,
            transfers_total_max: 5_000,
            activations_per_user_max: 200_000,
            activations_total_max: 500_000,
            // An image declared for eight million Devices in a day.
            request_bytes_per_user_max: 64 * 1024 * 1024,
            request_bytes_total_max: 256 * 1024 * 1024,
            schedule_steps_per_user_max: 200,
            schedule_steps_total_max: 1_000,
            warnings_per_user_max: 200,
            // More than two years of nanoseconds, and a 256th of all counters.
            originator_counter_leap_max: 1 << 56,
        }
    }
}

impl Default for IntakeSection {
    fn default() -> Self {
        Self {
            bytes_in_flight_max: 64 * 1024 * 1024,
            bytes_in_flight_per_user_max: 16 * 1024 * 1024,
            streams_max: 128,
            streams_per_user_max: 32,
            stream_idle_seconds: 120,
        }
    }
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            block_segment_bytes: 64 * 1024 * 1024,
            journal_segment_bytes: 2 * 1024 * 1024,
            reserve_bytes: 128 * 1024 * 1024,
            commit_bytes_max: 4 * 1024 * 1024,
        }
    }
}

impl Default for ScrubSection {
    fn default() -> Self {
        Self {
            bytes_per_second: 4 * 1024 * 1024,
        }
    }
}
