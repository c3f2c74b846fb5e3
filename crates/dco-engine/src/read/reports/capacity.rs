//! What each service day was used for, and what was lost of it.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_schedule::{LedgerUse, ServiceDate, Source};

use crate::engine::Engine;
use crate::event::ReportRequest;
use crate::state::tallies::DayTally;
use crate::view::{CapacityReportDay, DayCounts, LostUnits, ReportDays};

impl Engine {
    pub(super) fn capacity_days(&self, asked: &ReportRequest) -> ReportDays<CapacityReportDay> {
        self.newest_days(asked, |date| self.capacity_day(date, asked.user))
    }

    fn capacity_day(&self, date: ServiceDate, user: Option<Eui64>) -> Option<CapacityReportDay> {
        let opened = self.days.opened.get(&date).copied();
        let day = opened.unwrap_or_else(|| self.days.calendar.day(date));
        let capacity = self.days.ledger.capacity(date);
        let capacity = capacity.unwrap_or_else(|| self.schedules.book.plan().capacity(date));
        // While the service was down for a whole day nothing was counted, and nothing was used.
        let tally = match opened {
            Some(_) => self.tallies.of(date),
            None => Some(DayTally::default()),
        };
        let mut users = self.counts_by_user(date, tally.as_ref());
        let tallied = tally.as_ref().map(|_| 0);
        let mut all = DayCounts {
            refunded: tallied,
            retries: tallied,
            ..DayCounts::default()
        };
        let none = all;
        for counts in users.values() {
            all.add(counts);
        }
        let is_open = self.days.ledger.is_open(date);
        let lost = tally.filter(|_| !is_open);
        let lost = lost.map(|tally| LostUnits::of(capacity, all.released, tally.idle_milliunits));
        let others = user.map(|user| {
            let own = users.get(&user).copied().unwrap_or(none);
            users = BTreeMap::from([(user, own)]);
            all.without(&own)
        });
        Some(CapacityReportDay {
            day,
            capacity,
            is_open,
            all,
            users,
            others,
            lost,
        })
    }

    /// Everybody of whom anything is counted on a day.
    fn counts_by_user(
        &self,
        date: ServiceDate,
        tally: Option<&DayTally>,
    ) -> BTreeMap<Eui64, DayCounts> {
        let mut users: BTreeMap<Eui64, DayCounts> = BTreeMap::new();
        for (id, schedule) in self.schedules.book.schedules() {
            let agreed = u64::from(schedule.agreed_on(date));
            if agreed > 0 {
                users.entry(id.user).or_default().agreed += agreed;
            }
        }
        let used = self.days.ledger.day(date).into_iter();
        for used in used.flat_map(|day| day.users) {
            users.entry(used.user).or_default().take(&used);
        }
        let Some(tally) = tally else { return users };
        for user in tally.users.keys() {
            users.entry(*user).or_default();
        }
        for (user, counts) in &mut users {
            let counted = tally.users.get(user).copied().unwrap_or_default();
            counts.refunded = Some(counted.refunded.into());
            counts.retries = Some(counted.retries.into());
        }
        users
    }
}

impl DayCounts {
    fn take(&mut self, used: &LedgerUse<Eui64>) {
        let sent = used.sent.values().copied().map(u64::from);
        let without_schedule = used.sent.get(&Source::Allowance).copied();
        self.sent = sent.sum();
        self.sent_without_schedule = without_schedule.unwrap_or(0).into();
        self.released = used.released.into();
        self.lent = used.lent.into();
        self.security = used.security.into();
    }
}

impl LostUnits {
    fn of(capacity: u32, released: u64, idle_milliunits: u64) -> Self {
        let released = u32::try_from(released).unwrap_or(u32::MAX);
        let lost = capacity.saturating_sub(released);
        // To the nearest: what is idle is rounded down each time.
        let idle = u32::try_from(idle_milliunits.saturating_add(500) / 1_000).unwrap_or(u32::MAX);
        let without_work = lost.min(idle);
        Self {
            without_work,
            with_work: lost - without_work,
        }
    }
}
