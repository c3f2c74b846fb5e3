//! Where does the outside world come in?

mod clock;
mod config;

pub use clock::Clock;
pub use config::{
    ActivationSection, AttemptSection, CapacitySection, Config, ConfigError, ConfigFile,
    Connections, ConnectionsSection, Intake, IntakeSection, Party, PartySection, RetryRuleSection,
    RetrySection, Role, StoreSection, TlsFiles, TlsSection, TransferSection,
};

/// Attempts at one gateway at one time, whatever it asks for and whatever is configured.
pub const GATEWAY_ATTEMPTS_MAX: u32 = 10_000;
