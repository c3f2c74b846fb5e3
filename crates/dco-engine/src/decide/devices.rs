//! The inventory's import.

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::ImportDevices;
use crate::read::as_usize;
use crate::record::{Change, DevicesImported};
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
        }));
        Ok(Reply::Imported(count))
    }
}
