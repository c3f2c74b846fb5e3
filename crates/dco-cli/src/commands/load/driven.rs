//! `dco load intake`, `activations` and `mixed`: a running service under load.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, value_parser};
use dco_load::{
    ActivationsPlan, Bounds, IntakePlan, LimitRounds, Limits, LoadError, MemoryFigures,
    MemoryWatch, load_activations, load_intake, load_mixed,
};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::world::{Where, World};
use super::{chart, failure, shown, to_json};
use crate::chart::svg_file;
use crate::exit::{Answer, Failure};
use crate::files;
use crate::logging::{LogFormat, log};
use crate::output::{Output, Unit};

/// Images in blocks, to the durable acknowledgement
#[derive(Debug, Args)]
#[command(long_about = "\
Send images in blocks over mTLS until --images or --seconds is reached, and say how many became
durable in a second, how long each took, and how that stands beside the machine's own limits,
measured before and after. Every image is another, is signed, and has its 11.1 Response: stored.

Without --rate the loop is closed: a sender begins its next image when the last is done. With
--rate it is open: images begin at their moments whether a sender is free or not, and latency
counts from there.

Examples:
  dco load intake
  dco load intake --senders 16 --rate 100 --seconds 30 --chart latency.svg
  dco load intake --server 127.0.0.1:7443 --pki pki --users 1 --json")]
pub(super) struct Intake {
    #[command(flatten)]
    images: Images,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Args)]
struct Images {
    /// Senders at one time, each with a connection of its own
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u16).range(1..=1_000))]
    senders: u16,
    /// Octets of each image
    #[arg(long, value_name = "N", default_value_t = IntakePlan::default().image_bytes)]
    image_bytes: u32,
    /// Octets of a block
    #[arg(long, value_name = "N", default_value_t = IntakePlan::default().block_bytes)]
    block_bytes: u32,
    /// Images at most
    #[arg(long, value_name = "N", default_value_t = IntakePlan::default().bounds.count)]
    images: u64,
    /// Images that begin in a second; as fast as it goes when not given
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
}

/// Batches in, releases to gateways, outcomes back
#[derive(Debug, Args)]
#[command(long_about = "\
Connect gateways and send batches of Devices until --activations or --seconds is reached. The
gateways have no meters: they answer an offer with success at once, so that what is measured is
the DCO's part, from a batch to the durable outcome of each of its activations. The image is not
large, because large ones leave at the pace of the day, which is a rule.

With --rate (activations in a second) batches begin at their moments, whether Devices are free
or not, and their latency counts from there.

Examples:
  dco load activations
  dco load activations --gateways 10000 --seconds 20 --json")]
pub(super) struct Activations {
    #[command(flatten)]
    batches: Batches,
    /// Activations sent in a second; as fast as it goes when not given
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Args)]
struct Batches {
    /// Gateways to connect
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u16).range(1..=20_000))]
    gateways: u16,
    /// Batches of each User under way at one time, each of Devices of its own
    #[arg(long, value_name = "N", default_value_t = ActivationsPlan::default().lanes)]
    lanes: u32,
    /// Devices of a batch
    #[arg(long, value_name = "N", default_value_t = ActivationsPlan::default().batch_devices)]
    batch_devices: u32,
    /// Attempts that a gateway takes at one time
    #[arg(long, value_name = "N", default_value_t = ActivationsPlan::default().concurrency,
        value_parser = value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// Activations at most
    #[arg(long, value_name = "N", default_value_t = ActivationsPlan::default().bounds.count)]
    activations: u64,
}

/// Images and batches at one time
#[derive(Debug, Args)]
#[command(long_about = "\
Send images as `dco load intake` does and batches as `dco load activations` does, at one time and
with the same flags.

Example:
  dco load mixed --senders 4 --seconds 60 --chart latency.svg")]
pub(super) struct Mixed {
    #[command(flatten)]
    images: Images,
    #[command(flatten)]
    batches: Batches,
    /// Activations sent in a second; as fast as it goes when not given
    #[arg(long, value_name = "N", value_parser = rate)]
    activation_rate: Option<f64>,
    #[command(flatten)]
    run: Run,
}

/// What all of them have.
#[derive(Debug, Args)]
struct Run {
    /// After this time nothing new begins
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Draw latency over time into this file, as SVG
    #[arg(long, value_name = "FILE.svg", value_parser = svg_file)]
    chart: Option<PathBuf>,
    /// Rounds in which the machine's limits are measured, before and again after; 0: not at all
    #[arg(long, value_name = "N", default_value_t = 2)]
    limit_rounds: u32,
    #[command(flatten)]
    service: Where,
}

impl Intake {
    pub(super) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let ready = self.run.begin(0).await?;
        let bar = output.bar("sending", self.images.images, Unit::Images);
        let plan = self.images.plan(&self.run);
        let load = load_intake(&ready.world.target, plan, told(&bar)).await;
        bar.finish_and_clear();
        let load = load.map_err(failure)?;
        let measured = ready.end().await?;
        self.run
            .draw(&[("durable acknowledgement of an image", &load.over_time)])?;
        let json = with_measured(to_json(&load)?, &measured, |limits| {
            shown::intake_ratios(&load, limits)
        })?;
        Ok(Answer::new(shown::intake(&load, &measured), json))
    }
}

impl Activations {
    pub(super) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let ready = self.run.begin(self.batches.gateways).await?;
        let bar = output.bar("activating", self.batches.activations, Unit::Activations);
        let plan = self.batches.plan(&self.run, self.rate);
        let load = load_activations(&ready.world.target, plan, told(&bar)).await;
        bar.finish_and_clear();
        let load = load.map_err(failure)?;
        let measured = ready.end().await?;
        self.run
            .draw(&[("offer to noted outcome", &load.over_time)])?;
        let json = with_measured(to_json(&load)?, &measured, |limits| {
            shown::activation_ratios(&load, limits)
        })?;
        Ok(Answer::new(shown::activations(&load, &measured), json))
    }
}

impl Mixed {
    pub(super) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let ready = self.run.begin(self.batches.gateways).await?;
        let bar = output.bar("loading", self.batches.activations, Unit::Activations);
        let plans = (
            self.images.plan(&self.run),
            self.batches.plan(&self.run, self.activation_rate),
        );
        let load = load_mixed(&ready.world.target, plans, told(&bar)).await;
        bar.finish_and_clear();
        let load = load.map_err(failure)?;
        let measured = ready.end().await?;
        self.run.draw(&[
            (
                "durable acknowledgement of an image",
                &load.intake.over_time,
            ),
            ("offer to noted outcome", &load.activations.over_time),
        ])?;
        let json = with_measured(to_json(&load)?, &measured, |limits| {
            json!({
                "intake": shown::intake_ratios(&load.intake, limits),
                "activations": shown::activation_ratios(&load.activations, limits),
            })
        })?;
        Ok(Answer::new(shown::mixed(&load, &measured), json))
    }
}

impl Images {
    fn plan(&self, run: &Run) -> IntakePlan {
        IntakePlan {
            senders: self.senders.into(),
            image_bytes: self.image_bytes,
            block_bytes: self.block_bytes,
            bounds: run.bounds(self.images),
            rate_per_s: self.rate,
            ..IntakePlan::default()
        }
    }
}

impl Batches {
    fn plan(&self, run: &Run, rate_per_s: Option<f64>) -> ActivationsPlan {
        ActivationsPlan {
            lanes: self.lanes,
            batch_devices: self.batch_devices,
            concurrency: self.concurrency,
            bounds: run.bounds(self.activations),
            rate_per_s,
        }
    }
}

/// A world with its limits measured once.
struct Ready {
    world: World,
    limits: LimitRounds,
    limit_rounds: u32,
    memory: Option<MemoryWatch>,
}

/// What was measured beside the load.
#[derive(Debug)]
pub(super) struct Measured {
    /// None when they were not asked for.
    pub(super) limits: Option<Limits>,
    /// None where the service's process is not known.
    pub(super) memory: Option<MemoryFigures>,
}

impl Run {
    async fn begin(&self, gateways: u16) -> Result<Ready, Failure> {
        log(LogFormat::Text, "error");
        let world = self.service.world(gateways).await?;
        let limits = measure(&world, LimitRounds::default(), self.limit_rounds).await?;
        let memory = world.target.process.map(MemoryWatch::begin).transpose();
        let memory = memory.map_err(|error| {
            Failure::usage(format!(
                "{error}; give the process of the service as --service-pid"
            ))
        })?;
        Ok(Ready {
            world,
            limits,
            limit_rounds: self.limit_rounds,
            memory,
        })
    }

    fn bounds(&self, count: u64) -> Bounds {
        Bounds {
            count,
            time: Duration::from_secs(self.seconds.into()),
        }
    }

    fn draw(&self, lines: &[(&str, &[dco_load::Moment])]) -> Result<(), Failure> {
        let Some(path) = &self.chart else {
            return Ok(());
        };
        files::write(path, &chart::svg(lines))
    }
}

impl Ready {
    async fn end(self) -> Result<Measured, Failure> {
        let memory = match self.memory {
            Some(watch) => Some(watch.end().await.map_err(Failure::internal)?),
            None => None,
        };
        let limits = measure(&self.world, self.limits, self.limit_rounds).await?;
        Ok(Measured {
            limits: (self.limit_rounds > 0).then(|| limits.medians()),
            memory,
        })
    }
}

/// Measures the machine so many times more, while nothing is sent.
async fn measure(
    world: &World,
    mut limits: LimitRounds,
    rounds: u32,
) -> Result<LimitRounds, Failure> {
    let (folder, tls) = (world.folder().to_owned(), world.tls.clone());
    let measured = tokio::task::spawn_blocking(move || {
        for _ in 0..rounds {
            limits.measure(Path::new(&folder), &tls)?;
        }
        Ok::<_, LoadError>(limits)
    });
    measured.await.map_err(Failure::internal)?.map_err(failure)
}

fn told(bar: &ProgressBar) -> impl Fn(u64) + Send + Sync + use<> {
    let bar = bar.clone();
    move |done| bar.set_position(done)
}

fn with_measured(
    mut load: Value,
    measured: &Measured,
    ratios: impl FnOnce(&Limits) -> Value,
) -> Result<Value, Failure> {
    load["service"] = to_json(&measured.memory)?;
    load["limits"] = to_json(&measured.limits)?;
    load["ratios"] = measured.limits.as_ref().map_or(Value::Null, ratios);
    Ok(load)
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "write a number like 100")?;
    if rate.is_finite() && rate > 0.0 {
        Ok(rate)
    } else {
        Err("write a number above 0".to_owned())
    }
}
