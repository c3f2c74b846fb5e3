//! The one way in which state changes: live as the decision is made, at start-up for each record read back.

use std::collections::BTreeMap;

use dco_block::{Eui64, FirmwareVersion, ImageId, ManufacturerImageHash};
use dco_dispatch::Entry;
use dco_schedule::{Micros, ServiceDate};

use crate::engine::{Engine, Queue, Seq};
use crate::outcome::Outcome;
use crate::record::{
    ActivationCancelled, AttemptEnded, BatchAccepted, BatchCancelled, Change, DayOpened,
    DevicesImported, GatewaySeen, Record, Released, TransferEnded, TransferOpened, TransferRef,
};
use crate::state::batches::{Batch, Phase, Reading};
use crate::state::gateways::Attempt;
use crate::state::requests::Made;
use crate::state::timers::{Deadline, Wake};
use crate::view::{ActivationCounts, Prediction, Stage};

/// Why a record cannot be applied.
type Why = &'static str;

impl Engine {
    pub(crate) fn apply(&mut self, seq: Seq, record: &Record) -> Result<(), Why> {
        let at_us = record.at_us;
        self.recorded_us = self.recorded_us.max(at_us);
        match record
            .change
            .as_ref()
            .ok_or("it says nothing that this program knows")?
        {
            Change::DayOpened(it) => self.apply_day_opened(it),
            Change::DevicesImported(it) => {
                self.apply_devices_imported(it);
                Ok(())
            }
            Change::TransferOpened(it) => self.apply_transfer_opened(seq, at_us, it),
            Change::TransferWarned(it) => {
                self.apply_transfer_warned(at_us, it);
                Ok(())
            }
            Change::TransferEnded(it) => {
                self.apply_transfer_ended(at_us, it);
                Ok(())
            }
            Change::BatchAccepted(it) => self.apply_batch_accepted(at_us, it),
            Change::BatchCancelled(it) => self.apply_batch_cancelled(at_us, it),
            Change::Released(it) => self.apply_released(at_us, it),
            Change::AttemptEnded(it) => self.apply_attempt_ended(at_us, it),
            Change::ActivationCancelled(it) => self.apply_activation_cancelled(at_us, it),
            Change::GatewaySeen(it) => {
                self.apply_gateway_seen(it);
                Ok(())
            }
        }
    }

    /// What time does by itself. In replay it is asked before each record, live before each event, so that
    /// both see the same order.
    pub(crate) fn pass_time(&mut self) {
        while let Some((_, wake)) = self.wakes.pop_due(self.now_us) {
            match wake {
                Wake::Unpark { batch } => self.unpark(batch),
                Wake::Requeue { activation } => self.requeue(activation),
            }
        }
    }

    fn unpark(&mut self, batch: u32) {
        for activation in self.batches.get(batch).activations() {
            if self.batches.activation(activation).phase == Phase::Parked {
                self.enqueue(activation);
            }
        }
    }

    fn requeue(&mut self, activation: u32) {
        let phase = self.batches.activation(activation).phase;
        if matches!(phase, Phase::RetryWait { until_us } if until_us <= self.now_us) {
            self.enqueue(activation);
        }
    }

    /// Puts an activation into its line, at its gateway as the inventory has it now.
    pub(crate) fn enqueue(&mut self, activation: u32) {
        let item = self.batches.activation(activation);
        let batch = self.batches.get(item.batch);
        let entry = Entry {
            user: batch.user,
            lane: self.gateway_of(item.device),
            due_us: batch.due_us,
            order: u64::from(activation),
            key: activation,
        };
        let slot = if batch.large {
            self.large.push(entry)
        } else {
            self.small.push(entry)
        };
        self.batches
            .set_phase(activation, Phase::Queued(Some(slot)));
    }

    /// A Device that has left the inventory waits at a gateway that never connects.
    fn gateway_of(&self, device: Eui64) -> Eui64 {
        self.inventory
            .get(device)
            .map_or(Eui64::from_bits(0), |known| known.gateway)
    }

    fn line_of(&mut self, large: bool) -> &mut Queue {
        if large {
            &mut self.large
        } else {
            &mut self.small
        }
    }

    /// Out of the line, if it is in one.
    fn dequeue(&mut self, activation: u32) {
        let large = self.batches.batch_of(activation).large;
        if let Phase::Queued(Some(slot)) = self.batches.activation(activation).phase {
            self.line_of(large).remove(slot);
        }
    }

    fn apply_day_opened(&mut self, record: &DayOpened) -> Result<(), Why> {
        let carried: BTreeMap<Eui64, u32> = self
            .large
            .users()
            .map(|user| {
                (
                    user,
                    u32::try_from(self.large.len_of(user)).unwrap_or(u32::MAX),
                )
            })
            .collect();
        for (user, weight) in &carried {
            self.large.set_weight(*user, *weight);
        }
        self.days
            .open(record, carried)
            .ok_or("it opens no service day")
    }

    fn apply_devices_imported(&mut self, record: &DevicesImported) {
        self.inventory.apply(record);
        let count = u32::try_from(record.devices.len()).unwrap_or(u32::MAX);
        let by = Eui64::from_bits(record.by);
        self.requests
            .remember(by, record.request.as_ref(), Made::Imported(count));
    }

    fn apply_transfer_opened(
        &mut self,
        seq: Seq,
        at_us: Micros,
        record: &TransferOpened,
    ) -> Result<(), Why> {
        self.transfers
            .opened(seq, at_us, record)
            .ok_or("its manifest is not valid")?;
        self.deadlines
            .set(record.warn_us, Deadline::WarnTransfer { owner: seq });
        self.deadlines
            .set(record.expire_us, Deadline::ExpireTransfer { owner: seq });
        let user = Eui64::from_bits(record.user);
        self.requests
            .remember(user, record.request.as_ref(), Made::Transfer(seq));
        Ok(())
    }

    fn apply_transfer_warned(&mut self, at_us: Micros, record: &TransferRef) {
        self.transfers.warned(record.owner, at_us);
    }

    fn apply_transfer_ended(&mut self, at_us: Micros, record: &TransferEnded) {
        self.transfers.ended(at_us, record);
        let Some(transfer) = self.transfers.get(record.owner) else {
            return;
        };
        let owner = record.owner;
        self.deadlines
            .clear(transfer.warn_us, Deadline::WarnTransfer { owner });
        self.deadlines
            .clear(transfer.expire_us, Deadline::ExpireTransfer { owner });
        let user = transfer.user;
        self.requests
            .remember(user, record.request.as_ref(), Made::Transfer(owner));
    }

    fn apply_batch_accepted(&mut self, at_us: Micros, record: &BatchAccepted) -> Result<(), Why> {
        let user = Eui64::from_bits(record.user);
        let image_id: [u8; 32] = record
            .image_id
            .as_ref()
            .try_into()
            .map_err(|_| "its image id is not 32 octets")?;
        let image_id = ImageId::new(image_id);
        let manifest = &self
            .transfers
            .image(user, image_id)
            .ok_or("its image is not stored")?
            .manifest;
        let len = u32::try_from(record.devices.len()).map_err(|_| "it has too many Devices")?;
        let index = self.batches.next_batch();
        let batch = Batch {
            user,
            number: record.number,
            image_id,
            manufacturer_image_hash: manifest.manufacturer_image_hash(),
            large: manifest.is_large(),
            service_date: ServiceDate::from_days(record.service_date),
            day_start_us: record.day_start_us,
            created_us: at_us,
            trt_start_us: record.trt_start_us,
            due_us: record.due_us,
            first_prediction: Prediction {
                release_us: record.predicted_release_us,
                completion_us: record.predicted_completion_us,
            },
            signed_request: record.signed_request.clone(),
            cancelled: false,
            first: self.batches.next_activation(),
            len,
            counts: ActivationCounts {
                parked: len,
                ..ActivationCounts::default()
            },
            changes: Vec::new(),
        };
        self.count_sent(&batch, at_us);
        self.requests
            .remember(user, record.request.as_ref(), Made::Batch(index));
        self.batches
            .add(batch, record.devices.iter().copied().map(Eui64::from_bits));
        if record.day_start_us <= at_us {
            self.unpark(index);
        } else {
            self.wakes
                .set(record.day_start_us, Wake::Unpark { batch: index });
        }
        for activation in self.batches.get(index).activations() {
            self.batches.note_change(activation);
        }
        Ok(())
    }

    /// What is sent counts against the allowance of its day, and is its User's share of it.
    fn count_sent(&mut self, batch: &Batch, at_us: Micros) {
        if !batch.large {
            return;
        }
        self.days
            .ledger
            .add_sent(batch.user, batch.service_date, batch.len);
        if batch.day_start_us <= at_us
            && let Some(weight) = self.days.add_weight(batch.user, batch.len)
        {
            self.large.set_weight(batch.user, weight);
        }
    }

    fn apply_batch_cancelled(&mut self, at_us: Micros, record: &BatchCancelled) -> Result<(), Why> {
        let user = Eui64::from_bits(record.user);
        let (index, batch) = self
            .batches
            .find(user, record.number)
            .ok_or("there is no such batch")?;
        let (date, activations) = (batch.service_date, batch.activations());
        self.batches.cancel(index);
        for activation in activations {
            match self.batches.activation(activation).phase {
                Phase::Parked | Phase::Queued(_) | Phase::RetryWait { .. } => {
                    self.cancel_activation(activation, at_us);
                }
                Phase::Released | Phase::Succeeded | Phase::Failed | Phase::Cancelled => {}
            }
        }
        if record.given_back > 0 {
            self.days
                .ledger
                .take_back_sent(user, date, record.given_back);
        }
        self.requests
            .remember(user, record.request.as_ref(), Made::CancelledBatch(index));
        Ok(())
    }

    fn cancel_activation(&mut self, activation: u32, at_us: Micros) {
        self.dequeue(activation);
        self.batches.activation_mut(activation).ended_us = Some(at_us);
        self.batches.set_phase(activation, Phase::Cancelled);
        self.batches.note_change(activation);
    }

    fn apply_activation_cancelled(
        &mut self,
        at_us: Micros,
        record: &ActivationCancelled,
    ) -> Result<(), Why> {
        self.must_have(record.activation)?;
        self.cancel_activation(record.activation, at_us);
        Ok(())
    }

    fn apply_released(&mut self, at_us: Micros, record: &Released) -> Result<(), Why> {
        let activation = record.activation;
        self.must_have(activation)?;
        self.dequeue(activation);
        let batch = self.batches.batch_of(activation);
        let (user, image) = (batch.user, (batch.user, batch.image_id));
        let charged = record.charged_date.map(ServiceDate::from_days);
        if let Some(date) = charged {
            self.days
                .charge(date, user, at_us)
                .ok_or("no unit is left on its service day")?;
        }
        let item = self.batches.activation_mut(activation);
        item.attempt = u16::try_from(record.attempt).map_err(|_| "its attempt is out of range")?;
        item.released_us = Some(at_us);
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
                charged,
                read_version_first: record.read_version_first,
                stage: Stage::Offered,
                released_us: at_us,
                answer_by_us: record.answer_by_us,
                progress_us: at_us,
                look_us: Some(look_us),
            },
        );
        Ok(())
    }

    fn apply_attempt_ended(&mut self, at_us: Micros, record: &AttemptEnded) -> Result<(), Why> {
        let activation = record.activation;
        self.must_have(activation)?;
        let attempt = self
            .gateways
            .end(activation)
            .ok_or("no attempt of it is under way")?;
        let outcome = Outcome::from_number(record.outcome).ok_or("its outcome is not known")?;
        self.deadlines.clear(
            attempt.answer_by_us,
            Deadline::AttemptTimeout { activation },
        );
        if let Some(look_us) = attempt.look_us {
            self.deadlines
                .clear(look_us, Deadline::NoProgress { activation });
        }
        let user = self.batches.batch_of(activation).user;
        if let Some(date) = record.refunded_date {
            self.days.ledger.refund(ServiceDate::from_days(date), user);
        }
        self.note_reading(activation, record);
        let phase = match (outcome.is_success(), record.retry_us) {
            (true, _) => Phase::Succeeded,
            (false, Some(until_us)) => Phase::RetryWait { until_us },
            (false, None) => Phase::Failed,
        };
        let item = self.batches.activation_mut(activation);
        item.outcome = Some(outcome);
        item.fate_unknown |= outcome.is_unknown();
        match phase {
            Phase::RetryWait { until_us } => self.wakes.set(until_us, Wake::Requeue { activation }),
            _ => item.ended_us = Some(at_us),
        }
        if outcome == Outcome::Success {
            let took_us = at_us.saturating_sub(attempt.released_us);
            self.delivered = (
                self.delivered.0 + 1,
                self.delivered.1.saturating_add(took_us),
            );
        }
        self.batches.set_phase(activation, phase);
        self.batches.note_change(activation);
        self.large.wake_lane(attempt.gateway);
        self.small.wake_lane(attempt.gateway);
        Ok(())
    }

    fn note_reading(&mut self, activation: u32, record: &AttemptEnded) {
        let hash: Result<[u8; 32], _> = record.device_image_hash.as_ref().try_into();
        let reading = Reading {
            running_version: record.running_version.map(FirmwareVersion::new),
            device_image_hash: hash.ok().map(ManufacturerImageHash::new),
        };
        if let Some(version) = reading.running_version {
            let device = self.batches.activation(activation).device;
            self.inventory.runs(device, version);
        }
        self.batches.read(activation, reading);
    }

    fn apply_gateway_seen(&mut self, record: &GatewaySeen) {
        let gateway = self.gateways.entry(Eui64::from_bits(record.gateway));
        gateway.memory_id.clone_from(&record.memory_id);
    }

    fn must_have(&self, activation: u32) -> Result<(), Why> {
        if self.batches.has_activation(activation) {
            Ok(())
        } else {
            Err("it names an activation that does not exist")
        }
    }
}
