//! What records of transfers change.

use dco_block::Eui64;
use dco_schedule::Micros;

use super::Why;
use crate::engine::{Engine, Seq};
use crate::record::{TransferEnded, TransferOpened, TransferRef};
use crate::state::requests::Made;
use crate::state::timers::Deadline;
use crate::view::TransferState;

impl Engine {
    pub(super) fn apply_transfer_opened(
        &mut self,
        seq: Seq,
        at_us: Micros,
        record: &TransferOpened,
    ) -> Result<(), Why> {
        self.transfers
            .opened(seq, at_us, record)
            .ok_or("its manifest is not valid, or its number is used")?;
        self.deadlines
            .set(record.warn_us, Deadline::WarnTransfer { owner: seq });
        self.deadlines
            .set(record.expire_us, Deadline::ExpireTransfer { owner: seq });
        let user = Eui64::from_bits(record.user);
        self.requests
            .remember(user, record.request.as_ref(), Made::Transfer(seq))
    }

    pub(super) fn apply_transfer_warned(&mut self, at_us: Micros, record: &TransferRef) {
        let owner = record.owner;
        self.transfers.warned(owner, at_us);
        if let Some(transfer) = self.transfers.get(owner) {
            let (user, number, expire_us) = (transfer.user, transfer.number, transfer.expire_us);
            self.deadlines
                .clear(transfer.warn_us, Deadline::WarnTransfer { owner });
            self.note_transfer(user, at_us, (number, expire_us));
        }
    }

    pub(super) fn apply_transfer_ended(
        &mut self,
        at_us: Micros,
        record: &TransferEnded,
    ) -> Result<(), Why> {
        let state = TransferState::of_end(record.end()).ok_or("its end is not known")?;
        let owner = record.owner;
        let differs = self.transfers.differs_from_image(owner).is_some();
        if state == TransferState::Stored && differs {
            return Err("its manifest is not that of the stored image");
        }
        let transfer = self
            .transfers
            .ended(at_us, state, record)
            .ok_or("there is no such transfer, or it has ended")?;
        self.deadlines
            .clear(transfer.warn_us, Deadline::WarnTransfer { owner });
        self.deadlines
            .clear(transfer.expire_us, Deadline::ExpireTransfer { owner });
        let user = transfer.user;
        self.requests
            .remember(user, record.request.as_ref(), Made::Transfer(owner))
    }
}
