//! What is counted of service days for reports.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_schedule::{Fluid, FluidKept, FluidUse, ServiceDate};

use super::Why;
use crate::engine::Engine;
use crate::event::Scope;
use crate::state::batches::Phase;
use crate::state::tallies::{self as state, DayTally, OpenTally, UserTally};

/// Days that are over, and the open one. What is ready follows from the rest of the snapshot.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Tallies {
    /// Earliest first.
    #[prost(message, repeated, tag = "1")]
    closed: Vec<Day>,
    #[prost(message, optional, tag = "2")]
    open: Option<Open>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Day {
    #[prost(sint32, tag = "1")]
    date: i32,
    #[prost(bool, tag = "2")]
    contended: bool,
    #[prost(uint64, tag = "3")]
    idle_milliunits: u64,
    #[prost(fixed64, repeated, tag = "4")]
    users: Vec<u64>,
    #[prost(uint32, repeated, tag = "5")]
    received: Vec<u32>,
    #[prost(uint32, repeated, tag = "6")]
    refunded: Vec<u32>,
    #[prost(uint32, repeated, tag = "7")]
    retries: Vec<u32>,
    #[prost(uint64, repeated, tag = "8")]
    entitled_milliunits: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Open {
    #[prost(message, optional, tag = "1")]
    day: Option<Day>,
    #[prost(sfixed64, tag = "2")]
    opened_us: i64,
    #[prost(sfixed64, optional, tag = "3")]
    idle_from_us: Option<i64>,
    #[prost(uint64, tag = "4")]
    level: u64,
    #[prost(uint64, tag = "5")]
    due: u64,
    #[prost(uint64, tag = "6")]
    spare: u64,
    #[prost(message, repeated, tag = "7")]
    flows: Vec<Flow>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Flow {
    #[prost(fixed64, tag = "1")]
    user: u64,
    #[prost(uint32, tag = "2")]
    weight: u32,
    #[prost(sint64, tag = "3")]
    waiting: i64,
    #[prost(uint64, tag = "4")]
    entitled: u64,
    #[prost(uint64, tag = "5")]
    level: u64,
    #[prost(bool, tag = "6")]
    paused: bool,
}

impl Tallies {
    pub(super) fn of(tallies: &state::Tallies) -> Self {
        let closed = tallies.closed.iter();
        Self {
            closed: closed.map(|(date, tally)| Day::of(*date, tally)).collect(),
            open: tallies.open.as_ref().map(Open::of),
        }
    }

    /// Leaves out the days of which the other one counts nothing: a program that did not count yet wrote what that began with.
    pub(super) fn forget_what_lacks(&mut self, other: &Self) {
        let first = other.closed.first().map(|day| day.date);
        let open = other.open.as_ref().and_then(|open| open.day.as_ref());
        let first = first.or_else(|| open.map(|day| day.date));
        self.closed
            .retain(|day| first.is_some_and(|first| first <= day.date));
        if other.open.is_none() {
            self.open = None;
        }
    }
}

impl Day {
    fn of(date: ServiceDate, tally: &DayTally) -> Self {
        let DayTally {
            contended,
            idle_milliunits,
            users,
        } = tally;
        let mut day = Self {
            date: date.days(),
            contended: *contended,
            idle_milliunits: *idle_milliunits,
            ..Self::default()
        };
        for (user, counted) in users {
            let UserTally {
                received,
                refunded,
                retries,
                entitled_milliunits,
            } = *counted;
            day.users.push(user.bits());
            day.received.push(received);
            day.refunded.push(refunded);
            day.retries.push(retries);
            day.entitled_milliunits.push(entitled_milliunits);
        }
        day
    }

    fn load(self) -> Result<(ServiceDate, DayTally), Why> {
        let lens = [self.received.len(), self.refunded.len(), self.retries.len()];
        let count = self.users.len();
        if lens != [count; 3] || self.entitled_milliunits.len() != count {
            return Err("a service day's tally has columns of different lengths");
        }
        let units = self.received.iter().zip(&self.refunded).zip(&self.retries);
        let counted = units.zip(&self.entitled_milliunits);
        let counted = counted.map(|(((received, refunded), retries), entitled)| UserTally {
            received: *received,
            refunded: *refunded,
            retries: *retries,
            entitled_milliunits: *entitled,
        });
        let users = self.users.iter().copied().map(Eui64::from_bits);
        let tally = DayTally {
            contended: self.contended,
            idle_milliunits: self.idle_milliunits,
            users: users.zip(counted).collect(),
        };
        Ok((ServiceDate::from_days(self.date), tally))
    }
}

impl Open {
    fn of(open: &OpenTally) -> Self {
        let OpenTally {
            date,
            opened_us,
            end_us: _,
            pace: _,
            capacity: _,
            fluid,
            idle_from_us,
            tally,
        } = open;
        let FluidKept {
            level,
            due,
            spare,
            users,
        } = fluid.kept();
        let flows = users.into_iter().map(|it| Flow {
            user: it.user.bits(),
            weight: it.weight,
            waiting: it.waiting,
            entitled: it.entitled,
            level: it.level,
            paused: it.paused,
        });
        Self {
            day: Some(Day::of(*date, tally)),
            opened_us: *opened_us,
            idle_from_us: *idle_from_us,
            level,
            due,
            spare,
            flows: flows.collect(),
        }
    }

    /// The open day's tally; its pace and capacity are those of the day.
    fn load(self, days: &crate::state::days::Days) -> Result<OpenTally, Why> {
        const NOT_OPEN: Why = "it tallies a service day that is not open";
        let (date, tally) = self.day.ok_or(NOT_OPEN)?.load()?;
        let today = days.today.as_ref().filter(|today| today.day.date == date);
        let today = today.ok_or(NOT_OPEN)?;
        let users = self.flows.iter().map(|it| FluidUse {
            user: Eui64::from_bits(it.user),
            weight: it.weight,
            waiting: it.waiting,
            entitled: it.entitled,
            level: it.level,
            paused: it.paused,
        });
        let fluid = Fluid::resume(FluidKept {
            level: self.level,
            due: self.due,
            spare: self.spare,
            users: users.collect(),
        });
        Ok(OpenTally {
            date,
            opened_us: self.opened_us,
            end_us: today.day.end_us,
            pace: today.bucket.pace().clone(),
            capacity: days.ledger.capacity(date).unwrap_or(0),
            fluid: fluid.map_err(|_| "what Users are entitled to cannot have come about")?,
            idle_from_us: self.idle_from_us,
            tally,
        })
    }
}

impl Engine {
    /// What is ready follows from what waits in line. Without what was counted, counting begins with the next service day.
    pub(super) fn load_tallies(&mut self, kept: Option<Tallies>) -> Result<(), Why> {
        let mut ready = BTreeMap::new();
        for (user, batches) in self.batches.open() {
            for batch in batches.filter(|batch| batch.large) {
                let in_line = batch.activations().filter(|it| {
                    matches!(self.batches.activation(*it).phase, Phase::Queued(Some(_)))
                });
                let count = u32::try_from(in_line.count()).unwrap_or(u32::MAX);
                if count > 0 {
                    *ready.entry(user).or_default() += count;
                }
            }
        }
        let paused = self.dispatch.pauses.keys().filter_map(|scope| match scope {
            Scope::User(user) => Some(*user),
            _ => None,
        });
        let mut tallies = state::Tallies::found(self.recorded_us, ready, paused.collect());
        if let Some(kept) = kept {
            let closed = kept.closed.into_iter().map(Day::load);
            tallies.closed = closed.collect::<Result<_, Why>>()?;
            let open = kept.open.map(|open| open.load(&self.days));
            tallies.open = open.transpose()?;
        }
        self.tallies = tallies;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::super::{Snapshot, decode};
    use super::*;
    use crate::event::Event;
    use crate::terms::{HOUR_US, Terms};

    /// A midnight in winter.
    const START_US: i64 = 1_767_225_600_000_000;

    /// The records of some days on which nothing happens.
    fn quiet_days(count: i64) -> Vec<Vec<u8>> {
        let mut engine = Engine::new(Terms::default());
        for day in 0..count {
            engine.handle(Event::Tick, START_US + 24 * day * HOUR_US);
        }
        let records = std::iter::from_fn(|| engine.poll_record());
        records.map(|(_, record)| record).collect()
    }

    fn replay(engine: &mut Engine, records: &[Vec<u8>]) {
        for record in records {
            let seq = engine.last_seq() + 1;
            engine.replay(seq, record).expect("its own");
        }
    }

    /// What a program wrote that did not count yet.
    fn uncounted(engine: &Engine) -> Vec<u8> {
        let snapshot = Snapshot {
            format: 3,
            tallies: None,
            ..decode(&engine.snapshot()).expect("its own")
        };
        let mut bytes = snapshot.encode_to_vec();
        let crc = dco_block::crc32(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    #[test]
    fn counting_begins_with_the_first_day_after_a_program_that_did_not_count() {
        let records = quiet_days(5);
        let cut = records.len() / 2;
        let mut whole = Engine::new(Terms::default());
        replay(&mut whole, &records[..cut]);
        let old = uncounted(&whole);
        assert!(whole.agrees_with(&old));
        let seq = whole.last_seq();
        let mut upgraded = Engine::from_snapshot(Terms::default(), seq, &old).expect("older");
        for engine in [&mut whole, &mut upgraded] {
            replay(engine, &records[cut..]);
        }
        let (all, since) = (whole.tallies.closed, upgraded.tallies.closed.clone());
        assert!(!since.is_empty() && since.len() < all.len(), "{since:?}");
        assert!(since.iter().all(|(date, tally)| all[date] == *tally));
        let mut whole = Engine::new(Terms::default());
        replay(&mut whole, &records);
        assert!(
            whole.agrees_with(&upgraded.snapshot()),
            "what lacks is no damage"
        );
        upgraded.tallies.closed.pop_last();
        assert!(!whole.agrees_with(&upgraded.snapshot()));
    }
}
