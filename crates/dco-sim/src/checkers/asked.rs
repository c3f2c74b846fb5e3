//! No Device is offered an image that was not asked for it, and none runs one.

use std::collections::BTreeMap;

use dco_block::{Eui64, ManufacturerImageHash};
use dco_engine::record::{BatchAccepted, Change, Record};
use dco_engine::{Offer, Request, RequestId, ToGateway};

use super::{Breach, Checker};
use crate::happened::Happened;

/// What a User asked for: an image, and the Devices in their order.
type Wish = (ManufacturerImageHash, Vec<Eui64>);

/// Holds offers against the Users' own requests.
#[derive(Debug, Default)]
pub(super) struct Asked {
    wishes: BTreeMap<(Eui64, RequestId), Wish>,
    batches: BTreeMap<(Eui64, u64), Wish>,
}

impl Asked {
    fn ask(&mut self, request: &Request) {
        if let Request::SubmitBatch(it) = request
            && !it.validate_only
        {
            let wish = (it.manufacturer_image_hash, it.devices.clone());
            self.wishes.entry((it.user, it.id)).or_insert(wish);
        }
    }

    fn accept(&mut self, record: &BatchAccepted) -> Result<(), Breach> {
        let user = Eui64::from_bits(record.user);
        let wish = request_id(record).and_then(|id| self.wishes.get(&(user, id)));
        let accepted = record.devices.iter().copied().map(Eui64::from_bits);
        match wish {
            Some(wish) if accepted.eq(wish.1.iter().copied()) => {
                self.batches.insert((user, record.number), wish.clone());
                Ok(())
            }
            Some(_) => Err(format!(
                "batch {} of {user} has other Devices than were asked for",
                record.number
            )),
            None => Err(format!(
                "nobody asked for batch {} of {user}",
                record.number
            )),
        }
    }

    /// A Device may only begin to run what some batch of it is for.
    fn activate(&self, device: Eui64, hash: ManufacturerImageHash) -> Result<(), Breach> {
        let mut batches = self.batches.values();
        if batches.any(|(of, devices)| *of == hash && devices.contains(&device)) {
            return Ok(());
        }
        Err(format!(
            "Device {device} runs {hash}, which nobody asked for"
        ))
    }

    fn offer(&self, offer: &Offer) -> Result<(), Breach> {
        let name = offer.attempt.activation;
        let Some((hash, devices)) = self.batches.get(&(name.user, name.batch)) else {
            return Err(format!("{name:?} is offered, there is no such batch"));
        };
        if !devices.contains(&name.device) {
            return Err(format!(
                "{name:?} is offered, the Device is not in the batch"
            ));
        }
        if *hash != offer.manifest.manufacturer_image_hash() {
            return Err(format!(
                "{name:?} is offered another image than the batch's"
            ));
        }
        Ok(())
    }
}

impl Checker for Asked {
    fn promise(&self) -> &'static str {
        "no Device is offered or runs an image that was not asked for it"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Asked(request) => {
                self.ask(request);
                Ok(())
            }
            Happened::Recorded {
                record:
                    Record {
                        change: Some(Change::BatchAccepted(it)),
                        ..
                    },
                ..
            } => self.accept(it),
            Happened::Activated { device, hash } => self.activate(*device, *hash),
            Happened::Told {
                message: ToGateway::Offer(offer),
                ..
            } => self.offer(offer),
            _ => Ok(()),
        }
    }
}

fn request_id(record: &BatchAccepted) -> Option<RequestId> {
    let id = record.request.as_ref()?.id.as_ref();
    Some(RequestId(id.try_into().ok()?))
}

#[cfg(test)]
mod tests;
