//! SRV 11.3: admission of a batch, all or nothing, and its cancellation.

use std::num::NonZeroU32;

use bytes::Bytes;
use dco_block::limits::DEVICES_MAX;
use dco_block::{Eui64, ImageId};
use dco_schedule::{Micros, ServiceDate, ServiceDay, Source};

use super::cover::Cover;
use super::thresholds::Added;
use crate::effect::{Reply, ToGateway};
use crate::engine::Engine;
use crate::event::{Cancel, SubmitBatch};
use crate::read::forecast::NewBatch;
use crate::record::{BatchAccepted, BatchCancelled, Change, Counted};
use crate::refusal::Refusal;
use crate::state::batches::{Batch, Phase};
use crate::state::counts::request_bytes;
use crate::state::images::Image;
use crate::state::requests::{self, Asked, Made};
use crate::view::{ActivationCounts, BatchView, Prediction};

/// What admission has found out.
struct Admitted {
    image_id: ImageId,
    large: bool,
    day: ServiceDay,
    source: Option<Source>,
}

impl Engine {
    pub(crate) fn submit_batch(&mut self, asked: SubmitBatch) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        if let Some(made) = self.requests.find(asked.user, asked.id, &digest)? {
            return self.batch_made(made);
        }
        self.refuse_counter(asked.user, asked.originator_counter)?;
        let admitted = self.admit(&asked)?;
        let device_count = u32::try_from(asked.devices.len()).unwrap_or(u32::MAX);
        let bytes = request_bytes(asked.signed_request.len(), asked.devices.len());
        let period_start_us = self.within_thresholds(Added {
            user: asked.user,
            counts: &[
                (Counted::Activations, device_count),
                (Counted::RequestBytes, bytes),
            ],
            validate_only: asked.validate_only,
        })?;
        let record = BatchAccepted {
            period_start_us: Some(period_start_us),
            ..self.accepted_record(&asked, &digest, &admitted)
        };
        if asked.validate_only {
            return Ok(Reply::Batch(preview(
                &asked,
                &record,
                &admitted,
                self.now_us,
            )));
        }
        let batch = self.batches.next_batch();
        self.record(Change::BatchAccepted(record));
        self.batch_changed(batch);
        self.batch_made(Made::Batch(batch))
    }

    fn batch_made(&self, made: Made) -> Result<Reply, Refusal> {
        match made {
            Made::Batch(batch) => Ok(Reply::Batch(as_accepted(self.batches.get(batch)))),
            Made::CancelledBatch(batch) => Ok(Reply::Batch(self.batch_view(batch))),
            _ => Err(Refusal::RequestIdReused),
        }
    }

    /// The rules of admission, in the order in which they are told.
    fn admit(&self, asked: &SubmitBatch) -> Result<Admitted, Refusal> {
        super::transfers::refuse_signed_request(&asked.signed_request)?;
        refuse_list(&asked.devices)?;
        let all_own = asked
            .devices
            .iter()
            .all(|device| self.inventory.of_user(*device, asked.user).is_some());
        if !all_own {
            return Err(Refusal::NotPermitted);
        }
        let image =
            self.stored_image(asked.user, asked.manufacturer_image_hash, asked.devices[0])?;
        if self.transfers.damage(image.manifest.image_id()).is_some() {
            return Err(self.image_quarantined(image));
        }
        let not_for = asked
            .devices
            .iter()
            .filter(|device| !image.devices.contains(device));
        if let Some((first, count)) = first_and_count(not_for) {
            return Err(Refusal::ImageNotStoredForDevice { first, count });
        }
        let busy = asked
            .devices
            .iter()
            .filter(|device| self.busy(**device).is_some());
        if let Some((first, count)) = first_and_count(busy) {
            return Err(Refusal::DeviceBusy { first, count });
        }
        self.refuse_distrusted(&image.manifest, &asked.devices)?;
        let day = self.day_sent_for(asked.service_date)?;
        self.refuse_execution_time(asked.execute_us, &day)?;
        let large = image.manifest.is_large();
        let source = self.source_of(asked, &day, large)?;
        self.refuse_canary(asked, source)?;
        Ok(Admitted {
            image_id: image.manifest.image_id(),
            large,
            day,
            source,
        })
    }

    fn image_quarantined(&self, image: &Image) -> Refusal {
        let transfer = self.transfers.get(image.owner);
        Refusal::ImageQuarantined {
            transfer: transfer.map_or(0, |transfer| transfer.number),
        }
    }

    fn day_sent_for(&self, date: Option<ServiceDate>) -> Result<ServiceDay, Refusal> {
        let today = self.days.day_at(self.now_us);
        let Some(date) = date else { return Ok(today) };
        let latest = ServiceDate::from_days(
            today
                .date
                .days()
                .saturating_add(i32::from(self.terms.days_ahead_max)),
        );
        if date < today.date || date > latest {
            return Err(Refusal::ServiceDateInvalid {
                date,
                earliest: today.date,
                latest,
            });
        }
        Ok(if date == today.date {
            today
        } else {
            self.days.calendar.day(date)
        })
    }

    /// An execution time is one to come, not before the day that the batch is sent for, and not after the last day that one
    /// may be sent for.
    fn refuse_execution_time(
        &self,
        execute_us: Option<Micros>,
        day: &ServiceDay,
    ) -> Result<(), Refusal> {
        let Some(execute_us) = execute_us else {
            return Ok(());
        };
        let today = self.days.day_at(self.now_us).date.days();
        let last = today.saturating_add(i32::from(self.terms.days_ahead_max));
        let latest_us = self.days.calendar.day(ServiceDate::from_days(last)).end_us;
        let earliest_us = day.start_us.max(self.now_us);
        if execute_us > earliest_us && execute_us <= latest_us {
            return Ok(());
        }
        Err(Refusal::ExecutionTimeInvalid {
            execute_us,
            earliest_us,
            latest_us,
        })
    }

    fn accepted_record(
        &self,
        asked: &SubmitBatch,
        digest: &[u8; 32],
        admitted: &Admitted,
    ) -> BatchAccepted {
        let day = admitted.day;
        let Cover {
            limit,
            window,
            canary,
            run_ahead,
            security,
        } = self.cover(asked.user, day.date, admitted.source);
        let opens_us = window.map_or(day.start_us, |window| self.days.window_on(window, &day).0);
        let trt_start_us = self.now_us.max(opens_us);
        let due_us = self.due_of(trt_start_us, asked.execute_us);
        let schedule = admitted.source.and_then(Source::schedule);
        let predicted = self.predict_new(&NewBatch {
            is_stopped: self.dispatch.stops_new(
                asked.user,
                asked.manufacturer_image_hash,
                schedule,
            ),
            user: asked.user,
            count: u32::try_from(asked.devices.len()).unwrap_or(u32::MAX),
            large: admitted.large,
            day,
            window,
            run_ahead,
            due_us,
            execute_us: asked.execute_us,
        });
        let (predicted_release_us, predicted_completion_us) = Prediction::kept(predicted);
        BatchAccepted {
            canary,
            own_canary: asked.canary.map_or(0, NonZeroU32::get),
            run_ahead,
            security,
            user: asked.user.bits(),
            number: self.batches.next_number(asked.user),
            request: requests::key(asked.id, digest),
            image_id: Bytes::copy_from_slice(admitted.image_id.as_bytes()),
            devices: asked.devices.iter().map(|device| device.bits()).collect(),
            service_date: day.date.days(),
            day_start_us: day.start_us,
            trt_start_us,
            due_us,
            predicted_release_us,
            predicted_completion_us,
            signed_request: asked.signed_request.clone(),
            originator_counter: asked.originator_counter,
            period_start_us: None,
            schedule,
            small_uses_allowance: !admitted.large && admitted.source.is_some(),
            limit,
            window_from: window.map(|window| window.hours().0.into()),
            window_to: window.map(|window| window.hours().1.into()),
            execute_us: asked.execute_us,
        }
    }

    /// The TRT; where the User itself has named a later time, what an attempt may take from then on.
    fn due_of(&self, trt_start_us: Micros, execute_us: Option<Micros>) -> Micros {
        let due_us = trt_start_us.saturating_add(self.terms.trt_us);
        let answer_within_us = self.terms.attempt.answer_within_us;
        let dated_us = execute_us.map(|at_us| at_us.saturating_add(answer_within_us));
        due_us.max(dated_us.unwrap_or(due_us))
    }

    pub(crate) fn cancel_batch(&mut self, asked: Cancel) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        if let Some(made) = self.requests.find(asked.user, asked.id, &digest)? {
            return self.batch_made(made);
        }
        let (index, batch) = self
            .batches
            .find(asked.user, asked.number)
            .ok_or(Refusal::NotFound { kind: "batch" })?;
        // What changes nothing is neither put on record nor remembered: asked again it is answered alike.
        let changes_nothing = batch.cancelled || batch.counts.open() == 0;
        if asked.validate_only || changes_nothing {
            return Ok(Reply::Batch(self.batch_view(index)));
        }
        let record = BatchCancelled {
            user: asked.user.bits(),
            number: asked.number,
            request: requests::key(asked.id, &digest),
            given_back: self.given_back(batch),
        };
        self.record(Change::BatchCancelled(record));
        self.end_stop_of(index);
        self.batch_changed(index);
        self.call_back(index);
        Ok(Reply::Batch(self.batch_view(index)))
    }

    /// What is under way of a dated batch is asked back from the gateways that are connected; the others are asked when they
    /// come.
    fn call_back(&mut self, batch: u32) {
        let batch = self.batches.get(batch);
        if batch.execute_us.is_none() {
            return;
        }
        for activation in batch.activations() {
            let attempt = self.gateways.attempt(activation);
            if let Some(session) = attempt.and_then(|it| self.gateways.session(it.gateway)) {
                self.tell(session, ToGateway::Cancel(self.attempt_ref(activation)));
            }
        }
    }

    /// What a cancellation now gives back to what covers the batch: activations never released, while the day they were
    /// sent for is not over.
    fn given_back(&self, batch: &Batch) -> u32 {
        let today = self.days.day_at(self.now_us).date;
        if batch.source.is_none() || today > batch.service_date {
            return 0;
        }
        let never_released = batch.activations().filter(|activation| {
            let item = self.batches.activation(*activation);
            item.attempt == 0 && matches!(item.phase, Phase::Parked | Phase::Queued(_))
        });
        u32::try_from(never_released.count()).unwrap_or(u32::MAX)
    }
}

/// A list of Devices must have one, at most [`DEVICES_MAX`], and each once.
pub(super) fn refuse_list(devices: &[Eui64]) -> Result<(), Refusal> {
    if devices.is_empty() {
        return Err(Refusal::BatchEmpty);
    }
    if u32::try_from(devices.len()).map_or(true, |given| given > DEVICES_MAX) {
        return Err(Refusal::TooManyDevices {
            given: devices.len(),
            limit: DEVICES_MAX,
        });
    }
    refuse_duplicates(&mut devices.to_vec())
}

/// The list is sorted to find them.
pub(super) fn refuse_duplicates(devices: &mut [Eui64]) -> Result<(), Refusal> {
    devices.sort_unstable();
    match devices.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Refusal::DeviceDuplicate { device: pair[0] }),
    }
}

fn first_and_count<'a>(mut devices: impl Iterator<Item = &'a Eui64>) -> Option<(Eui64, usize)> {
    let first = *devices.next()?;
    Some((first, devices.count() + 1))
}

/// The answer to the request that made it, the same whenever it is asked again.
fn as_accepted(batch: &Batch) -> BatchView {
    BatchView {
        canary: None,
        predicted: batch.first_prediction,
        counts: counts_at_first(batch.len, batch.day_start_us > batch.created_us),
        signed_request: batch.signed_request.clone(),
        ..crate::read::row(batch)
    }
}

fn preview(
    asked: &SubmitBatch,
    record: &BatchAccepted,
    admitted: &Admitted,
    now_us: Micros,
) -> BatchView {
    let len = u32::try_from(asked.devices.len()).unwrap_or(u32::MAX);
    BatchView {
        canary: None,
        user: asked.user,
        number: None,
        manufacturer_image_hash: asked.manufacturer_image_hash,
        image_id: admitted.image_id,
        large: admitted.large,
        service_date: admitted.day.date,
        source: admitted.source,
        created_us: now_us,
        trt_start_us: record.trt_start_us,
        due_us: record.due_us,
        predicted: Prediction::of_kept((
            record.predicted_release_us,
            record.predicted_completion_us,
        )),
        execute_us: record.execute_us,
        may_have_image_count: 0,
        counts: counts_at_first(len, admitted.day.start_us > now_us),
        signed_request: asked.signed_request.clone(),
    }
}

fn counts_at_first(len: u32, parked: bool) -> ActivationCounts {
    if parked {
        ActivationCounts {
            parked: len,
            ..ActivationCounts::default()
        }
    } else {
        ActivationCounts {
            queued: len,
            ..ActivationCounts::default()
        }
    }
}
