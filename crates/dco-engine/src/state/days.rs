//! Service days: what each may release, what it has, and how today is paced.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_dispatch::{Bucket, Pace};
use dco_schedule::{
    Calendar, HourProfile, HourWindow, Ledger, LedgerTerms, Micros, ServiceDate, ServiceDay,
};

use super::lines::Line;
use crate::record::{DayOpened, profile_of};
use crate::view::ServiceDayView;

/// The service day that is open.
#[derive(Debug)]
pub(crate) struct Today {
    pub(crate) day: ServiceDay,
    pub(crate) bucket: Bucket,
    /// What the bucket's pace follows.
    pub(crate) profile: Option<HourProfile>,
    /// What each User has sent for today, and what it carried over: its share of today.
    pub(crate) weights: BTreeMap<Eui64, u32>,
}

/// All service days of interest.
#[derive(Debug)]
pub(crate) struct Days {
    pub(crate) calendar: Calendar,
    pub(crate) ledger: Ledger<Eui64>,
    pub(crate) today: Option<Today>,
    pub(crate) opened: BTreeMap<ServiceDate, ServiceDay>,
    pub(crate) burst: u32,
}

impl Days {
    pub(crate) fn new(allowance_per_day: u32, burst: u32) -> Self {
        Self {
            calendar: Calendar::london(),
            ledger: Ledger::new(LedgerTerms { allowance_per_day }),
            today: None,
            opened: BTreeMap::new(),
            burst,
        }
    }

    /// The service day that is open; before the first one is, the one the calendar gives.
    pub(crate) fn day_at(&self, now_us: Micros) -> ServiceDay {
        match &self.today {
            Some(today) if today.day.contains(now_us) => today.day,
            _ => self.calendar.day_at(now_us),
        }
    }

    /// When a window opens and closes on a day.
    pub(crate) fn window_on(&self, window: HourWindow, day: &ServiceDay) -> (Micros, Micros) {
        window.on(day, &self.calendar.hours(day))
    }

    /// When a window opens next; `None` while it is open.
    pub(crate) fn opens_at(&self, window: HourWindow, now_us: Micros) -> Option<Micros> {
        let today = self.day_at(now_us);
        let (opens_us, closes_us) = self.window_on(window, &today);
        if now_us < opens_us {
            return Some(opens_us);
        }
        let next = || self.calendar.day(today.date.next());
        (now_us >= closes_us).then(|| self.window_on(window, &next()).0)
    }

    /// Large images that may still be released today.
    pub(crate) fn remaining(&self) -> u32 {
        self.today
            .as_ref()
            .map_or(0, |today| self.ledger.remaining(today.day.date))
    }

    /// Large images that may still be released today through the security lane, which may release `limit` of them.
    pub(crate) fn security_remaining(&self, limit: u32) -> u32 {
        self.today.as_ref().map_or(0, |today| {
            self.ledger.security_remaining(today.day.date, limit)
        })
    }

    /// When the next large image may leave today; `None` when there is no capacity left for it.
    pub(crate) fn release_at(&self, now_us: Micros) -> Option<Micros> {
        let remaining = self.remaining();
        let today = self.today.as_ref().filter(|_| remaining > 0)?;
        Some(today.bucket.ready_at(now_us, remaining))
    }

    /// A User's share of today grows by what it sends for it. Answers its weight.
    pub(crate) fn add_weight(&mut self, user: Eui64, count: u32) -> Option<u32> {
        let weight = self.today.as_mut()?.weights.entry(user).or_default();
        *weight = weight.saturating_add(count);
        Some(*weight)
    }

    /// A User's share of today shrinks by what it takes back. Answers its weight.
    pub(crate) fn take_weight(&mut self, user: Eui64, count: u32) -> Option<u32> {
        let weight = self.today.as_mut()?.weights.get_mut(&user)?;
        *weight = weight.saturating_sub(count);
        Some(*weight)
    }

    /// One unit of a day is used, by work from this line; the security lane may release so many of the day.
    pub(crate) fn charge(
        &mut self,
        date: ServiceDate,
        (user, line, security_max): (Eui64, Line, u32),
        at_us: Micros,
    ) -> Option<()> {
        let remaining = self.ledger.remaining(date);
        match line {
            Line::Ordinary => self.ledger.charge(date, user).ok()?,
            Line::Security => {
                let charged = self.ledger.charge_security(date, user, security_max);
                charged.ok()?;
            }
            Line::Ahead => self.ledger.charge_lent(date, user).ok()?,
        }
        if let Some(today) = self.today.as_mut().filter(|today| today.day.date == date) {
            today.bucket.take(at_us, remaining);
        }
        Some(())
    }

    /// Whether this day is open, with this capacity and this hour profile in force.
    pub(crate) fn is_open_with(
        &self,
        date: ServiceDate,
        capacity: u32,
        profile: &HourProfile,
    ) -> bool {
        let today = self.today.as_ref();
        self.ledger.is_open(date)
            && self.ledger.capacity(date) == Some(capacity)
            && today.is_some_and(|today| today.profile.as_ref() == Some(profile))
    }

    /// Opens a day, or gives the one that is open another capacity or another pace; answers which. `None` when the
    /// record is no service day.
    pub(crate) fn open(&mut self, record: &DayOpened) -> Option<bool> {
        let day = ServiceDay {
            date: ServiceDate::from_days(record.date),
            start_us: record.start_us,
            end_us: record.end_us,
        };
        let hours = record.hour_start_us.iter().copied();
        let segments = hours.zip(record.hour_weight.iter().copied()).collect();
        let pace = Pace::new(segments, day.end_us).ok()?;
        let profile = profile_of(&record.profile);
        if self.ledger.is_open(day.date) {
            self.ledger.set_capacity(day.date, record.capacity);
            let today = self.today.as_mut()?;
            today.profile = profile;
            today.bucket.follow(pace);
            return Some(false);
        }
        if !self.ledger.open_day(day.date, record.capacity) {
            return None;
        }
        let bucket = Bucket::new(pace, self.burst);
        self.opened.insert(day.date, day);
        self.today = Some(Today {
            day,
            bucket,
            profile,
            weights: BTreeMap::new(),
        });
        Some(true)
    }

    /// A day's use over all Users; `None` for a day that was never opened.
    pub(crate) fn view(&self, date: ServiceDate) -> Option<ServiceDayView> {
        let day = *self.opened.get(&date)?;
        let sent = self.ledger.days().find(|used| used.date == date);
        Some(ServiceDayView {
            day,
            capacity: self.ledger.capacity(date)?,
            released: self.ledger.released(date),
            sent_without_schedule: sent.map_or(0, |used| used.sent),
        })
    }

    /// Days that were opened, oldest first.
    pub(crate) fn opened(&self) -> impl DoubleEndedIterator<Item = ServiceDate> {
        self.opened.keys().copied()
    }
}
