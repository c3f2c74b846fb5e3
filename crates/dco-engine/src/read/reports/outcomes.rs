//! How activations ended, by what they have in common.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Engine;
use crate::event::{Grouping, ReportRequest};
use crate::state::activations::Activation;
use crate::state::batches::{Batch, Phase};
use crate::view::{Group, OutcomeRow};

/// By what activations are grouped: numbers, because there are many of them and few groups.
type Key = (
    Option<u64>,
    Option<[u8; 32]>,
    Option<(u32, u16)>,
    Option<u64>,
);

impl Engine {
    pub(super) fn outcomes(
        &self,
        asked: &ReportRequest,
        by: &BTreeSet<Grouping>,
    ) -> Vec<OutcomeRow> {
        let mut rows: BTreeMap<Key, OutcomeRow> = BTreeMap::new();
        let batches = self.batches_of(asked.user);
        for batch in batches.filter(|batch| asked.is_about(batch.service_date)) {
            for number in batch.activations() {
                let activation = self.batches.activation(number);
                let row = rows.entry(self.key(batch, &activation, by)).or_default();
                row.count(batch, &activation, self.now_us);
            }
        }
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|(key, row)| OutcomeRow {
                group: self.group(key),
                ..row
            })
            .collect();
        rows.sort_by(|one, other| one.group.cmp(&other.group));
        rows
    }

    fn key(&self, batch: &Batch, activation: &Activation, by: &BTreeSet<Grouping>) -> Key {
        let known = self.inventory.known(activation.device);
        let has = |grouping| by.contains(&grouping).then_some(());
        let hash = || *batch.manufacturer_image_hash.as_bytes();
        (
            has(Grouping::User).map(|()| batch.user.bits()),
            has(Grouping::Image).map(|()| hash()),
            has(Grouping::Model).and_then(|()| known.map(|it| (it.model, it.hardware_version))),
            has(Grouping::Gateway).and_then(|()| known.map(|it| it.gateway.bits())),
        )
    }

    fn group(&self, (user, image, model, gateway): Key) -> Group {
        let name = model.and_then(|(model, _)| self.inventory.model(model));
        Group {
            user: user.map(dco_block::Eui64::from_bits),
            image: image.map(dco_block::ManufacturerImageHash::new),
            manufacturer: name.map(|it| it.manufacturer.clone()),
            model: name.map(|it| it.model.clone()),
            hardware_version: model.map(|(_, version)| version),
            gateway: gateway.map(dco_block::Eui64::from_bits),
        }
    }
}

impl OutcomeRow {
    fn count(&mut self, batch: &Batch, activation: &Activation, now_us: dco_schedule::Micros) {
        self.attempts += u64::from(activation.tries);
        if let Some(outcome) = activation.outcome {
            *self.outcomes.entry(outcome).or_default() += 1;
        }
        match activation.phase {
            Phase::Succeeded { .. } => self.succeeded += 1,
            Phase::Failed { .. } => self.failed += 1,
            Phase::Cancelled { .. } => self.cancelled += 1,
            _ => self.open += 1,
        }
        match activation.phase.ended_us() {
            Some(ended_us) if ended_us <= batch.due_us => self.ended_within_trt += 1,
            Some(_) => self.ended_late += 1,
            None if now_us <= batch.due_us => {}
            None => self.open_late += 1,
        }
    }
}
