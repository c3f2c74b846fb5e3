//! What records change that the decision log alone needs.

use dco_schedule::ServiceDate;

use super::Why;
use crate::engine::{Engine, Seq};
use crate::record::{CheckpointMade, Refused};

impl Engine {
    pub(super) fn apply_checkpoint(
        &mut self,
        seq: Seq,
        record: &CheckpointMade,
    ) -> Result<(), Why> {
        let date = Some(ServiceDate::from_days(record.date));
        if self.checkpoints.signed >= date {
            return Err("it signs a service day that is signed already");
        }
        if record.seq >= seq || record.chain.len() != 32 {
            return Err("it signs what is not before it");
        }
        self.checkpoints.signed = date;
        Ok(())
    }
}

/// No rule rests on what was refused.
pub(super) fn apply_refused(record: &Refused) -> Result<(), Why> {
    if record.calls.is_empty() {
        return Err("it refuses nothing");
    }
    Ok(())
}
