//! The inventory's import.

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::ImportDevices;
use crate::read::as_usize;
use crate::record::{ActivationCancelled, Change, DevicesImported};
use crate::refusal::Refusal;
use crate::state::inventory;
use crate::state::requests::{self, Asked, Made};

/// Devices in one import: more than there are SMETS1 Devices with large images. All of them are one record.
pub const IMPORT_DEVICES_MAX: u32 = 700_000;
/// Device Models in one import.
const IMPORT_MODELS_MAX: u32 = 10_000;

/// What a Device takes in the record at most: three EUI-64s, an index, two versions, and their tags.
const DEVICE_RECORD_BYTES_MAX: u32 = 3 * 9 + 4 + 4 + 6 + 2;
/// What a Device Model takes: two texts of 30 characters of up to four octets, and their tags.
const MODEL_RECORD_BYTES_MAX: u32 = 2 * (30 * 4 + 2) + 3;

// The journal takes records of up to 32 MiB; the request's key takes less than 1 KiB of one.
const _: () = assert!(
    IMPORT_DEVICES_MAX * DEVICE_RECORD_BYTES_MAX + IMPORT_MODELS_MAX * MODEL_RECORD_BYTES_MAX
        < 32 * 1024 * 1024 - 1024
);

impl Engine {
    pub(crate) fn import_devices(&mut self, asked: ImportDevices) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        if let Some(Made::Imported(count)) = self.requests.find(asked.by, asked.id, &digest)? {
            return Ok(Reply::Imported(count));
        }
        if asked.devices.is_empty() {
            return Err(Refusal::BatchEmpty);
        }
        let mut named: Vec<_> = asked.devices.iter().map(|entry| entry.device).collect();
        super::batches::refuse_duplicates(&mut named)?;
        let count = u32::try_from(asked.devices.len()).unwrap_or(u32::MAX);
        if asked.devices.len() > as_usize(IMPORT_DEVICES_MAX) {
            return Err(Refusal::TooManyDevices {
                given: asked.devices.len(),
                limit: IMPORT_DEVICES_MAX,
            });
        }
        let (models, devices) = inventory::to_record(&asked.devices);
        if models.len() > as_usize(IMPORT_MODELS_MAX) {
            return Err(Refusal::TooManyModels {
                given: models.len(),
                limit: IMPORT_MODELS_MAX,
            });
        }
        if asked.validate_only {
            return Ok(Reply::Imported(count));
        }
        self.record(Change::DevicesImported(DevicesImported {
            by: asked.by.bits(),
            request: requests::key(asked.id, &digest),
            models,
            devices,
            ticket: asked.why.ticket,
            reason: asked.why.reason,
        }));
        let busy = named.iter().filter_map(|it| self.busy(*it));
        for activation in busy.collect::<Vec<_>>() {
            self.cancel_if_lost(activation);
        }
        Ok(Reply::Imported(count))
    }

    /// What waits for a Device that is another User's now is cancelled there and then: left to its turn, it would
    /// keep the Device busy for its new User, who may not know why.
    pub(crate) fn cancel_if_lost(&mut self, activation: u32) {
        if self.is_lost(activation) && self.batches.activation(activation).phase.waits() {
            self.cancel_lost(activation);
        }
    }

    /// Whether its Device is not registered to its User any more.
    pub(crate) fn is_lost(&self, activation: u32) -> bool {
        let device = self.batches.activation(activation).device;
        let user = self.batches.batch_of(activation).user;
        let known = self.inventory.known(device);
        known.is_none_or(|known| known.user != user)
    }

    pub(crate) fn cancel_lost(&mut self, activation: u32) {
        self.record(Change::ActivationCancelled(ActivationCancelled {
            activation,
            reason: "the Device is not registered to this User any more".to_owned(),
            id: Some(self.activation_id(activation)),
        }));
        let batch = self.batches.activation(activation).batch;
        self.end_stop_of(batch);
        self.batch_changed(batch);
    }

    /// A journal may end between an import, or the end of an attempt, and what follows of it for a lost Device.
    pub(crate) fn cancel_all_lost(&mut self) {
        let lost: Vec<u32> = self.batches.lost.iter().copied().collect();
        for activation in lost {
            self.cancel_if_lost(activation);
        }
    }
}
