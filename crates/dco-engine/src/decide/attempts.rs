//! Attempts: what their gateways say of them, and what is done when they say nothing.

use bytes::Bytes;
use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::Micros;

use crate::apply::attempts::may_have_succeeded;
use crate::effect::{Effect, ToGateway};
use crate::engine::Engine;
use crate::event::{AttemptEnd, AttemptRef, Report, Session};
use crate::outcome::Outcome;
use crate::record::{AttemptEnded, AttemptScheduled, Change, LateSuccess};
use crate::state::timers::Deadline;
use crate::terms::Jitter;
use crate::view::Stage;

impl Engine {
    /// A report of a stream that a newer one has replaced, or for an older attempt, changes nothing.
    pub(crate) fn gateway_report(&mut self, session: Session, attempt: AttemptRef, report: Report) {
        let Some(gateway) = self.gateways.of_session(session) else {
            return;
        };
        let current = self.under_way(attempt).filter(|activation| {
            self.gateways
                .attempt(*activation)
                .is_some_and(|it| it.gateway == gateway)
        });
        match (current, report) {
            (Some(activation), Report::Accepted) => self.progress(activation, Stage::Accepted),
            (Some(activation), Report::Progress { blocks_done }) => {
                self.progress(activation, Stage::Transferring { blocks_done });
            }
            (Some(activation), Report::Delivered) => self.progress(activation, Stage::Delivered),
            (Some(activation), Report::Scheduled) => self.scheduled(activation),
            (Some(activation), Report::Declined { message }) => {
                self.end_attempt(activation, declined(message));
                self.tell(session, ToGateway::Noted(attempt));
            }
            (Some(activation), Report::Ended(end)) => {
                self.end_attempt(activation, end);
                self.tell(session, ToGateway::Noted(attempt));
            }
            (None, Report::Ended(end)) => {
                self.late(gateway, attempt, end);
                self.tell(session, ToGateway::Noted(attempt));
            }
            (None, Report::Declined { .. }) => {
                self.tell(session, ToGateway::Noted(attempt));
            }
            (
                None,
                Report::Accepted | Report::Progress { .. } | Report::Delivered | Report::Scheduled,
            ) => self.tell(session, ToGateway::Withdrawn(attempt)),
        }
    }

    /// An outcome of an attempt that is not under way any more. Only a success is of use: then the Device runs the image,
    /// whatever the attempt was taken to have come to. While a newer attempt is under way that one finds it out.
    pub(crate) fn late(&mut self, gateway: Eui64, attempt: AttemptRef, end: AttemptEnd) {
        if !end.outcome.is_success() {
            return;
        }
        let Ok(activation) = self.find_activation(attempt.activation) else {
            return;
        };
        let item = self.batches.activation(activation);
        let (batch, device) = (item.batch, item.device);
        let was_made = (1..=item.attempt).contains(&attempt.attempt)
            && self.dispatch.is_of_this_life(attempt.attempt);
        let known = self.inventory.known(device);
        let is_its = known.is_some_and(|known| known.gateway == gateway);
        if !(was_made && is_its && may_have_succeeded(item.phase)) {
            return;
        }
        self.record(Change::LateSuccess(LateSuccess {
            activation,
            attempt: u32::from(attempt.attempt),
            outcome: end.outcome.number(),
            running_version: end.running_version.map(dco_block::FirmwareVersion::get),
            device_image_hash: hash_octets(end.device_image_hash),
            message: end.message,
            id: Some(self.activation_id(activation)),
        }));
        self.end_stop_of(batch);
        self.batch_changed(batch);
    }

    /// The activation of which this is the attempt under way.
    pub(crate) fn under_way(&self, attempt: AttemptRef) -> Option<u32> {
        let activation = self.busy(attempt.activation.device)?;
        self.gateways.attempt(activation)?;
        (self.attempt_ref(activation) == attempt).then_some(activation)
    }

    pub(crate) fn tell(&mut self, session: Session, message: ToGateway) {
        self.out.push_effect(Effect::Tell { session, message });
    }

    /// A stage is only ever followed by a later one; what a late message says of an earlier one is a sign of life.
    /// It is no change of the batch: who watches it would find nothing new.
    pub(crate) fn progress(&mut self, activation: u32, stage: Stage) {
        let now_us = self.now_us;
        let Some(attempt) = self.gateways.attempt_mut(activation) else {
            return;
        };
        let later = stage > attempt.stage || attempt.stage == Stage::Unknown;
        if later {
            attempt.stage = stage;
        }
        attempt.is_sent |= matches!(
            stage,
            Stage::Transferring { .. } | Stage::Delivered | Stage::Scheduled
        );
        attempt.progress_us = now_us;
    }

    /// The Device waits for the execution time. On record, because it may be for days: the attempt takes no place at its
    /// gateway any more, and a cancellation can say who has the image, after a restart as well.
    fn scheduled(&mut self, activation: u32) {
        let is_new = self
            .gateways
            .attempt(activation)
            .is_some_and(|it| !it.scheduled);
        let item = self.batches.activation(activation);
        let (batch, number) = (item.batch, item.attempt);
        if is_new && self.batches.get(batch).execute_us.is_some() {
            self.record(Change::AttemptScheduled(AttemptScheduled {
                activation,
                attempt: u32::from(number),
                id: Some(self.activation_id(activation)),
            }));
            self.batch_changed(batch);
        } else {
            self.progress(activation, Stage::Scheduled);
        }
    }

    /// The attempt is over: a unit given back where the gateway says that nothing was sent, and has not said
    /// otherwise, on the day it was charged to; another attempt where the outcome's class allows one.
    pub(crate) fn end_attempt(&mut self, activation: u32, end: AttemptEnd) {
        self.end_by(activation, end, false);
    }

    /// The same of an attempt that never got to its gateway, because it may not go now: it fails nobody and uses up no try.
    pub(crate) fn withhold(&mut self, activation: u32, end: AttemptEnd) {
        self.end_by(activation, end, true);
    }

    fn end_by(&mut self, activation: u32, end: AttemptEnd, withheld: bool) {
        let Some(attempt) = self.gateways.attempt(activation) else {
            return;
        };
        let item = self.batches.activation(activation);
        let (batch, number, tries) = (item.batch, item.attempt, item.tries);
        let today = self.days.today.as_ref().map(|today| today.day.date);
        let nothing_sent = end.nothing_sent && !attempt.is_sent && !end.outcome.means_sent();
        let refunded = attempt
            .charged
            .filter(|date| nothing_sent && Some(*date) == today);
        let (gateway, outcome) = (attempt.gateway, end.outcome);
        let jitter = Jitter {
            percent: self.terms.retry.jitter_percent,
            of: (u64::from(activation) << 16) | u64::from(number),
        };
        let rule = end.outcome.retry_rule(&self.terms.retry);
        let retry_us = rule
            .filter(|_| !self.batches.get(batch).cancelled && number < u16::MAX)
            .and_then(|rule| match withheld {
                // Never at the same instant, as any other: replay would queue it between that instant's records.
                true => Some(self.now_us.saturating_add(1)),
                false => rule.next_us(tries, self.now_us, jitter),
            });
        self.record(Change::AttemptEnded(AttemptEnded {
            activation,
            attempt: u32::from(number),
            outcome: end.outcome.number(),
            refunded_date: refunded.map(dco_schedule::ServiceDate::days),
            retry_us,
            running_version: end.running_version.map(dco_block::FirmwareVersion::get),
            device_image_hash: hash_octets(end.device_image_hash),
            message: end.message,
            id: Some(self.activation_id(activation)),
            nothing_sent,
            withheld,
        }));
        self.batch_changed(batch);
        self.cancel_if_lost(activation);
        self.stop_if_failing(self.batches.get(batch).manufacturer_image_hash);
        self.stop_for_canary(batch);
        if !withheld {
            self.judge_gateway(gateway, outcome);
        }
    }

    /// Ends the attempt under way, whatever became of it, and tells its gateway to leave it.
    pub(crate) fn give_up_attempt(&mut self, activation: u32, outcome: Outcome) {
        let Some(attempt) = self.gateways.attempt(activation) else {
            return;
        };
        let session = self.gateways.session(attempt.gateway);
        let reference = self.attempt_ref(activation);
        self.end_attempt(activation, nobody_knows(outcome));
        if let Some(session) = session {
            self.tell(session, ToGateway::Withdrawn(reference));
        }
    }

    /// The no-progress timer. It counts from the last sign of life, and only while the gateway is connected: how
    /// long it may be away is another timer's business.
    pub(crate) fn look_for_progress(&mut self, activation: u32) {
        let (now_us, patience_us) = (self.now_us, self.terms.attempt.no_progress_us);
        let Some(attempt) = self.gateways.attempt(activation) else {
            return;
        };
        let execute_us = self.batches.batch_of(activation).execute_us;
        let waits_until_us = execute_us.filter(|_| attempt.scheduled);
        let connected = self.gateways.session(attempt.gateway).is_some();
        let since_us = if connected {
            // Until its execution time there is nothing to be heard of it.
            attempt
                .progress_us
                .max(waits_until_us.unwrap_or(Micros::MIN))
        } else {
            now_us
        };
        let look_us = since_us.saturating_add(patience_us);
        if look_us <= now_us {
            self.give_up_attempt(activation, Outcome::NoProgress);
            return;
        }
        if let Some(attempt) = self.gateways.attempt_mut(activation) {
            attempt.look_us = Some(look_us);
        }
        self.deadlines
            .set(look_us, Deadline::NoProgress { activation });
    }
}

/// Its User cancelled it before the gateway had heard of it.
pub(super) fn cancelled_unsent() -> AttemptEnd {
    AttemptEnd {
        nothing_sent: true,
        ..nobody_knows(Outcome::Cancelled)
    }
}

pub(super) fn declined(message: String) -> AttemptEnd {
    AttemptEnd {
        nothing_sent: true,
        message,
        ..nobody_knows(Outcome::Declined)
    }
}

fn nobody_knows(outcome: Outcome) -> AttemptEnd {
    AttemptEnd {
        outcome,
        nothing_sent: false,
        running_version: None,
        device_image_hash: None,
        message: String::new(),
    }
}

fn hash_octets(hash: Option<ManufacturerImageHash>) -> Bytes {
    hash.map_or_else(Bytes::new, |hash| Bytes::copy_from_slice(hash.as_bytes()))
}
