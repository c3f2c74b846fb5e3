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
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = filter(&asked, level);
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
/// logged by the service. Whoever wants it all the same names `h2`.
fn filter(asked: &str, level: &str) -> EnvFilter {
    let of = |wanted: &str| EnvFilter::try_new(format!("h2=error,{wanted}"));
    let asked = Some(asked.trim()).filter(|it| !it.is_empty());
    let asked = asked.and_then(|asked| of(asked).ok());
    asked.unwrap_or_else(|| EnvFilter::new(format!("h2=error,{level}")))
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_peer_cannot_make_http2_warn() {
        // As the unit has it, as it is without, and as it is when it cannot be understood.
        for asked in ["info", "", "info,,=?"] {
            with(asked, || {
                assert!(!tracing::enabled!(target: "h2::proto::streams", tracing::Level::WARN));
                assert!(tracing::enabled!(target: "h2::server", tracing::Level::ERROR));
                assert!(tracing::enabled!(target: "dco_server", tracing::Level::INFO));
                assert!(!tracing::enabled!(target: "dco_server", tracing::Level::DEBUG));
            });
        }
    }

    #[test]
    fn who_asks_for_more_by_name_is_told_more() {
        with("dco_server=debug,h2=debug", || {
            assert!(tracing::enabled!(target: "h2::server", tracing::Level::DEBUG));
            assert!(tracing::enabled!(target: "dco_server", tracing::Level::DEBUG));
        });
    }

    fn with(asked: &str, look: impl FnOnce()) {
        let subscriber = tracing_subscriber::registry().with(filter(asked, "info"));
        tracing::subscriber::with_default(subscriber, look);
    }
}
