//! What records of transfers change.

use dco_block::Eui64;
use dco_schedule::Micros;

use super::Why;
use crate::engine::{Engine, Seq};
use crate::record::{TransferEnded, TransferOpened, TransferRef};
use crate::state::requests::Made;
use crate::state::timers::Deadline;

impl Engine {
    pub(super) fn apply_transfer_opened(
        &mut self,
        seq: Seq,
        at_us: Micros,
        record: &TransferOpened,
    ) -> Result<(), Why> {
        self.transfers
            .opened(seq, at_us, record)
            .ok_or("its manifest is not valid")?;
        self.deadlines
            .set(record.warn_us, Deadline::WarnTransfer { owner: seq });
        self.deadlines
            .set(record.expire_us, Deadline::ExpireTransfer { owner: seq });
        let user = Eui64::from_bits(record.user);
        self.requests
            .remember(user, record.request.as_ref(), Made::Transfer(seq));
        Ok(())
    }

    pub(super) fn apply_transfer_warned(&mut self, at_us: Micros, record: &TransferRef) {
        self.transfers.warned(record.owner, at_us);
    }

    pub(super) fn apply_transfer_ended(&mut self, at_us: Micros, record: &TransferEnded) {
        self.transfers.ended(at_us, record);
        let Some(transfer) = self.transfers.get(record.owner) else {
            return;
        };
        let owner = record.owner;
        self.deadlines
            .clear(transfer.warn_us, Deadline::WarnTransfer { owner });
        self.deadlines
            .clear(transfer.expire_us, Deadline::ExpireTransfer { owner });
        let user = transfer.user;
        self.requests
            .remember(user, record.request.as_ref(), Made::Transfer(owner));
    }
}
