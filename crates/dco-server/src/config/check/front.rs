//! Who is let in, and how much of the door each may take.

use std::path::Path;
use std::time::Duration;

use super::{MEBIBYTE, seconds, within};
use crate::config::file::{ConnectionsSection, TlsSection};
use crate::config::{ConfigError, Connections, TlsFiles};

const DAY: Duration = Duration::from_secs(86_400);

impl TlsSection {
    pub(super) fn check(self, base_dir: &Path) -> Result<TlsFiles, ConfigError> {
        Ok(TlsFiles {
            ca: base_dir.join(self.ca),
            certificate: base_dir.join(self.certificate),
            key: base_dir.join(self.key),
            crls: self.crls.iter().map(|file| base_dir.join(file)).collect(),
            issuers: self
                .issuers
                .iter()
                .map(|file| base_dir.join(file))
                .collect(),
            eui64_from: self.eui64_from,
            reload_every: seconds("tls.reload_seconds", self.reload_seconds, 1..=86_400)?,
            warn_before: DAY * within("tls.warn_before_days", self.warn_before_days, 0..=3_660)?,
        })
    }
}

impl ConnectionsSection {
    pub(super) fn check(&self) -> Result<Connections, ConfigError> {
        let max = within("connections.max", self.max, 1..=100_000)?;
        let handshakes_max = within(
            "connections.handshakes_max",
            self.handshakes_max,
            1..=100_000,
        )?;
        Ok(Connections {
            max: max as usize,
            handshakes_max: handshakes_max as usize,
            handshake_within: seconds(
                "connections.handshake_seconds",
                self.handshake_seconds,
                1..=300,
            )?,
            handshakes_per_address_max: within(
                "connections.handshakes_per_address_max",
                self.handshakes_per_address_max,
                1..=handshakes_max,
            )?,
            handshakes_per_address_second_max: within(
                "connections.handshakes_per_address_second_max",
                self.handshakes_per_address_second_max,
                1..=1_000_000,
            )?,
            per_peer_max: within("connections.per_peer_max", self.per_peer_max, 1..=max)?,
            calls_max: within("connections.calls_max", self.calls_max, 1..=10_000)?,
            calls_per_peer_max: within(
                "connections.calls_per_peer_max",
                self.calls_per_peer_max,
                1..=1_000_000,
            )?,
            call_within: seconds("connections.call_seconds", self.call_seconds, 1..=86_400)?,
            idle_within: seconds("connections.idle_seconds", self.idle_seconds, 1..=86_400)?,
            unread_within: seconds("connections.unread_seconds", self.unread_seconds, 1..=3_600)?,
            headers_bytes_max: within(
                "connections.headers_bytes_max",
                self.headers_bytes_max,
                4_096..=MEBIBYTE,
            )?,
            resets_pending_max: within(
                "connections.resets_pending_max",
                self.resets_pending_max,
                1..=10_000,
            )? as usize,
            error_resets_max: within(
                "connections.error_resets_max",
                self.error_resets_max,
                1..=1_000_000,
            )? as usize,
        })
    }
}
