//! What the service runs on: what was written ([`ConfigFile`]) and what was checked ([`Config`]).

mod check;
mod file;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dco_block::Eui64;
use dco_engine::Terms;
use dco_schedule::Micros;

pub use file::{
    ActivationSection, AttemptSection, CapacitySection, ConfigFile, ConnectionsSection, Eui64From,
    GatewaySection, IntakeSection, LogSection, PartySection, RetentionSection, RetryRuleSection,
    RetrySection, Role, ScrubSection, SignerSection, StoreSection, ThresholdsSection, TlsSection,
    TransferSection, TrustSection,
};

/// A checked configuration: nothing optional, every number within its bounds.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it was read from. Registrations are read from there again while the service runs; without it they stay.
    pub file: Option<PathBuf>,
    /// The folder of journal and blocks.
    pub data_dir: PathBuf,
    /// Where gRPC is served, with mTLS.
    pub listen: SocketAddr,
    /// Where metrics and readiness are served, over plain HTTP on loopback.
    pub http_listen: SocketAddr,
    /// Where people are sent who need a delivery schedule.
    pub service_desk_url: String,
    /// How long open calls may take to finish when the service stops.
    pub drain: Duration,
    /// Certificates and keys.
    pub tls: TlsFiles,
    /// Bounds on connections. In memory a connection holds at most its window of 16 MiB of what was received and not
    /// looked at, and for each call the message that is being read, up to [`crate::MESSAGE_BYTES_MAX`].
    pub connections: Connections,
    /// Bounds on blocks that are not yet durable.
    pub intake: Intake,
    /// How long sealed files of the journal are kept.
    pub journal_kept: Duration,
    /// How far the clock may go ahead at once without a pause of all releases.
    pub clock_jump_max_us: Micros,
    /// The rules' numbers.
    pub terms: Terms,
    /// How fast what is on disk is looked through for damage, in bytes a second; 0 for not at all.
    pub scrub_bytes_per_second: u64,
    /// How records and blocks are laid out on disk.
    pub store: dco_store::Options,
    /// Whose signature an image must bear.
    pub signing: Signing,
    /// The key that signs checkpoints of the decision log; without one there are none.
    pub log_key: Option<PathBuf>,
    /// Who is registered, by the EUI-64 of its certificate.
    pub parties: BTreeMap<Eui64, Party>,
}

/// Whose signature an image must bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// Whether it must bear one; otherwise signatures are not looked at.
    pub required: bool,
    /// PEM files of certificates or public keys, for each User.
    pub signers: BTreeMap<Eui64, Vec<PathBuf>>,
}

/// Files in PEM form. They are read again while the service runs, so that they can be renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates that a peer's certificate must lead to.
    pub ca: PathBuf,
    /// The service's own certificate, and what leads from it to its authority.
    pub certificate: PathBuf,
    /// The key of that certificate.
    pub key: PathBuf,
    /// Revocation lists. With any, a certificate is refused that one of them names, or that no list of its issuer is there for.
    pub crls: Vec<PathBuf>,
    /// Certificates of issuers between authorities and peers. They check revocation lists, and are trusted for nothing else.
    pub issuers: Vec<PathBuf>,
    /// Where a peer's certificate names its party.
    pub eui64_from: Eui64From,
    /// How often they are looked at for a change.
    pub reload_every: Duration,
    /// How long before they end it is warned.
    pub warn_before: Duration,
}

/// Bounds on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Connections at one time; further ones wait, when they have shaken hands, as long as a handshake may take.
    pub max: usize,
    /// TLS handshakes at one time, besides the connections; for a further one another is given up.
    pub handshakes_max: usize,
    /// A handshake that takes longer is given up.
    pub handshake_within: Duration,
    /// Handshakes of one address at one time; further connections of it are closed.
    pub handshakes_per_address_max: u32,
    /// The same in one second.
    pub handshakes_per_address_second_max: u32,
    /// Connections of one peer at one time; further ones are closed.
    pub per_peer_max: u32,
    /// Calls at one time on one connection.
    pub calls_max: u32,
    /// Calls at one time of one peer, over all its connections.
    pub calls_per_peer_max: u32,
    /// A call whose answer has not begun by then is ended: its message did not come, or came too slowly.
    pub call_within: Duration,
    /// A connection on which no call is open for so long is closed.
    pub idle_within: Duration,
    /// A connection whose peer has not read for so long what it is sent is closed.
    pub unread_within: Duration,
    /// Bytes of one call's headers; a call with more is refused.
    pub headers_bytes_max: u32,
    /// Calls of one connection that were opened and reset before anybody looked; with more it is ended.
    pub resets_pending_max: usize,
    /// Calls of one connection that had to be reset for faults of the peer; with more it is ended.
    pub error_resets_max: usize,
}

/// Bounds on blocks on their way to the disk. What they take in memory stays within the bytes in flight, one message
/// of up to [`crate::MESSAGE_BYTES_MAX`] for each stream, and the windows of their connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intake {
    /// Bytes of blocks that are not yet durable, over all Users.
    pub bytes_in_flight_max: u32,
    /// The same for one User.
    pub bytes_in_flight_per_user_max: u32,
    /// SendBlocks calls at one time, over all Users.
    pub streams_max: u32,
    /// The same for one User.
    pub streams_per_user_max: u32,
    /// A SendBlocks call without a message for so long is ended.
    pub stream_idle_within: Duration,
    /// When the sender of a block for which the disk had no room may send it again.
    pub room_again: Duration,
}

/// Somebody who is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// For people.
    pub name: String,
    /// What it may be.
    pub roles: Vec<Role>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no reading it.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It would be taken over while the service runs, and nobody could call any more.
    #[error(
        "{} has no party: it may have been cut off while it was written; put one there that is whole, with a [[party]] section for \
         each who is registered", path.display()
    )]
    NoParty {
        /// The file.
        path: PathBuf,
    },
    /// It is not TOML, or has a key that is not known, or a value of the wrong kind.
    #[error("line {line}: {message}, in `{written}`")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// That line, which names the key.
        written: String,
        /// What is wrong with it.
        message: String,
    },
    /// A value is outside its bounds.
    #[error("{field} is {found}; {expected}")]
    Invalid {
        /// Its path in the file, like `capacity.per_day`.
        field: String,
        /// What was written.
        found: String,
        /// What is allowed.
        expected: String,
    },
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder.
    #[expect(
        clippy::disallowed_methods,
        reason = "the configuration is not stored data; it is read once, before anything runs"
    )]
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config = Self::parse(&text, path.parent().unwrap_or_else(|| Path::new(".")))?;
        Ok(Self {
            file: Some(path.to_owned()),
            ..config
        })
    }

    /// Reads a file again while the service runs. One without a party is refused: who wants to serve nobody stops the service.
    pub(crate) async fn load_again(path: &Path) -> Result<(Self, String), ConfigError> {
        let read = tokio::fs::read_to_string(path).await;
        let text = read.map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config = Self::parse(&text, path.parent().unwrap_or_else(|| Path::new(".")))?;
        if config.parties.is_empty() {
            let path = path.to_owned();
            return Err(ConfigError::NoParty { path });
        }
        Ok((config, text))
    }

    /// Checks what a file says. Relative paths in it start at `base_dir`.
    pub fn parse(text: &str, base_dir: &Path) -> Result<Self, ConfigError> {
        let file: ConfigFile = toml::from_str(text).map_err(|error| syntax(text, &error))?;
        file.check(base_dir)
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let written = text.lines().nth(line - 1).unwrap_or_default().trim();
    ConfigError::Syntax {
        line,
        written: written.to_owned(),
        message: error.message().trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests;
