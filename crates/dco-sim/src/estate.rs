//! Who and what there is in a simulated world.

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, Manifest, OtaHeader, limits, split, wrap};
use dco_engine::{
    AttemptTerms, BreakerTerms, DeviceEntry, HOUR_US, RetryRule, RetryTerms, SECOND_US,
    ScheduleTerms, StopTerms, Terms, TransferTerms,
};
use dco_schedule::{HourProfile, Micros, Reserve};
use dco_store::Options;

use crate::dice::Dice;

/// An image that Users send.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) bytes: Bytes,
    pub(crate) manifest: Arc<Manifest>,
    /// The CRC-32 of each block.
    pub(crate) crcs: Arc<[u32]>,
}

/// Everything that does not change in one run, but for the capacity.
#[derive(Debug)]
pub(crate) struct Estate {
    pub(crate) terms: Terms,
    pub(crate) store: Options,
    pub(crate) start_us: Micros,
    pub(crate) operator: Eui64,
    pub(crate) users: Vec<Eui64>,
    pub(crate) gateways: Vec<Eui64>,
    pub(crate) images: Vec<Image>,
    pub(crate) devices: Vec<DeviceEntry>,
}

/// The officers of the Service Desk.
pub(crate) const OFFICERS: [Eui64; 3] = [
    Eui64::from_bits(0x0F01),
    Eui64::from_bits(0x0F02),
    Eui64::from_bits(0x0F03),
];

/// What every Device runs in the beginning.
pub(crate) const FIRST_VERSION: FirmwareVersion = FirmwareVersion::new(1);

const MINUTE_US: Micros = 60 * SECOND_US;

impl Estate {
    /// What a seed draws.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let users = named(0x1000, dice.small(1..=3));
        let gateways = named(0x2000, dice.small(1..=3));
        let devices = users
            .iter()
            .zip(0..)
            .flat_map(|(user, nth)| {
                let count = dice.small(3..=10);
                named(0x10_000 + nth * 0x100, count)
                    .into_iter()
                    .map(|device| entry(device, *user, gateways[dice.index(gateways.len())]))
                    .collect::<Vec<_>>()
            })
            .collect();
        Self {
            terms: terms(dice),
            store: store(dice),
            start_us: start_us(dice),
            operator: Eui64::from_bits(0x0FFF),
            images: images(dice),
            users,
            gateways,
            devices,
        }
    }

    /// The Devices registered to a User.
    pub(crate) fn devices_of(&self, user: Eui64) -> Vec<Eui64> {
        let own = self.devices.iter().filter(|entry| entry.user == user);
        own.map(|entry| entry.device).collect()
    }
}

fn named(first: u64, count: u32) -> Vec<Eui64> {
    (first..first + u64::from(count))
        .map(Eui64::from_bits)
        .collect()
}

fn entry(device: Eui64, user: Eui64, gateway: Eui64) -> DeviceEntry {
    DeviceEntry {
        device,
        user,
        gateway,
        manufacturer: "Maker".to_owned(),
        model: "Meter".to_owned(),
        hardware_version: 1,
        firmware_version: FIRST_VERSION,
    }
}

/// Small limits, so that a few dozen Devices meet all of them.
fn terms(dice: &mut Dice) -> Terms {
    Terms {
        capacity_per_day: dice.small(3..=20),
        allowance_per_day: dice.small(2..=8),
        hour_profile: hour_profile(dice),
        burst: dice.small(1..=4),
        trt_us: 120 * HOUR_US,
        days_ahead_max: 10,
        schedules: schedules(dice),
        transfer: TransferTerms {
            expire_after_us: dice.between(2..=72) * HOUR_US,
            warn_before_us: dice.between(1..=24) * HOUR_US,
            verify_again_us: dice.between(1..=60) * MINUTE_US,
            room_again_us: MINUTE_US,
        },
        attempt: AttemptTerms {
            answer_within_us: dice.between(2..=24) * HOUR_US,
            no_progress_us: dice.between(1..=6) * HOUR_US,
            hello_within_us: dice.between(10..=180) * MINUTE_US,
            expected_us: HOUR_US,
            per_gateway_max: dice.small(1..=20),
        },
        retry: RetryTerms {
            transfer: retry(dice),
            activation: retry(dice),
            unknown: retry(dice),
            jitter_percent: 20,
        },
        breaker: breaker(dice),
        stop: stop(dice),
        ..Terms::default()
    }
}

fn schedules(dice: &mut Dice) -> ScheduleTerms {
    ScheduleTerms {
        reserve: Reserve {
            allowance: dice.small(0..=3),
            security: dice.small(0..=3),
            retry_permille: dice.small(0..=100),
        },
        answer_us_min: dice.between(1..=24) * HOUR_US,
        pending_us: dice.between(6..=72) * HOUR_US,
        ..ScheduleTerms::default()
    }
}

fn breaker(dice: &mut Dice) -> Option<BreakerTerms> {
    let terms = BreakerTerms {
        failures: dice.small(1..=5),
        probe_after_us: dice.between(10..=120) * MINUTE_US,
    };
    dice.chance(500).then_some(terms)
}

fn stop(dice: &mut Dice) -> Option<StopTerms> {
    let terms = StopTerms {
        attempts: dice.small(1..=5),
        failed_percent: dice.small(20..=80),
    };
    dice.chance(500).then_some(terms)
}

fn retry(dice: &mut Dice) -> RetryRule {
    RetryRule {
        attempts_max: u16::try_from(dice.small(1..=5)).expect("it is at most 5"),
        backoff_us: dice.between(1..=90) * MINUTE_US,
    }
}

fn hour_profile(dice: &mut Dice) -> HourProfile {
    if dice.chance(500) {
        return HourProfile::flat();
    }
    let weights = std::array::from_fn(|_| u16::try_from(dice.below(4)).expect("it is below 4"));
    HourProfile::new(weights).unwrap_or_else(|_| HourProfile::flat())
}

fn store(dice: &mut Dice) -> Options {
    Options {
        block_segment_bytes: dice.below(900_000) + 10_000,
        journal_segment_bytes: dice.below(30_000) + 1_000,
        salt: dice.any(),
        ..Options::default()
    }
}

/// Any instant of a year, or, in half of all runs, an hour or a day before the clocks change.
fn start_us(dice: &mut Dice) -> Micros {
    // 2026-03-29 01:00Z and 2026-10-25 01:00Z.
    const CHANGES_US: [Micros; 2] = [1_774_746_000_000_000, 1_792_890_000_000_000];
    if dice.chance(500) {
        let change_us = CHANGES_US[dice.index(CHANGES_US.len())];
        return change_us - dice.between(MINUTE_US..=36 * HOUR_US);
    }
    CHANGES_US[0] + dice.between(0..=365 * 24 * HOUR_US)
}

fn images(dice: &mut Dice) -> Vec<Image> {
    let large = 760_000;
    let mut images = vec![
        image(dice, 2, large, 256 * 1024),
        image(dice, 3, 9_000, 1_024),
    ];
    if dice.chance(300) {
        images.push(image(dice, 4, large, limits::BLOCK_BYTES_MAX));
    }
    if dice.chance(500) {
        images.push(image(dice, 5, 3_000, 2_048));
    }
    images
}

/// An image with a firmware of so many octets, drawn and repeated.
pub(crate) fn image(
    dice: &mut Dice,
    version: u32,
    firmware_bytes: usize,
    block_bytes: u32,
) -> Image {
    let header = OtaHeader {
        manufacturer_code: 0x109C,
        image_type: 0x21,
        file_version: FirmwareVersion::new(version),
        stack_version: 2,
        header_string: *b"A single phase electricity meter",
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let unit: Vec<u8> = (0..64).flat_map(|_| dice.any().to_le_bytes()).collect();
    let firmware: Vec<u8> = unit.iter().copied().cycle().take(firmware_bytes).collect();
    let bytes = wrap(header, &firmware, &[7; 64]);
    let manifest = Manifest::of_image(&bytes, block_bytes)
        .expect("an image wrapped here, with a block size within the limits");
    Image {
        crcs: split(&bytes, block_bytes).map(|raw| raw.crc32).collect(),
        bytes,
        manifest: Arc::new(manifest),
    }
}
