//! What can be asked without changing anything.

pub(crate) mod copies;
mod earliest;
mod explain;
pub(crate) mod forecast;
mod reports;
mod schedules;
mod what_if;

use bytes::Bytes;
use dco_block::{Eui64, ImageId};

use crate::effect::{BlockSource, Reply};
use crate::engine::Engine;
use crate::event::{ActivationName, Page, Request};
use crate::refusal::Refusal;
use crate::state::batches::{Batch, Phase};
use crate::state::images::Image;
use crate::state::products;
use crate::view::{
    ActivationState, ActivationView, BatchView, Changes, GatewayView, Stage, TransferState,
};

impl Engine {
    pub(crate) fn read(&self, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::AttachTransfer { user, number } => self.attach_transfer(user, number),
            Request::GetTransfer { user, number } => self.get_transfer(user, number),
            Request::ListTransfers(page) => Ok(self.list_transfers(page)),
            Request::GetBatch { user, number } => self.get_batch(user, number),
            Request::ListBatches(page) => Ok(self.list_batches(page)),
            Request::GetActivation(name) => {
                let activation = self.find_activation(name)?;
                Ok(Reply::Activation(self.activation_view(activation)))
            }
            Request::ListActivations {
                user,
                number,
                skip,
                limit,
            } => self.list_activations(user, number, skip, limit),
            Request::ExplainActivation(name) => {
                let activation = self.find_activation(name)?;
                Ok(Reply::Explanation(self.explain(activation)))
            }
            Request::ReadChanges {
                user,
                number,
                position,
                limit,
            } => self.read_changes((user, number), position, limit),
            Request::OpenImage {
                gateway,
                image_id,
                block_bytes,
            } => self.open_image(gateway, image_id, block_bytes),
            Request::ListGateways => Ok(self.list_gateways()),
            Request::ListPauses => Ok(self.list_pauses()),
            Request::ListProducts { skip, limit } => Ok(self.list_products(skip, limit)),
            other => Ok(self.report(&other)),
        }
    }

    fn attach_transfer(&self, user: Eui64, number: u64) -> Result<Reply, Refusal> {
        let (owner, transfer) = self
            .transfers
            .find(user, number)
            .ok_or(Refusal::NotFound { kind: "transfer" })?;
        match self.transfers.state_of(transfer) {
            TransferState::Receiving | TransferState::Verifying => Ok(Reply::Blocks(BlockSource {
                owner,
                manifest: transfer.manifest.clone(),
                kept: None,
            })),
            state => {
                let cut = transfer.manifest.block_bytes();
                // In another cut its blocks would be taken for wrong ones; stored it is all the same.
                let stored = self.transfers.image_of(transfer).filter(|image| {
                    state == TransferState::Stored && image.manifest.block_bytes() == cut
                });
                let source = stored.and_then(|image| self.block_source_of(image));
                source
                    .map(Reply::Blocks)
                    .ok_or(Refusal::TransferNotReceiving { state })
            }
        }
    }

    fn get_transfer(&self, user: Eui64, number: u64) -> Result<Reply, Refusal> {
        let found = self.transfers.find(user, number);
        let (_, transfer) = found.ok_or(Refusal::NotFound { kind: "transfer" })?;
        Ok(Reply::Transfer(self.transfers.view(transfer)))
    }

    fn list_transfers(&self, page: Page) -> Reply {
        let newest = self.transfers.newest_first(page.user, page.before);
        Reply::Transfers(
            newest
                .take(as_usize(page.limit))
                .map(|transfer| self.transfers.row(transfer))
                .collect(),
        )
    }

    fn get_batch(&self, user: Eui64, number: u64) -> Result<Reply, Refusal> {
        let found = self.batches.find(user, number);
        let (index, batch) = found.ok_or(Refusal::NotFound { kind: "batch" })?;
        Ok(Reply::Batch(BatchView {
            signed_request: batch.signed_request.clone(),
            ..self.batch_view(index)
        }))
    }

    fn list_batches(&self, page: Page) -> Reply {
        let newest = self.batches.newest_first(page.user, page.before);
        let part: Vec<&Batch> = newest
            .take(as_usize(page.limit))
            .map(|(_, batch)| batch)
            .collect();
        let predicted = self.predict_all(&part).into_iter();
        let rows = part.into_iter().zip(predicted);
        let rows = rows.map(|(batch, predicted)| BatchView {
            predicted,
            ..row(batch)
        });
        Reply::Batches(rows.collect())
    }

    fn list_activations(
        &self,
        user: Eui64,
        number: u64,
        skip: u32,
        limit: u32,
    ) -> Result<Reply, Refusal> {
        let found = self.batches.find(user, number);
        let (_, batch) = found.ok_or(Refusal::NotFound { kind: "batch" })?;
        let part = batch
            .activations()
            .skip(as_usize(skip))
            .take(as_usize(limit));
        let activations = part
            .map(|activation| self.activation_view(activation))
            .collect();
        Ok(Reply::Activations {
            activations,
            total: batch.len,
        })
    }

    fn read_changes(
        &self,
        (user, number): (Eui64, u64),
        position: u64,
        limit: u32,
    ) -> Result<Reply, Refusal> {
        let found = self.batches.find(user, number);
        let (index, batch) = found.ok_or(Refusal::NotFound { kind: "batch" })?;
        let all = batch.changes.len();
        let from = usize::try_from(position).unwrap_or(usize::MAX);
        if from > all {
            return Err(Refusal::PositionBeyondEnd {
                position,
                last_position: u64::try_from(all).unwrap_or(u64::MAX),
            });
        }
        let to = from.saturating_add(as_usize(limit)).min(all);
        let mut changed = batch.changes.between(from, to);
        changed.sort_unstable();
        changed.dedup();
        Ok(Reply::Changes(Changes {
            position: u64::try_from(to).unwrap_or(u64::MAX),
            activations: changed
                .into_iter()
                .map(|it| self.activation_view(it))
                .collect(),
            // Whoever watches asks after each change: a prediction is worth its work only with what is told last.
            batch: if from < to && to == all {
                self.batch_view(index)
            } else {
                row(batch)
            },
            complete: to == all,
        }))
    }

    /// Only an image that is on offer to the gateway, and of that nothing but its blocks.
    fn open_image(
        &self,
        gateway: Eui64,
        image_id: ImageId,
        block_bytes: u32,
    ) -> Result<Reply, Refusal> {
        let image = self
            .gateways
            .on_offer(gateway, image_id)
            .filter_map(|user| self.transfers.image(user, image_id))
            .find(|image| image.manifest.block_bytes() == block_bytes)
            .ok_or(Refusal::ImageNotOnOffer)?;
        if let Some(damage) = self.transfers.damage(image_id) {
            return Err(Refusal::ImageDamaged {
                index: damage.index,
            });
        }
        if let Some(distrust) = self.distrust_of_image(&image.manifest) {
            return Err(Refusal::ImageNotAllowed(distrust));
        }
        let source = self.block_source_of(image);
        source.map(Reply::Blocks).ok_or(Refusal::ImageNotOnOffer)
    }

    /// Where the bytes of a User's image are kept, whoever sent them.
    fn block_source_of(&self, image: &Image) -> Option<BlockSource> {
        let kept = self.transfers.kept(image.manifest.image_id())?;
        Some(BlockSource {
            owner: kept.owner,
            manifest: image.manifest.clone(),
            kept: Some(kept.manifest.clone()),
        })
    }

    fn list_gateways(&self) -> Reply {
        let limit = self.terms.attempt.per_gateway_max;
        let rows = self.gateways.iter().map(|(eui, gateway)| GatewayView {
            gateway: eui,
            connected: gateway.session.is_some(),
            changed_us: gateway.changed_us,
            attempt_count: gateway.attempt_count(),
            concurrency: gateway.concurrency.min(limit),
            failures: gateway.failures,
            probe_us: gateway.probe_us,
        });
        Reply::Gateways(rows.collect())
    }

    fn list_products(&self, skip: u32, limit: u32) -> Reply {
        let entries = self.products.iter();
        let part = entries.skip(as_usize(skip)).take(as_usize(limit));
        Reply::Products(part.map(products::view).collect())
    }

    /// The activation that is under way for a Device.
    pub(crate) fn busy(&self, device: Eui64) -> Option<u32> {
        self.batches.busy(self.inventory.number(device)?)
    }

    pub(crate) fn find_activation(&self, name: ActivationName) -> Result<u32, Refusal> {
        let absent = Refusal::NotFound { kind: "activation" };
        let Some((_, batch)) = self.batches.find(name.user, name.batch) else {
            return Err(absent);
        };
        let mut activations = batch.activations();
        // Mostly it is asked of what is under way: that is found without a search.
        let busy = self.busy(name.device);
        busy.filter(|activation| activations.contains(activation))
            .or_else(|| {
                let device = self.inventory.number(name.device)?;
                activations.find(|it| self.batches.activation(*it).device == device)
            })
            .ok_or(absent)
    }

    /// A batch with what is expected of it.
    pub(crate) fn batch_view(&self, index: u32) -> BatchView {
        let batch = self.batches.get(index);
        BatchView {
            canary: self.canaries.view(batch),
            predicted: self.predict(batch),
            may_have_image_count: self.may_have_image_count(batch),
            ..row(batch)
        }
    }

    /// Devices that may have the image, or some of it, and are not known to run it.
    fn may_have_image_count(&self, batch: &Batch) -> u32 {
        let with_image = batch.activations().filter(|activation| {
            let phase = self.batches.activation(*activation).phase;
            !matches!(phase, Phase::Succeeded { .. }) && self.may_have_image(*activation)
        });
        u32::try_from(with_image.count()).unwrap_or(u32::MAX)
    }

    /// Whether it is not certain that nothing of the image went to the Device.
    fn may_have_image(&self, activation: u32) -> bool {
        let item = self.batches.activation(activation);
        item.maybe_sent || item.fate_unknown || item.phase == Phase::Released
    }

    pub(crate) fn activation_view(&self, activation: u32) -> ActivationView {
        let item = self.batches.activation(activation);
        let batch = self.batches.get(item.batch);
        let reading = self.batches.reading(activation);
        ActivationView {
            user: batch.user,
            batch: batch.number,
            device: self.inventory.device(item.device),
            state: self.activation_state(activation, item.phase),
            attempt: item.attempt,
            outcome: item.outcome,
            released_us: item.released_us,
            ended_us: item.phase.ended_us(),
            message: self.batches.message(activation).to_owned(),
            running_version: reading.running_version,
            device_image_hash: reading.device_image_hash,
            may_have_image: self.may_have_image(activation),
        }
    }

    fn activation_state(&self, activation: u32, phase: Phase) -> ActivationState {
        match phase {
            Phase::Parked => ActivationState::Parked,
            Phase::Queued(_) => ActivationState::Queued,
            Phase::Released => ActivationState::Released(self.stage(activation)),
            Phase::RetryWait { until_us } => ActivationState::RetryWait { until_us },
            Phase::Succeeded { .. } => ActivationState::Succeeded,
            Phase::Failed { .. } => ActivationState::Failed,
            Phase::Cancelled { .. } => ActivationState::Cancelled,
        }
    }

    /// What was said last is not known to be so any more when the gateway is away.
    fn stage(&self, activation: u32) -> Stage {
        match self.gateways.attempt(activation) {
            Some(attempt) if self.gateways.session(attempt.gateway).is_some() => attempt.stage,
            _ => Stage::Unknown,
        }
    }
}

/// A batch as a row of a list.
pub(crate) fn row(batch: &Batch) -> BatchView {
    BatchView {
        canary: None,
        user: batch.user,
        number: Some(batch.number),
        manufacturer_image_hash: batch.manufacturer_image_hash,
        image_id: batch.image_id,
        large: batch.large,
        service_date: batch.service_date,
        source: batch.source,
        created_us: batch.created_us,
        trt_start_us: batch.trt_start_us,
        due_us: batch.due_us,
        predicted: None,
        execute_us: batch.execute_us,
        may_have_image_count: 0,
        counts: batch.counts,
        signed_request: Bytes::new(),
    }
}

pub(crate) fn as_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
