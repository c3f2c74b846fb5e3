//! Who will do what, and when.

use dco_block::Eui64;
use dco_engine::HOUR_US;
use dco_schedule::{Calendar, Micros, ServiceDate};

use super::{Item, World};
use crate::user::Errand;

/// Errands begin within so long.
const BEGIN_WITHIN_US: Micros = 4 * 24 * HOUR_US;

impl World {
    /// Puts the beginning of everything on the agenda.
    pub(super) fn plan(&mut self) {
        self.after(0, Item::ServiceStarts);
        self.plan_import(self.estate.devices.clone());
        self.after(12 * HOUR_US, Item::RegistryIsLookedAt);
        self.after(HOUR_US, Item::ClockIsLookedAt);
        self.after(HOUR_US, Item::Audit);
        self.after(HOUR_US, Item::PartiesAct);
        for gateway in 0..self.gateways.len() {
            let wait_us = self.dice.between(0..=2 * HOUR_US);
            self.after(wait_us, Item::GatewayConnects { gateway });
        }
        for user in self.estate.users.clone() {
            self.plan_user(user);
            self.after(HOUR_US, Item::UserWantsMore { user });
        }
    }

    /// As long as things go wrong there is always more to do.
    pub(super) fn user_wants_more(&mut self, user: Eui64) {
        if self.is_healed {
            return;
        }
        let devices = self.estate.devices_of(user);
        let image = self.estate.images[self.dice.index(self.estate.images.len())].clone();
        let some = self.dice.some(&devices);
        let mut errand = if self.dice.chance(200) {
            Errand::send(user, image, some, &mut self.dice)
        } else {
            let hash = image.manifest.manufacturer_image_hash();
            let date = self.agreed_date(user).or_else(|| self.some_date());
            Errand::activate(user, hash, some, date, &mut self.dice)
        };
        errand.is_extra = true;
        self.begin(errand, HOUR_US);
        if self.dice.chance(self.faults.mistakes) {
            self.make_mistake(user);
        }
        let wait_us = self.dice.between(HOUR_US..=16 * HOUR_US) * self.pace;
        self.after(wait_us, Item::UserWantsMore { user });
    }

    fn plan_user(&mut self, user: Eui64) {
        let devices = self.estate.devices_of(user);
        for image in self.estate.images.clone() {
            if self.dice.chance(400) {
                let some = self.dice.some(&devices);
                let errand = Errand::send(user, image.clone(), some, &mut self.dice);
                self.begin(errand, HOUR_US);
            }
            let hash = image.manifest.manufacturer_image_hash();
            let errand = Errand::send(user, image, devices.clone(), &mut self.dice);
            self.begin(errand, 12 * HOUR_US);
            for _ in 0..self.dice.below(4) {
                let some = self.dice.some(&devices);
                let date = self.some_date();
                let errand = Errand::activate(user, hash, some, date, &mut self.dice);
                self.begin(errand, BEGIN_WITHIN_US);
            }
        }
    }

    /// Now and then a day for which the User has something agreed.
    fn agreed_date(&mut self, user: Eui64) -> Option<ServiceDate> {
        let today = self.today();
        let own = self
            .known
            .schedules
            .values()
            .filter(|it| it.id.user == user);
        let quotas = own.filter_map(|it| it.schedule.quota());
        let dates: Vec<_> = quotas.flat_map(|it| it.days_from(today)).collect();
        if dates.is_empty() || self.dice.chance(300) {
            return None;
        }
        Some(dates[self.dice.index(dates.len())].0)
    }

    /// Today, or one of the next days.
    fn some_date(&mut self) -> Option<ServiceDate> {
        if self.dice.chance(600) {
            return None;
        }
        let ahead = self.dice.small(0..=5);
        let today = Calendar::london().day_at(self.now_us).date;
        Some((0..ahead).fold(today, |date, _| date.next()))
    }

    fn begin(&mut self, errand: Errand, within_us: Micros) {
        let wait_us = self.dice.between(2..=within_us);
        let item = Item::ErrandGoesOn {
            errand: self.errands.len(),
            call: errand.call,
        };
        self.errands.push(errand);
        self.after(wait_us, item);
    }
}
