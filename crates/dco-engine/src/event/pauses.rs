//! What a pause is of.

use std::fmt;

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::ScheduleId;

/// The releases that a pause is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Every release.
    All,
    /// Those of one User.
    User(Eui64),
    /// Those of one image, of all Users.
    Image(ManufacturerImageHash),
    /// Those through one gateway.
    Gateway(Eui64),
    /// Those of work sent under one schedule.
    Schedule(ScheduleId<Eui64>),
    /// Those of one batch.
    Batch {
        /// Its User.
        user: Eui64,
        /// Its number.
        number: u64,
    },
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all releases"),
            Self::User(user) => write!(f, "releases of User {user}"),
            Self::Image(hash) => {
                write!(
                    f,
                    "releases of the image with Manufacturer Image Hash {hash}"
                )
            }
            Self::Gateway(gateway) => write!(f, "releases through gateway {gateway}"),
            Self::Schedule(ScheduleId { user, number }) => {
                write!(f, "releases under users/{user}/schedules/{number}")
            }
            Self::Batch { user, number } => {
                write!(f, "releases of users/{user}/batches/{number}")
            }
        }
    }
}
