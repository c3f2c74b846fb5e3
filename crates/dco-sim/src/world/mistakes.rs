//! What Users and gateways do that they must not: it is refused or passed over, and changes nothing.

use dco_block::Eui64;
use dco_engine::{AttemptRef, Outcome, Report, Request, SubmitBatch};

use super::{Named, World};
use crate::call::Caller;
use crate::user::request_id;

impl World {
    /// A User asks for what is not its own, for nothing, twice for one Device, or only to see.
    pub(super) fn make_mistake(&mut self, user: Eui64) {
        let image = &self.estate.images[self.dice.index(self.estate.images.len())];
        let manufacturer_image_hash = image.manifest.manufacturer_image_hash();
        let mut devices = self.dice.some(&self.estate.devices_of(user));
        let kind = self.dice.below(4);
        match kind {
            0 => devices.push(self.any_device()),
            1 => devices.push(devices[0]),
            2 => devices.clear(),
            _ => {}
        }
        let request = Request::SubmitBatch(SubmitBatch {
            user,
            id: request_id(&mut self.dice),
            validate_only: kind > 2,
            manufacturer_image_hash,
            devices,
            service_date: None,
            signed_request: bytes::Bytes::new(),
        });
        self.request_arrives(Caller::Auditor, request);
        self.claim_success();
    }

    fn any_device(&mut self) -> Eui64 {
        let at = self.dice.index(self.estate.devices.len());
        self.estate.devices[at].device
    }

    /// A gateway claims success for a Device that another one reaches.
    fn claim_success(&mut self) {
        let device = self.any_device();
        let gateway = self.dice.index(self.gateways.len());
        let entry = self.estate.devices.iter().find(|it| it.device == device);
        let Some(entry) = entry.filter(|it| it.gateway != self.gateways[gateway].eui) else {
            return;
        };
        let newest = self.named.iter().rev().find_map(|named| match named {
            Named::Batch(user, number) if *user == entry.user => Some(*number),
            _ => None,
        });
        let Some(batch) = newest else { return };
        let attempt = AttemptRef {
            activation: dco_engine::ActivationName {
                user: entry.user,
                batch,
                device,
            },
            attempt: 1,
        };
        let end = self.meters[&device].end(Outcome::Success, false);
        self.report(gateway, attempt, Report::Ended(end));
    }
}
