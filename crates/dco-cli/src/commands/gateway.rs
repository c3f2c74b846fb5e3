//! `dco gateway`: a simulated gateway with simulated meters.

mod faults;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dco_block::{Eui64, FirmwareVersion};
use dco_gateway::{
    Behaviour, Fleet, Gateway as Simulated, GatewayConfig, GatewayError, Keeping, Latency, Meter,
    Monitor, Running, Stats,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use self::faults::{Fixed, Share, rates};
use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::logging::{LogFormat, log};
use crate::output::Output;
use crate::table::{grouped, properties};
use crate::{files, inventory, stop};

/// Run a simulated gateway with simulated meters
#[derive(Debug, Args)]
#[command(long_about = "\
Run a simulated gateway with simulated meters until Ctrl-C or SIGTERM. It takes offers as a real
one does, gives images to its meters block by block, and each meter computes the SHA-256 over
what it was given.

What goes wrong, in --fail and --always: already-at-version, no-answer, file-transfer-failure,
not-reachable, hardware-mismatch, image-discarded, hash-mismatch, no-image-held,
activation-failure; and none.

Examples:
  dco gateway --as pki/gateway1
  dco gateway --as pki/gateway1 --fail no-answer=20,activation-failure=10 --seed 7
  dco gateway --as pki/gateway1 --always 00-DB-12-34-00-00-00-01=no-answer --report meters.json")]
pub(crate) struct Gateway {
    /// How many of a thousand attempts go wrong in which way
    #[arg(long, value_name = "FAULT=N,..", value_delimiter = ',', value_parser = Share::parse)]
    fail: Vec<Share>,
    /// One Device whose every attempt goes wrong in this way, or never does; may be repeated
    #[arg(long, value_name = "EUI-64=FAULT", value_parser = Fixed::parse)]
    always: Vec<Fixed>,
    /// Another seed lets the faults befall other attempts
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// What a block to a meter takes, or a question; a restart takes four times as long
    #[arg(long, value_name = "MS", default_value_t = 2)]
    latency_ms: u32,
    /// A meter that does not answer is given up after this time
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    no_answer_ms: u32,
    /// Attempts in hand at one time
    #[arg(long, value_name = "N", default_value_t = 200,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// Keep what is in hand in this file, so that a new start goes on with it
    #[arg(long, value_name = "FILE")]
    memory: Option<PathBuf>,
    /// The meters, as a CSV file for `dco devices import`; any Device exists when not given
    #[arg(long, value_name = "FILE")]
    meters: Option<PathBuf>,
    /// Hardware of the meters when no file gives it
    #[arg(long, value_name = "4HEX", default_value = "0100", value_parser = inventory::hardware_version)]
    meter_hardware: u16,
    /// What the meters run at first when no file says so
    #[arg(long, value_name = "8HEX", default_value = "00000001")]
    meter_version: FirmwareVersion,
    /// Write what each meter runs to this file when the gateway stops, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// A million Devices have about a hundred megabytes.
const METERS_BYTES_MAX: u64 = 256 * 1024 * 1024;

impl Gateway {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        log(LogFormat::Text, "error");
        let name = self.connection.eui64()?;
        let gateway = Simulated::new(self.config(name)?)?;
        let monitor = gateway.monitor();
        let stopping = CancellationToken::new();
        let asked = stop::asked()?;
        let (token, connected) = (stopping.clone(), monitor.clone());
        tokio::spawn(async move {
            asked.await;
            token.cancel();
        });
        tokio::spawn(async move {
            if connected.wait_until(|shown| shown.connected).await {
                output.note(format!("gateway {name} is connected"));
            }
        });
        let stats = gateway.run(stopping).await?;
        self.answer(name, &stats, &monitor)
    }

    fn config(&self, name: Eui64) -> Result<GatewayConfig, Failure> {
        Ok(GatewayConfig {
            endpoint: self.connection.endpoint(),
            identity: self.connection.identity()?,
            concurrency: self.concurrency,
            behaviour: self.behaviour()?,
            latency: self.latency(),
            fleet: self.fleet(name)?,
            keeping: self
                .memory
                .clone()
                .map_or(Keeping::InMemory, Keeping::InFile),
        })
    }

    fn behaviour(&self) -> Result<Behaviour, Failure> {
        let behaviour = Behaviour::new(self.seed, rates(&self.fail)).map_err(Failure::usage)?;
        let fixed = self.always.iter();
        Ok(fixed.fold(behaviour, |behaviour, fixed| {
            behaviour.always(fixed.device, fixed.fault)
        }))
    }

    fn latency(&self) -> Latency {
        let exchange = Duration::from_millis(self.latency_ms.into());
        Latency {
            exchange,
            block: exchange,
            activation: exchange * 4,
            no_answer_after: Some(Duration::from_millis(self.no_answer_ms.into())),
            ..Latency::default()
        }
    }

    /// The meters that this gateway reaches.
    fn fleet(&self, name: Eui64) -> Result<Fleet, Failure> {
        let Some(path) = &self.meters else {
            return Ok(Fleet::of_any(self.meter_hardware, self.meter_version));
        };
        let fleet = Fleet::of_none();
        for entry in inventory::parse(&files::read_text(path, METERS_BYTES_MAX)?)? {
            if entry.gateway == name {
                let (hardware, firmware) = (entry.hardware_version, entry.firmware_version);
                fleet.install(Meter::new(entry.device, hardware, firmware));
            }
        }
        Ok(fleet)
    }

    fn answer(&self, name: Eui64, stats: &Stats, monitor: &Monitor) -> Result<Answer, Failure> {
        let stats_json = stats_json(stats);
        if let Some(path) = &self.report {
            let devices: BTreeMap<_, _> = monitor
                .devices()
                .into_iter()
                .map(|(device, running)| (device.to_string(), running_json(&running)))
                .collect();
            let report =
                json!({ "gateway": name.to_string(), "stats": stats_json, "devices": devices });
            files::write(path, &format!("{report:#}\n"))?;
        }
        Ok(Answer::new(
            stats_text(stats),
            json!({ "gateway": name.to_string(), "stats": stats_json }),
        ))
    }
}

pub(crate) fn running_json(running: &Running) -> Value {
    json!({
        "running_version": running.firmware_version.to_string(),
        "manufacturer_image_hash": running.manufacturer_image_hash.map(|hash| hash.to_string()),
    })
}

fn stats_json(stats: &Stats) -> Value {
    let ended: BTreeMap<_, _> = stats
        .ended
        .iter()
        .map(|(result, count)| (faults::result_name(*result), count))
        .collect();
    json!({
        "connections": stats.connections,
        "offers": stats.offers,
        "repeated_offers": stats.repeated_offers,
        "declined": stats.declined,
        "started": stats.started,
        "stopped": stats.stopped,
        "ended": ended,
        "succeeded": stats.successes(),
        "failed": stats.failures(),
        "noted": stats.noted,
        "blocks_delivered": stats.blocks_delivered,
        "blocks_read": stats.blocks_read,
        "blocks_reread": stats.blocks_reread,
    })
}

fn stats_text(stats: &Stats) -> String {
    properties(&[
        ("connections", grouped(stats.connections)),
        ("offers", grouped(stats.offers)),
        ("attempts started", grouped(stats.started)),
        ("succeeded", grouped(stats.successes())),
        ("failed", grouped(stats.failures())),
        ("blocks to meters", grouped(stats.blocks_delivered)),
        ("blocks read", grouped(stats.blocks_read)),
    ])
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Concurrency { .. } => Self::usage(error),
            GatewayError::Memory(_) => Self::data(error),
            GatewayError::Link(error) => error.into(),
            GatewayError::Refused(_) | GatewayError::Replaced => Self::failed(error),
        }
    }
}
