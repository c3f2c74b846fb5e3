//! Service days: the ledger, and how far today has come.

use dco_block::Eui64;
use dco_dispatch::{Bucket, Pace};
use dco_schedule::{
    Ledger, LedgerDay, LedgerTerms, LedgerUse, Micros, ServiceDate, ServiceDay, Source,
};

use super::Why;
use crate::read::as_usize;
use crate::record::profile_of;
use crate::state::days::{self as state, Today};
use crate::terms::Terms;

/// All service days of interest.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Days {
    /// Days with a count or a capacity, earliest first.
    #[prost(message, repeated, tag = "1")]
    ledger: Vec<Day>,
    /// Days that were opened, earliest first; the last one is open.
    #[prost(sint32, repeated, tag = "2")]
    opened: Vec<i32>,
    #[prost(sfixed64, repeated, tag = "3")]
    start_us: Vec<i64>,
    #[prost(sfixed64, repeated, tag = "4")]
    end_us: Vec<i64>,
    #[prost(message, optional, tag = "5")]
    today: Option<Pacing>,
}

/// A day in the ledger.
#[derive(Clone, PartialEq, prost::Message)]
struct Day {
    #[prost(sint32, tag = "1")]
    date: i32,
    #[prost(uint32, optional, tag = "2")]
    capacity: Option<u32>,
    #[prost(fixed64, repeated, tag = "3")]
    users: Vec<u64>,
    #[prost(uint32, repeated, tag = "4")]
    released: Vec<u32>,
    #[prost(uint32, repeated, tag = "5")]
    sent: Vec<u32>,
    /// Released to work of later days; none where nobody's was.
    #[prost(uint32, repeated, tag = "40")]
    lent: Vec<u32>,
    /// Released through the security lane; none where nobody's was.
    #[prost(uint32, repeated, tag = "110")]
    security: Vec<u32>,
    /// What was sent under schedules: places in `users`, numbers, and how much.
    #[prost(uint32, repeated, tag = "41")]
    scheduled_users: Vec<u32>,
    #[prost(uint32, repeated, tag = "42")]
    scheduled_numbers: Vec<u32>,
    #[prost(uint32, repeated, tag = "43")]
    scheduled_sent: Vec<u32>,
}

/// How today is paced and shared.
#[derive(Clone, PartialEq, prost::Message)]
struct Pacing {
    #[prost(sfixed64, repeated, tag = "1")]
    start_us: Vec<i64>,
    #[prost(uint32, repeated, tag = "2")]
    weight: Vec<u32>,
    #[prost(sfixed64, tag = "3")]
    end_us: i64,
    /// [`Bucket::spent`].
    #[prost(uint64, optional, tag = "4")]
    spent: Option<u64>,
    /// Users with a share of today.
    #[prost(fixed64, repeated, tag = "5")]
    users: Vec<u64>,
    #[prost(uint32, repeated, tag = "6")]
    shares: Vec<u32>,
    /// The 24 weights of the profile that the pace follows.
    #[prost(uint32, repeated, tag = "40")]
    profile: Vec<u32>,
}

impl Days {
    pub(super) fn of(days: &state::Days) -> Self {
        let state::Days {
            calendar: _,
            ledger,
            today,
            opened,
            burst: _,
        } = days;
        let mut columns = Self {
            ledger: ledger.kept().map(Day::of).collect(),
            today: today.as_ref().map(Pacing::of),
            ..Self::default()
        };
        for day in opened.values() {
            let ServiceDay {
                date,
                start_us,
                end_us,
            } = *day;
            columns.opened.push(date.days());
            columns.start_us.push(start_us);
            columns.end_us.push(end_us);
        }
        columns
    }

    /// Leaves out how far today's pace has come.
    pub(super) fn forget_pace(&mut self) {
        if let Some(today) = &mut self.today {
            today.spent = None;
        }
    }

    /// Of a snapshot made at `at_us`.
    pub(super) fn load(self, terms: &Terms, at_us: Micros) -> Result<state::Days, Why> {
        let mut days = state::Days::new(terms.allowance_per_day, terms.burst);
        let terms = LedgerTerms {
            allowance_per_day: terms.allowance_per_day,
        };
        let kept = self.ledger.iter().map(Day::load);
        let kept = kept.collect::<Result<Vec<_>, Why>>()?;
        let dates = kept.iter().filter(|day| day.capacity.is_some());
        let dates: Vec<i32> = dates.map(|day| day.date.days()).collect();
        let lens = [self.start_us.len(), self.end_us.len()];
        if dates != self.opened || lens != [dates.len(); 2] {
            return Err("its opened service days are not those of the ledger");
        }
        days.ledger = Ledger::resume(terms, kept).map_err(|invalid| invalid.why)?;
        let times = self.start_us.iter().zip(&self.end_us);
        for (date, (start_us, end_us)) in self.opened.iter().zip(times) {
            let day = ServiceDay {
                date: ServiceDate::from_days(*date),
                start_us: *start_us,
                end_us: *end_us,
            };
            days.opened.insert(day.date, day);
        }
        let last = days.opened.values().next_back().copied();
        days.today = match (last, self.today) {
            (Some(day), _) if day.start_us > at_us => {
                return Err("its open service day begins after it");
            }
            (Some(day), Some(pacing)) => Some(pacing.load(day, days.burst)?),
            (None, None) => None,
            _ => return Err("its last opened service day is not paced"),
        };
        Ok(days)
    }
}

impl Day {
    fn of(kept: LedgerDay<Eui64>) -> Self {
        let LedgerDay {
            date,
            capacity,
            users,
        } = kept;
        let mut day = Self {
            date: date.days(),
            capacity,
            ..Self::default()
        };
        let any_lent = users.iter().any(|used| used.lent > 0);
        let any_security = users.iter().any(|used| used.security > 0);
        for (place, used) in (0..).zip(users) {
            let LedgerUse {
                user,
                released,
                lent,
                security,
                sent,
            } = used;
            day.users.push(user.bits());
            day.released.push(released);
            day.lent.extend(any_lent.then_some(lent));
            day.security.extend(any_security.then_some(security));
            day.sent
                .push(sent.get(&Source::Allowance).copied().unwrap_or(0));
            for (source, count) in sent {
                if let Source::Schedule(number) = source {
                    day.scheduled_users.push(place);
                    day.scheduled_numbers.push(number);
                    day.scheduled_sent.push(count);
                }
            }
        }
        day
    }

    fn load(&self) -> Result<LedgerDay<Eui64>, Why> {
        const LENGTHS: Why = "a service day has columns of different lengths";
        if [self.released.len(), self.sent.len()] != [self.users.len(); 2] {
            return Err(LENGTHS);
        }
        let counts = self.released.iter().zip(&self.sent);
        let lent = self.lent.iter().copied().chain(std::iter::repeat(0));
        let security = self.security.iter().copied().chain(std::iter::repeat(0));
        let users = self.users.iter().zip(counts).zip(lent.zip(security));
        let users = users.map(|((user, (released, sent)), (lent, security))| LedgerUse {
            user: Eui64::from_bits(*user),
            released: *released,
            lent,
            security,
            sent: (*sent > 0)
                .then_some((Source::Allowance, *sent))
                .into_iter()
                .collect(),
        });
        let mut users: Vec<_> = users.collect();
        let lens = [self.scheduled_numbers.len(), self.scheduled_sent.len()];
        if lens != [self.scheduled_users.len(); 2] {
            return Err(LENGTHS);
        }
        let scheduled = self.scheduled_numbers.iter().zip(&self.scheduled_sent);
        for (place, (number, count)) in self.scheduled_users.iter().zip(scheduled) {
            let user = users.get_mut(as_usize(*place));
            let user = user.ok_or("what was sent under a schedule is nobody's")?;
            user.sent.insert(Source::Schedule(*number), *count);
        }
        Ok(LedgerDay {
            date: ServiceDate::from_days(self.date),
            capacity: self.capacity,
            users,
        })
    }
}

impl Pacing {
    fn of(today: &Today) -> Self {
        let Today {
            day: _,
            bucket,
            profile,
            weights,
        } = today;
        let (segments, end_us) = bucket.pace().segments();
        let (start_us, weight) = segments.into_iter().unzip();
        Self {
            start_us,
            weight,
            end_us,
            spent: bucket.spent(),
            users: weights.keys().map(|user| user.bits()).collect(),
            shares: weights.values().copied().collect(),
            profile: profile.map_or_else(Vec::new, |profile| {
                (0..24).map(|hour| profile.weight(hour).into()).collect()
            }),
        }
    }

    fn load(self, day: ServiceDay, burst: u32) -> Result<Today, Why> {
        let lens = (self.start_us.len(), self.users.len());
        if lens != (self.weight.len(), self.shares.len()) {
            return Err("the open service day has columns of different lengths");
        }
        let segments = self.start_us.into_iter().zip(self.weight).collect();
        let pace = Pace::new(segments, self.end_us);
        let pace = pace.map_err(|_| "the open service day has no pace")?;
        let bucket = Bucket::resume(pace, burst, self.spent);
        let users = self.users.iter().copied().map(Eui64::from_bits);
        Ok(Today {
            day,
            bucket: bucket.ok_or("more of the open service day is spent than there is")?,
            profile: profile_of(&self.profile),
            weights: users.zip(self.shares).collect(),
        })
    }
}
