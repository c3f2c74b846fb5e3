//! What records of transfers change.

use dco_block::Eui64;
use dco_schedule::Micros;

use super::Why;
use crate::engine::{Engine, Seq};
use crate::record::{Counted, TransferEnded, TransferOpened, TransferRef};
use crate::state::counts::request_bytes;
use crate::state::numbers::checked_number;
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
        checked_number(record.number)?;
        self.transfers
            .opened(seq, at_us, record)
            .ok_or("its manifest is not valid, or its number is used")?;
        self.deadlines
            .set(record.warn_us, Deadline::WarnTransfer { owner: seq });
        self.deadlines
            .set(record.expire_us, Deadline::ExpireTransfer { owner: seq });
        let user = Eui64::from_bits(record.user);
        self.counts.carried(user, record.originator_counter);
        if let Some(start_us) = record.period_start_us {
            let lists = [
                &record.devices,
                &record.invalid,
                &record.not_applicable_firmware,
            ];
            let named = lists.map(Vec::len).iter().sum();
            let bytes = request_bytes(record.signed_request.len(), named);
            self.counts.add(start_us, (Counted::Transfers, user), 1);
            self.counts
                .add(start_us, (Counted::RequestBytes, user), bytes);
        }
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
        if let Some(transfer) = self.transfers.get(owner) {
            let (user, image_id) = (transfer.user, transfer.manifest.image_id());
            self.unwatch_image(user, image_id);
        }
        let free_us = self.terms.retention.free_us(state, at_us);
        let stored = self
            .transfers
            .ended(at_us, (state, free_us), record)
            .ok_or("there is no such transfer, or it has ended")?;
        let transfer = self
            .transfers
            .get(owner)
            .ok_or("there is no such transfer")?;
        let (user, image_id) = (transfer.user, transfer.manifest.image_id());
        self.deadlines
            .clear(transfer.warn_us, Deadline::WarnTransfer { owner });
        self.deadlines
            .clear(transfer.expire_us, Deadline::ExpireTransfer { owner });
        self.watch_image(user, image_id);
        if state != TransferState::Stored && free_us > at_us {
            self.deadlines.set(free_us, Deadline::FreeBlocks { owner });
        }
        if stored.is_healed {
            self.image_healed(image_id);
        }
        self.requests
            .remember(user, record.request.as_ref(), Made::Transfer(owner))
    }
}
