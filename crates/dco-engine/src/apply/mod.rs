//! The one way in which state changes: live as the decision is made, at start-up for each record read back.

mod ahead;
pub(crate) mod attempts;
mod batches;
mod breakers;
mod canaries;
mod images;
mod lines;
mod log;
mod notices;
mod pauses;
mod products;
mod schedules;
mod security;
mod shares;
mod tallies;
mod transfers;

use dco_block::Eui64;
use dco_schedule::Micros;

use crate::engine::{Engine, Seq};
use crate::record::{Change, DayOpened, DevicesImported, GatewaySeen, Record};
use crate::state::batches::Phase;
use crate::state::requests::Made;

/// Why a record cannot be applied.
type Why = &'static str;

impl Engine {
    pub(crate) fn apply(&mut self, seq: Seq, record: &Record) -> Result<(), Why> {
        let at_us = record.at_us;
        self.recorded_us = self.recorded_us.max(at_us);
        self.tallies.at(at_us);
        match record
            .change
            .as_ref()
            .ok_or("it says nothing that this program knows")?
        {
            Change::DayOpened(it) => self.apply_day_opened(at_us, it),
            Change::DevicesImported(it) => self.apply_devices_imported(it),
            Change::ProductsImported(it) => self.apply_products_imported(at_us, it),
            Change::TrustSet(it) => {
                self.apply_trust_set(at_us, *it);
                Ok(())
            }
            Change::ThresholdBreached(it) => self.apply_threshold_breached(at_us, it),
            Change::TransferOpened(it) => self.apply_transfer_opened(seq, at_us, it),
            Change::TransferWarned(it) => {
                self.apply_transfer_warned(at_us, it);
                Ok(())
            }
            Change::TransferEnded(it) => self.apply_transfer_ended(at_us, it),
            Change::BatchAccepted(it) => self.apply_batch_accepted(at_us, it),
            Change::BatchCancelled(it) => self.apply_batch_cancelled(at_us, it),
            Change::Released(it) => self.apply_released(at_us, it),
            Change::AttemptEnded(it) => self.apply_attempt_ended(at_us, it),
            Change::AttemptScheduled(it) => self.apply_attempt_scheduled(*it),
            Change::Warned(it) => self.apply_warned(at_us, it),
            Change::LateSuccess(it) => self.apply_late_success(at_us, it),
            Change::ActivationCancelled(it) => self.apply_activation_cancelled(at_us, it),
            Change::ImageRetired(it) => self.apply_image_retired(at_us, it),
            Change::ImageQuarantined(it) => self.apply_image_quarantined(at_us, it),
            Change::BreakerChanged(it) => {
                self.apply_breaker_changed(*it);
                Ok(())
            }
            Change::Paused(it) => self.apply_paused(at_us, it),
            Change::Resumed(it) => self.apply_resumed(at_us, it),
            Change::Restored(it) => self.apply_restored(at_us, it),
            Change::GatewaySeen(it) => {
                self.apply_gateway_seen(it);
                Ok(())
            }
            Change::ScheduleStepped(it) => self.apply_schedule_stepped(at_us, it),
            Change::ActionPended(it) => self.apply_action_pended(at_us, it),
            Change::ActionClosed(it) => self.apply_action_closed(at_us, it),
            Change::Refused(it) => log::apply_refused(it),
            Change::CheckpointMade(it) => self.apply_checkpoint(seq, it),
            // No rule rests on it: releases are paused already.
            Change::ClockJumped(_) => Ok(()),
            Change::CapacitySet(it) => self.apply_capacity_set(at_us, it),
            Change::NoticesForgotten(it) => self.apply_notices_forgotten(it),
        }
    }

    fn apply_day_opened(&mut self, at_us: Micros, record: &DayOpened) -> Result<(), Why> {
        let is_new = self.days.open(record).ok_or("it opens no service day")?;
        self.tally_day(is_new);
        if is_new {
            self.time_schedules();
            self.note_begun(at_us, record);
        }
        self.note_configured(at_us, record)?;
        if is_new {
            for (user, carried) in self.carried_over() {
                self.grow_share(user, carried);
            }
            self.repay(at_us, record);
        }
        Ok(())
    }

    fn apply_devices_imported(&mut self, record: &DevicesImported) -> Result<(), Why> {
        let moved = self.moved(record);
        self.inventory.apply(record);
        self.note_lost(record);
        for activation in moved {
            self.queue_again(activation);
        }
        self.look_again_at(record);
        let count = u32::try_from(record.devices.len()).unwrap_or(u32::MAX);
        let by = Eui64::from_bits(record.by);
        self.requests
            .remember(by, record.request.as_ref(), Made::Imported(count))
    }

    /// Activations of Devices that have gone to another User, or come back.
    fn note_lost(&mut self, record: &DevicesImported) {
        for device in &record.devices {
            let busy = self.busy(Eui64::from_bits(device.device));
            let Some(activation) = busy else { continue };
            if self.is_lost(activation) {
                self.batches.lost.insert(activation);
            } else {
                self.batches.lost.remove(&activation);
            }
        }
    }

    /// What the Central Products List says of a Device depends on what the inventory says of it.
    fn look_again_at(&mut self, record: &DevicesImported) {
        for device in &record.devices {
            if let Some(activation) = self.busy(Eui64::from_bits(device.device)) {
                self.look_again(activation);
            }
        }
    }

    /// Activations of Devices that from now on are behind another gateway.
    fn moved(&self, record: &DevicesImported) -> Vec<u32> {
        let moved = record.devices.iter().filter(|it| {
            let known = self.inventory.get(Eui64::from_bits(it.device));
            known.is_none_or(|known| known.gateway.bits() != it.gateway)
        });
        moved
            .filter_map(|it| self.busy(Eui64::from_bits(it.device)))
            .collect()
    }

    fn apply_gateway_seen(&mut self, record: &GatewaySeen) {
        let gateway = self.gateways.entry(Eui64::from_bits(record.gateway));
        gateway.memory_id.clone_from(&record.memory_id);
    }

    /// Records name activations by number: one that is not as it must be is not this engine's.
    fn must_be(&self, activation: u32, so: impl Fn(Phase) -> bool) -> Result<(), Why> {
        if !self.batches.has_activation(activation) {
            return Err("it names an activation that does not exist");
        }
        if so(self.batches.activation(activation).phase) {
            Ok(())
        } else {
            Err("its activation is not where it must be for that")
        }
    }
}
