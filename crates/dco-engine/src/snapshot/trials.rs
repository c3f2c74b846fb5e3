//! How the last attempts with each image ended.

use dco_block::ManufacturerImageHash;

use super::Why;
use crate::state::trials::{self as state, TRIALS_MAX};

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
}

impl Trials {
    pub(super) fn of(trials: &state::Trials) -> Self {
        let state::Trials { by_image } = trials;
        let images = by_image.iter().map(|(hash, failed)| Image {
            manufacturer_image_hash: hash.as_bytes().to_vec(),
            failed: failed.iter().copied().collect(),
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
            trials.by_image.insert(hash, image.failed.into());
        }
        Ok(trials)
    }
}
