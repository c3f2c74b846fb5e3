//! The inventory's import.

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::ImportDevices;
use crate::record::{Change, DevicesImported};
use crate::refusal::Refusal;
use crate::state::inventory;
use crate::state::requests::{self, Asked, Made};

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
        if asked.validate_only {
            return Ok(Reply::Imported(count));
        }
        let (models, devices) = inventory::to_record(&asked.devices);
        self.record(Change::DevicesImported(DevicesImported {
            by: asked.by.bits(),
            request: requests::key(asked.id, &digest),
            models,
            devices,
        }));
        Ok(Reply::Imported(count))
    }
}
