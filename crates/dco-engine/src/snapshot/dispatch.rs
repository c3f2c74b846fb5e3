//! Whether anything is released, and how attempts are numbered.

use std::collections::BTreeMap;

use dco_block::Eui64;

use super::Why;
use crate::event::Scope;
use crate::record::PauseChanged;
use crate::state::dispatch::{self as state, EPOCH_MAX};

/// What is true of all releases.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Dispatch {
    #[prost(message, optional, tag = "1")]
    pause: Option<Pause>,
    #[prost(uint32, tag = "2")]
    epoch: u32,
    /// Those of a part of the releases.
    #[prost(message, repeated, tag = "68")]
    of_parts: Vec<PauseOfPart>,
}

/// A pause in force of all releases.
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

/// A pause in force of a part.
#[derive(Clone, PartialEq, prost::Message)]
struct PauseOfPart {
    #[prost(int64, tag = "1")]
    since_us: i64,
    #[prost(message, optional, tag = "2")]
    paused: Option<PauseChanged>,
}

impl Dispatch {
    pub(super) fn of(dispatch: &state::Dispatch) -> Self {
        let state::Dispatch { pauses, epoch } = dispatch;
        let mut columns = Self {
            epoch: (*epoch).into(),
            ..Self::default()
        };
        for (scope, pause) in pauses {
            let state::Pause {
                since_us,
                by,
                ticket,
                reason,
                stop,
                untold,
            } = pause.clone();
            let by = by.map(Eui64::bits);
            if *scope == Scope::All {
                columns.pause = Some(Pause {
                    since_us,
                    by,
                    ticket,
                    reason,
                });
                continue;
            }
            let paused = PauseChanged {
                by: by.unwrap_or(0),
                ticket,
                reason,
                stop,
                untold,
                ..PauseChanged::of(*scope)
            };
            columns.of_parts.push(PauseOfPart {
                since_us,
                paused: Some(paused),
            });
        }
        columns
    }

    pub(super) fn load(self) -> Result<state::Dispatch, Why> {
        let epoch = u16::try_from(self.epoch).ok();
        let epoch = epoch.filter(|epoch| *epoch <= EPOCH_MAX);
        let mut pauses = BTreeMap::new();
        if let Some(pause) = self.pause {
            let of_all = state::Pause {
                since_us: pause.since_us,
                by: pause.by.map(Eui64::from_bits),
                ticket: pause.ticket,
                reason: pause.reason,
                stop: None,
                untold: false,
            };
            pauses.insert(Scope::All, of_all);
        }
        for part in self.of_parts {
            let (scope, pause) = part
                .load()
                .ok_or("a pause is of nothing that can be paused")?;
            if pauses.insert(scope, pause).is_some() {
                return Err("a part of the releases is paused twice");
            }
        }
        Ok(state::Dispatch {
            pauses,
            epoch: epoch.ok_or("its epoch is higher than attempts have numbers for")?,
        })
    }
}

impl PauseOfPart {
    fn load(self) -> Option<(Scope, state::Pause)> {
        let paused = self.paused?;
        let scope = paused.of_what()?;
        let pause = state::Pause {
            since_us: self.since_us,
            by: (paused.by != 0).then(|| Eui64::from_bits(paused.by)),
            ticket: paused.ticket,
            reason: paused.reason,
            stop: paused.stop,
            untold: paused.untold,
        };
        Some((scope, pause))
    }
}
