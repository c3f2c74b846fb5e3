//! Load with faults: connections are cut, gateways go and come back, the service is killed; and whoever was told something holds
//! the service to it.

mod gateway;
mod lane;
mod persist;
mod record;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dco_client::{Endpoint, UserClient};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::gateway::Played;
use self::lane::Lane;
use self::record::{Record, Told};
use crate::estate::install;
use crate::line::Line;
use crate::memory::resident_bytes_of;
use crate::series::Series;
use crate::stopwatch::Stopwatch;
use crate::{LoadError, Service, Target, joined, positive};

/// Who still waits by then for what was begun waits in vain.
const SETTLE_WITHIN: Duration = Duration::from_secs(120);
/// Cuts of all connections between two kills.
const CUTS_BETWEEN_KILLS: u32 = 3;

/// How long, how often, and with how much.
#[derive(Debug, Clone)]
pub struct SoakPlan {
    /// How long things go wrong.
    pub time: Duration,
    /// Between the start of the service and its next kill.
    pub kill_every: Duration,
    /// Senders of a User that work side by side.
    pub lanes: u32,
    /// Devices of each of them, and of its batches.
    pub batch_devices: u32,
    /// Octets of each image.
    pub image_bytes: u32,
    /// Where the gateways keep what they have in hand.
    pub folder: PathBuf,
}

/// What was borne.
#[derive(Debug, Clone, Serialize)]
pub struct SoakLoad {
    /// How long it took, the end in which all is settled included.
    pub seconds: f64,
    /// Kills of the service; each was followed by a start, and by a check of all that is on record and not yet settled.
    pub kills: u64,
    /// Times at which every connection was cut.
    pub cuts: u64,
    /// Times at which a gateway went and came back.
    pub gateways_gone: u64,
    /// What was acknowledged, and held the service to.
    pub told: Told,
    /// Everything that was acknowledged and is not there, or is there and should not be; nothing is as it must be.
    pub violations: Vec<String>,
    /// Resident memory of the service when it was killed, in octets, for the first and the last quarter of its lives: the medians.
    pub memory_first_bytes: u64,
    /// Likewise.
    pub memory_last_bytes: u64,
}

/// Loads the service and kills it until the time is over, then waits until all is settled and checks everything again.
/// `told` is called with the kills so far.
///
/// # Errors
/// When it cannot be carried on: the service does not start again or refuses what it must not refuse. What was lost is no error
/// but a violation.
pub async fn load_soak(
    service: &mut Service,
    target: &Target,
    plan: &SoakPlan,
    told: &mut (dyn FnMut(u64) + Send),
) -> Result<SoakLoad, LoadError> {
    positive("lanes", plan.lanes)?;
    positive("Devices in a batch", plan.batch_devices)?;
    positive("gateways", target.gateways.len())?;
    let begin = Stopwatch::start();
    let line = Line::new().await?;
    line.lead_to(Some(service.address()));
    let target = Target {
        endpoint: Endpoint::new(line.address().to_string(), "localhost"),
        ..target.clone()
    };
    let mut soak = Soak::begin(target, plan).await?;
    let mut lives = Vec::new();
    let mut kills = 0;
    while begin.elapsed() < plan.time {
        soak.live(&line, plan.kill_every).await?;
        lives.extend(service.process().and_then(|it| resident_bytes_of(it).ok()));
        // First the kill: a line that is cut before would let the service see its callers go.
        service.kill().await?;
        line.lead_to(None);
        service.start_again().await?;
        line.lead_to(Some(service.address()));
        kills += 1;
        soak.check().await?;
        told(kills);
    }
    let (told, violations) = soak.end().await?;
    let quarter = (lives.len() / 4).max(1).min(lives.len());
    Ok(SoakLoad {
        seconds: begin.elapsed().as_secs_f64(),
        kills,
        cuts: told.cuts,
        gateways_gone: told.gateways_gone,
        told: told.told,
        violations,
        memory_first_bytes: middle(&lives[..quarter]),
        memory_last_bytes: middle(&lives[lives.len() - quarter..]),
    })
}

fn middle(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// Everybody who works, and what they were told.
struct Soak {
    target: Target,
    users: Vec<UserClient>,
    record: Arc<Record>,
    lanes: JoinSet<Result<(), LoadError>>,
    gateways: Vec<Played>,
    stop: CancellationToken,
    cuts: u64,
    gateways_gone: u64,
    /// Which gateway goes next.
    next_gateway: usize,
}

/// Counts of a soak.
struct Ended {
    told: Told,
    cuts: u64,
    gateways_gone: u64,
}

impl Soak {
    async fn begin(target: Target, plan: &SoakPlan) -> Result<Self, LoadError> {
        let devices = install(&target, plan.lanes * plan.batch_devices).await?;
        let mut gateways = Vec::new();
        for number in 0..target.gateways.len() {
            gateways.push(Played::start(&target, number, &plan.folder)?);
        }
        let series = Arc::new(Series::new(
            plan.image_bytes,
            dco_block::limits::BLOCK_BYTES_DEFAULT.min(plan.image_bytes),
            target.signer.clone(),
        )?);
        let record = Arc::new(Record::default());
        let stop = CancellationToken::new();
        let mut lanes = JoinSet::new();
        let per_lane = usize::try_from(plan.batch_devices).unwrap_or(usize::MAX);
        let mut users = Vec::new();
        for (number, devices) in devices.iter().enumerate() {
            users.push(target.user(number).await?);
            for devices in devices.chunks_exact(per_lane) {
                let user = target.user(number).await?;
                let lane = Lane::new(user, devices.to_vec(), &series, &record);
                lanes.spawn(lane.run(stop.clone()));
            }
        }
        Ok(Self {
            target,
            users,
            record,
            lanes,
            gateways,
            stop,
            cuts: 0,
            gateways_gone: 0,
            next_gateway: 0,
        })
    }

    /// One life of the service: everybody works, connections are cut, a gateway goes and comes back.
    async fn live(&mut self, line: &Line, time: Duration) -> Result<(), LoadError> {
        for _ in 0..CUTS_BETWEEN_KILLS {
            self.work(time / (CUTS_BETWEEN_KILLS + 1)).await?;
            line.cut();
            self.cuts += 1;
        }
        let number = self.next_gateway % self.gateways.len();
        self.next_gateway += 1;
        self.gateways[number].restart(&self.target).await?;
        self.gateways_gone += 1;
        self.work(time / (CUTS_BETWEEN_KILLS + 1)).await
    }

    /// Lets everybody work; nobody must end.
    async fn work(&mut self, time: Duration) -> Result<(), LoadError> {
        match tokio::time::timeout(time, self.lanes.join_next()).await {
            Err(_) | Ok(None) => Ok(()),
            Ok(Some(ended)) => joined(ended),
        }
    }

    /// Holds the service to what is on record and was not checked since it settled.
    async fn check(&self) -> Result<(), LoadError> {
        self.record.check(&self.users, false).await
    }

    /// Lets everybody finish what was begun, and checks everything.
    async fn end(mut self) -> Result<(Ended, Vec<String>), LoadError> {
        self.stop.cancel();
        let settling = async {
            while let Some(ended) = self.lanes.join_next().await {
                joined(ended)?;
            }
            Ok(())
        };
        tokio::time::timeout(SETTLE_WITHIN, settling)
            .await
            .unwrap_or_else(|_| Err(LoadError::wrong("what was begun does not come to its end")))?;
        self.record.check(&self.users, true).await?;
        for gateway in self.gateways {
            self.record.gateway(gateway.stop().await?);
        }
        let ended = Ended {
            told: self.record.told(),
            cuts: self.cuts,
            gateways_gone: self.gateways_gone,
        };
        Ok((ended, self.record.violations()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_one_of_the_values() {
        assert_eq!(middle(&[9, 1, 5]), 5);
        assert_eq!(middle(&[]), 0);
    }
}
