//! Canaries of each image under each schedule, and of batches.

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
    /// The number of a batch that has them; 0 where a schedule does.
    #[prost(uint64, tag = "110")]
    batch: u64,
}

impl Canaries {
    pub(super) fn of(canaries: &state::Canaries) -> Self {
        let state::Canaries { groups } = canaries;
        let groups = groups.iter().map(|(group, canary)| {
            let Canary {
                wanted,
                from,
                first,
                succeeded,
                failed,
                passed,
            } = canary;
            Group {
                wanted: *wanted,
                from: *from,
                first: first.iter().copied().collect(),
                succeeded: *succeeded,
                failed: *failed,
                passed: *passed,
                ..Group::of(*group)
            }
        });
        Self {
            groups: groups.collect(),
        }
    }

    pub(super) fn load(self) -> Result<state::Canaries, Why> {
        let mut canaries = state::Canaries::default();
        for group in self.groups {
            let name = group.name()?;
            let canary = Canary {
                wanted: group.wanted,
                from: group.from,
                first: group.first.into_iter().collect(),
                succeeded: group.succeeded,
                failed: group.failed,
                passed: group.passed,
            };
            if canaries.groups.insert(name, canary).is_some() {
                return Err("an image under one schedule, or a batch, has canaries twice");
            }
        }
        Ok(canaries)
    }
}

impl Group {
    fn of(group: state::Group) -> Self {
        match group {
            state::Group::Schedule(schedule, hash) => Self {
                user: schedule.user.bits(),
                schedule: schedule.number,
                manufacturer_image_hash: hash.as_bytes().to_vec(),
                ..Self::default()
            },
            state::Group::Batch { user, number } => Self {
                user: user.bits(),
                batch: number,
                ..Self::default()
            },
        }
    }

    fn name(&self) -> Result<state::Group, Why> {
        let user = Eui64::from_bits(self.user);
        if self.batch > 0 {
            let number = self.batch;
            return Ok(state::Group::Batch { user, number });
        }
        let hash = ManufacturerImageHash::try_from(self.manufacturer_image_hash.as_slice());
        let hash = hash.map_err(|_| "canaries are of no image")?;
        let number = self.schedule;
        Ok(state::Group::Schedule(ScheduleId { user, number }, hash))
    }
}
