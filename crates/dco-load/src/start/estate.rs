//! The records of an estate: Users, their Devices and images, and activations in every state.

use bytes::Bytes;
use dco_block::{Manifest, ManifestParts};
use dco_engine::record::{
    AttemptEnded, BatchAccepted, Change, DayOpened, Device, DevicesImported, Model, Record,
    Released, RequestKey, TransferEnd, TransferEnded, TransferOpened,
};
use dco_engine::{HOUR_US, Outcome, SECOND_US};
use prost::Message;

const USERS: u64 = 5;
const GATEWAYS: u64 = 200;
/// 2026-06-01, and its first instant.
const DATE: i32 = 20_605;
const DAY_START_US: i64 = 1_780_268_400_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// Where an activation has come to, by its Device's number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Queued,
    Ended,
    Parked,
    RetryWait,
    Released,
}

impl Fate {
    fn of(device: u64) -> Self {
        match device % 30 {
            0..10 => Self::Queued,
            10..20 => Self::Ended,
            20..25 => Self::Parked,
            25..29 => Self::RetryWait,
            _ => Self::Released,
        }
    }
}

/// A journal, one record after the other.
pub(crate) struct Estate {
    pub(crate) journal: Vec<Vec<u8>>,
    at_us: i64,
    devices_of_image: u64,
    batches_of: [u64; 5],
    transfers_of: [u64; 5],
    activations: u32,
}

impl Estate {
    /// A third is queued, a third ended, the rest parked, waiting for a retry, and released. Each image, asked for
    /// with the number of the record that opens its transfer, is stored for as many Devices, and sent to all of them.
    pub(crate) fn new<E>(
        (activations, images): (u64, u64),
        mut image_of: impl FnMut(u64, u64) -> Result<Manifest, E>,
    ) -> Result<Self, E> {
        let mut estate = Self {
            journal: Vec::new(),
            at_us: DAY_START_US + HOUR_US,
            devices_of_image: activations / images,
            batches_of: [0; 5],
            transfers_of: [0; 5],
            activations: 0,
        };
        estate.open_day();
        estate.import(images);
        let mut manifests = Vec::new();
        for image in 0..images {
            let manifest = image_of(image, estate.journal.len() as u64 + 1)?;
            estate.store(image, &manifest);
            manifests.push(manifest);
        }
        for (image, manifest) in (0..).zip(&manifests) {
            for parked in [false, true] {
                estate.send(image, manifest, parked);
            }
        }
        Ok(estate)
    }

    fn record(&mut self, change: Change) -> u64 {
        self.at_us += 1;
        let record = Record {
            at_us: self.at_us,
            change: Some(change),
        };
        self.journal.push(record.encode_to_vec());
        self.journal.len() as u64
    }

    fn request(&self) -> Option<RequestKey> {
        Some(RequestKey {
            id: octets(self.journal.len() as u64).slice(..16),
            digest: octets(self.journal.len() as u64),
        })
    }

    fn open_day(&mut self) {
        self.record(Change::DayOpened(DayOpened {
            date: DATE,
            start_us: DAY_START_US,
            end_us: DAY_START_US + DAY_US,
            capacity: u32::MAX,
            hour_start_us: vec![DAY_START_US],
            hour_weight: vec![1],
            profile: vec![1; 24],
            over_agreed: 0,
            configured: None,
            over: None,
            moves: Vec::new(),
            repaid: Vec::new(),
            crowded: None,
            crowded_windows: Vec::new(),
            over_told_to_users: false,
        }));
    }

    fn import(&mut self, images: u64) {
        let of_image = self.devices_of_image;
        let devices = (0..images * of_image).map(|number| Device {
            device: device(number),
            user: user_of(number / of_image),
            gateway: gateway_of(number),
            model: 0,
            hardware_version: 3,
            firmware_version: 1,
        });
        let models = vec![Model {
            manufacturer: "Acme".to_owned(),
            model: "E470".to_owned(),
        }];
        let request = self.request();
        self.record(Change::DevicesImported(DevicesImported {
            by: 1,
            request,
            models,
            devices: devices.collect(),
            ..DevicesImported::default()
        }));
    }

    fn store(&mut self, image: u64, manifest: &Manifest) {
        let ManifestParts {
            image_id,
            image_bytes,
            block_bytes,
            manufacturer_image_hash,
            firmware_version,
            ota_header,
        } = manifest.parts();
        let number = next(&mut self.transfers_of, image);
        let request = self.request();
        let owner = self.record(Change::TransferOpened(TransferOpened {
            user: user_of(image),
            number,
            request,
            image_id: Bytes::copy_from_slice(image_id.as_bytes()),
            image_bytes,
            block_bytes,
            manufacturer_image_hash: Bytes::copy_from_slice(manufacturer_image_hash.as_bytes()),
            firmware_version: firmware_version.get(),
            ota_header,
            devices: self.devices_of(image).map(device).collect(),
            expire_us: self.at_us + 7 * DAY_US,
            warn_us: self.at_us + 6 * DAY_US,
            ..TransferOpened::default()
        }));
        self.record(Change::TransferEnded(TransferEnded {
            owner,
            end: TransferEnd::Stored.into(),
            ..TransferEnded::default()
        }));
    }

    fn devices_of(&self, image: u64) -> std::ops::Range<u64> {
        image * self.devices_of_image..(image + 1) * self.devices_of_image
    }

    fn send(&mut self, image: u64, manifest: &Manifest, parked: bool) {
        let devices = self.devices_of(image);
        let devices = devices.filter(|it| (Fate::of(*it) == Fate::Parked) == parked);
        let devices: Vec<u64> = devices.collect();
        if devices.is_empty() {
            return;
        }
        let ahead = if parked { 1 } else { 0 };
        let day_start_us = DAY_START_US + i64::from(ahead) * DAY_US;
        let trt_start_us = day_start_us.max(self.at_us + 1);
        let number = next(&mut self.batches_of, image);
        let request = self.request();
        self.record(Change::BatchAccepted(BatchAccepted {
            user: user_of(image),
            number,
            request,
            image_id: Bytes::copy_from_slice(manifest.image_id().as_bytes()),
            devices: devices.iter().copied().map(device).collect(),
            service_date: DATE + ahead,
            day_start_us,
            trt_start_us,
            due_us: trt_start_us + 5 * DAY_US,
            predicted_release_us: trt_start_us,
            predicted_completion_us: trt_start_us,
            signed_request: Bytes::new(),
            originator_counter: None,
            ..BatchAccepted::default()
        }));
        let first = self.activations;
        for (activation, device) in (first..).zip(&devices) {
            self.activations += 1;
            self.live(activation, *device, manifest);
        }
    }

    fn live(&mut self, activation: u32, device: u64, manifest: &Manifest) {
        let fate = Fate::of(device);
        if matches!(fate, Fate::Queued | Fate::Parked) {
            return;
        }
        self.record(Change::Released(Released {
            lent: false,
            security: false,
            activation,
            attempt: 1,
            charged_date: manifest.is_large().then_some(DATE),
            answer_by_us: self.at_us + DAY_US,
            gateway: gateway_of(device),
            read_version_first: false,
            id: None,
        }));
        let ended = AttemptEnded {
            activation,
            attempt: 1,
            outcome: Outcome::Success.number(),
            running_version: Some(2),
            device_image_hash: Bytes::copy_from_slice(
                manifest.manufacturer_image_hash().as_bytes(),
            ),
            ..AttemptEnded::default()
        };
        match fate {
            Fate::Ended => drop(self.record(Change::AttemptEnded(ended))),
            Fate::RetryWait => {
                let failed = AttemptEnded {
                    outcome: Outcome::FileTransferFailure.number(),
                    retry_us: Some(self.at_us + HOUR_US + SECOND_US),
                    running_version: None,
                    device_image_hash: Bytes::new(),
                    ..ended
                };
                self.record(Change::AttemptEnded(failed));
            }
            _ => {}
        }
    }
}

fn next(numbers: &mut [u64; 5], image: u64) -> u64 {
    let number = &mut numbers[usize::try_from(image % USERS).expect("few")];
    *number += 1;
    *number
}

fn device(number: u64) -> u64 {
    // As they come from many makers: not in the order in which they are used.
    0x00DB_0000_0000_0000 + number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (1 << 40)
}

fn user_of(image: u64) -> u64 {
    0x90B3_D51F_3001_0000 + image % USERS
}

fn gateway_of(device: u64) -> u64 {
    0x90B3_D51F_3000_1000 + device / 30 % GATEWAYS
}

fn octets(number: u64) -> Bytes {
    let mut octets = [0x5A; 32];
    octets[..8].copy_from_slice(&number.to_le_bytes());
    Bytes::copy_from_slice(&octets)
}
