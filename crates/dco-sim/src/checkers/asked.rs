//! No Device is offered an image that was not asked for it.

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
    gateways: BTreeMap<Eui64, Eui64>,
}

impl Asked {
    fn ask(&mut self, request: &Request) {
        match request {
            Request::SubmitBatch(it) if !it.validate_only => {
                let wish = (it.manufacturer_image_hash, it.devices.clone());
                self.wishes.entry((it.user, it.id)).or_insert(wish);
            }
            Request::ImportDevices(it) => {
                let reached = it.devices.iter().map(|it| (it.device, it.gateway));
                self.gateways.extend(reached);
            }
            _ => {}
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

    fn offer(&self, gateway: Eui64, offer: &Offer) -> Result<(), Breach> {
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
        if self.gateways.get(&name.device) != Some(&gateway) {
            return Err(format!(
                "{name:?} is offered to {gateway}, which does not reach it"
            ));
        }
        Ok(())
    }
}

impl Checker for Asked {
    fn promise(&self) -> &'static str {
        "no Device is offered an image that was not asked for it"
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
            Happened::Told {
                gateway,
                message: ToGateway::Offer(offer),
            } => self.offer(*gateway, offer),
            _ => Ok(()),
        }
    }
}

fn request_id(record: &BatchAccepted) -> Option<RequestId> {
    let id = record.request.as_ref()?.id.as_ref();
    Some(RequestId(id.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use dco_block::{Eui64, ManufacturerImageHash};
    use dco_engine::record::{BatchAccepted, Change, RequestKey};
    use dco_engine::{
        AttemptRef, ImportDevices, Offer, Request, RequestId, SubmitBatch, ToGateway,
    };

    use super::Asked;
    use crate::checkers::history::{self, broken, kept};
    use crate::estate::Estate;
    use crate::happened::Happened;

    fn estate() -> Estate {
        Estate::draw(&mut crate::dice::Dice::new(0))
    }

    fn asked(estate: &Estate, devices: &[Eui64]) -> Asked {
        let mut checker = Asked::default();
        let wish = Request::SubmitBatch(SubmitBatch {
            user: Eui64::from_bits(history::USER),
            id: RequestId([1; 16]),
            validate_only: false,
            manufacturer_image_hash: estate.images[0].manifest.manufacturer_image_hash(),
            devices: devices.to_vec(),
            service_date: None,
            signed_request: Bytes::new(),
        });
        kept(&mut checker, &Happened::Asked(&wish));
        let import = Request::ImportDevices(ImportDevices {
            by: estate.operator,
            id: RequestId([2; 16]),
            validate_only: false,
            devices: estate.devices.clone(),
        });
        kept(&mut checker, &Happened::Asked(&import));
        checker
    }

    fn accepted(id: u8, devices: &[Eui64]) -> Change {
        Change::BatchAccepted(BatchAccepted {
            user: history::USER,
            number: 1,
            request: Some(RequestKey {
                id: Bytes::copy_from_slice(&[id; 16]),
                digest: Bytes::new(),
            }),
            devices: devices.iter().map(|it| it.bits()).collect(),
            ..BatchAccepted::default()
        })
    }

    fn offer(estate: &Estate, device: Eui64, image: usize) -> ToGateway {
        let mut attempt: AttemptRef = history::attempt(0, 1);
        attempt.activation.device = device;
        ToGateway::Offer(Offer {
            attempt,
            manifest: Arc::clone(&estate.images[image].manifest),
            answer_by_us: 0,
            read_version_first: false,
        })
    }

    #[test]
    fn only_what_was_asked_is_accepted() {
        let estate = estate();
        let own = [estate.devices[0].device];
        history::keeps(&mut asked(&estate, &own), accepted(1, &own));
        history::breaks(&mut asked(&estate, &own), accepted(3, &own));
        history::breaks(
            &mut asked(&estate, &own),
            accepted(1, &[estate.devices[1].device]),
        );
    }

    #[test]
    fn only_the_batchs_image_goes_to_only_its_devices() {
        let estate = estate();
        let entry = &estate.devices[0];
        let mut checker = asked(&estate, &[entry.device]);
        history::keeps(&mut checker, accepted(1, &[entry.device]));
        let mut told = |gateway, message: &ToGateway, ok| {
            let happened = Happened::Told { gateway, message };
            match ok {
                true => kept(&mut checker, &happened),
                false => broken(&mut checker, &happened),
            }
        };
        let other_device = offer(&estate, estate.devices[1].device, 0);
        told(entry.gateway, &offer(&estate, entry.device, 0), true);
        told(entry.gateway, &offer(&estate, entry.device, 1), false);
        told(entry.gateway, &other_device, false);
        told(Eui64::from_bits(1), &offer(&estate, entry.device, 0), false);
        assert_ne!(
            estate.images[0].manifest.manufacturer_image_hash(),
            ManufacturerImageHash::new([0; 32])
        );
    }
}
