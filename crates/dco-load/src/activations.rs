//! Batches in, releases out to gateways, outcomes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dco_block::{Eui64, ManufacturerImageHash};
use dco_client::{RequestId, SubmitBatch, UserClient};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::answering::Answering;
use crate::estate::{install, store};
use crate::figures::{per_s, to_f64};
use crate::latency::{Latencies, LatencyFigures, Moment};
use crate::memory::resident_bytes_of;
use crate::pace::{Bounds, Pace};
use crate::series::Series;
use crate::stopwatch::Stopwatch;
use crate::tally::Tally;
use crate::{LoadError, Target, joined, positive};

/// An outcome that is not there by then does not come any more.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// Below what is large: those leave at the pace of the day, which is a rule and no speed.
const IMAGE_BYTES: u32 = 40_000;
/// Devices of one batch, as the service takes them.
const BATCH_DEVICES_MAX: u32 = 50_000;

/// How batches are sent.
#[derive(Debug, Clone, Copy)]
pub struct ActivationsPlan {
    /// Batches of a User that are under way at one time, each of Devices of its own.
    pub lanes: u32,
    /// Devices of a batch.
    pub batch_devices: u32,
    /// Attempts that a gateway takes at one time.
    pub concurrency: u32,
    /// Activations, and the time in which batches may begin.
    pub bounds: Bounds,
    /// Activations that are sent in a second, over all Users; a closed loop when not given.
    pub rate_per_s: Option<f64>,
}

impl Default for ActivationsPlan {
    fn default() -> Self {
        Self {
            lanes: 2,
            batch_devices: 5_000,
            concurrency: 1_000,
            bounds: Bounds {
                count: 2_000_000,
                time: Duration::from_secs(10),
            },
            rate_per_s: None,
        }
    }
}

/// What was activated.
#[derive(Debug, Clone, Serialize)]
pub struct ActivationsLoad {
    /// Activations whose success is durable; the service says so of every batch.
    pub activations: u64,
    /// Batches of them.
    pub batches: u64,
    /// From the beginning to the last outcome.
    pub seconds: f64,
    /// Durable outcomes in a second.
    pub activations_per_s: f64,
    /// Gateways connected.
    pub gateways: usize,
    /// Memory of the service for each of them, from before they connected to after; where its process is known.
    pub gateway_bytes: Option<f64>,
    /// Whether latencies of batches count from intended moments.
    pub open_loop: bool,
    /// From an offer to its outcome noted, as a gateway sees it.
    pub noted: LatencyFigures,
    /// From a batch's beginning to its answer: it is durable then.
    pub accepted: LatencyFigures,
    /// From a batch's beginning to its last outcome.
    pub settled: LatencyFigures,
    /// Latency from offer to noted outcome over time.
    pub over_time: Vec<Moment>,
}

/// What is ready to be sent.
pub(crate) struct Prepared {
    lanes: Vec<Lane>,
    gateways: Answering,
    gateway_count: usize,
    gateway_bytes: Option<f64>,
    tally: Arc<Tally>,
}

struct Lane {
    user: UserClient,
    hash: ManufacturerImageHash,
    devices: Vec<Eui64>,
}

/// Sends batches until the plan's bounds are reached and all outcomes are there; `told` is called with how many are durable.
///
/// # Errors
/// When the plan is empty, the service refuses, or an outcome does not come.
pub async fn load_activations(
    target: &Target,
    plan: ActivationsPlan,
    told: impl Fn(u64) + Send + Sync + 'static,
) -> Result<ActivationsLoad, LoadError> {
    let devices = install(target, devices_per_user(&plan)?).await?;
    let prepared = prepare(target, plan, &devices).await?;
    send(prepared, plan, Stopwatch::start(), told).await
}

/// Devices of each User that a plan needs.
pub(crate) fn devices_per_user(plan: &ActivationsPlan) -> Result<u32, LoadError> {
    positive("lanes", plan.lanes)?;
    positive("activations", plan.bounds.count)?;
    positive("devices in a batch", plan.batch_devices)?;
    let most = BATCH_DEVICES_MAX / plan.lanes.min(BATCH_DEVICES_MAX);
    if plan.batch_devices > most {
        return Err(LoadError::TooMany {
            what: "Devices in a batch",
            given: plan.batch_devices.into(),
            most: most.into(),
        });
    }
    Ok(plan.lanes * plan.batch_devices)
}

/// Stores an image for all Devices of each User, and connects the gateways.
pub(crate) async fn prepare(
    target: &Target,
    plan: ActivationsPlan,
    devices: &[Vec<Eui64>],
) -> Result<Prepared, LoadError> {
    positive("gateways", target.gateways.len())?;
    let series = Series::new(IMAGE_BYTES, IMAGE_BYTES, target.signer.clone())?;
    let per_batch = usize::try_from(plan.batch_devices).unwrap_or(usize::MAX);
    let mut lanes = Vec::new();
    for (number, devices) in devices.iter().enumerate() {
        let (user, made) = (target.user(number).await?, series.next());
        store(&user, &made, devices.clone()).await?;
        lanes.extend(devices.chunks_exact(per_batch).map(|devices| Lane {
            user: user.clone(),
            hash: made.manifest.manufacturer_image_hash(),
            devices: devices.to_vec(),
        }));
    }
    let before = resident_of(target);
    let tally = Arc::new(Tally::default());
    let gateways = Answering::connect(target, plan.concurrency, &tally).await?;
    let gateway_count = target.gateways.len();
    let count = to_f64(u64::try_from(gateway_count).unwrap_or(u64::MAX));
    let after = resident_of(target);
    Ok(Prepared {
        lanes,
        gateways,
        gateway_count,
        gateway_bytes: before
            .zip(after)
            .map(|(before, after)| to_f64(after.saturating_sub(before)) / count),
        tally,
    })
}

fn resident_of(target: &Target) -> Option<u64> {
    target.process.and_then(|it| resident_bytes_of(it).ok())
}

/// What all lanes share.
struct Work {
    pace: Pace,
    begin: Stopwatch,
    tally: Arc<Tally>,
    activations: AtomicU64,
    told: Box<dyn Fn(u64) + Send + Sync>,
}

/// What one lane found.
#[derive(Default)]
struct Found {
    accepted: Latencies,
    settled: Latencies,
    last: Duration,
}

pub(crate) async fn send(
    prepared: Prepared,
    plan: ActivationsPlan,
    begin: Stopwatch,
    told: impl Fn(u64) + Send + Sync + 'static,
) -> Result<ActivationsLoad, LoadError> {
    let Prepared {
        lanes,
        mut gateways,
        gateway_count,
        gateway_bytes,
        tally,
    } = prepared;
    gateways.begin(begin);
    let batch = to_f64(plan.batch_devices.into());
    let bounds = Bounds {
        count: plan.bounds.count.div_ceil(plan.batch_devices.into()),
        ..plan.bounds
    };
    let work = Arc::new(Work {
        pace: Pace::new(begin, bounds, plan.rate_per_s.map(|rate| rate / batch)),
        begin,
        tally,
        activations: AtomicU64::new(0),
        told: Box::new(told),
    });
    let mut running = JoinSet::new();
    for lane in lanes {
        running.spawn(lane.run(Arc::clone(&work)));
    }
    let mut all = Found::default();
    loop {
        let found = tokio::select! {
            found = running.join_next() => found,
            fault = gateways.fault() => return Err(fault),
        };
        let Some(found) = found else { break };
        let found = joined(found)?;
        all.accepted.merge(&found.accepted);
        all.settled.merge(&found.settled);
        all.last = all.last.max(found.last);
    }
    let noted = gateways.stop().await?;
    let settled = all.settled.figures();
    let activations = settled.count * u64::from(plan.batch_devices);
    Ok(ActivationsLoad {
        activations,
        batches: settled.count,
        seconds: all.last.as_secs_f64(),
        activations_per_s: per_s(activations, all.last),
        gateways: gateway_count,
        gateway_bytes,
        open_loop: plan.rate_per_s.is_some(),
        noted: noted.figures(),
        accepted: all.accepted.figures(),
        settled,
        over_time: noted.over_time(),
    })
}

impl Lane {
    async fn run(self, work: Arc<Work>) -> Result<Found, LoadError> {
        let mut found = Found::default();
        while let Some(intended) = work.pace.next().await {
            self.send_one(&work, intended, &mut found).await?;
        }
        Ok(found)
    }

    async fn send_one(
        &self,
        work: &Work,
        intended: Duration,
        found: &mut Found,
    ) -> Result<(), LoadError> {
        let batch = self.user.submit_batch(self.submission()).await?;
        let accepted = work.begin.elapsed();
        found
            .accepted
            .record(accepted, accepted.saturating_sub(intended));
        let name = batch
            .name
            .ok_or_else(|| LoadError::wrong("a batch was accepted and has no name"))?;
        let wanted = u64::try_from(self.devices.len()).unwrap_or(u64::MAX);
        let all_noted = work.tally.all_noted(name, wanted);
        let in_time = tokio::time::timeout(GIVE_UP_AFTER, all_noted).await;
        in_time.map_err(|_| LoadError::wrong(format!("{name} has not all its outcomes yet")))?;
        found.last = work.begin.elapsed();
        found
            .settled
            .record(found.last, found.last.saturating_sub(intended));
        (work.told)(work.activations.fetch_add(wanted, Ordering::Relaxed) + wanted);
        let counts = self.user.batch(name).await?.counts;
        if u64::from(counts.succeeded) == wanted {
            return Ok(());
        }
        Err(LoadError::wrong(format!(
            "{wanted} outcomes of {name} were noted and the service counts {counts:?}"
        )))
    }

    fn submission(&self) -> SubmitBatch {
        SubmitBatch {
            request_id: RequestId::fresh(),
            manufacturer_image_hash: self.hash,
            devices: self.devices.clone(),
            service_date: None,
            execute_us: None,
            canary: 0,
            signed_request: bytes::Bytes::new(),
            originator_counter: None,
            validate_only: false,
        }
    }
}
