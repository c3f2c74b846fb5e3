//! The operator's inventory: imported at first, changed while things go wrong, and put right at the end.

use dco_engine::{DeviceEntry, HOUR_US, ImportDevices, Request};

use super::calls::PATIENCE_US;
use super::{Item, World};
use crate::call::Caller;
use crate::user::request_id;

impl World {
    /// The operator has Devices to import, and asks until it has an answer.
    pub(super) fn plan_import(&mut self, devices: Vec<DeviceEntry>) {
        self.import = Some(ImportDevices {
            by: self.estate.operator,
            id: request_id(&mut self.dice),
            validate_only: false,
            why: dco_engine::SaidWhy::default(),
            devices,
        });
        self.after(1, Item::OperatorImports);
    }

    /// The operator asks, and asks again later if that has not been answered.
    pub(super) fn import_devices(&mut self) {
        if let Some(import) = self.import.clone() {
            self.request_arrives(Caller::Operator, Request::ImportDevices(import));
            self.after(PATIENCE_US, Item::OperatorImports);
        }
    }

    /// Now and then a Device changes its gateway or its User.
    pub(super) fn look_at_registry(&mut self) {
        if self.is_healed {
            return;
        }
        if self.import.is_none() && self.dice.chance(self.faults.moves) {
            let at = self.dice.index(self.estate.devices.len());
            let mut entry = self.estate.devices[at].clone();
            if self.dice.chance(500) {
                entry.user = self.estate.users[self.dice.index(self.estate.users.len())];
            } else {
                entry.gateway = self.estate.gateways[self.dice.index(self.estate.gateways.len())];
            }
            self.plan_import(vec![entry]);
        }
        let wait_us = self.dice.between(HOUR_US..=8 * HOUR_US) * self.pace;
        self.after(wait_us, Item::RegistryIsLookedAt);
    }
}
