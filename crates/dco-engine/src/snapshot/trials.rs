//! How the last attempts with each image ended.

use std::collections::VecDeque;

use dco_block::ManufacturerImageHash;

use super::Why;
use crate::state::trials::{self as state, NO_DEVICE, TRIALS_MAX, Trial};

/// Image by image.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Trials {
    #[prost(message, repeated, tag = "1")]
    images: Vec<Image>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Image {
    /// 32 octets.
    #[prost(bytes = "vec", tag = "1")]
    manufacturer_image_hash: Vec<u8>,
    /// Whether each attempt failed, the oldest first.
    #[prost(bool, repeated, tag = "2")]
    failed: Vec<bool>,
    /// The Device of each, by number; none in a snapshot older than this.
    #[prost(uint32, repeated, tag = "3")]
    devices: Vec<u32>,
    /// The number of each attempt.
    #[prost(uint32, repeated, tag = "4")]
    attempts: Vec<u32>,
}

impl Trials {
    pub(super) fn of(trials: &state::Trials) -> Self {
        let state::Trials { by_image } = trials;
        let images = by_image.iter().map(|(hash, trials)| Image {
            manufacturer_image_hash: hash.as_bytes().to_vec(),
            failed: trials.iter().map(|it| it.failed).collect(),
            devices: trials.iter().map(|it| it.device).collect(),
            attempts: trials.iter().map(|it| it.attempt.into()).collect(),
        });
        Self {
            images: images.collect(),
        }
    }

    pub(super) fn load(self) -> Result<state::Trials, Why> {
        let mut trials = state::Trials::default();
        for image in self.images {
            let hash = ManufacturerImageHash::try_from(image.manufacturer_image_hash.as_slice());
            let hash = hash.map_err(|_| "an image with attempts has no Manufacturer Image Hash")?;
            if image.failed.len() > TRIALS_MAX {
                return Err("more attempts with an image are remembered than are looked at");
            }
            trials.by_image.insert(hash, image.load()?);
        }
        Ok(trials)
    }
}

impl Image {
    fn load(self) -> Result<VecDeque<Trial>, Why> {
        let unnamed = |it: Vec<u32>, none| {
            if it.is_empty() {
                vec![none; self.failed.len()]
            } else {
                it
            }
        };
        let (devices, attempts) = (unnamed(self.devices, NO_DEVICE), unnamed(self.attempts, 0));
        if [devices.len(), attempts.len()] != [self.failed.len(); 2] {
            return Err("its attempts with an image have columns of different lengths");
        }
        let named = devices.into_iter().zip(attempts);
        let trials = named.zip(&self.failed).map(|((device, attempt), failed)| {
            let attempt =
                u16::try_from(attempt).map_err(|_| "an attempt with an image is out of range")?;
            Ok(Trial {
                device,
                attempt,
                failed: *failed,
            })
        });
        trials.collect()
    }
}
