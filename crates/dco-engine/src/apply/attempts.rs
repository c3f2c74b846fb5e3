//! What records of attempts change.

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, ManufacturerImageHash};
use dco_schedule::{Micros, ServiceDate};

use super::Why;
use crate::engine::Engine;
use crate::outcome::{Fault, Outcome};
use crate::record::{AttemptEnded, AttemptScheduled, LateSuccess, Released};
use crate::state::batches::{Phase, Reading};
use crate::state::gateways::Attempt;
use crate::state::lines::Line;
use crate::state::timers::{Deadline, Wake};
use crate::state::trials::Trial;
use crate::view::Stage;

impl Engine {
    pub(super) fn apply_released(&mut self, at_us: Micros, record: &Released) -> Result<(), Why> {
        let activation = record.activation;
        let line =
            Line::of(record.lent, record.security).ok_or("it left from two lines at once")?;
        self.must_be(activation, |phase| match phase {
            Phase::Queued(_) => line != Line::Ahead,
            Phase::Parked => line == Line::Ahead,
            _ => false,
        })?;
        let number = self.next_attempt(activation, record.attempt)?;
        let batch = self.batches.batch_of(activation);
        let (user, image, large) = (batch.user, (batch.user, batch.image_id), batch.large);
        match line {
            Line::Ordinary => self.take_its_turn(activation),
            Line::Security => self.take_security(activation),
            Line::Ahead => self.take_ahead(activation),
        }
        let charged = record.charged_date.map(ServiceDate::from_days);
        if let Some(date) = charged {
            self.days
                .charge(date, (user, line, self.schedules.security_max()), at_us)
                .ok_or("no unit is left on its service day")?;
        }
        if large {
            let again = self.batches.activation(activation).released_us.is_some();
            self.tallies.release(user, (line, again));
        }
        self.batches.change(activation, |item| {
            item.attempt = number;
            item.tries = item.tries.saturating_add(1);
            item.released_us = Some(at_us);
        });
        self.batches.set_phase(activation, Phase::Released);
        self.batches.note_change(activation);
        let look_us = at_us.saturating_add(self.terms.attempt.no_progress_us);
        self.deadlines
            .set(record.answer_by_us, Deadline::AttemptTimeout { activation });
        self.deadlines
            .set(look_us, Deadline::NoProgress { activation });
        self.gateways.start(
            activation,
            Attempt {
                gateway: Eui64::from_bits(record.gateway),
                image,
                large,
                charged,
                line,
                read_version_first: record.read_version_first,
                stage: Stage::Offered,
                is_sent: false,
                scheduled: false,
                released_us: at_us,
                answer_by_us: record.answer_by_us,
                progress_us: at_us,
                look_us: Some(look_us),
            },
        );
        Ok(())
    }

    /// Its number, as a record says it: reports are told apart by it, so none comes again.
    fn next_attempt(&self, activation: u32, number: u32) -> Result<u16, Why> {
        let number = u16::try_from(number).map_err(|_| "its attempt is out of range")?;
        if number <= self.batches.activation(activation).attempt {
            return Err("its attempt was made before");
        }
        Ok(number)
    }

    pub(super) fn apply_attempt_ended(
        &mut self,
        at_us: Micros,
        record: &AttemptEnded,
    ) -> Result<(), Why> {
        let activation = record.activation;
        self.must_be(activation, |phase| phase == Phase::Released)?;
        let outcome = Outcome::from_number(record.outcome).ok_or("its outcome is not known")?;
        if record.attempt != u32::from(self.batches.activation(activation).attempt) {
            return Err("another attempt of it is under way");
        }
        if record.attempt == u32::from(u16::MAX) && record.retry_us.is_some() {
            return Err("no number is left for another attempt");
        }
        let attempt = self
            .end_timers_of(activation)
            .ok_or("no attempt of it is under way")?;
        let refunded = record.refunded_date.map(ServiceDate::from_days);
        if refunded.is_some() && refunded != attempt.charged {
            return Err("it gives back what was not charged");
        }
        let batch = self.batches.batch_of(activation);
        let (user, cancelled) = (batch.user, batch.cancelled);
        if let Some(date) = refunded {
            let ledger = &mut self.days.ledger;
            match attempt.line {
                Line::Ordinary => ledger.refund(date, user),
                Line::Security => ledger.refund_security(date, user),
                Line::Ahead => ledger.refund_lent(date, user),
            }
            self.tallies.refund(user);
        }
        let read = (record.running_version, &record.device_image_hash);
        self.note_reading(activation, read);
        self.batches.say(activation, &record.message);
        let phase = match (outcome.is_success(), record.retry_us) {
            (true, _) => Phase::Succeeded { ended_us: at_us },
            (false, Some(until_us)) => Phase::RetryWait { until_us },
            (false, None) if cancelled && outcome == Outcome::Cancelled => {
                Phase::Cancelled { ended_us: at_us }
            }
            (false, None) => Phase::Failed { ended_us: at_us },
        };
        self.count_trial(activation, record.attempt, outcome);
        self.batches.change(activation, |item| {
            item.outcome = Some(outcome);
            item.fate_unknown |= outcome.is_unknown();
            item.maybe_sent |= !record.nothing_sent;
            item.tries = item.tries.saturating_sub(u16::from(record.withheld));
        });
        if let Phase::RetryWait { until_us } = phase {
            self.wakes.set(until_us, Wake::Requeue { activation });
            self.carry_over(user, attempt.charged);
        }
        if !record.withheld {
            self.count_failures(attempt.gateway, outcome);
        }
        // What waited for its execution time says nothing of how long others take.
        let is_dated = self.batches.batch_of(activation).execute_us.is_some();
        if outcome == Outcome::Success && !is_dated {
            let took_us = at_us.saturating_sub(attempt.released_us);
            self.delivered = (
                self.delivered.0 + 1,
                self.delivered.1.saturating_add(took_us),
            );
        }
        self.set_end(activation, phase);
        self.batches.note_change(activation);
        self.wake_gateway(attempt.gateway);
        Ok(())
    }

    /// Each Device counts once: those that fail are tried again and again, and at the end of a batch nothing else is. What was
    /// counted as a failure and was a success after all is put right.
    fn count_trial(&mut self, activation: u32, attempt: u32, outcome: Outcome) {
        let counted = |it: Outcome| !matches!(it.fault(), Some(Fault::Gateway | Fault::User));
        if !counted(outcome) {
            return;
        }
        let item = self.batches.activation(activation);
        let image = self.batches.batch_of(activation).manufacturer_image_hash;
        let attempt = u16::try_from(attempt).unwrap_or(u16::MAX);
        let failed = outcome.fault().is_some();
        if !item.outcome.is_some_and(counted) {
            let device = item.device;
            self.trials.add(
                image,
                Trial {
                    device,
                    attempt,
                    failed,
                },
            );
        } else if !failed {
            self.trials.correct(image, (item.device, attempt));
        }
    }

    /// The attempt is not under way any more, and nothing waits for it.
    pub(super) fn end_timers_of(&mut self, activation: u32) -> Option<Attempt> {
        let attempt = self.gateways.end(activation)?;
        self.deadlines.clear(
            attempt.answer_by_us,
            Deadline::AttemptTimeout { activation },
        );
        if let Some(look_us) = attempt.look_us {
            self.deadlines
                .clear(look_us, Deadline::NoProgress { activation });
        }
        Some(attempt)
    }

    /// What left on an earlier service day and comes back today is carried over to it.
    pub(super) fn carry_over(&mut self, user: Eui64, charged: Option<ServiceDate>) {
        let today = self.days.today.as_ref().map(|today| today.day.date);
        if charged.is_some_and(|date| Some(date) != today) {
            self.grow_share(user, 1);
        }
    }

    /// The image is where it is wanted; what is left is the Device's.
    pub(super) fn apply_attempt_scheduled(&mut self, record: AttemptScheduled) -> Result<(), Why> {
        let activation = record.activation;
        self.must_be(activation, |phase| phase == Phase::Released)?;
        if record.attempt != u32::from(self.batches.activation(activation).attempt) {
            return Err("another attempt of it is under way");
        }
        if self.batches.batch_of(activation).execute_us.is_none() {
            return Err("its batch has no execution time");
        }
        let gateway = self.gateways.schedule(activation);
        self.batches.note_change(activation);
        self.wake_gateway(gateway.ok_or("no attempt of it is under way")?);
        Ok(())
    }

    /// The Device runs the image whatever was taken to have become of it: nothing more is tried, and what was counted as a
    /// failure or as cancelled counts as a success. When it ended first stays what its TRT is held against.
    pub(super) fn apply_late_success(
        &mut self,
        at_us: Micros,
        record: &LateSuccess,
    ) -> Result<(), Why> {
        let activation = record.activation;
        self.must_be(activation, may_have_succeeded)?;
        let outcome = Outcome::from_number(record.outcome).filter(|it| it.is_success());
        let outcome = outcome.ok_or("its outcome is no success")?;
        if !(1..=u32::from(self.batches.activation(activation).attempt)).contains(&record.attempt) {
            return Err("its attempt was never made");
        }
        let read = (record.running_version, &record.device_image_hash);
        self.note_reading(activation, read);
        self.batches.say(activation, &record.message);
        if self.batches.activation(activation).phase.waits() {
            self.leave_wait(activation);
        }
        self.count_trial(activation, record.attempt, outcome);
        self.batches.change(activation, |item| {
            item.outcome = Some(outcome);
            item.fate_unknown = false;
        });
        let before = self.batches.activation(activation).phase;
        let ended_us = before.ended_us().unwrap_or(at_us);
        self.set_end(activation, Phase::Succeeded { ended_us });
        self.batches.note_change(activation);
        // Another batch may wait for this Device, and what it runs decides whether the list allows that.
        let device = self.batches.activation(activation).device;
        if let Some(newer) = self.batches.busy(device) {
            self.look_again(newer);
        }
        Ok(())
    }

    /// Out of its line, or of its wait for another attempt.
    pub(super) fn leave_wait(&mut self, activation: u32) {
        if self.is_in_line(activation) {
            self.tally_departure(activation);
        }
        self.dequeue(activation);
        self.leave_ahead(activation);
        if let Phase::RetryWait { until_us } = self.batches.activation(activation).phase {
            self.wakes.clear(until_us, Wake::Requeue { activation });
        }
    }

    /// What a later activation of the Device has shown is not overwritten by what comes late of an older one.
    fn note_reading(&mut self, activation: u32, (version, hash): (Option<u32>, &Bytes)) {
        let hash: Result<[u8; 32], _> = hash.as_ref().try_into();
        let reading = Reading {
            running_version: version.map(FirmwareVersion::new),
            device_image_hash: hash.ok().map(ManufacturerImageHash::new),
        };
        let is_latest = self.batches.read(activation, reading);
        if let Some(version) = reading.running_version.filter(|_| is_latest) {
            let device = self.batches.activation(activation).device;
            self.inventory.runs(device, version);
        }
    }
}

/// Neither under way, so that a newer attempt will find out, nor a success already.
pub(crate) fn may_have_succeeded(phase: Phase) -> bool {
    !matches!(phase, Phase::Released | Phase::Succeeded { .. })
}
