//! Has each service day its checkpoint? And where it has none: was the service there to sign it?
//!
//! The service opens a service day with a record as long as it runs, and signs the day before within moments. So a log in which a
//! day was opened and went on, without a checkpoint of the day before, was written by somebody without the key: a hash chain can be
//! made anew from any record on, and a checkpoint that is missing is all that shows it once the service itself has gone on from there
//! and signed later days.

use std::fmt;

use dco_engine::record::{Change, DayOpened, Record};
use dco_schedule::{Micros, ServiceDate};

use crate::when;

/// Time from the opening of a service day within which the day before is signed.
const SIGNED_WITHIN_US: Micros = 60_000_000;

const HOUR_US: Micros = 3_600_000_000;

/// Service days one after the other without a checkpoint of their own, and nothing wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsigned {
    pub(crate) first: ServiceDate,
    pub(crate) last: ServiceDate,
    pub(crate) why: NotSigned,
}

/// Why a service day has no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSigned {
    /// The file has no checkpoint of an earlier day either.
    NotYet,
    /// Nothing was decided when it was over.
    NotRunning,
}

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, why } = self;
        if first == last {
            write!(f, "service day {first} has no checkpoint: ")?;
        } else {
            write!(f, "service days {first} to {last} have no checkpoint: ")?;
        }
        f.write_str(match why {
            NotSigned::NotYet => {
                "no earlier day of the file has one, so the service had no key yet"
            }
            NotSigned::NotRunning => {
                "the service was not running when it was due, and the next checkpoint stands for it"
            }
        })
    }
}

/// Follows the service days of a log.
#[derive(Debug, Default)]
pub(super) struct Days {
    today: Option<Today>,
    /// A start on a later service day, until that is opened.
    starting: Option<Starting>,
    /// Whether any day was signed.
    signs: bool,
    unsigned: Vec<Unsigned>,
}

/// The service day that is open.
#[derive(Debug, Clone, Copy)]
struct Today {
    date: ServiceDate,
    /// The first instant that is not of it.
    end_us: Micros,
    /// Record and time of its opening and of the last that was decided on it.
    opened: (u64, Micros),
    last: (u64, Micros),
    /// Whether the day before was signed.
    is_signed: bool,
}

/// What was recorded at one moment of a later service day than the one that is open.
#[derive(Debug, Clone, Copy)]
struct Starting {
    /// The first record, and the moment.
    first: (u64, Micros),
    /// Whether nothing but a start makes such records: the power may have gone before the day was opened.
    is_start: bool,
}

/// Whether a start makes such a record before it opens the day: other checks than before, and what followed of the last records
/// when the journal ended between.
fn is_of_a_start(change: &Option<Change>) -> bool {
    match change {
        Some(
            Change::TrustSet(_)
            | Change::TransferEnded(_)
            | Change::ActivationCancelled(_)
            | Change::BreakerChanged(_),
        ) => true,
        Some(Change::Paused(paused)) => paused.stop.is_some(),
        Some(Change::Resumed(resumed)) => resumed.by == 0,
        _ => false,
    }
}

impl Today {
    fn has_only_begun(&self) -> bool {
        self.last.1.saturating_sub(self.opened.1) <= SIGNED_WITHIN_US
    }
}

/// What no service day goes beyond, by its date alone: nothing but the hash chain vouches for what its record says.
fn ends_by_us(date: ServiceDate) -> Micros {
    (Micros::from(date.days()) + 1) * 24 * HOUR_US + 2 * HOUR_US
}

impl Days {
    pub(super) fn follow(&mut self, seq: u64, record: &Record) -> Result<(), String> {
        let at = (seq, record.at_us);
        self.is_of_an_open_day(at, &record.change)?;
        match &record.change {
            Some(Change::DayOpened(opened)) => self.open(opened, at)?,
            Some(Change::CheckpointMade(made)) => self.sign(ServiceDate::from_days(made.date)),
            _ => {}
        }
        if let Some(today) = self.today.as_mut().filter(|today| at.1 < today.end_us) {
            today.last = at;
        }
        Ok(())
    }

    /// A service day is opened before anything else is recorded on it. Only what a start finds is recorded before, at the same moment,
    /// and by whoever restores a backup, before the start. When the power goes in between, the next start opens the day.
    fn is_of_an_open_day(
        &mut self,
        at: (u64, Micros),
        change: &Option<Change>,
    ) -> Result<(), String> {
        if matches!(change, Some(Change::Restored(_))) {
            return self.nothing_starts();
        }
        if self.starting.is_some_and(|it| it.first.1 != at.1) {
            self.nothing_starts()?;
            self.starting = None;
        }
        let is_later = self.today.is_some_and(|today| at.1 >= today.end_us);
        if matches!(change, Some(Change::DayOpened(_))) {
            self.starting = None;
        } else if is_later {
            let starting = self.starting.get_or_insert(Starting {
                first: at,
                is_start: true,
            });
            starting.is_start &= is_of_a_start(change);
        }
        Ok(())
    }

    /// What was recorded on a later day is all of a start that opened it, or had no time to.
    fn nothing_starts(&self) -> Result<(), String> {
        let undone = self.starting.filter(|it| !it.is_start);
        match (undone.map(|it| it.first), self.today) {
            (Some((seq, at_us)), Some(today)) => Err(format!(
                "record {seq} was decided at {}, after service day {}, and its own service day was not opened at that \
                 time, which is what the service does before it decides anything on it: the record that opened it was removed, \
                 or this one was put here",
                when::rfc3339(at_us),
                today.date
            )),
            _ => Ok(()),
        }
    }

    /// A day that has only just been opened may have been exported before it was signed for.
    pub(super) fn end(mut self) -> Result<Vec<Unsigned>, String> {
        self.nothing_starts()?;
        if self.today.is_some_and(|today| !today.has_only_begun()) {
            self.close()?;
        }
        Ok(self.unsigned)
    }

    /// A day that is open is opened again when its capacity changes.
    fn open(&mut self, opened: &DayOpened, at: (u64, Micros)) -> Result<(), String> {
        let date = ServiceDate::from_days(opened.date);
        if self.today.is_some_and(|today| today.date >= date) {
            return Ok(());
        }
        if let Some(before) = self.close()? {
            // Only the last day before this one is to be signed.
            let why = if self.signs {
                NotSigned::NotRunning
            } else {
                NotSigned::NotYet
            };
            self.note(before, date.previous().previous(), why);
        }
        self.today = Some(Today {
            date,
            end_us: opened.end_us.min(ends_by_us(date)),
            opened: at,
            last: at,
            is_signed: false,
        });
        Ok(())
    }

    fn sign(&mut self, date: ServiceDate) {
        self.signs = true;
        if let Some(today) = &mut self.today {
            today.is_signed |= date == today.date.previous();
        }
    }

    /// The day that was open.
    fn close(&mut self) -> Result<Option<ServiceDate>, String> {
        let Some(today) = self.today.take() else {
            return Ok(None);
        };
        let due = today.date.previous();
        let (opened, last) = (today.opened, today.last);
        let why = match (today.is_signed, self.signs) {
            (true, _) => None,
            (false, false) => Some(NotSigned::NotYet),
            (false, true) if today.has_only_begun() => Some(NotSigned::NotRunning),
            (false, true) => {
                return Err(format!(
                    "service day {due} has no checkpoint, though the service was running when it was due: it opened the \
                 next day at {} with record {} and decided things until {}, record {}; earlier days are signed, so \
                 this part was written by somebody without the key, or the key was taken from the service",
                    when::rfc3339(opened.1),
                    opened.0,
                    when::rfc3339(last.1),
                    last.0
                ));
            }
        };
        if let Some(why) = why {
            self.note(due, due, why);
        }
        Ok(Some(today.date))
    }

    fn note(&mut self, first: ServiceDate, last: ServiceDate, why: NotSigned) {
        if first > last {
            return;
        }
        match self.unsigned.last_mut() {
            Some(before) if before.why == why && before.last.next() >= first => {
                before.last = before.last.max(last);
            }
            _ => self.unsigned.push(Unsigned { first, last, why }),
        }
    }
}
