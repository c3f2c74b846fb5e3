//! The running service: a process of its own, or inside the test by a faster clock.

use std::net::SocketAddr;
use std::time::Duration;

use dco_schedule::Micros;
use dco_server::{Clock, Config, ServeError};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Child, Ended, Site, dco_command, within};

/// A running service.
#[derive(Debug)]
pub struct Service {
    grpc: SocketAddr,
    http: SocketAddr,
    runs: Runs,
}

#[derive(Debug)]
enum Runs {
    Apart(Box<Child>),
    Inside {
        stop: oneshot::Sender<()>,
        task: JoinHandle<Result<(), ServeError>>,
    },
}

impl Service {
    /// Runs `dco serve` on a site's configuration and waits until it is ready.
    pub async fn start(site: &Site) -> Self {
        Self::start_logging(site, "info").await
    }

    /// The same, with a log of this level (as RUST_LOG has it).
    pub async fn start_logging(site: &Site, level: &str) -> Self {
        let mut child = spawn(site, level);
        let line = child.says(is_ready).await;
        let ready: Value = serde_json::from_str(&line).expect("with --json every line is JSON");
        let address = |name: &str| {
            let text = ready["ready"][name]
                .as_str()
                .expect("the ready line names addresses");
            text.parse().expect("an address with its port")
        };
        Self {
            grpc: address("grpc"),
            http: address("http"),
            runs: Runs::Apart(Box::new(child)),
        }
    }

    /// Runs `dco serve` and kills it after `patience`, whether it is ready by then or not.
    pub async fn kill_starting(site: &Site, patience: Duration) -> Ended {
        let mut child = spawn(site, "info");
        // Either way it is killed next.
        let _ready = tokio::time::timeout(patience, child.says(is_ready)).await;
        child.kill().await
    }

    /// Runs the service inside the test, on a clock that shows `start_us` now and runs `factor` times as fast.
    pub async fn start_inside(site: &Site, start_us: Micros, factor: u32) -> Self {
        let config = Config::load(&site.config()).expect("the site's configuration is good");
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = oneshot::channel();
        let asked = async {
            // Dropping the handle stops the service as well.
            let _stop = stopped.await;
        };
        let clock = Clock::scaled(start_us, factor);
        let task = tokio::spawn(dco_server::serve(config, clock, asked, |bound| {
            ready.send(bound).expect("the test waits for it");
        }));
        let bound = within("the service to be ready", is_ready).await;
        let bound = bound.expect("the service becomes ready");
        Self {
            grpc: bound.grpc,
            http: bound.http,
            runs: Runs::Inside { stop, task },
        }
    }

    /// Where gRPC is served.
    pub fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    /// Where metrics and readiness are served.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The log so far, one JSON object on each line; empty for a service inside the test.
    pub fn log(&self) -> Vec<String> {
        match &self.runs {
            Runs::Apart(child) => child.log(),
            Runs::Inside { .. } => Vec::new(),
        }
    }

    /// The log's lines of level ERROR so far.
    pub fn errors(&self) -> Vec<String> {
        errors_in(self.log())
    }

    /// The most memory that it has had at one time, in bytes. Only for a service in a process of its own.
    pub fn memory_bytes_max(&self) -> u64 {
        match &self.runs {
            Runs::Apart(child) => child.memory_bytes_max(),
            Runs::Inside { .. } => panic!("a service inside the test shares its memory with it"),
        }
    }

    /// SIGHUP. Only for a service in a process of its own.
    pub fn hang_up(&self) {
        match &self.runs {
            Runs::Apart(child) => child.hang_up(),
            Runs::Inside { .. } => panic!("a service inside the test has no process of its own"),
        }
    }

    /// SIGKILL. Only for a service in a process of its own.
    pub async fn kill(self) -> Ended {
        match self.runs {
            Runs::Apart(child) => child.kill().await,
            Runs::Inside { .. } => panic!("a service inside the test cannot be killed"),
        }
    }

    /// SIGTERM, without waiting for what comes of it. Only for a service in a process of its own.
    pub fn terminate(&self) {
        match &self.runs {
            Runs::Apart(child) => child.terminate(),
            Runs::Inside { .. } => panic!("a service inside the test gets no signals"),
        }
    }

    /// Waits until it has ended. Only for a service in a process of its own.
    pub async fn ended(self) -> Ended {
        match self.runs {
            Runs::Apart(child) => child.ended().await,
            Runs::Inside { .. } => panic!("a service inside the test is stopped"),
        }
    }

    /// Stops it in order and waits for its end; it must end without a fault.
    pub async fn stop(self) {
        match self.runs {
            Runs::Apart(child) => {
                child.stop().await.expect_code(0);
            }
            Runs::Inside { stop, task } => {
                // It may have ended by itself; how, is looked at next.
                let _ended = stop.send(());
                let ended = within("the service to stop", task).await;
                ended
                    .expect("the service does not panic")
                    .expect("the service ends in order");
            }
        }
    }
}

fn spawn(site: &Site, level: &str) -> Child {
    let mut command = dco_command(["serve", "--json", "--log-format", "json", "--config"]);
    command.arg(site.config()).env("RUST_LOG", level);
    Child::spawn("dco serve", command)
}

fn is_ready(line: &str) -> bool {
    line.contains("\"ready\"")
}

/// The lines of level ERROR in a log with one JSON object on each line.
pub(crate) fn errors_in(log: Vec<String>) -> Vec<String> {
    let is_error = |line: &String| match serde_json::from_str::<Value>(line) {
        Ok(entry) => entry["level"] == "ERROR",
        Err(_) => line.contains("panicked"),
    };
    log.into_iter().filter(is_error).collect()
}
