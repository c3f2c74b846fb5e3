//! What the records say of a campaign, counted as an auditor counts.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_engine::record::{AttemptEnded, BatchAccepted, Change, DayOpened, Record, Released};
use dco_engine::{Outcome, SECOND_US, TrtRow};
use dco_schedule::{Micros, ServiceDate};
use prost::Message;

use super::sharing::{Part, jain};
use super::{Campaign, CampaignDay, CampaignUser};
use crate::trace::Trace;

/// Work that comes so soon after a day's start was there from its start.
const AT_START_US: Micros = 60 * SECOND_US;

/// Counts.
#[derive(Debug)]
pub(super) struct Books {
    users: Vec<User>,
    index: BTreeMap<u64, usize>,
    activations: Vec<Item>,
    /// Activations that have not ended.
    open: usize,
    /// Activations that were never released.
    waiting: u32,
    today: Option<Today>,
    days: Vec<CampaignDay>,
    most_units: u32,
    least_used: f64,
    least_jain: f64,
    records: u64,
    trace: Trace,
}

#[derive(Debug)]
struct User {
    user: Eui64,
    /// Never released, by the service day they were sent for.
    waiting: BTreeMap<i32, u32>,
    succeeded: u32,
    failed: u32,
    releases: u32,
    lent: u32,
    last_date: Option<ServiceDate>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    user: usize,
    service_date: i32,
}

#[derive(Debug)]
struct Today {
    day: CampaignDay,
    start_us: Micros,
    /// First releases by User: of what was ready, and ahead of their day.
    first: Vec<(u32, u32)>,
}

impl Books {
    /// Nothing has happened.
    pub(super) fn new(users: impl Iterator<Item = Eui64>) -> Self {
        let user = |user| User {
            user,
            waiting: BTreeMap::new(),
            succeeded: 0,
            failed: 0,
            releases: 0,
            lent: 0,
            last_date: None,
        };
        let users: Vec<User> = users.map(user).collect();
        Self {
            index: users.iter().map(|it| it.user.bits()).zip(0..).collect(),
            users,
            activations: Vec::new(),
            open: 0,
            waiting: 0,
            today: None,
            days: Vec::new(),
            most_units: 0,
            least_used: 1.0,
            least_jain: 1.0,
            records: 0,
            trace: Trace::new(),
        }
    }

    /// Activations that have not ended.
    pub(super) fn open_count(&self) -> usize {
        self.open
    }

    /// Takes in the next record.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.records += 1;
        self.trace.mix(bytes);
        let record = Record::decode(bytes).map_err(|error| error.to_string())?;
        match &record.change {
            Some(Change::DayOpened(it)) => self.open_day(it),
            Some(Change::BatchAccepted(it)) => self.accept(it, record.at_us)?,
            Some(Change::Released(it)) => self.release(it)?,
            Some(Change::AttemptEnded(it)) => self.end(it)?,
            _ => {}
        }
        Ok(())
    }

    fn open_day(&mut self, record: &DayOpened) {
        self.close_day();
        self.today = Some(Today {
            day: CampaignDay {
                date: ServiceDate::from_days(record.date),
                capacity: record.capacity,
                released: vec![0; self.users.len()],
                lent: 0,
                had_backlog: true,
                carried: 0,
            },
            start_us: record.start_us,
            first: vec![(0, 0); self.users.len()],
        });
    }

    fn accept(&mut self, record: &BatchAccepted, at_us: Micros) -> Result<(), String> {
        let user = self.index.get(&record.user).copied();
        let user = user.ok_or_else(|| format!("a batch of nobody: {:x}", record.user))?;
        if let Some(today) = &mut self.today
            && self.waiting == 0
            && at_us > today.start_us + AT_START_US
        {
            today.day.had_backlog = false;
        }
        let count = u32::try_from(record.devices.len()).unwrap_or(u32::MAX);
        let service_date = record.service_date;
        *self.users[user].waiting.entry(service_date).or_default() += count;
        self.waiting += count;
        self.open += record.devices.len();
        let item = Item { user, service_date };
        self.activations.extend(record.devices.iter().map(|_| item));
        Ok(())
    }

    fn release(&mut self, record: &Released) -> Result<(), String> {
        let item = self.item(record.activation)?;
        let today = self.today.as_mut().ok_or("a release before any day")?;
        let date = today.day.date;
        if record.charged_date != Some(date.days()) {
            return Err(format!("a release on {date} is charged to another day"));
        }
        today.day.released[item.user] += 1;
        let user = &mut self.users[item.user];
        user.releases += 1;
        user.last_date = Some(date);
        if record.attempt == 1 {
            let ahead = item.service_date > date.days();
            let first = &mut today.first[item.user];
            first.0 += u32::from(!ahead);
            first.1 += u32::from(ahead);
            if let Some(waiting) = user.waiting.get_mut(&item.service_date) {
                *waiting -= 1;
            }
            self.waiting -= 1;
        }
        user.lent += u32::from(record.lent);
        today.day.lent += u32::from(record.lent);
        today.day.had_backlog &= self.waiting > 0;
        self.most_units = self.most_units.max(today.day.units());
        Ok(())
    }

    fn end(&mut self, record: &AttemptEnded) -> Result<(), String> {
        let item = self.item(record.activation)?;
        if let (Some(date), Some(today)) = (record.refunded_date, &mut self.today) {
            if date != today.day.date.days() {
                return Err("a unit of a day that is over is given back".to_owned());
            }
            today.day.released[item.user] -= 1;
        }
        if record.retry_us.is_some() {
            return Ok(());
        }
        self.open -= 1;
        let is_success = Outcome::from_number(record.outcome).is_some_and(Outcome::is_success);
        let user = &mut self.users[item.user];
        user.succeeded += u32::from(is_success);
        user.failed += u32::from(!is_success);
        Ok(())
    }

    fn item(&self, activation: u32) -> Result<Item, String> {
        let at = usize::try_from(activation).unwrap_or(usize::MAX);
        let item = self.activations.get(at).copied();
        item.ok_or_else(|| format!("no batch has activation {activation}"))
    }

    fn close_day(&mut self) {
        let Some(mut today) = self.today.take() else {
            return;
        };
        today.day.carried = self.waiting;
        today.day.had_backlog &= self.waiting > 0;
        if today.day.had_backlog {
            let used = f64::from(today.day.units()) / f64::from(today.day.capacity.max(1));
            self.least_used = self.least_used.min(used);
            self.least_jain = self.least_jain.min(jain(&self.parts(&today)));
        }
        if today.day.units() > 0 {
            self.days.push(today.day);
        }
    }

    /// What each User had, and what it got.
    fn parts(&self, today: &Today) -> Vec<Part> {
        let date = today.day.date.days();
        let part = |(user, first): (&User, &(u32, u32))| {
            let ready: u32 = user.waiting.range(..=date).map(|(_, count)| count).sum();
            let ahead: u32 = user.waiting.range(date + 1..).map(|(_, count)| count).sum();
            Part {
                ready: first.0 + ready,
                ahead: first.1 + ahead,
                released: first.0 + first.1,
            }
        };
        self.users.iter().zip(&today.first).map(part).collect()
    }

    /// The sums, with how many Devices each User has and how many units it agreed.
    pub(super) fn campaign(
        mut self,
        seed: u64,
        known: &BTreeMap<Eui64, (usize, u64)>,
        trt: &[TrtRow],
    ) -> Campaign {
        self.close_day();
        let user = |it: User| {
            let (devices, agreed) = known.get(&it.user).copied().unwrap_or_default();
            CampaignUser {
                user: it.user,
                devices: u32::try_from(devices).unwrap_or(u32::MAX),
                agreed,
                succeeded: it.succeeded,
                failed: it.failed,
                releases: it.releases,
                lent: it.lent,
                last_date: it.last_date,
            }
        };
        let sum = |of: fn(&TrtRow) -> u64| -> f64 {
            let sum: u64 = trt.iter().map(of).sum();
            u32::try_from(sum).map_or(f64::MAX, f64::from)
        };
        let all = sum(|row| row.activations).max(1.0);
        Campaign {
            seed,
            trace_hash: self.trace.hash(),
            records: self.records,
            users: self.users.into_iter().map(user).collect(),
            days: self.days,
            max_released_on_a_day: self.most_units,
            min_utilisation_with_backlog: self.least_used,
            jain: self.least_jain,
            trt_attainment: sum(|row| row.ended_within_trt) / all,
        }
    }
}
