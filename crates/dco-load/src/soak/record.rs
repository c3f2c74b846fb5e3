//! What the parties were told, and whether it still holds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dco_block::ImageId;
use dco_client::{
    ActivationState, BatchName, ClientError, Code, PageRequest, Transfer, TransferName, UserClient,
};
use dco_gateway::Stats;
use serde::Serialize;

use super::persist::persist;
use crate::LoadError;

/// A record that grows beyond this says nothing new.
const VIOLATIONS_MAX: usize = 100;
/// Of a page of activations.
const PAGE: u32 = 1_000;

/// Counts of what was acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Transfers that were opened.
    pub transfers: u64,
    /// Blocks of them that were acknowledged.
    pub blocks: u64,
    /// 11.1 Responses that were given.
    pub responses: u64,
    /// Batches that were accepted.
    pub batches: u64,
    /// Activations of which a User was told that they have succeeded.
    pub activations: u64,
    /// Outcomes that the service has told gateways it has noted.
    pub noted: u64,
}

/// Everything that anybody was told.
#[derive(Debug, Default)]
pub(crate) struct Record {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    transfers: BTreeMap<TransferName, SentImage>,
    batches: BTreeMap<BatchName, SentBatch>,
    noted: u64,
    violations: Vec<String>,
}

#[derive(Debug, Clone)]
struct SentImage {
    image_id: ImageId,
    blocks_held: u32,
    response: Option<String>,
    /// It was checked after its end; only the last check looks at it again.
    checked: bool,
}

#[derive(Debug, Clone)]
struct SentBatch {
    devices: usize,
    succeeded: u32,
    checked: bool,
}

impl Record {
    pub(crate) fn opened(&self, name: TransferName, image_id: ImageId) {
        let image = SentImage {
            image_id,
            blocks_held: 0,
            response: None,
            checked: false,
        };
        self.kept().transfers.insert(name, image);
    }

    pub(crate) fn acknowledged(&self, name: TransferName, blocks_held: u32) {
        if let Some(image) = self.kept().transfers.get_mut(&name) {
            image.blocks_held = image.blocks_held.max(blocks_held);
        }
    }

    pub(crate) fn responded(&self, name: TransferName, settled: &Transfer) {
        if let Some(image) = self.kept().transfers.get_mut(&name) {
            image.response = response_of(settled);
        }
    }

    pub(crate) fn submitted(&self, name: BatchName, devices: usize) {
        let batch = SentBatch {
            devices,
            succeeded: 0,
            checked: false,
        };
        self.kept().batches.insert(name, batch);
    }

    pub(crate) fn succeeded(&self, name: BatchName, succeeded: u32) {
        if let Some(batch) = self.kept().batches.get_mut(&name) {
            batch.succeeded = batch.succeeded.max(succeeded);
        }
    }

    /// The lives of one gateway.
    pub(crate) fn gateway(&self, lives: Vec<Stats>) {
        self.kept().noted += lives.iter().map(|it| it.noted).sum::<u64>();
    }

    pub(crate) fn told(&self) -> Told {
        let kept = self.kept();
        let count = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        let images = kept.transfers.values();
        Told {
            transfers: count(kept.transfers.len()),
            blocks: images.clone().map(|it| u64::from(it.blocks_held)).sum(),
            responses: count(images.filter(|it| it.response.is_some()).count()),
            batches: count(kept.batches.len()),
            activations: kept
                .batches
                .values()
                .map(|it| u64::from(it.succeeded))
                .sum(),
            noted: kept.noted,
        }
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.kept().violations.clone()
    }

    /// Holds the service to the record; `all` looks at what was checked before, too, and at each activation.
    pub(crate) async fn check(&self, users: &[UserClient], all: bool) -> Result<(), LoadError> {
        for user in users {
            self.check_transfers(user, all).await?;
            self.check_batches(user, all).await?;
        }
        Ok(())
    }

    async fn check_transfers(&self, user: &UserClient, all: bool) -> Result<(), LoadError> {
        let due: Vec<_> = {
            let kept = self.kept();
            let own = kept.transfers.iter();
            own.filter(|(name, it)| name.user == user.user() && (all || !it.checked))
                .map(|(name, it)| (*name, it.clone()))
                .collect()
        };
        for (name, image) in due {
            match found(persist(|| user.transfer(name)).await)? {
                None => self.violated(format!("{name} was opened and is not there")),
                Some(found) => self.compare_transfer(name, &image, &found),
            }
        }
        Ok(())
    }

    fn compare_transfer(&self, name: TransferName, told: &SentImage, found: &Transfer) {
        if found.manifest.image_id() != told.image_id {
            self.violated(format!("{name} is of another image"));
        }
        if found.blocks_held < told.blocks_held {
            let (held, was) = (found.blocks_held, told.blocks_held);
            self.violated(format!("{name} holds {held} blocks of {was} acknowledged"));
        }
        if told.response.is_some() && response_of(found) != told.response {
            self.violated(format!("{name} has another 11.1 Response than it had"));
        }
        if let Some(image) = self.kept().transfers.get_mut(&name) {
            image.checked = told.response.is_some();
        }
    }

    async fn check_batches(&self, user: &UserClient, all: bool) -> Result<(), LoadError> {
        let due: Vec<_> = {
            let kept = self.kept();
            let own = kept.batches.iter();
            own.filter(|(name, it)| name.user == user.user() && (all || !it.checked))
                .map(|(name, it)| (*name, it.clone()))
                .collect()
        };
        for (name, told) in due {
            let Some(found) = found(persist(|| user.batch(name)).await)? else {
                self.violated(format!("{name} was accepted and is not there"));
                continue;
            };
            let counts = found.counts;
            if counts.succeeded < told.succeeded || counts.total() != told.devices as u64 {
                self.violated(format!("{name} is {counts:?} after {told:?}"));
            }
            if let Some(batch) = self.kept().batches.get_mut(&name) {
                batch.checked = batch.succeeded as usize == batch.devices;
            }
            if all {
                self.check_activations(user, name).await?;
            }
        }
        Ok(())
    }

    /// At the end each has succeeded, with its first attempt: nothing was started twice.
    async fn check_activations(&self, user: &UserClient, name: BatchName) -> Result<(), LoadError> {
        let mut wanted = PageRequest {
            size: PAGE,
            ..PageRequest::default()
        };
        loop {
            let page = persist(|| user.activations(name, &wanted)).await?;
            for it in page.items {
                if it.state != ActivationState::Succeeded || it.attempt != 1 {
                    let (state, attempt) = (it.state, it.attempt);
                    self.violated(format!("{} is {state} with attempt {attempt}", it.name));
                }
            }
            match page.next {
                Some(next) => wanted.token = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn violated(&self, what: String) {
        let mut kept = self.kept();
        if kept.violations.len() < VIOLATIONS_MAX {
            kept.violations.push(what);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // What is kept is whole between any two operations.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` of what is not there; other refusals stay what they are.
fn found<T>(answered: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answered {
        Ok(it) => Ok(Some(it)),
        Err(fault) if fault.code() == Some(Code::NotFound) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The 11.1 Response, as far as it must stay the same.
fn response_of(transfer: &Transfer) -> Option<String> {
    let response = transfer.response.as_ref()?;
    let (code, at) = (&response.response_code, response.response_us);
    Some(format!("{} {code} {at:?}", transfer.state))
}

#[cfg(test)]
mod tests {
    use dco_block::{Eui64, FirmwareVersion, Manifest, OtaHeader, wrap};
    use dco_client::{InvalidDevices, TransferState, UpdateFirmwareResponse};

    use super::*;

    const NAME: TransferName = TransferName {
        user: Eui64::from_bits(1),
        number: 1,
    };

    fn transfer(blocks_held: u32, response_us: Option<i64>) -> Transfer {
        let header = OtaHeader {
            manufacturer_code: 1,
            image_type: 1,
            file_version: FirmwareVersion::new(2),
            stack_version: 2,
            header_string: [0; 32],
            total_image_bytes: 0,
            security_credential_version: None,
            upgrade_file_destination: None,
            hardware_versions: None,
        };
        let image = wrap(header, &[5; 3_000], &[0; 64]);
        Transfer {
            name: Some(NAME),
            state: TransferState::Stored,
            manifest: Manifest::of_image(&image, 1_024).unwrap(),
            block_count: 4,
            blocks_held,
            missing: Vec::new(),
            create_us: None,
            expire_us: None,
            warn_us: None,
            device_count: 1,
            response: response_us.map(|at| UpdateFirmwareResponse {
                response_code: "I99".to_owned(),
                reason: String::new(),
                message: String::new(),
                response_us: Some(at),
                invalid_devices: InvalidDevices::default(),
            }),
            invalid_devices: InvalidDevices::default(),
            signed_request: bytes::Bytes::new(),
        }
    }

    /// A record of somebody who was told of three blocks and of a Response.
    fn record() -> Record {
        let record = Record::default();
        record.opened(NAME, transfer(0, None).manifest.image_id());
        record.acknowledged(NAME, 3);
        record.responded(NAME, &transfer(4, Some(7)));
        record
    }

    fn violations(found: &Transfer) -> usize {
        let record = record();
        let told = record.kept().transfers[&NAME].clone();
        record.compare_transfer(NAME, &told, found);
        record.violations().len()
    }

    #[test]
    fn what_was_told_must_be_there() {
        assert_eq!(violations(&transfer(4, Some(7))), 0);
        assert_eq!(violations(&transfer(3, Some(7))), 0);
        assert_eq!(violations(&transfer(2, Some(7))), 1, "a block is lost");
        assert_eq!(violations(&transfer(4, Some(8))), 1, "another Response");
        assert_eq!(violations(&transfer(4, None)), 1, "the Response is lost");
    }

    #[test]
    fn only_more_blocks_are_believed_and_all_is_counted() {
        let record = record();
        record.acknowledged(NAME, 2);
        let batch = BatchName {
            user: NAME.user,
            number: 1,
        };
        record.submitted(batch, 5);
        record.succeeded(batch, 4);
        record.succeeded(batch, 3);
        let told = Told {
            transfers: 1,
            blocks: 3,
            responses: 1,
            batches: 1,
            activations: 4,
            noted: 0,
        };
        assert_eq!(record.told(), told);
    }
}
