//! No service day is released over its capacity, nor the security lane over its bound, and a unit is given back only for nothing sent.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_engine::record::{AttemptEnded, CapacitySet, Change, Record, Released};
use dco_engine::{AttemptRef, Hello, Outcome};
use dco_schedule::{Calendar, ServiceDate};

use super::activations::Activations;
use super::lane::Lane;
use super::{Breach, Checker};
use crate::happened::Happened;

/// Counts the units of each service day by the journal alone.
#[derive(Debug)]
pub(super) struct Capacity {
    calendar: Calendar,
    configured: u32,
    /// What was set from a day on, and for one day.
    set_from: BTreeMap<ServiceDate, u32>,
    set_on: BTreeMap<ServiceDate, u32>,
    released: BTreeMap<ServiceDate, u32>,
    /// The unit of each attempt under way, and the gateway to which it was released.
    charged: BTreeMap<u32, (ServiceDate, u64)>,
    /// Of which a gateway said so, or that it never got it: its hello, with the memory of the one before, does not name it.
    nothing_sent: BTreeSet<AttemptRef>,
    memories: BTreeMap<Eui64, String>,
    lane: Lane,
    activations: Activations,
}

impl Capacity {
    pub(super) fn new() -> Self {
        Self {
            calendar: Calendar::london(),
            configured: 0,
            set_from: BTreeMap::new(),
            set_on: BTreeMap::new(),
            released: BTreeMap::new(),
            charged: BTreeMap::new(),
            nothing_sent: BTreeSet::new(),
            memories: BTreeMap::new(),
            lane: Lane::default(),
            activations: Activations::default(),
        }
    }

    fn judge(&mut self, record: &Record) -> Result<(), Breach> {
        let today = self.calendar.day_at(record.at_us).date;
        match &record.change {
            Some(Change::Released(it)) => self.release(it, today),
            Some(Change::AttemptEnded(it)) => self.end(it, today),
            // What was under way stays charged for ever.
            Some(Change::Restored(_)) => {
                self.charged.clear();
                Ok(())
            }
            Some(Change::CapacitySet(it)) => {
                self.set(it);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn set(&mut self, record: &CapacitySet) {
        if record.clear {
            self.set_on.remove(&ServiceDate::from_days(record.first));
        }
        if let Some(capacity) = record.capacity {
            let days = if record.one_day {
                &mut self.set_on
            } else {
                &mut self.set_from
            };
            days.insert(ServiceDate::from_days(record.first), capacity);
        }
    }

    /// What was set for the day alone, or else from the last day up to it on, or else what is configured.
    fn capacity_on(&self, date: ServiceDate) -> u32 {
        let from = self.set_from.range(..=date).next_back().map(|(_, it)| *it);
        let on = self.set_on.get(&date).copied();
        on.or(from).unwrap_or(self.configured)
    }

    fn release(&mut self, record: &Released, today: ServiceDate) -> Result<(), Breach> {
        let number = record.activation;
        let charged = record.charged_date.map(ServiceDate::from_days);
        let due = self.activations.get(number)?.large.then_some(today);
        if charged != due {
            return Err(format!(
                "the release of activation {number} on {today} is charged to {charged:?}, due is {due:?}"
            ));
        }
        let Some(date) = charged else { return Ok(()) };
        self.charged.insert(number, (date, record.gateway));
        let capacity = self.capacity_on(date);
        let released = self.released.entry(date).or_default();
        *released += 1;
        if *released <= capacity {
            return Ok(());
        }
        Err(format!(
            "{released} units are released on {date}, the capacity is {capacity}"
        ))
    }

    fn end(&mut self, record: &AttemptEnded, today: ServiceDate) -> Result<(), Breach> {
        let charged = self.charged.remove(&record.activation);
        let charged = charged.map(|(date, _)| date);
        let Some(refunded) = record.refunded_date.map(ServiceDate::from_days) else {
            return Ok(());
        };
        let attempt = self.activations.attempt(record.activation)?;
        if charged != Some(refunded) || refunded != today {
            return Err(format!(
                "a unit of {refunded} is given back on {today} for {attempt:?}, charged to {charged:?}"
            ));
        }
        if !self.nothing_sent.contains(&attempt) || record.outcome == Outcome::Success.number() {
            return Err(format!(
                "a unit of {refunded} is given back for {attempt:?}, of which its gateway never said \
                 that nothing was sent"
            ));
        }
        *self.released.entry(refunded).or_default() -= 1;
        Ok(())
    }

    /// With its memory kept, a gateway has never got what it does not name.
    fn hear(&mut self, gateway: Eui64, hello: &Hello) -> Result<(), Breach> {
        let before = self.memories.insert(gateway, hello.memory_id.clone());
        if before.as_ref() != Some(&hello.memory_id) {
            return Ok(());
        }
        for (number, (_, released_to)) in &self.charged {
            let attempt = self.activations.attempt(*number)?;
            if *released_to == gateway.bits() && !hello.attempts.contains(&attempt) {
                self.nothing_sent.insert(attempt);
            }
        }
        Ok(())
    }
}

impl Checker for Capacity {
    fn promise(&self) -> &'static str {
        "no service day is released over its capacity"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Started { capacity } => self.configured = *capacity,
            Happened::SaidHello { gateway, hello } => self.hear(*gateway, hello)?,
            Happened::ReportedEnd {
                attempt,
                nothing_sent: true,
            } => {
                self.nothing_sent.insert(*attempt);
            }
            // It was offered again.
            Happened::AttemptStarted { attempt, .. } => {
                self.nothing_sent.remove(attempt);
            }
            Happened::Recorded { record, .. } => {
                self.judge(record)?;
                self.lane.learn(record)?;
                self.activations.learn(record)?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use dco_block::Eui64;
    use dco_engine::record::{CapacitySet, Change, Configured, DayOpened, Released};
    use dco_engine::{AttemptRef, Hello};

    use super::Capacity;
    use crate::checkers::history::{self, DATE, broken, kept};
    use crate::happened::Happened;

    fn with_batch(capacity: u32) -> Capacity {
        let mut checker = Capacity::new();
        kept(&mut checker, &Happened::Started { capacity });
        for record in history::batch_of_three() {
            history::keeps(&mut checker, record);
        }
        checker
    }

    #[test]
    fn one_unit_too_many_is_seen() {
        let mut checker = with_batch(2);
        history::keeps(&mut checker, history::released(0, 1, Some(DATE)));
        history::keeps(&mut checker, history::released(1, 1, Some(DATE)));
        history::breaks(&mut checker, history::released(2, 1, Some(DATE)));
    }

    #[test]
    fn the_security_lane_has_a_bound_of_its_own_each_day() {
        let opened = |date, security| {
            let configured = Some(Configured {
                security,
                ..Configured::default()
            });
            Change::DayOpened(DayOpened {
                date,
                configured,
                ..DayOpened::default()
            })
        };
        let through_the_lane = |activation| {
            let Change::Released(released) = history::released(activation, 1, Some(DATE)) else {
                panic!("it is a release");
            };
            Change::Released(Released {
                security: true,
                ..released
            })
        };
        let mut checker = with_batch(3);
        history::breaks(&mut checker, through_the_lane(0));
        let mut checker = with_batch(3);
        history::keeps(&mut checker, opened(DATE, 1));
        history::keeps(&mut checker, through_the_lane(0));
        history::keeps(&mut checker, history::released(1, 1, Some(DATE)));
        history::breaks(&mut checker, through_the_lane(2));
        let mut checker = with_batch(3);
        history::keeps(&mut checker, opened(DATE, 1));
        history::keeps(&mut checker, through_the_lane(0));
        let said = Happened::ReportedEnd {
            attempt: history::attempt(0, 1),
            nothing_sent: true,
        };
        kept(&mut checker, &said);
        history::keeps(&mut checker, history::ended(0, 1, Some(DATE)));
        history::keeps(&mut checker, through_the_lane(1));
        history::keeps(&mut checker, opened(DATE, 0));
        history::breaks(&mut checker, through_the_lane(2));
    }

    #[test]
    fn a_lower_capacity_counts_from_now_on() {
        let mut checker = with_batch(2);
        history::keeps(&mut checker, history::released(0, 1, Some(DATE)));
        kept(&mut checker, &Happened::Started { capacity: 1 });
        history::breaks(&mut checker, history::released(1, 1, Some(DATE)));
    }

    #[test]
    fn what_is_set_for_a_day_goes_before_what_is_set_from_a_day_on_and_that_before_the_configuration()
     {
        let set = |first, one_day, capacity| {
            Change::CapacitySet(CapacitySet {
                first,
                one_day,
                capacity: Some(capacity),
                ..CapacitySet::default()
            })
        };
        let mut checker = with_batch(3);
        history::keeps(&mut checker, set(DATE - 1, false, 0));
        history::breaks(&mut checker, history::released(0, 1, Some(DATE)));
        let mut checker = with_batch(0);
        history::keeps(&mut checker, set(DATE - 1, false, 0));
        history::keeps(&mut checker, set(DATE, true, 1));
        history::keeps(&mut checker, set(DATE + 1, true, 9));
        history::keeps(&mut checker, history::released(0, 1, Some(DATE)));
        history::breaks(&mut checker, history::released(1, 1, Some(DATE)));
    }

    #[test]
    fn what_was_set_for_a_day_alone_counts_no_more_once_it_is_taken_back() {
        let mut checker = with_batch(2);
        for (first, capacity, clear) in [(DATE, Some(0), false), (DATE, None, true)] {
            let set = CapacitySet {
                first,
                one_day: true,
                capacity,
                clear,
                ..CapacitySet::default()
            };
            history::keeps(&mut checker, Change::CapacitySet(set));
        }
        history::keeps(&mut checker, history::released(0, 1, Some(DATE)));
    }

    #[test]
    fn another_day_or_none_cannot_be_charged() {
        history::breaks(&mut with_batch(2), history::released(0, 1, None));
        history::breaks(&mut with_batch(2), history::released(0, 1, Some(DATE + 1)));
    }

    #[test]
    fn a_unit_comes_back_only_on_the_gateways_word() {
        let mut checker = with_batch(1);
        history::keeps(&mut checker, history::released(0, 1, Some(DATE)));
        let said = Happened::ReportedEnd {
            attempt: history::attempt(0, 1),
            nothing_sent: true,
        };
        kept(&mut checker, &said);
        history::keeps(&mut checker, history::ended(0, 1, Some(DATE)));
        history::keeps(&mut checker, history::released(0, 2, Some(DATE)));
        history::breaks(&mut checker, history::ended(0, 2, Some(DATE)));
        broken(
            &mut with_batch(1),
            &history::recorded_as(&history::record(history::released(9, 1, None))),
        );
    }

    #[test]
    fn a_hello_is_its_gateways_word_only_with_the_memory_of_the_one_before() {
        let Change::Released(released) = history::released(0, 1, Some(DATE)) else {
            panic!("it is a release");
        };
        let gateway = Eui64::from_bits(released.gateway);
        let says = |checker: &mut Capacity, memory_id: &str, attempts: Vec<AttemptRef>| {
            let hello = Hello {
                memory_id: memory_id.to_owned(),
                attempts,
                outcomes: Vec::new(),
                concurrency: 1,
            };
            let hello = &hello;
            kept(checker, &Happened::SaidHello { gateway, hello });
        };
        let started = Happened::AttemptStarted {
            gateway,
            attempt: history::attempt(0, 1),
        };
        for (memory_id, named, starts, is_back) in [
            ("one", false, false, true),
            ("one", true, false, false),
            ("another", false, false, false),
            ("one", false, true, false),
        ] {
            let mut checker = with_batch(1);
            says(&mut checker, "one", Vec::new());
            history::keeps(&mut checker, Change::Released(released.clone()));
            let attempts = named.then(|| history::attempt(0, 1));
            says(&mut checker, memory_id, attempts.into_iter().collect());
            if starts {
                kept(&mut checker, &started);
            }
            let record = history::record(history::ended(0, 1, Some(DATE)));
            let ended = history::recorded_as(&record);
            if is_back {
                kept(&mut checker, &ended);
            } else {
                broken(&mut checker, &ended);
            }
        }
    }
}
