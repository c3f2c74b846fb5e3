//! Canaries of each image under each schedule.

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::ScheduleId;

use super::Why;
use crate::state::canaries::{self as state, Canary};

/// Group by group.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Canaries {
    #[prost(message, repeated, tag = "1")]
    groups: Vec<Group>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Group {
    #[prost(fixed64, tag = "1")]
    user: u64,
    #[prost(uint32, tag = "2")]
    schedule: u32,
    /// 32 octets.
    #[prost(bytes = "vec", tag = "3")]
    manufacturer_image_hash: Vec<u8>,
    #[prost(uint32, tag = "4")]
    wanted: u32,
    #[prost(uint32, tag = "5")]
    from: u32,
    #[prost(uint32, repeated, tag = "6")]
    first: Vec<u32>,
    #[prost(uint32, tag = "7")]
    succeeded: u32,
    #[prost(uint32, tag = "8")]
    failed: u32,
    #[prost(bool, tag = "9")]
    passed: bool,
}

impl Canaries {
    pub(super) fn of(canaries: &state::Canaries) -> Self {
        let state::Canaries { groups } = canaries;
        let groups = groups.iter().map(|((schedule, hash), canary)| {
            let Canary {
                wanted,
                from,
                first,
                succeeded,
                failed,
                passed,
            } = canary;
            Group {
                user: schedule.user.bits(),
                schedule: schedule.number,
                manufacturer_image_hash: hash.as_bytes().to_vec(),
                wanted: *wanted,
                from: *from,
                first: first.iter().copied().collect(),
                succeeded: *succeeded,
                failed: *failed,
                passed: *passed,
            }
        });
        Self {
            groups: groups.collect(),
        }
    }

    pub(super) fn load(self) -> Result<state::Canaries, Why> {
        let mut canaries = state::Canaries::default();
        for group in self.groups {
            let hash = ManufacturerImageHash::try_from(group.manufacturer_image_hash.as_slice());
            let hash = hash.map_err(|_| "canaries are of no image")?;
            let schedule = ScheduleId {
                user: Eui64::from_bits(group.user),
                number: group.schedule,
            };
            let canary = Canary {
                wanted: group.wanted,
                from: group.from,
                first: group.first.into_iter().collect(),
                succeeded: group.succeeded,
                failed: group.failed,
                passed: group.passed,
            };
            if canaries.groups.insert((schedule, hash), canary).is_some() {
                return Err("an image has canaries twice under one schedule");
            }
        }
        Ok(canaries)
    }
}
