//! Files that are read again while the service runs: when, and what is said of it.
//!
//! What cannot be used is never taken over: what was in force stays, the log and a metric say so until the file is good again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::metrics::Metrics;

/// What is read from files.
pub(crate) trait Source {
    /// Why files cannot be used.
    type Error: std::fmt::Display;
    /// What it is, for logs and metrics.
    const WHAT: &'static str;
    /// Reads the files, and publishes what is new in them. Whether anything is.
    fn look(&mut self) -> impl Future<Output = Result<bool, Self::Error>> + Send;
    /// Resolves when nobody wants it any more.
    fn unwanted(&self) -> impl Future<Output = ()> + Send;
}

/// When files are looked at: again and again, and when the process is told to (SIGHUP).
#[derive(Debug, Clone)]
pub(crate) struct Rounds {
    every: Duration,
    told: watch::Receiver<()>,
    metrics: Arc<Metrics>,
}

/// The one who hears SIGHUP.
pub(crate) struct Ear {
    hangup: Signal,
    tell: watch::Sender<()>,
}

impl Rounds {
    /// # Errors
    /// When the operating system does not let the process listen for SIGHUP.
    pub(crate) fn new(every: Duration, metrics: Arc<Metrics>) -> io::Result<(Self, Ear)> {
        let hangup = signal(SignalKind::hangup())?;
        let (tell, told) = watch::channel(());
        let rounds = Self {
            every,
            told,
            metrics,
        };
        Ok((rounds, Ear { hangup, tell }))
    }

    /// Looks at the files of `source` until nobody wants them any more.
    pub(crate) async fn run<S: Source>(mut self, mut source: S) {
        // The first look is at once.
        let mut rounds = tokio::time::interval(self.every);
        self.metrics.reload_begins(S::WHAT);
        loop {
            tokio::select! {
                _ = rounds.tick() => {}
                Ok(()) = self.told.changed() => tracing::info!(what = S::WHAT, "looked at, because SIGHUP came"),
                () = source.unwanted() => return,
            }
            let outcome = source.look().await;
            self.metrics
                .reloaded(S::WHAT, outcome.as_ref().ok().copied());
            match outcome {
                Ok(true) => tracing::info!(what = S::WHAT, "renewed"),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(what = S::WHAT, %error, "not renewed; the old ones stay");
                }
            }
        }
    }
}

impl Ear {
    /// Passes SIGHUP on until nobody listens.
    pub(crate) async fn listen(mut self) {
        loop {
            tokio::select! {
                heard = self.hangup.recv() => if heard.is_none() { return },
                () = self.tell.closed() => return,
            }
            self.tell.send_replace(());
        }
    }
}
