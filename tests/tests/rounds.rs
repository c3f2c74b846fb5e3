//! Rounds of load, SIGKILL, start and check: what was acknowledged is there, and nothing that nobody sent.
//!
//! Every party keeps its own record of what it was told and holds it against what the service says after each start. All chance comes
//! from one seed: DCO_KILL_SEED, or a fresh one, which is printed. Two runs of a seed choose alike, but threads and processes are
//! not in step, so a fault that needs a moment may take several runs. DCO_KILL_ROUNDS says how many rounds.

mod batches;
mod blocks;
mod gateway;
mod lane;
mod moment;
mod seed;
mod tally;
mod transfers;

use std::collections::BTreeMap;
use std::time::Duration;

use dco_client::{BatchName, ClientError};
use dco_sim::Dice;
use dco_tests::{Scene, Settings, within};
use tokio::task::JoinSet;

use self::gateway::Gateway;
use self::lane::{Caller, Lane, Listed};
use self::moment::Moment;
use self::tally::Tally;
use crate::activation::{quick, released};

const ROUNDS: u64 = 50;
const USERS: [&str; 3] = ["user1", "user2", "user3"];
/// Senders of a User that work side by side, each on transfers and Devices of its own.
const LANES: u32 = 2;
/// Kills during start-up that may follow each other.
const STARTS_KILLED_MAX: u32 = 2;
/// About as long as a start takes, so that kills fall before, into and after recovery.
const START_MILLIS_MAX: u32 = 120;

/// The least that the configuration takes, so that in a few rounds segments are sealed, freed and used again.
fn cramped(settings: Settings) -> Settings {
    quick(settings)
        .with("capacity.allowance_per_day", 10_000)
        .with("thresholds.transfers_per_user_max", 1_000_000)
        .with("thresholds.transfers_total_max", 1_000_000)
        .with("store.block_segment_bytes", 1_048_576)
        .with("store.journal_segment_bytes", 65_536)
}

/// Whether a fault says that nobody is there, and not that something was refused.
fn is_gone(fault: &ClientError) -> bool {
    let is_gone_for_good = matches!(fault, ClientError::GaveUp { last, .. } if is_gone(last));
    is_gone_for_good || fault.is_temporary() || matches!(fault, ClientError::Unreachable { .. })
}

/// The parties with their records, and the service that they hold to its word.
struct Rounds {
    scene: Scene,
    dice: Dice,
    lanes: Vec<Lane>,
    gateway: Gateway,
}

impl Rounds {
    async fn begin(mut dice: Dice) -> Self {
        let scene = Scene::start(cramped).await;
        let mut lanes = Vec::new();
        for user in USERS {
            let client = scene.user(user).await;
            for number in 0..LANES {
                let from = u32::try_from(lanes.len()).unwrap() * lane::DEVICES;
                let devices = scene.install(from, lane::DEVICES, user, "gateway1").await;
                let mut lane = Lane::new(user, number, devices, Dice::new(dice.any()));
                lane.store_large(&client).await;
                lanes.push(lane);
            }
        }
        let gateway = Gateway::new(Dice::new(dice.any()));
        Self {
            scene,
            dice,
            lanes,
            gateway,
        }
    }

    /// Everybody works until the service is killed in the middle of it; then it is started and held to its word.
    async fn round(&mut self) -> Moment {
        let moment = Moment::draw(&mut self.dice);
        self.work_until(&moment).await;
        for _ in 0..moment.starts_killed {
            let patience = self.dice.small(0..=START_MILLIS_MAX);
            let patience = Duration::from_millis(patience.into());
            let ended = self.scene.kill_starting_service(patience).await;
            ended.expect_killed();
        }
        self.scene.start_service().await;
        self.check(false).await;
        moment
    }

    async fn work_until(&mut self, moment: &Moment) {
        let tally = Tally::new();
        let mut lanes = JoinSet::new();
        for lane in std::mem::take(&mut self.lanes) {
            let caller = Caller::of(&self.scene, lane.user).await;
            lanes.spawn(lane.work(caller, tally.clone()));
        }
        let link = self.scene.gateway_link("gateway1").await;
        let gateway = std::mem::replace(&mut self.gateway, Gateway::new(Dice::new(0)));
        let gateway = tokio::spawn(gateway.work(link, tally.clone()));

        let ended = tokio::select! {
            () = within("enough to be acknowledged", tally.reaches(moment)) => {
                tokio::time::timeout(moment.then, lanes.join_next()).await.ok()
            }
            ended = lanes.join_next() => Some(ended),
        };
        assert!(ended.is_none(), "a sender ended while the service ran");
        self.scene.kill_service().await.expect_killed();

        while let Some(lane) = within("a sender to see the end", lanes.join_next()).await {
            self.lanes.push(lane.unwrap());
        }
        self.lanes.sort_by_key(Lane::key);
        let gateway = within("the gateway to see the end", gateway).await;
        self.gateway = gateway.unwrap();
    }

    /// Holds the service against every record; `all` spares nothing that was checked before.
    async fn check(&mut self, all: bool) {
        for user in USERS {
            let client = self.scene.user(user).await;
            let mut lanes: Vec<_> = self
                .lanes
                .iter_mut()
                .filter(|lane| lane.user == user)
                .collect();
            for lane in &mut lanes {
                lane.ask_again(&client, all).await;
            }
            let listed = Listed::of(&client).await;
            let known: usize = lanes.iter().map(|lane| lane.transfers.len()).sum();
            assert_eq!(listed.transfers.len(), known, "transfers of {user}");
            let known: usize = lanes.iter().map(|lane| lane.batches.len()).sum();
            assert_eq!(listed.batches.len(), known, "batches of {user}");
            for lane in lanes {
                lane.check(&client, &listed, all).await;
            }
        }
        self.gateway.check(&self.batches());
        self.check_ledger().await;
        self.scene.no_faults();
    }

    /// How much there is by now that must stay as it was acknowledged.
    fn standing(&self) -> String {
        let count = |of: fn(&Lane) -> usize| self.lanes.iter().map(of).sum::<usize>();
        let transfers = count(|lane| lane.transfers.len());
        let batches = count(|lane| lane.batches.len());
        let outcomes = self.gateway.noted();
        format!("{transfers} transfers, {batches} batches and {outcomes} outcomes stand")
    }

    fn batches(&self) -> BTreeMap<BatchName, &batches::Submitted> {
        let batches = self.lanes.iter().flat_map(|lane| &lane.batches);
        batches.map(|batch| (batch.name(), batch)).collect()
    }

    /// One unit for each attempt at a large image, but for those at which nothing was sent.
    async fn check_ledger(&self) {
        let batches = self.batches();
        let large = batches.values().filter(|batch| batch.is_large());
        let attempts: u32 = large.map(|batch| batch.attempts()).sum();
        let given_back = self.gateway.given_back(&batches);
        let days = released(&self.scene).await;
        let released: u32 = days.iter().map(|(_, released)| released).sum();
        if days.len() == 1 {
            assert_eq!(released, attempts - given_back, "{attempts} attempts");
        } else {
            // What was charged to an earlier service day is not given back.
            assert!((attempts - given_back..=attempts).contains(&released));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_however_often_the_service_is_killed() {
    let (seed, count) = (seed::seed(), seed::number("DCO_KILL_ROUNDS", ROUNDS));
    seed::say(&format!("{count} rounds of DCO_KILL_SEED={seed}"));
    let mut rounds = Rounds::begin(Dice::new(seed)).await;
    for number in 1..=count {
        let moment = rounds.round().await;
        let standing = rounds.standing();
        seed::say(&format!(
            "round {number} of {count}: killed {moment}; {standing}"
        ));
    }
    rounds.check(true).await;
    rounds.scene.stop_service().await;
}
