//! The Central Products List, which of its checks are made, and what follows of it for what is queued.

use std::collections::{BTreeMap, BTreeSet};

use super::Why;
use crate::record::{Product, TrustSet};
use crate::state::batches::{Batch, Batches};
use crate::state::canaries::Canaries;
use crate::state::dispatch::Dispatch;
use crate::state::inventory::Inventory;
use crate::state::products::{self as state, Candidate, Firmware};
use crate::state::transfers::Transfers;

/// All of it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Products {
    /// By Device Model, firmware version and hardware version.
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Product>,
    #[prost(message, optional, tag = "2")]
    checks: Option<TrustSet>,
}

impl Products {
    pub(super) fn of(products: &state::Products) -> Self {
        let state::Products {
            entries,
            by_hash: _,
            checks,
        } = products;
        let entries = entries
            .iter()
            .flat_map(|(name, group)| group.iter().map(move |product| (name, product)));
        let entries = entries.map(|(name, product)| {
            let since_us = product.since_us;
            let record = state::to_record(&state::view((name, product)).entry);
            Product { since_us, ..record }
        });
        Self {
            entries: entries.collect(),
            checks: Some(*checks),
        }
    }

    pub(super) fn load(self) -> Result<state::Products, Why> {
        let entries = self
            .entries
            .iter()
            .map(|it| state::of_record(it, it.since_us));
        let entries: Vec<_> = entries
            .collect::<Option<_>>()
            .ok_or("an entry of the Central Products List is none")?;
        let in_order = entries.is_sorted_by(|(name, product), (next_name, next)| {
            let (range, next_range) = (product.hardware_versions, next.hardware_versions);
            name < next_name || (name == next_name && range.max < next_range.min)
        });
        if !in_order {
            return Err("entries of the Central Products List are not in order");
        }
        let mut products = state::Products {
            checks: self.checks.unwrap_or_default(),
            ..state::Products::default()
        };
        products.replace(entries);
        Ok(products)
    }
}

/// Which activations may be in a line, of those that are queued.
pub(super) struct Allowed {
    held: BTreeSet<u32>,
}

impl Allowed {
    /// What is known of Devices stands in the order of the activations.
    pub(super) fn of(
        (transfers, inventory, products): (&Transfers, &Inventory, &state::Products),
        (batches, kinds): (&Batches, &[u32]),
        (dispatch, canaries): (&Dispatch, &Canaries),
    ) -> Self {
        let mut held = BTreeSet::new();
        for batch in batches.iter().filter(|batch| batch.counts.open() > 0) {
            if transfers.damage(batch.image_id).is_some() || dispatch.holds(batch) {
                held.extend(batch.activations());
                continue;
            }
            if canaries.of(batch).is_some() {
                held.extend(batch.activations().filter(|it| canaries.hold(batch, *it)));
            }
            if products.checks.products_list {
                let allowed = AllowedKinds::of(batch, (transfers, inventory, products));
                held.extend(allowed.held(batch, kinds));
            }
        }
        Self { held }
    }

    pub(super) fn has(&self, activation: u32) -> bool {
        !self.held.contains(&activation)
    }
}

/// Many Devices are alike: each kind is asked about once for a batch.
struct AllowedKinds<'a> {
    firmware: Option<Firmware>,
    inventory: &'a Inventory,
    products: &'a state::Products,
}

impl<'a> AllowedKinds<'a> {
    fn of(
        batch: &Batch,
        (transfers, inventory, products): (&Transfers, &'a Inventory, &'a state::Products),
    ) -> Self {
        let image = transfers.image(batch.user, batch.image_id);
        Self {
            firmware: image.map(|image| Firmware {
                hash: batch.manufacturer_image_hash,
                version: image.manifest.firmware_version(),
            }),
            inventory,
            products,
        }
    }

    fn held(&self, batch: &Batch, kinds: &[u32]) -> Vec<u32> {
        let mut known: BTreeMap<u32, bool> = BTreeMap::new();
        let is_held = |activation: &u32| {
            let kind = kinds.get(crate::read::as_usize(*activation)).copied();
            let kind = kind.unwrap_or(u32::MAX);
            *known.entry(kind).or_insert_with(|| self.is_held(kind))
        };
        batch.activations().filter(is_held).collect()
    }

    /// As for one activation in a living engine.
    fn is_held(&self, kind: u32) -> bool {
        let (Some(firmware), Some(known)) = (self.firmware, self.inventory.kind(kind)) else {
            return false;
        };
        let Some(model) = self.inventory.model(known.model) else {
            return true;
        };
        let device = Candidate {
            model,
            hardware_version: known.hardware_version,
            running: known.firmware_version,
        };
        self.products.distrust_for(firmware, device).is_some()
    }
}
