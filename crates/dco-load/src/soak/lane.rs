//! One sender of a User: an image, then a batch for it, over and over, whatever happens on the way.

use std::sync::Arc;
use std::time::Duration;

use dco_block::{Eui64, ManufacturerImageHash};
use dco_client::{RequestId, RetryPolicy, SendOptions, SendProgress, SubmitBatch, UserClient};
use tokio_util::sync::CancellationToken;

use super::persist::persist;
use super::record::Record;
use crate::LoadError;
use crate::estate::{name_of, opening};
use crate::series::{Made, Series};

/// Beyond the longest time for which the service is away.
const PATIENCE: RetryPolicy = RetryPolicy {
    tries_max: 1_000,
    first_delay: Duration::from_millis(20),
    delay_max: Duration::from_millis(200),
};

pub(crate) struct Lane {
    user: UserClient,
    devices: Vec<Eui64>,
    series: Arc<Series>,
    record: Arc<Record>,
}

impl Lane {
    pub(crate) fn new(
        user: UserClient,
        devices: Vec<Eui64>,
        series: &Arc<Series>,
        record: &Arc<Record>,
    ) -> Self {
        Self {
            user,
            devices,
            series: Arc::clone(series),
            record: Arc::clone(record),
        }
    }

    /// Works until it is told to stop, and finishes what it began.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), LoadError> {
        while !stop.is_cancelled() {
            let made = self.series.next();
            self.send(&made).await?;
            self.activate(made.manifest.manufacturer_image_hash())
                .await?;
        }
        Ok(())
    }

    async fn send(&self, made: &Made) -> Result<(), LoadError> {
        let opening = opening(&made.manifest, self.devices.clone());
        let opened = persist(|| self.user.open_transfer(opening.clone())).await?;
        let name = name_of(&opened)?;
        self.record.opened(name, made.manifest.image_id());
        let options = SendOptions {
            retry: PATIENCE,
            ..SendOptions::default()
        };
        let mut told =
            |progress: SendProgress| self.record.acknowledged(name, progress.blocks_held);
        self.user
            .send_cut_image(name, &made.cut, &options, &mut told)
            .await?;
        let settled = self.user.watch_transfer(name, PATIENCE).settled().await?;
        self.record.responded(name, &settled);
        crate::estate::expect_stored(&settled)
    }

    async fn activate(&self, hash: ManufacturerImageHash) -> Result<(), LoadError> {
        let submission = SubmitBatch {
            request_id: RequestId::fresh(),
            manufacturer_image_hash: hash,
            devices: self.devices.clone(),
            service_date: None,
            execute_us: None,
            canary: 0,
            signed_request: bytes::Bytes::new(),
            originator_counter: None,
            validate_only: false,
        };
        let batch = persist(|| self.user.submit_batch(submission.clone())).await?;
        let name = batch
            .name
            .ok_or_else(|| LoadError::wrong("a batch was accepted and has no name"))?;
        self.record.submitted(name, self.devices.len());
        let mut watch = self.user.watch_batch(name, 0, PATIENCE);
        while let Some(change) = watch.next().await? {
            if let Some(batch) = &change.batch {
                self.record.succeeded(name, batch.counts.succeeded);
            }
        }
        Ok(())
    }
}
