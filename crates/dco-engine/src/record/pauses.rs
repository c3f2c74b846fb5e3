//! Pauses, of all releases or of a part of them, and the stop rule's own.

use bytes::Bytes;
use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::ScheduleId;

use super::RequestKey;
use crate::event::Scope;

/// Releases paused, or resumed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PauseChanged {
    /// The officer; 0 when a rule paused.
    #[prost(fixed64, tag = "1")]
    pub by: u64,
    /// The request; none when a rule paused.
    #[prost(message, optional, tag = "2")]
    pub request: Option<RequestKey>,
    /// What of.
    #[prost(enumeration = "PauseScope", tag = "3")]
    pub scope: i32,
    /// Where it is written down.
    #[prost(string, tag = "4")]
    pub ticket: String,
    /// For a person.
    #[prost(string, tag = "5")]
    pub reason: String,
    /// The User, or the schedule's, or the batch's.
    #[prost(fixed64, tag = "68")]
    pub user: u64,
    /// 32 octets, for an image.
    #[prost(bytes = "bytes", tag = "69")]
    pub manufacturer_image_hash: Bytes,
    /// The gateway.
    #[prost(fixed64, tag = "70")]
    pub gateway: u64,
    /// The schedule's number.
    #[prost(uint32, tag = "71")]
    pub schedule: u32,
    /// What the rule found that paused.
    #[prost(message, optional, tag = "72")]
    pub stop: Option<StopFigures>,
    /// The batch's number.
    #[prost(uint64, tag = "110")]
    pub batch: u64,
    /// When the period began in which it counts as a warning that the Service Desk is told, where it does.
    #[prost(int64, optional, tag = "163")]
    pub period_start_us: Option<i64>,
    /// Only its User is told: Service Desk and operators were told of enough of this User in the period.
    #[prost(bool, tag = "164")]
    pub untold: bool,
}

/// What a rule found when it paused.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct StopFigures {
    /// The last Devices to which an attempt came through: each counts with the first that did.
    #[prost(uint32, tag = "1")]
    pub attempts: u32,
    /// How many of them failed.
    #[prost(uint32, tag = "2")]
    pub failed: u32,
}

/// The circuit breaker of a gateway opened, or closed.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct BreakerChanged {
    /// Which.
    #[prost(fixed64, tag = "1")]
    pub gateway: u64,
    /// When one attempt may try the gateway; absent when it has closed.
    #[prost(int64, optional, tag = "2")]
    pub probe_us: Option<i64>,
    /// Attempts in a row that failed there.
    #[prost(uint32, tag = "3")]
    pub failures: u32,
}

/// What a pause is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum PauseScope {
    /// Never written.
    Unspecified = 0,
    /// Every release.
    All = 1,
    /// Those of one User.
    User = 68,
    /// Those of one image, of all Users.
    Image = 69,
    /// Those through one gateway.
    Gateway = 70,
    /// Those under one schedule.
    Schedule = 71,
    /// Those of one batch.
    Batch = 110,
}

impl PauseChanged {
    /// A change of this, by nobody and without words.
    pub fn of(scope: Scope) -> Self {
        let of = |kind: PauseScope| Self {
            scope: kind.into(),
            ..Self::default()
        };
        match scope {
            Scope::All => of(PauseScope::All),
            Scope::User(user) => Self {
                user: user.bits(),
                ..of(PauseScope::User)
            },
            Scope::Image(hash) => Self {
                manufacturer_image_hash: Bytes::copy_from_slice(hash.as_bytes()),
                ..of(PauseScope::Image)
            },
            Scope::Gateway(gateway) => Self {
                gateway: gateway.bits(),
                ..of(PauseScope::Gateway)
            },
            Scope::Schedule(ScheduleId { user, number }) => Self {
                user: user.bits(),
                schedule: number,
                ..of(PauseScope::Schedule)
            },
            Scope::Batch { user, number } => Self {
                user: user.bits(),
                batch: number,
                ..of(PauseScope::Batch)
            },
        }
    }

    /// What it is of; `None` when nothing is named that can be paused.
    pub fn of_what(&self) -> Option<Scope> {
        Some(match self.scope() {
            PauseScope::Unspecified => return None,
            PauseScope::All => Scope::All,
            PauseScope::User => Scope::User(Eui64::from_bits(self.user)),
            PauseScope::Image => {
                let octets: [u8; 32] = self.manufacturer_image_hash.as_ref().try_into().ok()?;
                Scope::Image(ManufacturerImageHash::new(octets))
            }
            PauseScope::Gateway => Scope::Gateway(Eui64::from_bits(self.gateway)),
            PauseScope::Schedule => Scope::Schedule(ScheduleId {
                user: Eui64::from_bits(self.user),
                number: self.schedule,
            }),
            PauseScope::Batch => Scope::Batch {
                user: Eui64::from_bits(self.user),
                number: self.batch,
            },
        })
    }
}
