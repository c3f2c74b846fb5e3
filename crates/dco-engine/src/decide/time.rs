//! What time makes the engine decide.

use dco_block::Eui64;

use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::record::{Change, TransferEnd, TransferEnded, TransferRef};
use crate::state::timers::Deadline;
use crate::view::TransferState;

impl Engine {
    /// After a start every gateway is away; those with attempts under way get the time to come back. What followed
    /// of the last records may have been lost to the end of the journal.
    pub(crate) fn start(&mut self) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.gateways.meter_anew(self.now_us);
        self.set_trust();
        let receiving: Vec<u64> = self.transfers.receiving().collect();
        for owner in receiving {
            self.end_if_known(owner);
        }
        self.cancel_all_lost();
        self.stop_what_fails();
        self.warn_of_capacity_in_use();
        self.close_breakers_without_rule();
        let waiting: Vec<Eui64> = self
            .gateways
            .iter()
            .filter(|(_, gateway)| !gateway.attempts.is_empty())
            .map(|(eui, _)| eui)
            .collect();
        for gateway in waiting {
            self.expect_hello(gateway);
        }
    }

    /// Decides whatever is due.
    pub(crate) fn meet_deadlines(&mut self) {
        while let Some((at_us, deadline)) = self.deadlines.pop_due(self.now_us) {
            match deadline {
                Deadline::WarnTransfer { owner } => self.warn_transfer(owner),
                Deadline::WarnTrt { batch } => self.warn_of_trt(batch),
                Deadline::ExpireTransfer { owner } => self.expire_transfer(owner),
                Deadline::FreeBlocks { owner } => self.free_unless_wanted(owner),
                Deadline::RetireImage { owner } => self.retire_if_idle(owner, at_us),
                Deadline::VerifyAgain { owner } => self.verify(owner),
                Deadline::AttemptTimeout { activation } => {
                    self.give_up_attempt(activation, Outcome::AttemptTimeout);
                }
                Deadline::NoProgress { activation } => self.look_for_progress(activation),
                Deadline::SchedulesDue => self.end_what_is_due(),
                Deadline::GatewayAway { gateway } => self.gateway_stayed_away(gateway, at_us),
            }
        }
    }

    fn is_receiving(&self, owner: u64) -> bool {
        self.transfers
            .get(owner)
            .is_some_and(|transfer| transfer.state() == TransferState::Receiving)
    }

    fn warn_transfer(&mut self, owner: u64) {
        if self.is_receiving(owner) {
            self.record(Change::TransferWarned(TransferRef {
                owner,
                id: self.transfer_id(owner),
            }));
            self.transfer_changed(owner);
        }
    }

    fn expire_transfer(&mut self, owner: u64) {
        if !self.is_receiving(owner) {
            return;
        }
        self.record(Change::TransferEnded(TransferEnded {
            owner,
            end: TransferEnd::Expired.into(),
            reason: "TRANSFER_EXPIRED".to_owned(),
            message: "not all blocks came in time; open a new transfer".to_owned(),
            request: None,
            id: self.transfer_id(owner),
        }));
        self.free_unless_wanted(owner);
        self.transfer_changed(owner);
    }
}
