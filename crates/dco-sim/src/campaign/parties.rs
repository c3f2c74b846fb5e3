//! Who takes part, and on which terms.

use dco_block::Eui64;
use dco_engine::{DeviceEntry, ScheduleTerms, Terms};
use dco_schedule::{Micros, Reserve};

use super::CampaignPlan;
use crate::dice::Dice;
use crate::estate::{FIRST_VERSION, Image, image};

/// The Users' parts of all Devices, in thousandths; the last one is too small for a schedule and takes what is left.
const PARTS: [u32; 4] = [360, 270, 200, 130];
const GATEWAYS: u64 = 20;
/// 2026-09-06T18:00Z, a Sunday evening; 49 days later the clocks go back.
pub(super) const START_US: Micros = 1_788_717_600_000_000;

/// A User.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub(super) user: Eui64,
    pub(super) devices: Vec<Eui64>,
    pub(super) image: Image,
    /// Whether it agrees a schedule.
    pub(super) agrees: bool,
}

pub(super) fn terms(plan: &CampaignPlan) -> Terms {
    let scaled = |of_12_000: u32| {
        let scaled = u64::from(of_12_000) * u64::from(plan.capacity_per_day) / 12_000;
        u32::try_from(scaled).unwrap_or(u32::MAX)
    };
    let reserve = Reserve {
        allowance: scaled(2_500),
        security: scaled(300),
        ..Reserve::default()
    };
    Terms {
        capacity_per_day: plan.capacity_per_day,
        allowance_per_day: scaled(500),
        schedules: ScheduleTerms {
            reserve,
            ..ScheduleTerms::default()
        },
        ..Terms::default()
    }
}

/// The Users, largest first.
pub(super) fn parties(plan: &CampaignPlan, dice: &mut Dice) -> Vec<Party> {
    let part = |part: u32| u64::from(plan.devices) * u64::from(part) / 1_000;
    let mut counts: Vec<u64> = PARTS.into_iter().map(part).collect();
    counts.push(u64::from(plan.devices) - counts.iter().sum::<u64>());
    let mut version = FIRST_VERSION.get();
    let mut party = |(nth, count): (u64, u64)| {
        version += 1;
        let first = (0x10 + nth) << 32;
        Party {
            user: Eui64::from_bits(0x1000 + nth),
            devices: (first..first + count).map(Eui64::from_bits).collect(),
            image: image(dice, version, 800_000, dco_block::limits::BLOCK_BYTES_MAX),
            agrees: nth < 4,
        }
    };
    (0..).zip(counts).map(&mut party).collect()
}

pub(super) fn gateways() -> impl Iterator<Item = Eui64> {
    (0x2000..0x2000 + GATEWAYS).map(Eui64::from_bits)
}

/// The inventory: each gateway reaches some Devices of everybody.
pub(super) fn inventory(parties: &[Party]) -> Vec<DeviceEntry> {
    let of_party = |party: &Party| {
        let user = party.user;
        let entry = move |(device, gateway)| DeviceEntry {
            device,
            user,
            gateway,
            manufacturer: "Maker".to_owned(),
            model: "Meter".to_owned(),
            hardware_version: 1,
            firmware_version: FIRST_VERSION,
        };
        let gateways: Vec<_> = gateways().collect();
        let devices = party.devices.clone();
        devices
            .into_iter()
            .zip(gateways.into_iter().cycle())
            .map(entry)
    };
    parties.iter().flat_map(of_party).collect()
}
