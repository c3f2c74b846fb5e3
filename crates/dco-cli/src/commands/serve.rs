//! `dco serve`: the service itself.

use std::path::PathBuf;

use clap::Args;
use dco_server::{Clock, Config, ConfigError, ServeError};
use serde_json::json;

use crate::commands::config;
use crate::exit::{Answer, Failure};
use crate::logging::{LogFormat, log};
use crate::output::Output;
use crate::{files, stop};

/// Run the service
#[derive(Debug, Args)]
#[command(long_about = "\
Run the service until Ctrl-C or SIGTERM; then it takes no new work, open calls finish for at most
drain_seconds, and everything is synced. A second Ctrl-C or SIGTERM ends it at once (exit code
130): nothing that was acknowledged is lost by that.

When it is ready it says where it listens, with --json as an object of its own on stdout. Logs go
to stderr; RUST_LOG chooses what is logged (such as RUST_LOG=dco_server=debug).

Examples:
  dco pki pki --config dco.toml
  dco serve --config dco.toml

Exit code 64 when the configuration is wrong.")]
pub(crate) struct Serve {
    /// The configuration; `dco config check` explains it
    #[arg(long, value_name = "FILE", default_value = "dco.toml")]
    config: PathBuf,
    /// How logs are written to stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

impl Serve {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let config = self.load()?;
        log(self.log_format, "info");
        let stop = stop::asked()?;
        dco_server::serve(config, Clock::wall(), stop, |bound| {
            output.say(format!(
                "ready: gRPC on {} (mTLS), metrics and readiness on http://{}",
                bound.grpc, bound.http
            ));
            output.object(&json!({ "ready": {
                "grpc": bound.grpc.to_string(),
                "http": bound.http.to_string(),
            }}));
        })
        .await
        .map_err(Failure::from)?;
        Ok(Answer::new(
            "stopped; everything is synced",
            json!({ "stopped": true }),
        ))
    }

    fn load(&self) -> Result<Config, Failure> {
        Config::load(&self.config).map_err(|error| match error {
            ConfigError::Read { .. } => Failure::config(format!(
                "{error}; make one with `dco pki DIR --config {}`",
                self.config.display()
            )),
            _ => {
                let text = files::read_text(&self.config, u64::MAX).unwrap_or_default();
                config::refuse(&error, &text, &self.config)
            }
        })
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Tls(_) | ServeError::Listen { .. } => Self::config(error),
            ServeError::Open(_) | ServeError::Backup(_) => Self::data(error),
            ServeError::Store(_)
            | ServeError::Signal(_)
            | ServeError::Thread(_)
            | ServeError::Broken(_) => Self::internal(error),
        }
    }
}
