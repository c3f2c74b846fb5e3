//! A whole campaign at full size: how many days does it take, and is it shared as it should be?
//!
//! The real engine and its book of schedules, with nothing broken but Devices: five Users agree schedules with the Service
//! Desk, send a batch for each service day, gateways report how attempts end. What came of it is read off the engine's
//! records and its own report of Target Response Times, as an auditor would. There is no store: what a record costs on disk is
//! `dco load`'s to say.

mod agreeing;
mod books;
mod desk;
mod links;
mod parties;
mod sharing;

use std::fmt;

use dco_block::Eui64;
use dco_schedule::ServiceDate;

use desk::Desk;

/// How large a campaign is. What depends on the size of the scheme goes with its capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CampaignPlan {
    /// Devices that are to have an image, of five Users together; at least 1,000.
    pub devices: u32,
    /// Large images that may be released on a service day; at least 120.
    pub capacity_per_day: u32,
}

impl Default for CampaignPlan {
    /// The scheme's estate: 56 days at full capacity.
    fn default() -> Self {
        Self {
            devices: 670_000,
            capacity_per_day: 12_000,
        }
    }
}

/// What a campaign came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// The seed.
    pub seed: u64,
    /// A number over all records: the same seed gives the same one.
    pub trace_hash: u64,
    /// Records made.
    pub records: u64,
    /// Each User, in the order of its size.
    pub users: Vec<CampaignUser>,
    /// Each service day on which something was released, in order.
    pub days: Vec<CampaignDay>,
    /// The most units that counted as released on one day at any moment of it.
    pub max_released_on_a_day: u32,
    /// Released by capacity, on the worst of the days on which Devices waited from its start to its end; 1 if there was none.
    pub min_utilisation_with_backlog: f64,
    /// Jain's index over Users of what they got by what a fluid model says is theirs, on the worst of these days; 1 if
    /// there was none.
    pub jain: f64,
    /// Activations that ended within their Target Response Time, of all, by the engine's own report.
    pub trt_attainment: f64,
}

/// One User of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignUser {
    /// Its name.
    pub user: Eui64,
    /// Its Devices.
    pub devices: u32,
    /// Units of its delivery schedule; 0 for one that sends on its allowance.
    pub agreed: u64,
    /// Devices that run the image now.
    pub succeeded: u32,
    /// Devices given up.
    pub failed: u32,
    /// Releases, retries included.
    pub releases: u32,
    /// Of these, ahead of their service day on capacity that nobody else had a use for.
    pub lent: u32,
    /// The last day on which something of it was released.
    pub last_date: Option<ServiceDate>,
}

/// One service day of it, in units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignDay {
    /// The day.
    pub date: ServiceDate,
    /// What may be released.
    pub capacity: u32,
    /// What was released and not given back, by User as in [`Campaign::users`].
    pub released: Vec<u32>,
    /// Released ahead of its service day.
    pub lent: u32,
    /// Devices waited from its start to its end.
    pub had_backlog: bool,
    /// What still waits at its end, parked Devices included.
    pub carried: u32,
}

/// Of what is released by capacity on a day with a backlog, the least that is not a fault.
const UTILISATION_MIN: f64 = 0.999;

impl Campaign {
    /// What of it breaks a promise: a day over its capacity, or one left unused while Devices waited.
    pub fn broken(&self) -> Option<String> {
        let over = self.days.iter().find(|day| day.units() > day.capacity);
        if let Some(day) = over {
            let (units, capacity) = (day.units(), day.capacity);
            return Some(format!(
                "{units} units are released on {}, the capacity is {capacity}",
                day.date
            ));
        }
        let used = self.min_utilisation_with_backlog;
        (used < UTILISATION_MIN).then(|| {
            format!("a day on which Devices waited from its start to its end is used to {used:.4}, expected {UTILISATION_MIN}")
        })
    }
}

impl CampaignDay {
    /// Units over all Users.
    pub fn units(&self) -> u32 {
        self.released.iter().sum()
    }
}

/// A party was refused what the rules allow, or the campaign does not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignFailed(String);

impl fmt::Display for CampaignFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the campaign cannot go on: {}", self.0)
    }
}

impl std::error::Error for CampaignFailed {}

/// Runs a campaign from the first request for a schedule to the last outcome.
///
/// # Errors
/// When a party is refused what the rules allow, or work remains that no day releases: either is a fault of the engine.
pub fn run_campaign(seed: u64, plan: &CampaignPlan) -> Result<Campaign, CampaignFailed> {
    let mut desk = Desk::new(seed, plan);
    desk.prepare()?;
    desk.agree()?;
    desk.work()?;
    desk.campaign()
}

#[cfg(test)]
mod tests;
