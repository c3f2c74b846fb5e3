//! What records of the Central Products List and of thresholds change.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::Micros;

use super::Why;
use crate::engine::Engine;
use crate::record::{Counted, ProductsImported, ThresholdBreached, TrustSet};
use crate::state::batches::{Batch, Phase};
use crate::state::products;
use crate::state::requests::Made;

impl Engine {
    pub(super) fn apply_products_imported(
        &mut self,
        at_us: Micros,
        record: &ProductsImported,
    ) -> Result<(), Why> {
        let entries = record.products.iter();
        let entries = entries.map(|entry| products::of_record(entry, at_us));
        let entries: Vec<_> = entries
            .collect::<Option<_>>()
            .ok_or("one of its entries is none")?;
        let hashes = self.products.touched(&entries);
        let held = self.not_allowed(&hashes);
        self.products.replace(entries);
        self.hold_anew(at_us, &hashes, &held);
        let count = u32::try_from(record.products.len()).unwrap_or(u32::MAX);
        let by = Eui64::from_bits(record.by);
        self.requests
            .remember(by, record.request.as_ref(), Made::Imported(count))
    }

    pub(super) fn apply_trust_set(&mut self, at_us: Micros, record: TrustSet) {
        let open = self.batches.open().flat_map(|(_, batches)| batches);
        let hashes = open.map(|batch| batch.manufacturer_image_hash).collect();
        let held = self.not_allowed(&hashes);
        self.products.checks = record;
        self.hold_anew(at_us, &hashes, &held);
    }

    /// What waits for these images and the list does not allow. Many Devices are alike: each kind is asked about once for a
    /// batch.
    fn not_allowed(&self, hashes: &BTreeSet<ManufacturerImageHash>) -> BTreeSet<u32> {
        let mut not_allowed = BTreeSet::new();
        for batch in self.open_for(hashes) {
            let mut kinds: BTreeMap<u32, bool> = BTreeMap::new();
            for activation in batch.activations() {
                let item = self.batches.activation(activation);
                if !item.phase.waits() {
                    continue;
                }
                let kind = self.inventory.kind_of(item.device);
                let is_not_allowed = kinds
                    .entry(kind)
                    .or_insert_with(|| self.distrust(activation).is_some());
                if *is_not_allowed {
                    not_allowed.insert(activation);
                }
            }
        }
        not_allowed
    }

    fn open_for(&self, hashes: &BTreeSet<ManufacturerImageHash>) -> impl Iterator<Item = &Batch> {
        let open = self.batches.open().flat_map(|(_, batches)| batches);
        open.filter(|batch| hashes.contains(&batch.manufacturer_image_hash))
    }

    fn waiting_for(&self, hashes: &BTreeSet<ManufacturerImageHash>) -> Vec<u32> {
        let activations = self.open_for(hashes).flat_map(Batch::activations);
        activations
            .filter(|it| self.batches.activation(*it).phase.waits())
            .collect()
    }

    /// Holds what the list does not allow any more, lets go on what it allows again, and tells whose it is.
    fn hold_anew(
        &mut self,
        at_us: Micros,
        hashes: &BTreeSet<ManufacturerImageHash>,
        before: &BTreeSet<u32>,
    ) {
        let now = self.not_allowed(hashes);
        for activation in self.waiting_for(hashes) {
            let is_held = now.contains(&activation) || self.is_kept_out(activation);
            self.put(activation, is_held);
        }
        let mut told: BTreeMap<(Eui64, ManufacturerImageHash), [u32; 2]> = BTreeMap::new();
        for (changed, which) in [(&now - before, 0), (before - &now, 1)] {
            for activation in changed {
                let batch = self.batches.batch_of(activation);
                let name = (batch.user, batch.manufacturer_image_hash);
                told.entry(name).or_default()[which] += 1;
            }
        }
        for ((user, hash), [held, freed]) in told {
            self.note_hold((user, hash), at_us, (held, freed));
        }
    }

    /// Into its line or out of it, as it may be released or not, where it is queued.
    pub(super) fn look_again(&mut self, activation: u32) {
        let is_held = self.is_held_back(activation);
        self.put(activation, is_held);
    }

    fn put(&mut self, activation: u32, is_held: bool) {
        match self.batches.activation(activation).phase {
            Phase::Queued(Some(_)) if is_held => self.hold_back(activation),
            Phase::Queued(None) if !is_held => self.enqueue_one(activation),
            Phase::Parked if is_held => self.leave_ahead(activation),
            Phase::Parked => self.join_ahead(activation),
            _ => {}
        }
    }

    /// Whether nothing of it is to be released: its image is damaged, it or its schedule is paused, it waits for canaries, or
    /// the Central Products List does not allow it.
    pub(crate) fn is_held_back(&self, activation: u32) -> bool {
        self.is_kept_out(activation) || self.distrust(activation).is_some()
    }

    fn is_kept_out(&self, activation: u32) -> bool {
        let batch = self.batches.batch_of(activation);
        self.transfers.damage(batch.image_id).is_some()
            || self.dispatch.holds(batch)
            || self.canaries.hold(batch, activation)
    }

    pub(super) fn apply_threshold_breached(
        &mut self,
        at_us: Micros,
        record: &ThresholdBreached,
    ) -> Result<(), Why> {
        let counted = record.counted();
        if counted == Counted::Unspecified {
            return Err("what it counts is not known");
        }
        let user = Eui64::from_bits(record.user);
        let scope = (!record.of_all).then_some(user);
        self.counts.breach(record.period_start_us, (counted, scope));
        self.note_breach(user, at_us, record);
        Ok(())
    }
}
