//! A transfer as its sender knows it, held against what the service says of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use dco_block::{ManufacturerImageHash, RawBlock, split};
use dco_client::{
    ClientError, OpenTransfer, RequestId, RetryPolicy, Transfer, TransferName, TransferState,
    UserClient,
};
use dco_tests::within;

use super::blocks::Told;

/// An OpenTransfer that was asked for, and all that was said of it.
pub(super) struct Opened {
    pub(super) request: OpenTransfer,
    /// What is sent; for an image that must be rejected not what the manifest says.
    bytes: Bytes,
    is_good: bool,
    /// The first answer.
    answer: Option<Transfer>,
    sent: BTreeSet<u32>,
    acknowledged: BTreeSet<u32>,
    cancel: Option<Cancel>,
    /// What was told of its end.
    end: Option<Transfer>,
}

struct Cancel {
    id: RequestId,
    is_acknowledged: bool,
}

impl Opened {
    /// Before it is asked for. An image whose bytes are not those declared must be rejected.
    pub(super) fn asked(request: OpenTransfer, bytes: Bytes, is_good: bool) -> Self {
        Self {
            request,
            bytes,
            is_good,
            answer: None,
            sent: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            cancel: None,
            end: None,
        }
    }

    /// Asks for it, for the first time or again; the answers must name one transfer.
    pub(super) async fn open(&mut self, user: &UserClient) -> Result<(), ClientError> {
        let answer = user.open_transfer(self.request.clone()).await?;
        self.is_as_asked(&answer);
        assert_eq!(answer.signed_request, self.request.signed_request);
        self.answer.get_or_insert(answer);
        Ok(())
    }

    pub(super) fn name(&self) -> TransferName {
        let name = self.answer.as_ref().and_then(|answer| answer.name);
        name.expect("it was acknowledged")
    }

    /// All of it was sent and acknowledged, other than by streams of its own.
    pub(super) fn was_sent(&mut self) {
        self.sent = (0..self.request.manifest.block_count()).collect();
        self.acknowledged.clone_from(&self.sent);
    }

    /// What SRV 11.3 names its image by.
    pub(super) fn image_hash(&self) -> ManufacturerImageHash {
        self.request.manifest.manufacturer_image_hash()
    }

    /// Whether its image can be activated.
    pub(super) fn is_stored(&self) -> bool {
        let end = self.end.as_ref();
        end.is_some_and(|end| end.state == TransferState::Stored)
    }

    /// Whether blocks can be sent for it.
    pub(super) fn wants_blocks(&self) -> bool {
        self.answer.is_some() && self.end.is_none() && self.cancel.is_none() && !self.is_complete()
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = RawBlock> {
        split(&self.bytes, self.request.manifest.block_bytes())
    }

    pub(super) fn missing(&self) -> Vec<RawBlock> {
        let blocks = self.blocks();
        blocks
            .filter(|block| !self.acknowledged.contains(&block.index))
            .collect()
    }

    /// Every block is acknowledged, so that a read-back follows.
    pub(super) fn is_complete(&self) -> bool {
        self.acknowledged.len() == self.request.manifest.block_count() as usize
    }

    /// From now on these may be held.
    pub(super) fn sends(&mut self, blocks: &[RawBlock]) {
        self.sent.extend(blocks.iter().map(|block| block.index));
    }

    /// Takes down what a stream brought; gives back the fault that is none of the transfer's.
    pub(super) fn heard(&mut self, told: Told) -> Option<ClientError> {
        self.acknowledged.extend(told.acknowledged);
        let fault = told.fault?;
        let is_over = match fault.reason() {
            Some("TRANSFER_NOT_RECEIVING") => true,
            Some("IMAGE_DIGEST_MISMATCH") => !self.is_good,
            _ => false,
        };
        if !is_over {
            return Some(fault);
        }
        let count = self.request.manifest.block_count() as usize;
        assert_eq!(
            self.sent.len(),
            count,
            "it is over before it was sent: {fault}"
        );
        None
    }

    /// Cancels it, for the first time or again.
    pub(super) async fn cancel(
        &mut self,
        user: &UserClient,
        fresh: RequestId,
    ) -> Result<(), ClientError> {
        let name = self.name();
        let cancel = self.cancel.get_or_insert(Cancel {
            id: fresh,
            is_acknowledged: false,
        });
        match user.cancel_transfer(name, cancel.id, false).await {
            Ok(answer) => {
                assert_eq!(answer.state, TransferState::Cancelled);
                cancel.is_acknowledged = true;
                self.is_as_asked(&answer);
                Ok(())
            }
            // Blocks of a sender that had hung up completed it in the meantime.
            Err(fault)
                if fault.reason() == Some("TRANSFER_NOT_RECEIVING")
                    && !cancel.is_acknowledged
                    && self.sent.len() == self.request.manifest.block_count() as usize =>
            {
                self.cancel = None;
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Waits for the 11.1 Response.
    pub(super) async fn settle(&mut self, user: &UserClient) -> Result<(), ClientError> {
        let once = RetryPolicy {
            tries_max: 0,
            ..RetryPolicy::default()
        };
        let watch = user.watch_transfer(self.name(), once);
        let end = within("the 11.1 Response", watch.settled()).await?;
        self.ends_as(end);
        Ok(())
    }

    /// After a start: asks again what was not answered, and if `again` also what was.
    pub(super) async fn ask_again(&mut self, user: &UserClient, again: bool) {
        if again || self.answer.is_none() {
            self.open(user).await.expect("the same id is taken again");
        }
        let Some(cancel) = &self.cancel else { return };
        if again || !cancel.is_acknowledged {
            let id = cancel.id;
            let cancelled = self.cancel(user, id).await;
            cancelled.expect("the same id is taken again");
        }
    }

    /// Holds a row of ListTransfers against what was told.
    pub(super) fn check_listed(&self, row: &Transfer) {
        self.is_as_asked(row);
        if self.cancel.is_some() {
            assert_eq!(row.state, TransferState::Cancelled, "{row:?}");
        }
        if let Some(end) = &self.end {
            assert_eq!((row.state, &row.response), (end.state, &end.response));
        }
    }

    /// Whether the list says all that can be said of it.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Holds the transfer itself against what was acknowledged; an image that is complete must be found good, or bad.
    pub(super) async fn check(&mut self, user: &UserClient, waits: bool) {
        let now = user.transfer(self.name()).await.expect("it is there");
        self.is_as_asked(&now);
        assert_eq!(now.signed_request, self.request.signed_request);
        if self.cancel.is_some() || now.is_settled() {
            return self.ends_as(now);
        }
        let held = held(&now);
        let lost: Vec<_> = self.acknowledged.difference(&held).collect();
        assert!(
            lost.is_empty(),
            "acknowledged and not held: {lost:?} of {now:?}"
        );
        let unsent: Vec<_> = held.difference(&self.sent).collect();
        assert!(
            unsent.is_empty(),
            "held and never sent: {unsent:?} of {now:?}"
        );
        self.acknowledged = held;
        let is_verifying = now.state == TransferState::Verifying;
        assert_eq!(is_verifying, self.is_complete(), "{now:?}");
        if is_verifying && waits {
            self.settle(user).await.expect("the service goes on");
        }
    }

    /// The same content as it was asked for, and as it was answered first.
    fn is_as_asked(&self, now: &Transfer) {
        assert_eq!(now.manifest, self.request.manifest);
        assert_eq!(now.block_count, self.request.manifest.block_count());
        assert_eq!(now.device_count as usize, self.request.devices.len());
        if let Some(first) = &self.answer {
            assert_eq!(
                (now.name, now.create_us, now.expire_us),
                (first.name, first.create_us, first.expire_us)
            );
        }
    }

    fn ends_as(&mut self, now: Transfer) {
        let expected = match (&self.cancel, self.is_good) {
            (Some(_), _) => TransferState::Cancelled,
            (None, true) => TransferState::Stored,
            (None, false) => TransferState::Rejected,
        };
        assert_eq!(now.state, expected, "{now:?}");
        if expected != TransferState::Cancelled {
            let count = self.request.manifest.block_count() as usize;
            assert_eq!(self.sent.len(), count, "blocks that nobody sent: {now:?}");
            assert!(now.response.is_some(), "{now:?}");
        }
        let end = self.end.get_or_insert_with(|| now.clone());
        assert_eq!((end.state, &end.response), (now.state, &now.response));
    }
}

fn held(transfer: &Transfer) -> BTreeSet<u32> {
    let missing: BTreeSet<u32> = transfer.missing.iter().cloned().flatten().collect();
    let held: BTreeSet<_> = (0..transfer.block_count)
        .filter(|index| !missing.contains(index))
        .collect();
    assert_eq!(held.len(), transfer.blocks_held as usize, "{transfer:?}");
    held
}
