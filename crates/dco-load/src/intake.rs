//! Images in, over mTLS, to the durable acknowledgement of their last block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dco_block::Eui64;
use dco_client::{RetryPolicy, SendOptions, SendProgress, UserClient};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::estate::{expect_stored, install, name_of, opening};
use crate::figures::{mb_s, per_s};
use crate::latency::{Latencies, LatencyFigures, Moment};
use crate::pace::{Bounds, Pace};
use crate::series::Series;
use crate::stopwatch::Stopwatch;
use crate::{LoadError, Target, joined, positive};

/// How images are sent.
#[derive(Debug, Clone, Copy)]
pub struct IntakePlan {
    /// Senders at one time, each with a connection of its own, dealt out to the Users.
    pub senders: usize,
    /// Octets of each image as sent.
    pub image_bytes: u32,
    /// Octets of a block.
    pub block_bytes: u32,
    /// Images, and the time in which they may begin.
    pub bounds: Bounds,
    /// Images that begin in a second, over all senders; a closed loop when not given.
    pub rate_per_s: Option<f64>,
    /// How each is sent.
    pub sending: SendOptions,
}

impl Default for IntakePlan {
    fn default() -> Self {
        Self {
            senders: 16,
            image_bytes: 1_500_000,
            block_bytes: dco_block::limits::BLOCK_BYTES_DEFAULT,
            bounds: Bounds {
                count: 2_000,
                time: Duration::from_secs(10),
            },
            rate_per_s: None,
            sending: SendOptions::default(),
        }
    }
}

/// What came in.
#[derive(Debug, Clone, Serialize)]
pub struct IntakeLoad {
    /// Images whose blocks are all durable; each has its 11.1 Response as well, and it says that the image is stored.
    pub images: u64,
    /// Octets of them.
    pub bytes: u64,
    /// From the beginning to the last acknowledgement.
    pub seconds: f64,
    /// Images durable in a second.
    pub images_per_s: f64,
    /// Millions of octets durable in a second.
    pub mb_s: f64,
    /// Whether latencies count from intended moments and not from when a sender was free.
    pub open_loop: bool,
    /// From an image's beginning to the acknowledgement of its last block.
    pub durable: LatencyFigures,
    /// From an image's beginning to its 11.1 Response.
    pub response: LatencyFigures,
    /// The former over time.
    pub over_time: Vec<Moment>,
}

/// What is ready to be sent.
pub(crate) struct Prepared {
    senders: Vec<Sender>,
    series: Arc<Series>,
}

struct Sender {
    user: UserClient,
    device: Eui64,
}

/// Sends images until the plan's bounds are reached; `told` is called with how many are durable.
///
/// # Errors
/// When the plan is empty, the service refuses, or an image is not stored.
pub async fn load_intake(
    target: &Target,
    plan: IntakePlan,
    told: impl Fn(u64) + Send + Sync + 'static,
) -> Result<IntakeLoad, LoadError> {
    let devices = install(target, 1).await?;
    let prepared = prepare(target, plan, &devices).await?;
    send(prepared, plan, Stopwatch::start(), told).await
}

/// Connects all senders; `devices` are those of each User.
pub(crate) async fn prepare(
    target: &Target,
    plan: IntakePlan,
    devices: &[Vec<Eui64>],
) -> Result<Prepared, LoadError> {
    positive("senders", plan.senders)?;
    positive("images", plan.bounds.count)?;
    let series = Series::new(plan.image_bytes, plan.block_bytes, target.signer.clone())?;
    let mut senders = Vec::new();
    for number in 0..plan.senders {
        senders.push(Sender {
            user: target.user(number).await?,
            device: devices[number % devices.len()][0],
        });
    }
    Ok(Prepared {
        senders,
        series: Arc::new(series),
    })
}

/// What all senders share.
struct Work {
    series: Arc<Series>,
    pace: Pace,
    begin: Stopwatch,
    sending: SendOptions,
    images: AtomicU64,
    told: Box<dyn Fn(u64) + Send + Sync>,
}

/// What one sender found.
#[derive(Default)]
struct Found {
    durable: Latencies,
    response: Latencies,
    last: Duration,
}

pub(crate) async fn send(
    prepared: Prepared,
    plan: IntakePlan,
    begin: Stopwatch,
    told: impl Fn(u64) + Send + Sync + 'static,
) -> Result<IntakeLoad, LoadError> {
    let work = Arc::new(Work {
        series: prepared.series,
        pace: Pace::new(begin, plan.bounds, plan.rate_per_s),
        begin,
        sending: plan.sending,
        images: AtomicU64::new(0),
        told: Box::new(told),
    });
    let mut senders = JoinSet::new();
    for sender in prepared.senders {
        senders.spawn(sender.run(Arc::clone(&work)));
    }
    let mut all = Found::default();
    while let Some(found) = senders.join_next().await {
        let found = joined(found)?;
        all.durable.merge(&found.durable);
        all.response.merge(&found.response);
        all.last = all.last.max(found.last);
    }
    Ok(all.figures(work.series.image_bytes(), plan.rate_per_s.is_some()))
}

impl Sender {
    async fn run(self, work: Arc<Work>) -> Result<Found, LoadError> {
        let mut found = Found::default();
        while let Some(intended) = work.pace.next().await {
            let durable = self.send_one(&work).await?;
            found
                .durable
                .record(durable, durable.saturating_sub(intended));
            found.last = durable;
            let responded = work.begin.elapsed();
            let took = responded.saturating_sub(intended);
            found.response.record(responded, took);
            (work.told)(work.images.fetch_add(1, Ordering::Relaxed) + 1);
        }
        Ok(found)
    }

    /// Sends one image and waits for its 11.1 Response; gives when its last block was acknowledged.
    async fn send_one(&self, work: &Work) -> Result<Duration, LoadError> {
        let made = work.series.next();
        let opening = opening(&made.manifest, vec![self.device]);
        let name = name_of(&self.user.open_transfer(opening).await?)?;
        let mut durable = None;
        let mut told = |progress: SendProgress| {
            if progress.blocks_held == progress.block_count {
                durable.get_or_insert_with(|| work.begin.elapsed());
            }
        };
        self.user
            .send_cut_image(name, &made.cut, &work.sending, &mut told)
            .await?;
        let settled = self.user.watch_transfer(name, RetryPolicy::default());
        expect_stored(&settled.settled().await?)?;
        durable.ok_or_else(|| LoadError::wrong("an image is stored and was never acknowledged"))
    }
}

impl Found {
    fn figures(&self, image_bytes: u64, open_loop: bool) -> IntakeLoad {
        let durable = self.durable.figures();
        let bytes = durable.count * image_bytes;
        IntakeLoad {
            images: durable.count,
            bytes,
            seconds: self.last.as_secs_f64(),
            images_per_s: per_s(durable.count, self.last),
            mb_s: mb_s(bytes, self.last),
            open_loop,
            durable,
            response: self.response.figures(),
            over_time: self.durable.over_time(),
        }
    }
}
