//! Whether anything is released, and how attempts are numbered.

use dco_block::Eui64;

use super::Why;
use crate::state::dispatch::{self as state, EPOCH_MAX};

/// What is true of all releases.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Dispatch {
    #[prost(message, optional, tag = "1")]
    pause: Option<Pause>,
    #[prost(uint32, tag = "2")]
    epoch: u32,
}

/// A pause in force.
#[derive(Clone, PartialEq, prost::Message)]
struct Pause {
    #[prost(int64, tag = "1")]
    since_us: i64,
    /// None when the data come from a backup.
    #[prost(fixed64, optional, tag = "2")]
    by: Option<u64>,
    #[prost(string, tag = "3")]
    ticket: String,
    #[prost(string, tag = "4")]
    reason: String,
}

impl Dispatch {
    pub(super) fn of(dispatch: &state::Dispatch) -> Self {
        let state::Dispatch { pause, epoch } = dispatch;
        let pause = pause.as_ref().map(|pause| {
            let state::Pause {
                since_us,
                by,
                ticket,
                reason,
            } = pause;
            Pause {
                since_us: *since_us,
                by: by.map(Eui64::bits),
                ticket: ticket.clone(),
                reason: reason.clone(),
            }
        });
        Self {
            pause,
            epoch: (*epoch).into(),
        }
    }

    pub(super) fn load(self) -> Result<state::Dispatch, Why> {
        let epoch = u16::try_from(self.epoch).ok();
        let epoch = epoch.filter(|epoch| *epoch <= EPOCH_MAX);
        Ok(state::Dispatch {
            pause: self.pause.map(|pause| state::Pause {
                since_us: pause.since_us,
                by: pause.by.map(Eui64::from_bits),
                ticket: pause.ticket,
                reason: pause.reason,
            }),
            epoch: epoch.ok_or("its epoch is higher than attempts have numbers for")?,
        })
    }
}
