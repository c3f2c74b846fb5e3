//! A simulated gateway with simulated meters, whose program ends and starts again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dco_block::FirmwareVersion;
use dco_gateway::{
    Behaviour, Fleet, Gateway, GatewayConfig, GatewayError, Keeping, Latency, Stats,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{LoadError, Target};

/// Attempts at one time: enough for all lanes.
const CONCURRENCY: u32 = 1_000;

/// One gateway over all its lives. Its meters outlive it, and its memory is a file.
#[derive(Debug)]
pub(crate) struct Played {
    number: usize,
    memory: PathBuf,
    fleet: Fleet,
    stop: CancellationToken,
    run: JoinHandle<Result<Stats, GatewayError>>,
    /// Of its earlier lives.
    earlier: Vec<Stats>,
}

impl Played {
    pub(crate) fn start(target: &Target, number: usize, folder: &Path) -> Result<Self, LoadError> {
        let memory = folder.join(format!("gateway{number}.memory"));
        let fleet = Fleet::of_any(0x0100, FirmwareVersion::new(1));
        let stop = CancellationToken::new();
        Ok(Self {
            run: run(target, number, (&memory, &fleet), &stop)?,
            number,
            memory,
            fleet,
            stop,
            earlier: Vec::new(),
        })
    }

    /// Ends it in the middle of its work and starts it again on what it has kept.
    pub(crate) async fn restart(&mut self, target: &Target) -> Result<(), LoadError> {
        self.stop.cancel();
        let ended = ended(&mut self.run).await?;
        self.earlier.push(ended);
        self.stop = CancellationToken::new();
        self.run = run(target, self.number, (&self.memory, &self.fleet), &self.stop)?;
        Ok(())
    }

    /// Ends it; gives the counts of each of its lives.
    pub(crate) async fn stop(mut self) -> Result<Vec<Stats>, LoadError> {
        self.stop.cancel();
        self.earlier.push(ended(&mut self.run).await?);
        Ok(self.earlier)
    }
}

async fn ended(run: &mut JoinHandle<Result<Stats, GatewayError>>) -> Result<Stats, LoadError> {
    match run.await {
        Ok(stats) => Ok(stats?),
        Err(fault) => match fault.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(fault) => Err(LoadError::wrong(fault.to_string())),
        },
    }
}

fn run(
    target: &Target,
    number: usize,
    (memory, fleet): (&Path, &Fleet),
    stop: &CancellationToken,
) -> Result<JoinHandle<Result<Stats, GatewayError>>, LoadError> {
    let gateway = Gateway::new(GatewayConfig {
        endpoint: target.endpoint.clone(),
        identity: target.gateways[number].identity.clone(),
        concurrency: CONCURRENCY,
        behaviour: Behaviour::faultless(),
        latency: latency(),
        fleet: fleet.clone(),
        keeping: Keeping::InFile(memory.to_owned()),
    })?;
    Ok(tokio::spawn(gateway.run(stop.clone())))
}

/// So much that there is a middle in which an attempt can be interrupted.
fn latency() -> Latency {
    let exchange = Duration::from_millis(2);
    Latency {
        exchange,
        block: exchange,
        activation: exchange * 4,
        reconnect_max: Duration::from_millis(500),
        ..Latency::default()
    }
}
