//! A service of our own, in a process apart, that can be killed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::LoadError;

/// A start with much to recover takes seconds; this is far beyond.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// `dco serve` on a configuration. Its process ends with the value at the latest.
#[derive(Debug)]
pub struct Service {
    program: PathBuf,
    config: PathBuf,
    running: Running,
}

#[derive(Debug)]
struct Running {
    process: Child,
    /// Kept, so that the process never writes to nobody.
    _lines: Lines<BufReader<ChildStdout>>,
    grpc: SocketAddr,
}

impl Service {
    /// Starts `program serve` and waits until it is ready. Its configuration should listen on a port that the system chooses.
    ///
    /// # Errors
    /// When it does not start, or does not say that it is ready.
    pub async fn start(program: PathBuf, config: PathBuf) -> Result<Self, LoadError> {
        let running = Running::start(&program, &config).await?;
        Ok(Self {
            program,
            config,
            running,
        })
    }

    /// Where gRPC is served.
    pub fn address(&self) -> SocketAddr {
        self.running.grpc
    }

    /// Its process, where it has not ended.
    pub fn process(&self) -> Option<u32> {
        self.running.process.id()
    }

    /// SIGKILL, as a power cut for the process; returns when it is gone.
    ///
    /// # Errors
    /// When it had ended by itself before, which is a fault of the service.
    pub async fn kill(&mut self) -> Result<(), LoadError> {
        if let Some(status) = self.running.process.try_wait()? {
            return Err(LoadError::wrong(format!("it ended by itself: {status}")));
        }
        Ok(self.running.process.kill().await?)
    }

    /// Starts it anew, on what is on disk. It must have been killed.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub async fn start_again(&mut self) -> Result<(), LoadError> {
        self.running = Running::start(&self.program, &self.config).await?;
        Ok(())
    }
}

impl Running {
    async fn start(program: &PathBuf, config: &PathBuf) -> Result<Self, LoadError> {
        let mut process = Command::new(program)
            .args(["serve", "--config"])
            .arg(config)
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = process.stdout.take();
        let out = out.ok_or_else(|| LoadError::Service("its output is not heard".to_owned()))?;
        let mut lines = BufReader::new(out).lines();
        let ready = tokio::time::timeout(READY_WITHIN, ready(&mut lines)).await;
        let grpc = ready.map_err(|_| {
            let seconds = READY_WITHIN.as_secs();
            LoadError::Service(format!("it was not ready within {seconds} s"))
        })??;
        Ok(Self {
            process,
            _lines: lines,
            grpc,
        })
    }
}

async fn ready(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<SocketAddr, LoadError> {
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = address_in(&line) {
            return Ok(address);
        }
    }
    Err(LoadError::Service(
        "it ended before it was ready".to_owned(),
    ))
}

/// What `dco serve` says when it is ready. With `--json` it would say so once more on stderr, which is shared with this program.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (address, _) = line.strip_prefix("ready: gRPC on ")?.split_once(' ')?;
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ready_line_has_an_address() {
        let line =
            "ready: gRPC on 127.0.0.1:7443 (mTLS), metrics and readiness on http://127.0.0.1:7480";
        assert_eq!(address_in(line), "127.0.0.1:7443".parse().ok());
        for line in ["", "ready", "{}", "ready: gRPC on nowhere (mTLS)"] {
            assert_eq!(address_in(line), None, "{line}");
        }
    }

    #[tokio::test]
    async fn a_program_that_says_nothing_is_no_service() {
        let error = Service::start("/bin/true".into(), "x".into())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("ended before"), "{error}");
        let error = Service::start("/nowhere/dco".into(), "x".into()).await;
        assert!(error.is_err());
    }
}
