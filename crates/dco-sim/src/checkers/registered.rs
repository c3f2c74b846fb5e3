//! No Device is reached against the inventory: only its User's batches, only over its gateway.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_engine::record::{BatchAccepted, Change, DevicesImported, Released};
use dco_engine::{AttemptRef, Offer, ToGateway};

use super::activations::Activations;
use super::{Breach, Checker};
use crate::happened::Happened;

/// The User and the gateway of each Device, and where each attempt has gone.
#[derive(Debug, Default)]
pub(super) struct Registered {
    devices: BTreeMap<u64, (u64, u64)>,
    released_to: BTreeMap<AttemptRef, Eui64>,
    activations: Activations,
}

impl Registered {
    fn import(&mut self, record: &DevicesImported) {
        let devices = record.devices.iter();
        self.devices
            .extend(devices.map(|it| (it.device, (it.user, it.gateway))));
    }

    fn accept(&self, record: &BatchAccepted) -> Result<(), Breach> {
        let user_of = |device: &u64| self.devices.get(device).map(|it| it.0);
        let foreign = |device: &&u64| user_of(device) != Some(record.user);
        match record.devices.iter().find(foreign) {
            None => Ok(()),
            Some(device) => Err(format!(
                "batch {} is accepted with Device {} of another User",
                record.number,
                Eui64::from_bits(*device)
            )),
        }
    }

    fn release(&mut self, record: &Released) -> Result<(), Breach> {
        let name = self.activations.get(record.activation)?.name;
        let attempt = AttemptRef {
            activation: name,
            attempt: u16::try_from(record.attempt).map_err(|error| error.to_string())?,
        };
        self.released_to
            .insert(attempt, Eui64::from_bits(record.gateway));
        let registered = self.devices.get(&name.device.bits());
        if registered == Some(&(name.user.bits(), record.gateway)) {
            return Ok(());
        }
        Err(format!(
            "{attempt:?} is released to {:x}, its Device is registered as {registered:x?}",
            record.gateway
        ))
    }

    /// A Device may have moved since its release; the attempt has not.
    fn offer(&self, gateway: Eui64, offer: &Offer) -> Result<(), Breach> {
        let released_to = self.released_to.get(&offer.attempt);
        if released_to == Some(&gateway) {
            return Ok(());
        }
        Err(format!(
            "{:?} is offered to {gateway}, it was released to {released_to:?}",
            offer.attempt
        ))
    }
}

impl Checker for Registered {
    fn promise(&self) -> &'static str {
        "no Device is reached against the inventory"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Recorded { record, .. } => {
                match &record.change {
                    Some(Change::DevicesImported(it)) => self.import(it),
                    Some(Change::BatchAccepted(it)) => self.accept(it)?,
                    Some(Change::Released(it)) => self.release(it)?,
                    _ => {}
                }
                self.activations.learn(record)
            }
            Happened::Told {
                gateway,
                message: ToGateway::Offer(offer),
            } => self.offer(*gateway, offer),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dco_block::Eui64;
    use dco_engine::record::{Change, Device, DevicesImported, Released};
    use dco_engine::{Offer, ToGateway};

    use super::Registered;
    use crate::checkers::history::{self, USER, breaks, broken, keeps, kept};
    use crate::estate::Estate;
    use crate::happened::Happened;

    const GATEWAY: u64 = 5;

    fn imported(device: u64, user: u64, gateway: u64) -> Change {
        Change::DevicesImported(DevicesImported {
            devices: vec![Device {
                device,
                user,
                gateway,
                ..Device::default()
            }],
            ..DevicesImported::default()
        })
    }

    fn with_batch() -> Registered {
        let mut checker = Registered::default();
        for device in 10..=12 {
            keeps(&mut checker, imported(device, USER, GATEWAY));
        }
        for change in history::batch_of_three() {
            keeps(&mut checker, change);
        }
        checker
    }

    fn released() -> Change {
        Change::Released(Released {
            activation: 0,
            attempt: 1,
            gateway: GATEWAY,
            ..Released::default()
        })
    }

    #[test]
    fn the_devices_of_others_are_not_accepted() {
        let mut checker = with_batch();
        keeps(&mut checker, imported(12, USER + 1, GATEWAY));
        breaks(&mut checker, history::batch(2));
    }

    #[test]
    fn a_device_that_has_moved_is_released_only_where_it_is() {
        keeps(&mut with_batch(), released());
        for moved in [imported(10, USER + 1, GATEWAY), imported(10, USER, 6)] {
            let mut checker = with_batch();
            keeps(&mut checker, moved);
            breaks(&mut checker, released());
        }
    }

    #[test]
    fn an_attempt_is_offered_only_where_it_was_released_to() {
        let estate = Estate::draw(&mut crate::dice::Dice::new(0));
        let message = &ToGateway::Offer(Offer {
            attempt: history::attempt(0, 1),
            manifest: Arc::clone(&estate.images[0].manifest),
            answer_by_us: 0,
            read_version_first: false,
            execute_us: None,
        });
        let gateway = Eui64::from_bits(GATEWAY);
        let mut checker = with_batch();
        broken(&mut checker, &Happened::Told { gateway, message });
        keeps(&mut checker, released());
        kept(&mut checker, &Happened::Told { gateway, message });
        let gateway = Eui64::from_bits(6);
        broken(&mut checker, &Happened::Told { gateway, message });
    }
}
