//! Everybody who watches: checkers, trace and figures.

use std::fmt;

use dco_engine::record::{ActKind, Change, Record};
use dco_schedule::Micros;

use crate::checkers::activations::Activations;
use crate::checkers::{self, Checker};
use crate::happened::Happened;
use crate::outcome::{Failure, Figures};
use crate::trace::Trace;

/// What a run is judged by and remembered as.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) now_us: Micros,
    pub(crate) trace: Trace,
    pub(crate) figures: Figures,
    pub(crate) failure: Option<Failure>,
    checkers: Vec<Box<dyn Checker>>,
    /// What the journal says of every activation.
    activations: Activations,
}

impl Watch {
    /// Nothing has happened.
    pub(crate) fn new(allowance_per_day: u32) -> Self {
        Self {
            now_us: 0,
            trace: Trace::new(),
            figures: Figures::default(),
            failure: None,
            checkers: checkers::all(allowance_per_day),
            activations: Activations::default(),
        }
    }

    /// Shows something to every checker. The first breach ends the run.
    pub(crate) fn show(&mut self, happened: &Happened<'_>) {
        self.count(happened);
        for checker in &mut self.checkers {
            if let Err(breach) = checker.see(happened) {
                let promise = checker.promise();
                self.fail(promise, breach);
                return;
            }
        }
        if let Happened::Recorded { record, .. } = happened
            && let Err(breach) = self.activations.learn(record)
        {
            self.fail("the journal makes sense", breach);
        }
    }

    /// Activations that have not come to their end, by the journal.
    pub(crate) fn open_activations(&self) -> usize {
        self.activations.open_count()
    }

    /// Writes a line into the trace.
    pub(crate) fn note(&mut self, what: fmt::Arguments<'_>) {
        self.trace.note(self.now_us, what);
    }

    /// A promise is broken. Only the first one counts: the rest may follow from it.
    pub(crate) fn fail(&mut self, promise: &'static str, what: String) {
        if self.failure.is_none() {
            self.failure = Some(Failure {
                promise,
                what,
                last: self.trace.lines(),
            });
        }
    }

    fn count(&mut self, happened: &Happened<'_>) {
        let figures = &mut self.figures;
        match happened {
            Happened::Started { .. } => figures.starts += 1,
            Happened::Recorded { bytes, record, .. } => {
                figures.records += 1;
                count_change(figures, record);
                self.trace.mix(bytes);
            }
            Happened::BlockAcknowledged { .. } => figures.blocks_acknowledged += 1,
            Happened::Answered { .. } => figures.answers += 1,
            Happened::AttemptStarted { .. } => figures.attempts_started += 1,
            Happened::Activated { .. } => figures.activated += 1,
            _ => {}
        }
    }
}

fn count_change(figures: &mut Figures, record: &Record) {
    match &record.change {
        Some(Change::ScheduleStepped(it)) => match it.act.as_ref().map(|act| act.kind()) {
            Some(ActKind::Accept) => figures.agreed += 1,
            Some(ActKind::Impose) => figures.imposed += 1,
            _ => {}
        },
        Some(Change::Released(it)) => {
            figures.lent += u64::from(it.lent);
            figures.through_security_lane += u64::from(it.security);
        }
        Some(Change::DayOpened(it)) => {
            figures.repaid += it.repaid.iter().map(|it| u64::from(it.units)).sum::<u64>();
        }
        Some(Change::Paused(it)) => {
            figures.paused += 1;
            figures.stopped += u64::from(it.by == 0);
        }
        Some(Change::BreakerChanged(it)) => {
            figures.breakers_opened += u64::from(it.probe_us.is_some())
        }
        Some(Change::Restored(_)) => figures.restored += 1,
        Some(Change::CapacitySet(_)) => figures.capacities_set += 1,
        _ => {}
    }
}
