//! What Users and gateways do that they must not: it is refused or passed over, and changes nothing.

use dco_block::Eui64;
use dco_engine::{Outcome, Report, Request, SubmitBatch};

use super::World;
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
            execute_us: None,
            canary: None,
            service_date: None,
            signed_request: bytes::Bytes::new(),
            originator_counter: None,
        });
        self.request_arrives(Caller::Auditor, request);
        self.claim_success();
    }

    fn any_device(&mut self) -> Eui64 {
        let at = self.dice.index(self.estate.devices.len());
        self.estate.devices[at].device
    }

    /// A gateway claims that an attempt has ended which another one has in hand.
    fn claim_success(&mut self) {
        let claimant = self.dice.index(self.gateways.len());
        let others = self.gateways.iter().zip(0..);
        let others = others.filter(|(_, nth)| *nth != claimant);
        let in_hand: Vec<_> = others
            .flat_map(|(gateway, _)| gateway.in_hand.values())
            .map(|work| work.offer.clone())
            .collect();
        if in_hand.is_empty() {
            return;
        }
        let offer = &in_hand[self.dice.index(in_hand.len())];
        let mut meter = self.meters[&offer.attempt.activation.device];
        meter.activate(offer);
        let end = meter.end(Outcome::Success, false);
        self.report(claimant, offer.attempt, Report::Ended(end));
    }
}
