//! No User starves: whoever has work that could go through a gateway waits for a bounded number of releases of others there,
//! nothing runs ahead of its day while it waits, and what has security priority goes first.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_engine::record::{Change, PauseChanged, PauseScope, Record, Released};
use dco_schedule::Calendar;

use super::activations::{Activation, Activations};
use super::lane::Lane;
use super::{Breach, Checker};
use crate::happened::Happened;

/// Counts how often each User was passed over. A release through a gateway shows that it is open and has room; whoever
/// has something for the same gateway that nothing holds back could have gone instead.
#[derive(Debug)]
pub(super) struct Starved {
    calendar: Calendar,
    /// Each Device's User and gateway.
    devices: BTreeMap<Eui64, (u64, u64)>,
    /// Batches under a schedule, or with canaries of their own: windows, canaries and pauses of schedules hold these back.
    held: BTreeSet<(u64, u64)>,
    /// Batches that may go through the security lane and that neither hours nor canaries hold back.
    security: BTreeSet<(u64, u64)>,
    /// Users' schedules, and batches without one, that have had canaries.
    canaries: BTreeSet<(u64, Option<u32>)>,
    paused: BTreeSet<Vec<u8>>,
    /// An image was found damaged: its batches wait, and this model does not follow for how long.
    is_blind: bool,
    passed: BTreeMap<u64, u32>,
    activations: Activations,
    lane: Lane,
}

impl Starved {
    pub(super) fn new() -> Self {
        Self {
            calendar: Calendar::london(),
            devices: BTreeMap::new(),
            held: BTreeSet::new(),
            security: BTreeSet::new(),
            canaries: BTreeSet::new(),
            paused: BTreeSet::new(),
            is_blind: false,
            passed: BTreeMap::new(),
            activations: Activations::default(),
            lane: Lane::default(),
        }
    }

    fn release(&mut self, at_us: i64, record: &Released) -> Result<(), Breach> {
        let it = self.activations.get(record.activation)?;
        if !it.large || self.is_blind || !self.paused.is_empty() || record.security {
            return Ok(());
        }
        let released = it.name.user.bits();
        let today = self.calendar.day_at(at_us).date.days();
        if self.lane.has_units() && self.waits_for_lane(today, record.gateway) {
            return Err(format!(
                "{:?} leaves while the security lane has units left, and work for the same gateway",
                it.name
            ));
        }
        let ready = self.ready(today, record.gateway);
        let bound = self.bound(today);
        self.passed
            .retain(|user, _| ready.contains(user) && *user != released);
        for user in ready.into_iter().filter(|user| *user != released) {
            if record.lent {
                return Err(format!(
                    "{:?} runs ahead of its day while User {user:x} has work for the same gateway",
                    it.name
                ));
            }
            let passed = self.passed.entry(user).or_default();
            *passed += 1;
            if *passed > bound {
                return Err(format!(
                    "User {user:x} has work that could go and was passed over {passed} times; at most {bound}"
                ));
            }
        }
        Ok(())
    }

    /// Users with a Device that nothing but turns holds back.
    fn ready(&self, today: i32, gateway: u64) -> BTreeSet<u64> {
        let all = self.waiting(today, gateway);
        let free = all.filter(|it| !self.held.contains(&batch_of(it)));
        free.map(|it| it.name.user.bits()).collect()
    }

    /// Whether something that only turns hold back could go through the security lane.
    fn waits_for_lane(&self, today: i32, gateway: u64) -> bool {
        let mut all = self.waiting(today, gateway);
        all.any(|it| self.security.contains(&batch_of(it)))
    }

    /// Devices behind a gateway whose large image has not left yet, though its day has come.
    fn waiting(&self, today: i32, gateway: u64) -> impl Iterator<Item = &Activation> {
        self.activations.all().filter(move |it| {
            let user = it.name.user.bits();
            let is_open = it.large && it.attempt == 0 && !it.ended && it.service_date <= today;
            is_open && self.devices.get(&it.name.device) == Some(&(user, gateway))
        })
    }

    /// The stated bound, for the least weight and the largest that others can have: all that was ever sent for days up to now.
    fn bound(&self, today: i32) -> u32 {
        let sent = self.activations.all().filter(|it| it.service_date <= today);
        let sent = u32::try_from(sent.count()).unwrap_or(u32::MAX);
        let users: BTreeSet<u64> = self.devices.values().map(|it| it.0).collect();
        u32::try_from(users.len())
            .unwrap_or(u32::MAX)
            .saturating_mul(sent.saturating_add(1))
    }

    fn learn(&mut self, record: &Record) -> Result<(), Breach> {
        match &record.change {
            Some(Change::DevicesImported(it)) => {
                let devices = it.devices.iter();
                let devices =
                    devices.map(|it| (Eui64::from_bits(it.device), (it.user, it.gateway)));
                self.devices.extend(devices);
            }
            Some(Change::BatchAccepted(it)) => {
                let batch = (it.user, it.number);
                if it.schedule.is_some() || it.own_canary > 0 {
                    self.held.insert(batch);
                }
                // Canaries that an earlier agreement began may hold it back as well.
                let is_held =
                    it.window_from.is_some() || self.canaries.contains(&(it.user, it.schedule));
                if it.canary > 0 || it.own_canary > 0 {
                    self.canaries.insert((it.user, it.schedule));
                } else if it.security && !is_held {
                    self.security.insert(batch);
                }
            }
            Some(Change::Paused(it)) => {
                self.paused.insert(scope(it));
                self.passed.clear();
            }
            // It begins paused.
            Some(Change::Restored(_)) => {
                let scope = scope(&all());
                self.paused.insert(scope);
                self.passed.clear();
            }
            Some(Change::Resumed(it)) => {
                self.paused.remove(&scope(it));
            }
            Some(Change::ImageQuarantined(_)) => self.is_blind = true,
            _ => {}
        }
        self.lane.learn(record)?;
        self.activations.learn(record)
    }
}

impl Checker for Starved {
    fn promise(&self) -> &'static str {
        "no User starves"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        let Happened::Recorded { record, .. } = happened else {
            return Ok(());
        };
        if let Some(Change::Released(it)) = &record.change {
            self.release(record.at_us, it)?;
        }
        self.learn(record)
    }
}

fn batch_of(it: &Activation) -> (u64, u64) {
    (it.name.user.bits(), it.name.batch)
}

/// A pause of all releases.
fn all() -> PauseChanged {
    PauseChanged {
        scope: PauseScope::All.into(),
        ..PauseChanged::default()
    }
}

/// What of a pause says what it is of.
fn scope(record: &PauseChanged) -> Vec<u8> {
    let mut scope = record.manufacturer_image_hash.to_vec();
    scope.extend(record.scope.to_le_bytes());
    scope.extend(record.user.to_le_bytes());
    scope.extend(record.gateway.to_le_bytes());
    scope.extend(record.schedule.to_le_bytes());
    scope.extend(record.batch.to_le_bytes());
    scope
}

#[cfg(test)]
mod tests {
    use dco_engine::record::{
        BatchAccepted, Change, Configured, DayOpened, Device, DevicesImported, PauseChanged,
        Released,
    };

    use super::Starved;
    use crate::checkers::history::{self, DATE, USER, breaks, keeps};

    const GATEWAY: u64 = 5;
    const OTHER: u64 = USER + 1;

    fn imported(device: u64, user: u64) -> Change {
        Change::DevicesImported(DevicesImported {
            devices: vec![Device {
                device,
                user,
                gateway: GATEWAY,
                ..Device::default()
            }],
            ..DevicesImported::default()
        })
    }

    /// Activations 0 to 2 are of one User, 3 of the other, 4 to 6 of the first one for a later day.
    fn with_two_users() -> Starved {
        let mut checker = Starved::new();
        for device in 10..=12 {
            keeps(&mut checker, imported(device, USER));
        }
        keeps(&mut checker, imported(20, OTHER));
        for change in history::batch_of_three() {
            keeps(&mut checker, change);
        }
        let Change::BatchAccepted(batch) = history::batch(1) else {
            panic!("it is a batch");
        };
        let other = BatchAccepted {
            user: OTHER,
            devices: vec![20],
            ..batch.clone()
        };
        keeps(&mut checker, Change::BatchAccepted(other));
        let later = BatchAccepted {
            number: 2,
            service_date: DATE + 1,
            ..batch
        };
        keeps(&mut checker, Change::BatchAccepted(later));
        checker
    }

    fn released(activation: u32, attempt: u32, lent: bool) -> Change {
        Change::Released(Released {
            activation,
            attempt,
            gateway: GATEWAY,
            lent,
            ..Released::default()
        })
    }

    /// Retries of one Device, again and again; how many until it is too much.
    fn retries(checker: &mut Starved, count: u32) {
        for attempt in 1..=count {
            keeps(checker, released(0, attempt, false));
            keeps(checker, history::ended(0, attempt, None));
        }
    }

    #[test]
    fn a_user_that_is_passed_over_without_end_is_seen() {
        let mut checker = with_two_users();
        retries(&mut checker, 10);
        breaks(&mut checker, released(0, 11, false));
        let mut checker = with_two_users();
        retries(&mut checker, 9);
        keeps(&mut checker, released(3, 1, false));
        keeps(&mut checker, released(0, 10, false));
    }

    #[test]
    fn what_runs_ahead_while_somebody_waits_is_seen() {
        breaks(&mut with_two_users(), released(4, 1, true));
        let mut checker = with_two_users();
        keeps(&mut checker, released(3, 1, false));
        keeps(&mut checker, released(4, 1, true));
    }

    #[test]
    fn what_leaves_before_work_of_the_security_lane_is_seen() {
        let opened = |security| {
            let configured = Some(Configured {
                security,
                ..Configured::default()
            });
            Change::DayOpened(DayOpened {
                date: DATE,
                configured,
                ..DayOpened::default()
            })
        };
        let Change::BatchAccepted(batch) = history::batch(3) else {
            panic!("it is a batch");
        };
        let secure = BatchAccepted {
            schedule: Some(1),
            security: true,
            ..batch
        };
        let with_secure = |security| {
            let mut checker = with_two_users();
            keeps(&mut checker, opened(security));
            keeps(&mut checker, Change::BatchAccepted(secure.clone()));
            checker
        };
        breaks(&mut with_secure(1), released(0, 1, false));
        keeps(&mut with_secure(0), released(0, 1, false));
    }

    #[test]
    fn who_is_paused_does_not_starve() {
        let mut checker = with_two_users();
        keeps(&mut checker, Change::Paused(PauseChanged::default()));
        retries(&mut checker, 50);
        keeps(&mut checker, Change::Resumed(PauseChanged::default()));
        breaks(&mut checker, released(4, 1, true));
    }
}
