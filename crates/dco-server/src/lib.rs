//! Where does the outside world come in?
//!
//! Over gRPC with mTLS for Users, gateways and staff, and over plain HTTP on loopback for metrics and
//! readiness. A call goes one way:
//!
//! ```text
//!   connection ──▶ certificate ──▶ permit ──▶ message read and checked ──▶ engine ──▶ answer
//!   (listener, tls)   (peer)      (permit)        (convert)               (driver)   (convert, status)
//! ```
//!
//! Blocks take another: `intake` checks each against its manifest, waits for room and hands it to the block
//! log; the engine is told when it is durable, and then its sender.
//!
//! Promises: permission is looked at before anything else, and what belongs to somebody else looks the same
//! whether it exists or not. Nothing is acknowledged, answered or offered before what it rests on is durable.
//! Every queue has a limit. Every error carries a stable reason.
//!
//! Deliberately absent: rules (they are `dco-engine`'s), wire types outside `convert` and `services`, gRPC codes
//! outside `status`, clocks outside `clock`. The service opens no connection to anyone.

mod backup;
mod checkpoint;
mod clock;
mod config;
mod convert;
mod decision_log;
mod driver;
mod expiry;
mod fsck;
mod gate;
mod handshakes;
mod http;
mod idle;
mod intake;
mod kept;
mod listener;
mod memories;
mod metrics;
mod observe;
mod peer;
mod permit;
mod refusals;
mod registrations;
mod reload;
mod restore;
mod routes;
mod scrub;
mod seldom;
mod serve;
mod services;
mod shares;
mod signers;
mod standing;
mod status;
mod tls;

#[cfg(test)]
#[path = "../tests/serve/pki.rs"]
mod pki;

pub use backup::{BACKUP_LIST, BACKUP_LIST_UNFINISHED};
pub use clock::Clock;
pub use config::{
    ActivationSection, AttemptSection, CapacitySection, Config, ConfigError, ConfigFile,
    Connections, ConnectionsSection, Eui64From, GatewaySection, Intake, IntakeSection, LogSection,
    Party, PartySection, RetentionSection, RetryRuleSection, RetrySection, Role, ScrubSection,
    SignerSection, Signing, StoreSection, ThresholdsSection, TlsFiles, TlsSection, TransferSection,
    TrustSection,
};
pub use convert::reading::{Message, Understood, understand};
pub use dco_store::{Finding, Head};
pub use fsck::{FsckError, FsckPlan, FsckReport, fsck};
pub use peer::{eui64_in_san, eui64_of};
pub use permit::{Whose, may, permissions};
pub use restore::{RestoreError, Restored, restore};
pub use serve::{Bound, ServeError, serve};
pub use tls::TlsError;

/// Attempts at one gateway at one time, whatever it asks for and whatever is configured.
pub const GATEWAY_ATTEMPTS_MAX: u32 = 10_000;

/// A gRPC message of more bytes is refused: the default of the protocol's libraries, and more than
/// anything here needs.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
