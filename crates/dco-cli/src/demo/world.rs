//! What the demonstration plays in: the service, two gateways, and who speaks to them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dco_block::Eui64;
use dco_client::{DeviceEntry, Endpoint, Identity, Link};
use dco_gateway::{
    Behaviour, Defect, Fault, Fleet, Gateway, GatewayConfig, GatewayError, Keeping, Latency, Meter,
    Monitor, Rates, Stats,
};
use dco_schedule::{Calendar, Micros};
use dco_server::{Bound, Clock, Config, ConfigFile, ServeError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::image::{self, Ready, Source};
use super::inventory;
use crate::development::{self, Places, Registered};
use crate::exit::Failure;
use crate::files;
use crate::logging::{LogFormat, log};
use crate::output::Output;

/// 28 March 2026, midnight in London: the day after has 23 hours.
const START_US: Micros = 1_774_656_000_000_000;
/// A day takes about ten seconds.
pub(super) const TIMES_AS_FAST: u32 = 8_640;

const PEM_BYTES_MAX: u64 = 64 * 1024;

/// Everything that runs, and what is known of it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) calendar: Calendar,
    pub(super) image: Ready,
    pub(super) entries: Vec<DeviceEntry>,
    pub(super) users: [Eui64; 2],
    pub(super) bound: Bound,
    pki: PathBuf,
    gateways: Vec<RunningGateway>,
    stop_service: oneshot::Sender<()>,
    service: JoinHandle<Result<(), ServeError>>,
}

#[derive(Debug)]
struct RunningGateway {
    monitor: Monitor,
    stop: CancellationToken,
    run: JoinHandle<Result<Stats, GatewayError>>,
}

impl World {
    /// Makes the PKI, starts the service and the gateways, and waits until all are connected.
    pub(super) async fn start(
        folder: &Path,
        file: Option<Source>,
        output: Output,
    ) -> Result<Self, Failure> {
        log(LogFormat::Text, "error");
        let parties = development::parties(2, 2);
        let pki = folder.join("pki");
        let paths = development::make_pki(&pki, &parties, Clock::wall().now_us())?;
        let key_pem = files::read_text(&paths.image_signing_key, PEM_BYTES_MAX)?;
        let image = image::prepare(file, &key_pem)?;
        let config = config(folder, &parties, image.is_signed_here)?;

        let users = named(&parties, ["user1", "user2"]);
        let gateways = named(&parties, ["gateway1", "gateway2"]);
        let entries = inventory::entries(users, gateways, &image.manifest);

        let clock = Clock::scaled(START_US, TIMES_AS_FAST);
        let (stop_service, service, bound) = serve(config, clock).await?;
        output.say(format!(
            "The service runs: gRPC on {} with mutual TLS, metrics on http://{}/metrics.\n\
             Time runs {TIMES_AS_FAST} times as fast; it is 28 March 2026, midnight, in London.",
            bound.grpc, bound.http
        ));
        let mut world = Self {
            clock,
            calendar: Calendar::london(),
            image,
            entries,
            users,
            bound,
            pki,
            gateways: Vec::new(),
            stop_service,
            service,
        };
        for (name, eui64) in ["gateway1", "gateway2"].into_iter().zip(gateways) {
            let gateway = world.start_gateway(name, eui64)?;
            world.gateways.push(gateway);
        }
        Ok(world)
    }

    /// A connection as one of the parties.
    pub(super) async fn link(&self, party: &str) -> Result<Link, Failure> {
        Ok(Link::connect(&self.endpoint(), &self.identity(party)?).await?)
    }

    /// How long it takes until the clock shows this, in whole seconds.
    pub(super) fn seconds_until(&self, at_us: Micros) -> Micros {
        (at_us - self.clock.now_us()) / (Micros::from(TIMES_AS_FAST) * 1_000_000)
    }

    /// Waits until both gateways are connected.
    pub(super) async fn gateways_connected(&self) -> Result<(), Failure> {
        for gateway in &self.gateways {
            if !gateway.monitor.wait_until(|shown| shown.connected).await {
                return Err(Failure::internal("a simulated gateway has ended"));
            }
        }
        Ok(())
    }

    /// What the gateways have done so far.
    pub(super) fn gateway_stats(&self) -> Vec<Stats> {
        self.gateways
            .iter()
            .map(|gateway| gateway.monitor.stats())
            .collect()
    }

    /// Stops the gateways, then the service, and waits for both.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        for gateway in self.gateways {
            gateway.stop.cancel();
            gateway.run.await.map_err(Failure::internal)??;
        }
        // The service may have ended by itself; its result says why.
        let _ended = self.stop_service.send(());
        Ok(self.service.await.map_err(Failure::internal)??)
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.bound.grpc.to_string(), "localhost")
    }

    fn identity(&self, party: &str) -> Result<Identity, Failure> {
        let read = |name: String| files::read(&self.pki.join(name), PEM_BYTES_MAX);
        Ok(Identity {
            ca_pem: read("ca.pem".to_owned())?.into(),
            certificate_pem: read(format!("{party}.pem"))?.into(),
            key_pem: read(format!("{party}.key"))?.into(),
        })
    }

    fn start_gateway(&self, name: &str, eui64: Eui64) -> Result<RunningGateway, Failure> {
        let mine: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.gateway == eui64)
            .collect();
        let fleet = Fleet::of_none();
        for entry in &mine {
            let (hardware, firmware) = (entry.hardware_version, entry.firmware_version);
            fleet.install(Meter::new(entry.device, hardware, firmware));
        }
        let gateway = Gateway::new(GatewayConfig {
            endpoint: self.endpoint(),
            identity: self.identity(name)?,
            concurrency: 500,
            behaviour: behaviour(eui64, &mine)?,
            latency: latency(),
            fleet,
            keeping: Keeping::InMemory,
        })?;
        let stop = CancellationToken::new();
        let monitor = gateway.monitor();
        let run = tokio::spawn(gateway.run(stop.clone()));
        Ok(RunningGateway { monitor, stop, run })
    }
}

/// Starts the service in this process; gives the handle that stops it and where it listens.
async fn serve(
    config: Config,
    clock: Clock,
) -> Result<
    (
        oneshot::Sender<()>,
        JoinHandle<Result<(), ServeError>>,
        Bound,
    ),
    Failure,
> {
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, is_ready) = oneshot::channel();
    let service = tokio::spawn(dco_server::serve(
        config,
        clock,
        async {
            // Dropping the handle stops the service as well.
            let _stop = stopped.await;
        },
        move |bound| {
            let _nobody_waits = ready.send(bound);
        },
    ));
    match is_ready.await {
        Ok(bound) => Ok((stop, service, bound)),
        Err(_) => {
            service.await.map_err(Failure::internal)??;
            Err(Failure::internal("the service ended before it was ready"))
        }
    }
}

/// The development configuration with every check on images (but for the signature of an image that somebody else has made), and
/// with timers that a slow machine does not run into: at this speed
/// an hour of the service is less than half a second.
fn config(folder: &Path, parties: &[Registered], image_signature: bool) -> Result<Config, Failure> {
    let places = Places {
        data_dir: "data".into(),
        listen: "127.0.0.1:0",
        http_listen: "127.0.0.1:0",
    };
    let text = development::config(&places, Path::new("pki"), parties);
    let mut file: ConfigFile = toml::from_str(&text).map_err(Failure::internal)?;
    file.trust.image_signature = image_signature;
    file.trust.products_list = true;
    file.trust.upgrade_pathway = true;
    // In the first minutes more has failed than succeeded: what fails ends sooner.
    file.stop.attempts = 400;
    file.attempt.answer_within_minutes = 14 * DAY_MINUTES;
    file.attempt.no_progress_minutes = 7 * DAY_MINUTES;
    file.attempt.hello_within_minutes = 7 * DAY_MINUTES;
    let text = toml::to_string(&file).map_err(Failure::internal)?;
    files::write_new(&folder.join("dco.toml"), text.as_bytes())?;
    file.check(folder).map_err(Failure::internal)
}

const DAY_MINUTES: u32 = 1_440;
/// More than the first User has behind one gateway, so that the second meter is the other User's.
const APART: usize = inventory::FIRST_USER_DEVICES as usize / 2 + 1;

/// Some attempts fail and are tried again; two meters behind each gateway, one of either User, never
/// do what they should.
fn behaviour(gateway: Eui64, meters: &[&DeviceEntry]) -> Result<Behaviour, Failure> {
    let rates = Rates {
        already_at_version: 20,
        no_answer: 15,
        file_transfer_failure: 30,
        activation_failure: 10,
        ..Rates::default()
    };
    let behaviour = Behaviour::new(gateway.bits(), rates).map_err(Failure::internal)?;
    let broken = [Fault::NoAnswer, Fault::Meter(Defect::FailsActivation)];
    let broken = meters.iter().step_by(APART).zip(broken);
    Ok(broken.fold(behaviour, |all, (meter, fault)| {
        all.always(meter.device, Some(fault))
    }))
}

/// As on a cellular link, at the speed of the demonstration.
fn latency() -> Latency {
    Latency {
        exchange: Duration::from_secs(5),
        block: Duration::from_secs(120),
        activation: Duration::from_secs(180),
        no_answer_after: Some(Duration::from_secs(1_800)),
        ..Latency::default()
    }
    .at_speed(TIMES_AS_FAST)
}

fn named(parties: &[Registered], names: [&str; 2]) -> [Eui64; 2] {
    names.map(|name| {
        let party = parties.iter().find(|party| party.name == name);
        party
            .expect("`development::parties` makes two of each when told to")
            .eui64
    })
}
