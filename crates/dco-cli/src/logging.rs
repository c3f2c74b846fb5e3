//! Logs on stderr.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Sends logs to stderr; what is logged is said by RUST_LOG, or else by `level`.
pub(crate) fn log(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| of_level(level));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A subscriber that is installed already stays; there is one at most for a process.
    let _installed = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}

/// HTTP/2 warns of what a peer does wrong, a line for each connection, and any peer could drown the log: what ends a connection is
/// logged by the service.
fn of_level(level: &str) -> EnvFilter {
    EnvFilter::new(format!("{level},h2=error"))
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_peer_cannot_make_http2_warn() {
        let subscriber = tracing_subscriber::registry().with(of_level("info"));
        tracing::subscriber::with_default(subscriber, || {
            assert!(!tracing::enabled!(target: "h2::proto::streams::recv", tracing::Level::WARN));
            assert!(tracing::enabled!(target: "h2::server", tracing::Level::ERROR));
            assert!(tracing::enabled!(target: "dco_server", tracing::Level::INFO));
            assert!(!tracing::enabled!(target: "dco_server", tracing::Level::DEBUG));
        });
    }
}
