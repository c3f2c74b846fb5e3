//! What records of batches change.

use dco_block::Eui64;
use dco_schedule::{Micros, ServiceDate, Source};

use super::Why;
use super::images::image_id;
use super::notices::Sent;
use crate::engine::Engine;
use crate::record::{ActivationCancelled, BatchAccepted, BatchCancelled, Counted, window_of};
use crate::state::batches::{Batch, Phase};
use crate::state::changes::Changes;
use crate::state::counts::request_bytes;
use crate::state::numbers::checked_number;
use crate::state::requests::Made;
use crate::state::timers::{Deadline, Wake};
use crate::view::{ActivationCounts, Prediction};

impl Engine {
    pub(super) fn apply_batch_accepted(
        &mut self,
        at_us: Micros,
        record: &BatchAccepted,
    ) -> Result<(), Why> {
        let user = Eui64::from_bits(record.user);
        let image_id = image_id(&record.image_id)?;
        let manifest = &self
            .transfers
            .image(user, image_id)
            .ok_or("its image is not stored")?
            .manifest;
        checked_number(record.number)?;
        if self.batches.find(user, record.number).is_some() {
            return Err("its number is used");
        }
        if record.devices.is_empty() {
            return Err("it has no Device");
        }
        let len = u32::try_from(record.devices.len()).map_err(|_| "it has too many Devices")?;
        let index = self.batches.next_batch();
        let batch = Batch {
            user,
            number: record.number,
            image_id,
            manufacturer_image_hash: manifest.manufacturer_image_hash(),
            large: manifest.is_large(),
            source: source_of(record, manifest.is_large()),
            window: window_of(record.window_from, record.window_to)
                .ok_or("its hours are no window")?,
            run_ahead: record.run_ahead,
            canary: record.own_canary,
            security: record.security,
            service_date: ServiceDate::from_days(record.service_date),
            day_start_us: record.day_start_us,
            created_us: at_us,
            trt_start_us: record.trt_start_us,
            due_us: record.due_us,
            execute_us: record.execute_us,
            first_prediction: Prediction::of_kept((
                record.predicted_release_us,
                record.predicted_completion_us,
            )),
            signed_request: record.signed_request.clone(),
            cancelled: false,
            trt_warned: false,
            first: self.batches.next_activation(),
            len,
            counts: ActivationCounts {
                parked: len,
                ..ActivationCounts::default()
            },
            changes: Changes::sent(self.batches.next_activation(), len),
        };
        self.count_sent(&batch, at_us, record.limit);
        self.watch_trt(index, &batch);
        self.counts.carried(user, record.originator_counter);
        self.count_request(user, record);
        self.requests
            .remember(user, record.request.as_ref(), Made::Batch(index))?;
        self.unwatch_image(user, image_id);
        self.transfers.used(user, image_id, at_us);
        self.watch_image(user, image_id);
        let devices = record.devices.iter().copied().map(Eui64::from_bits);
        let devices: Vec<u32> = devices.map(|it| self.inventory.named(it)).collect();
        self.batches
            .add(batch, &devices)
            .ok_or("another activation of one of its Devices is under way")?;
        self.send_canaries(index, record.canary.max(record.own_canary));
        self.line_up(index, at_us);
        Ok(())
    }

    /// Against the thresholds of its period.
    fn count_request(&mut self, user: Eui64, record: &BatchAccepted) {
        let Some(start_us) = record.period_start_us else {
            return;
        };
        let len = record.devices.len();
        let bytes = request_bytes(record.signed_request.len(), len);
        let count = u32::try_from(len).unwrap_or(u32::MAX);
        for (counted, count) in [
            (Counted::Activations, count),
            (Counted::RequestBytes, bytes),
        ] {
            self.counts.add(start_us, (counted, user), count);
        }
    }

    /// Into the lines, or parked until its service day starts.
    fn line_up(&mut self, index: u32, at_us: Micros) {
        let batch = self.batches.get(index);
        let (day_start_us, activations) = (batch.day_start_us, batch.activations());
        if day_start_us <= at_us {
            self.enqueue_parked(index);
            return;
        }
        self.wakes.set(day_start_us, Wake::Unpark { batch: index });
        for activation in activations {
            self.join_ahead(activation);
        }
    }

    fn watch_trt(&mut self, index: u32, batch: &Batch) {
        let warn_us = batch.warn_us(self.terms.trt_warn_before_us);
        self.deadlines
            .set(warn_us, Deadline::WarnTrt { batch: index });
    }

    /// What is sent counts against what covers it on its day; a large batch is its User's share of the day.
    fn count_sent(&mut self, batch: &Batch, at_us: Micros, limit: u32) {
        let (user, date, count) = (batch.user, batch.service_date, batch.len);
        if let Some(source) = batch.source {
            self.days.ledger.add_sent(user, date, source, count);
            self.note_use(
                at_us,
                &Sent {
                    user,
                    source,
                    date,
                    limit,
                    count,
                },
            );
        }
        if batch.large && batch.day_start_us <= at_us {
            self.grow_share(batch.user, batch.len);
        }
    }

    pub(super) fn apply_batch_cancelled(
        &mut self,
        at_us: Micros,
        record: &BatchCancelled,
    ) -> Result<(), Why> {
        let user = Eui64::from_bits(record.user);
        let (index, batch) = self
            .batches
            .find(user, record.number)
            .ok_or("there is no such batch")?;
        let (date, source, activations) = (batch.service_date, batch.source, batch.activations());
        let sent = source.map_or(0, |source| self.days.ledger.sent(user, date, source));
        if record.given_back > sent {
            return Err("it gives back what was not sent");
        }
        self.batches.cancel(index);
        let unused = activations.clone().filter(|it| self.has_unused_share(*it));
        let unused = u32::try_from(unused.count()).unwrap_or(u32::MAX);
        self.shrink_share(user, unused);
        self.spare_canaries(index);
        for activation in activations {
            if self.batches.activation(activation).phase.waits() {
                self.cancel_activation(activation, at_us);
            }
        }
        self.replace_canaries(index);
        if let Some(source) = source {
            self.days
                .ledger
                .take_back_sent(user, date, source, record.given_back);
        }
        self.requests
            .remember(user, record.request.as_ref(), Made::CancelledBatch(index))
    }

    fn cancel_activation(&mut self, activation: u32, at_us: Micros) {
        self.leave_wait(activation);
        self.set_end(activation, Phase::Cancelled { ended_us: at_us });
        self.batches.note_change(activation);
    }

    pub(super) fn apply_activation_cancelled(
        &mut self,
        at_us: Micros,
        record: &ActivationCancelled,
    ) -> Result<(), Why> {
        self.must_be(record.activation, Phase::waits)?;
        self.cancel_activation(record.activation, at_us);
        self.batches.say(record.activation, &record.reason);
        Ok(())
    }

    /// An activation has reached its end. With the last one of its batch, its image may have become idle.
    pub(super) fn set_end(&mut self, activation: u32, phase: Phase) {
        let before = self.batches.activation(activation).phase;
        self.batches.set_phase(activation, phase);
        self.note_canary(activation, (before, phase));
        let batch = self.batches.batch_of(activation);
        if batch.counts.open() == 0 {
            let (user, image_id) = (batch.user, batch.image_id);
            let warn_us = batch.warn_us(self.terms.trt_warn_before_us);
            let batch = self.batches.activation(activation).batch;
            self.deadlines.clear(warn_us, Deadline::WarnTrt { batch });
            self.watch_image(user, image_id);
        }
    }
}

/// What covers a batch. A schedule is in the record; so is what it took of the allowance without being large.
fn source_of(record: &BatchAccepted, large: bool) -> Option<Source> {
    match record.schedule {
        Some(number) => Some(Source::Schedule(number)),
        None => (large || record.small_uses_allowance).then_some(Source::Allowance),
    }
}
