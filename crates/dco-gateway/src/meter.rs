//! A simulated meter: what it runs, what it is receiving, and what it answers.
//!
//! The state machine is that of the image transfer of DLMS/COSEM (class 18) with the activation
//! order of GBCS CS06: initiate, receive in order, verify, activate by hash. A meter that is asked
//! for something out of order says so and changes nothing.

use bytes::Bytes;
use dco_block::{
    Eui64, FirmwareVersion, ImageId, Manifest, ManufacturerImageHash, OtaImage, RejectOta,
};

/// What a meter runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its firmware version, as SRV 11.2 would read it.
    pub firmware_version: FirmwareVersion,
    /// The SHA-256 of the Manufacturer Image it was activated with, as the meter computed it;
    /// none for the firmware it left the factory with.
    pub manufacturer_image_hash: Option<ManufacturerImageHash>,
}

/// What is broken inside a meter, so that it fails at one point of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Its hardware is not one that the image is for.
    OtherHardware,
    /// Its storage damages the start of the image: what it holds is no OTA Upgrade Image.
    DamagesHeader,
    /// Its storage damages the Manufacturer Image: the hash it computes is another one.
    DamagesImage,
    /// It forgets the image between verifying and activating it.
    ForgetsImage,
    /// The new firmware does not start, and the meter returns to what it ran.
    FailsActivation,
}

/// Why a meter will not begin to receive an image. Nothing of the image went to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefuseInitiate {
    #[error("the meter runs firmware version {running} already")]
    AlreadyAtVersion { running: FirmwareVersion },
    #[error("the image is not for hardware version {hardware_version} of this meter")]
    HardwareVersionMismatch { hardware_version: u16 },
}

/// Why a meter did not take a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefuseBlock {
    #[error("the meter receives no image; initiate the transfer first")]
    NotReceiving,
    #[error("the meter was given block {index} and goes on with block {first_missing}")]
    OutOfOrder { index: u32, first_missing: u32 },
    #[error("block {index} must have {expected_bytes} bytes and has {actual_bytes}")]
    LengthInvalid {
        index: u32,
        expected_bytes: u32,
        actual_bytes: usize,
    },
}

/// Why what a meter holds is not a whole image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefuseVerify {
    #[error("the meter receives no image; initiate the transfer first")]
    NotReceiving,
    #[error("the meter has {first_missing} of {block_count} blocks; send the rest first")]
    Incomplete {
        first_missing: u32,
        block_count: u32,
    },
    #[error("the meter has discarded the image: {0}")]
    Discarded(RejectOta),
}

/// Why a meter does not run an image after it was told to activate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefuseActivate {
    #[error("the meter holds no verified image")]
    NoImageHeld,
    #[error("the meter computed SHA-256 {computed} and was told to activate {named}")]
    HashMismatch {
        named: ManufacturerImageHash,
        computed: ManufacturerImageHash,
    },
    #[error("the new firmware did not start; the meter still runs {running}")]
    ActivationFailure { running: FirmwareVersion },
}

/// A simulated meter.
#[derive(Clone, Debug)]
pub struct Meter {
    device: Eui64,
    hardware_version: u16,
    running: Running,
    pending: Pending,
    defect: Option<Defect>,
}

/// The image that a meter does not run yet.
#[derive(Clone, Debug)]
enum Pending {
    None,
    Receiving {
        manifest: Manifest,
        blocks: Vec<Bytes>,
    },
    // The bytes are given up here: thousands of meters wait for their activation.
    Verified(Verified),
}

#[derive(Clone, Copy, Debug)]
struct Verified {
    image_id: ImageId,
    block_count: u32,
    firmware_version: FirmwareVersion,
    computed: ManufacturerImageHash,
}

impl Meter {
    /// A meter as installed, running the firmware it came with.
    pub fn new(device: Eui64, hardware_version: u16, firmware_version: FirmwareVersion) -> Self {
        Self {
            device,
            hardware_version,
            running: Running {
                firmware_version,
                manufacturer_image_hash: None,
            },
            pending: Pending::None,
            defect: None,
        }
    }

    /// Its name.
    pub fn device(&self) -> Eui64 {
        self.device
    }

    /// What it runs.
    pub fn running(&self) -> Running {
        self.running
    }

    /// Makes it run something else, as if it had been brought there by other means.
    pub fn set_running(&mut self, running: Running) {
        self.running = running;
        self.pending = Pending::None;
    }

    /// Breaks it, or mends it with `None`, from now on.
    pub fn set_defect(&mut self, defect: Option<Defect>) {
        self.defect = defect;
    }

    /// Prepares it for an image and says with which block to begin: the first missing one if it
    /// holds a part of this very image, the block count if it holds all of it. Another image that
    /// it was receiving is lost.
    pub fn initiate(&mut self, manifest: &Manifest) -> Result<u32, RefuseInitiate> {
        let running = self.running.firmware_version;
        if running == manifest.firmware_version() {
            return Err(RefuseInitiate::AlreadyAtVersion { running });
        }
        if !self.is_hardware_for(manifest) {
            let hardware_version = self.hardware_version;
            return Err(RefuseInitiate::HardwareVersionMismatch { hardware_version });
        }
        if !self.pending.is_of(manifest) {
            self.pending = Pending::Receiving {
                manifest: manifest.clone(),
                blocks: Vec::new(),
            };
        }
        Ok(self.pending.first_missing())
    }

    /// Takes a block. It must be the first missing one; an earlier one again is taken as it was.
    /// Says which block comes next.
    pub fn receive(&mut self, index: u32, data: Bytes) -> Result<u32, RefuseBlock> {
        let first_missing = self.pending.first_missing();
        let Pending::Receiving { manifest, blocks } = &mut self.pending else {
            return Err(RefuseBlock::NotReceiving);
        };
        if index < first_missing {
            return Ok(first_missing);
        }
        let expected_bytes = manifest
            .block_len(index)
            .filter(|_| index == first_missing)
            .ok_or(RefuseBlock::OutOfOrder {
                index,
                first_missing,
            })?;
        let actual_bytes = data.len();
        if actual_bytes != expected_bytes as usize {
            return Err(RefuseBlock::LengthInvalid {
                index,
                expected_bytes,
                actual_bytes,
            });
        }
        blocks.push(data);
        Ok(first_missing + 1)
    }

    /// Looks at the whole image that it holds and computes the SHA-256 of the Manufacturer Image.
    /// What is no image is discarded. Once verified, it says the same again.
    pub fn verify(&mut self) -> Result<ManufacturerImageHash, RefuseVerify> {
        let (manifest, blocks) = match &self.pending {
            Pending::None => return Err(RefuseVerify::NotReceiving),
            Pending::Verified(verified) => return Ok(verified.computed),
            Pending::Receiving { manifest, blocks } => (manifest, blocks),
        };
        let (first_missing, block_count) = (self.pending.first_missing(), manifest.block_count());
        if first_missing < block_count {
            return Err(RefuseVerify::Incomplete {
                first_missing,
                block_count,
            });
        }
        match OtaImage::parse(&self.read_back(blocks)) {
            Ok(image) => {
                let computed = image.manufacturer_image_hash();
                self.pending = Pending::Verified(Verified {
                    image_id: manifest.image_id(),
                    block_count,
                    firmware_version: image.header().file_version,
                    computed,
                });
                Ok(computed)
            }
            Err(reason) => {
                self.pending = Pending::None;
                Err(RefuseVerify::Discarded(reason))
            }
        }
    }

    /// Runs the image it has verified, if that is the one named. In the order of CS06: is an image
    /// held, is its hash the one named, does it start. A failure discards the image.
    pub fn activate(&mut self, named: ManufacturerImageHash) -> Result<Running, RefuseActivate> {
        // An image that is still being received stays: it only is not complete yet.
        if matches!(self.pending, Pending::Receiving { .. }) {
            return Err(RefuseActivate::NoImageHeld);
        }
        let held = std::mem::replace(&mut self.pending, Pending::None);
        let verified = match held {
            Pending::Verified(verified) if self.defect != Some(Defect::ForgetsImage) => verified,
            _ => return Err(RefuseActivate::NoImageHeld),
        };
        let computed = verified.computed;
        if computed != named {
            return Err(RefuseActivate::HashMismatch { named, computed });
        }
        if self.defect == Some(Defect::FailsActivation) {
            let running = self.running.firmware_version;
            return Err(RefuseActivate::ActivationFailure { running });
        }
        self.running = Running {
            firmware_version: verified.firmware_version,
            manufacturer_image_hash: Some(computed),
        };
        Ok(self.running)
    }

    fn is_hardware_for(&self, manifest: &Manifest) -> bool {
        let fits = manifest
            .header()
            .hardware_versions
            .is_none_or(|range| (range.min..=range.max).contains(&self.hardware_version));
        fits && self.defect != Some(Defect::OtherHardware)
    }

    /// The image as its storage gives it back.
    fn read_back(&self, blocks: &[Bytes]) -> Bytes {
        let mut image = blocks.concat();
        let damaged = match self.defect {
            Some(Defect::DamagesHeader) => image.first_mut(),
            Some(Defect::DamagesImage) => middle_of_manufacturer_image(&mut image),
            _ => None,
        };
        if let Some(octet) = damaged {
            *octet ^= 0x01;
        }
        image.into()
    }
}

impl Pending {
    fn is_of(&self, manifest: &Manifest) -> bool {
        match self {
            Self::None => false,
            Self::Receiving { manifest: held, .. } => held == manifest,
            Self::Verified(verified) => {
                verified.image_id == manifest.image_id()
                    && verified.block_count == manifest.block_count()
            }
        }
    }

    fn first_missing(&self) -> u32 {
        match self {
            Self::None => 0,
            Self::Receiving { blocks, .. } => {
                u32::try_from(blocks.len()).expect("no more blocks are taken than the image has")
            }
            Self::Verified(verified) => verified.block_count,
        }
    }
}

fn middle_of_manufacturer_image(image: &mut [u8]) -> Option<&mut u8> {
    let parsed = OtaImage::parse(&Bytes::copy_from_slice(image)).ok()?;
    let middle = parsed.header_bytes().len() + parsed.manufacturer_image().len() / 2;
    image.get_mut(middle)
}

#[cfg(test)]
mod tests;
