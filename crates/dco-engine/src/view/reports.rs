//! What happened, in rows.

use std::collections::BTreeMap;

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::{ServiceDate, ServiceDay};

use crate::outcome::Outcome;

/// Service days of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportDays<T> {
    /// The newest of those asked for, oldest first.
    pub days: Vec<T>,
    /// Days before them were asked for as well and are left out.
    pub is_cut: bool,
}

/// What one service day was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapacityReportDay {
    /// The day.
    pub day: ServiceDay,
    /// Large images that may be released, as last set.
    pub capacity: u32,
    /// Not over yet.
    pub is_open: bool,
    /// Over all Users.
    pub all: DayCounts,
    /// User by User; only itself where a User asks.
    pub users: BTreeMap<Eui64, DayCounts>,
    /// All others together, where a User asks.
    pub others: Option<DayCounts>,
    /// Capacity that nobody used; absent while the day is open, and where the day was not tallied.
    pub lost: Option<LostUnits>,
}

/// Counts of one service day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// Units agreed in schedules.
    pub agreed: u64,
    /// Activations sent for it under the allowance or a schedule.
    pub sent: u64,
    /// Those of them without a schedule.
    pub sent_without_schedule: u64,
    /// Units released, refunds taken off.
    pub released: u64,
    /// Those of them that were lent to work of a later day.
    pub lent: u64,
    /// Those of them that left through the security lane.
    pub security: u64,
    /// Units given back; absent where the day was not tallied.
    pub refunded: Option<u64>,
    /// Units released for another attempt; absent likewise.
    pub retries: Option<u64>,
}

/// Capacity of a service day that nobody used, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostUnits {
    /// As much of it as the hours of the day would have let go while nobody had ready work.
    pub without_work: u32,
    /// The rest: somebody had ready work, and it did not go.
    pub with_work: u32,
}

/// How one service day was shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FairnessDay {
    /// The day.
    pub date: ServiceDate,
    /// Not over yet.
    pub is_open: bool,
    /// Two Users or more had ready work from its start to its end, and nobody else any; of an open day, so far.
    pub contended: bool,
    /// Jain's index of received ÷ entitled over the Users that were entitled to anything, in millionths, rounded down.
    pub jain_ppm: Option<u32>,
    /// All who received or were entitled to anything, the one with the least of its entitlement first.
    pub users: Vec<FairnessRow>,
}

/// What one User received of what it was entitled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FairnessRow {
    /// Whose; absent for another User where a User asks.
    pub user: Option<Eui64>,
    /// What it was entitled to, in thousandths of a unit; absent likewise.
    pub entitled_milliunits: Option<u64>,
    /// Units that were released to it of its own share; absent likewise.
    pub received: Option<u32>,
    /// Received ÷ entitled, in millionths, rounded down; absent where it was entitled to nothing.
    pub ratio_ppm: Option<u32>,
}

/// What activations of a row have in common; absent what they were not grouped by, or what the inventory does not know any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Their User.
    pub user: Option<Eui64>,
    /// Their image.
    pub image: Option<ManufacturerImageHash>,
    /// Who makes the Device.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its hardware version.
    pub hardware_version: Option<u16>,
    /// Its gateway.
    pub gateway: Option<Eui64>,
}

/// How activations of a group ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutcomeRow {
    /// What they have in common.
    pub group: Group,
    /// Done.
    pub succeeded: u64,
    /// Given up.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Not ended.
    pub open: u64,
    /// Attempts made for them.
    pub attempts: u64,
    /// How the last attempt ended, of those that have had one end.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Ended by their due time, however they ended.
    pub ended_within_trt: u64,
    /// Ended later.
    pub ended_late: u64,
    /// Not ended, past due.
    pub open_late: u64,
}

impl DayCounts {
    /// What is left of these when others are taken off.
    pub(crate) fn without(&self, own: &Self) -> Self {
        let less = |all: Option<u64>, own: Option<u64>| Some(all? - own.unwrap_or(0).min(all?));
        Self {
            agreed: self.agreed.saturating_sub(own.agreed),
            sent: self.sent.saturating_sub(own.sent),
            sent_without_schedule: self
                .sent_without_schedule
                .saturating_sub(own.sent_without_schedule),
            released: self.released.saturating_sub(own.released),
            lent: self.lent.saturating_sub(own.lent),
            security: self.security.saturating_sub(own.security),
            refunded: less(self.refunded, own.refunded),
            retries: less(self.retries, own.retries),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
        self.agreed += other.agreed;
        self.sent += other.sent;
        self.sent_without_schedule += other.sent_without_schedule;
        self.released += other.released;
        self.lent += other.lent;
        self.security += other.security;
        self.refunded = sum(self.refunded, other.refunded);
        self.retries = sum(self.retries, other.retries);
    }
}
