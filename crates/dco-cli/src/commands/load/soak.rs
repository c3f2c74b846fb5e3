//! `dco load soak`: load while everything goes wrong.

use std::time::Duration;

use clap::{Args, value_parser};
use dco_load::{SoakPlan, load_soak};

use super::world::Own;
use super::{failure, shown, to_json};
use crate::exit::{Answer, Failure};
use crate::logging::{LogFormat, log};
use crate::output::{Output, Unit};

/// Load with faults: is anything lost that was acknowledged?
#[derive(Debug, Args)]
#[command(long_about = "\
Start a service in a temporary folder and load it while connections are cut, gateways go and come
back, and the service itself is killed (SIGKILL) and started again. Users send large images and
batches for them; simulated gateways take these to simulated meters. Everybody keeps a record of
what was acknowledged, and after each start the service is held to it. At the end all must have
come to its end, each activation with its first attempt. Exit code 1 when anything is lost.

Example:
  dco load soak --seconds 600 --kill-every 20")]
pub(super) struct Soak {
    /// How long things go wrong
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Seconds between a start of the service and its next kill
    #[arg(long, value_name = "N", default_value_t = 20.0, value_parser = kill_every)]
    kill_every: f64,
    /// Gateways
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u16).range(1..=100))]
    gateways: u16,
    /// Senders of each User that work side by side
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u32).range(1..=100))]
    lanes: u32,
    /// Devices of a batch
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=500))]
    batch_devices: u32,
    /// Octets of each image
    #[arg(long, value_name = "N", default_value_t = 800_000)]
    image_bytes: u32,
    #[command(flatten)]
    own: Own,
}

impl Soak {
    pub(super) async fn run(self, output: Output) -> Result<Answer, Failure> {
        log(LogFormat::Text, "off");
        let mut world = self.own.world(self.gateways).await?;
        let plan = SoakPlan {
            time: Duration::from_secs(self.seconds.into()),
            kill_every: Duration::from_secs_f64(self.kill_every),
            lanes: self.lanes,
            batch_devices: self.batch_devices,
            image_bytes: self.image_bytes,
            folder: world.folder().to_owned(),
        };
        let bar = output.bar("soaking", 0, Unit::Kills);
        let (target, service) = (&world.target, world.service.as_mut());
        let service = service.ok_or_else(|| Failure::internal("this world has a service"))?;
        let mut told = |kills| bar.set_position(kills);
        let load = load_soak(service, target, &plan, &mut told).await;
        bar.finish_and_clear();
        let load = load.map_err(failure)?;
        let lost = !load.violations.is_empty();
        Ok(Answer::new(shown::soak(&load), to_json(&load)?).failed_if(lost))
    }
}

fn kill_every(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "write seconds like 20")?;
    if (0.1..=86_400.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("write seconds from 0.1 to 86400".to_owned())
    }
}
