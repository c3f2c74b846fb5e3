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
    pub activation: ActivationSection,
    #[serde(default)]
    pub transfer: TransferSection,
    #[serde(default)]
    pub attempt: AttemptSection,
    #[serde(default)]
    pub retry: RetrySection,
    #[serde(default)]
    pub intake: IntakeSection,
    #[serde(default)]
    pub store: StoreSection,
    #[serde(default)]
    pub party: Vec<PartySection>,
}

/// `[tls]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    #[serde(default = "default_reload_seconds")]
    pub reload_seconds: u32,
}

/// `[connections]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionsSection {
    pub max: u32,
    pub handshakes_max: u32,
    pub handshake_seconds: u32,
    pub calls_max: u32,
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
    pub days_ahead_max: u16,
}

/// `[transfer]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferSection {
    pub expire_after_hours: u32,
    pub warn_before_hours: u32,
    pub verify_again_seconds: u32,
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

/// `[retry]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySection {
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

/// `[intake]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntakeSection {
    pub bytes_in_flight_max: u32,
    pub bytes_in_flight_per_user_max: u32,
    pub streams_max: u32,
    pub streams_per_user_max: u32,
}

/// `[store]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    pub block_segment_bytes: u64,
    pub journal_segment_bytes: u64,
    pub commit_bytes_max: u32,
}

/// `[[party]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartySection {
    pub name: String,
    pub eui64: String,
    pub roles: Vec<Role>,
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

impl Default for ConnectionsSection {
    fn default() -> Self {
        Self {
            max: 256,
            handshakes_max: 64,
            handshake_seconds: 10,
            calls_max: 128,
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

impl Default for ActivationSection {
    fn default() -> Self {
        Self {
            trt_hours: 120,
            days_ahead_max: 92,
        }
    }
}

impl Default for TransferSection {
    fn default() -> Self {
        Self {
            expire_after_hours: 168,
            warn_before_hours: 24,
            verify_again_seconds: 60,
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
        }
    }
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            block_segment_bytes: 64 * 1024 * 1024,
            journal_segment_bytes: 8 * 1024 * 1024,
            commit_bytes_max: 4 * 1024 * 1024,
        }
    }
}
